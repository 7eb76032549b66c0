import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ACACIA_CATALOGUE, ENDIVE_CATALOGUE } from '../../../src/dialects/stripe/catalogue.ts'
import { decodeEvent } from '../../../src/dialects/stripe/decode.ts'
import type { Decoded } from '../../../src/dialects/dialect.ts'
import type { JsonObject } from '../../../src/model/json.ts'
import type { ObservedPayment } from '../../../src/model/objects.ts'
import type { Happening, Observation, Snapshot } from '../../../src/model/observations.ts'
import { eventOf, notificationOf, samples, seconds, thinSamples } from './support.ts'

const modern = samples('modern')
const classic = samples('classic')

function decodeSample(name: string, generation = modern): Decoded {
  return decodeEvent(notificationOf(generation.get(name) ?? new Uint8Array()))
}

function snapshotOf<K extends Snapshot['object']>(kind: K, decoded: Decoded): Extract<Snapshot, { object: K }> {
  const found = decoded.observations.find(
    (one): one is Extract<Snapshot, { object: K }> => one.kind === 'snapshot' && one.object === kind,
  )
  if (found === undefined) throw new Error(`no snapshot of ${kind}`)
  return found
}

function happeningOf<W extends Happening['what']>(what: W, decoded: Decoded): Extract<Happening, { what: W }> {
  const found = decoded.observations.find(
    (one): one is Extract<Happening, { what: W }> => one.kind === 'happening' && one.what === what,
  )
  if (found === undefined) throw new Error(`no happening ${what}`)
  return found
}

function unlinked(value: ObservedPayment | null): unknown {
  return value && { ...value, invoice: null }
}

const item = (id: string, end: number): JsonObject => ({
  id,
  current_period_start: 100,
  current_period_end: end,
  price: {
    id: `price_${id}`,
    unit_amount: 0,
    currency: 'usd',
    recurring: { interval: 'month', interval_count: 1 },
  },
})

const version = (name: string): readonly number[] | null => snapshotOf('invoice', decodeSample(name)).rank.version

const amount = (currency: string, total: number): unknown =>
  snapshotOf(
    'invoice',
    decodeEvent(eventOf('invoice.paid', { id: 'in_1', object: 'invoice', status: 'paid', currency, total })),
  ).value.total

/** What both generations can say: not which event told it, nor what the newer one leaves to `invoice_payment`. */
function comparable(observations: readonly Observation[]): unknown {
  return observations.map((one) => {
    if (one.kind !== 'snapshot') return { ...one, event: null, key: null }
    const rank = { ...one.rank, event: null }
    if (one.object !== 'payment') return { ...one, rank }
    return { ...one, rank, value: unlinked(one.value), previous: unlinked(one.previous) }
  })
}

describe('stripe decode: every sample', () => {
  for (const [generation, all] of [
    ['modern', modern],
    ['classic', classic],
  ] as const) {
    it(`reads every ${generation} sample without a problem`, () => {
      for (const [name, body] of all) {
        const decoded = decodeEvent(notificationOf(body))
        expect({ name, unknown: decoded.unknown, problems: decoded.problems }).toEqual({
          name,
          unknown: false,
          problems: [],
        })
      }
    })
  }

  it('reads the same out of both generations', () => {
    expect(classic.size).toBeGreaterThan(80)
    for (const [name, body] of classic) {
      const other = modern.get(name)
      if (other === undefined) throw new Error(name)
      const [older, newer] = [decodeEvent(notificationOf(body)), decodeEvent(notificationOf(other))]
      // Refunds name their customer in the newer generation only.
      if (name.startsWith('refund.')) continue
      expect(comparable(older.observations), name).toEqual(comparable(newer.observations))
    }
  })

  it('tells something exactly of the types that carry facts, customers and payments on the way', () => {
    const quiet = [...modern.keys()].filter((name) => decodeSample(name).observations.length === 0)
    const carrying = ENDIVE_CATALOGUE.filter((entry) => entry.carries.length > 0).map((entry) => entry.type)
    expect(quiet.filter((name) => carrying.includes(name))).toEqual([])
  })
})

