/** What follows from a failed attempt: the next one, and in the end what the profile says. */
import type { Invoice, Payment, Subscription } from '../model/entities.ts'
import { addMs } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { PaymentFailure } from '../model/objects.ts'
import { isTerminal } from '../model/status.ts'
import { cancelPayment } from './charge.ts'
import { endNow } from './end.ts'
import { voidInvoice, writeOff } from './invoice.ts'
import { becomePastDue, becomeUnpaid, edit, nextCharge } from './moves.ts'
import { lookup, put, tell } from './step.ts'
import type { Step } from './step.ts'
import { movePayment } from './tables.ts'

/** An attempt failed. */
export function onFailed(step: Step, payment: Payment, failure: PaymentFailure): void {
  const { at } = step.context
  const invoice = lookup(step.state.invoices, payment.invoice)
  const failed: Payment = {
    ...payment,
    status: movePayment(payment.status, 'fail'),
    failure,
    updatedAt: at,
    decidedAt: at,
  }
  const owed = invoice !== null && invoice.status === 'open' ? attempted(step, invoice, payment) : null
  const { amount, attempt } = failed
  const nextAttemptAt = owed?.nextAttemptAt ?? null
  const detail = { amount, invoice: failed.invoice, attempt, nextAttemptAt, failure }
  tell(step, { kind: 'payment_failed', subject: failed.id, detail }, { payment: failed })
  if (owed !== null) tellFailedInvoice(step, owed, failed, failure)
}

/** The invoice after one more attempt that brought no money, with the next attempt planned. */
function attempted(step: Step, invoice: Invoice, payment: Payment): Invoice {
  const { at } = step.context
  // Attempts by hand do not count as retries; one that the customer had to confirm was counted then.
  const extra = (payment.byHand === true && invoice.attempts > 0) || payment.status === 'requires_action'
  const attempts = extra ? invoice.attempts : invoice.attempts + 1
  const firstFailedAt = invoice.firstFailedAt ?? at
  const planned = nextAttempt(step, { ...invoice, attempts, firstFailedAt })
  return {
    ...invoice,
    attempts,
    firstFailedAt,
    nextAttemptAt: extra ? invoice.nextAttemptAt : planned,
    updatedAt: at,
  }
}

function nextAttempt(step: Step, invoice: Invoice): Instant | null {
  const { profile, at } = step.context
  const { retriesMs, counted } = profile.dunning
  if (!invoice.autoAdvance || invoice.collection === 'manual' || waits(step, invoice)) return null
  const offset = retriesMs[invoice.attempts - 1]
  if (offset === undefined) return null
  const from = counted === 'from_previous' ? at : (invoice.firstFailedAt ?? at)
  const planned = addMs(from, offset)
  return planned > at ? planned : addMs(at, offset)
}

/** Invoices that wait for the customer and are not retried: the first one, a pending change, a resumption. */
function waits(step: Step, invoice: Invoice): boolean {
  const subscription = lookup(step.state.subscriptions, invoice.subscription)
  if (subscription === null) return false
  if (isTerminal(subscription.status)) return true
  if (subscription.pendingChange?.invoice === invoice.id || subscription.resumption?.invoice === invoice.id) return true
  const first = subscription.status === 'incomplete' || subscription.status === 'pending'
  return first && step.context.profile.start.firstFailure === 'wait'
}

function tellFailedInvoice(step: Step, invoice: Invoice, payment: Payment, failure: PaymentFailure): void {
  const subscription = lookup(step.state.subscriptions, invoice.subscription)
  const { attempts: attempt, nextAttemptAt, amountDue: amount } = invoice
  const detail = { attempt, nextAttemptAt, amount, failure }
  const say = (touched: Subscription | null): void => {
    const entities = { invoice, payment, ...(touched === null ? {} : { subscription: touched }) }
    tell(step, { kind: 'invoice_payment_failed', subject: invoice.id, detail }, entities)
  }
  if (subscription === null || isTerminal(subscription.status)) return say(null)
  const counted = countFailure(step, subscription, invoice)
  const falls = !waits(step, invoice) && invoice.collection === 'automatic' && fallsFrom(subscription)
  if (falls && step.context.profile.order.failure === 'past_due_then_failed') {
    put(step, { invoice })
    say(becomePastDue(step, counted, invoice, 'payment_failed'))
  } else {
    say(counted)
    if (falls) becomePastDue(step, counted, invoice, 'payment_failed')
  }
  const last = nextAttemptAt === null && invoice.collection === 'automatic' && payment.byHand !== true
  if (last && !waits(step, invoice)) exhaust(step, invoice)
}

function fallsFrom(subscription: Subscription): boolean {
  const { status } = subscription
  return status === 'active' || status === 'trialing' || status === 'pending' || status === 'past_due'
}

function countFailure(step: Step, subscription: Subscription, invoice: Invoice): Subscription {
  const next = edit(step, subscription, { failedAttempts: invoice.attempts })
  return { ...next, nextChargeAt: invoice.nextAttemptAt ?? nextCharge(step, next) }
}

/** The retries have ended: the invoice, its payment and the subscription become what the profile says. */
export function exhaust(step: Step, invoice: Invoice): void {
  const { dunning } = step.context.profile
  const open = lookup(step.state.invoices, invoice.id) ?? invoice
  if (dunning.cancelsPayment) cancelPayment(step, open)
  if (dunning.invoice === 'uncollectible') writeOff(step, open)
  if (dunning.invoice === 'void') voidInvoice(step, open)
  const subscription = lookup(step.state.subscriptions, invoice.subscription)
  if (subscription === null || subscription.status !== 'past_due') return
  const last = lookup(step.state.invoices, invoice.id) ?? open
  switch (dunning.subscription) {
    case 'cancel':
      endNow(step, subscription, { by: 'system', reason: 'payment_failed', superseded: false })
      return
    case 'unpaid':
    case 'halt':
      becomeUnpaid(step, subscription, last)
      return
    case 'stay_past_due':
      return
  }
}

/** The customer must confirm the payment. It counts as an attempt; retries go on meanwhile where they do for a failure. */
export function onActionRequired(step: Step, payment: Payment): void {
  const { at } = step.context
  const asked: Payment = { ...payment, status: movePayment(payment.status, 'ask'), updatedAt: at, decidedAt: at }
  tell(step, { kind: 'payment_action_required', subject: asked.id }, { payment: asked })
  const invoice = lookup(step.state.invoices, asked.invoice)
  if (invoice === null || invoice.status !== 'open') return
  const owed = attempted(step, invoice, payment)
  const subscription = lookup(step.state.subscriptions, owed.subscription)
  const live = subscription !== null && !isTerminal(subscription.status) ? subscription : null
  const counted = live === null ? null : countFailure(step, live, owed)
  tell(
    step,
    { kind: 'invoice_action_required', subject: owed.id },
    { invoice: owed, payment: asked, ...(counted === null ? {} : { subscription: counted }) },
  )
  if (counted === null || waits(step, owed) || owed.collection === 'manual' || !fallsFrom(counted)) return
  becomePastDue(step, counted, owed, 'payment_failed')
  if (owed.nextAttemptAt === null && asked.byHand !== true) exhaust(step, owed)
}
