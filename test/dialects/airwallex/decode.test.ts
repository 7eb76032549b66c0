import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode } from '../../../src/dialects/airwallex/shared/decode.ts'
import { read } from '../../../src/dialects/airwallex/shared/wire.ts'
import { CATALOGUE as CLASSIC } from '../../../src/dialects/airwallex/v2025_04_25/catalogue.ts'
import { CATALOGUE as CURRENT } from '../../../src/dialects/airwallex/v2025_06_16/catalogue.ts'
import type { Decoded } from '../../../src/dialects/dialect.ts'
import { FACT_KINDS } from '../../../src/model/facts.ts'
import { requireInstant } from '../../../src/model/instant.ts'
import type { JsonObject } from '../../../src/model/json.ts'
import { money } from '../../../src/model/money.ts'
import type { Observation } from '../../../src/model/observations.ts'
import { bytesOf } from '../../../src/wire/bytes.ts'

const time = (text: string) => requireInstant(text, 'test')

function decodeBody(body: JsonObject): Decoded {
  const result = read({ headers: {}, body: bytesOf(JSON.stringify(body)) })
  if (!result.ok) throw new Error(result.detail)
  return decode(result.notification)
}

function sample(path: string): JsonObject {
  return JSON.parse(readFileSync(`test/fixtures/airwallex/${path}.json`, 'utf8')) as JsonObject
}

function only(path: string): Observation {
  const decoded = decodeBody(sample(path))
  expect(decoded).toMatchObject({ unknown: false, problems: [] })
  expect(decoded.observations).toHaveLength(1)
  const [observation] = decoded.observations
  if (observation === undefined) throw new Error('expected an observation')
  return observation
}

/** A body of the current generation with other fields in its resource. */
function changed(path: string, change: JsonObject, type?: string): Decoded {
  const body = sample(path)
  const data = body['data'] as JsonObject
  const inner = data['object'] as JsonObject | undefined
  const resource = inner === undefined ? { ...data, ...change } : { object: { ...inner, ...change } }
  return decodeBody({ ...body, ...(type === undefined ? {} : { name: type }), data: resource })
}

const files = (folder: string) =>
  readdirSync(`test/fixtures/airwallex/${folder}`)
    .filter((file) => file !== 'index.json')
    .map((file) => file.replace('.json', ''))

describe('the catalogues', () => {
  it('have the sixteen and the seven events of the seed, with a sample of each', () => {
    expect(CURRENT.filter((entry) => entry.seed)).toHaveLength(16)
    expect(CLASSIC.filter((entry) => entry.seed)).toHaveLength(7)
    for (const entry of CURRENT.filter((one) => one.seed)) expect(files('2025-06-16/events')).toContain(entry.type)
    for (const entry of CLASSIC) expect(files('2025-04-25/events')).toContain(entry.type)
    for (const entry of [...CURRENT, ...CLASSIC])
      for (const kind of entry.carries) expect(FACT_KINDS).toHaveProperty(kind)
  })

  it('have labels as the web application shows them', () => {
    for (const entry of [...CURRENT, ...CLASSIC].filter((one) => one.seed))
      expect(entry.label).toMatch(/^[A-Z].* -> [A-Z]/)
  })

  it.each([
    ...files('2025-06-16/events').map((f) => `2025-06-16/events/${f}`),
    ...files('2025-04-25/events').map((f) => `2025-04-25/events/${f}`),
    ...files('2025-06-16/variants').map((f) => `2025-06-16/variants/${f}`),
  ])('%s decodes without a problem', (path) => {
    const decoded = decodeBody(sample(path))
    expect(decoded).toMatchObject({ unknown: false, problems: [] })
    expect(decoded.observations.length).toBeGreaterThan(0)
  })
})

