import { describe, expect, test } from 'vitest'
import { standard } from '../../../src/dialects/standard/index.ts'
import { kindOf, typeOf } from '../../../src/dialects/standard/types.ts'
import type { View } from '../../../src/model/entities.ts'
import { FACT_KINDS, RECORD_KINDS } from '../../../src/model/facts.ts'
import type { FactKind, RecordKind } from '../../../src/model/facts.ts'
import { money } from '../../../src/model/money.ts'
import type { Observation } from '../../../src/model/observations.ts'
import {
  customer,
  invoice,
  paidInvoice,
  price,
  SECOND_CYCLE,
  START,
  subscription,
  viewOf,
} from '../airwallex/billing_view.ts'
import { TELLINGS } from '../tellings.ts'

const tellingOf = (kind: FactKind | RecordKind) => TELLINGS.find(({ told }) => told.kind === kind)!

function encoded(kind: FactKind | RecordKind, change: (view: View) => View = (view) => view) {
  const { told, view } = tellingOf(kind)
  const [notification] = standard.encode(told, change(view), { fact: 'f_1', at: told.at })
  return notification!
}

/** What is told where nothing but the fact is known: as when it was derived from another provider's webhooks. */
const forwarded = (kind: FactKind): readonly Observation[] =>
  standard.decode(encoded(kind, () => viewOf({ customer: null }))).observations

describe('standard types', () => {
  test('every kind has a type of its own with one full stop, and the type gives the kind back', () => {
    const kinds = [...Object.keys(FACT_KINDS), ...Object.keys(RECORD_KINDS)] as (FactKind | RecordKind)[]
    const types = kinds.map(typeOf)
    expect(new Set(types).size).toBe(kinds.length)
    for (const [i, type] of types.entries()) {
      expect(type).toMatch(/^[a-z]+\.[a-z_]+$/)
      expect(kindOf(type)).toBe(kinds[i])
    }
    expect(standard.catalogue.map((entry) => entry.type).toSorted()).toEqual(types.toSorted())
  })

  test.each([
    ['subscription_past_due', 'subscription.past_due'],
    ['payment_method_attached', 'payment.method_attached'],
    ['invoice_item_created', 'invoice.item_created'],
    ['access_changed', 'access.changed'],
  ] as const)('%s is %s', (kind, type) => {
    expect(typeOf(kind)).toBe(type)
  })
})

