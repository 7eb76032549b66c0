import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Notification } from '../../../src/dialects/dialect.ts'
import { CATALOGUE } from '../../../src/dialects/kinde/catalogue.ts'
import { decode } from '../../../src/dialects/kinde/decode.ts'
import { timeOf } from '../../../src/dialects/kinde/wire.ts'
import { FACT_KINDS } from '../../../src/model/facts.ts'
import { requireInstant } from '../../../src/model/instant.ts'
import type { JsonObject } from '../../../src/model/json.ts'

function told(body: JsonObject): Notification {
  const { event_id: id, type } = body
  return {
    id: typeof id === 'string' ? id : null,
    type: typeof type === 'string' ? type : '',
    createdAt: timeOf(body),
    account: null,
    body,
  }
}

function sample(name: string, folder = 'events'): JsonObject {
  return JSON.parse(readFileSync(`test/fixtures/kinde/${folder}/${name}.json`, 'utf8')) as JsonObject
}

function claims(type: string, data: JsonObject, more: JsonObject = {}): Notification {
  return told({
    type,
    data,
    event_id: 'event_019fd7233700f7fef284b95fe6770384',
    timestamp: '2026-08-06T12:00:00Z',
    ...more,
  })
}

const CUSTOMER = 'customer_019fd71f98c09b96b5bb666f8441f2d7'
const PRO = { id: 'pro', name: 'Pro', group: null, product: null }

describe('the catalogue', () => {
  it('has the eight events of the seed, and a fact of ours for each thing that they carry', () => {
    expect(CATALOGUE.filter((entry) => entry.seed)).toHaveLength(8)
    expect(new Set(CATALOGUE.map((entry) => entry.type)).size).toBe(CATALOGUE.length)
    for (const entry of CATALOGUE) for (const kind of entry.carries) expect(FACT_KINDS).toHaveProperty(kind)
    expect(CATALOGUE.filter((entry) => entry.seed).every((entry) => entry.carries.length > 0)).toBe(true)
  })

  it('has a sample of every billing event, each of which decodes without a problem', () => {
    const files = readdirSync('test/fixtures/kinde/events').filter((file) => file !== 'index.json')
    const types = files.map((file) => sample(file.replace('.json', ''))['type'])
    for (const entry of CATALOGUE.filter((one) => one.type.startsWith('customer.'))) expect(types).toContain(entry.type)
    for (const file of files)
      expect(decode(told(sample(file.replace('.json', ''))))).toMatchObject({ unknown: false, problems: [] })
  })
})

