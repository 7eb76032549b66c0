import { describe, expect, it } from 'vitest'
import { AIRWALLEX_LEGACY_PROFILE, AIRWALLEX_PROFILE } from '../../src/dialects/airwallex/profile.ts'
import type { BillingProfile } from '../../src/model/profile.ts'
import { Bench, method, until } from './support.ts'

const CREATE = { kind: 'subscription.create', id: 'sub_1', items: [{ price: 'pri_1', quantity: 1 }] } as const
const INVOICED = ['invoice_drafted', 'subscription_cycle_started', 'invoice_finalized', 'payment_initiated']
const FAILED = ['payment_failed', 'invoice_payment_failed']

function bench(start: string, profile: BillingProfile = AIRWALLEX_PROFILE): Bench {
  const made = new Bench(profile, start)
  made.price('pri_1', 5000, 'USD')
  made.customer()
  made.heard()
  return made
}

describe('a subscription that is active when it is paid', () => {
  it('converts a trial with its first payment, and renews without another activation', () => {
    const made = bench('2026-01-01T00:00:00Z')
    made.ok({ ...CREATE, trialDays: 14 })
    expect(made.heard()).toEqual(['subscription_created', 'subscription_trial_started'])
    made.advance('2026-01-15T00:00:00Z')
    expect(made.heard()).toEqual([
      ...INVOICED,
      'payment_succeeded',
      'invoice_paid',
      'subscription_trial_ended',
      'subscription_activated',
    ])
    expect(until(made.subscription())).toBe('2026-02-15T00:00:00Z')
    made.advance('2026-02-15T00:00:00Z')
    expect(made.heard()).toEqual([...INVOICED, 'payment_succeeded', 'invoice_paid', 'subscription_renewed'])
  })

  it('becomes past due when the first payment after a trial fails', () => {
    const made = bench('2026-01-01T00:00:00Z')
    made.ok({ ...CREATE, trialDays: 14 })
    made.script('declines')
    made.advance('2026-01-15T00:00:00Z')
    expect(made.heard().slice(-2)).toEqual(['subscription_trial_ended', 'subscription_past_due'])
    made.script('pays')
    made.advance('2026-01-16T00:00:00Z')
    expect(made.subscription()).toMatchObject({ status: 'active', cycles: { paid: 1 } })
  })

  it('retries 1, 2, 5 and 7 days after the first failure, then is canceled', () => {
    const made = bench('2026-01-15T00:00:00Z')
    made.ok(CREATE)
    expect(made.subscription().status).toBe('active')
    made.script('declines')
    made.heard()
    made.advance('2026-02-15T00:00:00Z')
    expect(made.heard()).toEqual([...INVOICED, ...FAILED, 'subscription_past_due'])
    for (const day of ['16', '17', '20']) {
      made.advance(`2026-02-${day}T00:00:00Z`)
      expect(made.heard()).toEqual(FAILED)
    }
    made.advance('2026-02-22T00:00:00Z')
    expect(made.heard()).toEqual([...FAILED, 'payment_canceled', 'invoice_uncollectible', 'subscription_canceled'])
  })

  it('recovers when a retry is paid', () => {
    const made = bench('2026-01-15T00:00:00Z')
    made.ok(CREATE)
    made.script('declines')
    made.advance('2026-02-16T00:00:00Z')
    made.script('pays')
    made.heard()
    made.advance('2026-02-17T00:00:00Z')
    expect(made.heard()).toEqual([
      'payment_succeeded',
      'invoice_paid',
      'subscription_renewed',
      'subscription_activated',
    ])
    expect(made.subscription().status).toBe('active')
  })

  it('is active from its creation in the older generation', () => {
    const made = bench('2026-01-01T00:00:00Z', AIRWALLEX_LEGACY_PROFILE)
    made.ok({ ...CREATE, totalCycles: 2 })
    expect(made.last('subscription_created').told).toMatchObject({ detail: { status: 'active' } })
    made.heard()
    made.advance('2026-03-01T00:00:00Z')
    expect(made.heard().at(-1)).toBe('subscription_completed')
    expect(made.subscription().endedAt).toBe(made.now)
  })

  it('opens two checkouts, completes one into a paid subscription and cancels the other', () => {
    const made = new Bench(AIRWALLEX_PROFILE, '2026-01-01T00:00:00Z', `bhcus_${'0'.repeat(24)}`)
    made.price('pri_1', 5000, 'USD')
    const open = {
      kind: 'checkout.create',
      mode: 'subscription',
      items: [{ price: 'pri_1', quantity: 1 }],
      currency: null,
      trialDays: null,
      reference: 'user_1',
      successUrl: null,
      expiresAt: null,
    } as const
    const stranger = new Bench(AIRWALLEX_PROFILE, '2026-01-01T00:00:00Z', 'cus_nobody')
    stranger.price('pri_1', 5000, 'USD')
    expect(stranger.tell({ ...open, id: 'co_1' })).toMatchObject({ ok: false, code: 'not_found', field: 'customer' })
    made.ok({ ...open, id: 'co_1' })
    made.ok({ ...open, id: 'co_2' })
    expect(made.heard()).toEqual(['checkout_opened', 'checkout_opened'])
    made.advance('2026-01-01T00:10:00Z')
    const complete = { kind: 'checkout.complete', id: 'co_1', method: { attach: method('psrc_1') } } as const
    const failure = { code: 'card_declined', message: null, retryable: 'yes' } as const
    made.ok({ ...complete, outcome: { outcome: 'failed', failure } })
    expect(made.heard()).toEqual([])
    made.ok({ ...complete, outcome: { outcome: 'succeeded', reference: null } })
    const told = made.heard()
    expect(told.slice(told.indexOf('subscription_created'))).toEqual([
      'subscription_created',
      'invoice_drafted',
      'invoice_finalized',
      'payment_initiated',
      'payment_succeeded',
      'invoice_paid',
      'subscription_activated',
      'checkout_completed',
    ])
    expect(made.state.checkouts['co_1']).toMatchObject({ status: 'completed', subscription: made.subscription().id })
    expect(made.subscription().checkout).toBe('co_1')
    expect(until(made.subscription())).toBe('2026-02-01T00:10:00Z')
    made.ok({ kind: 'checkout.cancel', id: 'co_2' })
    expect(made.heard()).toEqual(['checkout_canceled'])
    expect(made.tell({ ...complete, id: 'co_2', outcome: null })).toMatchObject({
      ok: false,
      code: 'invalid_transition',
    })
  })

  it('completes a checkout for one payment, and lets one expire', () => {
    const made = bench('2026-01-01T00:00:00Z')
    made.price('once', 900, 'USD', { interval: null })
    const open = {
      kind: 'checkout.create',
      mode: 'payment',
      items: [{ price: 'once', quantity: 2 }],
      currency: null,
      trialDays: null,
      reference: null,
      successUrl: null,
      expiresAt: null,
    } as const
    made.ok({ ...open, id: 'co_1' })
    made.ok({ ...open, id: 'co_2' })
    made.ok({ kind: 'checkout.complete', id: 'co_1', method: null, outcome: null })
    expect(made.heard().at(-1)).toBe('checkout_completed')
    expect(made.invoice()).toMatchObject({ subscription: null, amountPaid: { minor: 1800n } })
    made.advance('2026-01-31T00:00:00Z')
    expect(made.heard()).toEqual(['checkout_expired'])
  })
})
