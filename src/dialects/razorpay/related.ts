import type { Payment, View } from '../../model/entities.ts'
import type { Told } from '../../model/facts.ts'
import type { JsonObject } from '../../model/json.ts'
import { invoiceEntity, orderEntity, paymentEntity, refundEntity, tokenEntity } from './money_entities.ts'

type NamedEntity = readonly [name: string, entity: JsonObject]

/** An event before it has an id: its type and the entities of its payload, in the order of `contains`. */
export interface Draft {
  readonly type: string
  readonly entities: readonly NamedEntity[]
}

type Tell = (view: View) => readonly Draft[]

const TELLS: Partial<Record<Told['kind'], Tell>> = {
  payment_succeeded: (view) => withPayment(view, captured),
  payment_failed: (view) =>
    withPayment(view, (payment) => [{ type: 'payment.failed', entities: [paymentOf(payment, view)] }]),
  payment_processing: (view) =>
    withPayment(view, (payment) => [{ type: 'payment.authorized', entities: [paymentOf(payment, view)] }]),
  invoice_paid: (view) => invoiceEvent('invoice.paid', view, paidBy(view)),
  invoice_uncollectible: (view) => invoiceEvent('invoice.expired', view, []),
  payment_refunded: (view) => refundEvents(['refund.created', 'refund.processed'], view),
  refund_updated: (view) => (view.after.refund?.status === 'failed' ? refundEvents(['refund.failed'], view) : []),
  payment_method_attached: (view) => tokenEvent('token.confirmed', view),
  payment_method_detached: (view) => tokenEvent('token.cancelled', view),
}

/**
 * Events beside the ten about subscriptions: an account has them only if it asks for them, because a charge then sends four
 * events that tell the same.
 */
export function relatedEvents(told: Told, view: View): readonly Draft[] {
  return TELLS[told.kind]?.(view) ?? []
}

function withPayment(view: View, tell: (payment: Payment, view: View) => readonly Draft[]): readonly Draft[] {
  return view.after.payment === null ? [] : tell(view.after.payment, view)
}

function invoiceEvent(type: string, view: View, before: readonly NamedEntity[]): readonly Draft[] {
  const { invoice } = view.after
  return invoice === null ? [] : [{ type, entities: [...before, ['invoice', invoiceEntity(invoice, view)]] }]
}

function refundEvents(types: readonly string[], view: View): readonly Draft[] {
  const { refund, payment } = view.after
  if (refund === null) return []
  const entities: readonly NamedEntity[] = [
    ['refund', refundEntity(refund, payment)],
    ...(payment === null ? [] : [paymentOf(payment, view)]),
  ]
  return types.map((type) => ({ type, entities }))
}

function tokenEvent(type: 'token.confirmed' | 'token.cancelled', view: View): readonly Draft[] {
  const method = view.after.payment_method
  return method === null ? [] : [{ type, entities: [['token', tokenEntity(method, type === 'token.confirmed')]] }]
}

function paymentOf(payment: Payment, view: View): NamedEntity {
  return ['payment', paymentEntity(payment, view, 'boolean')]
}

function captured(payment: Payment, view: View): readonly Draft[] {
  const order = orderEntity(payment, view.after.invoice)
  return [
    { type: 'payment.captured', entities: [paymentOf(payment, view)] },
    { type: 'order.paid', entities: [paymentOf(payment, view), ['order', order]] },
  ]
}

/** The payment and the order of an invoice, if money moved for it. */
function paidBy(view: View): readonly NamedEntity[] {
  const payment = view.after.payment ?? view.attempted
  if (payment === null || payment.invoice !== view.after.invoice?.id) return []
  return [paymentOf(payment, view), ['order', orderEntity(payment, view.after.invoice)]]
}
