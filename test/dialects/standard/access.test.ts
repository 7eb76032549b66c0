/** One subscription's life, told in three ways: the receiver must give the same answers, in whatever order they arrive. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Dialect } from '../../../src/dialects/dialect.ts'
import { razorpay } from '../../../src/dialects/razorpay/index.ts'
import { standard } from '../../../src/dialects/standard/index.ts'
import { accessOf } from '../../../src/ledger/access.ts'
import { fold } from '../../../src/ledger/fold.ts'
import type { Entities, Invoice, Subscription } from '../../../src/model/entities.ts'
import type { Fact, FactDetails, FactKind, RecordKind, Told } from '../../../src/model/facts.ts'
import { addMs, HOUR_MS } from '../../../src/model/instant.ts'
import type { Instant } from '../../../src/model/instant.ts'
import { money } from '../../../src/model/money.ts'
import type { Observation } from '../../../src/model/observations.ts'
import { DEFAULT_POLICY } from '../../../src/model/policy.ts'
import type { Telling } from '../tellings.ts'
import * as base from '../airwallex/billing_view.ts'
import { SECOND_CYCLE, START, THIRD_CYCLE, time } from '../airwallex/billing_view.ts'

const failure = { code: 'insufficient_funds', message: null, retryable: 'yes' } as const
const due = money(2000, 'USD')

/** What is told, step by step, with the state kept as the engine would. */
function tellStory(): readonly Telling[] {
  const tellings: Telling[] = []
  let state: Partial<Entities> = {}
  const tell = (told: Told, after: Partial<Entities>): void => {
    const payment = after.payment ?? state.payment ?? null
    const invoice = after.invoice ?? state.invoice ?? null
    const more = { attempted: payment, attemptedInvoice: payment === null ? null : invoice }
    // A change of the subscription alone is not about the payment before it.
    const shown = after.payment === undefined ? { ...state, ...after, payment: null } : { ...state, ...after }
    tellings.push({ told, view: base.viewOf(shown, { customer: base.customer, ...state }, more) })
    state = { ...state, ...after }
  }
  const about = (kind: FactKind | RecordKind, subject: string, at: Instant) => ({
    kind,
    at,
    customer: base.customer.id,
    subscription: base.subscription.id,
    subject,
  })
  const fact = <K extends FactKind>(kind: K, at: Instant, detail: FactDetails[K], after: Partial<Entities>): void => {
    const subject = kind.startsWith('invoice') ? (after.invoice?.id ?? '') : base.subscription.id
    tell({ ...about(kind, subject, at), detail } as unknown as Fact, after)
  }

  const first: Invoice = base.paidInvoice
  const second: Invoice = {
    ...base.invoice,
    id: 'in_2',
    reason: 'cycle',
    period: { from: SECOND_CYCLE, until: THIRD_CYCLE },
  }
  const payment = { ...base.payment, status: 'succeeded' } as const
  const waiting: Subscription = {
    ...base.subscription,
    status: 'pending',
    period: null,
    startedAt: null,
    cycle: null,
    cycles: { total: 12, invoiced: 0, paid: 0 },
  }
  const running: Subscription = { ...base.subscription, cycles: { total: 12, invoiced: 1, paid: 1 } }
  const renewing: Subscription = {
    ...running,
    period: second.period,
    cycle: 1,
    cycles: { total: 12, invoiced: 2, paid: 1 },
  }
  const failing: Subscription = { ...renewing, status: 'past_due', failedAttempts: 1 }
  const retry = time('2026-02-02T00:00:00Z')
  const failed = { ...payment, id: 'pay_2', invoice: second.id, status: 'failed', failure } as const
  const recovered: Subscription = { ...renewing, cycles: { total: 12, invoiced: 2, paid: 2 } }
  const paidSecond: Invoice = {
    ...second,
    status: 'paid',
    amountPaid: due,
    paidAt: time('2026-02-05T00:00:00Z'),
    attempts: 5,
  }
  const pause = {
    scope: 'service',
    invoices: 'void',
    from: time('2026-02-10T00:00:00Z'),
    resumesAt: null,
    by: 'admin',
  } as const
  const stop = time('2026-02-15T00:00:00Z')
  const cancel = { requestedAt: stop, at: stop, atPeriodEnd: false, by: 'admin', reason: null } as const

  fact('subscription_created', START, { status: 'pending', plan: null }, { subscription: waiting })
  const started = addMs(START, HOUR_MS)
  fact(
    'subscription_activated',
    started,
    { recovered: false, plan: null },
    { subscription: running, invoice: first, payment },
  )
  fact(
    'invoice_paid',
    started,
    { amount: due, number: null, period: first.period, outOfBand: false },
    { invoice: first, payment },
  )
  tell(about('subscription_cycle_started', base.subscription.id, SECOND_CYCLE) as Told, { subscription: renewing })
  fact('invoice_drafted', SECOND_CYCLE, { total: due }, { invoice: second })
  fact(
    'invoice_payment_failed',
    SECOND_CYCLE,
    { attempt: 1, nextAttemptAt: retry, amount: due, failure },
    { invoice: { ...second, attempts: 1, nextAttemptAt: retry }, payment: failed },
  )
  fact(
    'subscription_past_due',
    SECOND_CYCLE,
    { invoice: second.id, reason: 'payment_failed' },
    { subscription: failing },
  )
  fact(
    'subscription_unpaid',
    time('2026-02-04T00:00:00Z'),
    { invoice: second.id },
    { subscription: { ...failing, status: 'unpaid', failedAttempts: 4 } },
  )
  const back = time('2026-02-05T00:00:00Z')
  fact(
    'invoice_paid',
    back,
    { amount: due, number: null, period: second.period, outOfBand: false },
    {
      subscription: { ...recovered, status: 'unpaid' },
      invoice: paidSecond,
      payment: { ...failed, status: 'succeeded', failure: null, attempt: 5 },
    },
  )
  fact('subscription_activated', back, { recovered: true, plan: null }, { subscription: recovered })
  fact(
    'subscription_paused',
    pause.from,
    { scope: 'service', resumesAt: null, by: 'admin' },
    { subscription: { ...recovered, status: 'paused', pause } },
  )
  fact('subscription_resumed', time('2026-02-12T00:00:00Z'), { scope: 'service' }, { subscription: recovered })
  fact(
    'subscription_canceled',
    stop,
    { by: 'admin', reason: null, atPeriodEnd: false, superseded: false },
    { subscription: { ...recovered, status: 'canceled', cancel, endedAt: stop } },
  )
  return tellings
}

