import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AIRWALLEX_LEGACY_PROFILE, AIRWALLEX_PROFILE } from '../../src/dialects/airwallex/profile.ts'
import { KINDE_PROFILE } from '../../src/dialects/kinde/profile.ts'
import { RAZORPAY_PROFILE } from '../../src/dialects/razorpay/profile.ts'
import { STANDARD_PROFILE } from '../../src/dialects/standard/profile.ts'
import { STRIPE_PROFILE } from '../../src/dialects/stripe/profile.ts'
import type { Command } from '../../src/model/commands.ts'
import type { SandboxBehavior } from '../../src/model/entities.ts'
import { addMs, DAY_MS, HOUR_MS } from '../../src/model/instant.ts'
import { writeModel } from '../../src/model/json.ts'
import { money } from '../../src/model/money.ts'
import type { BillingProfile } from '../../src/model/profile.ts'
import { isTerminal } from '../../src/model/status.ts'
import { dueItems } from '../../src/lifecycle/due.ts'
import { dropSettled } from '../../src/lifecycle/settled.ts'
import { TABLES } from '../../src/lifecycle/tables.ts'
import type { Row } from '../../src/lifecycle/tables.ts'
import { checkMoves, rowName, SEEN } from './moves_seen.ts'
import { Bench, method } from './support.ts'

const PROFILES: readonly BillingProfile[] = [
  STRIPE_PROFILE,
  { ...STRIPE_PROFILE, id: 'stripe_unpaid', dunning: { ...STRIPE_PROFILE.dunning, subscription: 'unpaid' } },
  AIRWALLEX_PROFILE,
  AIRWALLEX_LEGACY_PROFILE,
  RAZORPAY_PROFILE,
  KINDE_PROFILE,
  STANDARD_PROFILE,
]

const BEHAVIORS: readonly SandboxBehavior[] = [
  'pays',
  'pays',
  'pays',
  'declines',
  'declines',
  'needs_action',
  'processing_then_pays',
  'processing_then_fails',
]

const PAID = { outcome: 'succeeded', reference: null } as const
const REFUSED = { outcome: 'failed', failure: { code: 'x', message: null, retryable: 'yes' } } as const

/** A step of a walk: which kind of command, and a number that says on what and how. */
interface Op {
  readonly kind: number
  readonly n: number
}

const walk = fc.array(fc.record({ kind: fc.nat(39), n: fc.nat(997) }), { minLength: 5, maxLength: 40 })

function pick<T>(list: readonly T[], n: number): T | undefined {
  return list[n % Math.max(1, list.length)]
}

