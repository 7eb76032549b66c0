/** Facts of the mapping, one by one: from what they are derived, and with which key. */
import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/model/observations.ts'
import { parsePolicy } from '../../src/model/policy.ts'
import { diffFacts } from '../../src/ledger/diff_facts.ts'
import { fold } from '../../src/ledger/fold.ts'
import {
  CUSTOMER,
  eur,
  factOf,
  failed,
  happening,
  invoice,
  kinds,
  MONTH,
  patch,
  payment,
  period,
  plan,
  shuffles,
  snapshot,
  subscription,
  succeeded,
  t,
} from './build.ts'

const JAN = period('2026-01-01', '2026-02-01')
const FEB = period('2026-02-01', '2026-03-01')
const started = { startedAt: t('2026-01-01'), createdAt: t('2026-01-01'), interval: MONTH, anchor: t('2026-01-01') }

function active(
  at: string,
  more: Parameters<typeof subscription>[1] = {},
  told: Parameters<typeof subscription>[2] = {},
) {
  return subscription(at, { ...started, status: 'active', period: JAN, ...more }, told)
}

describe('facts of a subscription', () => {
  it('created and activated', () => {
    expect(kinds([active('2026-01-01', {}, { verb: 'created' })])).toEqual([
      'subscription_activated',
      'subscription_created',
    ])
  })

  it('no activation for a subscription that is first heard of in mid-life', () => {
    expect(kinds([active('2026-06-10', { period: period('2026-06-01', '2026-07-01') })])).toEqual([])
  })

  it('a trial started, ending and ended, and the activation after it', () => {
    const trial = period('2026-01-01', '2026-01-08')
    const story = [
      subscription('2026-01-01', { ...started, status: 'trialing', trial, period: trial }, { verb: 'created' }),
      happening('2026-01-05', { what: 'trial_ending', trialEndsAt: trial.until, paymentMethod: 'unknown' }),
      snapshot('customer', '2026-01-02', { paymentMethod: 'yes' }, { id: CUSTOMER }),
      active('2026-01-08', { trial }, { previous: { status: 'trialing' } }),
    ]
    expect(kinds(story)).toEqual([
      'subscription_created',
      'subscription_trial_started',
      'subscription_trial_ending',
      'subscription_activated',
      'subscription_trial_ended',
    ])
    expect(factOf(story, 'subscription_trial_ending').detail.paymentMethod).toBe('yes')
    expect(factOf(story, 'subscription_activated').detail.recovered).toBe(false)
  })

  it('a trial that ended is told by the old value alone, where the trial itself was never told', () => {
    const story = [
      active('2026-01-08', { trial: period('2026-01-01', '2026-01-08') }, { previous: { status: 'trialing' } }),
    ]
    expect(kinds(story)).toEqual(['subscription_activated', 'subscription_trial_ended'])
  })

  it('past due once per cycle, with its cause, and the recovery', () => {
    const story = [
      active('2026-01-01', {}, { verb: 'created' }),
      failed('2026-02-01', { invoice: 'in_2', attempt: 1, nextAttemptAt: t('2026-02-04') }),
      active('2026-02-01', { status: 'past_due', period: FEB }, { previous: { status: 'active' } }),
      failed('2026-02-04', { invoice: 'in_2', attempt: 2 }),
      active('2026-02-09', { period: FEB }, { previous: { status: 'past_due' } }),
    ]
    for (const order of shuffles(story, 10)) {
      expect(factOf(order, 'subscription_past_due')).toMatchObject({
        key: 'sub_1|subscription_past_due|2026-02-01T00:00:00Z',
        detail: { invoice: 'in_2', reason: 'payment_failed' },
      })
      expect(kinds(order).filter((kind) => kind === 'invoice_payment_failed')).toHaveLength(2)
      const recovered = fold(order)
        .facts.filter((fact) => fact.kind === 'subscription_activated')
        .at(-1)
      expect(recovered?.detail).toMatchObject({ recovered: true })
    }
  })

  it('a late past_due between two actives still tells past due and recovered, where they belong', () => {
    const before = [active('2026-01-01', {}, { verb: 'created' }), active('2026-02-09', { period: FEB })]
    const late = active('2026-02-01', { status: 'past_due', period: FEB })
    const diff = diffFacts(fold(before).facts, fold([...before, late]).facts)
    expect(diff.added.map((fact) => [fact.kind, fact.at])).toEqual([
      ['subscription_past_due', t('2026-02-01')],
      ['subscription_activated', t('2026-02-09')],
    ])
    expect(diff.retracted).toEqual([])
  })

  it('a late arrival retracts what it disproves', () => {
    const first = [active('2026-01-20', { status: 'active' })]
    expect(kinds(first)).toEqual(['subscription_activated'])
    const earlier = active('2026-01-15', { status: 'past_due' })
    const diff = diffFacts(fold(first).facts, fold([...first, earlier]).facts)
    expect(diff.retracted.map((fact) => fact.key)).toEqual(['sub_1|subscription_activated'])
  })

  it('a first activation and a recovery keep their keys when an earlier word about them comes late', () => {
    const first = [
      active('2026-01-02', {}),
      active('2026-02-10', { period: FEB }, { previous: { status: 'past_due' } }),
    ]
    const late = [
      active('2026-01-01', {}, { verb: 'created' }),
      active('2026-02-01', { status: 'past_due', period: FEB }),
      active('2026-02-09', { period: FEB }, { previous: { status: 'past_due' } }),
    ]
    const diff = diffFacts(fold(first).facts, fold([...first, ...late]).facts)
    expect(diff.retracted).toEqual([])
    expect(diff.added.map((fact) => fact.kind)).toEqual(['subscription_created', 'subscription_past_due'])
    expect(diff.changed.map(({ after }) => [after.key, after.at])).toEqual([
      ['sub_1|subscription_activated', t('2026-01-01')],
      ['sub_1|subscription_activated|2026-02-01T00:00:00Z', t('2026-02-09')],
    ])
  })

  it('past due is about the cycle that was to begin, although the body still shows the one that is over', () => {
    const story = [
      active('2026-01-01', {}, { verb: 'created' }),
      active('2026-02-02', { status: 'past_due', period: JAN }, { previous: { status: 'active' } }),
    ]
    const key = 'sub_1|subscription_past_due|2026-02-01T00:00:00Z'
    expect(factOf(story, 'subscription_past_due').key).toBe(key)
    const told = [...story, failed('2026-02-01', { invoice: 'in_2', attempt: 1, cycle: t('2026-02-01') })]
    expect(factOf(told, 'subscription_past_due').key).toBe(key)
  })

  it('a refund is told, and takes back neither the renewal nor the payment that it follows', () => {
    const story = [
      active('2026-01-01', {}, { verb: 'created' }),
      invoice('2026-02-01', { status: 'paid', period: FEB, reason: 'cycle', amountPaid: eur(5000) }, { id: 'in_2' }),
    ]
    const refund = happening('2026-02-05', {
      what: 'payment_refunded',
      invoice: 'in_2',
      payment: null,
      refund: 're_1',
      amount: eur(5000),
    })
    const diff = diffFacts(fold(story).facts, fold([...story, refund]).facts)
    expect(kinds(story)).toContain('subscription_renewed')
    expect(diff.retracted).toEqual([])
    expect(diff.added.map((fact) => fact.kind)).toEqual(['payment_refunded'])
  })

  it('unpaid, paused, resumed, canceled, completed, expired, authorized', () => {
    const pause = { scope: 'service', from: null, resumesAt: null, by: 'customer' } as const
    const story = [
      subscription('2026-01-01', { ...started, status: 'authorized' }),
      active('2026-01-02'),
      active('2026-01-03', { status: 'paused', pause }),
      active('2026-01-04', { pause: null }),
      active('2026-02-01', { status: 'past_due', period: FEB }),
      active('2026-02-04', { status: 'unpaid', period: FEB }),
      active('2026-02-05', {
        status: 'canceled',
        endedAt: t('2026-02-05'),
        period: FEB,
        cancel: { requestedAt: null, at: null, atPeriodEnd: false, by: 'system', reason: 'payment_failed' },
      }),
    ]
    expect(kinds(story)).toEqual([
      'subscription_authorized',
      'subscription_activated',
      'subscription_paused',
      'subscription_resumed',
      'subscription_past_due',
      'subscription_unpaid',
      'subscription_canceled',
    ])
    expect(factOf(story, 'subscription_canceled').detail).toMatchObject({ by: 'system', superseded: false })
    expect(kinds([active('2026-01-01', { status: 'completed' })])).toEqual(['subscription_completed'])
    expect(kinds([subscription('2026-01-01', { status: 'expired' })])).toEqual(['subscription_expired'])
  })

  it('a planned cancellation, moved and taken back', () => {
    const cancel = (at: string) =>
      ({ requestedAt: null, at: t(at), atPeriodEnd: true, by: 'customer', reason: null }) as const
    const story = [
      active('2026-01-01', {}, { verb: 'created' }),
      active('2026-01-05', { cancel: cancel('2026-02-01') }),
      active('2026-01-06', { cancel: cancel('2026-03-01') }),
      active('2026-01-07', { cancel: null }),
    ]
    expect(kinds(story).slice(2)).toEqual([
      'subscription_cancel_scheduled',
      'subscription_cancel_scheduled',
      'subscription_cancel_unscheduled',
    ])
  })

  it('a pause of collection, which no status shows', () => {
    const pause = { scope: 'collection', from: null, resumesAt: t('2026-02-15'), by: 'admin' } as const
    const story = [
      active('2026-01-01', {}, { verb: 'created' }),
      active('2026-01-20', { pause }),
      active('2026-02-15', { pause: null }),
    ]
    expect(factOf(story, 'subscription_paused').detail).toEqual({
      scope: 'collection',
      resumesAt: t('2026-02-15'),
      by: 'admin',
    })
    expect(factOf(story, 'subscription_resumed').detail).toEqual({ scope: 'collection' })
  })

  it('a change of plan with its direction; a notice of the same change adds nothing', () => {
    const item = (id: string, amount: number) => ({ id, plan: plan(id), quantity: 1, unitAmount: eur(amount) })
    const story = [
      active('2026-01-01', { plan: plan('basic'), items: [item('basic', 5000)] }, { verb: 'created' }),
      active('2026-01-16', { plan: plan('premium'), items: [item('premium', 10000)] }, { event: 'evt_c' }),
      happening('2026-01-16', { what: 'changed', plan: null }, { event: 'evt_c' }),
    ]
    for (const order of shuffles(story, 6)) {
      const { detail } = factOf(order, 'subscription_changed')
      expect(detail.direction).toBe('upgrade')
      expect(detail.changes.map((change) => change.field)).toEqual(['plan', 'items'])
    }
  })

  it('a renewal is a further cycle that was paid, once, however often it is told', () => {
    const story = [
      active('2026-01-01', {}, { verb: 'created' }),
      invoice('2026-01-01', { status: 'paid', reason: 'first', period: JAN }),
      invoice('2026-02-01', { status: 'paid', reason: 'cycle', period: FEB }, { id: 'in_2' }),
      succeeded('2026-02-01', { invoice: 'in_2', paidThrough: FEB.until }),
    ]
    for (const order of shuffles(story, 8)) {
      expect(factOf(order, 'subscription_renewed')).toMatchObject({
        key: 'sub_1|subscription_renewed|in_2',
        detail: { period: FEB },
      })
    }
  })

  it('a charged cycle renews from the second on', () => {
    const charge = (at: string, paid: number, until: string, id: string): readonly Observation[] => [
      subscription(
        at,
        { status: 'active', cycles: { total: 6, paid, remaining: 6 - paid }, paidThrough: t(until) },
        { version: [paid, t(until)], event: id },
      ),
      succeeded(at, { event: id, invoice: `inv_${paid}`, paidThrough: t(until), activates: true }),
    ]
    const story = [...charge('2026-01-01', 1, '2026-02-01', 'e1'), ...charge('2026-02-01', 2, '2026-03-01', 'e2')]
    expect(factOf(story, 'subscription_renewed').detail.invoice).toBe('inv_2')
    expect(kinds(story).filter((kind) => kind === 'subscription_activated')).toHaveLength(1)
  })

  it('the old agreement’s end is told as superseded', () => {
    const made = (id: string, at: string) =>
      patch(
        'subscription',
        at,
        { customer: 'c', plan: plan(id), status: 'active', exclusive: true },
        { id, verb: 'created' },
      )
    const ends = patch('subscription', '2026-01-10T00:00:03', { status: 'canceled' }, { id: 'a1', verb: 'deleted' })
    const story = [made('a1', '2026-01-01'), made('a2', '2026-01-10'), ends]
    expect(factOf(story, 'subscription_canceled').detail.superseded).toBe(true)
    expect(factOf([made('a1', '2026-01-01'), ends], 'subscription_canceled').detail.superseded).toBe(false)
  })

  it('a plan that was assigned, and a change that only a notice tells', () => {
    const story = [
      happening('2026-01-01', { what: 'plan_assigned', plan: plan('free') }, { key: 'k1' }),
      happening('2026-01-02', { what: 'changed', plan: plan('pro') }),
    ]
    expect(factOf(story, 'plan_assigned')).toMatchObject({ key: 'cus_1|plan_assigned|k1', subject: CUSTOMER })
    expect(factOf(story, 'subscription_changed').detail.plan?.id).toBe('pro')
  })
})

