import { Stripe } from 'stripe'
import { describe, expect, it } from 'vitest'
import type { Dialect, Notification } from '../../../src/dialects/dialect.ts'
import { open as openDelivery } from '../../../src/dialects/dialect.ts'
import { EVENTS } from '../../../src/dialects/stripe/events.ts'
import { stripeAcacia, stripeEndive } from '../../../src/dialects/stripe/index.ts'
import { differenceOf } from '../../../src/dialects/stripe/print.ts'
import type { View } from '../../../src/model/entities.ts'
import type { Told } from '../../../src/model/facts.ts'
import { addMs } from '../../../src/model/instant.ts'
import { isObject } from '../../../src/model/json.ts'
import type { Json, JsonObject } from '../../../src/model/json.ts'
import { money } from '../../../src/model/money.ts'
import * as given from './builder.ts'
import { fact, ORIGIN, record, viewOf } from './builder.ts'
import { faultsOf } from './shapes.ts'
import { at, keys, NO_TIME, samples, notificationOf } from './support.ts'

const BOTH = [
  ['acacia', stripeAcacia],
  ['endive', stripeEndive],
] as const

const paidDetail = { amount: given.paid.amountPaid, number: null, period: null, outOfBand: false }
const payDetail = { amount: given.payment.amount, invoice: given.draft.id }
const failure = given.failed.failure ?? { code: null, message: null, retryable: 'unknown' }
const failDetail = { amount: null, attempt: 1, nextAttemptAt: null, failure }
const created = fact('subscription_created', { status: 'active', plan: null })
const trialing = {
  ...given.subscription,
  status: 'trialing',
  trial: { from: given.january.from, until: at('2026-01-08T00:00:00Z') },
  period: null,
  anchor: at('2026-01-08T00:00:00Z'),
} as const
const upgraded = {
  ...given.subscription,
  items: given.subscription.items.map((item) => ({ ...item, price: given.premium.id })),
}
const waiting = {
  ...given.subscription,
  pendingChange: { items: given.subscription.items, invoice: given.draft.id, expiresAt: at('2026-01-02T00:00:00Z') },
}
const attemptedView = { customer: given.customer, subscription: given.subscription }
const zeroInvoice = {
  ...given.paid,
  reason: 'first',
  total: money(0, 'EUR'),
  amountDue: money(0, 'EUR'),
  amountPaid: money(0, 'EUR'),
  payment: null,
} as const

