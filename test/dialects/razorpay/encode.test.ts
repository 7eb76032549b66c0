import { describe, expect, test } from 'vitest'
import { razorpay } from '../../../src/dialects/razorpay/index.ts'
import type { Invoice, Payment, Subscription, View } from '../../../src/model/entities.ts'
import type { Fact, FactDetails, FactKind, Told } from '../../../src/model/facts.ts'
import { cycle } from '../../../src/model/calendar.ts'
import { addMs, DAY_MS, secondsOf } from '../../../src/model/instant.ts'
import type { Instant } from '../../../src/model/instant.ts'
import { money } from '../../../src/model/money.ts'
import * as base from '../airwallex/billing_view.ts'
import { time } from '../airwallex/billing_view.ts'
import { snapshotOf, wire } from './fixtures.ts'

type Loose = Record<string, unknown>

const AUTH = time('2019-10-05T05:43:02Z')
const INTERVAL = { unit: 'month', count: 1 } as const
const FIRST = cycle(AUTH, INTERVAL, 0, { zone: 'Asia/Kolkata', at: 'midnight' })
const SECOND = cycle(AUTH, INTERVAL, 1, { zone: 'Asia/Kolkata', at: 'midnight' })
const amount = money(100000, 'INR')

const subscription: Subscription = {
  ...base.subscription,
  currency: 'INR',
  anchor: AUTH,
  startAt: AUTH,
  startedAt: AUTH,
  createdAt: AUTH,
  period: FIRST,
  cycle: 0,
  cycles: { total: 12, invoiced: 1, paid: 1 },
  nextChargeAt: FIRST.until,
  metadata: {},
}
const invoice: Invoice = {
  ...base.paidInvoice,
  currency: 'INR',
  total: amount,
  amountDue: money(0, 'INR'),
  amountPaid: amount,
  period: FIRST,
}
const payment: Payment = { ...base.payment, amount, refunded: money(0, 'INR'), createdAt: AUTH }
const failure = { code: 'insufficient_funds', message: 'Not enough money.', retryable: 'yes' } as const
const declined: Payment = { ...payment, status: 'failed', failure }
const renewing: Subscription = {
  ...subscription,
  period: SECOND,
  cycle: 1,
  cycles: { total: 12, invoiced: 2, paid: 1 },
}

function tell<K extends FactKind>(kind: K, detail: FactDetails[K], view: View, at: Instant = AUTH) {
  const told = {
    kind,
    at,
    customer: base.customer.id,
    subscription: subscription.id,
    subject: subscription.id,
    detail,
  } as unknown as Fact
  return encode(told, view, at)
}

function encode(told: Told, view: View, at: Instant = AUTH) {
  return razorpay.encode(told, view, { fact: `f/${told.kind}/${at}`, at }).map((notification) => {
    const body = notification.body as unknown as {
      contains: readonly string[]
      payload: Record<string, { entity: Loose }>
    }
    return {
      ...notification,
      contains: body.contains,
      payload: body.payload,
      entity: body.payload['subscription']?.entity,
    }
  })
}

const paid = { attempted: payment, attemptedInvoice: invoice }
const charge = { amount, number: null, period: FIRST, outOfBand: false }

