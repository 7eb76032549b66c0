import type { Instant } from '../../model/instant.ts'
import { isObject } from '../../model/json.ts'
import type { ObservedCustomer, ObservedPayment, ObservedSubscription } from '../../model/objects.ts'
import type { Observation, Problem, Rank } from '../../model/observations.ts'
import type { PaymentStatus } from '../../model/status.ts'
import { Fields } from '../../wire/fields.ts'
import { sha256Hex } from '../../wire/hmac.ts'
import type { Decoded, Notification } from '../dialect.ts'
import { CATALOGUE } from './catalogue.ts'
import { failureOf } from './failures.ts'
import {
  invoiceOf,
  invoiceStatusOf,
  invoiceVersion,
  paymentOf,
  paymentStatusOf,
  paymentVersion,
  subscriptionOf,
  subscriptionVersion,
} from './objects.ts'
import type { PaymentLinks } from './objects.ts'

const TYPES = new Set(CATALOGUE.map((entry) => entry.type))

/** Notes under which apps keep their own user's id. Notes are the merchant's: others mean nothing to us. */
const USER_NOTES = [
  'user_id',
  'userId',
  'user',
  'app_user_id',
  'customer_ref',
  'organization_id',
  'org_id',
  'tenant_id',
]

/** What every reader of one body needs. */
interface Context {
  readonly type: string
  readonly at: Instant
  /** Stands for the event in ranks and evidence: a hash of the signed body, the header's id being unsigned. */
  readonly event: string
}

/**
 * What a delivery tells. The shape decides, not `contains`: samples exist whose list lacks an entity that is there.
 */
export function decode(notification: Notification): Decoded {
  if (!TYPES.has(notification.type)) return { observations: [], unknown: true, problems: [] }
  const problems: Problem[] = []
  const body = new Fields(notification.body, problems)
  if (notification.createdAt === null) {
    body.problem('created_at', 'expected the time of the event, found none')
    return { observations: [], unknown: false, problems }
  }
  const context: Context = {
    type: notification.type,
    at: notification.createdAt,
    event: sha256Hex(JSON.stringify(notification.body)),
  }
  const payload = body.object('payload')
  if (payload === null) {
    body.problem('payload', 'expected a payload, found none')
    return { observations: [], unknown: false, problems }
  }
  reportMissing(body, payload)
  return { observations: observationsOf(context, payload), unknown: false, problems }
}

/** `contains` lists the entities of the payload. One that is missing is a fault; one too many is printed in a sample. */
function reportMissing(body: Fields, payload: Fields): void {
  for (const name of body.list('contains')) {
    if (typeof name === 'string' && !payload.has(name)) body.problem('contains', `${name} is listed and not there`)
  }
}

function observationsOf(context: Context, payload: Fields): readonly Observation[] {
  const payment = entityOf(payload, 'payment')
  const family = context.type.slice(0, context.type.indexOf('.'))
  switch (family) {
    case 'subscription':
      return ofSubscription(context, payload, payment)
    case 'invoice':
      return ofInvoice(context, payload, payment)
    case 'refund':
      return ofRefund(context, payload, payment)
    case 'payment':
    case 'order':
      return payment === null ? [] : ofPayment(context, readPayment(payment, { subscription: null, customer: null }))
    case 'token':
      return ofToken(context, payload)
    default:
      return []
  }
}

/** An entity of the payload: `{payment: {entity: {…}}}`. */
function entityOf(payload: Fields, name: string): Fields | null {
  const wrapper = payload.object(name)
  if (wrapper === null) return null
  if (isObject(wrapper.get('entity'))) return wrapper.object('entity')
  if (wrapper.has('id')) return wrapper
  wrapper.problem('entity', 'expected an object')
  return null
}

/** The id of an entity, or a problem: without it there is nothing to fold into. */
function idOf(entity: Fields | null, name: string, payload: Fields): string | null {
  const id = entity?.text('id') ?? null
  if (id === null) payload.problem(name, `expected a ${name} entity with an id, found none`)
  return id
}

