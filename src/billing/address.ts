import type { Command, CommandKind } from '../model/commands.ts'
import type { StateKind } from '../lifecycle/state.ts'

/** The entity whose owner a command concerns; null where the caller names the customer. */
export interface Address {
  readonly kind: StateKind
  readonly id: string
}

/** Which member of a command names the entity that it is about, by kind of command. */
const NAMED = {
  'subscription.update': ['subscription', 'id'],
  'subscription.cancel': ['subscription', 'id'],
  'subscription.pause': ['subscription', 'id'],
  'subscription.resume': ['subscription', 'id'],
  'subscription.authorize': ['subscription', 'id'],
  'subscription.retry': ['subscription', 'id'],
  'subscription.change_payment_method': ['subscription', 'id'],
  'subscription.cancel_scheduled_change': ['subscription', 'id'],
  'agreement.cancel': ['subscription', 'id'],
  'invoice.add_line': ['invoice', 'id'],
  'invoice.finalize': ['invoice', 'id'],
  'invoice.pay': ['invoice', 'id'],
  'invoice.pay_out_of_band': ['invoice', 'id'],
  'invoice.send': ['invoice', 'id'],
  'invoice.void': ['invoice', 'id'],
  'invoice.mark_uncollectible': ['invoice', 'id'],
  'invoice.mark_overdue': ['invoice', 'id'],
  'invoice.delete': ['invoice', 'id'],
  'invoice_item.delete': ['invoice_item', 'id'],
  'payment_method.detach': ['payment_method', 'id'],
  'payment.decided': ['payment', 'payment'],
  'refund.create': ['payment', 'payment'],
  'refund.decided': ['refund', 'refund'],
  'checkout.complete': ['checkout', 'id'],
  'checkout.cancel': ['checkout', 'id'],
  'checkout.expire': ['checkout', 'id'],
  'usage.report': ['subscription', 'subscription'],
  'gate.acknowledged': ['invoice', 'invoice'],
  'gate.given_up': ['invoice', 'invoice'],
} as const satisfies Partial<Record<CommandKind, readonly [StateKind, string]>>

/** Which entity a command is about, so that its customer can be found. */
export function addressOf(command: Command): Address | null {
  const named = Object.entries(NAMED).find(([kind]) => kind === command.kind)?.[1]
  if (named === undefined) return null
  const [kind, member] = named
  const id = Object.entries(command).find(([name]) => name === member)?.[1]
  return typeof id === 'string' ? { kind, id } : null
}