describe('razorpay tells a first charge', () => {
  const view = base.viewOf({ subscription, invoice, payment }, {}, paid)

  test('as activated and as charged, with the payment, in the keys and the order of the printed body', () => {
    const [activated] = tell('subscription_activated', { recovered: false, plan: null }, view)
    const [charged] = tell('invoice_paid', charge, view)
    expect(activated).toMatchObject({ type: 'subscription.activated', contains: ['subscription', 'payment'] })
    expect(activated!.entity).toMatchObject({ status: 'active', charge_at: secondsOf(AUTH), paid_count: 1 })
    expect(charged).toMatchObject({ type: 'subscription.charged', contains: ['subscription', 'payment'] })
    expect(charged!.entity).toMatchObject({
      status: 'active',
      type: 1,
      current_start: secondsOf(AUTH),
      current_end: secondsOf(time('2019-11-04T18:30:00Z')),
      charge_at: secondsOf(time('2019-11-04T18:30:00Z')),
      start_at: secondsOf(AUTH),
      end_at: secondsOf(time('2020-09-04T18:30:00Z')),
      auth_attempts: 0,
      total_count: 12,
      paid_count: 1,
      remaining_count: 11,
      notes: [],
      ended_at: null,
    })
    expect(charged!.payload['payment']!.entity).toMatchObject({ status: 'captured', captured: '1', amount: 100000 })
    const printed = JSON.parse(wire('subscription.charged').toString())
    expect(Object.keys(charged!.body)).toEqual(Object.keys(printed))
    const keys = Object.keys(charged!.entity!)
    expect(keys.filter((key) => key in printed.payload.subscription.entity)).toEqual(
      Object.keys(printed.payload.subscription.entity),
    )
  })

  test('exactly once: the facts that go with it are silent', () => {
    expect(tell('subscription_renewed', { invoice: invoice.id, period: FIRST }, view)).toEqual([])
    expect(tell('payment_succeeded', { amount, invoice: invoice.id }, view)).toEqual([])
    expect(tell('subscription_created', { status: 'pending', plan: null }, view)).toEqual([])
    expect(tell('subscription_expired', {}, view)).toEqual([])
  })

  test('and the receiver learns that the cycle is paid', () => {
    const [charged] = tell('invoice_paid', charge, view)
    const { observations } = razorpay.decode(charged!)
    expect(snapshotOf(observations, 'subscription').value).toMatchObject({ status: 'active', paidThrough: FIRST.until })
    const [activated] = tell('subscription_activated', { recovered: false, plan: null }, view)
    expect(snapshotOf(razorpay.decode(activated!).observations, 'subscription').value.paidThrough).toBe(FIRST.until)
  })

  test('but not where no money was taken for a cycle', () => {
    expect(tell('invoice_paid', { ...charge, outOfBand: true }, view)).toEqual([])
    const free = { ...invoice, amountPaid: money(0, 'INR') }
    expect(tell('invoice_paid', charge, base.viewOf({ subscription, invoice: free }))).toEqual([])
    const upfront = { ...invoice, lines: invoice.lines.map((line) => ({ ...line, kind: 'upfront' as const })) }
    expect(tell('invoice_paid', charge, base.viewOf({ subscription, invoice: upfront, payment }))).toEqual([])
  })
})

