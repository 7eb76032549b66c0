/** Changes of a subscription's life, each with what was there before and after. */
import type { Entities, View } from '../../src/model/entities.ts'
import type { Fact, FactDetails, FactKind, RecordKind, Told } from '../../src/model/facts.ts'
import { money } from '../../src/model/money.ts'
import {
  checkout,
  customer,
  invoice,
  paidInvoice,
  payment,
  price,
  product,
  refund,
  SECOND_CYCLE,
  START,
  subscription,
  THIRD_CYCLE,
  time,
  usage,
  viewOf,
} from './airwallex/billing_view.ts'

export interface Telling {
  readonly told: Told
  readonly view: View
}

const plan = { id: 'pro', name: 'Pro', group: 'plans', product: product.id }
const failure = { code: 'insufficient_funds', message: 'Not enough money.', retryable: 'yes' } as const
const due = money(2000, 'USD')
const failed = { ...payment, status: 'failed', failure } as const
const waiting = { ...invoice, attempts: 1, nextAttemptAt: time('2026-02-02T00:00:00Z') }
const trialing = { ...subscription, status: 'trialing', trial: { from: START, until: SECOND_CYCLE } } as const
const pastDue = { ...subscription, status: 'past_due', failedAttempts: 1 } as const
const twice = { ...subscription, items: subscription.items.map((item) => ({ ...item, quantity: 2 })) }
const cancel = { requestedAt: START, at: SECOND_CYCLE, atPeriodEnd: true, by: 'customer', reason: null } as const
const paused = {
  ...subscription,
  status: 'paused',
  pause: { scope: 'service', invoices: 'void', from: START, resumesAt: null, by: 'admin' },
} as const

type Ids = { readonly subject?: string; readonly at?: typeof START }

function fact<K extends FactKind>(kind: K, detail: FactDetails[K], ids: Ids = {}): Fact {
  const { subject = subscription.id, at = START } = ids
  return { kind, at, customer: customer.id, subscription: subscription.id, subject, detail } as unknown as Fact
}

function record(kind: RecordKind, subject: string): Told {
  return { kind, at: START, customer: customer.id, subscription: subscription.id, subject }
}

function telling(
  told: Told,
  after: Partial<Entities>,
  before: Partial<Entities> = {},
  more: Partial<View> = {},
): Telling {
  return { told, view: viewOf(after, before, more) }
}

const attempt = { attempted: failed, attemptedInvoice: waiting }
const paidAttempt = { attempted: payment, attemptedInvoice: paidInvoice }
const live = { subscription, invoice: null }

