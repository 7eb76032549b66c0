import { describe, expect, it } from 'vitest'
import { RAZORPAY_PROFILE } from '../../src/dialects/razorpay/profile.ts'
import { EXACT_UTC } from '../../src/model/calendar.ts'
import { money } from '../../src/model/money.ts'
import type { BillingProfile } from '../../src/model/profile.ts'
import { at, Bench, method, until } from './support.ts'

const EXACT: BillingProfile = { ...RAZORPAY_PROFILE, boundary: EXACT_UTC }
const CREATE = { kind: 'subscription.create', id: 'sub_1', items: [{ price: 'plan_1', quantity: 1 }] } as const
const AUTHORIZE = {
  kind: 'subscription.authorize',
  id: 'sub_1',
  outcome: { outcome: 'succeeded', reference: null },
  method: { attach: method('card_1') },
} as const

const CYCLE = ['subscription_cycle_started', 'invoice_drafted', 'invoice_finalized', 'payment_initiated']
const CHARGED = ['payment_succeeded', 'invoice_paid', 'subscription_renewed']
const FAILED = ['payment_failed', 'invoice_payment_failed']

function bench(profile: BillingProfile, start: string): Bench {
  const made = new Bench(profile, start)
  made.price('plan_1', 50_000, 'INR')
  return made
}

/** A subscription that was authorised and charged at `start`. */
function running(start: string, total: number | null = null, profile = EXACT): Bench {
  const made = bench(profile, start)
  made.ok({ ...CREATE, totalCycles: total })
  made.ok(AUTHORIZE)
  made.heard()
  return made
}

