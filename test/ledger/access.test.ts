import { describe, expect, it } from 'vitest'
import type { Hold } from '../../src/model/access.ts'
import { parsePolicy } from '../../src/model/policy.ts'
import { accessChange, accessOf } from '../../src/ledger/access.ts'
import { asOf, fold } from '../../src/ledger/fold.ts'
import { usageOf } from '../../src/ledger/usage.ts'
import {
  access,
  CUSTOMER,
  DAY,
  eur,
  failed,
  happening,
  invoice,
  MONTH,
  patch,
  payment,
  period,
  plan,
  subscription,
  succeeded,
  t,
} from './build.ts'

const JAN = period('2026-01-01', '2026-02-01')
const FEB = period('2026-02-01', '2026-03-01')
const started = { startedAt: t('2026-01-01'), createdAt: t('2026-01-01'), interval: MONTH, anchor: t('2026-01-01') }
const active = (
  at: string,
  more: Parameters<typeof subscription>[1] = {},
  told: Parameters<typeof subscription>[2] = {},
) => subscription(at, { ...started, status: 'active', period: JAN, ...more }, told)
const paidJan = [
  active('2026-01-01', {}, { verb: 'created' }),
  invoice('2026-01-01', { status: 'paid', reason: 'first', period: JAN }),
]

