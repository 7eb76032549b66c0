/** Deliveries of the seed's events, folded in every order. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode } from '../../../src/dialects/airwallex/shared/decode.ts'
import { read } from '../../../src/dialects/airwallex/shared/wire.ts'
import { accessOf } from '../../../src/ledger/access.ts'
import { asOf, fold } from '../../../src/ledger/fold.ts'
import type { JsonObject } from '../../../src/model/json.ts'
import type { Observation } from '../../../src/model/observations.ts'
import { DEFAULT_POLICY } from '../../../src/model/policy.ts'
import { bytesOf } from '../../../src/wire/bytes.ts'
import { time } from './billing_view.ts'

function observationsOf(body: JsonObject): readonly Observation[] {
  const result = read({ headers: {}, body: bytesOf(JSON.stringify(body)) })
  if (!result.ok) throw new Error(result.detail)
  return decode(result.notification).observations
}

const body = (path: string): JsonObject =>
  JSON.parse(readFileSync(`test/fixtures/airwallex/${path}.json`, 'utf8')) as JsonObject
const sample = (path: string): readonly Observation[] => observationsOf(body(path))

/** A sample with other fields in its resource, told by another event. */
function other(path: string, id: string, change: JsonObject): readonly Observation[] {
  const from = body(path)
  const data = from['data'] as JsonObject
  const resource = data['object'] as JsonObject
  return observationsOf({ ...from, id, data: { object: { ...resource, ...change } } })
}

function access(observations: readonly Observation[], at: string) {
  const when = time(at)
  const state = fold(asOf(observations, when)).state
  return accessOf({
    links: [{ source: 'airwallex', customer: null, state, traits: null }],
    holds: [],
    policy: DEFAULT_POLICY,
    at: when,
    feature: null,
  })
}

const anyOrder = (groups: readonly (readonly Observation[])[]) =>
  fc.shuffledSubarray([...groups, ...groups], { minLength: groups.length * 2 }).map((all) => all.flat())

const CURRENT = [
  'billing_checkout.created',
  'billing_checkout.completed',
  'subscription.created',
  'subscription.in_trial',
  'invoice.created',
  'invoice.finalized',
  'billing_transaction.created',
  'billing_transaction.succeeded',
  'invoice.payment.paid',
  'subscription.active',
  'subscription.unpaid',
  'subscription.modified',
  'invoice.voided',
  'subscription.cancelled',
].map((name) => sample(`2025-06-16/events/${name}`))

describe('a trial that converts, fails to renew and is cancelled, from 2025-06-16', () => {
  it('is served at the right times, whatever the order and however often it is told', () => {
    fc.assert(
      fc.property(anyOrder(CURRENT), (told) => {
        expect(access(told, '2025-07-10T00:00:00Z')).toMatchObject({
          allowed: true,
          plan: 'pri_hkdmpfwgkhk6tst0008',
          until: time('2025-07-21T23:40:06Z'),
        })
        // The invoice has no period: it is the cycle that contains its creation.
        expect(access(told, '2025-08-01T00:00:00Z')).toMatchObject({
          allowed: true,
          paidThrough: time('2025-08-21T23:40:06Z'),
        })
        // UNPAID is being retried, not over.
        expect(access(told, '2025-08-22T00:00:00Z')).toMatchObject({ allowed: true })
        expect(access(told, '2025-09-22T23:40:07Z')).toMatchObject({ allowed: false })
      }),
      { numRuns: 60 },
    )
  })

  it('tells each thing once', () => {
    const kinds = fold(CURRENT.flat()).facts.map((fact) => fact.kind)
    const once = [
      'checkout_completed',
      'subscription_created',
      'subscription_trial_started',
      'subscription_trial_ended',
      'subscription_past_due',
      'subscription_cancel_scheduled',
      'subscription_canceled',
      'invoice_paid',
      'payment_succeeded',
      'invoice_voided',
    ]
    for (const kind of once) expect([kind, kinds.filter((one) => one === kind).length]).toEqual([kind, 1])
    // Again active when it is modified: the sample says so.
    expect(kinds.filter((kind) => kind === 'subscription_activated')).toHaveLength(2)
    expect(kinds).not.toContain('subscription_unpaid')
  })
})

