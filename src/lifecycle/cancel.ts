/** Ending a subscription: now, or at the end of its cycle. */
import type { SubscriptionCommand } from '../model/commands.ts'
import type { Invoice, InvoiceItem, Subscription } from '../model/entities.ts'
import { formatInstantShort } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { negate } from '../model/money.ts'
import type { Actor } from '../model/status.ts'
import { billRest, endNow } from './end.ts'
import { draftInvoice, finalizeInvoice } from './invoice.ts'
import { requireSubscription } from './lookup.ts'
import { edit, nextCharge } from './moves.ts'
import { shareOfRest } from './rest_of_cycle.ts'
import { lookup, refuse, tell } from './step.ts'
import type { Step } from './step.ts'
import { can } from './tables.ts'

type Cancel = Extract<SubscriptionCommand, { kind: 'subscription.cancel' }>

/** @throws BillhookError `not_found`, `invalid_transition` if it has ended already */
export function cancelSubscription(step: Step, command: Cancel): void {
  const subscription = requireCancelable(step, command.id)
  const end = command.when === 'period_end' ? periodEnd(subscription) : null
  if (end !== null) {
    scheduleCancel(step, subscription, { at: end, atPeriodEnd: true, by: command.by, reason: command.reason })
    return
  }
  if (command.prorate === true) creditRest(step, subscription)
  if (command.invoiceNow === true) billRest(step, subscription)
  const current = lookup(step.state.subscriptions, subscription.id) ?? subscription
  const { by, reason } = command
  endNow(step, { ...current, cancel: null }, { by, reason, superseded: false })
  if (command.invoiceNow === true) billCredits(step, current)
}

/** @throws BillhookError `not_found`, `invalid_transition` */
function requireCancelable(step: Step, id: string): Subscription {
  const subscription = requireSubscription(step, id)
  if (!can('subscription', subscription.status, 'cancel'))
    refuse('invalid_transition', `subscription ${id} is ${subscription.status} and cannot be canceled`, 'id')
  return subscription
}

/** When the cycle, or the trial, that runs now ends; null if none runs. */
export function periodEnd(subscription: Subscription): Instant | null {
  if (subscription.status === 'trialing') return subscription.trial?.until ?? null
  return subscription.period?.until ?? null
}

/** Plans the end. */
export function scheduleCancel(
  step: Step,
  subscription: Subscription,
  plan: { readonly at: Instant; readonly atPeriodEnd: boolean; readonly by: Actor; readonly reason: string | null },
): Subscription {
  const { at, atPeriodEnd, by, reason } = plan
  if (at < step.context.at) refuse('invalid_request', `the end ${formatInstantShort(at)} lies before now`, 'cancelAt')
  const cancel = { requestedAt: step.context.at, at, atPeriodEnd, by, reason }
  const next = edit(step, subscription, { cancel })
  const planned = { ...next, nextChargeAt: nextCharge(step, next) }
  const detail = { at, atPeriodEnd, by }
  tell(step, { kind: 'subscription_cancel_scheduled', subject: next.id, detail }, { subscription: planned })
  return planned
}

/** Takes a planned end back. */
export function unscheduleCancel(step: Step, subscription: Subscription): Subscription {
  if (subscription.cancel === null) return subscription
  const next = edit(step, subscription, { cancel: null })
  const planned = { ...next, nextChargeAt: nextCharge(step, next) }
  tell(step, { kind: 'subscription_cancel_unscheduled', subject: next.id, detail: {} }, { subscription: planned })
  return planned
}

/** Puts the unused rest of the cycle aside as a credit. Nothing is credited for a cycle that was not paid. */
function creditRest(step: Step, subscription: Subscription): void {
  for (const item of restOf(step, subscription)) {
    tell(step, { kind: 'invoice_item_created', subject: item.id }, { invoice_item: item })
  }
}

/** The credits for the rest of the cycle, one per item that was paid in advance. */
export function restOf(step: Step, subscription: Subscription): readonly InvoiceItem[] {
  const invoice = lookup(step.state.invoices, subscription.latestInvoice)
  if (subscription.status === 'trialing' || !paysFor(invoice, subscription)) return []
  return shareOfRest(step, subscription, (part, name) => ({
    amount: negate(part),
    description: `Unused time on ${name}`,
  }))
}

/** A cycle that is still owed is not credited: the credit would be money that was never paid. */
function paysFor(invoice: Invoice | null, subscription: Subscription): boolean {
  if (subscription.status === 'past_due' || subscription.status === 'unpaid') return false
  return invoice === null || invoice.status !== 'void'
}

/** Bills what is put aside for a subscription that has ended. */
function billCredits(step: Step, subscription: Subscription): void {
  const waiting = Object.values(step.state.invoiceItems).some(
    (item) => item.invoice === null && item.subscription === subscription.id,
  )
  if (!waiting) return
  const { at } = step.context
  const ended = lookup(step.state.subscriptions, subscription.id) ?? subscription
  const invoice = draftInvoice(step, {
    id: step.context.mint('invoice'),
    subscription: ended,
    reason: 'other',
    currency: ended.currency,
    lines: [],
    period: { from: at, until: at },
    collection: ended.collection,
    dueAt: null,
    finalize: 'now',
    autoAdvance: true,
    pendingItems: true,
  })
  finalizeInvoice(step, invoice)
}