describe('the end of an answer', () => {
  it('is the end of the running cycle, not sure, where the provider makes active again what was not paid', () => {
    const story = [
      ...paidJan,
      active('2026-02-01', { status: 'past_due', period: FEB }, { previous: { status: 'active' } }),
      active('2026-02-04', { status: 'unpaid', period: FEB }, { previous: { status: 'past_due' } }),
      active('2026-02-10', { period: FEB }, { previous: { status: 'unpaid' } }),
    ]
    expect(access(story.slice(0, -1), '2026-02-10').allowed).toBe(false)
    const answer = access(story, '2026-02-10')
    expect(answer).toMatchObject({ allowed: true, until: t('2026-03-02'), paidThrough: t('2026-02-01'), sure: false })
    const next = active('2026-03-01', { period: period('2026-03-01', '2026-04-01') })
    expect(access([...story, next], '2026-03-03').allowed).toBe(false)
    // What went before was lost: the old value alone says that it came back.
    const lost = [...paidJan, active('2026-02-01', { period: FEB }), ...story.slice(-1)]
    expect(access(lost, '2026-02-10')).toMatchObject({ allowed: true, until: t('2026-03-02'), sure: false })
  })

  it('of an agreement whose creation was lost is not known, rather than that of the one before it', () => {
    const told = (at: string, fields: object, id: string, verb: 'created' | 'updated' | 'deleted') =>
      patch('subscription', at, { customer: CUSTOMER, plan: plan(id), exclusive: true, ...fields }, { id, verb })
    const story = [
      told('2026-01-01', { status: 'active' }, 'a1', 'created'),
      told('2026-01-10', {}, 'a2', 'updated'),
      told('2026-01-10T00:00:02', { status: 'canceled', endedAt: t('2026-01-10T00:00:02') }, 'a1', 'deleted'),
    ]
    expect(access(story, '2026-01-11')).toMatchObject({ allowed: false, sure: false })
    expect(fold(story).state.subscriptions.map((each) => each.supersededBy)).toEqual([null, null])
    const made = told('2026-01-09T23:59:59', { status: 'active' }, 'a2', 'created')
    expect(access([...story, made], '2026-01-11').allowed).toBe(true)
  })

  it('waits for a debit that is on its way, as long as one would be tried again, and is not sure', () => {
    const renewed = [
      ...paidJan,
      active('2026-02-01', { period: FEB }),
      invoice(
        '2026-02-01',
        { status: 'open', period: FEB, amountDue: eur(5000), createdAt: t('2026-02-01') },
        { id: 'in_2' },
      ),
    ]
    const debit = (at: string, status: 'processing' | 'succeeded' | 'failed', told: object = {}) =>
      payment(
        at,
        { status, invoice: 'unknown', amount: eur(5000), createdAt: t('2026-02-01'), ...told },
        { id: 'pi_2' },
      )
    const going = [...renewed, debit('2026-02-01T01:00', 'processing')]
    expect(access(renewed, '2026-02-05').allowed).toBe(false)
    expect(access(going, '2026-02-05')).toMatchObject({
      allowed: true,
      paidThrough: t('2026-02-01'),
      until: t('2026-02-15T01:00'),
      sure: false,
    })
    expect(access(going, '2026-02-05').why[0]?.words).toContain('on its way')
    for (const over of [
      debit('2026-02-04', 'failed'),
      debit('2026-02-01T01:00', 'processing', { amount: eur(1) }),
      debit('2026-02-01T01:00', 'processing', { invoice: 'none' }),
    ])
      expect(access([...renewed, over], '2026-02-05').allowed).toBe(false)
    const named = debit('2026-02-01T01:00', 'processing', { invoice: { id: 'in_2' }, amount: eur(1) })
    expect(access([...renewed, named], '2026-02-05').allowed).toBe(true)
    const paid = invoice('2026-02-06', { status: 'paid', period: FEB }, { id: 'in_2' })
    expect(access([...going, debit('2026-02-06', 'succeeded'), paid], '2026-02-07')).toMatchObject({
      paidThrough: t('2026-03-01'),
      sure: true,
    })
  })

  it('is the paid-through plus leeway, and the paid-through is told without it', () => {
    const answer = access(paidJan, '2026-01-10')
    expect([answer.paidThrough, answer.until]).toEqual([t('2026-02-01'), t('2026-02-02')])
    expect(access(paidJan, '2026-02-01T23:59').allowed).toBe(true)
    expect(access(paidJan, '2026-02-02').allowed).toBe(false)
  })

  it('follows the policy: of the default, the source, the plan, the most specific first', () => {
    const policy = (json: object) => ({ policy: parsePolicy(json) })
    const until = (json: object) => access(paidJan, '2026-01-10', policy(json)).until
    expect(until({ default: { leeway: 'P2D' } })).toBe(t('2026-02-03'))
    expect(until({ default: { leeway: 'P2D' }, sources: { main: { leeway: 'P3D' } } })).toBe(t('2026-02-04'))
    const all = {
      default: { leeway: 'P2D' },
      sources: { main: { leeway: 'P3D' } },
      plans: { basic: { leeway: 'PT0S' } },
    }
    expect(until(all)).toBe(t('2026-02-01'))
  })

  it('of a trial is its end, with the leeway that the policy gives trials', () => {
    const trial = [
      subscription(
        '2026-01-01',
        { ...started, status: 'trialing', trial: period('2026-01-01', '2026-01-08') },
        { verb: 'created' },
      ),
    ]
    expect(access(trial, '2026-01-02').until).toBe(t('2026-01-08'))
    expect(access(trial, '2026-01-08').allowed).toBe(false)
    const lenient = parsePolicy({ default: { trialLeeway: 'PT6H' } })
    expect(access(trial, '2026-01-08', { policy: lenient }).allowed).toBe(true)
  })

  it('of a grace is counted from the first failure, not from the last', () => {
    const story = [
      ...paidJan,
      failed('2026-02-01', { invoice: 'in_2', attempt: 1 }),
      active('2026-02-01', { status: 'past_due', period: FEB }, { previous: { status: 'active' } }),
      failed('2026-02-05', { invoice: 'in_2', attempt: 2 }),
    ]
    const policy = parsePolicy({ default: { grace: 'P7D' } })
    expect(access(story, '2026-02-06', { policy }).until).toBe(t('2026-02-08'))
    expect(access(story, '2026-02-08', { policy }).allowed).toBe(false)
    expect(access(story, '2026-02-06', { traits: { retryWindowMs: 3 * DAY } }).allowed).toBe(false)
  })

  it('of a grace is counted from the failure where the status follows later', () => {
    const story = [
      ...paidJan,
      failed('2026-02-01', { invoice: 'in_2', attempt: 1 }),
      active('2026-02-03', { status: 'past_due', period: FEB }, { previous: { status: 'active' } }),
    ]
    const policy = parsePolicy({ default: { grace: 'P7D' } })
    expect(access(story, '2026-02-06', { policy }).until).toBe(t('2026-02-08'))
  })

  it('of a grace after an overdue invoice is the one for payment by hand, unless a charge failed before', () => {
    const overdue = happening('2026-02-01', { what: 'invoice_overdue', invoice: 'in_2', dueAt: null, pastDue: true })
    const policy = parsePolicy({ default: { overdueGrace: 'P3D' } })
    expect(access([...paidJan, overdue], '2026-02-02', { policy }).until).toBe(t('2026-02-04'))
    const refused = failed('2026-01-31', { invoice: 'in_2', attempt: 1, pastDue: true })
    expect(access([...paidJan, refused, overdue], '2026-02-02', { policy }).until).toBe(t('2026-02-14'))
  })

  it('of a default grace is not before the provider’s own next attempt', () => {
    const story = [
      ...paidJan,
      failed('2026-02-01', { invoice: 'in_2', attempt: 1, nextAttemptAt: t('2026-02-20') }),
      active('2026-02-01', { status: 'past_due', period: FEB }, { previous: { status: 'active' } }),
    ]
    expect(access(story, '2026-02-19', { traits: { retryWindowMs: 3 * DAY } }).allowed).toBe(true)
  })

  it('stays where it is when something else than the cycle fails to be paid', () => {
    const year = period('2026-01-01', '2027-01-01')
    const story = [
      active('2026-01-01', { period: year }, { verb: 'created' }),
      invoice('2026-01-01', { status: 'paid', reason: 'first', period: year }),
      failed('2026-03-01', { invoice: 'in_up', attempt: 1 }),
      active('2026-03-01', { status: 'past_due', period: year }, { previous: { status: 'active' } }),
    ]
    expect(access(story, '2026-08-01').allowed).toBe(true)
  })
})