describe('standard encode', () => {
  test('a paid invoice carries who, what, the whole object and what changed in it', () => {
    const { id, type, createdAt, body } = encoded('invoice_paid')
    expect(id).toMatch(/^msg_[0-9A-Za-z]{24}$/)
    expect({ type, createdAt }).toEqual({ type: 'invoice.paid', createdAt: START })
    expect(body).toMatchObject({
      type: 'invoice.paid',
      timestamp: '2026-01-01T00:00:00.000Z',
      data: {
        customer: customer.id,
        user: 'kp_1',
        subscription: subscription.id,
        subject: invoice.id,
        detail: {
          amount: { minor: '2000', currency: 'USD' },
          number: 'INV-0001',
          period: { from: '2026-01-01T00:00:00.000Z', until: '2026-02-01T00:00:00.000Z' },
          out_of_band: false,
        },
        object: { object: 'invoice', id: invoice.id, status: 'paid', paid_at: '2026-01-01T00:00:00.000Z', attempts: 1 },
        previous: { status: 'open', amount_paid: { minor: '0', currency: 'USD' }, attempts: 0, paid_at: null },
      },
    })
  })

  test('metadata keeps the app’s own names', () => {
    const metadata = { orderId: '17', updatedAt: 'never' }
    const { body } = encoded('subscription_created', (view) => ({
      ...view,
      after: { ...view.after, subscription: { ...subscription, metadata } },
    }))
    expect(body).toMatchObject({ data: { object: { metadata } } })
  })

  test('every number that is a time is written as one: none is left over', () => {
    for (const { told, view } of TELLINGS) {
      const [notification] = standard.encode(told, view, { fact: 'f_1', at: told.at })
      // Milliseconds of any year from 2001 on have thirteen digits; no count or amount here does.
      expect(JSON.stringify(notification!.body), told.kind).not.toMatch(/[:[,]\d{12,}/)
    }
  })

  test('the parts of a subscription that are seldom there have no bare times either', () => {
    const full = {
      ...subscription,
      authorization: { upfront: money(500, 'USD'), expiresAt: START, authorizedAt: START },
      pause: { scope: 'collection', invoices: 'void', from: START, resumesAt: SECOND_CYCLE, by: 'admin' },
      scheduledChange: { at: SECOND_CYCLE, items: [{ price: price.id, quantity: 1 }] },
      pendingChange: { items: subscription.items, invoice: invoice.id, expiresAt: SECOND_CYCLE },
      resumption: { invoice: invoice.id, anchor: START, expiresAt: SECOND_CYCLE },
      trial: { from: START, until: SECOND_CYCLE },
      endedAt: START,
    } as const
    const rendered = JSON.stringify(standard.render('subscription', full, viewOf({ subscription: full })))
    expect(rendered).not.toMatch(/[:[,]\d{12,}/)
    expect(rendered).toContain('"upfront":{"minor":"500","currency":"USD"}')
  })

  test('a plan without a price to pay is free, and a customer without a payment method cannot be charged', () => {
    const { body } = encoded('subscription_created', (view) => ({
      ...view,
      prices: { [price.id]: { ...price, unitAmount: money(0, 'USD') } },
      after: {
        ...view.after,
        customer: { ...customer, defaultPaymentMethod: null },
        subscription: { ...subscription, defaultPaymentMethod: null },
      },
    }))
    expect(body).toMatchObject({ data: { object: { free: true, has_payment_method: false } } })
  })
})

describe('standard decode of what was encoded', () => {
  test('a subscription comes back with everything that decides about access', () => {
    const { observations } = standard.decode(encoded('subscription_canceled'))
    expect(observations[0]).toMatchObject({
      kind: 'snapshot',
      object: 'subscription',
      id: subscription.id,
      stamp: START,
      rank: { verb: 'updated', version: null },
      value: {
        customer: customer.id,
        status: 'canceled',
        plan: { id: 'pro', name: 'Pro', group: 'plans', product: price.product },
        period: subscription.period,
        cancel: { requestedAt: START, at: SECOND_CYCLE, atPeriodEnd: true, by: 'customer' },
        endedAt: SECOND_CYCLE,
        interval: { unit: 'month', count: 1 },
        cycles: { total: null, paid: 1, remaining: null },
        paymentMethod: 'yes',
        metadata: { order: 'order-1001' },
      },
      previous: { status: 'active', cancel: null, endedAt: null },
    })
    expect(observations[1]).toMatchObject({ kind: 'patch', object: 'customer', fields: { users: ['kp_1'] } })
  })

  test('an invoice comes back with the period it paid for; one of prorations alone has none', () => {
    const [paid] = standard.decode(encoded('invoice_paid')).observations
    expect(paid).toMatchObject({
      object: 'invoice',
      value: { status: 'paid', period: invoice.period, amountPaid: money(2000, 'USD'), subscription: subscription.id },
      previous: { status: 'open', amountPaid: money(0, 'USD') },
    })
    const prorated = encoded('invoice_paid', (view) => ({
      ...view,
      after: {
        ...view.after,
        invoice: { ...paidInvoice, lines: paidInvoice.lines.map((line) => ({ ...line, kind: 'proration' as const })) },
      },
    }))
    expect(standard.decode(prorated).observations[0]).toMatchObject({ value: { period: null } })
  })

  test('a failed attempt is told beside its invoice', () => {
    const { observations } = standard.decode(encoded('invoice_payment_failed'))
    expect(observations.map((o) => (o.kind === 'happening' ? o.what : o.object))).toEqual([
      'invoice',
      'payment_failed',
      'customer',
    ])
    expect(observations[1]).toMatchObject({
      key: `${invoice.id}/attempt/1`,
      attempt: 1,
      failure: { code: 'insufficient_funds', retryable: 'yes' },
    })
  })

  test('changes of the same instant are chained by their old values', () => {
    const [created] = standard.decode(encoded('subscription_created')).observations
    const [activated] = standard.decode(encoded('subscription_activated')).observations
    if (created?.kind !== 'snapshot' || activated?.kind !== 'snapshot') throw new Error('no snapshots')
    expect(created.previous).toBeNull()
    expect(created.rank.verb).toBe('created')
    expect(activated.previous).toEqual(created.value)
  })
})

describe('standard decode of a fact without its object', () => {
  test.each([
    ['subscription_created', { status: 'incomplete', plan: { id: 'pro' } }],
    ['subscription_trial_started', { status: 'trialing', trial: { from: START, until: SECOND_CYCLE } }],
    ['subscription_trial_ended', { status: 'active' }],
    ['subscription_activated', { status: 'active', plan: { id: 'pro' } }],
    ['subscription_renewed', { paidThrough: SECOND_CYCLE, period: { until: SECOND_CYCLE } }],
    ['subscription_changed', { quantity: 2, plan: { id: 'pro' } }],
    ['subscription_past_due', { status: 'past_due' }],
    ['subscription_unpaid', { status: 'unpaid' }],
    ['subscription_paused', { status: 'paused', pause: { scope: 'service', by: 'admin' } }],
    ['subscription_resumed', { status: 'active', pause: null }],
    ['subscription_cancel_scheduled', { cancel: { at: SECOND_CYCLE, atPeriodEnd: true } }],
    ['subscription_cancel_unscheduled', { cancel: null }],
    ['subscription_canceled', { status: 'canceled', endedAt: START, cancel: { atPeriodEnd: true, by: 'customer' } }],
    ['subscription_completed', { status: 'completed', period: { until: SECOND_CYCLE } }],
    ['subscription_expired', { status: 'expired' }],
  ] as const)('%s proves %o', (kind, fields) => {
    const [first] = forwarded(kind)
    expect(first).toMatchObject({ kind: 'patch', object: 'subscription', id: subscription.id, stamp: START, fields })
  })

  test('facts about invoices and payments prove their own fields', () => {
    expect(forwarded('invoice_paid')[0]).toMatchObject({
      object: 'invoice',
      fields: { status: 'paid', subscription: subscription.id, period: invoice.period, amountPaid: money(2000, 'USD') },
    })
    expect(forwarded('payment_failed')[0]).toMatchObject({
      object: 'payment',
      fields: { status: 'failed', invoice: { id: invoice.id }, failure: { code: 'insufficient_funds' } },
    })
    expect(forwarded('payment_refunded')[0]).toMatchObject({
      fields: { status: 'succeeded', amount: money(2000, 'USD'), refunded: money(500, 'USD') },
    })
  })

  test('facts that are happenings stay happenings', () => {
    expect(forwarded('usage_updated')).toMatchObject([
      { what: 'usage', meter: 'api_calls', quantity: '125', mode: 'total' },
    ])
    expect(forwarded('subscription_trial_ending')).toMatchObject([{ what: 'trial_ending', trialEndsAt: SECOND_CYCLE }])
    expect(forwarded('plan_assigned')).toMatchObject([{ what: 'plan_assigned', plan: { id: 'pro' } }])
  })
})

test('a word that is not known is a problem', () => {
  const notification = encoded('subscription_activated')
  const data = notification.body['data'] as Record<string, object>
  const body = { ...notification.body, data: { ...data, object: { ...data['object'], status: 'frozen' } } }
  const { observations, problems } = standard.decode({ ...notification, body })
  expect(problems).toEqual([{ path: 'data.object.status', message: 'a status that is not known' }])
  expect(observations[0]).toMatchObject({ value: { status: 'unknown' } })
})
