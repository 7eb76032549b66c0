import type { Period } from '../../model/calendar.ts'
import type { Instant } from '../../model/instant.ts'
import { secondsOf } from '../../model/instant.ts'
import { isZero } from '../../model/money.ts'
import type { Money } from '../../model/money.ts'
import type {
  Cancellation,
  ObservedInvoice,
  ObservedPayment,
  ObservedSubscription,
  Pause,
} from '../../model/objects.ts'
import type { Actor, InvoiceStatus, PaymentStatus, SubscriptionStatus } from '../../model/status.ts'
import type { Fields } from '../../wire/fields.ts'
import { failureOf } from './failures.ts'
import { WORDS } from './words.ts'

/** The word of the event type, for bodies whose status is missing. */
const STATUS_OF_EVENT: Readonly<Record<string, SubscriptionStatus>> = {
  'subscription.authenticated': 'authorized',
  'subscription.activated': 'active',
  'subscription.charged': 'active',
  'subscription.completed': 'completed',
  'subscription.pending': 'past_due',
  'subscription.halted': 'unpaid',
  'subscription.cancelled': 'canceled',
  'subscription.paused': 'paused',
  'subscription.resumed': 'active',
}

/** Who acts: `self` is the merchant. */
const ACTOR: Readonly<Record<string, Actor>> = {
  self: 'admin',
  merchant: 'admin',
  customer: 'customer',
  razorpay: 'system',
  system: 'system',
}

/** Events whose captured payment is that of the current cycle. */
const PROVES_CYCLE = new Set(['subscription.charged', 'subscription.activated', 'subscription.completed'])

/** A subscription entity with what stands beside it in the body. */
export interface SubscriptionContext {
  readonly type: string
  readonly at: Instant
  readonly payment: Fields | null
}

/** A subscription entity in our words. */
export function subscriptionOf(entity: Fields, context: SubscriptionContext): ObservedSubscription {
  const status = statusOf(entity, context.type)
  const period = periodOf(entity, 'current_start', 'current_end')
  const plan = entity.text('plan_id')
  const startAt = entity.seconds('start_at')
  const endedAt = entity.seconds('ended_at')
  const started = period !== null || startAt === null || startAt <= context.at
  return {
    customer: entity.text('customer_id'),
    status,
    providerStatus: entity.text('status'),
    plan: plan === null ? null : { id: plan, name: null, group: null, product: null },
    items: [],
    quantity: entity.integer('quantity'),
    period,
    trial: null,
    createdAt: entity.seconds('created_at'),
    startedAt: started && status !== 'pending' && status !== 'authorized' ? startAt : null,
    endedAt,
    cancel: status === 'canceled' ? cancellationOf(entity, endedAt, period) : null,
    pause: status === 'paused' ? pauseOf(entity, context) : null,
    collection: 'automatic',
    latestInvoice: context.payment?.text('invoice_id') ?? null,
    cycles: {
      total: countOf(entity, 'total_count'),
      paid: countOf(entity, 'paid_count'),
      remaining: countOf(entity, 'remaining_count'),
    },
    // From the authentication on there is a mandate; whether it can still be charged the body does not say.
    paymentMethod: status === 'authorized' || status === 'active' ? 'yes' : 'unknown',
    interval: null,
    anchor: startAt,
    paidThrough: paidThroughOf(entity, period, status, context),
    free: false,
    metadata: entity.texts('notes'),
  }
}

/** Own members alone: a body may say `constructor`. */
function wordIn<T>(words: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(words, word) ? words[word] : undefined
}

function statusOf(entity: Fields, type: string): SubscriptionStatus {
  const word = entity.text('status')
  if (word === null) {
    entity.problem('status', 'expected a status, found none')
    return STATUS_OF_EVENT[type] ?? 'unknown'
  }
  const status = wordIn(WORDS.subscriptionStatuses, word)
  if (status === undefined) entity.problem('status', 'a status that is not known')
  return status ?? 'unknown'
}

/**
 * `completed` comes at the start of the last cycle and says nothing about payment; a charge does, and so does the captured
 * payment of an activation. An authorization payment before the first cycle pays none: `paid_count` is 0 then. Where no
 * payment is shown, the counts may prove the same, so that a charge that was never told is made good.
 */
function paidThroughOf(
  entity: Fields,
  period: Period | null,
  status: SubscriptionStatus,
  context: SubscriptionContext,
): Instant | null {
  if (period === null) return null
  if (context.type === 'subscription.charged') return period.until
  const paid = countOf(entity, 'paid_count')
  if (paid === null || paid < 1) return null
  const charged = PROVES_CYCLE.has(context.type) && context.payment !== null && isCaptured(context.payment)
  const failing = status === 'past_due' || status === 'unpaid'
  return charged || (!failing && isEveryInvoicePaid(entity, paid)) ? period.until : null
}

/** `remaining_count` is what was not invoiced yet, not what was not paid yet: the rest was invoiced. */
function isEveryInvoicePaid(entity: Fields, paid: number): boolean {
  const total = countOf(entity, 'total_count')
  const remaining = countOf(entity, 'remaining_count')
  return total !== null && remaining !== null && paid >= total - remaining
}

/** `captured` is `true` in some bodies and the text `1` in those of subscriptions; a failed payment may carry it wrongly. */
function isCaptured(payment: Fields): boolean {
  const status = payment.text('status')
  if (status !== null) return status === 'captured'
  const flag = payment.get('captured')
  return flag === true || flag === '1' || flag === 1
}