describe('razorpay tells a failing renewal', () => {
  const open: Invoice = { ...invoice, status: 'open', amountPaid: money(0, 'INR'), period: SECOND }
  const attemptAt = (n: number): Instant => addMs(SECOND.from, (n - 1) * DAY_MS)

  function attempt(n: number, nextAttemptAt: Instant | null, switches: Record<string, string> = {}) {
    const tried = { ...declined, attempt: n, decidedAt: attemptAt(n) }
    const after = {
      // The facts of one attempt may be told before or after the status changes: the body must not depend on it.
      subscription: {
        ...renewing,
        status: n === 1 ? 'active' : 'past_due',
        failedAttempts: n,
        nextChargeAt: nextAttemptAt,
      },
      invoice: { ...open, attempts: n, nextAttemptAt },
      payment: tried,
    } as const
    const more = { attempted: tried, attemptedInvoice: after.invoice, switches }
    return tell(
      'invoice_payment_failed',
      { attempt: n, nextAttemptAt, amount, failure },
      base.viewOf(after, { subscription: renewing }, more),
      attemptAt(n),
    )
  }

  test('as pending, once for each attempt that will be repeated', () => {
    for (const n of [1, 2, 3]) {
      const events = attempt(n, attemptAt(n + 1))
      expect(events).toHaveLength(1)
      expect(events[0]).toMatchObject({ type: 'subscription.pending', contains: ['subscription', 'payment'] })
      expect(events[0]!.entity).toMatchObject({
        status: 'pending',
        auth_attempts: n,
        charge_at: secondsOf(attemptAt(n + 1)),
        remaining_count: 10,
      })
      expect(events[0]!.payload['payment']!.entity).toMatchObject({
        status: 'failed',
        captured: false,
        error_code: 'BAD_REQUEST_ERROR',
        error_reason: 'insufficient_funds',
      })
    }
    expect(
      tell(
        'subscription_past_due',
        { invoice: invoice.id, reason: 'payment_failed' },
        base.viewOf({ subscription: renewing }),
      ),
    ).toEqual([])
  })

  test('with a payment of its own for each attempt', () => {
    const ids = [1, 2, 3].map((n) => attempt(n, attemptAt(n + 1))[0]!.payload['payment']!.entity['id'])
    expect(new Set(ids).size).toBe(3)
    for (const id of ids) expect(id).toMatch(/^pay_[0-9A-Za-z]{14}$/)
  })

  test('as halted after the last attempt, which sends no pending unless it is asked for', () => {
    expect(attempt(4, null)).toEqual([])
    expect(attempt(4, null, { pending_before_halted: 'on' })).toHaveLength(1)
    const halted = { ...renewing, status: 'unpaid', failedAttempts: 4, nextChargeAt: null } as const
    const tried = { ...declined, attempt: 4 }
    const [event] = tell(
      'subscription_unpaid',
      { invoice: invoice.id },
      base.viewOf({ subscription: halted }, { subscription: renewing }, { attempted: tried, attemptedInvoice: open }),
    )
    expect(event).toMatchObject({ type: 'subscription.halted', contains: ['subscription', 'payment'] })
    expect(event!.entity).toMatchObject({ status: 'halted', auth_attempts: 4, charge_at: secondsOf(SECOND.until) })
  })

  test('but not before the subscription has started', () => {
    const waiting = { ...subscription, status: 'pending', period: null, startedAt: null } as const
    const view = base.viewOf({ subscription: waiting, invoice: open }, { subscription: waiting })
    expect(tell('invoice_payment_failed', { attempt: 1, nextAttemptAt: FIRST.until, amount, failure }, view)).toEqual(
      [],
    )
  })

  test('and its recovery as charged, then activated, both of them active', () => {
    const recovered = {
      ...renewing,
      status: 'past_due',
      failedAttempts: 2,
      cycles: { total: 12, invoiced: 2, paid: 2 },
    } as const
    const [charged] = tell('invoice_paid', charge, base.viewOf({ subscription: recovered, invoice, payment }, {}, paid))
    expect(charged!.entity).toMatchObject({
      status: 'active',
      paid_count: 2,
      auth_attempts: 0,
      charge_at: secondsOf(SECOND.until),
    })
    const active = { ...recovered, status: 'active' } as const
    const [activated] = tell(
      'subscription_activated',
      { recovered: true, plan: null },
      base.viewOf({ subscription: active }, {}, paid),
    )
    expect(activated!.entity).toMatchObject({ status: 'active', charge_at: secondsOf(SECOND.until), auth_attempts: 0 })
  })
})

