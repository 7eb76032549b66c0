import { readFileSync } from 'node:fs'
import { decodeWebhook } from '@kinde/webhooks'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { open } from '../../../src/dialects/dialect.ts'
import type { Notification } from '../../../src/dialects/dialect.ts'
import { CATALOGUE } from '../../../src/dialects/kinde/catalogue.ts'
import { kinde, kindeWith, readEventTypes } from '../../../src/dialects/kinde/index.ts'
import type { View } from '../../../src/model/entities.ts'
import type { Told } from '../../../src/model/facts.ts'
import type { JsonObject } from '../../../src/model/json.ts'
import { textOf } from '../../../src/wire/bytes.ts'
import { keySetOf } from '../../../src/wire/jwt.ts'
import { newSigningKey, staticKeySet } from '../../../src/runtime/jwks.ts'
import {
  customer,
  fact,
  invoice,
  origin,
  paidInvoice,
  payment,
  price,
  record,
  SECOND_CYCLE,
  START,
  subscription,
  time,
  usage,
  viewOf,
} from '../airwallex/billing_view.ts'

const PLAN = { id: price.id, name: 'Pro', group: null, product: null }
const failure = { code: 'card_declined', message: null, retryable: 'yes' } as const

/** Every billing event, and the telling it comes from. */
const TELLINGS: Readonly<Record<string, readonly [Told, View]>> = {
  'customer.plan_assigned': [fact('plan_assigned', { plan: PLAN }), viewOf({ subscription })],
  'customer.agreement_created': [
    fact('subscription_created', { status: 'active', plan: PLAN }),
    viewOf({ subscription }),
  ],
  'customer.plan_changed': [
    fact('subscription_changed', { changes: [], plan: PLAN, direction: 'upgrade' }),
    viewOf({ subscription }),
  ],
  'customer.payment_succeeded': [
    fact('payment_succeeded', { amount: null, invoice: invoice.id }),
    viewOf({ subscription, invoice: paidInvoice, payment }),
  ],
  'customer.payment_failed': [
    fact('payment_failed', { amount: null, invoice: invoice.id, attempt: 1, nextAttemptAt: null, failure }),
    viewOf({ subscription, invoice, payment: { ...payment, status: 'failed' } }),
  ],
  'customer.invoice_overdue': [
    fact('invoice_overdue', { amount: null, dueAt: START }),
    viewOf({ subscription, invoice: { ...invoice, dueAt: START } }),
  ],
  'customer.meter_usage_updated': [
    fact('usage_updated', { meter: 'api_calls', quantity: '125', period: null }),
    viewOf({ subscription, usage }),
  ],
  'customer.agreement_cancelled': [
    fact('subscription_canceled', { by: 'admin', reason: null, atPeriodEnd: false, superseded: false }),
    viewOf({ subscription: { ...subscription, status: 'canceled', endedAt: START } }),
  ],
  'customer.plan_created': [
    { ...record('price_created', price.id), customer: null, subscription: null },
    viewOf({ price, customer: null }),
  ],
}

function single(told: Told, view: View): Notification {
  const [only, ...others] = kinde.encode(told, view, origin())
  if (only === undefined || others.length > 0) throw new Error('expected one notification')
  return only
}

const bodyOf = (type: string): JsonObject => single(...(TELLINGS[type] as readonly [Told, View])).body
const sampleOf = (type: string): JsonObject =>
  JSON.parse(readFileSync(`test/fixtures/kinde/events/${type}.json`, 'utf8')) as JsonObject

/** Names of all fields, nested ones joined with a dot. */
function names(value: unknown, prefix = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [prefix]
  return Object.entries(value).flatMap(([key, inner]) => names(inner, prefix === '' ? key : `${prefix}.${key}`))
}

describe('every billing event', () => {
  it('of the catalogue is told by some fact or record', () => {
    const billing = CATALOGUE.filter((entry) => entry.type.startsWith('customer.')).map((entry) => entry.type)
    expect(Object.keys(TELLINGS).toSorted()).toEqual(billing.toSorted())
  })

  it.each(Object.keys(TELLINGS))('%s has the fields of the reference, and no other', (type) => {
    expect(names(bodyOf(type)).toSorted()).toEqual(names(sampleOf(type)).toSorted())
    expect(bodyOf(type)['type']).toBe(type)
  })

  it.each(Object.keys(TELLINGS))('%s decodes without a problem', (type) => {
    const decoded = kinde.decode(single(...(TELLINGS[type] as readonly [Told, View])))
    expect(decoded).toMatchObject({ unknown: false, problems: [] })
    expect(decoded.observations.length > 0).toBe(type !== 'customer.plan_created')
  })
})

