/** What follows from the payment of an invoice, for the invoice and for all that waited for it. */
import type { Invoice, Payment, Subscription } from '../model/entities.ts'
import { zero } from '../model/money.ts'
import { isTerminal } from '../model/status.ts'
import { completeCheckoutOf } from './checkout_end.ts'
import { invoicesOf, openInvoices } from './lookup.ts'
import { activate, becomeAuthorized, complete, edit, nextCharge } from './moves.ts'
import { applyPendingChange, completeResumption } from './pending.ts'
import { lookup, tell } from './step.ts'
import type { Step } from './step.ts'
import { moveInvoice } from './tables.ts'

/** How an invoice was paid. `payment` null: nothing was due, or it was paid elsewhere. */
export interface Paid {
  readonly payment: Payment | null
  readonly outOfBand: boolean
  /** True if the attempt that brought the money was counted before, when the customer had to confirm it. */
  readonly counted?: boolean
}

/**
 * The invoice is paid: it is told, and what waited for it happens, in the profile's order. Subscriptions become active,
 * pending changes and resumptions take effect, the last cycle completes, a checkout completes.
 */
export function markPaid(step: Step, invoice: Invoice, paid: Paid): void {
  const subscription = lookup(step.state.subscriptions, invoice.subscription)
  if (subscription === null || isTerminal(subscription.status)) {
    tellPaid(step, invoice, paid, null)
    completeCheckoutOf(step, { invoice: invoice.id, subscription: null })
    return
  }
  const on = wakesBy(step, subscription, invoice)
  const order = on === 'recover' ? step.context.profile.order.recovery : step.context.profile.order.firstCharge
  const renewed = isCycle(subscription, invoice) && invoice.reason === 'cycle' && subscription.cycles.paid > 0
  const counted = countPaid(step, subscription, invoice)
  if (on !== null && order === 'activated_then_paid') {
    const active = activate(step, counted, on)
    tellPaid(step, invoice, paid, active)
  } else {
    tellPaid(step, invoice, paid, counted)
  }
  if (renewed) tellRenewed(step, invoice)
  if (on !== null && order === 'paid_then_activated') activate(step, current(step, counted), on)
  finishWaiting(step, invoice)
}

/** The invoice is no longer owed, although it was not paid: a subscription that was past due for it alone is active again. */
export function forgive(step: Step, invoice: Invoice): void {
  const subscription = lookup(step.state.subscriptions, invoice.subscription)
  if (subscription === null || subscription.status !== 'past_due') return
  if (owes(step, subscription, invoice)) return
  activate(step, subscription, 'recover')
}

function finishWaiting(step: Step, invoice: Invoice): void {
  applyPendingChange(step, invoice)
  completeResumption(step, invoice)
  const subscription = lookup(step.state.subscriptions, invoice.subscription)
  if (subscription === null) return
  const agreed = subscription.authorization?.authorizedAt ?? null
  if (subscription.status === 'pending' && agreed !== null && subscription.cycle === null)
    becomeAuthorized(step, subscription)
  const { total, invoiced } = subscription.cycles
  const last = total !== null && invoiced >= total && step.context.profile.completion === 'on_last_invoice'
  if (last && subscription.status === 'active' && isCycle(subscription, invoice)) complete(step, subscription)
  completeCheckoutOf(step, { invoice: invoice.id, subscription: subscription.id })
}

/** By which trigger this payment makes the subscription active; null: it does not change its status. */
function wakesBy(step: Step, subscription: Subscription, invoice: Invoice): 'paid' | 'recover' | null {
  switch (subscription.status) {
    case 'incomplete':
    case 'pending':
    case 'trialing':
      return isCycle(subscription, invoice) ? 'paid' : null
    case 'past_due':
    case 'unpaid':
      return owes(step, subscription, invoice) ? null : 'recover'
    case 'authorized':
    case 'active':
    case 'paused':
    case 'canceled':
    case 'completed':
    case 'expired':
    case 'unknown':
      return null
  }
}

/** True if an invoice other than this one still keeps the subscription from being active. */
function owes(step: Step, subscription: Subscription, invoice: Invoice): boolean {
  if (step.context.profile.dunning.recovery === 'only_subsequent') return false
  if (invoice.id === subscription.latestInvoice || invoice.id === latestFinal(step, subscription)) return false
  return openInvoices(step, subscription.id).some(
    (other) => other.id !== invoice.id && (other.attempts > 0 || other.overdueAt !== null),
  )
}

function latestFinal(step: Step, subscription: Subscription): string | null {
  const final = invoicesOf(step, subscription.id).filter((invoice) => invoice.status !== 'draft')
  return final.at(-1)?.id ?? null
}

/** True if the invoice bills a cycle: not the zero invoice of a trial, not a change, not an upfront amount. */
function isCycle(subscription: Subscription, invoice: Invoice): boolean {
  if (invoice.reason !== 'first' && invoice.reason !== 'cycle') return false
  return subscription.trial === null || invoice.period.from !== subscription.trial.from
}

function countPaid(step: Step, subscription: Subscription, invoice: Invoice): Subscription {
  const { cycles } = subscription
  const collected = invoice.id === subscription.latestInvoice
  const next = edit(step, subscription, {
    cycles: isCycle(subscription, invoice) ? { ...cycles, paid: cycles.paid + 1 } : cycles,
    failedAttempts: collected ? 0 : subscription.failedAttempts,
  })
  return { ...next, nextChargeAt: nextCharge(step, next) }
}

function tellPaid(
  step: Step,
  invoice: Invoice,
  { payment, outOfBand, counted }: Paid,
  subscription: Subscription | null,
): void {
  const { at } = step.context
  const byCharge = payment !== null && counted !== true
  const next: Invoice = {
    ...invoice,
    status: moveInvoice(invoice.status, 'pay'),
    amountPaid: invoice.amountDue,
    amountDue: zero(invoice.currency),
    attempts: byCharge ? invoice.attempts + 1 : invoice.attempts,
    nextAttemptAt: null,
    autoAdvance: false,
    payment: payment?.id ?? invoice.payment,
    paidOutOfBand: outOfBand,
    paidAt: at,
    updatedAt: at,
  }
  const detail = { amount: next.amountPaid, number: next.number, period: servicePeriod(next), outOfBand }
  tell(
    step,
    { kind: 'invoice_paid', subject: next.id, detail },
    { invoice: next, ...(payment === null ? {} : { payment }), ...(subscription === null ? {} : { subscription }) },
  )
}

function tellRenewed(step: Step, invoice: Invoice): void {
  const subscription = lookup(step.state.subscriptions, invoice.subscription)
  const paid = lookup(step.state.invoices, invoice.id)
  if (subscription === null || paid === null) return
  const detail = { invoice: invoice.id, period: servicePeriod(invoice) }
  tell(step, { kind: 'subscription_renewed', subject: subscription.id, detail }, { subscription, invoice: paid })
}

/** The period that an invoice of a subscription pays for; null for the others. */
function servicePeriod(invoice: Invoice): Invoice['period'] | null {
  return invoice.subscription === null ? null : invoice.period
}

function current(step: Step, subscription: Subscription): Subscription {
  return lookup(step.state.subscriptions, subscription.id) ?? subscription
}
