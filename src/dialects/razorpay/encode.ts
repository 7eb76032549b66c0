import type { Invoice, Payment, Subscription, View } from '../../model/entities.ts'
import { isRecord } from '../../model/facts.ts'
import type { Fact, FactKind, Told } from '../../model/facts.ts'
import { instant, SECOND_MS, secondsOf } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Notification, Origin } from '../dialect.ts'
import { subscriptionEntity, momentOf } from './entities.ts'
import type { SubscriptionMoment } from './entities.ts'
import { eventId, printedAccount } from './ids.ts'
import { paymentEntity } from './money_entities.ts'
import { relatedEvents } from './related.ts'
import type { Draft } from './related.ts'
import { subscriptionMethod } from './render.ts'
import { sortKeys } from './wire.ts'

/**
 * The switches of an account's profile that this dialect knows. `payment_entity`: `as_printed` leaves the payment out where
 * the printed samples do, instead of following the rule that it is there if an attempt was made before. `key_order`: `sorted`
 * for the other layout. `related_events`: `on` also sends events about payments, invoices, refunds and tokens.
 * `pending_before_halted`: `on` sends a last `subscription.pending` for the attempt after which it is halted.
 * `authenticated_on_immediate_start`: `on` sends `subscription.authenticated` before the activation of a subscription that
 * starts with its first payment, as the table of events says; the page of test payments lists only activated and charged.
 */
type Switch =
  'payment_entity' | 'key_order' | 'related_events' | 'pending_before_halted' | 'authenticated_on_immediate_start'

/** Samples that print a payment. */
const PRINTED_WITH_PAYMENT = new Set(['subscription.charged', 'subscription.completed'])

/**
 * The notifications of one change. By default only the ten subscription events exist: `created` and `expired` are told by
 * none of them.
 */
export function encode(told: Told, view: View, origin: Origin): readonly Notification[] {
  const own = isRecord(told) ? null : subscriptionEvent(told, view)
  const related = isOn(view, 'related_events') ? relatedEvents(told, view) : []
  return [...consentAtStart(told, view), ...(own === null ? [] : [own]), ...related].map((draft) =>
    notificationOf(draft, view, origin),
  )
}

/** The consent that lies in the first payment of a subscription that starts at once, where the switch asks for it. */
function consentAtStart(told: Told, view: View): readonly Draft[] {
  const { subscription } = view.after
  const immediate = view.before.subscription?.status === 'pending'
  if (isRecord(told) || told.kind !== 'subscription_activated' || subscription === null || !immediate) return []
  if (told.detail.recovered || !isOn(view, 'authenticated_on_immediate_start')) return []
  const moment = { ...momentOf(subscription), status: 'authorized', chargeAt: subscription.startAt, paid: 0 } as const
  return [draft('subscription.authenticated', subscription, moment, view)]
}

function isOn(view: View, name: Switch): boolean {
  return view.switches[name] === 'on'
}

/** How one kind of fact is told. */
type Tell<K extends FactKind> = (fact: Fact<K>, subscription: Subscription, view: View) => Draft | null

const silent = (): null => null

/** Which fact gives which event: the whole of it, so that no fact is passed over by accident. */
const TELLS: { readonly [K in FactKind]: Tell<K> } = {
  subscription_created: silent,
  subscription_authorized: (_fact, subscription, view) =>
    draft('subscription.authenticated', subscription, momentOf(subscription), view),
  subscription_trial_started: silent,
  subscription_trial_ending: silent,
  subscription_trial_ended: silent,
  subscription_activated: (fact, subscription, view) =>
    draft('subscription.activated', subscription, activated(subscription, fact.detail.recovered, view), view),
  subscription_renewal_upcoming: silent,
  // Told by the payment of the invoice.
  subscription_renewed: silent,
  subscription_changed: (_fact, subscription, view) =>
    draft('subscription.updated', subscription, momentOf(subscription), view),
  // Told by the attempt that failed.
  subscription_past_due: silent,
  subscription_unpaid: (_fact, subscription, view) =>
    draft('subscription.halted', subscription, halted(subscription, view), view),
  subscription_paused: (fact, subscription, view) =>
    fact.detail.scope === 'service' ? draft('subscription.paused', subscription, momentOf(subscription), view) : null,
  subscription_resumed: (fact, subscription, view) =>
    fact.detail.scope === 'service' ? draft('subscription.resumed', subscription, momentOf(subscription), view) : null,
  subscription_cancel_scheduled: silent,
  subscription_cancel_unscheduled: silent,
  subscription_canceled: (_fact, subscription, view) =>
    draft('subscription.cancelled', subscription, momentOf(subscription), view),
  subscription_completed: (_fact, subscription, view) =>
    draft('subscription.completed', subscription, { ...momentOf(subscription), chargeAt: null, attempts: 0 }, view),
  subscription_expired: silent,
  invoice_drafted: silent,
  invoice_finalized: silent,
  // Every charge pays an invoice, so this fact and no other stands for a successful charge.
  invoice_paid: (fact, subscription, view) =>
    isCharge(fact.detail.outOfBand, view) ? charged(subscription, view) : null,
  invoice_payment_failed: pending,
  invoice_overdue: silent,
  invoice_uncollectible: silent,
  invoice_voided: silent,
  payment_initiated: silent,
  payment_succeeded: silent,
  payment_failed: silent,
  payment_canceled: silent,
  payment_refunded: silent,
  checkout_opened: silent,
  checkout_completed: silent,
  checkout_canceled: silent,
  checkout_expired: silent,
  usage_updated: silent,
  usage_threshold_reached: silent,
  plan_assigned: silent,
  access_changed: silent,
}