describe('facts of invoices and payments', () => {
  it('an invoice from draft to paid', () => {
    const story = [
      invoice('2026-01-01', { status: 'draft' }, { verb: 'created' }),
      invoice('2026-01-01T01:00', { status: 'open' }, {}),
      invoice('2026-01-01T01:01', { status: 'paid' }, {}),
    ]
    expect(kinds(story)).toEqual(['invoice_drafted', 'invoice_finalized', 'invoice_paid'])
  })

  it('bad debt, void, overdue', () => {
    expect(kinds([invoice('2026-01-01', { status: 'uncollectible' })])).toEqual(['invoice_uncollectible'])
    expect(kinds([invoice('2026-01-01', { status: 'void' })])).toEqual(['invoice_voided'])
    const overdue = happening('2026-01-10', {
      what: 'invoice_overdue',
      invoice: 'in_1',
      dueAt: t('2026-01-09'),
      pastDue: true,
    })
    expect(kinds([active('2026-01-01', {}, { verb: 'created' }), overdue]).slice(2)).toEqual([
      'invoice_overdue',
      'subscription_past_due',
    ])
  })

  it('a failure told by invoice, intent and charge is one, with the charge’s reason', () => {
    const failure = { code: 'insufficient_funds', message: 'no money', retryable: 'yes' } as const
    const story = [
      invoice('2026-02-01', { status: 'open', attempts: 1 }),
      failed('2026-02-01', { invoice: 'in_1', attempt: 1 }),
      payment('2026-02-01', { status: 'failed', failure, invoice: { id: 'in_1' }, alias: 'pi_1' }, { id: 'ch_1' }),
      payment(
        '2026-02-01T00:00:01',
        { status: 'failed', failure: { ...failure, message: null }, invoice: 'unknown' },
        { id: 'pi_1' },
      ),
    ]
    for (const order of shuffles(story, 10)) {
      expect(factOf(order, 'payment_failed')).toMatchObject({
        key: 'in_1|payment_failed|1',
        detail: { attempt: 1, failure: { code: 'insufficient_funds' } },
      })
    }
  })

  it('a payment told by invoice and payment is one success, linked by an object of its own', () => {
    const story = [
      invoice('2026-01-01', { status: 'paid', period: JAN }),
      succeeded('2026-01-01', { invoice: 'in_1', paidThrough: JAN.until }),
      payment('2026-01-01', { status: 'succeeded', invoice: 'unknown', customer: null }, { id: 'pi_1' }),
      snapshot(
        'payment_link',
        '2026-01-01T00:00:14',
        { payment: 'pi_1', invoice: 'in_1', status: 'paid' },
        { id: 'inpay_1' },
      ),
    ]
    for (const order of shuffles(story, 10))
      expect(factOf(order, 'payment_succeeded').key).toBe('in_1|payment_succeeded')
  })

  it('where nothing links them, the one invoice of the same customer, amount and time does', () => {
    const story = [
      succeeded('2026-01-01', { invoice: 'in_1', paidThrough: JAN.until }),
      payment('2026-01-01T00:00:03', { status: 'succeeded', invoice: 'unknown' }, { id: 'pi_1' }),
    ]
    expect(kinds(story).filter((kind) => kind === 'payment_succeeded')).toHaveLength(1)
    const other = payment('2026-01-01T00:00:03', { status: 'succeeded', invoice: 'none' }, { id: 'pi_1' })
    expect(kinds([...story.slice(0, 1), other]).filter((kind) => kind === 'payment_succeeded')).toHaveLength(2)
  })

  it('a payment that began, was canceled, was given back in two parts', () => {
    const story = [
      payment('2026-01-01', { status: 'initiated', invoice: { id: 'in_1' } }, { verb: 'created' }),
      payment('2026-01-02', { status: 'succeeded', invoice: { id: 'in_1' } }),
      payment('2026-01-03', { status: 'succeeded', invoice: { id: 'in_1' }, refunded: eur(1000) }),
      happening('2026-01-03', {
        what: 'payment_refunded',
        invoice: null,
        payment: 'pay_1',
        refund: 're_1',
        amount: eur(1000),
      }),
      happening('2026-01-04', {
        what: 'payment_refunded',
        invoice: null,
        payment: 'pay_1',
        refund: 're_2',
        amount: eur(4000),
      }),
    ]
    const refunds = fold(story).facts.filter((fact) => fact.kind === 'payment_refunded')
    expect(refunds.map((fact) => fact.key)).toEqual(['pay_1|payment_refunded|1000', 'pay_1|payment_refunded|5000'])
    expect(refunds.map((fact) => fact.detail.full)).toEqual([false, true])
    expect(kinds(story).slice(0, 2)).toEqual(['payment_initiated', 'payment_succeeded'])
    expect(kinds([payment('2026-01-01', { status: 'canceled' })])).toEqual(['payment_canceled'])
  })

  it('a checkout from open to its end', () => {
    const told = (at: string, status: 'open' | 'completed' | 'canceled' | 'expired', id: string) =>
      snapshot('checkout', at, { status, customer: CUSTOMER, reference: 'user-7' }, { id })
    const story = [
      told('2026-01-01', 'open', 'c1'),
      told('2026-01-02', 'completed', 'c1'),
      told('2026-01-03', 'canceled', 'c2'),
      told('2026-01-04', 'expired', 'c3'),
    ]
    expect(kinds(story)).toEqual(['checkout_opened', 'checkout_completed', 'checkout_canceled', 'checkout_expired'])
  })
})