describe('ids and times', () => {
  it('have the provider’s form, follow from the origin, and an event’s id begins with its time', () => {
    const body = bodyOf('customer.plan_assigned')
    expect(body['event_id']).toMatch(/^event_[0-9a-f]{32}$/)
    expect(Number.parseInt((body['event_id'] as string).slice(6, 18), 16)).toBe(START)
    expect(body['timestamp']).toBe('2026-01-01T00:00:00.000Z')
    expect(body['data']).toMatchObject({
      customer_id: expect.stringMatching(/^customer_[0-9a-f]{32}$/) as string,
      agreement_id: expect.stringMatching(/^agreement_[0-9a-f]{32}$/) as string,
      next_billing_date: '2026-02-01T00:00:00+00',
      plan: { code: 'pro', name: 'Pro' },
      user_id: 'kp_1',
    })
    expect(bodyOf('customer.plan_assigned')).toEqual(body)
    const [told, view] = TELLINGS['customer.plan_assigned'] as readonly [Told, View]
    const [other] = kinde.encode(told, view, origin(START, 'another fact'))
    expect(other?.id).not.toBe(body['event_id'])
  })

  it('that the user chose are printed as they are', () => {
    const view = viewOf({ subscription: { ...subscription, id: 'agreement_1' }, customer: { ...customer, id: 'c1' } })
    const told = { ...fact('plan_assigned', { plan: PLAN }), customer: 'c1', subscription: 'agreement_1' } as Told
    expect(single(told, view).body['data']).toMatchObject({ customer_id: 'c1', agreement_id: 'agreement_1' })
  })

  it('of an organisation carry its code instead of a user', () => {
    const organisation = { ...customer, type: 'organization', user: 'org_1' } as const
    const { data } = single(
      fact('plan_assigned', { plan: PLAN }),
      viewOf({ subscription, customer: organisation }),
    ).body
    expect(data).toMatchObject({ org_code: 'org_1' })
    expect(data).not.toHaveProperty('user_id')
  })
})