/** One story after the other: what happened, what the engine shows, and the events that both generations send. */
const STORIES: readonly (readonly [name: string, told: Told, view: View, types: readonly string[]])[] = [
  [
    'a subscription is created',
    created,
    viewOf({ subscription: given.subscription }, { subscription: null }),
    ['customer.subscription.created'],
  ],
  [
    'a trial starts that the creation already showed',
    fact('subscription_trial_started', { plan: null, trial: null }),
    viewOf({ subscription: trialing }),
    [],
  ],
  [
    'a trial ends soon',
    fact('subscription_trial_ending', { trialEndsAt: trialing.trial.until, paymentMethod: 'yes' }),
    viewOf({ subscription: trialing }),
    ['customer.subscription.trial_will_end'],
  ],
  [
    'a trial ends',
    fact('subscription_trial_ended', { to: 'active' }),
    viewOf({ subscription: given.subscription }, { subscription: trialing }),
    ['customer.subscription.updated'],
  ],
  [
    'a renewal comes up',
    fact('subscription_renewal_upcoming', { renewsAt: given.february.from, amount: null }),
    viewOf(attemptedView),
    ['invoice.upcoming'],
  ],
  [
    'a cycle starts',
    record('subscription_cycle_started'),
    viewOf(
      { subscription: { ...given.subscription, period: given.february, cycle: 1 } },
      { subscription: given.subscription },
    ),
    ['customer.subscription.updated'],
  ],
  [
    'a payment is told that changes nothing of the subscription',
    fact('subscription_renewed', { invoice: null, period: null }),
    viewOf(
      { subscription: { ...given.subscription, cycles: { total: null, invoiced: 2, paid: 2 } } },
      { subscription: given.subscription },
    ),
    [],
  ],
  [
    'an invoice is drafted',
    fact('invoice_drafted', { total: null }),
    viewOf({ ...attemptedView, invoice: given.draft }, { invoice: null }),
    ['invoice.created'],
  ],
  [
    'an invoice is finalized',
    fact('invoice_finalized', { total: null, number: null, dueAt: null }),
    viewOf({ ...attemptedView, invoice: given.open }, { invoice: given.draft }),
    ['invoice.finalized'],
  ],
  [
    'a payment begins',
    fact('payment_initiated', payDetail),
    viewOf({ payment: given.payment, invoice: given.open }, { payment: null }),
    ['payment_intent.created'],
  ],
  [
    'a payment is tried again',
    fact('payment_initiated', payDetail),
    viewOf({ payment: { ...given.payment, attempt: 2 } }, { payment: given.failed }),
    [],
  ],
  [
    'a payment succeeds',
    fact('payment_succeeded', payDetail),
    viewOf({ payment: given.succeeded, invoice: given.open }, { payment: given.payment }),
    ['charge.succeeded', 'payment_intent.succeeded'],
  ],
  [
    'a payment fails',
    fact('payment_failed', { ...failDetail, invoice: given.draft.id }),
    viewOf({ payment: given.failed, invoice: given.open }, { payment: given.payment }),
    ['charge.failed', 'payment_intent.payment_failed'],
  ],
  [
    'a payment is canceled',
    fact('payment_canceled', payDetail),
    viewOf({ payment: { ...given.payment, status: 'canceled', decidedAt: ORIGIN.at } }),
    ['payment_intent.canceled'],
  ],
  [
    'a payment needs the customer',
    record('payment_action_required'),
    viewOf({ payment: { ...given.payment, status: 'requires_action' } }),
    ['payment_intent.requires_action'],
  ],
  [
    'a payment is on its way',
    record('payment_processing'),
    viewOf({ payment: { ...given.payment, status: 'processing', method: given.debit.id } }),
    ['payment_intent.processing', 'charge.pending'],
  ],
  [
    'an invoice is not paid',
    fact('invoice_payment_failed', failDetail),
    viewOf({ ...attemptedView, invoice: given.refused, payment: given.failed }, { invoice: given.open }),
    ['invoice.payment_failed', 'invoice.updated'],
  ],
  [
    'an invoice of nothing is paid',
    fact('invoice_paid', paidDetail),
    viewOf({ invoice: zeroInvoice }, { invoice: { ...zeroInvoice, status: 'open', paidAt: null } }),
    ['invoice.paid', 'invoice.payment_succeeded'],
  ],
  [
    'an invoice is paid elsewhere',
    fact('invoice_paid', { ...paidDetail, outOfBand: true }),
    viewOf({ invoice: { ...given.paid, paidOutOfBand: true } }, { invoice: given.open }),
    ['invoice.updated', 'invoice.paid'],
  ],
  [
    'a subscription falls behind',
    fact('subscription_past_due', { invoice: null, reason: 'payment_failed' }),
    viewOf({ subscription: { ...given.subscription, status: 'past_due' } }, { subscription: given.subscription }),
    ['customer.subscription.updated'],
  ],
  [
    'a subscription is given up',
    fact('subscription_unpaid', { invoice: null }),
    viewOf({ subscription: { ...given.subscription, status: 'unpaid' } }, { subscription: given.subscription }),
    ['customer.subscription.updated'],
  ],
  [
    'a subscription becomes active',
    fact('subscription_activated', { recovered: false, plan: null }),
    viewOf({ subscription: given.subscription }, { subscription: { ...given.subscription, status: 'incomplete' } }),
    ['customer.subscription.updated'],
  ],
  [
    'a first payment never comes',
    fact('subscription_expired', {}),
    viewOf(
      { subscription: { ...given.subscription, status: 'expired', endedAt: ORIGIN.at } },
      { subscription: { ...given.subscription, status: 'incomplete' } },
    ),
    ['customer.subscription.updated'],
  ],
  [
    'a cancellation is planned',
    fact('subscription_cancel_scheduled', { at: given.january.until, atPeriodEnd: true, by: 'customer' }),
    viewOf(
      {
        subscription: {
          ...given.subscription,
          cancel: {
            requestedAt: given.january.from,
            at: given.january.until,
            atPeriodEnd: true,
            by: 'customer',
            reason: 'too dear',
          },
        },
      },
      { subscription: given.subscription },
    ),
    ['customer.subscription.updated'],
  ],
  [
    'a subscription ends',
    fact('subscription_canceled', { by: 'system', reason: 'payment_failed', atPeriodEnd: false, superseded: false }),
    viewOf(
      {
        subscription: {
          ...given.subscription,
          status: 'canceled',
          endedAt: ORIGIN.at,
          cancel: { requestedAt: ORIGIN.at, at: ORIGIN.at, atPeriodEnd: false, by: 'system', reason: 'payment_failed' },
        },
      },
      { subscription: given.subscription },
    ),
    ['customer.subscription.deleted'],
  ],
  [
    'collection is paused',
    fact('subscription_paused', { scope: 'collection', resumesAt: null, by: 'admin' }),
    viewOf(
      {
        subscription: {
          ...given.subscription,
          pause: {
            scope: 'collection',
            invoices: 'void',
            from: ORIGIN.at,
            resumesAt: at('2026-02-15T00:00:00Z'),
            by: 'admin',
          },
        },
      },
      { subscription: given.subscription },
    ),
    ['customer.subscription.updated'],
  ],
  [
    'service is paused',
    fact('subscription_paused', { scope: 'service', resumesAt: null, by: 'admin' }),
    viewOf(
      {
        subscription: {
          ...given.subscription,
          status: 'paused',
          pause: { scope: 'service', invoices: 'void', from: ORIGIN.at, resumesAt: null, by: 'admin' },
        },
      },
      { subscription: given.subscription },
    ),
    ['customer.subscription.updated', 'customer.subscription.paused'],
  ],
  [
    'service goes on',
    fact('subscription_resumed', { scope: 'service' }),
    viewOf({ subscription: given.subscription }, { subscription: { ...given.subscription, status: 'paused' } }),
    ['customer.subscription.updated', 'customer.subscription.resumed'],
  ],
  [
    'a subscription changes its price',
    fact('subscription_changed', { changes: [], plan: null, direction: 'upgrade' }),
    viewOf({ subscription: upgraded }, { subscription: given.subscription }),
    ['customer.subscription.updated'],
  ],
  [
    'a change that waited is paid',
    record('subscription_change_applied'),
    viewOf({ subscription: given.subscription }, { subscription: waiting }),
    ['customer.subscription.updated', 'customer.subscription.pending_update_applied'],
  ],
  [
    'a planned change takes effect',
    record('subscription_change_applied'),
    viewOf({ subscription: { ...given.subscription, metadata: {} } }, { subscription: given.subscription }),
    ['customer.subscription.updated'],
  ],
  [
    'a change waits for its payment',
    record('subscription_updated'),
    viewOf({ subscription: waiting }, { subscription: given.subscription }),
    ['customer.subscription.updated'],
  ],
  [
    'an amount is put aside',
    record('invoice_item_created'),
    viewOf({ invoice_item: given.item }, { invoice_item: null }),
    ['invoiceitem.created'],
  ],
  [
    'the payment gate opens',
    record('invoice_updated'),
    viewOf({ invoice: { ...given.draft, gate: given.open.gate } }, { invoice: given.draft }),
    [],
  ],
  [
    'a draft is edited',
    record('invoice_updated'),
    viewOf({ invoice: { ...given.draft, metadata: { note: 'x' } } }, { invoice: given.draft }),
    ['invoice.updated'],
  ],
  [
    'an invoice is voided',
    fact('invoice_voided', { amount: null }),
    viewOf({ invoice: { ...given.open, status: 'void', voidedAt: ORIGIN.at } }, { invoice: given.open }),
    ['invoice.voided'],
  ],
  [
    'an invoice is written off',
    fact('invoice_uncollectible', { amount: null }),
    viewOf(
      { invoice: { ...given.refused, status: 'uncollectible', uncollectibleAt: ORIGIN.at, nextAttemptAt: null } },
      { invoice: given.refused },
    ),
    ['invoice.marked_uncollectible'],
  ],
  [
    'an invoice is overdue',
    fact('invoice_overdue', { amount: null, dueAt: null }),
    viewOf({ invoice: { ...given.open, collection: 'manual', dueAt: ORIGIN.at } }),
    ['invoice.overdue'],
  ],
  [
    'an invoice is sent',
    record('invoice_sent'),
    viewOf({ invoice: { ...given.open, collection: 'manual', sentAt: ORIGIN.at } }),
    ['invoice.sent'],
  ],
  [
    'a draft is deleted',
    record('invoice_deleted'),
    viewOf({ invoice: null }, { invoice: given.draft }),
    ['invoice.deleted'],
  ],
  [
    'the customer must confirm',
    record('invoice_action_required'),
    viewOf({ invoice: given.refused }, { invoice: given.open }),
    ['invoice.payment_action_required', 'invoice.updated'],
  ],
  [
    'money is given back',
    fact('payment_refunded', { amount: null, total: null, full: false, invoice: null }),
    viewOf(
      { payment: { ...given.succeeded, refunded: money(2000, 'EUR') }, refund: given.refund },
      { payment: given.succeeded, refund: null },
    ),
    ['charge.refunded', 'refund.created'],
  ],
  [
    'a refund is decided',
    record('refund_updated'),
    viewOf({ refund: given.refund, payment: given.succeeded }, { refund: { ...given.refund, status: 'pending' } }),
    ['refund.updated'],
  ],
  ['a checkout is opened', fact('checkout_opened', { reference: null }), viewOf({ checkout: given.checkout }), []],
  [
    'a checkout is completed',
    fact('checkout_completed', { reference: null, subscription: null }),
    viewOf({
      customer: given.customer,
      checkout: { ...given.checkout, status: 'completed', customer: given.customer.id, subscription: 'sub_1' },
    }),
    ['checkout.session.completed'],
  ],
  [
    'a checkout runs out',
    fact('checkout_expired', { reference: null }),
    viewOf({ checkout: { ...given.checkout, status: 'expired' } }),
    ['checkout.session.expired'],
  ],
  [
    'a customer is created',
    record('customer_created'),
    viewOf({ customer: given.customer }, { customer: null }),
    ['customer.created'],
  ],
  [
    'a customer gets another card',
    record('customer_updated'),
    viewOf({ customer: given.customer }, { customer: { ...given.customer, defaultPaymentMethod: null } }),
    ['customer.updated'],
  ],
  [
    'a customer is deleted',
    record('customer_deleted'),
    viewOf({ customer: { ...given.customer, deletedAt: ORIGIN.at } }),
    ['customer.deleted'],
  ],
  [
    'a card is attached',
    record('payment_method_attached'),
    viewOf({ payment_method: given.method, customer: given.customer }, { payment_method: null }),
    ['payment_method.attached'],
  ],
  [
    'an account for debits is taken away',
    record('payment_method_detached'),
    viewOf({ payment_method: { ...given.debit, detachedAt: ORIGIN.at } }, { payment_method: given.debit }),
    ['payment_method.detached'],
  ],
  [
    'a product is made',
    record('product_created'),
    viewOf({ product: given.product }, { product: null }),
    ['product.created'],
  ],
  [
    'a tiered price is made',
    record('price_created'),
    viewOf({ price: given.tiered }, { price: null }),
    ['plan.created', 'price.created'],
  ],
  [
    'a one-off price is made',
    record('price_created'),
    viewOf({ price: given.oneOff }, { price: null }),
    ['price.created'],
  ],
  [
    'a price is retired',
    record('price_updated'),
    viewOf({ price: { ...given.price, active: false } }, { price: given.price }),
    ['plan.updated', 'price.updated'],
  ],
  [
    'a clock begins',
    record('clock_created'),
    viewOf({ clock: given.clock }, { clock: null }),
    ['test_helpers.test_clock.created'],
  ],
  [
    'a clock moves',
    record('clock_advancing'),
    viewOf({ clock: { ...given.clock, status: 'advancing' } }, { clock: given.clock }),
    ['test_helpers.test_clock.advancing'],
  ],
  [
    'a clock stands',
    record('clock_ready'),
    viewOf({ clock: { ...given.clock, now: ORIGIN.at } }, { clock: given.clock }),
    ['test_helpers.test_clock.ready'],
  ],
  ['usage is reported', fact('usage_updated', { meter: 'x', quantity: '1', period: null }), viewOf({}), []],
]