/** The command of an op in this state; null: time passes instead. */
function commandOf(bench: Bench, { kind, n }: Op): Command | null {
  const { state } = bench
  const sub = pick(Object.keys(state.subscriptions), n) ?? 'sub_none'
  const invoice = pick(Object.keys(state.invoices), n) ?? 'in_none'
  const payment = pick(Object.keys(state.payments), n) ?? 'pay_none'
  const checkout = pick(Object.keys(state.checkouts), n) ?? 'co_none'
  const item = pick(Object.keys(state.invoiceItems), n) ?? 'ii_none'
  const price = ['basic', 'premium', 'yearly', 'calls', 'tiers'][n % 5] ?? 'basic'
  const items = [{ price, quantity: 1 + (n % 3) }]
  const later = addMs(bench.now, (1 + (n % 40)) * DAY_MS)
  const choice = n % 2 === 0 ? { attach: method(`pm_${bench.tellings.length}_${n}`) } : { id: 'pm_1' }
  switch (kind) {
    case 0:
    case 1:
    case 2:
      return {
        kind: 'subscription.create',
        id: null,
        items,
        trialDays: n % 4 === 0 ? 7 : null,
        startAt: n % 7 === 0 ? later : null,
        totalCycles: n % 5 === 0 ? 1 + (n % 3) : null,
        collection: n % 11 === 0 ? 'manual' : 'automatic',
        daysUntilDue: n % 11 === 0 ? 5 : null,
        trialEndBehavior: (['invoice', 'cancel', 'pause'] as const)[n % 3] ?? 'invoice',
        upfront: n % 13 === 0 ? money(100, 'EUR') : null,
        paymentBehavior: n % 17 === 0 ? 'default_incomplete' : 'charge',
      }
    case 3:
      return {
        kind: 'subscription.update',
        id: sub,
        items,
        ...(n % 2 === 0 ? { proration: 'always_invoice' as const } : {}),
      }
    case 4:
      return { kind: 'subscription.update', id: sub, quantity: 1 + (n % 5), when: n % 2 === 0 ? 'now' : 'cycle_end' }
    case 5:
      return { kind: 'subscription.update', id: sub, items, ifUnpaid: 'pending' }
    case 6:
      return { kind: 'subscription.update', id: sub, cancelAtPeriodEnd: n % 3 !== 0 }
    case 7:
      return { kind: 'subscription.update', id: sub, cancelAt: n % 3 === 0 ? null : later }
    case 8:
      return {
        kind: 'subscription.update',
        id: sub,
        pauseCollection:
          n % 3 === 0
            ? null
            : {
                invoices: (['void', 'mark_uncollectible', 'keep_as_draft'] as const)[n % 3] ?? 'void',
                resumesAt: n % 2 === 0 ? later : null,
              },
      }
    case 9:
      return {
        kind: 'subscription.cancel',
        id: sub,
        when: n % 2 === 0 ? 'now' : 'period_end',
        by: 'customer',
        reason: null,
        prorate: n % 3 === 0,
        invoiceNow: n % 5 === 0,
      }
    case 10:
    case 11:
      return { kind: 'subscription.pause', id: sub, by: 'admin', resumesAt: n % 2 === 0 ? later : null }
    case 12:
    case 13:
      return { kind: 'subscription.resume', id: sub, by: 'admin', anchor: n % 2 === 0 ? 'now' : 'unchanged' }
    case 14:
    case 15:
      return {
        kind: 'subscription.authorize',
        id: sub,
        outcome: ([null, PAID, PAID, REFUSED] as const)[n % 4] ?? null,
        method: null,
      }
    case 16:
      return { kind: 'subscription.retry', id: sub, method: n % 3 === 0 ? choice : null }
    case 17:
      return { kind: 'subscription.change_payment_method', id: sub, method: choice }
    case 18:
      return { kind: 'subscription.cancel_scheduled_change', id: sub }
    case 19:
      return { kind: 'agreement.create', id: null, plan: n % 2 === 0 ? 'basic' : 'premium' }
    case 20:
      return {
        kind: 'invoice.create',
        id: null,
        currency: null,
        lines: [{ amount: money(n, 'EUR'), description: 'x', price: null, quantity: 1 }],
        pendingItems: n % 2 === 0 ? 'include' : 'exclude',
        autoAdvance: n % 3 !== 0,
        collection: n % 4 === 0 ? 'manual' : 'automatic',
        daysUntilDue: null,
      }
    case 21:
      return { kind: 'invoice.pay', id: invoice, method: null }
    case 22:
      return { kind: 'invoice.pay_out_of_band', id: invoice }
    case 23:
      return { kind: n % 2 === 0 ? 'invoice.void' : 'invoice.mark_uncollectible', id: invoice }
    case 24:
      return { kind: n % 2 === 0 ? 'invoice.finalize' : 'invoice.delete', id: invoice }
    case 25:
      return {
        kind: 'invoice_item.create',
        id: null,
        amount: money(n % 2 === 0 ? n : -n, 'EUR'),
        description: 'x',
        subscription: null,
      }
    case 26:
      return { kind: 'invoice_item.delete', id: item }
    case 27:
      return {
        kind: 'refund.create',
        id: null,
        payment,
        amount: n % 2 === 0 ? null : money(1 + (n % 50), 'EUR'),
        reason: null,
      }
    case 28:
      return {
        kind: 'checkout.create',
        id: null,
        mode: (['subscription', 'payment', 'setup'] as const)[n % 3] ?? 'setup',
        items: [{ price: n % 3 === 1 ? 'once' : 'basic', quantity: 1 }],
        currency: null,
        trialDays: n % 5 === 0 ? 3 : null,
        reference: null,
        successUrl: null,
        expiresAt: null,
      }
    case 29:
    case 30:
      return {
        kind: 'checkout.complete',
        id: checkout,
        outcome: ([null, PAID, REFUSED] as const)[n % 3] ?? null,
        method: null,
      }
    case 31:
      return { kind: n % 2 === 0 ? 'checkout.cancel' : 'checkout.expire', id: checkout }
    case 32:
      return {
        kind: 'usage.report',
        subscription: sub,
        meter: 'mtr_1',
        quantity: String(n),
        mode: n % 2 === 0 ? 'delta' : 'total',
      }
    case 33:
      return { kind: n % 2 === 0 ? 'gate.acknowledged' : 'gate.given_up', invoice }
    case 34:
    case 35:
      return { kind: 'payment_method.script', id: null, behavior: pick(BEHAVIORS, n) ?? 'pays' }
    case 36:
      return { kind: 'payment.decided', payment, attempt: 1 + (n % 2), outcome: n % 2 === 0 ? PAID : REFUSED }
    case 37:
      return n % 9 === 0 ? { kind: 'payment_method.detach', id: 'pm_1' } : null
    default:
      return null
  }
}

