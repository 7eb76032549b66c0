import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AIRWALLEX_PROFILE } from '../../src/dialects/airwallex/profile.ts'
import { RAZORPAY_PROFILE } from '../../src/dialects/razorpay/profile.ts'
import { STRIPE_PROFILE } from '../../src/dialects/stripe/profile.ts'
import { cycle } from '../../src/model/calendar.ts'
import { addMs, DAY_MS, formatInstantShort, HOUR_MS, instant } from '../../src/model/instant.ts'
import { writeModel } from '../../src/model/json.ts'
import type { BillingProfile } from '../../src/model/profile.ts'
import { settled } from '../../src/lifecycle/settled.ts'
import { at, Bench } from './support.ts'

const CREATE = { kind: 'subscription.create', id: 'sub_1', items: [{ price: 'basic', quantity: 1 }] } as const
const PAID = { outcome: 'succeeded', reference: null } as const

function running(profile: BillingProfile, start: string): Bench {
  const bench = new Bench(profile, start)
  bench.price('basic', 5000)
  bench.customer()
  bench.ok(CREATE)
  if (bench.subscription().status === 'pending')
    bench.ok({ kind: 'subscription.authorize', id: 'sub_1', outcome: PAID, method: null })
  return bench
}

/** The service periods of the cycles that were paid, in their order. */
function periods(bench: Bench): readonly string[] {
  return bench.tellings.flatMap(({ told }) =>
    told.kind === 'invoice_paid' && told.detail.period !== null ? [formatInstantShort(told.detail.period.from)] : [],
  )
}