describe('what proves a payment', () => {
  it('a void invoice proves nothing', () => {
    const story = [...paidJan, invoice('2026-01-05', { status: 'void', period: JAN })]
    const answer = access(story, '2026-01-10')
    expect([answer.allowed, answer.sure]).toEqual([false, false])
  })

  it('a full refund takes away that invoice’s cycle alone; a part of it nothing', () => {
    const paidFeb = invoice('2026-02-01', { status: 'paid', reason: 'cycle', period: FEB }, { id: 'in_2' })
    const paid = payment('2026-02-01', { status: 'succeeded', invoice: { id: 'in_2' } })
    const refund = (minor: number) =>
      happening('2026-02-03', {
        what: 'payment_refunded',
        invoice: null,
        payment: 'pay_1',
        refund: 're_1',
        amount: eur(minor),
      })
    expect(access([...paidJan, paidFeb, paid], '2026-02-10').paidThrough).toBe(t('2026-03-01'))
    expect(access([...paidJan, paidFeb, paid, refund(2000)], '2026-02-10').paidThrough).toBe(t('2026-03-01'))
    const answer = access([...paidJan, paidFeb, paid, refund(5000)], '2026-02-10')
    expect([answer.paidThrough, answer.allowed]).toEqual([t('2026-02-01'), false])
  })

  it('a refund that the invoice itself shows counts too', () => {
    const refunded = invoice('2026-01-04', { status: 'paid', period: JAN, refunded: eur(5000) })
    expect(access([...paidJan, refunded], '2026-01-10').paidThrough).toBe(t('2026-01-01'))
  })

  it('a refunded charge of a counted cycle takes that cycle away', () => {
    const story = [
      subscription('2026-01-01', { status: 'active', paidThrough: t('2026-02-01'), period: JAN }, { event: 'e1' }),
      succeeded('2026-01-01', { event: 'e1', paidThrough: t('2026-02-01'), activates: true }),
      payment('2026-01-01', { status: 'succeeded', invoice: 'unknown' }, { event: 'e1' }),
      payment('2026-01-03', { status: 'succeeded', invoice: 'unknown', refunded: eur(5000) }),
    ]
    expect(access(story.slice(0, 3), '2026-01-10').paidThrough).toBe(t('2026-02-01'))
    expect(access(story, '2026-01-10')).toMatchObject({ allowed: false, paidThrough: t('2026-01-01') })
  })

  it('a refunded invoice of a counted cycle takes that cycle away too', () => {
    const story = [
      subscription('2026-01-01', { status: 'active', paidThrough: t('2026-02-01'), period: JAN }, { event: 'e1' }),
      invoice('2026-01-01', { status: 'paid', period: JAN, amountPaid: eur(5000) }, { event: 'e1' }),
      payment('2026-01-01', { status: 'succeeded', invoice: { id: 'in_1' } }, { event: 'e1' }),
      payment('2026-01-03', { status: 'succeeded', invoice: { id: 'in_1' }, refunded: eur(5000) }),
    ]
    expect(access(story.slice(0, 3), '2026-01-10').paidThrough).toBe(t('2026-02-01'))
    expect(access(story, '2026-01-10')).toMatchObject({ allowed: false, paidThrough: t('2026-01-01') })
  })

  it('a paid proration extends nothing', () => {
    const story = [
      active('2026-01-01', { period: JAN }, { verb: 'created' }),
      invoice('2026-01-01', { status: 'paid', period: null, reason: 'first', createdAt: t('2026-01-01') }),
      invoice(
        '2026-03-16',
        { status: 'paid', period: null, reason: 'update', createdAt: t('2026-03-16') },
        { id: 'in_2' },
      ),
    ]
    expect(access(story, '2026-01-20').paidThrough).toBe(t('2026-02-01'))
  })

  it('without any invoice the provider’s period stands in, unsurely; a free plan is sure', () => {
    const mid = [active('2026-01-20')]
    const answer = access(mid, '2026-01-21')
    expect([answer.allowed, answer.sure, answer.paidThrough]).toEqual([true, false, t('2026-02-01')])
    const free = [active('2026-01-20', { free: true })]
    expect(access(free, '2026-01-21').sure).toBe(true)
  })

  it('a subscription seen first in mid-life rests on the event that told it', () => {
    const later = { ...started, status: 'active', period: period('2026-05-01', '2026-06-01') } as const
    const { allowed, sure, why } = access([subscription('2026-05-10', later, { event: 'evt_mid' })], '2026-05-11')
    expect([allowed, sure]).toEqual([true, false])
    expect(why).toMatchObject([{ fact: null, key: 'evt_mid' }])
  })

  it('a jump in the count of paid cycles leaves it unsure, until a later cycle is proved paid', () => {
    const counted = (at: string, paid: number, value: object) =>
      subscription(
        at,
        { ...started, status: 'active', cycles: { total: 9, paid, remaining: 8 - paid }, ...value },
        { version: [paid, 0] },
      )
    const first = counted('2026-01-01', 1, { period: JAN, paidThrough: t('2026-02-01') })
    const jump = counted('2026-03-05', 3, { period: period('2026-03-01', '2026-04-01') })
    expect(access([first, jump], '2026-03-06')).toMatchObject({ allowed: false, sure: false })
    const proved = counted('2026-04-01', 4, {
      period: period('2026-04-01', '2026-05-01'),
      paidThrough: t('2026-05-01'),
    })
    expect(access([first, jump, proved], '2026-04-02')).toMatchObject({ allowed: true, sure: true })
  })

  it('where the renewal invoice is the first ever seen, what came before it is taken for paid', () => {
    const story = [
      active('2026-02-01', { period: FEB }),
      invoice('2026-02-01', { status: 'draft', reason: 'cycle', period: FEB }, { verb: 'created' }),
    ]
    const answer = access(story, '2026-02-01T01:00')
    expect([answer.allowed, answer.sure, answer.paidThrough]).toEqual([true, false, t('2026-02-01')])
  })

  it('an invoice sent to be paid by hand is granted until it is overdue', () => {
    const story = [
      active('2026-01-01', { collection: 'manual' }, { verb: 'created' }),
      invoice(
        '2026-01-01',
        { status: 'open', reason: 'first', period: JAN, collection: 'manual', dueAt: t('2026-01-15') },
        { verb: 'created' },
      ),
    ]
    expect(access(story, '2026-01-14').allowed).toBe(true)
    expect(access(story, '2026-01-14').until).toBe(t('2026-01-16'))
    const overdue = happening('2026-01-15', {
      what: 'invoice_overdue',
      invoice: 'in_1',
      dueAt: t('2026-01-15'),
      pastDue: true,
    })
    const patient = parsePolicy({ default: { overdueGrace: 'P10D' } })
    expect(access([...story, overdue], '2026-01-20', { policy: patient }).allowed).toBe(true)
    expect(access([...story, overdue], '2026-01-20').allowed).toBe(false)
    const paid = invoice('2026-01-21', { status: 'paid', period: JAN, collection: 'manual' })
    expect(access([...story, overdue, paid], '2026-01-22').paidThrough).toBe(t('2026-02-01'))
  })

  it('a payment told before the status that follows it is served, and flagged', () => {
    const story = [
      subscription('2026-01-01', { ...started, status: 'incomplete', period: JAN }, { verb: 'created' }),
      invoice('2026-01-01T00:02', { status: 'paid', reason: 'first', period: JAN }),
    ]
    const answer = access(story, '2026-01-01T00:03')
    expect([answer.allowed, answer.sure]).toEqual([true, false])
    expect(access(story.slice(0, 1), '2026-01-01T00:03').allowed).toBe(false)
  })
})

