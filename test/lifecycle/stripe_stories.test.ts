import { describe, expect, it } from 'vitest'
import { STRIPE_CLASSIC_PROFILE, STRIPE_PROFILE } from '../../src/dialects/stripe/profile.ts'
import { DAY_MS } from '../../src/model/instant.ts'
import type { BillingProfile } from '../../src/model/profile.ts'
import { at, Bench, method, until } from './support.ts'

const QUIET: BillingProfile = { ...STRIPE_PROFILE, notices: { ...STRIPE_PROFILE.notices, upcomingMs: null } }
const THREE: BillingProfile = { ...STRIPE_PROFILE, notices: { ...STRIPE_PROFILE.notices, upcomingMs: 3 * DAY_MS } }

function dunned(when: BillingProfile['dunning']['subscription']): BillingProfile {
  const retriesMs = [3, 5, 7].map((day) => day * DAY_MS)
  return { ...QUIET, dunning: { ...QUIET.dunning, retriesMs, counted: 'from_previous', subscription: when } }
}

const CREATE = { kind: 'subscription.create', id: 'sub_1', items: [{ price: 'basic', quantity: 1 }] } as const
const DRAFTED = ['invoice_drafted', 'subscription_cycle_started']
const PAYS = ['invoice_finalized', 'payment_initiated', 'payment_succeeded', 'invoice_paid']

/** An account with a paying monthly subscription since `start`. */
function running(profile: BillingProfile, start: string): Bench {
  const bench = new Bench(profile, start)
  bench.price('basic', 5000)
  bench.price('premium', 10_000)
  bench.customer()
  bench.ok(CREATE)
  bench.heard()
  return bench
}

