import { boundary, cycleAt } from '../../../model/calendar.ts'
import type { Interval, Period } from '../../../model/calendar.ts'
import { earliest } from '../../../model/instant.ts'
import type { Instant } from '../../../model/instant.ts'
import type { Cancellation, Cycles, ObservedSubscription } from '../../../model/objects.ts'
import type { Observation } from '../../../model/observations.ts'
import type { SubscriptionStatus } from '../../../model/status.ts'
import type { Fields } from '../../../wire/fields.ts'
import { rankOf, said, textOf, timeOf } from './resource.ts'
import type { Resource } from './resource.ts'

/**
 * Airwallex's statuses by their meaning. UNPAID is a false friend: a payment failed and is still being retried.
 * `stage` rises over a subscription's life; states of one stage may follow each other in either order.
 *
 * @source airwallex.com/docs/api/billing/subscriptions
 */
const STATUSES: Readonly<Record<string, { readonly status: SubscriptionStatus; readonly stage: number }>> = {
  PENDING: { status: 'pending', stage: 0 },
  IN_TRIAL: { status: 'trialing', stage: 1 },
  ACTIVE: { status: 'active', stage: 2 },
  UNPAID: { status: 'past_due', stage: 2 },
  CANCELLED: { status: 'canceled', stage: 3 },
}

/** What an event's name says of the status, where a slim body does not. */
const STATUS_OF_EVENT: Readonly<Record<string, string>> = {
  'subscription.in_trial': 'IN_TRIAL',
  'subscription.active': 'ACTIVE',
  'subscription.unpaid': 'UNPAID',
  'subscription.cancelled': 'CANCELLED',
}

const UNITS: ReadonlyMap<string, Interval['unit']> = new Map([
  ['DAY', 'day'],
  ['WEEK', 'week'],
  ['MONTH', 'month'],
  ['YEAR', 'year'],
])

/** The longest cycle that the calendar counts. */
const MAX_COUNT = 1000

/** What a subscription of either generation says. */
export function observeSubscription(resource: Resource): readonly Observation[] {
  const { fields, id, stamp } = resource
  const word = fields.text('status') ?? STATUS_OF_EVENT[resource.type] ?? null
  const known = word !== null && Object.hasOwn(STATUSES, word) ? STATUSES[word] : undefined
  if (word !== null && known === undefined) fields.problem('status', 'expected a status of Airwallex’s documents')
  const value = subscriptionOf(resource, word, known?.status ?? 'unknown')
  const rank = rankOf(resource, known === undefined ? null : [known.stage, value.period?.until ?? 0])
  if (resource.whole) return [{ kind: 'snapshot', object: 'subscription', id, stamp, value, previous: null, rank }]
  return [{ kind: 'patch', object: 'subscription', id, stamp, fields: said(value), rank }]
}

function subscriptionOf(resource: Resource, word: string | null, status: SubscriptionStatus): ObservedSubscription {
  const { fields } = resource
  const interval = lengthOf(fields, 'recurring')
  const period = periodOf(
    timeOf(fields, 'current_period_starts_at', 'current_period_start_at'),
    timeOf(fields, 'current_period_ends_at', 'current_period_end_at'),
  )
  const startsAt = fields.iso('starts_at')
  const trial = trialOf(fields, startsAt)
  const ended = status === 'canceled'
  const cycles = cyclesOf(fields)
  const completed = ended && isCompleted(resource, cycles, period)
  return {
    customer: textOf(fields, 'billing_customer_id', 'customer_id'),
    status: completed ? 'completed' : status,
    providerStatus: word,
    plan: null,
    items: [],
    quantity: null,
    period,
    trial,
    createdAt: fields.iso('created_at'),
    startedAt: status === 'pending' ? null : startsAt,
    endedAt: ended ? endOf(resource) : null,
    cancel: completed ? null : cancellationOf(resource, ended),
    pause: null,
    collection: collectionOf(fields),
    latestInvoice: fields.text('latest_invoice_id'),
    cycles,
    paymentMethod: paymentMethodOf(fields),
    interval,
    anchor: anchorOf(fields, interval, period, trial?.until ?? startsAt),
    paidThrough: null,
    free: false,
    metadata: fields.texts('metadata'),
  }
}

/** How an invoice or a subscription is collected; null where the body does not say. */
export function collectionOf(fields: Fields): 'automatic' | 'manual' | null {
  const method = fields.text('collection_method')
  if (method === 'OUT_OF_BAND') return 'manual'
  if (method !== null) return 'automatic'
  // Up to 2025-04-25 a consent to be charged is the only way to collect.
  return fields.text('payment_consent_id') === null ? null : 'automatic'
}