function ofSubscription(context: Context, payload: Fields, payment: Fields | null): readonly Observation[] {
  const entity = entityOf(payload, 'subscription')
  const id = idOf(entity, 'subscription', payload)
  if (entity === null || id === null) return []
  const value = subscriptionOf(entity, { type: context.type, at: context.at, payment })
  const observations: Observation[] = [
    {
      kind: 'snapshot',
      object: 'subscription',
      id,
      stamp: context.at,
      value,
      previous: null,
      rank: { version: subscriptionVersion(value), verb: 'updated', event: context.event },
    },
  ]
  const links = { subscription: id, customer: value.customer }
  const paid = payment === null ? null : readPayment(payment, links)
  if (paid !== null) observations.push(...ofPayment(context, paid))
  if (context.type === 'subscription.charged') observations.push(...invoiceOfCharge(context, value, links, paid))
  if (context.type === 'subscription.pending' || context.type === 'subscription.halted')
    observations.push(...ofFailure(context, entity, { id, value, paid }))
  observations.push(...ofCustomer(context, value.customer, { users: usersOf(value.metadata) }))
  return observations
}

/** A charge pays the invoice of the current cycle; the invoice itself comes with another event, if it is asked for. */
function invoiceOfCharge(
  context: Context,
  subscription: ObservedSubscription,
  links: PaymentLinks,
  paid: PaymentRead | null,
): readonly Observation[] {
  if (paid?.status !== 'succeeded' || typeof paid.value.invoice === 'string') return []
  const { invoice, amount, createdAt } = paid.value
  return [
    {
      kind: 'patch',
      object: 'invoice',
      id: invoice.id,
      stamp: context.at,
      fields: {
        ...links,
        status: 'paid',
        total: amount,
        amountPaid: amount,
        period: subscription.period,
        paidAt: createdAt ?? context.at,
        collection: 'automatic',
      },
      rank: rankOf(context, null),
    },
  ]
}

interface Failing {
  readonly id: string
  readonly value: ObservedSubscription
  readonly paid: PaymentRead | null
}

/** A failed attempt. Most bodies show no payment: the attempt is counted by the subscription itself. */
function ofFailure(context: Context, entity: Fields, failing: Failing): readonly Observation[] {
  const { id, value, paid } = failing
  const attempt = entity.integer('auth_attempts')
  const failed = paid?.status === 'failed'
  if (!failed && (attempt === null || attempt < 1)) return []
  const cycle = value.period?.from ?? null
  const invoice = paid !== null && typeof paid.value.invoice !== 'string' ? paid.value.invoice.id : null
  return [
    {
      kind: 'happening',
      what: 'payment_failed',
      stamp: context.at,
      // The same attempt told again, with or without its payment, is the same happening.
      key: `${id}/${cycle ?? 'start'}/attempt/${attempt ?? paid?.fields.text('id') ?? context.event}`,
      event: context.event,
      customer: value.customer,
      subscription: id,
      invoice,
      attempt,
      nextAttemptAt: context.type === 'subscription.pending' ? entity.seconds('charge_at') : null,
      amount: failed ? paid.value.amount : null,
      failure: failed ? failureOf(paid.fields) : { code: null, message: null, retryable: 'unknown' },
      // The subscription's own status says it.
      pastDue: false,
      cycle,
    },
  ]
}

/** A payment entity as it was read. */
interface PaymentRead {
  readonly fields: Fields
  /** Null for a word that is not known: of the value, all but the status counts then. */
  readonly status: PaymentStatus | null
  readonly value: ObservedPayment
}

function readPayment(fields: Fields, links: PaymentLinks): PaymentRead {
  const status = paymentStatusOf(fields)
  return { fields, status, value: paymentOf(fields, links, status ?? 'initiated') }
}

