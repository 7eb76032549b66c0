import type { ObservedPayment } from '../../../model/objects.ts'
import type { Observation } from '../../../model/observations.ts'
import type { PaymentStatus } from '../../../model/status.ts'
import type { Fields } from '../../../wire/fields.ts'
import { rankOf, said, textOf } from './resource.ts'
import type { Resource } from './resource.ts'

const STATUSES: Readonly<Record<string, PaymentStatus>> = {
  CREATED: 'initiated',
  SUCCEEDED: 'succeeded',
  CANCELLED: 'canceled',
  FAILED: 'failed',
}

const STATUS_OF_EVENT: Readonly<Record<string, string>> = {
  'billing_transaction.created': 'CREATED',
  'billing_transaction.succeeded': 'SUCCEEDED',
  'billing_transaction.cancelled': 'CANCELLED',
}

/** What a billing transaction says: a payment, or with `type` REFUND money that went back. */
export function observeTransaction(resource: Resource): readonly Observation[] {
  const { fields, id, stamp } = resource
  const word = fields.text('status') ?? STATUS_OF_EVENT[resource.type] ?? ''
  const status = Object.hasOwn(STATUSES, word) ? STATUSES[word] : undefined
  if (status === undefined) {
    fields.problem('status', 'expected a status of Airwallex’s documents')
    return []
  }
  const value = paymentOf(resource, status)
  if (fields.text('type') === 'REFUND') return status === 'succeeded' ? [refundOf(resource, value)] : []
  // Decided once and never again, so the decision wins over the creation of the same second.
  const rank = rankOf(resource, [status === 'initiated' ? 0 : 1])
  if (resource.whole) return [{ kind: 'snapshot', object: 'payment', id, stamp, value, previous: null, rank }]
  return [{ kind: 'patch', object: 'payment', id, stamp, fields: said(value), rank }]
}

function paymentOf(resource: Resource, status: PaymentStatus): ObservedPayment {
  const { fields } = resource
  return {
    customer: textOf(fields, 'billing_customer_id', 'customer_id'),
    invoice: invoiceOf(fields, resource.whole),
    subscription: null,
    status,
    amount: fields.major('amount', fields.currency('currency')),
    refunded: null,
    failure: null,
    // The payment intent.
    alias: fields.text('external_id'),
    createdAt: fields.iso('created_at'),
  }
}

function invoiceOf(fields: Fields, whole: boolean): ObservedPayment['invoice'] {
  const id = fields.text('invoice_id')
  if (id !== null) return { id }
  return whole ? 'none' : 'unknown'
}

function refundOf(resource: Resource, value: ObservedPayment): Observation {
  return {
    kind: 'happening',
    what: 'payment_refunded',
    stamp: resource.fields.iso('succeeded_at') ?? resource.stamp,
    key: `payment_refunded|${resource.id}`,
    event: resource.event,
    customer: value.customer,
    subscription: null,
    invoice: typeof value.invoice === 'object' ? value.invoice.id : null,
    payment: null,
    refund: resource.id,
    amount: value.amount,
  }
}