/** When the receiver is asked, and what it must say. */
const ANSWERS: readonly (readonly [string, boolean, Instant | null])[] = [
  ['2026-01-01T00:30:00Z', false, null],
  ['2026-01-15T00:00:00Z', true, SECOND_CYCLE],
  ['2026-02-01T12:00:00Z', true, SECOND_CYCLE],
  ['2026-02-04T12:00:00Z', false, SECOND_CYCLE],
  ['2026-02-05T12:00:00Z', true, THIRD_CYCLE],
  ['2026-02-11T00:00:00Z', false, THIRD_CYCLE],
  ['2026-02-13T00:00:00Z', true, THIRD_CYCLE],
  ['2026-02-16T00:00:00Z', false, THIRD_CYCLE],
]

type Way = readonly [name: string, dialect: Dialect, tellings: readonly Telling[]]

const STORY = tellStory()
const WAYS: readonly Way[] = [
  ['standard, with its objects', standard, STORY],
  [
    'standard, as forwarded from another provider',
    standard,
    STORY.map(({ told }) => ({ told, view: base.viewOf({ customer: null }) })),
  ],
  ['razorpay', razorpay, STORY],
]

function observationsUntil([, dialect, tellings]: Way, at: Instant): readonly Observation[] {
  return tellings
    .filter(({ told }) => told.at <= at)
    .flatMap(({ told, view }, i) => dialect.encode(told, view, { fact: `f_${i}`, at: told.at }))
    .flatMap((notification) => dialect.decode(notification).observations)
}

function answerTo(observations: readonly Observation[], at: Instant) {
  const { state } = fold(observations)
  const links = [{ source: 's', customer: null, state, traits: null }]
  const { allowed, paidThrough } = accessOf({ links, holds: [], policy: DEFAULT_POLICY, at, feature: null })
  return { allowed, paidThrough }
}

describe.each(WAYS)('a life told as %s', (...way) => {
  test.each(ANSWERS)('at %s access is %s', (text, allowed, paidThrough) => {
    const at = time(text)
    const observations = observationsUntil(way, at)
    const expected = answerTo(observations, at)
    expect(expected).toEqual({ allowed, paidThrough })
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...observations, ...observations], { minLength: observations.length * 2 }),
        (shuffled) => {
          expect(answerTo(shuffled, at)).toEqual(expected)
        },
      ),
      { numRuns: 20 },
    )
  })
})