describe('razorpay tells the rest of a subscription’s life', () => {
  const view = (changed: Partial<Subscription>, more: Partial<View> = {}) =>
    base.viewOf({ subscription: { ...subscription, ...changed } }, { subscription }, more)
  const cancel = { requestedAt: AUTH, at: AUTH, atPeriodEnd: false, by: 'admin', reason: null } as const
  const pause = { scope: 'service', invoices: 'void', from: AUTH, resumesAt: null, by: 'admin' } as const

  test('a later start is authenticated now and shows when it will be charged', () => {
    const later = addMs(AUTH, 30 * DAY_MS)
    const [event] = tell(
      'subscription_authorized',
      { plan: null, startsAt: later },
      view({
        status: 'authorized',
        startAt: later,
        startedAt: null,
        anchor: later,
        period: null,
        cycle: null,
        cycles: { total: 3, invoiced: 0, paid: 0 },
      }),
    )
    expect(event).toMatchObject({ type: 'subscription.authenticated', contains: ['subscription'] })
    expect(event!.entity).toMatchObject({
      status: 'authenticated',
      type: 2,
      current_start: null,
      start_at: secondsOf(later),
      charge_at: secondsOf(later),
      remaining_count: 3,
    })
  })

  test('its activation counts the invoice of the first cycle although nothing is paid yet', () => {
    const [event] = tell(
      'subscription_activated',
      { recovered: false, plan: null },
      view({ cycles: { total: 12, invoiced: 0, paid: 0 } }),
    )
    expect(event).toMatchObject({ contains: ['subscription'] })
    expect(event!.entity).toMatchObject({ paid_count: 0, remaining_count: 11, charge_at: secondsOf(AUTH) })
  })

  test('completed ends when the last cycle begins', () => {
    const [event] = tell(
      'subscription_completed',
      { period: FIRST },
      view({ status: 'completed', endedAt: FIRST.until, cycles: { total: 1, invoiced: 1, paid: 1 } }, paid),
    )
    expect(event!.entity).toMatchObject({
      status: 'completed',
      ended_at: secondsOf(AUTH),
      charge_at: null,
      remaining_count: 0,
    })
    expect(snapshotOf(razorpay.decode(event!).observations, 'subscription').value).toMatchObject({
      status: 'completed',
      paidThrough: FIRST.until,
    })
  })

  test('updated, paused, resumed and cancelled', () => {
    const changed = { changes: [], plan: null, direction: 'unknown' } as const
    const [updated] = tell(
      'subscription_changed',
      changed,
      view({ items: [{ ...subscription.items[0]!, quantity: 4 }] }),
    )
    expect(updated!.entity).toMatchObject({ status: 'active', quantity: 4, charge_at: secondsOf(FIRST.until) })
    const [paused] = tell(
      'subscription_paused',
      { scope: 'service', resumesAt: null, by: 'admin' },
      view({ status: 'paused', pause }),
    )
    expect(paused!.entity).toMatchObject({ status: 'paused', charge_at: null, pause_initiated_by: 'self' })
    const [resumed] = tell('subscription_resumed', { scope: 'service' }, view({}))
    expect(resumed!.entity).toMatchObject({ status: 'active', pause_initiated_by: null })
    const gone = { by: 'admin', reason: null, atPeriodEnd: false, superseded: false } as const
    const [cancelled] = tell('subscription_canceled', gone, view({ status: 'canceled', cancel, endedAt: AUTH }))
    expect(cancelled!.entity).toMatchObject({
      status: 'cancelled',
      ended_at: secondsOf(AUTH),
      charge_at: null,
      cancel_initiated_by: 'self',
    })
    expect(snapshotOf(razorpay.decode(cancelled!).observations, 'subscription').value.cancel).toMatchObject({
      by: 'admin',
    })
  })

  test('the payment is there if an attempt was made before, in each of the ten events', () => {
    const events = [
      tell('subscription_authorized', { plan: null, startsAt: AUTH }, view({ status: 'authorized' }, paid)),
      tell('subscription_changed', { changes: [], plan: null, direction: 'unknown' }, view({}, paid)),
      tell(
        'subscription_paused',
        { scope: 'service', resumesAt: null, by: 'admin' },
        view({ status: 'paused', pause }, paid),
      ),
      tell(
        'subscription_canceled',
        { by: 'admin', reason: null, atPeriodEnd: false, superseded: false },
        view({ status: 'canceled', cancel }, paid),
      ),
    ]
    for (const [event] of events) expect(event!.contains, event!.type).toEqual(['subscription', 'payment'])
  })

  test('as printed, only a charge and what a charge goes with show it', () => {
    const printed = { ...paid, switches: { payment_entity: 'as_printed' } }
    const [updated] = tell('subscription_changed', { changes: [], plan: null, direction: 'unknown' }, view({}, printed))
    expect(updated!.contains).toEqual(['subscription'])
    const [charged] = tell('invoice_paid', charge, base.viewOf({ subscription, invoice, payment }, {}, printed))
    expect(charged!.contains).toEqual(['subscription', 'payment'])
  })

  test('a start at once stays one although it is authorized after its creation', () => {
    const authorization = { upfront: null, expiresAt: null, authorizedAt: AUTH }
    const late = view({ authorization, createdAt: addMs(AUTH, -DAY_MS) })
    expect(razorpay.render('subscription', late.after.subscription!, late)).toMatchObject({ type: 1 })
    const upfront = view({ authorization: { ...authorization, upfront: amount }, createdAt: addMs(AUTH, -DAY_MS) })
    expect(razorpay.render('subscription', upfront.after.subscription!, upfront)).toMatchObject({ type: 3 })
  })

  test('an exact cycle keeps its second, and so does the start of the last', () => {
    const exact = { ...subscription, period: cycle(AUTH, INTERVAL, 0) }
    const [event] = tell('subscription_changed', { changes: [], plan: null, direction: 'unknown' }, view(exact))
    expect(event!.entity).toMatchObject({ end_at: secondsOf(time('2020-09-05T05:43:02Z')) })
  })
})