describe('an invoice that was not told to be paid', () => {
  const open = invoice('2026-01-01', { status: 'open', total: eur(5000), amountPaid: null, period: JAN })
  const running = active('2026-01-01', { period: JAN }, { verb: 'created' })
  const paying = (at: string, amount: number, id: string, refunded = 0) =>
    payment(
      at,
      {
        status: 'succeeded',
        invoice: { id: 'in_1' },
        amount: eur(amount),
        refunded: refunded > 0 ? eur(refunded) : null,
      },
      { id },
    )

  it('counts as paid, unsurely, once its payments make up the total', () => {
    const half = [running, open, paying('2026-01-01T00:01', 2500, 'pay_1')]
    expect(access(half, '2026-01-10')).toMatchObject({ allowed: false })
    const whole = [...half, paying('2026-01-01T00:02', 2500, 'pay_2')]
    expect(access(whole, '2026-01-10')).toMatchObject({ allowed: true, sure: false, paidThrough: t('2026-02-01') })
    const back = [...whole, paying('2026-01-05', 2500, 'pay_2', 2500)]
    expect(access(back, '2026-01-10')).toMatchObject({ allowed: false })
  })

  it('is sure once it is told', () => {
    const paid = invoice('2026-01-01T00:03', { status: 'paid', total: eur(5000), period: JAN })
    const story = [running, open, paying('2026-01-01T00:01', 5000, 'pay_1'), paid]
    expect(access(story, '2026-01-10')).toMatchObject({ allowed: true, sure: true, paidThrough: t('2026-02-01') })
  })
})