describe('a billing event', () => {
  it.each(readdirSync('test/fixtures/kinde/events-alt-nested').map((file) => file.replace('.json', '')))(
    '%s tells the same flat and nested',
    (name) => {
      const flat = decode(told(sample(name)))
      expect(decode(told(sample(name, 'events-alt-nested')))).toEqual(flat)
      expect(flat.observations.length === 0).toBe(name === 'customer.plan_created')
    },
  )

  it('agreement_created makes an active subscription with its plan and the end of its cycle', () => {
    const { observations } = decode(told(sample('customer.agreement_created')))
    const stamp = requireInstant('2026-08-06T12:53:57.345Z', 'x')
    expect(observations).toEqual([
      {
        kind: 'patch',
        object: 'customer',
        id: CUSTOMER,
        stamp,
        fields: { users: ['kp_65b28d71bba14fa380d56d2d8d3503da'] },
        rank: { version: null, verb: 'updated', event: 'event_019fd72337e1f7fef284b95fe6770384' },
      },
      {
        kind: 'patch',
        object: 'subscription',
        id: 'agreement_019fd7233688f2d05888a8d6c77d08ce',
        stamp,
        fields: {
          exclusive: true,
          customer: CUSTOMER,
          plan: PRO,
          status: 'active',
          startedAt: stamp,
          createdAt: stamp,
          period: { from: stamp, until: requireInstant('2026-09-06T12:53:57Z', 'x') },
        },
        rank: { version: null, verb: 'created', event: 'event_019fd72337e1f7fef284b95fe6770384' },
      },
    ])
  })

  it('agreement_cancelled ends its own agreement and no other', () => {
    const { observations } = decode(told(sample('customer.agreement_cancelled')))
    expect(observations.filter((one) => one.kind !== 'happening' && one.object === 'subscription')).toMatchObject([
      {
        id: 'agreement_01a01e660e8071f42b98e75d3c61ad00',
        fields: { status: 'canceled', cancel: { by: 'customer', atPeriodEnd: false } },
        rank: { verb: 'deleted' },
      },
    ])
  })

  it.each([
    ['user', 'customer'],
    ['admin', 'admin'],
    ['api', 'unknown'],
    ['stripe', 'unknown'],
  ])('cancelled from source %s was cancelled by %s', (source, by) => {
    const decoded = decode(claims('customer.agreement_cancelled', { agreement_id: 'a', customer_id: 'c' }, { source }))
    expect(decoded.observations.at(-1)).toMatchObject({ fields: { cancel: { by } } })
  })

  it('without an agreement is a problem where it speaks of one, and nothing else', () => {
    const decoded = decode(claims('customer.agreement_created', { customer_id: 'c' }))
    expect(decoded).toMatchObject({ observations: [], problems: [{ path: 'data.agreement_id' }] })
  })

  it('payment_succeeded activates and pays to the next date', () => {
    expect(decode(told(sample('customer.payment_succeeded'))).observations.at(-1)).toMatchObject({
      kind: 'happening',
      what: 'payment_succeeded',
      key: 'payment_succeeded|event_019fd7234a11f7fef284b95fe6770384',
      customer: CUSTOMER,
      subscription: 'agreement_019fd7233688f2d05888a8d6c77d08ce',
      activates: true,
      paidThrough: requireInstant('2026-09-06T12:53:57Z', 'x'),
    })
  })

  it.each([
    ['2026-09-06T12:00:00+00', '2026-09-06T12:00:00Z'],
    ['2026-09-06T12:00:00+11', '2026-09-06T01:00:00Z'],
    ['2026-09-06T12:00:00+05:30', '2026-09-06T06:30:00Z'],
    ['2026-09-06', '2026-09-06T00:00:00Z'],
    ['2026-09-06 12:00:00.123456+00', '2026-09-06T12:00:00.123Z'],
  ])('reads the date %s', (date, expected) => {
    const decoded = decode(claims('customer.payment_succeeded', { customer_id: 'c', next_billing_date: date }))
    expect(decoded.problems).toEqual([])
    expect(decoded.observations.at(-1)).toMatchObject({ paidThrough: requireInstant(expected, 'x') })
  })

  it('a late payment for a cycle that was due before it ends nothing', () => {
    const data = { customer_id: 'c', invoice_due_on: '2026-08-01T00:00:00+00' }
    expect(decode(claims('customer.payment_succeeded', data)).observations.at(-1)).toMatchObject({ paidThrough: null })
    const both = { ...data, next_billing_date: '2026-09-01T00:00:00+00' }
    expect(decode(claims('customer.payment_succeeded', both)).observations.at(-1)).toMatchObject({
      paidThrough: requireInstant('2026-09-01T00:00:00Z', 'x'),
    })
  })

  it('payment_failed and invoice_overdue make it past due', () => {
    expect(decode(told(sample('customer.payment_failed'))).observations.at(-1)).toMatchObject({
      what: 'payment_failed',
      pastDue: true,
      cycle: requireInstant('2026-09-20T09:00:00Z', 'x'),
      failure: { retryable: 'unknown' },
    })
    expect(decode(told(sample('customer.invoice_overdue'))).observations.at(-1)).toMatchObject({
      what: 'invoice_overdue',
      pastDue: true,
      dueAt: requireInstant('2026-09-20T09:00:00Z', 'x'),
    })
  })

  it('plan_assigned and plan_changed name the plan', () => {
    expect(decode(told(sample('customer.plan_assigned'))).observations.at(-1)).toMatchObject({
      what: 'plan_assigned',
      plan: PRO,
    })
    expect(decode(told(sample('customer.plan_changed'))).observations.at(-1)).toMatchObject({
      what: 'changed',
      plan: { id: 'team' },
    })
  })

  it('of an organisation links its code', () => {
    expect(decode(told(sample('customer.plan_assigned.org'))).observations[0]).toMatchObject({
      object: 'customer',
      id: 'customer_019fd72083202ca2cec97d026d864de0',
      fields: { users: ['org_1ccfb819462'] },
    })
  })

  it.each([
    ['meter_id', 0, '0', 'total'],
    ['meter_id', 125, '125', 'total'],
    ['billing_feature_code', '12.5', '12.5', 'total'],
  ] as const)('usage by %s of %j is data', (name, quantity, expected, mode) => {
    const data = { customer_id: 'c', [name]: 'api_calls', quantity }
    expect(decode(claims('customer.meter_usage_updated', data)).observations.at(-1)).toMatchObject({
      what: 'usage',
      meter: 'api_calls',
      quantity: expected,
      mode,
    })
  })

  it('usage without a quantity is a problem', () => {
    const decoded = decode(
      claims('customer.meter_usage_updated', { customer_id: 'c', meter_id: 'm', quantity: 'many' }),
    )
    expect(decoded.observations).toEqual([])
    expect(decoded.problems).toMatchObject([{ path: 'data.quantity' }])
  })

  it.each([
    [{ customer_id: 'c1', user_id: 'u1' }, {}, 'c1'],
    [{ customer: { id: 'c1' }, org_code: 'o1' }, {}, 'c1'],
    [{ org_code: 'o1', user_id: 'u1' }, {}, 'o1'],
    [{ user_id: 'u1' }, {}, 'u1'],
    [{}, { customer_id: 'top' }, 'top'],
  ])('finds the customer in %j %j', (data, more, customer) => {
    const decoded = decode(claims('customer.plan_assigned', data, more))
    expect(decoded.observations.at(-1)).toMatchObject({ customer })
  })

  it.each([
    [{ plan: { code: 'a', key: 'b', id: 'c' } }, 'a'],
    [{ plan: { key: 'b', id: 'c' } }, 'b'],
    [{ plan: { id: 'c' } }, 'c'],
    [{ plan: 'd' }, 'd'],
    [{ plan_code: 'e', plan_id: 'f' }, 'e'],
    [{ plan_id: 'f' }, 'f'],
  ])('finds the plan in %j', (data, id) => {
    const decoded = decode(claims('customer.plan_changed', { customer_id: 'c', ...data }))
    expect(decoded.problems).toEqual([])
    expect(decoded.observations.at(-1)).toMatchObject({ plan: { id } })
  })

  it.each([
    [{ agreement_id: 'a1' }, 'a1'],
    [{ agreement: { id: 'a1' } }, 'a1'],
    [{ customer_agreement_id: 'a1' }, 'a1'],
    [{}, null],
  ])('finds the agreement in %j', (data, subscription) => {
    const decoded = decode(claims('customer.payment_failed', { customer_id: 'c', ...data }))
    expect(decoded.observations.at(-1)).toMatchObject({ subscription })
  })
})

describe('an event beside billing', () => {
  it('is known and tells nothing', () => {
    expect(decode(claims('user.created', {}))).toEqual({ observations: [], unknown: false, problems: [] })
    expect(decode(told(sample('customer.plan_created'))).observations).toEqual([])
  })

  it('of an unknown type is unknown', () => {
    expect(decode(claims('customer.new_thing', {}))).toMatchObject({ observations: [], unknown: true })
    expect(decode(told({}))).toMatchObject({ unknown: true })
  })
})

it('decoding never throws', () => {
  const types = CATALOGUE.map((entry) => entry.type)
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.jsonValue({ maxDepth: 4 }), fc.jsonValue(), (type, data, timestamp) => {
      decode(told({ type, data, timestamp, event_id: 'event_1' } as JsonObject))
    }),
    { numRuns: 500 },
  )
})