describe('a subscription', () => {
  it('from 2025-06-16 is a whole snapshot', () => {
    expect(only('2025-06-16/events/subscription.active')).toEqual({
      kind: 'snapshot',
      object: 'subscription',
      id: 'sub_hkdmwssjlhk6tst0001',
      stamp: time('2025-07-21T23:40:11Z'),
      previous: null,
      rank: {
        version: [2, time('2025-08-21T23:40:06Z')],
        verb: 'updated',
        event: '790fb1e1-01e6-41d5-a821-297d51b43503',
      },
      value: {
        customer: 'bcus_hkdm5l298hk6tst0001',
        status: 'active',
        providerStatus: 'ACTIVE',
        plan: null,
        items: [],
        quantity: null,
        period: { from: time('2025-07-21T23:40:06Z'), until: time('2025-08-21T23:40:06Z') },
        trial: { from: time('2025-07-07T23:40:06Z'), until: time('2025-07-21T23:40:06Z') },
        createdAt: time('2025-07-07T23:40:06Z'),
        startedAt: time('2025-07-07T23:40:06Z'),
        endedAt: null,
        cancel: null,
        pause: null,
        collection: 'automatic',
        latestInvoice: 'inv_hkdmwssjlhk6tst0002',
        cycles: null,
        paymentMethod: 'yes',
        interval: { unit: 'month', count: 1 },
        anchor: time('2025-07-21T23:40:06Z'),
        paidThrough: null,
        free: false,
        metadata: { trade_no: 'order-1001' },
      },
    })
  })

  it('up to 2025-04-25 has its cycles, and the end of its term is no cancellation', () => {
    expect(only('2025-04-25/events/subscription.created')).toMatchObject({
      id: 'sub_hkstzqcl4gc7ma2ykn7',
      rank: { verb: 'created' },
      value: {
        status: 'active',
        trial: null,
        cancel: null,
        endedAt: null,
        cycles: { total: 12, remaining: 11, paid: null },
        period: { from: time('2022-08-02T03:07:53Z'), until: time('2022-09-02T03:07:53Z') },
        anchor: time('2022-08-02T03:07:53Z'),
      },
    })
  })

  it.each([
    ['PENDING', 'pending'],
    ['IN_TRIAL', 'trialing'],
    ['ACTIVE', 'active'],
    ['UNPAID', 'past_due'],
    ['CANCELLED', 'canceled'],
  ])('of status %s is %s: UNPAID is still being retried', (word, status) => {
    expect(changed('2025-06-16/events/subscription.active', { status: word }).observations[0]).toMatchObject({
      value: { status, providerStatus: word },
    })
  })

  it('of a status nobody knows is unknown, with a problem', () => {
    const decoded = changed('2025-06-16/events/subscription.active', { status: 'FROZEN' })
    expect(decoded.problems).toMatchObject([{ path: 'data.status' }])
    expect(decoded.observations[0]).toMatchObject({ value: { status: 'unknown', providerStatus: 'FROZEN' } })
  })

  it('that is to be cancelled says when, and one that was cancelled says who', () => {
    expect(only('2025-06-16/events/subscription.modified')).toMatchObject({
      value: {
        status: 'active',
        cancel: {
          requestedAt: time('2025-08-25T10:00:00Z'),
          at: time('2025-09-21T23:40:06Z'),
          atPeriodEnd: true,
          by: 'unknown',
        },
      },
    })
    expect(only('2025-06-16/events/subscription.cancelled')).toMatchObject({
      rank: { verb: 'deleted' },
      value: { status: 'canceled', period: null, endedAt: time('2025-09-21T23:40:06Z') },
    })
    const exhausted = { cancel_at_period_end: false, cancel_requested_at: null, ends_at: '2026-07-21T23:40:06+0000' }
    expect(changed('2025-06-16/events/subscription.cancelled', exhausted).observations[0]).toMatchObject({
      value: { status: 'canceled', endedAt: time('2025-09-21T23:40:07Z'), cancel: { by: 'system' } },
    })
  })

  it('whose term is over is completed', () => {
    const unasked = { cancel_at_period_end: false, cancel_requested_at: null }
    const over = { ...unasked, ends_at: '2026-07-21T23:40:06+0000', updated_at: '2026-07-21T23:40:07+0000' }
    expect(changed('2025-06-16/events/subscription.cancelled', over).observations[0]).toMatchObject({
      value: { status: 'completed', cancel: null, endedAt: time('2026-07-21T23:40:06Z') },
    })
    // Given up in the middle of its term: the end that is printed has come, but it is not the term's.
    expect(changed('2025-06-16/events/subscription.cancelled', unasked).observations[0]).toMatchObject({
      value: { status: 'canceled', cancel: { by: 'system' } },
    })
    const last = { ...unasked, remaining_billing_cycles: 0 }
    expect(changed('2025-04-25/events/subscription.cancelled', last).observations[0]).toMatchObject({
      value: { status: 'completed' },
    })
    const cutOff = { ...last, updated_at: '2022-08-09T03:07:53+0000' }
    expect(changed('2025-04-25/events/subscription.cancelled', cutOff).observations[0]).toMatchObject({
      value: { status: 'canceled', cancel: { by: 'system' } },
    })
    expect(only('2025-04-25/events/subscription.cancelled')).toMatchObject({ value: { status: 'canceled' } })
  })

  it('keeps the anchor of a month’s end, and falls back on its cycle where that does not fit', () => {
    const february = {
      trial_starts_at: null,
      trial_ends_at: null,
      starts_at: '2026-01-31T00:00:00+0000',
      current_period_starts_at: '2026-02-28T00:00:00+0000',
      current_period_ends_at: '2026-03-31T00:00:00+0000',
    }
    const anchorOf = (change: JsonObject) =>
      changed('2025-06-16/events/subscription.active', { ...february, ...change }).observations[0]
    expect(anchorOf({})).toMatchObject({ value: { anchor: time('2026-01-31T00:00:00Z') } })
    expect(anchorOf({ starts_at: '2026-01-12T00:00:00+0000' })).toMatchObject({
      value: { anchor: time('2026-02-28T00:00:00Z') },
    })
    expect(anchorOf({ billing_cycle_anchor_at: '2026-01-30T00:00:00+0000' })).toMatchObject({
      value: { anchor: time('2026-01-30T00:00:00Z') },
    })
  })

  it('states of one second that can only follow each other are ordered', () => {
    const version = (status: string) => {
      const [one] = changed('2025-06-16/events/subscription.active', { status }).observations
      return one?.kind === 'snapshot' ? (one.rank.version?.[0] ?? -1) : -1
    }
    expect(version('PENDING')).toBeLessThan(version('IN_TRIAL'))
    expect(version('IN_TRIAL')).toBeLessThan(version('ACTIVE'))
    expect(version('ACTIVE')).toBe(version('UNPAID'))
    expect(version('UNPAID')).toBeLessThan(version('CANCELLED'))
  })

  it('in a slim body patches only what it says', () => {
    const decoded = decodeBody({
      id: 'e1',
      name: 'subscription.unpaid',
      created_at: '2026-01-01T00:00:00+0000',
      data: { id: 'sub_1', billing_customer_id: 'bcus_1' },
    })
    expect(decoded.observations).toEqual([
      {
        kind: 'patch',
        object: 'subscription',
        id: 'sub_1',
        stamp: time('2026-01-01T00:00:00Z'),
        fields: { customer: 'bcus_1', status: 'past_due', providerStatus: 'UNPAID' },
        rank: { version: [2, 0], verb: 'updated', event: 'e1' },
      },
    ])
  })

  it('without an id of its own is the one that the envelope names, with a problem', () => {
    const { problems, observations } = changed('2025-06-16/variants/subscription.in_trial.data-object', { id: null })
    expect(problems).toEqual([{ path: 'data.object.id', message: 'the object has no id' }])
    expect(observations).toMatchObject([{ id: 'sub_hkdmwssjlhk6tst0001', value: { status: 'trialing' } }])
    const body = sample('2025-06-16/variants/subscription.in_trial.data-object')
    const empty = decodeBody({ ...body, data: { object: 5 } })
    expect(empty.problems).toEqual([{ path: 'data.id', message: 'the object has no id' }])
    expect(empty.observations).toMatchObject([{ kind: 'patch', id: 'sub_hkdmwssjlhk6tst0001' }])
  })

  it('says the same in the old envelope', () => {
    const old = only('2025-06-16/variants/subscription.in_trial.data-object')
    const current = only('2025-06-16/events/subscription.in_trial')
    expect({ ...old, rank: null }).toEqual({ ...current, rank: null })
  })
})