describe('stripe decode: subscriptions', () => {
  it('finds the cycle on the items, and the whole value before a renewal', () => {
    const { value, previous, stamp, rank } = snapshotOf('subscription', decodeSample('customer.subscription.updated'))
    expect(value).toMatchObject({
      status: 'active',
      plan: { id: 'price_1TwQJABe0ycHroRBc9WdUdIR', name: 'pro_monthly', product: 'prod_Tnh87oD6RgnC96' },
      period: { from: seconds(1_771_146_000), until: seconds(1_773_565_200) },
      interval: { unit: 'month', count: 1 },
      paymentMethod: 'yes',
      latestInvoice: 'in_1TwQg3Be0ycHroRBz2fEh4tG',
      metadata: { account_id: '42' },
      free: false,
      cancel: null,
      pause: null,
    })
    expect(previous).toEqual({
      ...value,
      period: { from: seconds(1_768_467_600), until: seconds(1_771_146_000) },
      latestInvoice: 'in_1TwQ41Be0ycHroRBN4j2BMzm',
    })
    expect(stamp).toBe(seconds(1_771_146_016))
    expect(rank).toMatchObject({ verb: 'updated', event: 'evt_1TwQTUBe0ycHroRBmTaL0B0F' })
  })

  it.each([
    ['customer.subscription.created.trialing', 'trialing'],
    ['customer.subscription.updated.past_due', 'past_due'],
    ['customer.subscription.updated.unpaid', 'unpaid'],
    ['customer.subscription.updated.incomplete_expired', 'expired'],
    ['customer.subscription.paused', 'paused'],
    ['customer.subscription.deleted', 'canceled'],
  ])('maps %s to %s', (name, status) => {
    expect(snapshotOf('subscription', decodeSample(name)).value.status).toBe(status)
  })

  it('chains a status change to the state before it', () => {
    expect(snapshotOf('subscription', decodeSample('customer.subscription.updated.recovered')).previous?.status).toBe(
      'past_due',
    )
  })

  it('tells a cancellation for the period end, who asked, and that the state before had none', () => {
    const { value, previous } = snapshotOf(
      'subscription',
      decodeSample('customer.subscription.updated.cancel_at_period_end'),
    )
    expect(value.cancel).toEqual({
      requestedAt: seconds(1_770_195_600),
      at: seconds(1_771_146_000),
      atPeriodEnd: true,
      by: 'customer',
      reason: 'cancellation_requested',
    })
    expect(previous?.cancel).toBeNull()
  })

  it('tells the end of a subscription by failed payments as the system’s', () => {
    expect(snapshotOf('subscription', decodeSample('customer.subscription.deleted')).value.cancel).toMatchObject({
      by: 'system',
      reason: 'payment_failed',
      at: seconds(1_772_355_600),
    })
  })

  it('takes an end before the planned one for an end at once, although the plan is still shown', () => {
    const ended = (at: number) =>
      snapshotOf(
        'subscription',
        decodeEvent(
          eventOf('customer.subscription.deleted', {
            id: 'sub_1',
            object: 'subscription',
            status: 'canceled',
            currency: 'usd',
            items: { data: [item('a', 300)] },
            cancel_at_period_end: true,
            cancel_at: 300,
            canceled_at: 150,
            ended_at: at,
          }),
        ),
      ).value.cancel
    expect(ended(300)).toMatchObject({ at: seconds(300), atPeriodEnd: true })
    expect(ended(200)).toMatchObject({ at: seconds(200), atPeriodEnd: false })
  })

  it('tells paused collection from a paused service', () => {
    const collection = snapshotOf('subscription', decodeSample('customer.subscription.updated.pause_collection')).value
    expect(collection).toMatchObject({
      status: 'active',
      pause: { scope: 'collection', resumesAt: seconds(1_773_651_600) },
    })
    expect(snapshotOf('subscription', decodeSample('customer.subscription.paused')).value.pause?.scope).toBe('service')
  })

  it('folds the snapshot of a trial-end notice as well as the notice', () => {
    const decoded = decodeSample('customer.subscription.trial_will_end')
    const { value } = snapshotOf('subscription', decoded)
    expect(happeningOf('trial_ending', decoded)).toMatchObject({
      trialEndsAt: value.trial?.until,
      paymentMethod: value.paymentMethod,
    })
  })

  it('takes the longest cycle of several items, and knows a free subscription', () => {
    const object = {
      id: 'sub_1',
      object: 'subscription',
      status: 'active',
      currency: 'usd',
      items: { data: [item('a', 200), item('b', 300)] },
    }
    expect(
      snapshotOf('subscription', decodeEvent(eventOf('customer.subscription.updated', object))).value,
    ).toMatchObject({
      period: { from: seconds(100), until: seconds(300) },
      free: true,
    })
  })

  it('keeps a status that it does not know as unknown, with a problem', () => {
    const decoded = decodeEvent(
      eventOf('customer.subscription.updated', { id: 'sub_1', object: 'subscription', status: 'new' }),
    )
    expect(snapshotOf('subscription', decoded).value).toMatchObject({ status: 'unknown', providerStatus: 'new' })
    expect(decoded.problems).toEqual([{ path: 'data.object.status', message: 'a status that is not known' }])
  })
})