describe('a status that was not told anew', () => {
  it('does not lock out who has paid after a trial', () => {
    const trial = period('2026-01-01', '2026-01-15')
    const trialing = subscription('2026-01-01', { status: 'trialing', trial }, { verb: 'created' })
    const paid = invoice('2026-01-15T00:00:05', { status: 'paid', period: period('2026-01-15', '2026-02-15') })
    expect(access([trialing, paid], '2026-01-16')).toMatchObject({
      allowed: true,
      sure: false,
      until: t('2026-02-16'),
      paidThrough: t('2026-02-15'),
    })
    expect(access([trialing], '2026-01-16')).toMatchObject({ allowed: false, sure: true })
  })

  it('gives grace from a failure to pay the next cycle, at the level of the past due', () => {
    const next = period('2026-02-01', '2026-03-01')
    const renewal = invoice('2026-02-01', { status: 'open', reason: 'cycle', period: next }, { id: 'in_2' })
    const failure = failed('2026-02-01T01:00', { invoice: 'in_2', attempt: 1 })
    const story = [...paidJan, renewal, failure]
    expect(access(story, '2026-01-31')).toMatchObject({ allowed: true, until: t('2026-02-02') })
    expect(access(story, '2026-02-05')).toMatchObject({ allowed: true, sure: false, until: t('2026-02-15T01:00') })
    const policy = parsePolicy({ default: { levels: { past_due: 'limited' } } })
    expect(access(story, '2026-02-05', { policy }).level).toBe('limited')
    expect(access(story, '2026-02-16').allowed).toBe(false)
    const update = invoice('2026-02-01', { status: 'open', reason: 'update', period: null }, { id: 'in_2' })
    expect(access([...paidJan, update, failure], '2026-02-05').allowed).toBe(false)
  })
})