describe('razorpay ids and layouts', () => {
  test('ids that Billhook minted take the provider’s form, others stay', () => {
    const view = base.viewOf({ subscription, invoice, payment }, {}, paid)
    const [event] = tell('invoice_paid', charge, view)
    expect(event!.entity!['id']).toMatch(/^sub_[0-9A-Za-z]{14}$/)
    expect(event!.entity!['customer_id']).toMatch(/^cust_[0-9A-Za-z]{14}$/)
    expect(event!.account).toMatch(/^acc_[0-9A-Za-z]{14}$/)
    expect(event!.id).toMatch(/^[0-9A-Za-z]{14}$/)
    const named = { ...subscription, id: 'sub_1', items: [{ ...subscription.items[0]!, price: 'plan_1' }] }
    const [other] = tell(
      'invoice_paid',
      charge,
      base.viewOf({ subscription: named, invoice, payment }, {}, { ...paid, account: 'acc_BFQ7uQEaa7j2z7' }),
    )
    expect(other!.entity).toMatchObject({ id: 'sub_1', plan_id: 'plan_1' })
    expect(other!.account).toBe('acc_BFQ7uQEaa7j2z7')
  })

  test('the sorted layout has its keys in alphabetical order at every level', () => {
    const view = base.viewOf({ subscription, invoice, payment }, {}, { ...paid, switches: { key_order: 'sorted' } })
    const [event] = tell('invoice_paid', charge, view)
    const keys = Object.keys(event!.entity!)
    expect(Object.keys(event!.body)).toEqual(['account_id', 'contains', 'created_at', 'entity', 'event', 'payload'])
    expect(keys).toEqual(keys.toSorted())
  })

  test('related events are sent only to who asks for them', () => {
    const view = base.viewOf({ subscription, invoice, payment }, {}, { ...paid, switches: { related_events: 'on' } })
    const types = (events: readonly { type: string }[]) => events.map(({ type }) => type)
    expect(types(tell('invoice_paid', charge, view))).toEqual(['subscription.charged', 'invoice.paid'])
    expect(types(tell('payment_succeeded', { amount, invoice: invoice.id }, view))).toEqual([
      'payment.captured',
      'order.paid',
    ])
    expect(
      types(tell('payment_failed', { amount, invoice: invoice.id, attempt: 1, nextAttemptAt: null, failure }, view)),
    ).toEqual(['payment.failed'])
    const refunded = base.viewOf({ payment, refund: base.refund }, {}, { switches: { related_events: 'on' } })
    const detail = { amount, total: amount, full: true, invoice: null }
    expect(types(tell('payment_refunded', detail, refunded))).toEqual(['refund.created', 'refund.processed'])
  })

  test('a refund and its payment name the same attempt', () => {
    const twice = { ...payment, attempt: 2 }
    const refunded = base.viewOf({ payment: twice, refund: base.refund }, {}, { switches: { related_events: 'on' } })
    const [created] = tell('payment_refunded', { amount, total: amount, full: true, invoice: null }, refunded)
    expect(created!.payload['refund']!.entity['payment_id']).toBe(created!.payload['payment']!.entity['id'])
  })
})

describe('razorpay render', () => {
  const view = base.viewOf({ subscription, invoice, payment }, {}, paid)

  test('a subscription as the API shows it is the one of its last event', () => {
    const [event] = tell('subscription_changed', { changes: [], plan: null, direction: 'unknown' }, view)
    expect(razorpay.render('subscription', subscription, view)).toEqual(event!.entity)
  })

  test('a price is a plan with its item, in the smallest unit', () => {
    expect(razorpay.render('price', base.price, view)).toMatchObject({
      entity: 'plan',
      period: 'monthly',
      interval: 1,
      item: { name: 'Pro', amount: 2000, currency: 'USD', type: 'plan' },
    })
    const quarterly = { ...base.price, interval: { unit: 'month', count: 3 } } as const
    expect(razorpay.render('price', quarterly, view)).toMatchObject({ period: 'quarterly', interval: 1 })
  })

  test('an invoice shows its cycle, and things that do not exist there are null', () => {
    expect(razorpay.render('invoice', invoice, view)).toMatchObject({
      entity: 'invoice',
      status: 'paid',
      billing_start: secondsOf(FIRST.from),
      billing_end: secondsOf(FIRST.until),
      amount_paid: 100000,
      line_items: [{ type: 'plan' }],
    })
    expect(razorpay.render('customer', base.customer, view)).toMatchObject({ entity: 'customer', name: 'Ada Lovelace' })
    expect(razorpay.render('checkout', base.checkout, view)).toBeNull()
  })
})