describe('an agreement', () => {
  const activated = fact('subscription_activated', { recovered: false, plan: PLAN })
  const created = (status: 'active' | 'incomplete' | 'pending' | 'trialing') =>
    kinde.encode(
      fact('subscription_created', { status, plan: PLAN }),
      viewOf({ subscription: { ...subscription, status } }),
      origin(),
    )

  it.each(['incomplete', 'pending'] as const)('that is created %s is told when it becomes active', (status) => {
    expect(created(status)).toEqual([])
    const before = { subscription: { ...subscription, status } }
    expect(single(activated, viewOf({ subscription }, before)).type).toBe('customer.agreement_created')
  })

  it.each(['active', 'trialing'] as const)('that is created %s is told once', (status) => {
    expect(created(status)).toHaveLength(1)
    const before = { subscription: { ...subscription, status } }
    expect(kinde.encode(activated, viewOf({ subscription }, before), origin())).toEqual([])
  })

  it('that recovers is not told again', () => {
    const recovered = fact('subscription_activated', { recovered: true, plan: PLAN })
    const before = { subscription: { ...subscription, status: 'past_due' } } as const
    expect(kinde.encode(recovered, viewOf({ subscription }, before), origin())).toEqual([])
  })

  it('that takes another’s place is the one that the plan change names', () => {
    const fresh = { ...subscription, id: 'agreement_2', replaces: subscription.id }
    const told = fact('subscription_changed', { changes: [], plan: PLAN, direction: 'upgrade' })
    expect(single(told, viewOf({ subscription: fresh }, { subscription })).body['data']).toMatchObject({
      agreement_id: 'agreement_2',
    })
  })

  it('whose first cycle has not begun is billed next at the end of it', () => {
    const early = { ...subscription, period: null, nextChargeAt: null, cycle: null }
    const { data } = single(fact('plan_assigned', { plan: PLAN }), viewOf({ subscription: early })).body
    expect(data).toMatchObject({ next_billing_date: '2026-02-01T00:00:00+00' })
  })

  it('that replaces another is a plan change and assigns no plan', () => {
    const replacing = viewOf({ subscription: { ...subscription, replaces: 'old' } })
    expect(kinde.encode(fact('plan_assigned', { plan: PLAN }), replacing, origin())).toEqual([])
    expect(
      kinde.encode(fact('subscription_created', { status: 'active', plan: PLAN }), replacing, origin()),
    ).toHaveLength(1)
  })

  it('whose invoice was paid elsewhere has the event of a payment: no other says that it is not overdue any more', () => {
    const period = { from: START, until: SECOND_CYCLE }
    const paid = (outOfBand: boolean) =>
      kinde.encode(
        fact('invoice_paid', { amount: null, number: null, period, outOfBand }),
        viewOf({ subscription }),
        origin(),
      )
    expect(paid(false)).toEqual([])
    const [event] = paid(true)
    expect(event).toMatchObject({ type: 'customer.payment_succeeded', body: { source: 'admin' } })
    expect(event && kinde.decode(event).observations.at(-1)).toMatchObject({
      what: 'payment_succeeded',
      paidThrough: SECOND_CYCLE,
      activates: true,
    })
  })

  it('that was replaced ends in silence, unless the switch is on', () => {
    const told = fact('subscription_canceled', { by: 'system', reason: null, atPeriodEnd: false, superseded: true })
    const view = viewOf({ subscription: { ...subscription, status: 'canceled', endedAt: START } })
    expect(kinde.encode(told, view, origin())).toEqual([])
    expect(single(told, { ...view, switches: { cancelled_on_change: 'on' } }).type).toBe('customer.agreement_cancelled')
  })

  it.each([
    ['customer', 'user'],
    ['admin', 'admin'],
    ['system', 'api'],
    ['unknown', 'api'],
  ] as const)('cancelled by %s has the source %s', (by, source) => {
    const told = fact('subscription_canceled', { by, reason: null, atPeriodEnd: false, superseded: false })
    const { body } = single(told, viewOf({ subscription: { ...subscription, status: 'canceled', endedAt: START } }))
    expect(body['source']).toBe(source)
    expect(body['data']).not.toHaveProperty('next_billing_date')
  })

  it('in a trial is billed next at the trial’s end', () => {
    const trial = { from: START, until: time('2026-01-15T00:00:00Z') }
    const view = viewOf({ subscription: { ...subscription, status: 'trialing', trial } })
    const { data } = single(fact('subscription_created', { status: 'trialing', plan: PLAN }), view).body
    expect(data).toMatchObject({ next_billing_date: '2026-01-15T00:00:00+00' })
  })
})

describe('usage', () => {
  it('names the meter by its code', () => {
    const meter = {
      id: 'bhmtr_0123456789abcdefghijklmn',
      code: 'api_calls',
      name: 'API calls',
      aggregation: 'sum',
      active: true,
      createdAt: START,
      updatedAt: START,
    } as const
    const told = fact('usage_updated', { meter: 'api_calls', quantity: '0', period: null })
    const view = viewOf({ subscription, meter, usage: { ...usage, meter: meter.id, quantity: '0' } })
    expect(single(told, view).body['data']).toMatchObject({ meter_id: 'api_calls', quantity: 0 })
  })
})

describe('a payment', () => {
  it('that succeeded names the date that it paid to, and decodes to that', () => {
    const notification = single(...(TELLINGS['customer.payment_succeeded'] as readonly [Told, View]))
    expect(notification.body['data']).toMatchObject({ invoice_due_on: '2026-02-01T00:00:00+00' })
    expect(kinde.decode(notification).observations.at(-1)).toMatchObject({ paidThrough: SECOND_CYCLE, activates: true })
  })

  it('that failed names when it was due', () => {
    const notification = single(...(TELLINGS['customer.payment_failed'] as readonly [Told, View]))
    expect(kinde.decode(notification).observations.at(-1)).toMatchObject({ what: 'payment_failed', cycle: START })
  })
})

describe('the nested shape', () => {
  it.each(Object.keys(TELLINGS))('of %s has the fields of the other component', (type) => {
    const [told, view] = TELLINGS[type] as readonly [Told, View]
    const nested = single(told, { ...view, switches: { data_shape: 'nested' } })
    const sample = JSON.parse(readFileSync(`test/fixtures/kinde/events-alt-nested/${type}.json`, 'utf8')) as JsonObject
    expect(names(nested.body).toSorted()).toEqual(names(sample).toSorted())
    const flat = single(told, view)
    expect(kinde.decode(nested).observations).toEqual(kinde.decode(flat).observations)
  })
})