const NEWER_ONLY: typeof STORIES = [
  [
    'an invoice is paid',
    fact('invoice_paid', paidDetail),
    viewOf({ ...attemptedView, invoice: given.paid, payment: given.succeeded }, { invoice: given.open }),
    ['invoice.updated', 'invoice.paid', 'invoice.payment_succeeded', 'invoice_payment.paid'],
  ],
  [
    'a meter is made',
    record('meter_created'),
    viewOf({ meter: given.meter }, { meter: null }),
    ['billing.meter.created'],
  ],
  [
    'a meter is renamed',
    record('meter_updated'),
    viewOf({ meter: { ...given.meter, name: 'Calls' } }, { meter: given.meter }),
    ['billing.meter.updated'],
  ],
  [
    'a meter is switched off',
    record('meter_updated'),
    viewOf({ meter: { ...given.meter, active: false } }, { meter: given.meter }),
    ['billing.meter.deactivated'],
  ],
]

function objectIn(notification: Notification): JsonObject {
  const data = notification.body['data']
  const object = isObject(data) ? data['object'] : null
  if (!isObject(object)) throw new Error('no object')
  return object
}

function previousIn(notification: Notification): Json | undefined {
  const data = notification.body['data']
  return isObject(data) ? data['previous_attributes'] : undefined
}

