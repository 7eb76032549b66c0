/** Giving money back. */
import type { RefundDecision } from '../model/commands.ts'
import type { Payment, Refund } from '../model/entities.ts'
import { add, compareMoney, money, subtract, sum } from '../model/money.ts'
import type { Money } from '../model/money.ts'
import { lookup, put, refuse, tell } from './step.ts'
import type { Step } from './step.ts'
import { can, moveRefund } from './tables.ts'

/** Asks for a refund. @throws BillhookError `invalid_transition`, `invalid_money`, `currency_mismatch` */
export function askRefund(
  step: Step,
  payment: Payment,
  wanted: { readonly id: string | null; readonly amount: Money | null; readonly reason: string | null },
): Refund {
  if (payment.status !== 'succeeded')
    refuse(
      'invalid_transition',
      `payment ${payment.id} is ${payment.status}: only what was paid can be refunded`,
      'payment',
    )
  const left = refundable(step, payment)
  const amount = wanted.amount ?? left
  if (amount.currency !== payment.amount.currency)
    refuse('currency_mismatch', `a refund in ${amount.currency} of a payment in ${payment.amount.currency}`, 'amount')
  if (amount.minor <= 0n || compareMoney(amount, left) > 0)
    refuse('invalid_money', `${amount.minor} cannot be refunded: ${left.minor} are left`, 'amount')
  const refund: Refund = {
    id: wanted.id ?? step.context.mint('refund'),
    payment: payment.id,
    invoice: payment.invoice,
    customer: step.state.id,
    amount,
    status: moveRefund(null, 'ask'),
    reason: wanted.reason,
    createdAt: step.context.at,
  }
  if (lookup(step.state.refunds, refund.id) !== null) refuse('conflict', `refund ${refund.id} already exists`, 'id')
  put(step, { refund })
  step.refunds.push({ refundId: refund.id, paymentId: payment.id, amount })
  return refund
}

/** What has neither been given back nor been asked for. */
function refundable(step: Step, payment: Payment): Money {
  const asked = Object.values(step.state.refunds)
    .filter((refund) => refund.payment === payment.id && refund.status === 'pending')
    .map((refund) => refund.amount)
  return subtract(subtract(payment.amount, payment.refunded), sum(asked, payment.amount.currency))
}

/** The payment service answered a refund. Told twice, it changes nothing. */
export function decideRefund(step: Step, refund: Refund, decision: RefundDecision): void {
  switch (decision.outcome) {
    case 'later':
      return
    case 'failed': {
      if (!can('refund', refund.status, 'fail')) return
      const failed: Refund = { ...refund, status: moveRefund(refund.status, 'fail') }
      const payment = lookup(step.state.payments, refund.payment)
      tell(
        step,
        { kind: 'refund_updated', subject: failed.id },
        { refund: failed, ...(payment === null ? {} : { payment }) },
      )
      return
    }
    case 'succeeded':
      if (can('refund', refund.status, 'succeed')) onRefunded(step, refund)
      return
  }
}

function onRefunded(step: Step, refund: Refund): void {
  const { at } = step.context
  const payment = lookup(step.state.payments, refund.payment)
  if (payment === null) return
  const done: Refund = { ...refund, status: moveRefund(refund.status, 'succeed') }
  const refunded: Payment = { ...payment, refunded: add(payment.refunded, refund.amount), updatedAt: at }
  const invoice = lookup(step.state.invoices, payment.invoice)
  const settled =
    invoice !== null && invoice.status === 'paid' && !invoice.paidOutOfBand && invoice.payment === payment.id
  const credited = settled ? { ...invoice, refunded: add(invoice.refunded, refund.amount), updatedAt: at } : null
  const total = money(refunded.refunded.minor, refunded.refunded.currency)
  const full = compareMoney(refunded.refunded, refunded.amount) >= 0
  tell(
    step,
    {
      kind: 'payment_refunded',
      subject: refunded.id,
      detail: { amount: refund.amount, total, full, invoice: refunded.invoice },
    },
    { payment: refunded, refund: done, ...(credited === null ? {} : { invoice: credited }) },
  )
  const waited = refund.createdAt < at
  if (waited) tell(step, { kind: 'refund_updated', subject: done.id }, { refund: done, payment: refunded })
}