describe('a year on the clock', () => {
  it('counts months from the anchor: the 31st comes back after February', () => {
    const bench = running(AIRWALLEX_PROFILE, '2026-01-31T12:00:00Z')
    bench.advance('2026-06-01T00:00:00Z')
    expect(periods(bench)).toEqual([
      '2026-01-31T12:00:00Z',
      '2026-02-28T12:00:00Z',
      '2026-03-31T12:00:00Z',
      '2026-04-30T12:00:00Z',
      '2026-05-31T12:00:00Z',
    ])
  })

  it('keeps a leap day', () => {
    const bench = running(AIRWALLEX_PROFILE, '2024-02-29T00:00:00Z')
    bench.advance('2025-03-01T00:00:00Z')
    expect(periods(bench).slice(-2)).toEqual(['2025-01-29T00:00:00Z', '2025-02-28T00:00:00Z'])
    expect(periods(bench)).toHaveLength(13)
  })

  it.each([STRIPE_PROFILE, AIRWALLEX_PROFILE, RAZORPAY_PROFILE].map((profile) => [profile.id, profile] as const))(
    'is the same in one advance and in many steps (%s)',
    (_id, profile) => {
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: 365 }),
          fc.array(fc.integer({ min: 1, max: 40 * 24 }), { maxLength: 20 }),
          fc.boolean(),
          (day, hours, declines) => {
            const start = formatInstantShort(addMs(at('2025-12-01T07:30:00Z'), day * DAY_MS))
            const [whole, pieces] = [running(profile, start), running(profile, start)]
            if (declines) for (const bench of [whole, pieces]) bench.script('declines')
            const target = addMs(whole.now, 366 * DAY_MS)
            whole.advance(target)
            for (const hour of hours) {
              const next = addMs(pieces.now, hour * HOUR_MS)
              if (next < target) pieces.advance(next)
            }
            pieces.advance(target)
            expect(writeModel(pieces.tellings)).toBe(writeModel(whole.tellings))
            expect(writeModel(pieces.state)).toBe(writeModel(whole.state))
          },
        ),
        { numRuns: 15 },
      )
    },
  )

  it('has cycles without a gap or an overlap, as the calendar counts them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3000 }), (day) => {
        const start = formatInstantShort(addMs(at('2020-01-01T13:45:00Z'), day * DAY_MS))
        const bench = running(RAZORPAY_PROFILE, start)
        bench.advance(addMs(bench.now, 200 * DAY_MS))
        const interval = { unit: 'month', count: 1 } as const
        const expected = periods(bench).map((_, n) =>
          formatInstantShort(cycle(at(start), interval, n, RAZORPAY_PROFILE.boundary).from),
        )
        expect(periods(bench)).toEqual(expected)
      }),
      { numRuns: 30 },
    )
  })

  it('leaves no more in the state than what is open, however long it runs', () => {
    const bench = running(STRIPE_PROFILE, '2026-01-01T00:00:00Z')
    bench.advance('2027-01-02T00:00:00Z')
    const kept =
      Object.keys(bench.state.invoices).length - settled(bench.state).filter((e) => e.kind === 'invoice').length
    expect(kept).toBe(1)
    bench.ok({ kind: 'subscription.cancel', id: 'sub_1', when: 'now', by: 'customer', reason: null })
    const left = new Set(settled(bench.state).map((entity) => entity.kind))
    expect(left.has('subscription') && left.has('invoice') && left.has('payment')).toBe(true)
  })

  it('does what fell due while nobody looked, one after the other', () => {
    const bench = running(AIRWALLEX_PROFILE, '2026-01-01T00:00:00Z')
    bench.now = instant(at('2026-04-10T00:00:00Z'))
    bench.advance(bench.now)
    expect(periods(bench)).toHaveLength(4)
    expect(bench.subscription()).toMatchObject({ status: 'active', cycles: { paid: 4 } })
  })

  it('bills the rest of a cycle whose boundaries are counted from a later day', () => {
    const bench = new Bench(AIRWALLEX_PROFILE, '2026-01-16T00:00:00Z')
    bench.price('basic', 3100)
    bench.customer()
    bench.ok({ ...CREATE, anchor: at('2026-02-01T00:00:00Z') })
    expect(bench.invoice()).toMatchObject({ amountPaid: { minor: 1600n } })
    bench.advance('2026-02-01T00:00:00Z')
    expect(bench.invoice()).toMatchObject({ amountPaid: { minor: 3100n } })
  })

  it('ends a trial at once when that is asked for, and charges without waiting for the gate', () => {
    const bench = new Bench(STRIPE_PROFILE, '2026-01-01T00:00:00Z')
    bench.price('basic', 5000)
    bench.customer()
    bench.ok({ ...CREATE, trialDays: 30 })
    bench.gatekeepers = true
    bench.advance('2026-01-02T00:00:00Z')
    bench.heard()
    bench.ok({ kind: 'subscription.update', id: 'sub_1', trialEnd: 'now' })
    expect(bench.heard()).toEqual([
      'subscription_trial_ending',
      'subscription_trial_ended',
      'subscription_activated',
      'invoice_drafted',
      'invoice_finalized',
      'payment_initiated',
      'payment_succeeded',
      'invoice_paid',
    ])
    expect(bench.subscription()).toMatchObject({ status: 'active', period: { from: bench.now } })
  })

  it('starts anew when the interval changes, crediting the rest', () => {
    const bench = running({ ...STRIPE_PROFILE, gate: 'none' }, '2026-01-01T00:00:00Z')
    bench.price('yearly', 50_000, 'EUR', { interval: { unit: 'year', count: 1 } })
    bench.advance('2026-01-16T00:00:00Z')
    bench.ok({ kind: 'subscription.update', id: 'sub_1', items: [{ price: 'yearly', quantity: 1 }] })
    expect(bench.invoice()).toMatchObject({ amountPaid: { minor: 50_000n - 2581n } })
    expect(bench.subscription()).toMatchObject({ anchor: bench.now, period: { until: at('2027-01-16T00:00:00Z') } })
  })

  it('applies at the end of the cycle what was planned for it', () => {
    const bench = running({ ...STRIPE_PROFILE, gate: 'none' }, '2026-01-01T00:00:00Z')
    bench.price('premium', 10_000)
    bench.ok({
      kind: 'subscription.update',
      id: 'sub_1',
      items: [{ price: 'premium', quantity: 1 }],
      when: 'cycle_end',
    })
    expect(bench.subscription().items[0]?.price).toBe('basic')
    bench.advance('2026-02-01T01:00:00Z')
    expect(bench.subscription()).toMatchObject({ scheduledChange: null, items: [{ price: 'premium' }] })
    expect(bench.invoice()).toMatchObject({ amountPaid: { minor: 10_000n } })
  })
})