function shop(profile: BillingProfile): Bench {
  const bench = new Bench(profile, '2026-01-31T10:00:00Z')
  bench.sell({ kind: 'meter.create', id: 'mtr_1', code: 'calls', name: 'Calls', aggregation: 'sum' })
  bench.price('basic', 5000)
  bench.price('premium', 10_001)
  bench.price('yearly', 50_000, 'EUR', { interval: { unit: 'year', count: 1 } })
  bench.price('calls', 3, 'EUR', { usage: 'metered', meter: 'mtr_1' })
  bench.price('tiers', 0, 'EUR', {
    scheme: 'graduated',
    unitAmount: null,
    tiers: [
      { upTo: 1, unitAmount: money(700, 'EUR'), flatAmount: null },
      { upTo: null, unitAmount: money(300, 'EUR'), flatAmount: money(50, 'EUR') },
    ],
  })
  bench.price('once', 900, 'EUR', { interval: null })
  bench.customer()
  return bench
}

function run(bench: Bench, ops: readonly Op[]): void {
  for (const op of ops) {
    const command = commandOf(bench, op)
    bench.gatekeepers = op.n % 3 === 0
    if (command === null) {
      bench.advance(addMs(bench.now, op.n % 4 === 0 ? HOUR_MS : (1 + (op.n % 25)) * DAY_MS))
    } else {
      const before = writeModel(bench.state)
      const decision = bench.tell(command)
      if (!decision.ok) expect(writeModel(bench.state)).toBe(before)
    }
    checkState(bench)
  }
}

/** Walks compare a great many values: this is quicker than a matcher each. */
function same(found: unknown, wanted: unknown): void {
  if (found !== wanted) expect(found).toBe(wanted)
}

function checkState(bench: Bench): void {
  const { state } = bench
  const next = bench.next()
  same(next === null || next > bench.now, true)
  for (const invoice of Object.values(state.invoices)) {
    const lines = invoice.lines.reduce((sum, line) => sum + line.amount.minor, 0n)
    same(invoice.total.minor, lines)
    const owed = lines > 0n ? lines : 0n
    same(invoice.amountDue.minor + invoice.amountPaid.minor, owed)
    same(invoice.number === null, invoice.status === 'draft')
  }
  for (const item of Object.values(state.invoiceItems)) {
    const bills = Object.values(state.invoices).flatMap((invoice) =>
      invoice.lines.filter((line) => line.invoiceItem === item.id),
    )
    expect(bills.map((line) => line.amount.minor)).toEqual(item.invoice === null ? [] : [item.amount.minor])
  }
  checkMoney(bench)
}

/** What was paid in is what paid invoices say, but for money that went back at once. */
function checkMoney(bench: Bench): void {
  const { invoices, payments, refunds } = bench.state
  for (const payment of Object.values(payments)) {
    const back = Object.values(refunds)
      .filter((refund) => refund.payment === payment.id && refund.status === 'succeeded')
      .reduce((sum, refund) => sum + refund.amount.minor, 0n)
    same(payment.refunded.minor, back)
    same(back <= payment.amount.minor, true)
    if (payment.status !== 'succeeded' || payment.invoice === null) continue
    const invoice = invoices[payment.invoice]
    const paidIt = invoice?.status === 'paid' && invoice.payment === payment.id && !invoice.paidOutOfBand
    if (paidIt) {
      same(invoice.amountPaid.minor, payment.amount.minor)
      same(invoice.refunded.minor, back)
    } else same(back, payment.amount.minor)
  }
  const paid = Object.values(invoices).filter((invoice) => invoice.status === 'paid' && !invoice.paidOutOfBand)
  for (const invoice of paid) {
    if (invoice.amountPaid.minor === 0n) continue
    expect(payments[invoice.payment ?? '']).toMatchObject({ status: 'succeeded' })
  }
}