describe('a subscription that is charged an hour after its draft', () => {
  it('converts a trial: active at its end, the draft of the first cycle paid an hour later', () => {
    const bench = new Bench(THREE, '2026-01-01T00:00:00Z')
    bench.price('basic', 5000)
    bench.customer()
    bench.heard()
    bench.ok({ ...CREATE, trialDays: 7 })
    expect(bench.heard()).toEqual([
      'subscription_created',
      'subscription_trial_started',
      'invoice_drafted',
      'invoice_finalized',
      'invoice_paid',
    ])
    expect(bench.subscription()).toMatchObject({ status: 'trialing', latestInvoice: bench.invoice().id })
    expect(bench.invoice()).toMatchObject({ status: 'paid', total: { minor: 0n }, reason: 'first', attempts: 0 })
    bench.advance('2026-01-05T00:00:00Z')
    expect(bench.heard()).toEqual(['subscription_trial_ending', 'subscription_renewal_upcoming'])
    expect(bench.last('subscription_trial_ending').told).toMatchObject({ detail: { paymentMethod: 'yes' } })
    bench.advance('2026-01-08T00:00:00Z')
    expect(bench.heard()).toEqual(['subscription_trial_ended', 'subscription_activated', 'invoice_drafted'])
    const activated = bench.last('subscription_activated').view
    expect(activated.before.subscription?.status).toBe('trialing')
    expect(activated.after.subscription?.status).toBe('active')
    expect(bench.invoice()).toMatchObject({ status: 'draft', reason: 'cycle', amountDue: { minor: 5000n } })
    bench.advance('2026-01-08T01:00:00Z')
    expect(bench.heard()).toEqual(PAYS)
    expect(until(bench.subscription())).toBe('2026-02-08T00:00:00Z')
  })

  it('charges the first invoice when the subscription is created', () => {
    const bench = new Bench(QUIET, '2026-01-01T00:00:00Z')
    bench.price('basic', 5000)
    bench.customer()
    bench.heard()
    bench.ok(CREATE)
    expect(bench.heard()).toEqual(['subscription_created', 'invoice_drafted', ...PAYS, 'subscription_activated'])
    expect(bench.last('subscription_created').view.after.subscription?.status).toBe('incomplete')
    expect(bench.last('subscription_activated').view.before.subscription?.status).toBe('incomplete')
    expect(bench.subscription()).toMatchObject({ status: 'active', cycles: { total: null, invoiced: 1, paid: 1 } })
    expect(until(bench.subscription())).toBe('2026-02-01T00:00:00Z')
  })

  it('announces and renews: the period moves with the draft, the payment comes an hour later', () => {
    const bench = running(THREE, '2026-01-01T00:00:00Z')
    bench.advance('2026-01-29T00:00:00Z')
    expect(bench.heard()).toEqual(['subscription_renewal_upcoming'])
    const upcoming = bench.last('subscription_renewal_upcoming').view
    expect(upcoming.after.invoice).toMatchObject({ amountDue: { minor: 5000n }, status: 'draft' })
    bench.advance('2026-02-01T00:00:00Z')
    expect(bench.heard()).toEqual(DRAFTED)
    expect(bench.invoice()).toMatchObject({
      nextAttemptAt: at('2026-02-01T01:00:00Z'),
      gate: { state: 'open', deliveredAt: at('2026-02-01T00:00:00Z') },
    })
    bench.advance('2026-02-01T01:00:00Z')
    expect(bench.heard()).toEqual([...PAYS, 'subscription_renewed'])
    expect(bench.invoice()).toMatchObject({ status: 'paid', attempts: 1 })
    expect(until(bench.subscription())).toBe('2026-03-01T00:00:00Z')
  })

  it('waits for a late acknowledgement, then one more hour', () => {
    const bench = running(QUIET, '2026-01-01T00:00:00Z')
    bench.gatekeepers = true
    bench.advance('2026-02-01T09:59:00Z')
    expect(bench.heard()).toEqual(DRAFTED)
    expect(bench.invoice()).toMatchObject({ status: 'draft', gate: { state: 'waiting', deliveredAt: null } })
    bench.advance('2026-02-01T10:00:00Z')
    bench.ok({ kind: 'gate.acknowledged', invoice: bench.invoice().id })
    expect(bench.heard()).toEqual([])
    expect(bench.invoice()).toMatchObject({ nextAttemptAt: at('2026-02-01T11:00:00Z') })
    bench.advance('2026-02-01T11:00:00Z')
    expect(bench.heard()).toEqual([...PAYS, 'subscription_renewed'])
  })

  it.each([
    ['after_ack', QUIET],
    ['classic', { ...QUIET, gate: 'classic' as const }],
  ])('charges all the same after 72 hours without an acknowledgement (%s)', (_name, profile) => {
    const bench = running(profile, '2026-01-01T00:00:00Z')
    bench.gatekeepers = true
    bench.advance('2026-02-03T23:59:59Z')
    expect(bench.heard()).toEqual(DRAFTED)
    bench.advance('2026-02-04T00:00:00Z')
    expect(bench.heard()).toEqual([...PAYS, 'subscription_renewed'])
  })

  it('charges at the acknowledgement under the older rule, and an hour after the draft without endpoints', () => {
    const profile = { ...STRIPE_CLASSIC_PROFILE, notices: QUIET.notices }
    const bench = running(profile, '2026-01-01T00:00:00Z')
    bench.gatekeepers = true
    bench.advance('2026-02-01T05:00:00Z')
    bench.heard()
    bench.ok({ kind: 'gate.given_up', invoice: bench.invoice().id })
    expect(bench.heard()).toEqual([])
    bench.ok({ kind: 'gate.acknowledged', invoice: bench.invoice().id })
    expect(bench.heard()).toEqual([...PAYS, 'subscription_renewed'])
    bench.gatekeepers = false
    bench.advance('2026-03-01T00:59:59Z')
    expect(bench.heard()).toEqual(DRAFTED)
    bench.advance('2026-03-01T01:00:00Z')
    expect(bench.heard()).toEqual([...PAYS, 'subscription_renewed'])
  })

  const FAILS = ['payment_failed', 'invoice_payment_failed']

  it('retries on the schedule and cancels after the last failure', () => {
    const bench = running(dunned('cancel'), '2026-01-01T00:00:00Z')
    bench.script('declines')
    bench.advance('2026-02-01T01:00:00Z')
    expect(bench.heard()).toEqual([
      ...DRAFTED,
      'invoice_finalized',
      'payment_initiated',
      ...FAILS,
      'subscription_past_due',
    ])
    expect(bench.invoice()).toMatchObject({ attempts: 1, nextAttemptAt: at('2026-02-04T01:00:00Z'), status: 'open' })
    bench.advance('2026-02-04T01:00:00Z')
    expect(bench.heard()).toEqual(FAILS)
    expect(bench.invoice()).toMatchObject({ attempts: 2, nextAttemptAt: at('2026-02-09T01:00:00Z') })
    bench.advance('2026-02-09T01:00:00Z')
    expect(bench.heard()).toEqual(FAILS)
    expect(bench.invoice()).toMatchObject({ attempts: 3, nextAttemptAt: at('2026-02-16T01:00:00Z') })
    bench.advance('2026-02-16T01:00:00Z')
    expect(bench.heard()).toEqual([...FAILS, 'subscription_canceled'])
    expect(bench.invoice()).toMatchObject({ attempts: 4, nextAttemptAt: null, status: 'open' })
    expect(bench.last('subscription_canceled').told).toMatchObject({
      detail: { by: 'system', reason: 'payment_failed' },
    })
    expect(bench.next()).toBeNull()
  })

  it('becomes unpaid after the last failure, keeps later invoices as drafts, and is active again when paid', () => {
    const bench = running(dunned('unpaid'), '2026-01-01T00:00:00Z')
    bench.script('declines')
    bench.advance('2026-02-16T01:00:00Z')
    expect(bench.heard().slice(-3)).toEqual([...FAILS, 'subscription_unpaid'])
    bench.advance('2026-03-15T00:00:00Z')
    expect(bench.heard()).toEqual(DRAFTED)
    expect(bench.invoice()).toMatchObject({ status: 'draft', autoAdvance: false, finalizesAt: null })
    const [owed] = Object.values(bench.state.invoices).filter((invoice) => invoice.status === 'open')
    bench.script('pays')
    bench.ok({ kind: 'invoice.pay', id: owed!.id, method: null })
    expect(bench.heard()).toEqual([
      'payment_succeeded',
      'invoice_paid',
      'subscription_renewed',
      'subscription_activated',
    ])
    expect(bench.subscription().status).toBe('active')
  })

  it('recovers with the card that was changed during the retries', () => {
    const bench = running(dunned('cancel'), '2026-01-01T00:00:00Z')
    bench.script('declines')
    bench.advance('2026-02-02T09:00:00Z')
    bench.heard()
    bench.ok({ kind: 'customer.set_default_payment_method', method: { attach: method('pm_2') } })
    expect(bench.heard()).toEqual(['payment_method_attached', 'customer_updated'])
    bench.advance('2026-02-04T01:00:00Z')
    expect(bench.heard()).toEqual([
      'payment_succeeded',
      'invoice_paid',
      'subscription_renewed',
      'subscription_activated',
    ])
    expect(bench.invoice()).toMatchObject({ attempts: 2, status: 'paid' })
    expect(bench.last('subscription_activated').told).toMatchObject({ detail: { recovered: true } })
  })

  it('puts prorations to the second aside and bills them with the next cycle', () => {
    const bench = running(QUIET, '2026-01-01T00:00:00Z')
    bench.advance('2026-01-16T00:00:00Z')
    bench.ok({ kind: 'subscription.update', id: 'sub_1', items: [{ price: 'premium', quantity: 1 }] })
    expect(bench.heard()).toEqual(['invoice_item_created', 'invoice_item_created', 'subscription_changed'])
    expect(Object.values(bench.state.invoiceItems).map((item) => item.amount.minor)).toEqual([-2581n, 5161n])
    expect(bench.last('subscription_changed').told).toMatchObject({
      detail: { direction: 'upgrade', plan: { id: 'premium' } },
    })
    bench.advance('2026-02-01T01:00:00Z')
    expect(bench.heard()).toEqual([...DRAFTED, ...PAYS, 'subscription_renewed'])
    expect(bench.invoice()).toMatchObject({ amountPaid: { minor: 12_580n } })
    expect(bench.invoice().lines).toHaveLength(3)
  })

  it('bills a change at once where that is asked for, without a gate', () => {
    const bench = running(QUIET, '2026-01-01T00:00:00Z')
    bench.gatekeepers = true
    bench.advance('2026-01-16T00:00:00Z')
    const change = { kind: 'subscription.update', id: 'sub_1', proration: 'always_invoice' } as const
    bench.ok({ ...change, items: [{ price: 'premium', quantity: 1 }] })
    expect(bench.heard()).toEqual([
      'invoice_item_created',
      'invoice_item_created',
      'subscription_changed',
      'invoice_drafted',
      ...PAYS,
    ])
    expect(bench.invoice()).toMatchObject({ reason: 'update', amountPaid: { minor: 2580n } })
    expect(bench.subscription().latestInvoice).toBe(bench.invoice().id)
    bench.ok({ ...change, items: [{ price: 'basic', quantity: 1 }] })
    expect(bench.invoice()).toMatchObject({ status: 'paid', total: { minor: -2580n }, amountDue: { minor: 0n } })
    bench.gatekeepers = false
    bench.advance('2026-02-01T01:00:00Z')
    expect(bench.invoice()).toMatchObject({ amountPaid: { minor: 2420n } })
  })

  it('credits a downgrade on the next invoice', () => {
    const bench = running(QUIET, '2026-01-01T00:00:00Z')
    bench.ok({ kind: 'subscription.update', id: 'sub_1', quantity: 2, proration: 'none' })
    bench.advance('2026-02-16T00:00:00Z')
    bench.heard()
    bench.ok({ kind: 'subscription.update', id: 'sub_1', quantity: 1 })
    expect(bench.last('subscription_changed').told).toMatchObject({ detail: { direction: 'downgrade' } })
    expect(Object.values(bench.state.invoiceItems).map((item) => item.amount.minor)).toEqual([-4643n, 2321n])
  })

  it('ends at the period end when that is asked for, and can be taken back before', () => {
    const bench = running(THREE, '2026-01-01T00:00:00Z')
    bench.advance('2026-01-10T12:00:00Z')
    bench.ok({ kind: 'subscription.update', id: 'sub_1', cancelAtPeriodEnd: true })
    expect(bench.heard()).toEqual(['subscription_cancel_scheduled'])
    bench.ok({ kind: 'subscription.update', id: 'sub_1', cancelAtPeriodEnd: false })
    expect(bench.heard()).toEqual(['subscription_cancel_unscheduled'])
    bench.ok({ kind: 'subscription.update', id: 'sub_1', cancelAtPeriodEnd: true })
    expect(bench.subscription().cancel).toMatchObject({ at: at('2026-02-01T00:00:00Z'), requestedAt: bench.now })
    bench.heard()
    bench.advance('2026-02-01T00:00:00Z')
    expect(bench.heard()).toEqual(['subscription_canceled'])
    expect(bench.subscription()).toMatchObject({ status: 'canceled', endedAt: at('2026-02-01T00:00:00Z') })
    expect(bench.last('subscription_canceled').told).toMatchObject({ detail: { atPeriodEnd: true } })
  })

  it.each([
    ['void', ['invoice_finalized', 'invoice_voided']],
    ['mark_uncollectible', ['invoice_finalized', 'invoice_uncollectible']],
    ['keep_as_draft', []],
  ] as const)('pauses the collection and goes on by itself (%s)', (invoices, told) => {
    const bench = running(THREE, '2026-01-01T00:00:00Z')
    bench.advance('2026-01-20T00:00:00Z')
    const resumesAt = at('2026-02-15T00:00:00Z')
    bench.ok({ kind: 'subscription.update', id: 'sub_1', pauseCollection: { invoices, resumesAt } })
    expect(bench.heard()).toEqual(['subscription_paused'])
    expect(bench.subscription().status).toBe('active')
    bench.advance('2026-02-01T01:00:00Z')
    expect(bench.heard()).toEqual([...DRAFTED, ...told])
    bench.advance('2026-02-15T00:00:00Z')
    expect(bench.heard()).toEqual(['subscription_resumed'])
    expect(bench.subscription().pause).toBeNull()
  })

  it('pauses the service, makes no invoices, and is billed anew when it resumes', () => {
    const bench = running(THREE, '2026-01-01T00:00:00Z')
    bench.advance('2026-01-20T00:00:00Z')
    bench.ok({ kind: 'subscription.pause', id: 'sub_1', by: 'admin' })
    expect(bench.heard()).toEqual(['subscription_paused'])
    bench.advance('2026-03-10T00:00:00Z')
    expect(bench.heard()).toEqual([])
    bench.ok({ kind: 'subscription.resume', id: 'sub_1', by: 'admin', anchor: 'now' })
    expect(bench.heard()).toEqual(['invoice_drafted', ...PAYS, 'subscription_renewed', 'subscription_resumed'])
    expect(until(bench.subscription())).toBe('2026-04-10T00:00:00Z')
  })

  it('stays paused when the invoice of the resumption is not paid in 23 hours', () => {
    const bench = running(QUIET, '2026-01-01T00:00:00Z')
    bench.ok({ kind: 'subscription.pause', id: 'sub_1', by: 'admin' })
    bench.script('declines')
    bench.advance('2026-03-10T00:00:00Z')
    bench.heard()
    bench.ok({ kind: 'subscription.resume', id: 'sub_1', by: 'admin', anchor: 'now' })
    expect(bench.subscription().status).toBe('paused')
    bench.heard()
    bench.advance('2026-03-10T23:00:00Z')
    expect(bench.heard()).toEqual(['invoice_voided', 'payment_canceled'])
    expect(bench.subscription()).toMatchObject({ status: 'paused', resumption: null })
    bench.script('pays')
    bench.ok({ kind: 'subscription.resume', id: 'sub_1', by: 'admin', anchor: 'now' })
    expect(bench.subscription().status).toBe('active')
  })

  it('expires 23 hours after a first payment that failed', () => {
    const bench = new Bench(QUIET, '2026-01-01T00:00:00Z')
    bench.price('basic', 5000)
    bench.customer('declines')
    bench.heard()
    bench.ok(CREATE)
    expect(bench.heard()).toEqual([
      'subscription_created',
      'invoice_drafted',
      'invoice_finalized',
      'payment_initiated',
      'payment_failed',
      'invoice_payment_failed',
    ])
    expect(bench.invoice()).toMatchObject({ attempts: 1, nextAttemptAt: null })
    bench.advance('2026-01-01T22:59:59Z')
    expect(bench.heard()).toEqual([])
    bench.advance('2026-01-01T23:00:00Z')
    expect(bench.heard()).toEqual(['subscription_expired', 'invoice_voided', 'payment_canceled'])
    expect(bench.subscription().status).toBe('expired')
  })

  it('waits for the customer to confirm the first payment', () => {
    const bench = new Bench(QUIET, '2026-01-01T00:00:00Z')
    bench.price('basic', 5000)
    bench.customer('needs_action')
    bench.heard()
    bench.ok(CREATE)
    expect(bench.heard().slice(-2)).toEqual(['payment_action_required', 'invoice_action_required'])
    expect(bench.subscription().status).toBe('incomplete')
    bench.advance('2026-01-01T01:00:00Z')
    const outcome = { outcome: 'succeeded', reference: null } as const
    bench.ok({ kind: 'subscription.authorize', id: 'sub_1', outcome, method: null })
    expect(bench.heard()).toEqual(['payment_succeeded', 'invoice_paid', 'subscription_activated'])
    expect(bench.invoice()).toMatchObject({ attempts: 1 })
  })

  it('sends a one-off invoice that stays a draft until it is paid', () => {
    const bench = new Bench(QUIET, '2026-01-01T00:00:00Z')
    bench.customer()
    bench.heard()
    const amount = { minor: 2000n, currency: 'USD' }
    bench.ok({ kind: 'invoice_item.create', id: null, amount, description: 'x', subscription: null })
    bench.ok({
      kind: 'invoice.create',
      id: 'in_1',
      currency: null,
      lines: [],
      pendingItems: 'include',
      autoAdvance: false,
      collection: 'automatic',
      daysUntilDue: null,
    })
    expect(bench.heard()).toEqual(['invoice_item_created', 'invoice_drafted'])
    expect(bench.invoice()).toMatchObject({ subscription: null, autoAdvance: false, reason: 'manual' })
    bench.advance('2026-01-01T00:05:00Z')
    bench.ok({ kind: 'invoice.pay', id: 'in_1', method: null })
    expect(bench.heard()).toEqual(PAYS)
  })

  it('sends an invoice to be paid by hand when it advances by itself or is told to be sent, and once', () => {
    const bench = new Bench(QUIET, '2026-01-01T00:00:00Z')
    bench.customer()
    const invoice = (id: string, autoAdvance: boolean) => {
      const lines = [{ amount: { minor: 700n, currency: 'USD' }, description: 'x', price: null, quantity: 1 }]
      const how = { collection: 'manual', daysUntilDue: 30, pendingItems: 'exclude' } as const
      bench.ok({ kind: 'invoice.create', id, currency: null, lines, autoAdvance, ...how })
      bench.heard()
    }
    invoice('in_1', false)
    bench.ok({ kind: 'invoice.finalize', id: 'in_1' })
    expect(bench.heard()).toEqual(['invoice_finalized'])
    const { billedTo } = bench.invoice()
    expect(billedTo).toMatchObject({ name: bench.state.customer?.name ?? null })
    bench.ok({ kind: 'customer.update', fields: { name: 'Countess of Lovelace' } })
    expect(bench.heard()).toEqual(['customer_updated'])
    expect(bench.invoice().billedTo).toEqual(billedTo)
    bench.ok({ kind: 'invoice.send', id: 'in_1' })
    expect(bench.heard()).toEqual(['invoice_sent'])
    for (const autoAdvance of [false, true]) {
      invoice(`in_${String(autoAdvance)}`, autoAdvance)
      bench.ok({ kind: 'invoice.send', id: `in_${String(autoAdvance)}` })
      expect(bench.heard()).toEqual(['invoice_finalized', 'invoice_sent'])
    }
    invoice('in_2', true)
    bench.advance('2026-01-01T01:00:00Z')
    expect(bench.heard()).toEqual(['invoice_finalized', 'invoice_sent'])
  })

  it('drops a pending change that is not paid in 23 hours, and applies one that is', () => {
    const bench = running(QUIET, '2026-01-01T00:00:00Z')
    bench.advance('2026-01-16T00:00:00Z')
    bench.script('declines')
    const change = { kind: 'subscription.update', id: 'sub_1', ifUnpaid: 'pending' } as const
    bench.ok({ ...change, items: [{ price: 'premium', quantity: 1 }] })
    expect(bench.subscription().items[0]?.price).toBe('basic')
    const waits = (kind: 'subscription_updated' | 'subscription_change_expired' | 'subscription_change_applied') => {
      const { before, after } = bench.last(kind).view
      return [before, after].map(({ subscription }) => (subscription?.pendingChange ?? null) !== null)
    }
    expect(waits('subscription_updated')).toEqual([false, true])
    bench.heard()
    bench.advance('2026-01-16T23:00:00Z')
    expect(bench.heard()).toEqual(['subscription_change_expired', 'invoice_voided', 'payment_canceled'])
    expect(waits('subscription_change_expired')).toEqual([true, false])
    bench.script('pays')
    bench.ok({ ...change, items: [{ price: 'premium', quantity: 1 }] })
    expect(bench.heard().slice(-3)).toEqual(['invoice_paid', 'subscription_changed', 'subscription_change_applied'])
    expect(waits('subscription_change_applied')).toEqual([true, false])
    expect(bench.subscription()).toMatchObject({ status: 'active', pendingChange: null })
  })
})
