import type { Instant } from '../../model/instant.ts'
import type { Actor } from '../../model/status.ts'
import type { ObservedSubscription, PlanRef } from '../../model/objects.ts'
import type { Happening, Observation, Patch, Problem, Rank } from '../../model/observations.ts'
import { Fields } from '../../wire/fields.ts'
import { evidenceOf } from '../dialect.ts'
import type { Decoded, Notification } from '../dialect.ts'
import { KNOWN_TYPES } from './catalogue.ts'
import { timeOf } from './wire.ts'

/** What every billing event says, whatever its shape: no two public sources agree on one. */
interface Telling {
  readonly data: Fields
  readonly stamp: Instant
  /** The signed id; a hash of the claims where there is none. */
  readonly event: string
  readonly customer: string | null
  /** Ids of the app's own user or organization. */
  readonly users: readonly string[]
  readonly agreement: string | null
  readonly plan: PlanRef | null
  readonly by: Actor
}

/**
 * What a Kinde event tells. The shape of `data` is not published: the names here are those that Kinde's own components
 * read from real deliveries, flat and nested.
 *
 * @source kinde-oss/kinde-convex-billing src/client/index.ts, kinde-oss/kinde-convex-agent-billing src/component/kinde.ts
 */
export function decode(notification: Notification): Decoded {
  const problems: Problem[] = []
  if (!KNOWN_TYPES.has(notification.type)) return { observations: [], unknown: true, problems }
  if (!isBilling(notification.type)) return { observations: [], unknown: false, problems }
  const claims = new Fields(notification.body, problems)
  const data = claims.object('data')
  const stamp = timeOf(notification.body)
  if (data === null) claims.problem('data', 'expected an object')
  if (stamp === null) claims.problem('timestamp', 'expected an ISO 8601 time')
  if (data === null || stamp === null) return { observations: [], unknown: false, problems }
  const telling = tellingOf(claims, data, { stamp, event: evidenceOf(notification) })
  if (telling.customer === null && telling.agreement === null) {
    data.problem('customer_id', 'the event names neither a customer nor an agreement')
    return { observations: [], unknown: false, problems }
  }
  const told = observe(notification.type, telling)
  return { observations: [...linkOf(telling), ...told], unknown: false, problems }
}

function isBilling(type: string): boolean {
  return type.startsWith('customer.') && type !== 'customer.plan_created'
}

function tellingOf(claims: Fields, data: Fields, event: Pick<Telling, 'stamp' | 'event'>): Telling {
  const users = [data.text('user_id'), data.text('org_code')].filter((id) => id !== null)
  return {
    data,
    ...event,
    customer:
      data.text('customer_id') ??
      innerId(data, 'customer') ??
      data.text('org_code') ??
      data.text('user_id') ??
      claims.text('customer_id'),
    users,
    agreement: data.text('agreement_id') ?? innerId(data, 'agreement') ?? data.text('customer_agreement_id'),
    plan: planOf(data),
    by: actorOf(claims),
  }
}

function observe(type: string, telling: Telling): readonly Observation[] {
  switch (type) {
    case 'customer.agreement_created':
      return agreement(telling, 'created', {
        status: 'active',
        startedAt: telling.stamp,
        createdAt: telling.stamp,
        ...periodOf(telling),
      })
    case 'customer.agreement_cancelled':
      return agreement(telling, 'deleted', {
        status: 'canceled',
        endedAt: telling.stamp,
        cancel: { requestedAt: telling.stamp, at: telling.stamp, atPeriodEnd: false, by: telling.by, reason: null },
      })
    case 'customer.plan_assigned':
      return [...known(telling), happening(telling, { what: 'plan_assigned', plan: telling.plan })]
    case 'customer.plan_changed':
      return [...known(telling), happening(telling, { what: 'changed', plan: telling.plan })]
    case 'customer.payment_succeeded':
      return [...known(telling), paymentSucceeded(telling)]
    case 'customer.payment_failed':
      return [...known(telling), paymentFailed(telling)]
    case 'customer.invoice_overdue':
      return [...known(telling), invoiceOverdue(telling)]
    case 'customer.meter_usage_updated':
      return [...known(telling), ...usage(telling)]
    default:
      return []
  }
}

/**
 * An agreement was made or ended. Kinde's plan change makes a new agreement and ends the old one; the two are told in
 * either order, so each event speaks of its own agreement alone.
 */
function agreement(
  telling: Telling,
  verb: Rank['verb'],
  fields: Partial<ObservedSubscription>,
): readonly Observation[] {
  if (telling.agreement === null) {
    telling.data.problem('agreement_id', 'the event names no agreement')
    return []
  }
  return [patch(telling.agreement, telling, verb, { ...identity(telling), ...fields })]
}

/** The agreement exists and is of this customer and plan: true of every event that names it, also of the first to come. */
function known(telling: Telling): readonly Observation[] {
  return telling.agreement === null ? [] : [patch(telling.agreement, telling, 'updated', identity(telling))]
}