function encodeOne(dialect: Dialect, name: string): Notification {
  const story = [...STORIES, ...NEWER_ONLY].find(([title]) => title === name)
  const [notification] = story === undefined ? [] : dialect.encode(story[1], story[2], ORIGIN)
  if (notification === undefined) throw new Error(`nothing for ${name}`)
  return notification
}

/** The preview of a renewal is not made yet, so it has none of these. */
const PREVIEW = ['Invoice.id is missing']

describe('stripe encode: which events tell what', () => {
  for (const [name, told, view, types] of STORIES) {
    it(`sends ${types.length === 0 ? 'nothing' : types.join(', ')} when ${name}`, () => {
      for (const [, dialect] of BOTH) expect(dialect.encode(told, view, ORIGIN).map((one) => one.type)).toEqual(types)
    })
  }

  for (const [name, told, view, types] of NEWER_ONLY) {
    it(`sends ${types.join(', ')} in the newer generation alone when ${name}`, () => {
      expect(stripeEndive.encode(told, view, ORIGIN).map((one) => one.type)).toEqual(types)
      const known = new Set(stripeAcacia.catalogue.map((entry) => entry.type))
      expect(stripeAcacia.encode(told, view, ORIGIN).map((one) => one.type)).toEqual(
        types.filter((type) => known.has(type)),
      )
    })
  }

  it('knows only types of the catalogue', () => {
    const types = Object.values(EVENTS).flatMap((steps) => steps.map((step) => step.type))
    const known = stripeEndive.catalogue.map((entry) => entry.type)
    expect(types.filter((type) => !known.includes(type))).toEqual([])
  })
})

