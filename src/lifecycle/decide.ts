import type { Command } from '../model/commands.ts'
import { BillhookError } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import type { Context, CustomerState, Decision, DueContext } from './state.ts'

/**
 * What a command does to a customer's aggregate. Pure: the same arguments give the same tellings and the same ids. A
 * command that is not possible is refused with a code and changes nothing.
 */
export function decide(command: Command, state: CustomerState, context: Context): Decision {
  throw new BillhookError('internal_invariant', `not written yet: ${command.kind} ${state.id} ${context.at}`)
}

/** What the clock does: all that is due at `context.at` or before, in one deterministic order. Never refused. */
export function advance(state: CustomerState, context: Context): Decision & { readonly ok: true } {
  throw new BillhookError('internal_invariant', `not written yet: ${state.id} ${context.at}`)
}

/** When {@link advance} has something to do next; null: not before a command. */
export function due(state: CustomerState, context: DueContext): Instant | null {
  throw new BillhookError('internal_invariant', `not written yet: ${state.id} ${context.profile.id}`)
}
