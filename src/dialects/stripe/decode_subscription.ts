import type { Interval, Period } from '../../model/calendar.ts'
import type { Currency } from '../../model/currency.ts'
import { isZero } from '../../model/money.ts'
import type { Cancellation, ObservedItem, ObservedSubscription, Pause, PlanRef } from '../../model/objects.ts'
import type { Observation } from '../../model/observations.ts'
import type { SubscriptionStatus } from '../../model/status.ts'
import type { Fields } from '../../wire/fields.ts'
import { readAmount } from './amounts.ts'
import { listed, previousOf, rankOf } from './decode_context.ts'
import type { EventContext } from './decode_context.ts'
import { WORDS } from './words.ts'

const STATUS_OF: ReadonlyMap<string, SubscriptionStatus> = new Map(Object.entries(WORDS.subscriptionStatuses))

/** `customer.subscription.*`: the whole subscription, and the notice that a trial ends. */
export function decodeSubscription(context: EventContext): readonly Observation[] {
  const id = context.object.text('id')
  if (id === null || context.object.text('status') === null) {
    context.object.problem(id === null ? 'id' : 'status', 'a subscription without an id or a status')
    return []
  }
  const value = readSubscription(context.object)
  const snapshot: Observation = {
    kind: 'snapshot',
    object: 'subscription',
    id,
    stamp: context.stamp,
    value,
    previous: previousOf(context, readSubscription),
    rank: rankOf(context, null),
  }
  if (context.type !== 'customer.subscription.trial_will_end') return [snapshot]
  const trialEndsAt = value.trial?.until ?? context.object.seconds('trial_end')
  return [
    snapshot,
    {
      kind: 'happening',
      what: 'trial_ending',
      stamp: context.stamp,
      key: `trial_ending|${id}|${trialEndsAt ?? ''}`,
      event: context.event,
      customer: value.customer,
      subscription: id,
      trialEndsAt,
      paymentMethod: value.paymentMethod,
    },
  ]
}

/** A subscription object of either generation: where a field moved, both places are looked at. */
function readSubscription(fields: Fields): ObservedSubscription {
  const currency = fields.currency('currency')
  const providerStatus = fields.text('status')
  const status = statusOf(fields, providerStatus)
  const lines = listed(fields, 'items')
  const items = lines.flatMap((item) => readItem(item, currency) ?? [])
  const period = readPeriod(fields, 'current_period_start', 'current_period_end') ?? latestPeriod(lines)
  const first = lines[0]
  return {
    customer: fields.reference('customer'),
    status,
    providerStatus,
    plan: items[0]?.plan ?? readOldPlan(fields),
    items,
    quantity: fields.integer('quantity') ?? items[0]?.quantity ?? null,
    period,
    trial: readPeriod(fields, 'trial_start', 'trial_end'),
    createdAt: fields.seconds('created'),
    startedAt: fields.seconds('start_date'),
    endedAt: fields.seconds('ended_at'),
    cancel: readCancellation(fields, status, period),
    pause: readPause(fields, status),
    collection: readCollection(fields),
    latestInvoice: fields.reference('latest_invoice'),
    cycles: null,
    paymentMethod:
      (fields.reference('default_payment_method') ?? fields.reference('default_source')) ? 'yes' : 'unknown',
    interval: first === undefined ? null : readInterval(first),
    anchor: fields.seconds('billing_cycle_anchor'),
    paidThrough: null,
    free: lines.length > 0 && items.length === lines.length && lines.every((line, index) => isFree(line, items[index])),
    metadata: fields.texts('metadata'),
  }
}

function statusOf(fields: Fields, word: string | null): SubscriptionStatus {
  const status = word === null ? undefined : STATUS_OF.get(word)
  if (status !== undefined) return status
  fields.problem('status', 'a status that is not known')
  return 'unknown'
}

/** `charge_automatically` or `send_invoice`. */
export function readCollection(fields: Fields): 'automatic' | 'manual' | null {
  const method = fields.text('collection_method')
  if (method === null) return null
  return method === 'send_invoice' ? 'manual' : 'automatic'
}