describe('stripe encode: objects', () => {
  const all = [...STORIES, ...NEWER_ONLY]
  for (const [generation, dialect] of BOTH) {
    for (const [name, told, view, types] of all) {
      if (types.length === 0) continue
      it(`prints every member of the ${generation} shapes and no other when ${name}`, () => {
        for (const notification of dialect.encode(told, view, ORIGIN)) {
          const without = notification.type === 'invoice.upcoming' ? PREVIEW : []
          expect(faultsOf(objectIn(notification), generation, without), notification.type).toEqual([])
        }
      })
    }

    it(`prints several items, one-off, prorated and metered lines in ${generation} shapes`, () => {
      const items = [given.price, given.metered, given.tiered].map((price, index) => ({
        id: `si_${index}`,
        price: price.id,
        quantity: 15,
        createdAt: given.january.from,
      }))
      const lines = (['subscription', 'proration', 'usage', 'one_off', 'upfront'] as const).map((kind, index) => ({
        ...given.prorationLine,
        id: `il_${index}`,
        kind,
        price: kind === 'one_off' ? null : given.metered.id,
      }))
      const view = viewOf({ subscription: { ...given.subscription, items } })
      const objects = [
        dialect.render('subscription', { ...given.subscription, items }, view),
        dialect.render('invoice', { ...given.paid, lines }, view),
        dialect.render('invoice', { ...given.open, subscription: null, reason: 'manual', lines }, view),
        dialect.render('payment', { ...given.succeeded, method: null }, view),
        dialect.render('customer', given.customer, view),
        dialect.render('refund', given.refund, view),
      ]
      for (const object of objects) expect(object && faultsOf(object, generation)).toEqual([])
      expect(dialect.render('usage', {} as never, view)).toBeNull()
    })
  }

  it('retrieves an object exactly as it stands in the body of its event, member by member and in that order', () => {
    for (const [, dialect] of BOTH) {
      for (const [kind, type] of [
        ['subscription', 'customer.subscription.'],
        ['invoice', 'invoice.'],
        ['payment', 'payment_intent.'],
        ['customer', 'customer.updated'],
      ] as const) {
        const told = all.flatMap(([, one, view]) => dialect.encode(one, view, ORIGIN).map((event) => ({ event, view })))
        const found = told.find(({ event, view }) => event.type.startsWith(type) && view.after[kind] !== null)
        const entity = found?.view.after[kind] ?? null
        if (found === undefined || entity === null) throw new Error(`no event of ${type}`)
        const { body } = dialect.seal(found.event, { secrets: ['whsec_a'], signingKey: null }, ORIGIN.at)
        const sent = objectIn({ ...found.event, body: JSON.parse(Buffer.from(body).toString()) as JsonObject })
        const retrieved = dialect.render(kind, entity, found.view)
        expect(JSON.stringify(retrieved)).toBe(JSON.stringify(sent))
      }
    }
  })

  it('names on an invoice whom it was made out to, whatever they are called later', () => {
    const billedTo = { name: 'Ada', email: null, phone: '+1' }
    const view = viewOf({ customer: { ...given.customer, name: 'Countess of Lovelace' } })
    expect(stripeEndive.render('invoice', { ...given.paid, billedTo }, view)).toMatchObject({
      customer_name: 'Ada',
      customer_email: null,
      customer_phone: '+1',
    })
  })

  it('finds a missing, an invented and a wrong member', () => {
    const good = stripeEndive.render('price', given.price, viewOf({})) ?? {}
    const { nickname: _nickname, ...short } = good
    expect(faultsOf({ ...short, color: 'red', type: 'weekly', active: null }, 'endive')).toEqual([
      'Price.nickname is missing',
      'Price.active is null',
      'Price.type has "weekly"',
      'Price.color is invented',
    ])
  })

  it('agrees with the recorded samples themselves', () => {
    for (const [generation, all] of [
      ['endive', samples('modern')],
      ['acacia', samples('classic')],
    ] as const) {
      for (const name of [
        'customer.subscription.updated',
        'invoice.paid',
        'charge.succeeded',
        'payment_intent.succeeded',
      ]) {
        expect(faultsOf(objectIn(notificationOf(all.get(name) ?? new Uint8Array())), generation), name).toEqual([])
      }
    }
  })

  it('shows the cycle where each generation has it', () => {
    const view = viewOf({})
    const period = { current_period_start: 1_767_225_600, current_period_end: 1_769_904_000 }
    expect(stripeAcacia.render('subscription', given.subscription, view)).toMatchObject(period)
    const newer = stripeEndive.render('subscription', given.subscription, view)
    expect(newer).not.toHaveProperty('current_period_end')
    expect(newer).toMatchObject({ items: { data: [period] } })
  })

  it('prints the trial as the cycle of a subscription that has none yet', () => {
    expect(stripeAcacia.render('subscription', trialing, viewOf({}))).toMatchObject({
      current_period_start: 1_767_225_600,
      current_period_end: 1_767_830_400,
      trial_end: 1_767_830_400,
      status: 'trialing',
    })
  })

  it('shows on a renewal the cycle before, and the service period on the line', () => {
    const invoice = objectIn(encodeOne(stripeAcacia, 'an invoice is drafted'))
    expect(invoice).toMatchObject({
      status: 'draft',
      billing_reason: 'subscription_cycle',
      period_start: 1_767_225_600,
      period_end: 1_769_904_000,
      next_payment_attempt: 1_769_907_600,
      webhooks_delivered_at: null,
      lines: { data: [{ period: { start: 1_769_904_000, end: 1_772_323_200 } }] },
    })
  })

  it('previews a renewal without an id, with what its prices cost', () => {
    for (const [, dialect] of BOTH) {
      const preview = objectIn(encodeOne(dialect, 'a renewal comes up'))
      expect(preview).not.toHaveProperty('id')
      expect(preview).toMatchObject({
        billing_reason: 'upcoming',
        amount_due: 5000,
        next_payment_attempt: 1_769_907_600,
      })
    }
    const told = fact('subscription_renewal_upcoming', { renewsAt: null, amount: null })
    const preview = viewOf(
      { ...attemptedView, invoice: { ...given.draft, id: 'next', total: money(9, 'EUR') } },
      { invoice: null },
    )
    expect(stripeEndive.encode(told, preview, ORIGIN).map(objectIn)).toMatchObject([
      { total: 9, billing_reason: 'upcoming' },
    ])
    const items = [{ id: 'si_1', price: given.tiered.id, quantity: 15, createdAt: given.january.from }]
    const view = viewOf({ subscription: { ...given.subscription, items } })
    // Ten at 1.00, five at 0.50, and 5.00 for reaching the second tier.
    expect(stripeEndive.encode(told, view, ORIGIN).map(objectIn)).toMatchObject([{ amount_due: 1750 }])
  })
})

