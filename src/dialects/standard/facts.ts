/**
 * What a fact tells where its object is not sent with it: facts that were derived from another provider's webhooks and are
 * forwarded. Each gives the fields that the fact itself proves, and no more.
 */
import type { FactKind } from '../../model/facts.ts'
import type { Instant } from '../../model/instant.ts'
import type {
  ObjectKind,
  ObjectValues,
  ObservedInvoice,
  ObservedPayment,
  ObservedSubscription,
} from '../../model/objects.ts'
import type { Fields } from '../../wire/fields.ts'
import { subscriptionStatus } from './objects.ts'
import { actorOf, failureOf, moneyOf, oneOf, periodOf, planOf } from './values.ts'

/** A fact as it stands in the body. */
export interface ToldFact {
  readonly at: Instant
  readonly customer: string | null
  readonly subscription: string | null
  readonly detail: Fields
}

/** Fields of the object that a fact is about. */
type FieldsOf<K extends ObjectKind> = (fact: ToldFact) => Partial<ObjectValues[K]>

type SubscriptionFields = FieldsOf<'subscription'>

/** The plan of the detail, if it says one: a plan that is not told must not be laid over a known one. */
function withPlan(fact: ToldFact): Partial<ObservedSubscription> {
  const plan = planOf(fact.detail, 'plan')
  return plan === null ? {} : { plan }
}

/** Of the single changes, the quantity is the one that its text says whole. */
function changed(fact: ToldFact): Partial<ObservedSubscription> {
  const quantity =
    fact.detail
      .objects('changes')
      .find((change) => change.text('field') === 'quantity')
      ?.text('to') ?? null
  return {
    ...withPlan(fact),
    ...(quantity !== null && /^\d{1,15}$/.test(quantity) ? { quantity: Number(quantity) } : {}),
  }
}

function pauseOf(fact: ToldFact): Partial<ObservedSubscription> {
  const scope = oneOf(fact.detail, 'scope', ['service', 'collection'] as const) ?? 'service'
  const pause = { scope, from: fact.at, resumesAt: fact.detail.iso('resumes_at'), by: actorOf(fact.detail, 'by') }
  // Where only collection stops, the customer is served as before.
  return scope === 'service' ? { status: 'paused', pause } : { pause }
}

function canceled(fact: ToldFact): Partial<ObservedSubscription> {
  const { detail, at } = fact
  const atPeriodEnd = detail.boolean('at_period_end') ?? false
  const cancel = { requestedAt: null, at, atPeriodEnd, by: actorOf(detail, 'by'), reason: detail.text('reason') }
  return { status: 'canceled', endedAt: at, cancel }
}

function cancelScheduled(fact: ToldFact): Partial<ObservedSubscription> {
  const { detail } = fact
  return {
    cancel: {
      requestedAt: fact.at,
      at: detail.iso('at'),
      atPeriodEnd: detail.boolean('at_period_end') ?? false,
      by: actorOf(detail, 'by'),
      reason: null,
    },
  }
}

function renewed(fact: ToldFact): Partial<ObservedSubscription> {
  const period = periodOf(fact.detail, 'period')
  return period === null ? {} : { period, paidThrough: period.until }
}

function trialStarted(fact: ToldFact): Partial<ObservedSubscription> {
  const trial = periodOf(fact.detail, 'trial')
  return { status: 'trialing', ...withPlan(fact), ...(trial === null ? {} : { trial }) }
}

function completed(fact: ToldFact): Partial<ObservedSubscription> {
  const period = periodOf(fact.detail, 'period')
  return { status: 'completed', ...(period === null ? {} : { period }) }
}