/** A span of time if both its ends are there and in order. */
export function periodOf(from: Instant | null, until: Instant | null): Period | null {
  return from !== null && until !== null && from < until ? { from, until } : null
}

function trialOf(fields: Fields, startsAt: Instant | null): Period | null {
  const until = timeOf(fields, 'trial_ends_at', 'trial_end_at')
  return periodOf(timeOf(fields, 'trial_starts_at', 'trial_start_at') ?? startsAt ?? fields.iso('created_at'), until)
}

/**
 * From where cycles are counted. Where the body does not name it, the end of the trial or the start is the anchor, if the
 * current cycle really begins at a boundary counted from there; else the current cycle's own start.
 */
function anchorOf(
  fields: Fields,
  interval: Interval | null,
  period: Period | null,
  candidate: Instant | null,
): Instant | null {
  const named = fields.iso('billing_cycle_anchor_at')
  if (named !== null || period === null || interval === null) return named ?? candidate
  return candidate !== null && isBoundary(candidate, interval, period.from) ? candidate : period.from
}

function isBoundary(anchor: Instant, interval: Interval, at: Instant): boolean {
  try {
    return cycleAt(anchor, interval, at).from === at
  } catch {
    // Times thousands of years apart have no countable cycles between them: no boundary, and nothing to complain about.
    return false
  }
}

/** A length of time that the provider prints as `{ period: 1, period_unit: 'MONTH' }`. */
function lengthOf(fields: Fields, name: 'recurring' | 'duration'): Interval | null {
  const length = fields.object(name)
  const count = length?.integer('period') ?? null
  const unit = UNITS.get(length?.text('period_unit') ?? '')
  if (unit === undefined || count === null) return null
  if (count >= 1 && count <= MAX_COUNT) return { unit, count }
  length?.problem('period', `expected a whole number from 1 to ${MAX_COUNT}`)
  return null
}

function cyclesOf(fields: Fields): Cycles | null {
  const total = fields.integer('total_billing_cycles')
  const remaining = fields.integer('remaining_billing_cycles')
  return total === null && remaining === null ? null : { total, remaining, paid: null }
}

/**
 * Ended because its term was over, and not because somebody ended it or a payment was given up. A cycle count of zero is not
 * enough: a last cycle that is never paid is cut off before its end.
 */
function isCompleted(resource: Resource, cycles: Cycles | null, period: Period | null): boolean {
  const { fields, stamp } = resource
  if (fields.iso('cancel_requested_at') !== null || fields.boolean('cancel_at_period_end') === true) return false
  if (cycles !== null)
    return cycles.total !== null && cycles.remaining === 0 && (period === null || period.until <= stamp)
  const end = termEndOf(fields)
  return end !== null && end <= stamp
}

/** Where a fixed term ends: its length counted from the end of the trial or the start; null if there is no fixed term. */
function termEndOf(fields: Fields): Instant | null {
  const length = lengthOf(fields, 'duration')
  const start = timeOf(fields, 'billing_cycle_anchor_at', 'trial_ends_at', 'starts_at')
  if (length === null || start === null) return null
  try {
    return boundary(start, length, 1)
  } catch {
    // Past the year 9999: it does not end.
    return null
  }
}

/**
 * A cancellation that was asked for or has happened. `ends_at` and `cancel_at` alone are none: a subscription with a fixed
 * term shows the end of that term in them from its first day.
 */
function cancellationOf(resource: Resource, ended: boolean): Cancellation | null {
  const { fields } = resource
  const requestedAt = fields.iso('cancel_requested_at')
  const atPeriodEnd = fields.boolean('cancel_at_period_end') === true
  if (!ended && !atPeriodEnd) return null
  return {
    requestedAt,
    at: ended ? endOf(resource) : timeOf(fields, 'ends_at', 'cancel_at'),
    atPeriodEnd,
    // Nobody asked: the retries of a payment were used up.
    by: ended && requestedAt === null && !atPeriodEnd ? 'system' : 'unknown',
    reason: null,
  }
}

/** When it ended: at the end it was planned for, if that has come, else when it was told. */
function endOf(resource: Resource): Instant {
  const planned = timeOf(resource.fields, 'ends_at', 'cancel_at')
  return planned === null ? resource.stamp : earliest(planned, resource.stamp)
}

/** Null in so many words is "none"; a body that leaves the field out does not say, and the customer may have a default. */
function paymentMethodOf(fields: Fields): 'yes' | 'no' | 'unknown' {
  if (textOf(fields, 'payment_source_id', 'payment_consent_id') !== null) return 'yes'
  return fields.has('payment_source_id') || fields.has('payment_consent_id') ? 'no' : 'unknown'
}