function identity(telling: Telling): Partial<ObservedSubscription> {
  return {
    // "Creates a new billing agreement …, and cancels the customer's existing agreements": one per plan group.
    exclusive: true,
    ...(telling.customer === null ? {} : { customer: telling.customer }),
    ...(telling.plan === null ? {} : { plan: telling.plan }),
  }
}

function patch(id: string, telling: Telling, verb: Rank['verb'], fields: Partial<ObservedSubscription>): Patch {
  return { kind: 'patch', object: 'subscription', id, stamp: telling.stamp, fields, rank: rankOf(telling, verb) }
}

function linkOf(telling: Telling): readonly Observation[] {
  if (telling.customer === null || telling.users.length === 0) return []
  return [
    {
      kind: 'patch',
      object: 'customer',
      id: telling.customer,
      stamp: telling.stamp,
      fields: { users: telling.users },
      rank: rankOf(telling, 'updated'),
    },
  ]
}

function paymentSucceeded(telling: Telling): Observation {
  return happening(telling, {
    what: 'payment_succeeded',
    invoice: null,
    amount: null,
    paidThrough: nextDate(telling),
    activates: true,
  })
}

function paymentFailed(telling: Telling): Observation {
  return happening(telling, {
    what: 'payment_failed',
    invoice: null,
    attempt: null,
    nextAttemptAt: null,
    amount: null,
    failure: { code: null, message: null, retryable: 'unknown' },
    pastDue: true,
    // The invoice is due when its cycle starts.
    cycle: telling.data.iso('invoice_due_on'),
  })
}

function invoiceOverdue(telling: Telling): Observation {
  return happening(telling, {
    what: 'invoice_overdue',
    invoice: null,
    dueAt: telling.data.iso('invoice_due_on'),
    pastDue: true,
  })
}

function usage(telling: Telling): readonly Observation[] {
  const meter =
    telling.data.text('meter_id') ??
    telling.data.text('billing_feature_code') ??
    telling.data.text('feature_code') ??
    innerId(telling.data, 'meter')
  const quantity = quantityOf(telling.data)
  if (meter === null) telling.data.problem('meter_id', 'the event names no meter')
  if (meter === null || quantity === null) return []
  const mode = telling.data.text('meter_type_code') === 'delta' ? 'delta' : 'total'
  return [happening(telling, { what: 'usage', meter, quantity, mode })]
}

/** A happening without what all of them share. */
type Told = Happening extends infer H ? (H extends Happening ? Omit<H, SharedKey> : never) : never
type SharedKey = 'kind' | 'stamp' | 'key' | 'event' | 'customer' | 'subscription'

/** Kinde's payments and plan changes can truly repeat and carry no id of their own, so the signed id is the key. */
function happening(telling: Telling, told: Told): Observation {
  const { stamp, event, customer, agreement } = telling
  return { kind: 'happening', stamp, key: `${told.what}|${event}`, event, customer, subscription: agreement, ...told }
}

function rankOf(telling: Telling, verb: Rank['verb']): Rank {
  return { version: null, verb, event: telling.event }
}

function periodOf(telling: Telling): Partial<ObservedSubscription> {
  const until = nextDate(telling)
  return until === null ? {} : { period: { from: telling.stamp, until } }
}

/**
 * The end of the cycle that the event speaks of: the first of the two dates that lies after the event. A date before it is
 * that of a cycle that was being paid late, and ends nothing.
 */
function nextDate(telling: Telling): Instant | null {
  const dates = [telling.data.iso('invoice_due_on'), telling.data.iso('next_billing_date')]
  return dates.find((date) => date !== null && date > telling.stamp) ?? null
}

function planOf(data: Fields): PlanRef | null {
  // A plan by its bare name is a code.
  const bare = typeof data.get('plan') === 'string' ? data.text('plan') : null
  const plan = bare === null ? data.object('plan') : null
  const id =
    plan?.text('code') ??
    plan?.text('key') ??
    plan?.text('id') ??
    bare ??
    data.text('plan_code') ??
    data.text('plan_id')
  if (id === null || id === undefined) return null
  return {
    id,
    name: plan?.text('name') ?? data.text('plan_name'),
    group: plan?.text('billing_group_id') ?? plan?.text('group_id') ?? data.text('billing_group_id'),
    product: null,
  }
}

/** Who did it, by the claim `source`: the customer, an admin, or a program of which nobody knows for whom it acted. */
function actorOf(claims: Fields): Actor {
  const source = claims.text('source')
  if (source === 'user') return 'customer'
  return source === 'admin' ? 'admin' : 'unknown'
}

/** The id of a nested object: `data.customer.id`. A text in its place is the id itself. */
function innerId(data: Fields, key: string): string | null {
  return data.has(key) ? data.reference(key) : null
}

/** A quantity as decimal text. Zero is a quantity. */
function quantityOf(data: Fields): string | null {
  const value = data.get('quantity') ?? data.get('meter_value') ?? null
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : ''
  if (/^-?\d{1,30}(?:\.\d{1,30})?$/.test(text)) return text
  data.problem('quantity', 'expected a decimal number')
  return null
}