describe('statuses', () => {
  it('follow the policy’s levels', () => {
    const pastDue = [
      ...paidJan,
      active('2026-02-01', { status: 'past_due', period: FEB }, { previous: { status: 'active' } }),
    ]
    const limited = parsePolicy({ default: { levels: { past_due: 'limited' } } })
    expect(access(pastDue, '2026-02-03', { policy: limited })).toMatchObject({ allowed: true, level: 'limited' })
    const none = parsePolicy({ sources: { main: { levels: { past_due: 'none' } } } })
    expect(access(pastDue, '2026-02-03', { policy: none })).toMatchObject({ allowed: false, level: 'none' })
    const incomplete = [subscription('2026-01-01', { status: 'incomplete' }, { verb: 'created' })]
    expect(access(incomplete, '2026-01-02').allowed).toBe(false)
    expect(
      access(incomplete, '2026-01-02', { policy: parsePolicy({ default: { levels: { incomplete: 'limited' } } }) })
        .level,
    ).toBe('limited')
    const authorized = [subscription('2026-01-01', { status: 'authorized', startedAt: t('2026-02-01') })]
    expect(access(authorized, '2026-01-02').allowed).toBe(false)
    expect(
      access(authorized, '2026-01-02', { policy: parsePolicy({ default: { authorizedAsTrial: true } }) }).until,
    ).toBe(t('2026-02-02'))
  })

  it('that no dialect knows keep the last answer for a day, flagged', () => {
    const story = [...paidJan, active('2026-01-10', { status: 'unknown' }, {})]
    expect(access(story, '2026-01-10T23:00')).toMatchObject({ allowed: true, sure: false, until: t('2026-01-11') })
    expect(access(story, '2026-01-11').allowed).toBe(false)
  })

  it('paused follow the policy', () => {
    const pause = { scope: 'service', from: null, resumesAt: null, by: 'customer' } as const
    const story = [...paidJan, active('2026-01-10', { status: 'paused', pause }, { previous: { status: 'active' } })]
    const asked = (paused: string) => ({ policy: parsePolicy({ default: { paused } }) })
    expect(access(story, '2026-01-11').allowed).toBe(false)
    expect(access(story, '2026-01-11', asked('until_paid_through')).until).toBe(t('2026-02-01'))
    expect(access(story, '2026-01-11', asked('grant')).until).toBe(null)
  })

  it('canceled for the end of the cycle are served to the end of what is paid, even if told early', () => {
    const cancel = {
      requestedAt: t('2026-01-10'),
      at: t('2026-01-10'),
      atPeriodEnd: true,
      by: 'customer',
      reason: null,
    } as const
    const story = [
      ...paidJan,
      active('2026-01-10', { status: 'canceled', cancel, endedAt: t('2026-01-10') }, { verb: 'deleted' }),
    ]
    expect(access(story, '2026-01-20')).toMatchObject({ allowed: true, until: t('2026-02-01') })
    const atOnce = [
      ...paidJan,
      active(
        '2026-01-10',
        { status: 'canceled', cancel: { ...cancel, atPeriodEnd: false }, endedAt: t('2026-01-10') },
        { verb: 'deleted' },
      ),
    ]
    expect(access(atOnce, '2026-01-20').allowed).toBe(false)
  })
})