describe('usage', () => {
  const policy = parsePolicy({
    plans: {
      basic: {
        limits: [{ meter: 'calls', included: '100', thresholds: [80, 100], unitPrice: { minor: 3, currency: 'EUR' } }],
      },
    },
  })
  const use = (at: string, quantity: string, mode: 'total' | 'delta', key: string) =>
    happening(at, { what: 'usage', meter: 'calls', quantity, mode }, { key })
  const story = [
    active('2026-01-01', {}, { verb: 'created' }),
    use('2026-01-05', '50', 'delta', 'u1'),
    use('2026-01-06', '30.5', 'delta', 'u2'),
    use('2026-01-07', '85', 'total', 'u3'),
    use('2026-01-08', '40', 'delta', 'u4'),
    use('2026-02-02', '90', 'delta', 'u5'),
  ]

  it('adds up within a cycle, in any order, and tells each threshold once per cycle', () => {
    for (const order of shuffles([...story, ...story], 8)) {
      const { facts } = fold(order, { policy })
      const thresholds = facts.filter((fact) => fact.kind === 'usage_threshold_reached')
      expect(thresholds.map((fact) => [fact.key, fact.detail.quantity])).toEqual([
        ['cus_1|usage_threshold_reached|calls|2026-01-01T00:00:00Z|80', '80.5'],
        ['cus_1|usage_threshold_reached|calls|2026-01-01T00:00:00Z|100', '125'],
        ['cus_1|usage_threshold_reached|calls|2026-02-01T00:00:00Z|80', '90'],
      ])
      expect(facts.filter((fact) => fact.kind === 'usage_updated')).toHaveLength(5)
    }
  })
})