describe('a subscription that the customer authorises', () => {
  it('starts at once: the authorisation is the first charge, activated before charged', () => {
    const made = bench(EXACT, '2026-01-01T00:00:00Z')
    made.ok({ ...CREATE, totalCycles: 6 })
    expect(made.heard()).toEqual(['subscription_created'])
    expect(made.subscription()).toMatchObject({ status: 'pending', nextChargeAt: null })
    expect(made.state.customer).toBeNull()
    made.advance('2026-01-01T00:05:00Z')
    made.ok(AUTHORIZE)
    expect(made.heard()).toEqual([
      'customer_created',
      'payment_method_attached',
      'customer_updated',
      'invoice_drafted',
      'invoice_finalized',
      'payment_initiated',
      'payment_succeeded',
      'subscription_activated',
      'invoice_paid',
    ])
    expect(made.last('subscription_activated').view.attempted).toMatchObject({ status: 'succeeded' })
    expect(made.last('invoice_paid').view.after.subscription).toMatchObject({ status: 'active', cycles: { paid: 1 } })
    expect(until(made.subscription())).toBe('2026-02-01T00:05:00Z')
  })

  it('counts later cycles from midnight in India', () => {
    const made = running('2026-01-31T10:00:00Z', null, RAZORPAY_PROFILE)
    expect(until(made.subscription())).toBe('2026-02-27T18:30:00Z')
    made.advance('2026-04-01T00:00:00Z')
    expect(until(made.subscription())).toBe('2026-04-29T18:30:00Z')
    expect(made.subscription().cycles.paid).toBe(3)
  })

  it('starts later: authorised now without a payment, active and charged at the start', () => {
    const made = bench(EXACT, '2026-01-01T00:00:00Z')
    made.ok({ ...CREATE, totalCycles: 3, startAt: at('2026-02-01T00:00:00Z') })
    made.advance('2026-01-10T00:00:00Z')
    made.heard()
    made.ok(AUTHORIZE)
    expect(made.heard().at(-1)).toBe('subscription_authorized')
    const view = made.last('subscription_authorized').view
    expect(view.attempted).toBeNull()
    expect(view.after.subscription).toMatchObject({ status: 'authorized', nextChargeAt: at('2026-02-01T00:00:00Z') })
    made.advance('2026-02-01T00:00:00Z')
    expect(made.heard()).toEqual(['subscription_activated', ...CYCLE, 'payment_succeeded', 'invoice_paid'])
    made.advance('2026-03-01T00:00:00Z')
    expect(made.heard()).toEqual([...CYCLE, ...CHARGED])
    expect(made.subscription()).toMatchObject({ cycles: { paid: 2, invoiced: 2 } })
  })

  it('charges an upfront amount with the authorisation', () => {
    const made = bench(EXACT, '2026-01-01T00:00:00Z')
    const upfront = money(10_000, 'INR')
    made.ok({ ...CREATE, startAt: at('2026-02-01T00:00:00Z'), upfront })
    made.ok(AUTHORIZE)
    expect(made.heard().slice(-3)).toEqual(['payment_succeeded', 'invoice_paid', 'subscription_authorized'])
    expect(made.subscription().cycles).toMatchObject({ paid: 0 })
    const now = bench(EXACT, '2026-01-01T00:00:00Z')
    now.ok({ ...CREATE, upfront })
    now.ok(AUTHORIZE)
    expect(now.invoice()).toMatchObject({ amountPaid: { minor: 60_000n } })
  })

  it('asks the payment service where the page did not say how it ended, and waits after a refusal', () => {
    for (const startAt of [null, at('2026-02-01T00:00:00Z')]) {
      const made = bench(EXACT, '2026-01-01T00:00:00Z')
      made.ok({ ...CREATE, startAt, upfront: money(100, 'INR') })
      made.advance('2026-01-01T00:05:00Z')
      made.ok({ ...AUTHORIZE, outcome: null, method: { attach: method('card_1', 'declines') } })
      expect(made.subscription().status).toBe('pending')
      made.ok({ ...AUTHORIZE, outcome: null, method: { attach: method('card_2') } })
      expect(made.subscription().status).toBe(startAt === null ? 'active' : 'authorized')
      expect(Object.keys(made.state.invoices)).toHaveLength(1)
    }
  })

  it('is pending for each failed retry, then halted; later cycles are invoiced, not charged', () => {
    const made = running('2026-02-01T00:00:00Z')
    made.script('declines')
    made.advance('2026-03-01T00:00:00Z')
    expect(made.heard()).toEqual([...CYCLE, ...FAILED, 'subscription_past_due'])
    expect(made.subscription()).toMatchObject({ failedAttempts: 1, nextChargeAt: at('2026-03-02T00:00:00Z') })
    made.advance('2026-03-02T00:00:00Z')
    expect(made.heard()).toEqual(FAILED)
    expect(made.subscription()).toMatchObject({ failedAttempts: 2, nextChargeAt: at('2026-03-03T00:00:00Z') })
    made.advance('2026-03-04T00:00:00Z')
    expect(made.heard()).toEqual([...FAILED, ...FAILED, 'subscription_unpaid'])
    expect(made.subscription()).toMatchObject({ failedAttempts: 4, nextChargeAt: at('2026-04-01T00:00:00Z') })
    made.advance('2026-04-01T00:00:00Z')
    expect(made.heard()).toEqual(['subscription_cycle_started', 'invoice_drafted', 'invoice_finalized'])
    expect(made.invoice()).toMatchObject({ status: 'open', attempts: 0 })
    expect(made.subscription().status).toBe('unpaid')
  })

  it('recovers when a retry is paid: charged before activated, the cycle unmoved', () => {
    const made = running('2026-02-01T00:00:00Z')
    made.script('declines')
    made.advance('2026-03-01T00:00:00Z')
    made.script('pays')
    made.heard()
    made.advance('2026-03-02T00:00:00Z')
    expect(made.heard()).toEqual([...CHARGED, 'subscription_activated'])
    expect(made.subscription()).toMatchObject({ cycles: { paid: 2 }, failedAttempts: 0 })
    expect(until(made.subscription())).toBe('2026-04-01T00:00:00Z')
  })

  it('is active again from halted with a new card: only later invoices are charged', () => {
    const made = running('2026-02-01T00:00:00Z')
    made.script('declines')
    made.advance('2026-03-10T00:00:00Z')
    made.heard()
    made.ok({ kind: 'subscription.change_payment_method', id: 'sub_1', method: { attach: method('card_2') } })
    expect(made.heard().slice(-1)).toEqual(['subscription_activated'])
    expect(made.invoice()).toMatchObject({ status: 'open', autoAdvance: false })
    made.advance('2026-04-01T00:00:00Z')
    expect(made.heard()).toEqual([...CYCLE, ...CHARGED])
    expect(made.subscription().cycles).toMatchObject({ invoiced: 3, paid: 2 })
  })

  it('charges the open invoice with a new card while it is still pending', () => {
    const made = running('2026-02-01T00:00:00Z')
    made.script('declines')
    made.advance('2026-03-01T12:00:00Z')
    made.heard()
    made.ok({ kind: 'subscription.change_payment_method', id: 'sub_1', method: { attach: method('card_2') } })
    expect(made.heard().slice(-4)).toEqual([...CHARGED, 'subscription_activated'])
  })

  it('is active again when an old invoice is charged by hand, and a failure by hand is no retry', () => {
    const made = running('2026-02-01T00:00:00Z')
    made.script('declines')
    made.advance('2026-03-10T00:00:00Z')
    made.heard()
    made.ok({ kind: 'subscription.retry', id: 'sub_1', method: null })
    expect(made.heard()).toEqual(FAILED)
    expect(made.subscription()).toMatchObject({ status: 'unpaid', failedAttempts: 4 })
    made.script('pays')
    made.ok({ kind: 'subscription.retry', id: 'sub_1', method: null })
    expect(made.heard()).toEqual([...CHARGED, 'subscription_activated'])
  })

  it('is completed with the last charge, although its last cycle has only begun', () => {
    const made = running('2026-01-01T00:00:00Z', 3)
    made.advance('2026-03-01T00:00:00Z')
    expect(made.heard().slice(-4)).toEqual([...CHARGED, 'subscription_completed'])
    expect(made.subscription()).toMatchObject({
      status: 'completed',
      cycles: { paid: 3, total: 3 },
      nextChargeAt: null,
    })
    expect(until(made.subscription())).toBe('2026-04-01T00:00:00Z')
    expect(made.next()).toBeNull()
  })

  it('is completed at the end of the last cycle at the latest, paid or not', () => {
    const made = running('2026-01-01T00:00:00Z', 2)
    made.script('declines')
    made.advance('2026-03-01T00:00:00Z')
    expect(made.heard().at(-1)).toBe('subscription_completed')
    expect(made.subscription().cycles).toMatchObject({ invoiced: 2, paid: 1 })
  })

  it('is completed with the last invoice while it is halted: nobody will charge it', () => {
    const made = running('2026-01-01T00:00:00Z', 3)
    made.script('declines')
    made.advance('2026-02-04T00:00:00Z')
    expect(made.heard().at(-1)).toBe('subscription_unpaid')
    made.advance('2026-03-01T00:00:00Z')
    expect(made.heard().at(-1)).toBe('subscription_completed')
    expect(made.subscription().cycles).toMatchObject({ invoiced: 3, paid: 1 })
    expect(made.invoice().status).toBe('open')
  })

  it('changes the quantity without a change of state, and expires unauthorised without a word', () => {
    const made = running('2026-01-01T00:00:00Z')
    made.ok({ ...CREATE, id: 'sub_2', startAt: at('2026-01-05T00:00:00Z') })
    made.advance('2026-01-02T00:00:00Z')
    made.heard()
    made.ok({ kind: 'subscription.update', id: 'sub_1', quantity: 2 })
    expect(made.heard()).toEqual(['subscription_changed', 'invoice_item_created', 'invoice_item_created'])
    made.advance('2026-01-05T00:00:00Z')
    expect(made.heard()).toEqual(['subscription_expired'])
    expect(made.subscription('sub_2').status).toBe('expired')
  })

  it('pauses, resumes and is canceled at the end of the cycle', () => {
    const made = running('2026-01-01T00:00:00Z')
    made.advance('2026-01-10T00:00:00Z')
    made.ok({ kind: 'subscription.pause', id: 'sub_1', by: 'admin' })
    expect(made.heard()).toEqual(['subscription_paused'])
    expect(made.subscription().nextChargeAt).toBeNull()
    made.advance('2026-03-15T00:00:00Z')
    expect(made.heard()).toEqual([])
    made.ok({ kind: 'subscription.resume', id: 'sub_1', by: 'admin', anchor: 'unchanged' })
    expect(made.heard()).toEqual(['subscription_resumed'])
    expect(made.subscription()).toMatchObject({ status: 'active', nextChargeAt: at('2026-04-01T00:00:00Z') })
    made.advance('2026-04-01T00:00:00Z')
    expect(made.heard()).toEqual([...CYCLE, ...CHARGED])
    made.ok({ kind: 'subscription.cancel', id: 'sub_1', when: 'period_end', by: 'admin', reason: null })
    made.heard()
    made.advance('2026-05-01T00:00:00Z')
    expect(made.heard()).toEqual(['subscription_canceled'])
  })

  it('lets only the customer end a pause that the customer made', () => {
    const made = running('2026-01-01T00:00:00Z')
    made.ok({ kind: 'subscription.pause', id: 'sub_1', by: 'customer' })
    const resume = { kind: 'subscription.resume', id: 'sub_1', anchor: 'unchanged' } as const
    expect(made.tell({ ...resume, by: 'admin' })).toMatchObject({ ok: false, code: 'invalid_transition', field: 'by' })
    made.ok({ ...resume, by: 'customer' })
  })

  it('is canceled when it is paused before its start', () => {
    const made = bench(EXACT, '2026-01-01T00:00:00Z')
    made.ok({ ...CREATE, startAt: at('2026-02-01T00:00:00Z') })
    made.ok(AUTHORIZE)
    made.ok({ kind: 'subscription.pause', id: 'sub_1', by: 'admin' })
    expect(made.subscription().status).toBe('canceled')
  })
})
