import type { ObservedCheckout, ObservedSubscription } from '../../../model/objects.ts'
import type { Observation } from '../../../model/observations.ts'
import type { CheckoutStatus } from '../../../model/status.ts'
import { rankOf, said, textOf } from './resource.ts'
import type { Resource } from './resource.ts'

const STATUSES: Readonly<Record<string, CheckoutStatus>> = {
  ACTIVE: 'open',
  COMPLETED: 'completed',
  CANCELLED: 'canceled',
  EXPIRED: 'expired',
}

const STATUS_OF_EVENT: Readonly<Record<string, string>> = {
  'billing_checkout.created': 'ACTIVE',
  'billing_checkout.cancelled': 'CANCELLED',
  'billing_checkout.completed': 'COMPLETED',
}

/**
 * What a billing checkout says. Its line items name the prices that the subscription's own body leaves out, so a checkout
 * that names its subscription tells the subscription's plan too.
 */
export function observeCheckout(resource: Resource): readonly Observation[] {
  const { fields, id, stamp } = resource
  const word = fields.text('status') ?? STATUS_OF_EVENT[resource.type] ?? ''
  const status = Object.hasOwn(STATUSES, word) ? STATUSES[word] : undefined
  if (status === undefined) {
    fields.problem('status', 'expected a status of Airwallex’s documents')
    return []
  }
  const value: ObservedCheckout = {
    customer: textOf(fields, 'billing_customer_id', 'customer_id'),
    subscription: fields.text('subscription_id'),
    invoice: fields.text('invoice_id'),
    status,
    reference: null,
    createdAt: fields.iso('created_at'),
    metadata: fields.texts('metadata'),
  }
  const rank = rankOf(resource, [status === 'open' ? 0 : 1])
  const own: Observation = resource.whole
    ? { kind: 'snapshot', object: 'checkout', id, stamp, value, previous: null, rank }
    : { kind: 'patch', object: 'checkout', id, stamp, fields: said(value), rank }
  return [own, ...planOf(resource, value)]
}

function planOf(resource: Resource, checkout: ObservedCheckout): readonly Observation[] {
  if (checkout.subscription === null) return []
  const [line] = resource.fields.objects('line_items')
  const price = line?.text('price_id') ?? null
  const fields: Partial<ObservedSubscription> = {
    ...(checkout.customer === null ? {} : { customer: checkout.customer }),
    ...(price === null ? {} : { plan: { id: price, name: null, group: null, product: null } }),
  }
  return [
    {
      kind: 'patch',
      object: 'subscription',
      id: checkout.subscription,
      stamp: resource.stamp,
      fields,
      rank: { version: null, verb: 'updated', event: resource.event },
    },
  ]
}
