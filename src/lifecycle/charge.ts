/** Asking for money: a payment per invoice, an attempt per charge. The charge itself is made outside, by the shell. */
import type { Invoice, Payment, PaymentMethod } from '../model/entities.ts'
import { zero } from '../model/money.ts'
import { methodFor, paymentInFlight } from './lookup.ts'
import { lookup, put, tell } from './step.ts'
import type { Step } from './step.ts'
import { movePayment } from './tables.ts'

/** Who asks: the engine by its schedule, or somebody by hand. */
export type AskedBy = 'engine' | 'hand'

/**
 * Charges an open invoice once: its payment is told at the first attempt, further attempts are seen in their outcome.
 * Nothing happens while an attempt is on its way.
 */
export function charge(step: Step, invoice: Invoice, by: AskedBy, method: PaymentMethod | null = null): void {
  if (paymentInFlight(step, invoice) !== null) return
  const payment = openPayment(step, invoice)
  const { at } = step.context
  const subscription = lookup(step.state.subscriptions, invoice.subscription)
  const chosen = method ?? methodFor(step, invoice, subscription)
  const next: Payment = {
    ...payment,
    status: payment.status === 'initiated' ? 'initiated' : movePayment(payment.status, 'retry'),
    amount: invoice.amountDue,
    method: chosen?.id ?? null,
    attempt: payment.attempt + 1,
    byHand: by === 'hand',
    updatedAt: at,
  }
  put(step, { payment: next })
  step.charges.push({
    paymentId: next.id,
    attempt: next.attempt,
    amount: next.amount,
    methodId: next.method,
    invoiceId: invoice.id,
  })
}

/** Opens the invoice's payment without charging: the customer is to pay it. */
export function openPayment(step: Step, invoice: Invoice): Payment {
  const known = lookup(step.state.payments, invoice.payment)
  if (known !== null && known.status !== 'canceled') return known
  const { at } = step.context
  const subscription = lookup(step.state.subscriptions, invoice.subscription)
  const payment: Payment = {
    id: known === null && invoice.payment !== null ? invoice.payment : step.context.mint('payment'),
    customer: step.state.id,
    invoice: invoice.id,
    subscription: invoice.subscription,
    amount: invoice.amountDue,
    status: movePayment(null, 'initiate'),
    method: methodFor(step, invoice, subscription)?.id ?? null,
    attempt: 0,
    failure: null,
    refunded: zero(invoice.currency),
    createdAt: at,
    updatedAt: at,
    decidedAt: null,
  }
  if (known === null && invoice.payment !== null) {
    // An invoice taken over with attempts behind it: its payment was told elsewhere.
    put(step, { payment: { ...payment, status: 'failed', attempt: invoice.attempts, decidedAt: invoice.updatedAt } })
    return lookup(step.state.payments, payment.id) ?? payment
  }
  const next: Invoice = { ...invoice, payment: payment.id }
  tell(
    step,
    { kind: 'payment_initiated', subject: payment.id, detail: { amount: payment.amount, invoice: invoice.id } },
    { payment, invoice: next },
  )
  return payment
}

/** A payment that nobody will try again is told as canceled; one that is on its way, or succeeded, is left alone. */
export function cancelPayment(step: Step, invoice: Invoice): void {
  const payment = lookup(step.state.payments, invoice.payment)
  if (payment === null) return
  const { status } = payment
  const inFlight = paymentInFlight(step, invoice) !== null
  if (inFlight || (status !== 'initiated' && status !== 'failed' && status !== 'requires_action')) return
  const { at } = step.context
  const next: Payment = { ...payment, status: movePayment(status, 'cancel'), updatedAt: at, decidedAt: at }
  tell(
    step,
    { kind: 'payment_canceled', subject: next.id, detail: { amount: next.amount, invoice: next.invoice } },
    { payment: next },
  )
}