describe('a user', () => {
  const state = (observations: Parameters<typeof fold>[0]) => fold(observations).state
  const DEFAULTS = { holds: [], policy: parsePolicy({}), at: t('2026-01-10'), feature: null } as const

  it('with customers at two sources has the better answer of both', () => {
    const links = [
      { source: 'a', customer: CUSTOMER, state: state([active('2026-01-01', { status: 'unpaid' })]), traits: null },
      { source: 'b', customer: CUSTOMER, state: state(paidJan), traits: null },
    ]
    const answer = accessOf({ ...DEFAULTS, links })
    expect([answer.allowed, answer.paidThrough]).toEqual([true, t('2026-02-01')])
    expect(answer.subscriptions.map((each) => [each.source, each.allowed])).toEqual([
      ['a', false],
      ['b', true],
    ])
  })

  it('is not given what another customer of the same source has', () => {
    const links = [{ source: 'a', customer: 'cus_other', state: state(paidJan), traits: null }]
    expect(accessOf({ ...DEFAULTS, links })).toMatchObject({ allowed: false, subscriptions: [] })
  })

  it('has the features of all plans that serve, and is refused a feature of none', () => {
    const policy = parsePolicy({
      plans: { basic: { features: ['read'] }, addon: { features: ['export'] }, team: { features: ['admin'] } },
    })
    const story = [
      ...paidJan,
      subscription('2026-01-02', { ...started, status: 'active', period: JAN, plan: plan('addon') }, { id: 'sub_2' }),
      subscription('2026-01-02', { ...started, status: 'unpaid', plan: plan('team') }, { id: 'sub_3' }),
    ]
    expect(access(story, '2026-01-10', { policy }).features).toEqual(['export', 'read'])
    expect(access(story, '2026-01-10', { policy, feature: 'export' })).toMatchObject({ allowed: true, plan: 'addon' })
    const refused = access(story, '2026-01-10', { policy, feature: 'admin' })
    expect([refused.allowed, refused.why[0]?.words]).toEqual([false, 'no plan of the user includes admin'])
  })

  it('is told why in words and by the key of a fact', () => {
    const [reason] = access(paidJan, '2026-01-10').why
    expect(reason).toMatchObject({
      fact: 'invoice_paid',
      key: 'in_1|invoice_paid',
      source: 'main',
      subscription: 'sub_1',
    })
    expect(reason?.words).toBe('active: paid through 2026-02-01T00:00:00Z by a paid invoice')
  })

  it('is answered about any instant: what had happened by then', () => {
    const story = [
      ...paidJan,
      active('2026-01-20', { status: 'canceled', endedAt: t('2026-01-20') }, { verb: 'deleted' }),
    ]
    expect(access(story, '2026-01-25').allowed).toBe(false)
    expect(access(asOf(story, t('2026-01-15')), '2026-01-15').allowed).toBe(true)
  })

  it('with an assigned plan and no agreement is served if the policy says so', () => {
    const story = [happening('2026-01-01', { what: 'plan_assigned', plan: plan('free') }, { subscription: null })]
    expect(access(story, '2026-01-02').allowed).toBe(false)
    const policy = parsePolicy({ default: { assignedPlanGrants: true }, plans: { free: { features: ['read'] } } })
    expect(access(story, '2026-01-02', { policy })).toMatchObject({ allowed: true, plan: 'free', features: ['read'] })
  })
})