describe('stripe decode: invoices and payments', () => {
  for (const [generation, all] of [
    ['modern', modern],
    ['classic', classic],
  ] as const) {
    it(`takes the service period from the lines of a ${generation} invoice, never from the invoice`, () => {
      const { value } = snapshotOf('invoice', decodeSample('invoice.paid', all))
      expect(value).toMatchObject({
        subscription: 'sub_1TwQX6Be0ycHroRBq5O1S7AT',
        status: 'paid',
        reason: 'cycle',
        period: { from: seconds(1_771_146_000), until: seconds(1_773_565_200) },
        amountPaid: { minor: 2000n, currency: 'USD' },
        paidAt: seconds(1_771_149_622),
        paidOutOfBand: false,
      })
    })

    it(`leaves the prorations of a ${generation} invoice out of its period`, () => {
      expect(snapshotOf('invoice', decodeSample('invoice.created.proration', all)).value).toMatchObject({
        reason: 'update',
        period: null,
      })
    })

    it(`tells a renewal of the ${generation} generation by its time, although its invoice has no id`, () => {
      const decoded = decodeSample('invoice.upcoming', all)
      expect(decoded.observations).toHaveLength(1)
      expect(happeningOf('renewal_upcoming', decoded)).toMatchObject({
        subscription: 'sub_1TwQX6Be0ycHroRBq5O1S7AT',
        renewsAt: seconds(1_771_146_000),
        amount: { minor: 2000n, currency: 'USD' },
        key: `renewal_upcoming|sub_1TwQX6Be0ycHroRBq5O1S7AT|1771146000000`,
      })
    })
  }

  it('counts failed attempts, and says whether the provider will try again', () => {
    const again = happeningOf('payment_failed', decodeSample('invoice.payment_failed'))
    expect(again).toMatchObject({ attempt: 1, pastDue: false, failure: { retryable: 'yes' } })
    expect(again.nextAttemptAt).not.toBeNull()
    const last = happeningOf('payment_failed', decodeSample('invoice.payment_failed.final'))
    expect(last).toMatchObject({ nextAttemptAt: null, failure: { retryable: 'unknown' } })
    expect(last.key).not.toBe(again.key)
  })

  it('tells no payment for an invoice of nothing', () => {
    const object = { id: 'in_1', object: 'invoice', status: 'paid', currency: 'usd', amount_paid: 0 }
    const decoded = decodeEvent(eventOf('invoice.payment_succeeded', object))
    expect(decoded.observations.map((one) => one.kind)).toEqual(['snapshot'])
  })

  it('orders the invoices of one second by how far they have come', () => {
    expect([
      version('invoice.created'),
      version('invoice.finalized'),
      version('invoice.payment_failed'),
      version('invoice.paid'),
    ]).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
      [3, 1],
    ])
  })

  it('joins charge, intent and invoice: by the charge in the older generation, by the link in the newer', () => {
    expect(snapshotOf('payment', decodeSample('charge.succeeded', classic)).value).toMatchObject({
      status: 'succeeded',
      invoice: { id: 'in_1TwQ41Be0ycHroRBN4j2BMzm' },
      alias: 'pi_3TwQWxBe0ycHroRBpwXsFCjm',
    })
    expect(snapshotOf('payment', decodeSample('charge.succeeded')).value.invoice).toBe('unknown')
    expect(snapshotOf('payment', decodeSample('payment_intent.succeeded')).value.alias).toBe(
      'ch_3TwQkxBe0ycHroRB3wPGDcXo',
    )
    expect(snapshotOf('payment_link', decodeSample('invoice_payment.paid')).value).toEqual({
      payment: 'pi_3TwQWxBe0ycHroRBpwXsFCjm',
      invoice: 'in_1TwQ41Be0ycHroRBN4j2BMzm',
      amountPaid: { minor: 2000n, currency: 'USD' },
      status: 'paid',
    })
  })

  it('gives the most specific reason of a decline', () => {
    for (const name of ['charge.failed', 'payment_intent.payment_failed']) {
      expect(snapshotOf('payment', decodeSample(name)).value.failure).toEqual({
        code: 'insufficient_funds',
        message: 'Your card has insufficient funds.',
        retryable: 'yes',
      })
    }
  })

  it.each([
    ['stolen_card', null, 'no'],
    ['insufficient_funds', null, 'yes'],
    ['insufficient_funds', 'do_not_try_again', 'no'],
    ['something_new', null, 'unknown'],
  ])('takes decline %s with advice %s as retryable: %s', (reason, advice, retryable) => {
    const object = { id: 'ch_1', object: 'charge', status: 'failed', outcome: { reason, advice_code: advice } }
    expect(snapshotOf('payment', decodeEvent(eventOf('charge.failed', object))).value.failure?.retryable).toBe(
      retryable,
    )
  })

  it('tells money given back once it is decided', () => {
    expect(snapshotOf('payment', decodeSample('charge.refunded'))).toMatchObject({
      value: { status: 'succeeded', refunded: { minor: 2000n, currency: 'USD' } },
      previous: { refunded: { minor: 0n, currency: 'USD' } },
    })
    expect(happeningOf('payment_refunded', decodeSample('refund.created'))).toMatchObject({
      payment: 'pi_3TwQWxBe0ycHroRBpwXsFCjm',
      refund: 're_3TwQHmBe0ycHroRBalUJST4b',
      amount: { minor: 2000n, currency: 'USD' },
    })
    const pending = { id: 're_1', object: 'refund', status: 'pending', amount: 1, currency: 'usd' }
    expect(decodeEvent(eventOf('refund.created', pending)).observations).toEqual([])
  })

  it('reads amounts of currencies whose smallest unit this provider counts otherwise', () => {
    expect(amount('isk', 50_000)).toEqual({ minor: 500n, currency: 'ISK' })
    expect(amount('jpy', 500)).toEqual({ minor: 500n, currency: 'JPY' })
    expect(amount('mga', 500)).toEqual({ minor: 50_000n, currency: 'MGA' })
    expect(amount('isk', 50_001)).toBeNull()
  })
})

