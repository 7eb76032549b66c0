import { boundary, cycle, EXACT_UTC } from '../../model/calendar.ts'
import type { BoundaryRule, Interval } from '../../model/calendar.ts'
import type { Customer, Metadata, Price, Product, Subscription } from '../../model/entities.ts'
import { secondsOf } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { Json, JsonObject } from '../../model/json.ts'
import type { Money } from '../../model/money.ts'
import type { Actor, SubscriptionStatus } from '../../model/status.ts'
import { derivedId, printedId } from './ids.ts'

/** Our statuses in Razorpay's words. It has neither trials nor unpaid first invoices: the nearest word stands for them. */
const WORD: Readonly<Record<SubscriptionStatus, string>> = {
  pending: 'created',
  incomplete: 'created',
  authorized: 'authenticated',
  trialing: 'active',
  active: 'active',
  past_due: 'pending',
  unpaid: 'halted',
  paused: 'paused',
  canceled: 'cancelled',
  completed: 'completed',
  expired: 'expired',
  unknown: 'created',
}

/** Boundaries of later cycles fall on midnight in India, as every printed sample shows. */
const MIDNIGHT_IST: BoundaryRule = { zone: 'Asia/Kolkata', at: 'midnight' }

/** What an event says of its subscription that the subscription alone does not. */
export interface SubscriptionMoment {
  readonly status: SubscriptionStatus
  readonly chargeAt: Instant | null
  readonly attempts: number
  readonly invoiced: number
  readonly paid: number
}

/** A subscription as the Retrieve API shows it. */
export function momentOf(subscription: Subscription): SubscriptionMoment {
  return {
    status: subscription.status,
    chargeAt: chargeAtOf(subscription),
    attempts: subscription.failedAttempts,
    invoiced: subscription.cycles.invoiced,
    paid: subscription.cycles.paid,
  }
}

function chargeAtOf(subscription: Subscription): Instant | null {
  switch (subscription.status) {
    case 'pending':
    case 'incomplete':
      return startOf(subscription)
    case 'authorized':
      return subscription.startAt
    case 'trialing':
    case 'active':
      return subscription.nextChargeAt ?? subscription.period?.until ?? null
    case 'past_due':
      return subscription.nextChargeAt
    case 'unpaid':
      // Invoices go on, at the start of each cycle; nothing is charged by itself.
      return subscription.period?.until ?? null
    case 'paused':
    case 'canceled':
    case 'completed':
    case 'expired':
    case 'unknown':
      return null
  }
}

/** Null for a subscription that starts with its first payment until that was made. */
function startOf(subscription: Subscription): Instant | null {
  if (subscription.startedAt !== null) return subscription.startedAt
  const waits = subscription.status === 'pending' || subscription.status === 'incomplete'
  return waits && subscription.startAt <= subscription.createdAt ? null : subscription.startAt
}

/** The keys in the order of the printed samples; those that only newer samples have come last, as there. */
export function subscriptionEntity(subscription: Subscription, moment: SubscriptionMoment, method: string): JsonObject {
  const [item] = subscription.items
  const total = totalOf(subscription)
  return {
    id: printedId('subscription', subscription.id),
    entity: 'subscription',
    plan_id: item === undefined ? null : printedId('price', item.price),
    customer_id: printedId('customer', subscription.customer),
    status: WORD[moment.status],
    type: typeOf(subscription),
    current_start: seconds(subscription.period?.from ?? null),
    current_end: seconds(subscription.period?.until ?? null),
    ended_at: seconds(endedAtOf(subscription)),
    quantity: item?.quantity ?? 1,
    notes: notesOf(subscription.metadata),
    charge_at: seconds(moment.chargeAt),
    start_at: seconds(startOf(subscription)),
    end_at: seconds(lastCycleStart(subscription)),
    auth_attempts: moment.attempts,
    total_count: total,
    paid_count: moment.paid,
    customer_notify: true,
    created_at: secondsOf(subscription.createdAt),
    expire_by: seconds(subscription.authorization?.expiresAt ?? null),
    short_url: null,
    has_scheduled_changes: subscription.scheduledChange !== null,
    change_scheduled_at: seconds(subscription.scheduledChange?.at ?? null),
    source: 'api',
    offer_id: null,
    payment_method: method,
    // Cycles that have no invoice yet: not those that are unpaid.
    remaining_count: total === null ? null : Math.max(total - moment.invoiced, 0),
    pause_initiated_by: initiator(subscription.pause?.by ?? null),
    cancel_initiated_by: initiator(subscription.cancel?.by ?? null),
  }
}

