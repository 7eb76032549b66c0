import { describe, expect, it } from 'vitest'
import { KINDE_PROFILE } from '../../src/dialects/kinde/profile.ts'
import { DAY_MS } from '../../src/model/instant.ts'
import { money } from '../../src/model/money.ts'
import type { BillingProfile } from '../../src/model/profile.ts'
import { Bench, method } from './support.ts'

function bench(start: string, profile: BillingProfile = KINDE_PROFILE): Bench {
  const made = new Bench(profile, start, 'customer_1')
  made.price('pro', 2900, 'USD')
  made.price('enterprise', 9900, 'USD')
  return made
}

const SIGN_UP = { kind: 'agreement.create', id: 'agreement_1', plan: 'pro' } as const
const FAILED = ['payment_failed', 'invoice_payment_failed']

/** A customer with a card and an agreement. */
function signedUp(start: string, profile: BillingProfile = KINDE_PROFILE): Bench {
  const made = bench(start, profile)
  made.customer()
  made.ok(SIGN_UP)
  made.heard()
  return made
}

describe('agreements', () => {
  it('tells the plan, the agreement and the payment of a customer who signs up', () => {
    const made = bench('2026-01-01T00:00:00Z')
    made.customer()
    made.heard()
    made.ok(SIGN_UP)
    expect(made.heard()).toEqual([
      'plan_assigned',
      'subscription_created',
      'subscription_activated',
      'invoice_drafted',
      'invoice_finalized',
      'payment_initiated',
      'payment_succeeded',
      'invoice_paid',
    ])
    expect(made.last('subscription_created').told).toMatchObject({ detail: { status: 'active', plan: { id: 'pro' } } })
  })

  it('replaces the agreement when the plan changes', () => {
    const made = signedUp('2026-01-01T00:00:00Z')
    made.advance('2026-01-10T00:00:00Z')
    made.ok({ kind: 'agreement.create', id: 'agreement_2', plan: 'enterprise' })
    const told = made.heard()
    expect(told.slice(0, 4)).toEqual([
      'subscription_changed',
      'subscription_created',
      'subscription_activated',
      'subscription_canceled',
    ])
    expect(told.at(-1)).toBe('invoice_paid')
    const { view, told: changed } = made.last('subscription_changed')
    expect(view.before.subscription?.id).toBe('agreement_1')
    expect(view.after.subscription).toMatchObject({ id: 'agreement_2', replaces: 'agreement_1' })
    expect(changed).toMatchObject({
      subject: 'agreement_1',
      detail: { direction: 'upgrade', plan: { id: 'enterprise' } },
    })
    expect(made.last('subscription_canceled').told).toMatchObject({
      subject: 'agreement_1',
      detail: { superseded: true },
    })
    expect(made.invoice()).toMatchObject({ amountPaid: { minor: 9900n - 2058n } })
    made.advance('2026-01-20T00:00:00Z')
    made.heard()
    made.ok({ kind: 'agreement.cancel', id: null, by: 'admin', reason: null })
    expect(made.heard()).toEqual(['subscription_canceled'])
    expect(made.last('subscription_canceled').told).toMatchObject({ subject: 'agreement_2', detail: { by: 'admin' } })
    expect(made.tell({ kind: 'agreement.cancel', id: null, by: 'admin', reason: null })).toMatchObject({ ok: false })
  })

  it('takes an update of the plan for a new agreement', () => {
    const made = signedUp('2026-01-01T00:00:00Z')
    made.ok({ kind: 'subscription.update', id: 'agreement_1', items: [{ price: 'enterprise', quantity: 1 }] })
    expect(made.subscription('agreement_1').status).toBe('canceled')
    expect(made.subscription()).toMatchObject({ status: 'active', replaces: 'agreement_1' })
  })

  it('fails, is retried, and goes on past due when retries end', () => {
    const made = signedUp('2026-01-01T00:00:00Z')
    made.script('declines')
    made.advance('2026-02-01T00:00:00Z')
    expect(made.heard().slice(-3)).toEqual([...FAILED, 'subscription_past_due'])
    made.advance('2026-02-20T00:00:00Z')
    expect(made.subscription().status).toBe('past_due')
    made.heard()
    made.ok({
      kind: 'subscription.change_payment_method',
      id: 'agreement_1',
      method: { attach: method('card_2') },
    })
    expect(made.heard().at(-1)).toBe('subscription_activated')
  })

  it('tells an overdue invoice of a customer who pays by hand, or by a rule of the account', () => {
    const made = bench('2026-01-01T00:00:00Z')
    made.customer(null)
    made.ok({
      kind: 'subscription.create',
      id: 'sub_1',
      items: [{ price: 'pro', quantity: 1 }],
      collection: 'manual',
      daysUntilDue: 14,
    })
    made.heard()
    made.advance('2026-01-15T00:00:00Z')
    expect(made.heard()).toEqual(['invoice_overdue', 'subscription_past_due'])
    made.ok({ kind: 'invoice.pay_out_of_band', id: made.invoice().id })
    expect(made.heard()).toEqual(['invoice_paid', 'subscription_activated'])

    const rule = { ...KINDE_PROFILE, overdue: { ...KINDE_PROFILE.overdue, automaticMs: 5 * DAY_MS } }
    const other = signedUp('2026-01-01T00:00:00Z', rule)
    other.script('declines')
    other.advance('2026-02-06T00:00:00Z')
    expect(other.heard()).toContain('invoice_overdue')
  })

  it('counts usage by totals and by changes, and bills it when the cycle is over', () => {
    const made = bench('2026-01-01T00:00:00Z')
    made.sell({ kind: 'meter.create', id: 'mtr_1', code: 'api_calls', name: 'API calls', aggregation: 'sum' })
    made.price('calls', 2, 'USD', { usage: 'metered', meter: 'api_calls' })
    made.customer()
    made.ok({ ...SIGN_UP, plan: 'calls' })
    made.heard()
    const report = { kind: 'usage.report', subscription: 'agreement_1', meter: 'api_calls' } as const
    made.ok({ ...report, quantity: '100', mode: 'total' })
    made.ok({ ...report, quantity: '0.5', mode: 'delta' })
    expect(made.heard()).toEqual(['usage_updated', 'usage_updated'])
    expect(made.last('usage_updated').told).toMatchObject({ detail: { meter: 'api_calls', quantity: '100.5' } })
    expect(made.tell({ ...report, quantity: '-101', mode: 'delta' })).toMatchObject({ ok: false, field: 'quantity' })
    made.advance('2026-02-01T00:00:00Z')
    expect(made.invoice()).toMatchObject({ amountPaid: money(201, 'USD') })
    made.ok({ ...report, quantity: '1', mode: 'delta' })
    expect(made.last('usage_updated').told).toMatchObject({ detail: { quantity: '1' } })
  })
})