const renewalSent = {
  id: 'inv_2',
  status: 'SENT',
  period_start_at: '2022-09-02T03:07:53+0000',
  period_end_at: '2022-10-02T03:07:53+0000',
  created_at: '2022-09-02T03:07:53+0000',
  updated_at: '2022-09-02T03:07:54+0000',
}
const CLASSIC = [
  sample('2025-04-25/events/subscription.created'),
  sample('2025-04-25/events/invoice.sent'),
  sample('2025-04-25/events/invoice.paid'),
  other('2025-04-25/events/invoice.sent', 'e2', renewalSent),
  other('2025-04-25/events/invoice.payment_attempt_failed', 'e3', {
    ...renewalSent,
    past_payment_attempt_count: 1,
    last_payment_attempt_at: '2022-09-02T03:07:57+0000',
    next_payment_attempt_at: '2022-09-03T03:07:57+0000',
    updated_at: '2022-09-02T03:07:58+0000',
  }),
  other('2025-04-25/events/subscription.updated', 'e4', {
    status: 'UNPAID',
    cancel_at: '2023-08-02T03:07:53+0000',
    cancel_at_period_end: false,
    cancel_requested_at: null,
    current_period_start_at: renewalSent.period_start_at,
    current_period_end_at: renewalSent.period_end_at,
    updated_at: '2022-09-02T03:07:58+0000',
  }),
  other('2025-04-25/events/invoice.payment_failed', 'e5', {
    ...renewalSent,
    status: 'PAYMENT_FAILED',
    past_payment_attempt_count: 5,
    updated_at: '2022-09-09T03:07:58+0000',
  }),
  other('2025-04-25/events/subscription.cancelled', 'e6', {
    cancel_at: '2022-09-09T03:07:58+0000',
    cancel_at_period_end: false,
    cancel_requested_at: null,
    current_period_start_at: null,
    current_period_end_at: null,
    updated_at: '2022-09-09T03:07:58+0000',
  }),
]

describe('a renewal that becomes bad debt, up to 2025-04-25', () => {
  it('is served while it is retried and not after, whatever the order', () => {
    fc.assert(
      fc.property(anyOrder(CLASSIC), (told) => {
        expect(access(told, '2022-08-20T00:00:00Z')).toMatchObject({
          allowed: true,
          paidThrough: time('2022-09-02T03:07:53Z'),
        })
        expect(access(told, '2022-09-04T12:00:00Z')).toMatchObject({
          allowed: true,
          paidThrough: time('2022-09-02T03:07:53Z'),
        })
        expect(access(told, '2022-09-09T04:00:00Z')).toMatchObject({ allowed: false })
      }),
      { numRuns: 60 },
    )
  })

  it('tells past due, bad debt and the end', () => {
    const kinds = fold(CLASSIC.flat()).facts.map((fact) => fact.kind)
    for (const kind of [
      'subscription_past_due',
      'invoice_payment_failed',
      'invoice_uncollectible',
      'subscription_canceled',
    ])
      expect([kind, kinds.filter((one) => one === kind).length]).toEqual([kind, 1])
  })
})

describe('what was really seen', () => {
  it('a subscription is served although only its checkout and its paid invoice came', () => {
    const told = [
      ...sample('2025-06-16/events/billing_checkout.completed'),
      ...sample('2025-06-16/events/invoice.payment.paid'),
    ]
    const [state] = fold(told).state.subscriptions
    expect(state).toMatchObject({ id: 'sub_hkdmwssjlhk6tst0001', customer: 'bcus_hkdm5l298hk6tst0001' })
  })

  it('the new event in the old envelope is the same observation', () => {
    const [old, current] = [
      sample('2025-06-16/variants/subscription.in_trial.data-object'),
      sample('2025-06-16/events/subscription.in_trial'),
    ]
    expect(fold(old).state).toMatchObject({ subscriptions: [{ status: 'trialing' }] })
    expect(fold([...old, ...current]).facts.map((fact) => fact.key)).toEqual(
      fold(current).facts.map((fact) => fact.key),
    )
  })

  it('a cancelled subscription without its cycle keeps the last known one', () => {
    const state = fold(CURRENT.flat()).state.subscriptions[0]
    expect(state?.value.period).toEqual({ from: time('2025-08-21T23:40:06Z'), until: time('2025-09-21T23:40:06Z') })
  })
})