describe('an invoice', () => {
  it('from 2025-06-16 is paid although its status is FINALIZED, and has no period', () => {
    expect(only('2025-06-16/events/invoice.payment.paid')).toMatchObject({
      object: 'invoice',
      value: {
        status: 'paid',
        number: 'INV-PR2OS7ZL-0001',
        subscription: 'sub_hkdmwssjlhk6tst0001',
        total: money(2000, 'USD'),
        amountDue: money(0, 'USD'),
        amountPaid: money(2000, 'USD'),
        period: null,
        attempts: 1,
        paidAt: time('2025-07-21T23:40:10Z'),
      },
    })
  })

  it.each([
    ['2025-06-16/events/invoice.created', 'draft'],
    ['2025-06-16/events/invoice.finalized', 'open'],
    ['2025-06-16/events/invoice.voided', 'void'],
    ['2025-04-25/events/invoice.sent', 'open'],
    ['2025-04-25/events/invoice.paid', 'paid'],
    ['2025-04-25/events/invoice.payment_failed', 'uncollectible'],
  ])('%s is %s', (path, status) => {
    expect(only(path)).toMatchObject({ kind: 'snapshot', object: 'invoice', value: { status } })
  })

  it('up to 2025-04-25 has its period and one failed attempt as a happening', () => {
    const decoded = decodeBody(sample('2025-04-25/events/invoice.payment_attempt_failed'))
    const period = { from: time('2022-08-02T03:07:53Z'), until: time('2022-09-02T03:07:53Z') }
    expect(decoded.observations).toMatchObject([
      { object: 'invoice', value: { status: 'open', period, attempts: 1 } },
      {
        what: 'payment_failed',
        key: 'payment_failed|inv_hkstc4dn8gc7ma30pq1|1',
        attempt: 1,
        nextAttemptAt: time('2022-08-03T03:07:57Z'),
        amount: money(500, 'USD'),
        pastDue: true,
        cycle: period.from,
        subscription: 'sub_hkstzqcl4gc7ma2ykn7',
      },
    ])
  })

  it.each([
    ['USD', 0.2, 20n],
    ['USD', 1.15, 115n],
    ['JPY', 500, 500n],
    ['KWD', 1.234, 1234n],
  ])('reads %s %d in major units exactly', (currency, amount, minor) => {
    const decoded = changed('2025-06-16/events/invoice.finalized', {
      currency,
      total_amount: amount,
      amount_due: amount,
    })
    expect(decoded).toMatchObject({ problems: [], observations: [{ value: { total: { minor, currency } } }] })
  })

  it('with an amount of too many digits is kept, with a problem', () => {
    const decoded = changed('2025-06-16/events/invoice.finalized', { total_amount: 0.123 })
    expect(decoded.problems).toMatchObject([{ path: 'data.total_amount' }])
    expect(decoded.observations[0]).toMatchObject({ value: { total: null, status: 'open' } })
  })

  it('orders draft, finalized and paid of one second', () => {
    const versions = ['invoice.created', 'invoice.finalized', 'invoice.payment.paid', 'invoice.voided'].map((name) => {
      const one = only(`2025-06-16/events/${name}`)
      return one.kind === 'snapshot' ? one.rank.version : null
    })
    expect(versions.map((version) => version?.[0])).toEqual([0, 1, 2, 3])
  })
})