/** A subscription that runs has something that will happen to it. */
function checkNobodyStuck(bench: Bench): void {
  const items = dueItems(bench.state, bench.context())
  for (const subscription of Object.values(bench.state.subscriptions)) {
    const { status, id } = subscription
    if (isTerminal(status)) continue
    const waitsForCustomer = status === 'paused' || status === 'pending' || status === 'incomplete'
    if (!waitsForCustomer)
      expect(
        items.some((item) => item.id === id),
        `${status} ${id}`,
      ).toBe(true)
  }
}

describe.each(PROFILES.map((profile) => [profile.id, profile] as const))('random walks under %s', (_id, profile) => {
  it('keep to the tables, conserve money, refuse without a trace and leave nobody stuck', () => {
    const property = fc.property(walk, (ops) => {
      const bench = shop(profile)
      run(bench, ops)
      checkNobodyStuck(bench)
      if (bench.tell({ kind: 'payment_method.script', id: null, behavior: 'pays' }).ok)
        bench.advance(addMs(bench.now, 100 * DAY_MS))
      checkState(bench)
      checkNobodyStuck(bench)
      checkMoves(bench.tellings)
    })
    // The first walks are always the same ones, so that the rows they come to are; the others are new each time.
    fc.assert(property, { numRuns: 100, seed: 20_260_101 })
    fc.assert(property, { numRuns: 15 })
  })

  it('are the same when they are walked again, and when what is settled is dropped on the way', () => {
    fc.assert(
      fc.property(walk, (ops) => {
        const [a, b] = [shop(profile), shop(profile)]
        run(a, ops)
        run(b, ops)
        expect(writeModel(b.tellings)).toBe(writeModel(a.tellings))
        const whole = a.state
        a.state = dropSettled(whole)
        const target = addMs(a.now, 60 * DAY_MS)
        a.fresh.length = 0
        b.fresh.length = 0
        a.advance(target)
        b.advance(target)
        expect(a.heard()).toEqual(b.heard())
      }),
      { numRuns: 15 },
    )
  })
})