function subscriptionEvent<K extends FactKind>(fact: Fact<K>, view: View): Draft | null {
  const { subscription } = view.after
  return subscription === null ? null : TELLS[fact.kind](fact, subscription, view)
}

function draft(type: string, subscription: Subscription, moment: SubscriptionMoment, view: View): Draft {
  const method = subscriptionMethod(subscription.defaultPaymentMethod, view)
  const payment = paymentFor(type, moment, view)
  return {
    type,
    entities: [
      ['subscription', subscriptionEntity(subscription, moment, method)],
      ...(payment === null ? [] : ([['payment', paymentEntity(payment, view, 'text')]] as const)),
    ],
  }
}

/** The rule of the seed: the payment is there if an attempt was made before the event. */
function paymentFor(type: string, moment: SubscriptionMoment, view: View): Payment | null {
  const attempted = ownPayment(view) ?? view.attempted
  if (view.switches['payment_entity'] !== 'as_printed') return attempted
  const printed = PRINTED_WITH_PAYMENT.has(type) || (type === 'subscription.activated' && moment.paid > 0)
  return printed ? attempted : null
}

/** The payment that the fact itself is about, if it is one that was attempted. */
function ownPayment(view: View): Payment | null {
  const { payment } = view.after
  return payment === null || payment.status === 'initiated' ? null : payment
}

/** True if money was taken for a cycle: not if it was paid elsewhere, was free, or was only an amount before the start. */
function isCharge(outOfBand: boolean, view: View): boolean {
  const invoice = view.after.invoice
  if (invoice === null || invoice.subscription === null || outOfBand || invoice.amountPaid.minor <= 0n) return false
  return billsCycle(invoice)
}

function billsCycle(invoice: Invoice): boolean {
  return invoice.lines.some((line) => line.kind !== 'authorization' && line.kind !== 'upfront')
}

/** The subscription after a charge: running, its attempts counted again, its next charge at the end of the cycle. */
function charged(subscription: Subscription, view: View): Draft {
  const moment = momentOf(subscription)
  const ended = ['canceled', 'completed', 'expired'].includes(subscription.status)
  return draft(
    'subscription.charged',
    subscription,
    {
      ...moment,
      status: ended ? subscription.status : 'active',
      chargeAt: ended ? null : chargeAfter(subscription),
      attempts: 0,
    },
    view,
  )
}

function chargeAfter(subscription: Subscription): Instant | null {
  const { total, invoiced } = subscription.cycles
  return total !== null && invoiced >= total ? null : (subscription.period?.until ?? subscription.nextChargeAt)
}

/**
 * A first activation shows the cycle's own start as its charge time and counts the invoice and, where it is paid already,
 * the payment of that cycle; a recovery shows the next charge.
 */
function activated(subscription: Subscription, recovered: boolean, view: View): SubscriptionMoment {
  const moment = momentOf(subscription)
  if (recovered) return { ...moment, status: 'active', chargeAt: chargeAfter(subscription), attempts: 0 }
  const invoice = view.attemptedInvoice
  const paid = view.attempted?.status === 'succeeded' && invoice !== null && billsCycle(invoice)
  return {
    status: 'active',
    chargeAt: subscription.period?.from ?? moment.chargeAt,
    attempts: 0,
    invoiced: Math.max(moment.invoiced, 1),
    paid: paid ? Math.max(moment.paid, 1) : moment.paid,
  }
}

/**
 * One event for each attempt that failed and will be repeated. Before the start there is none: a first payment that fails
 * leaves the subscription as it was. Nor is there one for attempts by hand once it is halted.
 */
function pending(fact: Fact<'invoice_payment_failed'>, subscription: Subscription, view: View): Draft | null {
  const last = fact.detail.nextAttemptAt === null
  if (last && !isOn(view, 'pending_before_halted')) return null
  const before = view.before.subscription?.status ?? subscription.status
  const running = subscription.status === 'active' || subscription.status === 'past_due'
  const halting = last && subscription.status === 'unpaid' && before !== 'unpaid'
  if (!running && !halting) return null
  const attempts = fact.detail.attempt ?? subscription.failedAttempts
  return draft(
    'subscription.pending',
    subscription,
    { ...momentOf(subscription), status: 'past_due', chargeAt: fact.detail.nextAttemptAt, attempts },
    view,
  )
}

/** A halted subscription shows the attempts that led there and the start of the next cycle. */
function halted(subscription: Subscription, view: View): SubscriptionMoment {
  const attempts = Math.max(
    subscription.failedAttempts,
    view.before.subscription?.failedAttempts ?? 0,
    view.attemptedInvoice?.attempts ?? 0,
  )
  return { ...momentOf(subscription), status: 'unpaid', chargeAt: subscription.period?.until ?? null, attempts }
}

function notificationOf(event: Draft, view: View, origin: Origin): Notification {
  const account = printedAccount(view.account)
  const body: JsonObject = {
    entity: 'event',
    account_id: account,
    event: event.type,
    contains: event.entities.map(([name]) => name),
    payload: Object.fromEntries(event.entities.map(([name, entity]) => [name, { entity }])),
    created_at: secondsOf(origin.at),
  }
  // Bodies about payments are printed with sorted keys, all others in an order of their own.
  const sorted = view.switches['key_order'] === 'sorted' || event.type.startsWith('payment.')
  return {
    id: eventId(origin.fact, event.type),
    type: event.type,
    createdAt: instant(secondsOf(origin.at) * SECOND_MS),
    account,
    body: sorted ? sortKeys(body) : body,
  }
}