describe('a billing transaction', () => {
  it.each([
    ['created', 'initiated'],
    ['succeeded', 'succeeded'],
    ['cancelled', 'canceled'],
  ])('%s is a payment that is %s', (name, status) => {
    const observation = only(`2025-06-16/events/billing_transaction.${name}`)
    expect(observation).toMatchObject({
      object: 'payment',
      value: { status, amount: money(2000, 'USD'), alias: 'int_hkdmpfwgkhk6tst0009' },
    })
  })

  it('that pays no invoice says so', () => {
    expect(
      changed('2025-06-16/events/billing_transaction.created', { invoice_id: null }).observations[0],
    ).toMatchObject({
      value: { invoice: 'none' },
    })
  })

  it('of type REFUND is money given back once it succeeded', () => {
    const refund = { type: 'REFUND' }
    expect(changed('2025-06-16/events/billing_transaction.created', refund).observations).toEqual([])
    expect(changed('2025-06-16/events/billing_transaction.succeeded', refund).observations).toMatchObject([
      {
        what: 'payment_refunded',
        key: 'payment_refunded|btr_hkdmwssjlhk6tst0004',
        refund: 'btr_hkdmwssjlhk6tst0004',
        invoice: 'inv_hkdmwssjlhk6tst0002',
        amount: money(2000, 'USD'),
      },
    ])
  })
})