describe('stripe decode: customers, checkouts, usage', () => {
  it('links a checkout to the app’s own user', () => {
    expect(snapshotOf('checkout', decodeSample('checkout.session.completed')).value).toMatchObject({
      status: 'completed',
      customer: 'cus_TnO9eBSDQTM727',
      subscription: 'sub_1TwQX6Be0ycHroRBq5O1S7AT',
      reference: 'user_42',
    })
  })

  it('knows a customer’s users and whether there is something to charge', () => {
    const { value, previous } = snapshotOf('customer', decodeSample('customer.updated'))
    expect(value).toMatchObject({ users: ['42'], paymentMethod: 'yes', deleted: false })
    expect(previous?.paymentMethod).toBe('no')
    expect(snapshotOf('customer', decodeSample('customer.deleted'))).toMatchObject({
      value: { deleted: true },
      rank: { verb: 'deleted' },
    })
  })

  it('reads usage from an alert', () => {
    expect(happeningOf('usage', decodeSample('billing.alert.triggered'))).toMatchObject({
      quantity: '10001',
      mode: 'total',
    })
  })
})

describe('stripe decode: what it cannot read', () => {
  it('keeps thin events and types outside of billing as unknown', () => {
    for (const body of thinSamples()) {
      expect(decodeEvent(notificationOf(body))).toEqual({ observations: [], unknown: true, problems: [] })
    }
    expect(decodeEvent(eventOf('payout.paid', {})).unknown).toBe(true)
    expect(decodeEvent({ id: null, type: '', createdAt: null, account: null, body: {} }).unknown).toBe(true)
  })

  it('names the wrong shape of a known type', () => {
    expect(decodeEvent(eventOf('invoice.paid', { object: 'charge' })).problems).toHaveLength(1)
    expect(decodeEvent({ id: 'evt_1', type: 'invoice.paid', createdAt: null, account: null, body: {} })).toMatchObject({
      observations: [],
      problems: [{ path: 'data.object' }],
    })
  })

  it('never throws, whatever a body holds', () => {
    const types = ENDIVE_CATALOGUE.map((entry) => entry.type)
    const names = [
      'id',
      'object',
      'status',
      'items',
      'lines',
      'data',
      'price',
      'parent',
      'currency',
      'created',
      'plan',
      '__proto__',
    ]
    const object = fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 3 }))
    fc.assert(
      fc.property(fc.constantFrom(...types), object, fc.option(object), (type, wild, old) => {
        const shaped = { object: type.split('.')[0] ?? '', ...wild } as JsonObject
        const { observations, problems } = decodeEvent(eventOf(type, shaped, old as JsonObject | null))
        return Array.isArray(observations) && Array.isArray(problems)
      }),
    )
  })

  it('survives a sample with any one member replaced', () => {
    const bodies = [...modern.values(), ...classic.values()]
    fc.assert(
      fc.property(fc.nat(bodies.length - 1), fc.nat(200), fc.jsonValue({ maxDepth: 1 }), (which, nth, value) => {
        let count = 0
        const body = Buffer.from(bodies[which] ?? [])
        const text = JSON.stringify(
          JSON.parse(body.toString(), (_key, old: unknown) => (count++ === nth ? value : old)),
        )
        const read = notificationOf(Buffer.from(text.startsWith('{') ? text : '{}'))
        return Array.isArray(decodeEvent(read).observations)
      }),
    )
  })
})

describe('stripe catalogue', () => {
  it('flags the four types of the seed, and has each type once', () => {
    for (const catalogue of [ENDIVE_CATALOGUE, ACACIA_CATALOGUE]) {
      expect(
        catalogue
          .filter((entry) => entry.seed)
          .map((entry) => entry.type)
          .sort(),
      ).toEqual([
        'customer.subscription.trial_will_end',
        'invoice.created',
        'invoice.payment_succeeded',
        'invoice.upcoming',
      ])
      expect(new Set(catalogue.map((entry) => entry.type)).size).toBe(catalogue.length)
    }
  })

  it('has what only the newer generation sends in the newer catalogue alone', () => {
    const types = ACACIA_CATALOGUE.map((entry) => entry.type)
    expect(ENDIVE_CATALOGUE.map((entry) => entry.type).filter((type) => !types.includes(type))).toContain(
      'invoice_payment.paid',
    )
  })
})