const YEARS_MAX = 100
const CYCLES_A_YEAR = { day: 365, week: 52, month: 12, year: 1 } as const satisfies Record<Interval['unit'], number>

/**
 * The provider knows no subscription without an end: one of ours has as many cycles as the longest that it allows.
 *
 * @source razorpay/markdown-docs api/payments/subscriptions: `total_count` is required, 100 years at most
 */
function totalOf({ cycles, interval }: Subscription): number | null {
  if (cycles.total !== null || interval === null) return cycles.total
  return Math.floor((YEARS_MAX * CYCLES_A_YEAR[interval.unit]) / interval.count)
}

/** Undocumented. The samples are consistent with: 2 for a later start, 1 for an immediate one, 3 with an upfront amount. */
function typeOf(subscription: Subscription): number {
  const { authorization, createdAt, startAt } = subscription
  // Without a start of its own it starts when it is authorized: that is later than its creation, too.
  if (startAt > (authorization?.authorizedAt ?? createdAt)) return 2
  return authorization === null || authorization.upfront === null ? 1 : 3
}

/** A completed subscription ended, says the provider, when its last cycle began. */
function endedAtOf(subscription: Subscription): Instant | null {
  if (subscription.status === 'completed') return subscription.period?.from ?? subscription.endedAt
  return subscription.endedAt
}

/** `end_at` is the start of the last cycle, not its end. */
function lastCycleStart(subscription: Subscription): Instant | null {
  const { anchor, interval } = subscription
  const total = totalOf(subscription)
  if (interval === null || total === null || startOf(subscription) === null) return null
  return boundary(anchor, interval, total - 1, boundaryRule(subscription))
}

/** The rule that the current cycle was made with; where both give the same or there is none, the provider's own. */
function boundaryRule(subscription: Subscription): BoundaryRule {
  const { anchor, interval, period } = subscription
  if (interval === null || period === null || subscription.cycle === null) return MIDNIGHT_IST
  const { until } = cycle(anchor, interval, subscription.cycle, MIDNIGHT_IST)
  return until === period.until ? MIDNIGHT_IST : EXACT_UTC
}

/** `self` is the merchant; for the provider itself no word is known. */
function initiator(by: Actor | null): string | null {
  return by === 'admin' ? 'self' : by === 'customer' ? 'customer' : null
}

/** A price: a plan with its item. Tiers and meters have no place in it: then it has no amount. */
export function planEntity(price: Price, product: Product | null): JsonObject {
  const amount = price.unitAmount === null ? null : minor(price.unitAmount)
  const { period, interval } = planPeriod(price)
  return {
    id: printedId('price', price.id),
    entity: 'plan',
    interval,
    period,
    item: {
      id: derivedId('item', price.id),
      active: price.active,
      name: price.name ?? product?.name ?? price.code ?? '',
      description: product?.description ?? null,
      amount,
      unit_amount: amount,
      currency: price.currency,
      type: 'plan',
      unit: null,
      tax_inclusive: false,
      hsn_code: null,
      sac_code: null,
      tax_rate: null,
      tax_id: null,
      tax_group_id: null,
      created_at: secondsOf(price.createdAt),
      updated_at: secondsOf(price.updatedAt),
    },
    notes: notesOf(price.metadata),
    created_at: secondsOf(price.createdAt),
  }
}

function planPeriod(price: Price): { readonly period: string | null; readonly interval: number | null } {
  if (price.interval === null) return { period: null, interval: null }
  const { unit, count } = price.interval
  if (unit === 'month' && count === 3) return { period: 'quarterly', interval: 1 }
  return { period: { day: 'daily', week: 'weekly', month: 'monthly', year: 'yearly' }[unit], interval: count }
}

/** A customer as the provider prints it. */
export function customerEntity(customer: Customer): JsonObject {
  return {
    id: printedId('customer', customer.id),
    entity: 'customer',
    name: customer.name,
    email: customer.email,
    contact: customer.phone,
    gstin: null,
    notes: notesOf(customer.metadata),
    created_at: secondsOf(customer.createdAt),
  }
}

/** No notes are printed as an empty list: the provider's server cannot tell the two apart. */
export function notesOf(metadata: Metadata): Json {
  return Object.keys(metadata).length === 0 ? [] : metadata
}

/** Unix seconds; null stays null. */
export function seconds(at: Instant | null): number | null {
  return at === null ? null : secondsOf(at)
}

/** Amounts are whole numbers of the smallest unit. They are far below the limit of exact numbers. */
export function minor(amount: Money): number {
  return Number(amount.minor)
}