describe('a billing checkout', () => {
  it('completed links the customer, the subscription and its plan', () => {
    const decoded = decodeBody(sample('2025-06-16/events/billing_checkout.completed'))
    expect(decoded.observations).toMatchObject([
      {
        kind: 'snapshot',
        object: 'checkout',
        value: { status: 'completed', customer: 'bcus_hkdm5l298hk6tst0001', subscription: 'sub_hkdmwssjlhk6tst0001' },
      },
      {
        kind: 'patch',
        object: 'subscription',
        id: 'sub_hkdmwssjlhk6tst0001',
        fields: { customer: 'bcus_hkdm5l298hk6tst0001', plan: { id: 'pri_hkdmpfwgkhk6tst0008' } },
      },
    ])
  })

  it('in the slim body that was really seen is a patch', () => {
    expect(only('2025-06-16/variants/billing_checkout.completed.slim')).toEqual({
      kind: 'patch',
      object: 'checkout',
      id: 'bco_hkdm8hspmhk6tst0006',
      stamp: time('2026-07-08T06:31:56Z'),
      fields: { status: 'completed', customer: 'bcus_hkdm5l298hk6tst0001' },
      rank: {
        version: [1],
        verb: 'updated',
        event: '12d9a875-abca-3001-842b-489673cfc686-billing_checkout.completed/acct__ncI2nypPKSq2VXKxscAcg',
      },
    })
  })

  it.each([
    ['created', 'open'],
    ['cancelled', 'canceled'],
  ])('%s is %s', (name, status) => {
    expect(only(`2025-06-16/events/billing_checkout.${name}`)).toMatchObject({ object: 'checkout', value: { status } })
  })
})

describe('a body of the wrong shape', () => {
  it.each([
    [{ name: 'invoice.paid', id: 'e', created_at: '2026-01-01T00:00:00+0000' }, 'data'],
    [{ name: 'invoice.paid', id: 'e', created_at: '2026-01-01T00:00:00+0000', data: {} }, 'data.id'],
    [{ name: 'invoice.paid', id: 'e', data: { id: 'inv_1' } }, 'created_at'],
  ])('%j is a problem', (body, path) => {
    const decoded = decodeBody(body)
    expect(decoded).toMatchObject({ observations: [], unknown: false })
    expect(decoded.problems.map((problem) => problem.path)).toContain(path)
  })

  it('of a later type is known and tells nothing, of another type is unknown', () => {
    expect(decodeBody({ name: 'credit_note.created', data: {} })).toMatchObject({ unknown: false, observations: [] })
    expect(decodeBody({ name: 'payment_intent.succeeded', data: {} })).toMatchObject({ unknown: true })
    expect(decodeBody({ name: '__proto__' })).toMatchObject({ unknown: true })
  })

  it('never throws', () => {
    const names = [...CURRENT, ...CLASSIC].map((entry) => entry.type)
    const keys = Object.keys(sample('2025-06-16/events/subscription.active')['data'] as JsonObject)
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom('9999-12-31T23:59:59Z', '0000-01-01', 'DAY', 'x'),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.dictionary(fc.constantFrom(...keys, 'object', 'id'), value),
        (name, data) => {
          decodeBody({ id: 'e', name, created_at: '2026-01-01T00:00:00+0000', data: data as JsonObject })
          decodeBody({
            id: 'e',
            name,
            created_at: '2026-01-01T00:00:00+0000',
            data: { ...(data as JsonObject), id: 'x' },
          })
        },
      ),
      { numRuns: 500 },
    )
  })
})