describe('stripe encode: old values', () => {
  it('tells a status alone, a cycle as two fields, or as the whole old items', () => {
    expect(previousIn(encodeOne(stripeEndive, 'a subscription falls behind'))).toEqual({ status: 'active' })
    expect(previousIn(encodeOne(stripeAcacia, 'a cycle starts'))).toEqual({
      current_period_end: 1_769_904_000,
      current_period_start: 1_767_225_600,
    })
    const before = objectIn(encodeOne(stripeEndive, 'a subscription is created'))
    const items = before['items']
    expect(previousIn(encodeOne(stripeEndive, 'a cycle starts'))).toEqual({
      items: { data: isObject(items) && items['data'] },
    })
  })

  it('tells the whole old items, and the old plan, when the price changes', () => {
    for (const [, dialect] of BOTH) {
      const notification = encodeOne(dialect, 'a subscription changes its price')
      expect(previousIn(notification)).toMatchObject({
        items: { data: [{ price: { id: 'price_basic', unit_amount: 5000 }, quantity: 1 }] },
        plan: { id: 'price_basic', amount: 5000 },
      })
      expect(dialect.decode(notification).observations).toMatchObject([
        { value: { plan: { id: 'price_premium' } }, previous: { plan: { id: 'price_basic' } } },
      ])
    }
  })

  it('tells nested members one by one, and null for one that was not there', () => {
    expect(previousIn(encodeOne(stripeEndive, 'a cancellation is planned'))).toEqual({
      cancel_at: null,
      cancel_at_period_end: false,
      canceled_at: null,
      cancellation_details: { comment: null, reason: null },
    })
    expect(previousIn(encodeOne(stripeEndive, 'service is paused'))).toEqual({ status: 'active', status_details: null })
    expect(differenceOf({ metadata: {} }, { metadata: { key: 'x' } })).toEqual({ metadata: { key: null } })
    expect(differenceOf({ a: [1, 2] }, { a: [1, 3] })).toEqual({ a: [1, 2] })
    expect(differenceOf({ a: 1 }, { a: 1 })).toBeNull()
  })

  it('tells old values of updates, refunds, detachments and clocks, of nothing else', () => {
    for (const [name, told, view] of STORIES) {
      for (const notification of stripeEndive.encode(told, view, ORIGIN)) {
        const expected = /\.updated$|^charge\.refunded$|\.detached$|\.ready$/.test(notification.type)
        expect(previousIn(notification) !== undefined, `${name}: ${notification.type}`).toBe(expected)
      }
    }
  })
})

