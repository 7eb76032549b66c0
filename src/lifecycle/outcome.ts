/** What a charge came to. */
import type { PaymentOutcome } from '../model/commands.ts'
import type { Payment } from '../model/entities.ts'
import { onActionRequired, onFailed } from './dunning.ts'
import { askRefund } from './refund.ts'
import { markPaid } from './settle.ts'
import { lookup, put, tell } from './step.ts'
import type { Step } from './step.ts'
import { can, movePayment } from './tables.ts'

/**
 * The payment service answered. An answer to an attempt that is decided, or was overtaken by another, changes nothing: the
 * same answer may come twice.
 */
export function decidePayment(step: Step, payment: Payment, attempt: number, outcome: PaymentOutcome): void {
  if (attempt !== payment.attempt) return
  switch (outcome.outcome) {
    case 'succeeded':
      if (can('payment', payment.status, 'succeed')) onSucceeded(step, payment)
      return
    case 'failed':
      if (can('payment', payment.status, 'fail')) onFailed(step, payment, outcome.failure)
      return
    case 'action_required':
      if (can('payment', payment.status, 'ask')) onActionRequired(step, payment)
      return
    case 'later':
      if (can('payment', payment.status, 'process')) onProcessing(step, payment)
      return
  }
}

function onSucceeded(step: Step, payment: Payment): void {
  const { at } = step.context
  const paid: Payment = {
    ...payment,
    status: movePayment(payment.status, 'succeed'),
    failure: null,
    updatedAt: at,
    decidedAt: at,
  }
  const detail = { amount: paid.amount, invoice: paid.invoice }
  tell(step, { kind: 'payment_succeeded', subject: paid.id, detail }, { payment: paid })
  const invoice = lookup(step.state.invoices, paid.invoice)
  if (invoice === null) return
  if (can('invoice', invoice.status, 'pay')) {
    markPaid(step, invoice, { payment: paid, outOfBand: false, counted: payment.status === 'requires_action' })
    return
  }
  // The invoice was voided, or paid in another way, while this charge was on its way: the money goes back.
  askRefund(step, paid, { id: null, amount: paid.amount, reason: 'invoice_not_payable' })
}

function onProcessing(step: Step, payment: Payment): void {
  const { at } = step.context
  const next: Payment = { ...payment, status: movePayment(payment.status, 'process'), updatedAt: at }
  tell(step, { kind: 'payment_processing', subject: next.id }, { payment: next })
}

/**
 * Answers the charge that a command has just asked for with an outcome that the command knows, so that nobody is asked.
 * The charge is taken back from the list.
 */
export function decideAtOnce(step: Step, outcome: PaymentOutcome | null): void {
  if (outcome === null) return
  const intent = step.charges.pop()
  if (intent === undefined) return
  const payment = lookup(step.state.payments, intent.paymentId)
  if (payment === null) return
  put(step, { payment: { ...payment, byHand: true } })
  decidePayment(step, { ...payment, byHand: true }, intent.attempt, outcome)
}