/** One of each kind that says something of its own. */
export const TELLINGS: readonly Telling[] = [
  telling(fact('subscription_created', { status: 'incomplete', plan }), {
    subscription: { ...subscription, status: 'incomplete' },
  }),
  telling(fact('subscription_authorized', { plan, startsAt: SECOND_CYCLE }), {
    subscription: { ...subscription, status: 'authorized', period: null, startedAt: null },
  }),
  telling(fact('subscription_trial_started', { plan, trial: trialing.trial }), { subscription: trialing }),
  telling(
    fact('subscription_trial_ending', { trialEndsAt: SECOND_CYCLE, paymentMethod: 'yes' }),
    { subscription: trialing },
    { subscription: trialing },
  ),
  telling(fact('subscription_trial_ended', { to: 'active' }), { subscription }, { subscription: trialing }),
  telling(
    fact('subscription_activated', { recovered: false, plan }),
    { subscription },
    { subscription: { ...subscription, status: 'incomplete' } },
    paidAttempt,
  ),
  telling(
    fact('subscription_renewal_upcoming', { renewsAt: SECOND_CYCLE, amount: due }),
    { subscription },
    { subscription },
  ),
  telling(
    fact('subscription_renewed', { invoice: invoice.id, period: subscription.period }),
    { subscription, invoice: paidInvoice, payment },
    { subscription, invoice: paidInvoice, payment },
    paidAttempt,
  ),
  telling(
    fact('subscription_changed', {
      changes: [{ field: 'quantity', from: '1', to: '2' }],
      plan,
      direction: 'upgrade',
    }),
    { subscription: twice },
    { subscription },
  ),
  telling(
    fact('subscription_past_due', { invoice: invoice.id, reason: 'payment_failed' }),
    { subscription: pastDue, invoice: waiting },
    live,
    attempt,
  ),
  telling(
    fact('subscription_unpaid', { invoice: invoice.id }),
    { subscription: { ...pastDue, status: 'unpaid', failedAttempts: 4 } },
    { subscription: pastDue },
    attempt,
  ),
  telling(
    fact('subscription_paused', { scope: 'service', resumesAt: null, by: 'admin' }),
    { subscription: paused },
    live,
  ),
  telling(fact('subscription_resumed', { scope: 'service' }), live, { subscription: paused }),
  telling(
    fact('subscription_cancel_scheduled', { at: SECOND_CYCLE, atPeriodEnd: true, by: 'customer' }),
    { subscription: { ...subscription, cancel } },
    live,
  ),
  telling(fact('subscription_cancel_unscheduled', {}), live, { subscription: { ...subscription, cancel } }),
  telling(
    fact('subscription_canceled', { by: 'customer', reason: null, atPeriodEnd: true, superseded: false }),
    { subscription: { ...subscription, status: 'canceled', cancel, endedAt: SECOND_CYCLE } },
    live,
  ),
  telling(
    fact('subscription_completed', { period: subscription.period }),
    {
      subscription: {
        ...subscription,
        status: 'completed',
        cycles: { total: 1, invoiced: 1, paid: 1 },
        endedAt: START,
      },
    },
    live,
    paidAttempt,
  ),
  telling(
    fact('subscription_expired', {}),
    { subscription: { ...subscription, status: 'expired', endedAt: START } },
    { subscription: { ...subscription, status: 'incomplete' } },
  ),
  telling(fact('invoice_drafted', { total: due }, { subject: invoice.id }), {
    subscription,
    invoice: { ...invoice, status: 'draft', number: null, finalizedAt: null },
  }),
  telling(
    fact('invoice_finalized', { total: due, number: invoice.number, dueAt: null }, { subject: invoice.id }),
    { subscription, invoice },
    { subscription, invoice: { ...invoice, status: 'draft', number: null, finalizedAt: null } },
  ),
  telling(
    fact(
      'invoice_paid',
      { amount: due, number: invoice.number, period: invoice.period, outOfBand: false },
      { subject: invoice.id },
    ),
    { subscription, invoice: paidInvoice, payment },
    { subscription, invoice },
    paidAttempt,
  ),
  telling(
    fact(
      'invoice_payment_failed',
      { attempt: 1, nextAttemptAt: waiting.nextAttemptAt, amount: due, failure },
      { subject: invoice.id },
    ),
    { subscription: pastDue, invoice: waiting, payment: failed },
    { subscription, invoice },
    attempt,
  ),
  telling(
    fact('invoice_overdue', { amount: due, dueAt: START }, { subject: invoice.id }),
    { subscription, invoice: { ...invoice, dueAt: START, overdueAt: START } },
    { subscription, invoice },
  ),
  telling(
    fact('invoice_uncollectible', { amount: due }, { subject: invoice.id }),
    { subscription: pastDue, invoice: { ...waiting, status: 'uncollectible', uncollectibleAt: START } },
    { subscription: pastDue, invoice: waiting },
  ),
  telling(
    fact('invoice_voided', { amount: due }, { subject: invoice.id }),
    { subscription, invoice: { ...invoice, status: 'void', voidedAt: START } },
    { subscription, invoice },
  ),
  telling(fact('payment_initiated', { amount: due, invoice: invoice.id }, { subject: payment.id }), {
    subscription,
    invoice,
    payment: { ...payment, status: 'initiated', decidedAt: null },
  }),
  telling(
    fact('payment_succeeded', { amount: due, invoice: invoice.id }, { subject: payment.id }),
    { subscription, invoice: paidInvoice, payment },
    { subscription, invoice, payment: { ...payment, status: 'initiated', decidedAt: null } },
    paidAttempt,
  ),
  telling(
    fact(
      'payment_failed',
      { amount: due, invoice: invoice.id, attempt: 1, nextAttemptAt: waiting.nextAttemptAt, failure },
      { subject: payment.id },
    ),
    { subscription: pastDue, invoice: waiting, payment: failed },
    { subscription, invoice, payment: { ...payment, status: 'initiated', decidedAt: null } },
    attempt,
  ),
  telling(
    fact('payment_canceled', { amount: due, invoice: invoice.id }, { subject: payment.id }),
    { subscription, invoice, payment: { ...payment, status: 'canceled' } },
    { subscription, invoice, payment: { ...payment, status: 'initiated', decidedAt: null } },
  ),
  telling(
    fact(
      'payment_refunded',
      { amount: money(500, 'USD'), total: due, full: false, invoice: invoice.id },
      { subject: payment.id },
    ),
    {
      subscription,
      refund,
      payment: { ...payment, refunded: money(500, 'USD') },
      invoice: { ...paidInvoice, refunded: money(500, 'USD') },
    },
    { subscription, payment, invoice: paidInvoice },
    paidAttempt,
  ),
  telling(fact('checkout_opened', { reference: checkout.reference }, { subject: checkout.id }), { checkout }),
  telling(
    fact(
      'checkout_completed',
      { reference: checkout.reference, subscription: subscription.id },
      { subject: checkout.id },
    ),
    { subscription, checkout: { ...checkout, status: 'completed', subscription: subscription.id, completedAt: START } },
    { checkout },
  ),
  telling(
    fact('checkout_canceled', { reference: checkout.reference }, { subject: checkout.id }),
    { checkout: { ...checkout, status: 'canceled', canceledAt: START } },
    { checkout },
  ),
  telling(
    fact('checkout_expired', { reference: checkout.reference }, { subject: checkout.id }),
    { checkout: { ...checkout, status: 'expired' } },
    { checkout },
  ),
  telling(fact('usage_updated', { meter: usage.meter, quantity: usage.quantity, period: usage.period }), {
    subscription,
    usage,
  }),
  telling(fact('plan_assigned', { plan }, { subject: customer.id }), { subscription }),
  telling(record('customer_created', customer.id), { customer }),
  telling(record('price_created', price.id), { price, product }),
  telling(
    record('subscription_cycle_started', subscription.id),
    { subscription: { ...subscription, cycle: 1, period: { from: SECOND_CYCLE, until: THIRD_CYCLE } } },
    live,
  ),
  telling(record('invoice_sent', invoice.id), { subscription, invoice }, { subscription, invoice }),
]