describe('stripe encode: envelopes and ids', () => {
  it('names version, time, request and mode', () => {
    const view = viewOf(
      { customer: given.customer },
      {},
      { livemode: true, request: { id: 'req_1', idempotencyKey: 'key' } },
    )
    const [notification] = stripeEndive.encode(record('customer_created'), view, ORIGIN)
    expect(notification?.body).toMatchObject({
      object: 'event',
      api_version: '2026-10-28.endive',
      created: 1_769_907_600,
      livemode: true,
      pending_webhooks: 1,
      request: { id: 'req_1', idempotency_key: 'key' },
      type: 'customer.created',
    })
    expect(encodeOne(stripeAcacia, 'a customer is created').body).toMatchObject({
      api_version: '2025-02-24.acacia',
      livemode: false,
      request: { id: null, idempotency_key: null },
    })
  })

  it('prints minted ids in the form of the provider, the same each time, and chosen ids as they are', () => {
    const invoice = objectIn(encodeOne(stripeAcacia, 'an invoice is drafted'))
    expect(invoice['id']).toMatch(/^in_1[0-9A-Za-z]{23}$/)
    expect(invoice['customer']).toMatch(/^cus_[0-9A-Za-z]{14}$/)
    expect(invoice['subscription']).toBe('sub_1')
    const charge = objectIn(encodeOne(stripeAcacia, 'a payment succeeds'))
    expect(charge['id']).toMatch(/^ch_3[0-9A-Za-z]{23}$/)
    expect(charge['payment_intent']).toMatch(/^pi_3[0-9A-Za-z]{23}$/)
    expect(charge['invoice']).toBe(invoice['id'])
    expect(objectIn(encodeOne(stripeEndive, 'an invoice is drafted'))['id']).toBe(invoice['id'])
  })

  it('gives one event the same id in both generations, and each event of a fact its own', () => {
    const told = fact('invoice_paid', paidDetail)
    const view = viewOf({ invoice: given.paid, payment: given.succeeded }, { invoice: given.open })
    const ids = (dialect: Dialect): readonly (string | null)[] =>
      dialect.encode(told, view, ORIGIN).map((one) => one.id)
    expect(ids(stripeEndive).slice(0, 3)).toEqual(ids(stripeAcacia))
    expect(new Set(ids(stripeEndive)).size).toBe(4)
    expect(encodeOne(stripeAcacia, 'a payment succeeds').id).toMatch(/^evt_3[0-9A-Za-z]{23}$/)
    expect(stripeEndive.encode(told, view, { ...ORIGIN, fact: 'other' })[0]?.id).not.toBe(ids(stripeEndive)[0])
  })
})