/** What the walks above seldom come to. */
describe('rows that are seldom walked', () => {
  const failure = { code: 'x', message: null, retryable: 'yes' } as const
  const CREATE = { kind: 'subscription.create', id: 'sub_1', items: [{ price: 'basic', quantity: 1 }] } as const
  const unpaid = { ...STRIPE_PROFILE, dunning: { ...STRIPE_PROFILE.dunning, subscription: 'unpaid' as const } }

  /** A subscription whose retries have ended. */
  function owing(profile: BillingProfile, totalCycles: number | null = null): Bench {
    const bench = shop(profile)
    bench.ok({ ...CREATE, totalCycles })
    if (bench.subscription().status === 'pending')
      bench.ok({ kind: 'subscription.authorize', id: 'sub_1', outcome: PAID, method: null })
    bench.script('declines')
    bench.advance(addMs(bench.now, 45 * DAY_MS))
    return bench
  }

  it('leave unpaid by a payment, by the last cycle, by a cancellation', () => {
    const bench = owing(unpaid)
    expect(bench.subscription().status).toBe('unpaid')
    bench.script('pays')
    bench.ok({ kind: 'subscription.retry', id: 'sub_1', method: null })
    expect(bench.subscription().status).toBe('active')
    const canceled = owing(RAZORPAY_PROFILE)
    canceled.ok({ kind: 'subscription.cancel', id: 'sub_1', when: 'now', by: 'admin', reason: null })
    expect(canceled.subscription().status).toBe('canceled')
    const completed = owing(RAZORPAY_PROFILE, 2)
    completed.advance(addMs(completed.now, 45 * DAY_MS))
    expect(completed.subscription().status).toBe('completed')
    for (const { tellings } of [bench, canceled, completed]) checkMoves(tellings)
  })

  it.each(['pause', 'cancel'] as const)('end a trial without a payment method: %s', (trialEndBehavior) => {
    const bench = shop(STRIPE_PROFILE)
    bench.ok({ kind: 'payment_method.detach', id: 'pm_1' })
    bench.ok({ ...CREATE, trialDays: 7, trialEndBehavior })
    bench.advance(addMs(bench.now, 8 * DAY_MS))
    expect(bench.subscription().status).toBe(trialEndBehavior === 'pause' ? 'paused' : 'canceled')
    if (trialEndBehavior === 'pause') {
      bench.ok({ kind: 'customer.set_default_payment_method', method: { attach: method('pm_2') } })
      bench.ok({ kind: 'subscription.resume', id: 'sub_1', by: 'admin', anchor: 'now' })
      expect(bench.subscription()).toMatchObject({ status: 'active', cycles: { paid: 1 } })
    }
    checkMoves(bench.tellings)
  })

  it('pay, or void, what was given up', () => {
    for (const kind of ['invoice.pay', 'invoice.void'] as const) {
      const bench = owing(AIRWALLEX_PROFILE)
      const bad = Object.values(bench.state.invoices).find((invoice) => invoice.status === 'uncollectible')
      bench.script('pays')
      bench.ok(kind === 'invoice.pay' ? { kind, id: bad!.id, method: null } : { kind, id: bad!.id })
      expect(bench.subscription().status).toBe('canceled')
      checkMoves(bench.tellings)
    }
  })

  it('start with a payment that fails, before and after a trial', () => {
    for (const trialDays of [null, 7]) {
      const bench = shop(AIRWALLEX_PROFILE)
      bench.script('declines')
      bench.ok({ ...CREATE, trialDays })
      bench.advance(addMs(bench.now, 8 * DAY_MS))
      expect(bench.tellings.map(({ told }) => told.kind)).toContain('subscription_past_due')
      checkMoves(bench.tellings)
    }
  })

  it('leave the first payment to the customer, who pays, or does not', () => {
    for (const pays of [true, false]) {
      const bench = shop(STRIPE_PROFILE)
      bench.ok({ ...CREATE, paymentBehavior: 'default_incomplete' })
      expect(bench.payment()).toMatchObject({ status: 'initiated', attempt: 0 })
      if (pays) bench.ok({ kind: 'subscription.authorize', id: 'sub_1', outcome: PAID, method: null })
      else bench.advance(addMs(bench.now, DAY_MS))
      expect(bench.subscription().status).toBe(pays ? 'active' : 'expired')
      checkMoves(bench.tellings)
    }
  })

  it('start when the day has come that was authorised', () => {
    const bench = shop(RAZORPAY_PROFILE)
    bench.ok({ ...CREATE, startAt: addMs(bench.now, DAY_MS) })
    bench.ok({ kind: 'subscription.authorize', id: 'sub_1', outcome: PAID, method: null })
    bench.advance(addMs(bench.now, 2 * DAY_MS))
    expect(bench.subscription()).toMatchObject({ status: 'active', cycles: { paid: 1 } })
    checkMoves(bench.tellings)
  })

  it('cancel a pause', () => {
    const bench = shop(STRIPE_PROFILE)
    bench.ok(CREATE)
    bench.ok({ kind: 'subscription.pause', id: 'sub_1', by: 'admin' })
    bench.ok({ kind: 'subscription.cancel', id: 'sub_1', when: 'now', by: 'customer', reason: null })
    expect(bench.subscription().status).toBe('canceled')
    checkMoves(bench.tellings)
  })

  it('cancel before the start, authorised and incomplete', () => {
    const bench = shop(RAZORPAY_PROFILE)
    bench.ok({ ...CREATE, startAt: addMs(bench.now, DAY_MS) })
    bench.ok({ kind: 'subscription.authorize', id: 'sub_1', outcome: PAID, method: null })
    bench.ok({ kind: 'subscription.cancel', id: 'sub_1', when: 'now', by: 'customer', reason: null })
    const other = shop(STRIPE_PROFILE)
    other.script('declines')
    other.ok(CREATE)
    other.ok({ kind: 'subscription.cancel', id: 'sub_1', when: 'now', by: 'customer', reason: null })
    for (const { tellings, state } of [bench, other]) {
      expect(state.subscriptions['sub_1']?.status).toBe('canceled')
      checkMoves(tellings)
    }
  })

  it('take every way out of a payment that must be confirmed', () => {
    const outcomes = [
      [PAID, 'succeeded'],
      [{ outcome: 'failed', failure } as const, 'failed'],
      [{ outcome: 'later', reference: null, expectedAt: null } as const, 'processing'],
    ] as const
    for (const [outcome, status] of outcomes) {
      const bench = shop(STRIPE_PROFILE)
      bench.script('needs_action')
      bench.ok(CREATE)
      bench.ok({ kind: 'subscription.authorize', id: 'sub_1', outcome, method: null })
      expect(bench.payment().status).toBe(status)
      checkMoves(bench.tellings)
    }
    const expired = shop(STRIPE_PROFILE)
    expired.script('needs_action')
    expired.ok(CREATE)
    expired.holdCharges = true
    expired.ok({ kind: 'subscription.retry', id: 'sub_1', method: null })
    expect(expired.payment()).toMatchObject({ status: 'initiated', attempt: 2 })
    // Neither of these two moves is told: the next telling shows where they led.
    SEEN.add('payment: requires_action retry initiated')
    SEEN.add('payment: failed retry initiated')
  })

  it('tell a payment that was on its way and then failed, and one that then came', () => {
    const bench = shop(STRIPE_PROFILE)
    bench.holdCharges = true
    bench.ok(CREATE)
    const later = { outcome: 'later', reference: null, expectedAt: null } as const
    const failed = { outcome: 'failed', failure: { code: 'debit_returned', message: null, retryable: 'yes' } } as const
    const decided = (attempt: number, outcome: typeof later | typeof failed | typeof PAID) =>
      bench.ok({ kind: 'payment.decided', payment: bench.payment().id, attempt, outcome })
    decided(1, later)
    expect(bench.payment().status).toBe('processing')
    decided(1, failed)
    expect(bench.payment().status).toBe('failed')
    bench.ok({ kind: 'subscription.retry', id: 'sub_1', method: null })
    decided(2, later)
    decided(2, PAID)
    expect(bench.payment().status).toBe('succeeded')
    checkMoves(bench.tellings)
  })

  it('give back what came in for an invoice that was voided meanwhile, and tell a refund that failed', () => {
    const bench = shop(STRIPE_PROFILE)
    bench.holdCharges = true
    bench.ok(CREATE)
    const voided = bench.tell({ kind: 'invoice.void', id: bench.invoice().id })
    expect(voided).toMatchObject({ ok: false, code: 'invalid_transition' })
    bench.ok({ kind: 'subscription.cancel', id: 'sub_1', when: 'now', by: 'admin', reason: null })
    bench.ok({ kind: 'payment.decided', payment: bench.payment().id, attempt: 1, outcome: PAID })
    expect(bench.invoice().status).toBe('paid')
    const refund = { kind: 'refund.create', payment: bench.payment().id, amount: null, reason: null } as const
    bench.refundsFail = true
    bench.ok({ ...refund, id: 're_1' })
    expect(bench.last('refund_updated').view.after.refund).toMatchObject({ id: 're_1', status: 'failed' })
    expect(bench.payment().refunded.minor).toBe(0n)
    bench.refundsFail = false
    bench.ok({ ...refund, id: 're_2' })
    expect(bench.payment().refunded).toEqual(bench.payment().amount)
    bench.ok({ kind: 'refund.decided', refund: 're_2', outcome: { outcome: 'failed', message: 'x' } })
    expect(bench.state.refunds['re_2']?.status).toBe('succeeded')
    checkMoves(bench.tellings)
  })
})

describe('all walks together', () => {
  it('come to every row of every table', () => {
    const all = Object.entries(TABLES).flatMap(([machine, rows]) =>
      (rows as readonly Row[]).map((row) => rowName(machine, row)),
    )
    expect(all.filter((name) => !SEEN.has(name))).toEqual([])
  })
})