function ofPayment(context: Context, { fields, status, value }: PaymentRead): readonly Observation[] {
  const id = fields.text('id')
  if (id === null) {
    fields.problem('id', 'expected an id, found none')
    return []
  }
  const { status: _guess, failure: _none, ...others } = value
  const at = { object: 'payment', id, stamp: context.at } as const
  return [
    status === null
      ? { kind: 'patch', ...at, fields: others, rank: rankOf(context, null) }
      : { kind: 'snapshot', ...at, value, previous: null, rank: rankOf(context, paymentVersion(value)) },
    ...ofCustomer(context, value.customer, { email: fields.text('email') }),
  ]
}

function ofInvoice(context: Context, payload: Fields, payment: Fields | null): readonly Observation[] {
  const entity = entityOf(payload, 'invoice')
  const id = idOf(entity, 'invoice', payload)
  if (entity === null || id === null) return []
  const status = invoiceStatusOf(entity, context.type)
  const value = invoiceOf(entity, status ?? 'open')
  const { status: _guess, ...others } = value
  const details = entity.object('customer_details')
  const links = { subscription: value.subscription, customer: value.customer }
  const at = { object: 'invoice', id, stamp: context.at } as const
  return [
    status === null
      ? { kind: 'patch', ...at, fields: others, rank: rankOf(context, null) }
      : { kind: 'snapshot', ...at, value, previous: null, rank: rankOf(context, invoiceVersion(value)) },
    ...(payment === null ? [] : ofPayment(context, readPayment(payment, links))),
    ...ofCustomer(context, value.customer, {
      name: details?.text('name') ?? null,
      email: details?.text('email') ?? null,
      users: usersOf(entity.texts('notes')),
    }),
  ]
}

/**
 * The payment beside a refund says how much was given back so far; without it, the refund alone tells. A refund that failed
 * gave nothing back.
 */
function ofRefund(context: Context, payload: Fields, payment: Fields | null): readonly Observation[] {
  if (payment !== null) return ofPayment(context, readPayment(payment, { subscription: null, customer: null }))
  const refund = entityOf(payload, 'refund')
  const id = idOf(refund, 'refund', payload)
  if (refund === null || id === null || refund.text('status') !== 'processed') return []
  return [
    {
      kind: 'happening',
      what: 'payment_refunded',
      stamp: context.at,
      key: id,
      event: context.event,
      customer: null,
      subscription: null,
      invoice: null,
      payment: refund.text('payment_id'),
      refund: id,
      amount: refund.minor('amount', refund.currency('currency')),
    },
  ]
}

/** A mandate says whether its customer can be charged; most bodies do not name the customer. */
function ofToken(context: Context, payload: Fields): readonly Observation[] {
  const token = entityOf(payload, 'token')
  if (token === null) return []
  const paymentMethod = context.type === 'token.confirmed' ? 'yes' : 'no'
  return ofCustomer(context, token.text('customer_id'), { paymentMethod })
}

/** What is known of a customer, without the parts that say nothing. */
function ofCustomer(context: Context, id: string | null, known: Partial<ObservedCustomer>): readonly Observation[] {
  const { users, email, name, paymentMethod } = known
  const fields: Partial<ObservedCustomer> = {
    ...(users === undefined || users.length === 0 ? {} : { users }),
    ...(email === undefined || email === null ? {} : { email }),
    ...(name === undefined || name === null ? {} : { name }),
    ...(paymentMethod === undefined ? {} : { paymentMethod }),
  }
  if (id === null || Object.keys(fields).length === 0) return []
  return [{ kind: 'patch', object: 'customer', id, stamp: context.at, fields, rank: rankOf(context, null) }]
}

function usersOf(notes: Readonly<Record<string, string>>): readonly string[] {
  const found = USER_NOTES.flatMap((key) => {
    const value = Object.hasOwn(notes, key) ? notes[key] : undefined
    return value === undefined || value === '' ? [] : [value]
  })
  return [...new Set(found)]
}

function rankOf(context: Context, version: readonly number[] | null): Rank {
  return { version, verb: 'updated', event: context.event }
}