describe('stripe: there and back', () => {
  const all = [...STORIES, ...NEWER_ONLY]
  for (const [generation, dialect] of BOTH) {
    it(`reads all that the ${generation} generation says, and observes something where the catalogue says so`, () => {
      const carries = new Map(dialect.catalogue.map((entry) => [entry.type, entry.carries.length > 0]))
      for (const [name, told, view] of all) {
        for (const notification of dialect.encode(told, view, ORIGIN)) {
          const decoded = dialect.decode(notification)
          expect({ name, unknown: decoded.unknown, problems: decoded.problems }).toEqual({
            name,
            unknown: false,
            problems: [],
          })
          if (carries.get(notification.type) === true) expect(decoded.observations, notification.type).not.toEqual([])
        }
      }
    })

    it(`gets back what it said of a subscription, an invoice and a payment (${generation})`, () => {
      const [updated] = dialect.encode(
        record('subscription_cycle_started'),
        viewOf(
          { subscription: { ...given.subscription, period: given.february } },
          { subscription: given.subscription },
        ),
        ORIGIN,
      )
      expect(updated && dialect.decode(updated).observations).toMatchObject([
        {
          object: 'subscription',
          id: 'sub_1',
          stamp: ORIGIN.at,
          value: {
            status: 'active',
            plan: { id: 'price_basic', name: 'basic_monthly', product: 'prod_basic' },
            period: given.february,
            quantity: 1,
            interval: { unit: 'month', count: 1 },
            anchor: given.january.from,
          },
          previous: { period: given.january },
        },
      ])
      expect(dialect.decode(encodeOne(dialect, 'an invoice is not paid')).observations).toMatchObject([
        { value: { status: 'open', period: given.february, attempts: 1, nextAttemptAt: given.refused.nextAttemptAt } },
        {
          what: 'payment_failed',
          attempt: 1,
          nextAttemptAt: given.refused.nextAttemptAt,
          failure: { retryable: 'yes' },
        },
      ])
      expect(dialect.decode(encodeOne(dialect, 'a payment fails')).observations).toMatchObject([
        { object: 'payment', value: { status: 'failed', failure: given.failed.failure } },
      ])
      expect(dialect.decode(encodeOne(dialect, 'a subscription ends')).observations).toMatchObject([
        {
          value: {
            status: 'canceled',
            endedAt: ORIGIN.at,
            cancel: { by: 'system', reason: 'payment_failed', at: ORIGIN.at },
          },
        },
      ])
      expect(dialect.decode(encodeOne(dialect, 'a customer is created')).observations).toMatchObject([
        { object: 'customer', value: { users: ['42'], paymentMethod: 'yes' } },
      ])
    })

    it(`opens what it sealed with the ${generation} version, also with the old secret`, async () => {
      for (const [, told, view] of all) {
        for (const notification of dialect.encode(told, view, ORIGIN)) {
          const sealed = dialect.seal(
            notification,
            { secrets: ['whsec_new', 'whsec_old'], signingKey: null },
            ORIGIN.at,
          )
          const opened = await openDelivery(dialect, sealed, keys('whsec_old'), NO_TIME)
          expect(opened).toMatchObject({ ok: true, dedupe: notification.id, notification })
        }
      }
    })

    it(`satisfies the official library with the ${generation} version, during a rotation too`, () => {
      const webhooks = new Stripe('sk_test_x').webhooks
      for (const [, told, view] of all) {
        for (const notification of dialect.encode(told, view, ORIGIN)) {
          const sealed = dialect.seal(
            notification,
            { secrets: ['whsec_new', 'whsec_old'], signingKey: null },
            ORIGIN.at,
          )
          const header = String(sealed.headers['Stripe-Signature'])
          for (const secret of ['whsec_new', 'whsec_old']) {
            const receivedAt = addMs(ORIGIN.at, 1000)
            const event = webhooks.constructEvent(Buffer.from(sealed.body), header, secret, 300, undefined, receivedAt)
            expect(event.id).toBe(notification.id)
          }
          expect(() =>
            webhooks.constructEvent(Buffer.from(sealed.body), header, 'whsec_third', 300, undefined, ORIGIN.at),
          ).toThrow(/signature/i)
        }
      }
    })
  }
})
