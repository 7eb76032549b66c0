/** Deliveries of the seed's events, folded in every order. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode } from '../../../src/dialects/kinde/decode.ts'
import { timeOf } from '../../../src/dialects/kinde/wire.ts'
import { accessOf } from '../../../src/ledger/access.ts'
import { asOf, fold } from '../../../src/ledger/fold.ts'
import type { JsonObject } from '../../../src/model/json.ts'
import type { Observation } from '../../../src/model/observations.ts'
import { DEFAULT_POLICY } from '../../../src/model/policy.ts'
import { time } from '../airwallex/billing_view.ts'

const sample = (name: string): JsonObject =>
  JSON.parse(readFileSync(`test/fixtures/kinde/events/${name}.json`, 'utf8')) as JsonObject

function observationsOf(body: JsonObject): readonly Observation[] {
  const { event_id: id, type } = body
  const notification = { id: id as string, type: type as string, createdAt: timeOf(body), account: null, body }
  return decode(notification).observations
}

/** The upgrade of 20 August: a new agreement, whose creation has no sample of its own. */
const changed = sample('customer.plan_changed')
const team: JsonObject = {
  ...changed,
  type: 'customer.agreement_created',
  event_id: 'event_01a01e660f7bf7fef284b95fe6770384',
}
/** The end of the agreement that the upgrade replaced, told hours later. */
const replacedData = sample('customer.agreement_created')['data'] as JsonObject
const replaced: JsonObject = {
  ...changed,
  type: 'customer.agreement_cancelled',
  event_id: 'event_01a01e660f7cf7fef284b95fe6770384',
  timestamp: '2026-08-20T15:00:00.000Z',
  data: replacedData,
}

const STORY = [
  sample('customer.plan_assigned'),
  sample('customer.agreement_created'),
  sample('customer.payment_succeeded'),
  sample('customer.meter_usage_updated'),
  changed,
  team,
  replaced,
].map(observationsOf)

const FAILING = [sample('customer.payment_failed'), sample('customer.invoice_overdue')].map(observationsOf)
const OVER = [observationsOf(sample('customer.agreement_cancelled'))]

function access(observations: readonly Observation[], at: string) {
  const when = time(at)
  const state = fold(asOf(observations, when)).state
  return accessOf({
    links: [{ source: 'kinde', customer: null, state, traits: null }],
    holds: [],
    policy: DEFAULT_POLICY,
    at: when,
    feature: null,
  })
}

const anyOrder = (groups: readonly (readonly Observation[])[]) =>
  fc.shuffledSubarray([...groups, ...groups], { minLength: groups.length * 2 }).map((all) => all.flat())

describe('a customer who signs up, upgrades, fails to pay and leaves', () => {
  it('is served with the right plan at each time, whatever the order and however often it is told', () => {
    const all = [...STORY, ...FAILING, ...OVER]
    fc.assert(
      fc.property(anyOrder(all), (told) => {
        expect(access(told, '2026-08-06T13:00:00Z')).toMatchObject({
          allowed: true,
          plan: 'pro',
          paidThrough: time('2026-09-06T12:53:57Z'),
        })
        expect(access(told, '2026-08-20T20:00:00Z')).toMatchObject({ allowed: true, plan: 'team' })
        expect(access(told, '2026-09-20T10:00:00Z')).toMatchObject({ allowed: true, plan: 'team' })
        expect(access(told, '2026-10-01T10:00:01Z')).toMatchObject({ allowed: false })
        const past = fold(told).facts.map((fact) => fact.kind)
        expect(past).toContain('subscription_past_due')
        expect(past).toContain('invoice_overdue')
        expect(past).toContain('usage_updated')
      }),
      { numRuns: 60 },
    )
  })

  it('is not offboarded by the end of the agreement that was replaced', () => {
    const canceled = fold(STORY.flat()).facts.filter((fact) => fact.kind === 'subscription_canceled')
    expect(canceled).toMatchObject([{ detail: { superseded: true } }])
    const left = fold([...STORY, ...OVER].flat()).facts.filter((fact) => fact.kind === 'subscription_canceled')
    expect(left).toHaveLength(2)
    expect(left.at(-1)).toMatchObject({ detail: { superseded: false, by: 'customer' } })
  })
})