describe('the application’s own word', () => {
  const hold = (kind: Hold['kind'], more: Partial<Hold> = {}): Hold => ({
    id: `hold_${kind}`,
    kind,
    reason: 'because',
    from: null,
    until: null,
    features: [],
    level: 'full',
    ...more,
  })

  it('grants where no provider does, until its end', () => {
    const holds = [hold('grant', { until: t('2026-03-01') })]
    expect(access([], '2026-02-10', { holds })).toMatchObject({ allowed: true, level: 'full', until: t('2026-03-01') })
    expect(access([], '2026-03-01', { holds }).allowed).toBe(false)
    expect(access([], '2026-02-10', { holds }).why[0]?.words).toBe('granted by the application: because')
  })

  it('blocks whatever is paid or granted', () => {
    const holds = [hold('grant'), hold('block', { until: t('2026-01-20') })]
    expect(access(paidJan, '2026-01-10', { holds })).toMatchObject({ allowed: false, level: 'none' })
    expect(access(paidJan, '2026-01-20', { holds }).allowed).toBe(true)
  })

  it('that blocks later ends the answer then', () => {
    const holds = [hold('block', { from: t('2026-01-15') })]
    expect(access(paidJan, '2026-01-10', { holds }).until).toBe(t('2026-01-15'))
  })

  it('may grant one feature alone', () => {
    const holds = [hold('grant', { features: ['beta'] })]
    expect(access([], '2026-01-10', { holds, feature: 'beta' }).allowed).toBe(true)
    expect(access([], '2026-01-10', { holds, feature: 'other' }).allowed).toBe(false)
  })
})

describe('a change of access', () => {
  it('is told when what may be used changes, and only then', () => {
    const about = { user: 'user-1', at: t('2026-02-02') }
    const [before, later, after] = ['2026-01-10', '2026-01-20', '2026-02-02'].map((at) => access(paidJan, at))
    if (before === undefined || later === undefined || after === undefined) throw new Error('three answers')
    expect(accessChange(before, later, about)).toBe(null)
    expect(accessChange(before, after, about)?.detail).toMatchObject({
      from: { allowed: true, plan: 'basic' },
      to: { allowed: false, plan: null },
    })
    expect(accessChange(null, before, about)?.detail.from.allowed).toBe(false)
    expect(accessChange(null, after, about)).toBe(null)
  })
})

describe('usage', () => {
  const policy = parsePolicy({
    plans: {
      basic: {
        features: ['api'],
        limits: [{ meter: 'calls', included: 100, unitPrice: { minor: 3, currency: 'EUR' }, beyond: 'limited' }],
      },
    },
  })
  const use = (quantity: string) => happening('2026-01-05', { what: 'usage', meter: 'calls', quantity, mode: 'total' })
  const at = t('2026-01-10')

  it('is readable per meter and cycle, with what is beyond the plan and what it costs', () => {
    const { state } = fold([...paidJan, use('120.5')])
    expect(usageOf({ source: 'main', state, policy, at })).toEqual([
      {
        source: 'main',
        customer: CUSTOMER,
        subscription: 'sub_1',
        meter: 'calls',
        period: JAN,
        quantity: '120.5',
        included: '100',
        overage: '20.5',
        overageAmount: eur(62),
        percent: 120,
      },
    ])
    expect(usageOf({ source: 'main', state, policy, at: t('2026-02-10') })).toEqual([])
  })

  it('beyond what the plan includes lowers the level, if the policy says so', () => {
    expect(access([...paidJan, use('99')], at, { policy }).level).toBe('full')
    expect(access([...paidJan, use('100')], at, { policy }).level).toBe('limited')
  })
})
