import type { ObservedCheckout, ObservedCustomer } from '../../model/objects.ts'
import type { Observation } from '../../model/observations.ts'
import type { CheckoutStatus } from '../../model/status.ts'
import type { Fields } from '../../wire/fields.ts'
import { previousOf, rankOf } from './decode_context.ts'
import type { EventContext } from './decode_context.ts'

/** Metadata keys under which apps commonly keep their own id of a user or organization. */
const USER_KEYS = [
  'user_id',
  'userId',
  'user',
  'account_id',
  'accountId',
  'organization_id',
  'organizationId',
  'org_id',
  'orgId',
  'team_id',
  'teamId',
  'workspace_id',
  'workspaceId',
  'tenant_id',
  'tenantId',
  'external_id',
  'externalId',
  'reference_id',
  'referenceId',
] as const

/** `customer.created`, `.updated`, `.deleted`. */
export function decodeCustomer(context: EventContext): readonly Observation[] {
  const id = context.object.text('id')
  if (id === null) {
    context.object.problem('id', 'a customer without an id')
    return []
  }
  const deleted = context.type === 'customer.deleted' || context.object.boolean('deleted') === true
  return [
    {
      kind: 'snapshot',
      object: 'customer',
      id,
      stamp: context.stamp,
      value: readCustomer(context.object, deleted),
      previous: previousOf(context, (fields) => readCustomer(fields, false)),
      rank: rankOf(context, null),
    },
  ]
}

function readCustomer(fields: Fields, deleted: boolean): ObservedCustomer {
  const metadata = fields.texts('metadata')
  const method =
    fields.object('invoice_settings')?.reference('default_payment_method') ?? fields.reference('default_source')
  return {
    users: usersIn(metadata),
    email: fields.text('email'),
    name: fields.text('name'),
    paymentMethod: method === null ? 'no' : 'yes',
    deleted,
  }
}

function usersIn(metadata: Readonly<Record<string, string>>): readonly string[] {
  const found = USER_KEYS.flatMap((key) => {
    const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined
    return value === undefined || value === '' ? [] : [value]
  })
  return [...new Set(found)]
}

/** `checkout.session.*`. */
export function decodeCheckout(context: EventContext): readonly Observation[] {
  const fields = context.object
  const id = fields.text('id')
  const status = checkoutStatus(fields)
  if (id === null || status === null) {
    if (id === null) fields.problem('id', 'a checkout session without an id')
    return []
  }
  return [
    {
      kind: 'snapshot',
      object: 'checkout',
      id,
      stamp: context.stamp,
      value: readCheckout(fields, status),
      previous: null,
      rank: rankOf(context, [status === 'open' ? 0 : 1, fields.text('payment_status') === 'unpaid' ? 0 : 1]),
    },
  ]
}

function checkoutStatus(fields: Fields): CheckoutStatus | null {
  const word = fields.text('status')
  if (word === 'open' || word === 'expired') return word
  if (word === 'complete') return 'completed'
  fields.problem('status', word === null ? 'a checkout session without a status' : 'a status that is not known')
  return null
}

function readCheckout(fields: Fields, status: CheckoutStatus): ObservedCheckout {
  const metadata = fields.texts('metadata')
  return {
    customer: fields.reference('customer'),
    subscription: fields.reference('subscription'),
    invoice: fields.reference('invoice'),
    status,
    reference: fields.text('client_reference_id') ?? usersIn(metadata)[0] ?? null,
    createdAt: fields.seconds('created'),
    metadata,
  }
}

/** `billing.alert.triggered`: how much a customer has used of a meter. */
export function decodeAlert(context: EventContext): readonly Observation[] {
  const fields = context.object
  const meter = fields.object('alert')?.object('usage_threshold')?.reference('meter') ?? null
  const value = fields.get('value')
  const customer = fields.reference('customer')
  if (meter === null || typeof value !== 'number' || customer === null) {
    fields.problem('value', 'an alert without a customer, a meter or a value')
    return []
  }
  return [
    {
      kind: 'happening',
      what: 'usage',
      stamp: context.stamp,
      key: `usage|${context.event}`,
      event: context.event,
      customer,
      subscription: null,
      meter,
      quantity: String(value),
      mode: 'total',
    },
  ]
}