/** Null if the item does not say what it is an item of. */
function readItem(item: Fields, currency: Currency | null): ObservedItem | null {
  const price = item.object('price') ?? item.object('plan')
  const plan = price === null ? null : readPlan(price)
  if (price === null || plan === null) {
    if (price === null) item.problem('price', 'an item without a price')
    return null
  }
  return {
    id: item.text('id') ?? '',
    plan,
    quantity: item.integer('quantity'),
    unitAmount: readAmount(
      price,
      price.has('unit_amount') ? 'unit_amount' : 'amount',
      price.currency('currency') ?? currency,
    ),
  }
}

/** A price, or a plan of the older form; null without an id. */
function readPlan(price: Fields): PlanRef | null {
  const id = price.text('id')
  if (id === null) {
    price.problem('id', 'a price without an id')
    return null
  }
  return {
    id,
    name: price.text('nickname') ?? price.text('lookup_key'),
    group: null,
    product: price.reference('product'),
  }
}

/** The plan on the subscription itself: there with exactly one item. */
function readOldPlan(fields: Fields): PlanRef | null {
  const plan = fields.object('plan')
  return plan === null ? null : readPlan(plan)
}

function readInterval(item: Fields): Interval | null {
  const recurring = item.object('price')?.object('recurring') ?? item.object('plan')
  const unit = recurring?.text('interval') ?? null
  const count = recurring?.integer('interval_count') ?? 1
  if (unit !== 'day' && unit !== 'week' && unit !== 'month' && unit !== 'year') return null
  return count >= 1 ? { unit, count } : null
}

function isFree(line: Fields, item: ObservedItem | undefined): boolean {
  const recurring = line.object('price')?.object('recurring') ?? line.object('plan')
  return (
    item !== undefined &&
    item.unitAmount !== null &&
    isZero(item.unitAmount) &&
    recurring?.text('usage_type') !== 'metered'
  )
}

/** A span of two fields in seconds; null unless both are there and in order. */
export function readPeriod(fields: Fields, from: string, until: string): Period | null {
  const start = fields.seconds(from)
  const end = fields.seconds(until)
  if (start === null || end === null) return null
  if (end < start) {
    fields.problem(until, `ends before ${from}`)
    return null
  }
  return { from: start, until: end }
}

/** Items may run in different cycles: the one that ends last says how far the subscription reaches. */
function latestPeriod(lines: readonly Fields[]): Period | null {
  let latest: Period | null = null
  for (const line of lines) {
    const period = readPeriod(line, 'current_period_start', 'current_period_end')
    if (period !== null && (latest === null || period.until > latest.until)) latest = period
  }
  return latest
}

function readCancellation(fields: Fields, status: SubscriptionStatus, period: Period | null): Cancellation | null {
  const atPeriodEnd = fields.boolean('cancel_at_period_end') ?? false
  const planned = fields.seconds('cancel_at')
  if (!atPeriodEnd && planned === null && status !== 'canceled') return null
  const details = fields.object('cancellation_details')
  const reason = details?.text('reason') ?? null
  const endedAt = status === 'canceled' ? fields.seconds('ended_at') : null
  // Planned for the end of the cycle, and then ended at once: the plan is still shown.
  const cutOff = endedAt !== null && planned !== null && endedAt < planned
  return {
    requestedAt: fields.seconds('canceled_at'),
    at: endedAt ?? planned ?? (atPeriodEnd ? (period?.until ?? null) : null),
    atPeriodEnd: atPeriodEnd && !cutOff,
    by: readActor(details, reason),
    reason,
  }
}

function readActor(details: Fields | null, reason: string | null): Cancellation['by'] {
  if (reason === 'payment_failed' || reason === 'payment_disputed' || reason === 'canceled_by_retention_policy')
    return 'system'
  // Only the customer is asked for feedback; a request alone may have come from the app or from its staff.
  const feedback = details?.text('feedback') ?? details?.text('comment') ?? null
  return feedback === null ? 'unknown' : 'customer'
}

function readPause(fields: Fields, status: SubscriptionStatus): Pause | null {
  if (status === 'paused') {
    const paused = fields.object('status_details')?.object('paused') ?? null
    const type = paused?.object('subscription')?.text('type') ?? null
    return {
      scope: 'service',
      from: paused?.seconds('transitioned_at') ?? null,
      resumesAt: null,
      by: type === null ? 'unknown' : type === 'pause_requested' ? 'admin' : 'system',
    }
  }
  const collection = fields.object('pause_collection')
  if (collection === null) return null
  return { scope: 'collection', from: null, resumesAt: collection.seconds('resumes_at'), by: 'admin' }
}