describe('an account’s own event types', () => {
  const answer = {
    code: 'OK',
    event_types: [
      {
        code: 'customer.payment_succeeded',
        schema: {
          type: 'object',
          required: ['agreement', 'receipt'],
          properties: {
            agreement: { type: 'object', properties: { id: { type: 'string' } } },
            customer: {
              type: 'object',
              properties: { id: { type: 'string' }, user: { type: 'object', properties: { shoe: {} } } },
            },
            plan: { type: 'object', properties: { code: { type: 'string' }, colour: { type: 'string' } } },
            amount: { type: 'string' },
            currency: { type: 'string' },
            receipt: { type: ['string', 'null'] },
          },
        },
      },
      {
        code: 'customer.plan_assigned',
        schema: JSON.stringify({ properties: { data: { properties: { plan_code: {} } } } }),
      },
      { code: 'broken', schema: 'no json' },
    ],
  }
  const own = kindeWith(readEventTypes(answer))

  it('decide the form of data, and nothing is made up', () => {
    const [told, view] = TELLINGS['customer.payment_succeeded'] as readonly [Told, View]
    const [notification] = own.encode(told, view, origin())
    expect(notification?.body['data']).toEqual({
      agreement: { id: expect.stringMatching(/^agreement_/) as string },
      customer: { id: expect.stringMatching(/^customer_/) as string },
      plan: { code: 'pro' },
      amount: '20',
      currency: 'usd',
      receipt: null,
    })
    if (notification !== undefined) expect(own.decode(notification).problems).toEqual([])
  })

  it('may be schemas of the whole event, and leave the other types as they are', () => {
    const [told, view] = TELLINGS['customer.plan_assigned'] as readonly [Told, View]
    expect(own.encode(told, view, origin())[0]?.body['data']).toEqual({ plan_code: 'pro' })
    const [failed, failedView] = TELLINGS['customer.payment_failed'] as readonly [Told, View]
    expect(own.encode(failed, failedView, origin())).toEqual(kinde.encode(failed, failedView, origin()))
  })

  it('must be a list', () => {
    expect(() => readEventTypes({})).toThrow('event_types')
  })
})

describe('a rendered agreement', () => {
  it('is what the Management API lists', () => {
    expect(kinde.render('subscription', subscription, viewOf({}))).toEqual({
      id: expect.stringMatching(/^agreement_[0-9a-f]{32}$/) as string,
      plan_code: 'pro',
      expires_on: null,
      billing_group_id: expect.stringMatching(/^sbg_[0-9a-f]{32}$/) as string,
      current_period_start: '2026-01-01T00:00:00Z',
      current_period_end: '2026-02-01T00:00:00Z',
      entitlements: [
        { feature_code: 'sso', entitlement_id: expect.stringMatching(/^entitlement_/) as string },
        { feature_code: 'api', entitlement_id: expect.stringMatching(/^entitlement_/) as string },
      ],
    })
    const ended = { ...subscription, status: 'canceled', endedAt: START } as const
    expect(kinde.render('subscription', ended, viewOf({}))).toMatchObject({ expires_on: '2026-01-01T00:00:00+00' })
    expect(kinde.render('invoice', invoice, viewOf({}))).toBeNull()
  })
})

describe('the official SDK', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('accepts what we seal, by the key set that we publish, and refuses another key', async () => {
    const [signingKey, stranger] = [await newSigningKey(), await newSigningKey()]
    const asked: string[] = []
    vi.stubGlobal('fetch', async (url: string | URL) => {
      asked.push(String(url))
      return Response.json(keySetOf([signingKey]))
    })
    for (const [told, view] of Object.values(TELLINGS)) {
      const notification = single(told, view)
      const sealed = kinde.seal(notification, { secrets: [], signingKey }, START)
      const decoded = await decodeWebhook<JsonObject>(textOf(sealed.body) ?? '', 'https://tenant.example')
      expect(decoded).toEqual(notification.body)
      const keys = { secrets: [], publicKey: staticKeySet(keySetOf([signingKey])) }
      expect(await open(kinde, sealed, keys, { at: START, toleranceMs: null })).toMatchObject({
        ok: true,
        notification,
      })
      const forged = kinde.seal(notification, { secrets: [], signingKey: stranger }, START)
      expect(await decodeWebhook(textOf(forged.body) ?? '', 'https://tenant.example')).toBeNull()
    }
    expect(new Set(asked)).toEqual(new Set(['https://tenant.example/.well-known/jwks.json']))
  })
})