/** The fields that facts about subscriptions prove. */
export const SUBSCRIPTION_FACTS: Partial<Record<FactKind, SubscriptionFields>> = {
  subscription_created: (fact) => ({ status: subscriptionStatus(fact.detail, 'status'), ...withPlan(fact) }),
  subscription_authorized: (fact) => ({ status: 'authorized', ...withPlan(fact) }),
  subscription_trial_started: trialStarted,
  subscription_trial_ended: (fact) => ({ status: subscriptionStatus(fact.detail, 'to') }),
  subscription_activated: (fact) => ({ status: 'active', ...withPlan(fact) }),
  subscription_renewed: renewed,
  subscription_changed: changed,
  subscription_past_due: () => ({ status: 'past_due' }),
  subscription_unpaid: () => ({ status: 'unpaid' }),
  subscription_paused: pauseOf,
  subscription_resumed: (fact) =>
    fact.detail.text('scope') === 'collection' ? { pause: null } : { status: 'active', pause: null },
  subscription_cancel_scheduled: cancelScheduled,
  subscription_cancel_unscheduled: () => ({ cancel: null }),
  subscription_canceled: canceled,
  subscription_completed: completed,
  subscription_expired: (fact) => ({ status: 'expired', endedAt: fact.at }),
}

function invoice(fact: ToldFact, fields: Partial<ObservedInvoice>): Partial<ObservedInvoice> {
  return { customer: fact.customer, subscription: fact.subscription, ...fields }
}

/** The fields that facts about invoices prove. */
export const INVOICE_FACTS: Partial<Record<FactKind, FieldsOf<'invoice'>>> = {
  invoice_drafted: (fact) => invoice(fact, { status: 'draft', total: moneyOf(fact.detail, 'total') }),
  invoice_finalized: (fact) =>
    invoice(fact, {
      status: 'open',
      total: moneyOf(fact.detail, 'total'),
      number: fact.detail.text('number'),
      dueAt: fact.detail.iso('due_at'),
    }),
  invoice_paid: (fact) =>
    invoice(fact, {
      status: 'paid',
      amountPaid: moneyOf(fact.detail, 'amount'),
      number: fact.detail.text('number'),
      period: periodOf(fact.detail, 'period'),
      paidAt: fact.at,
      paidOutOfBand: fact.detail.boolean('out_of_band') ?? false,
    }),
  invoice_uncollectible: (fact) => invoice(fact, { status: 'uncollectible' }),
  invoice_voided: (fact) => invoice(fact, { status: 'void' }),
}

function payment(fact: ToldFact, fields: Partial<ObservedPayment>): Partial<ObservedPayment> {
  const id = fact.detail.text('invoice')
  return {
    customer: fact.customer,
    subscription: fact.subscription,
    invoice: id === null ? 'unknown' : { id },
    ...fields,
  }
}

/** The fields that facts about payments prove. */
export const PAYMENT_FACTS: Partial<Record<FactKind, FieldsOf<'payment'>>> = {
  payment_initiated: (fact) => payment(fact, { status: 'initiated', amount: moneyOf(fact.detail, 'amount') }),
  payment_succeeded: (fact) => payment(fact, { status: 'succeeded', amount: moneyOf(fact.detail, 'amount') }),
  payment_failed: (fact) =>
    payment(fact, {
      status: 'failed',
      amount: moneyOf(fact.detail, 'amount'),
      failure: failureOf(fact.detail, 'failure'),
    }),
  payment_canceled: (fact) => payment(fact, { status: 'canceled', amount: moneyOf(fact.detail, 'amount') }),
  payment_refunded: (fact) =>
    payment(fact, {
      status: 'succeeded',
      amount: moneyOf(fact.detail, 'total'),
      refunded: moneyOf(fact.detail, 'amount'),
    }),
}

/** The fields that facts about checkouts prove. */
export const CHECKOUT_FACTS: Partial<Record<FactKind, FieldsOf<'checkout'>>> = {
  checkout_opened: (fact) => ({ ...reference(fact), status: 'open' }),
  checkout_completed: (fact) => ({
    ...reference(fact),
    status: 'completed',
    subscription: fact.detail.text('subscription'),
  }),
  checkout_canceled: (fact) => ({ ...reference(fact), status: 'canceled' }),
  checkout_expired: (fact) => ({ ...reference(fact), status: 'expired' }),
}

function reference(fact: ToldFact): Partial<ObjectValues['checkout']> {
  return { customer: fact.customer, reference: fact.detail.text('reference') }
}