function cancellationOf(entity: Fields, endedAt: Instant | null, period: Period | null): Cancellation {
  return {
    requestedAt: null,
    at: endedAt,
    atPeriodEnd: endedAt !== null && period !== null && endedAt >= period.until,
    by: actorOf(entity, 'cancel_initiated_by'),
    reason: null,
  }
}

function pauseOf(entity: Fields, context: SubscriptionContext): Pause {
  const at = context.type === 'subscription.paused' ? context.at : null
  return {
    scope: 'service',
    from: entity.seconds('paused_at') ?? at,
    resumesAt: null,
    by: actorOf(entity, 'pause_initiated_by'),
  }
}

function actorOf(entity: Fields, key: string): Actor {
  const word = entity.text(key)
  return word !== null && Object.hasOwn(ACTOR, word) ? (ACTOR[word] ?? 'unknown') : 'unknown'
}

/** A count; one of them is typed as text in the official types. */
function countOf(entity: Fields, key: string): number | null {
  const value = entity.get(key)
  if (typeof value === 'string' && /^\d{1,9}$/.test(value)) return Number(value)
  return entity.integer(key)
}

function periodOf(entity: Fields, startKey: string, endKey: string): Period | null {
  const from = entity.seconds(startKey)
  const until = entity.seconds(endKey)
  return from !== null && until !== null && from < until ? { from, until } : null
}

/** `(paid_count, current_end)`: what makes one body of a subscription later than another of the same second. */
export function subscriptionVersion(value: ObservedSubscription): readonly number[] {
  return [value.cycles?.paid ?? 0, value.period === null ? 0 : secondsOf(value.period.until)]
}

const PAYMENT_STATUS: Readonly<Record<string, PaymentStatus>> = {
  created: 'initiated',
  authorized: 'processing',
  captured: 'succeeded',
  refunded: 'succeeded',
  failed: 'failed',
}

/** A payment goes this way and never back; a payment that failed may be authorized late. */
const PAYMENT_ORDER: readonly PaymentStatus[] = ['initiated', 'failed', 'processing', 'succeeded']

/** What a payment's entity cannot say itself: it carries no subscription. */
export interface PaymentLinks {
  readonly subscription: string | null
  readonly customer: string | null
}

/** A payment entity in our words. */
export function paymentOf(entity: Fields, links: PaymentLinks, status: PaymentStatus): ObservedPayment {
  const currency = entity.currency('currency')
  const invoice = entity.text('invoice_id')
  return {
    customer: entity.text('customer_id') ?? links.customer,
    invoice: invoice === null ? (entity.has('invoice_id') ? 'none' : 'unknown') : { id: invoice },
    subscription: links.subscription,
    status,
    amount: entity.minor('amount', currency),
    refunded: nonZero(entity.minor('amount_refunded', currency)),
    failure: status === 'failed' ? failureOf(entity) : null,
    alias: null,
    createdAt: entity.seconds('created_at'),
  }
}

/** Null for a word that is not known: nothing is claimed then. */
export function paymentStatusOf(entity: Fields): PaymentStatus | null {
  const word = entity.text('status')
  if (word === null) return isCaptured(entity) ? 'succeeded' : 'initiated'
  const status = wordIn(PAYMENT_STATUS, word)
  if (status === undefined) entity.problem('status', 'a status that is not known')
  return status ?? null
}

function nonZero(amount: Money | null): Money | null {
  return amount === null || isZero(amount) ? null : amount
}

/** What orders snapshots of one payment that share a timestamp. */
export function paymentVersion(value: ObservedPayment): readonly number[] {
  return [PAYMENT_ORDER.indexOf(value.status), Number(value.refunded?.minor ?? 0n)]
}

const INVOICE_ORDER: readonly InvoiceStatus[] = ['draft', 'open', 'uncollectible', 'paid', 'void']

/** An invoice entity in our words. */
export function invoiceOf(entity: Fields, status: InvoiceStatus): ObservedInvoice {
  const currency = entity.currency('currency')
  const subscription = entity.text('subscription_id')
  return {
    customer: entity.text('customer_id'),
    subscription,
    status,
    number: entity.text('invoice_number'),
    reason: subscription === null ? 'manual' : 'unknown',
    total: entity.minor('amount', currency),
    amountDue: entity.minor('amount_due', currency),
    amountPaid: entity.minor('amount_paid', currency),
    refunded: null,
    period: periodOf(entity, 'billing_start', 'billing_end'),
    createdAt: entity.seconds('created_at'),
    paidAt: entity.seconds('paid_at'),
    dueAt: entity.seconds('expire_by'),
    attempts: null,
    nextAttemptAt: null,
    collection: subscription === null ? 'manual' : 'automatic',
    paidOutOfBand: false,
  }
}

/** The word of the event type, for bodies whose status is missing. */
const INVOICE_STATUS_OF_EVENT: Readonly<Record<string, InvoiceStatus>> = {
  'invoice.paid': 'paid',
  'invoice.partially_paid': 'open',
  'invoice.expired': 'uncollectible',
}

/** Null for a word that is not known: nothing is claimed then. */
export function invoiceStatusOf(entity: Fields, type: string): InvoiceStatus | null {
  const word = entity.text('status')
  const status = word === null ? undefined : wordIn(WORDS.invoiceStatuses, word)
  if (status !== undefined) return status
  entity.problem('status', word === null ? 'expected a status, found none' : 'a status that is not known')
  return word === null ? (INVOICE_STATUS_OF_EVENT[type] ?? null) : null
}

/** What orders snapshots of one invoice that share a timestamp. */
export function invoiceVersion(value: ObservedInvoice): readonly number[] {
  return [INVOICE_ORDER.indexOf(value.status), Number(value.amountPaid?.minor ?? 0n)]
}
