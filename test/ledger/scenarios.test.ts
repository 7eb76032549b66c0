/** The access lines of the acceptance stories, told with observations as the dialects make them. */
import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/model/observations.ts'
import { formatInstantShort } from '../../src/model/instant.ts'
import {
  access,
  DAY,
  eur,
  failed,
  happening,
  invoice,
  MONTH,
  patch,
  period,
  plan,
  shuffles,
  subscription,
  succeeded,
  t,
} from './build.ts'
import type { Asked } from './build.ts'

/** The answer in every order and with everything doubled: `granted until`, as the stories write it. */
function answer(observations: readonly Observation[], at: string, asked: Asked = {}): string {
  const texts = new Set(
    [observations, ...shuffles([...observations, ...observations], 12)].map((order) => {
      const { allowed, paidThrough } = access(order, at, asked)
      return `${allowed ? 'granted' : 'denied'} ${paidThrough === null ? '-' : formatInstantShort(paidThrough)}`
    }),
  )
  return [...texts].join(' or ')
}

describe('a provider that drafts invoices for an hour', () => {
  const JAN = period('2026-01-01', '2026-02-01')
  const FEB = period('2026-02-01', '2026-03-01')
  const active = { status: 'active', interval: MONTH, anchor: t('2026-01-01'), startedAt: t('2026-01-01') } as const
  const paidJanuary = [
    subscription('2026-01-01', { ...active, status: 'incomplete', period: JAN }, { verb: 'created' }),
    invoice('2026-01-01', { status: 'paid', reason: 'first', period: JAN, createdAt: t('2026-01-01') }),
    subscription('2026-01-01', { ...active, period: JAN }, { previous: { status: 'incomplete' } }),
  ]
  const moved = [
    invoice('2026-02-01', { status: 'draft', reason: 'cycle', period: FEB }, { id: 'in_2', verb: 'created' }),
    subscription('2026-02-01', { ...active, period: FEB }, { previous: { period: JAN } }),
  ]

  it('grants a subscription that is paid at once, to the end of its period', () => {
    expect(answer(paidJanuary, '2026-01-01T00:01')).toBe('granted 2026-02-01T00:00:00Z')
  })

  it('keeps the trial end as the end of what is paid while the first real invoice is a draft', () => {
    const trial = period('2026-01-01', '2026-01-08')
    const story = [
      subscription('2026-01-01', { ...active, status: 'trialing', trial, period: trial }, { verb: 'created' }),
      invoice('2026-01-01', { status: 'paid', total: eur(0), reason: 'first', period: trial }),
    ]
    expect(answer(story, '2026-01-05')).toBe('granted 2026-01-08T00:00:00Z')
    const next = period('2026-01-08', '2026-02-08')
    const ended = [
      ...story,
      subscription(
        '2026-01-08',
        { ...active, trial, period: next },
        { previous: { status: 'trialing', period: trial } },
      ),
      invoice('2026-01-08', { status: 'draft', reason: 'cycle', period: next }, { id: 'in_2', verb: 'created' }),
    ]
    expect(answer(ended, '2026-01-08')).toBe('granted 2026-01-08T00:00:00Z')
    const paid = [
      ...ended,
      invoice('2026-01-08T01:00', { status: 'paid', reason: 'cycle', period: next }, { id: 'in_2' }),
    ]
    expect(answer(paid, '2026-01-08T01:00')).toBe('granted 2026-02-08T00:00:00Z')
  })

  it('does not take a moved period for a payment', () => {
    expect(answer([...paidJanuary, ...moved], '2026-02-01')).toBe('granted 2026-02-01T00:00:00Z')
    expect(answer([...paidJanuary, ...moved], '2026-02-02T00:01')).toBe('denied 2026-02-01T00:00:00Z')
    const paid = invoice('2026-02-01T01:00', { status: 'paid', reason: 'cycle', period: FEB }, { id: 'in_2' })
    expect(answer([...paidJanuary, ...moved, paid], '2026-02-20')).toBe('granted 2026-03-01T00:00:00Z')
  })

  it('keeps a failed renewal within grace and ends it when the provider cancels', () => {
    const open = {
      status: 'open',
      reason: 'cycle',
      period: FEB,
      attempts: 1,
      nextAttemptAt: t('2026-02-04T01:00'),
    } as const
    const story = [
      ...paidJanuary,
      ...moved,
      failed('2026-02-01T01:00', { invoice: 'in_2', attempt: 1, nextAttemptAt: t('2026-02-04T01:00') }),
      invoice('2026-02-01T01:00', open, { id: 'in_2' }),
      subscription(
        '2026-02-01T01:00',
        { ...active, status: 'past_due', period: FEB },
        { previous: { status: 'active' } },
      ),
    ]
    expect(answer(story, '2026-02-03')).toBe('granted 2026-02-01T00:00:00Z')
    const canceled = subscription(
      '2026-02-16T01:00',
      { ...active, status: 'canceled', period: FEB, endedAt: t('2026-02-16T01:00') },
      { verb: 'deleted' },
    )
    expect(answer([...story, canceled], '2026-02-16T01:00')).toBe('denied 2026-02-01T00:00:00Z')
  })

  it('gives access back when a retry is paid', () => {
    const story = [
      ...paidJanuary,
      ...moved,
      subscription(
        '2026-02-01T01:00',
        { ...active, status: 'past_due', period: FEB },
        { previous: { status: 'active' } },
      ),
      invoice('2026-02-04T01:00', { status: 'paid', reason: 'cycle', period: FEB, attempts: 2 }, { id: 'in_2' }),
      subscription('2026-02-04T01:00', { ...active, period: FEB }, { previous: { status: 'past_due' } }),
    ]
    expect(answer(story, '2026-02-20')).toBe('granted 2026-03-01T00:00:00Z')
  })

  it('shows the new plan after an upgrade and leaves the end where it was', () => {
    const story = [
      ...paidJanuary,
      subscription(
        '2026-01-16',
        { ...active, period: JAN, plan: plan('premium') },
        { previous: { plan: plan('basic') } },
      ),
    ]
    const { plan: named, paidThrough } = access(story, '2026-01-16')
    expect([named, paidThrough]).toEqual(['premium', t('2026-02-01')])
  })

  it('serves a planned cancellation to its time and not a moment longer', () => {
    const cancel = {
      requestedAt: t('2026-01-10'),
      at: t('2026-02-01'),
      atPeriodEnd: true,
      by: 'unknown',
      reason: null,
    } as const
    const story = [
      ...paidJanuary,
      subscription('2026-01-10', { ...active, period: JAN, cancel }, { previous: { cancel: null } }),
    ]
    expect(answer(story, '2026-01-31T23:59')).toBe('granted 2026-02-01T00:00:00Z')
    expect(access(story, '2026-01-20').until).toBe(t('2026-02-01'))
    expect(answer(story, '2026-02-01')).toBe('denied 2026-02-01T00:00:00Z')
    const ended = subscription(
      '2026-02-01',
      { ...active, status: 'canceled', period: JAN, cancel, endedAt: t('2026-02-01') },
      { verb: 'deleted' },
    )
    expect(answer([...story, ended], '2026-02-01')).toBe('denied 2026-02-01T00:00:00Z')
  })

  it('serves on while collection is paused, also when the renewal invoice is voided', () => {
    const pause = { scope: 'collection', from: t('2026-01-20'), resumesAt: t('2026-02-15'), by: 'unknown' } as const
    const story = [
      ...paidJanuary,
      subscription('2026-01-20', { ...active, period: JAN, pause }, { previous: { pause: null } }),
      subscription('2026-02-01', { ...active, period: FEB, pause }, { previous: { period: JAN } }),
      invoice('2026-02-01T01:00', { status: 'void', reason: 'cycle', period: FEB }, { id: 'in_2' }),
    ]
    expect(access(story, '2026-02-10').allowed).toBe(true)
  })

  it('blocks a paused service', () => {
    const pause = { scope: 'service', from: t('2026-01-20'), resumesAt: null, by: 'unknown' } as const
    const story = [
      ...paidJanuary,
      subscription(
        '2026-01-20',
        { ...active, status: 'paused', period: JAN, pause },
        { previous: { status: 'active' } },
      ),
    ]
    expect(access(story, '2026-01-21').allowed).toBe(false)
    const resumed = subscription(
      '2026-03-10',
      { ...active, period: period('2026-03-10', '2026-04-10') },
      { previous: { status: 'paused', pause } },
    )
    const paid = invoice(
      '2026-03-10',
      { status: 'paid', reason: 'cycle', period: period('2026-03-10', '2026-04-10') },
      { id: 'in_2' },
    )
    expect(answer([...story, resumed, paid], '2026-03-10')).toBe('granted 2026-04-10T00:00:00Z')
  })

  it('is not moved by an invoice without a subscription', () => {
    const oneOff = invoice('2026-01-05', { status: 'paid', subscription: null, reason: 'manual' }, { id: 'in_9' })
    const told = succeeded('2026-01-05', { invoice: 'in_9', subscription: null })
    expect(answer([oneOff, told], '2026-01-06')).toBe('denied -')
    expect(answer([...paidJanuary, oneOff, told], '2026-01-06')).toBe('granted 2026-02-01T00:00:00Z')
  })
})

describe('a provider that counts cycles', () => {
  const version = (paid: number, end: string) => [paid, t(end)]
  const counted = (paid: number, total = 6) => ({ cycles: { total, paid, remaining: total - paid } })
  const first = period('2026-01-01T00:05', '2026-02-01T00:05')
  const start = [
    subscription(
      '2026-01-01T00:05',
      { status: 'active', period: first, ...counted(1), paidThrough: first.until },
      { version: version(1, '2026-02-01T00:05') },
    ),
    succeeded('2026-01-01T00:05', { invoice: 'inv_1', paidThrough: first.until, activates: true }),
  ]

  it('grants after the first charge', () => {
    expect(answer(start, '2026-01-01T00:05')).toBe('granted 2026-02-01T00:05:00Z')
  })

  it('does not serve what is only authorized, unless the policy says so', () => {
    const story = [
      subscription(
        '2026-01-10',
        { status: 'authorized', startedAt: t('2026-02-01'), ...counted(0, 3) },
        { version: [0, 0] },
      ),
    ]
    expect(answer(story, '2026-01-11')).toBe('denied -')
    const charged = subscription(
      '2026-02-01',
      { status: 'active', period: period('2026-02-01', '2026-03-01'), ...counted(1, 3), paidThrough: t('2026-03-01') },
      { version: version(1, '2026-03-01') },
    )
    expect(answer([...story, charged], '2026-02-01')).toBe('granted 2026-03-01T00:00:00Z')
  })

  it('holds a pending subscription within grace and blocks a halted one', () => {
    const february = period('2026-02-01', '2026-03-01')
    const march = period('2026-03-01', '2026-04-01')
    const paid = subscription(
      '2026-02-01',
      { status: 'active', period: february, ...counted(1), paidThrough: t('2026-03-01') },
      { version: version(1, '2026-03-01') },
    )
    const pending = [1, 2, 3].map((attempt) =>
      failed(`2026-03-0${attempt}`, {
        attempt,
        pastDue: true,
        cycle: t('2026-03-01'),
        nextAttemptAt: t(`2026-03-0${attempt + 1}`),
      }),
    )
    const states = ['2026-03-01', '2026-03-02', '2026-03-03'].map((at) =>
      subscription(
        at,
        { status: 'past_due', period: march, ...counted(1), paidThrough: t('2026-03-01') },
        { version: version(1, '2026-04-01') },
      ),
    )
    const story = [paid, ...pending, ...states]
    expect(answer(story, '2026-03-03')).toBe('granted 2026-03-01T00:00:00Z')
    const halted = subscription(
      '2026-03-04',
      { status: 'unpaid', period: march, ...counted(1) },
      { version: version(1, '2026-04-01') },
    )
    const fourth = subscription(
      '2026-03-04',
      { status: 'past_due', period: march, ...counted(1) },
      { version: version(1, '2026-04-01') },
    )
    expect(answer([...story, fourth, halted], '2026-03-04')).toBe('denied 2026-03-01T00:00:00Z')
    const back = [
      subscription(
        '2026-03-05',
        { status: 'active', period: march, ...counted(2), paidThrough: t('2026-04-01') },
        { version: version(2, '2026-04-01') },
      ),
    ]
    expect(answer([...story, fourth, halted, ...back], '2026-03-05')).toBe('granted 2026-04-01T00:00:00Z')
  })

  it('serves a completed subscription to the end of its last paid cycle', () => {
    const last = period('2026-03-01', '2026-04-01')
    const story = [
      subscription(
        '2026-03-01',
        { status: 'active', period: last, ...counted(3, 3), paidThrough: last.until },
        { version: version(3, '2026-04-01') },
      ),
      subscription(
        '2026-03-01',
        { status: 'completed', period: last, ...counted(3, 3), paidThrough: last.until, endedAt: t('2026-03-01') },
        { version: version(3, '2026-04-01') },
      ),
    ]
    expect(answer(story, '2026-03-02')).toBe('granted 2026-04-01T00:00:00Z')
    expect(answer(story, '2026-04-01')).toBe('denied 2026-04-01T00:00:00Z')
  })

  it('stops a completed subscription whose last cycle is not paid where its payments stop', () => {
    const last = period('2026-03-01', '2026-04-01')
    const story = [
      subscription(
        '2026-03-01',
        { status: 'completed', period: last, ...counted(2, 3), paidThrough: t('2026-03-01') },
        { version: version(2, '2026-04-01') },
      ),
    ]
    expect(answer(story, '2026-03-02')).toBe('denied 2026-03-01T00:00:00Z')
  })
})

describe('a provider whose invoices carry no period', () => {
  const base = { interval: MONTH, startedAt: t('2026-01-01'), createdAt: t('2026-01-01') } as const
  const trial = period('2026-01-01', '2026-01-15')
  const trialing = [
    subscription('2026-01-01', { ...base, status: 'trialing', trial, anchor: t('2026-01-15') }, { verb: 'created' }),
  ]
  const converted = [
    ...trialing,
    invoice(
      '2026-01-15T00:00:01',
      { status: 'open', createdAt: t('2026-01-15'), total: eur(5000) },
      { verb: 'created' },
    ),
    invoice('2026-01-15T00:00:03', { status: 'paid', createdAt: t('2026-01-15'), total: eur(5000) }),
    subscription('2026-01-15T00:00:03', {
      ...base,
      status: 'active',
      trial,
      anchor: t('2026-01-15'),
      period: period('2026-01-15', '2026-02-15'),
    }),
  ]

  it('takes the cycle that contains the creation of the invoice', () => {
    expect(answer(trialing, '2026-01-10')).toBe('granted 2026-01-15T00:00:00Z')
    expect(answer(converted, '2026-01-16')).toBe('granted 2026-02-15T00:00:00Z')
    const renewed = invoice(
      '2026-02-15',
      { status: 'paid', createdAt: t('2026-02-15'), total: eur(5000) },
      { id: 'in_2' },
    )
    expect(answer([...converted, renewed], '2026-02-16')).toBe('granted 2026-03-15T00:00:00Z')
  })

  it('counts a month-end cycle from its anchor', () => {
    const anchor = t('2026-01-31')
    const story = [
      subscription('2026-01-31', { interval: MONTH, anchor, startedAt: anchor, status: 'active' }, { verb: 'created' }),
      invoice('2026-01-31', { status: 'paid', createdAt: anchor }),
      invoice('2026-02-28', { status: 'paid', createdAt: t('2026-02-28') }, { id: 'in_2' }),
    ]
    expect(answer(story, '2026-03-01')).toBe('granted 2026-03-31T00:00:00Z')
  })

  it('keeps a failed renewal within grace although its status is called unpaid, and ends it on the cancellation', () => {
    const active = { interval: MONTH, anchor: t('2026-01-15'), startedAt: t('2026-01-15') } as const
    const story = [
      subscription(
        '2026-01-15',
        { ...active, status: 'active', period: period('2026-01-15', '2026-02-15') },
        { verb: 'created' },
      ),
      invoice('2026-02-15', { status: 'open', createdAt: t('2026-02-15') }, { id: 'in_2', verb: 'created' }),
      subscription('2026-02-15', { ...active, status: 'past_due', period: period('2026-02-15', '2026-03-15') }, {}),
    ]
    expect(answer(story, '2026-02-16')).toBe('granted 2026-02-15T00:00:00Z')
    const canceled = subscription('2026-02-22', {
      ...active,
      status: 'canceled',
      period: null,
      endedAt: t('2026-02-22'),
    })
    expect(answer([...story, canceled], '2026-02-22')).toBe('denied 2026-02-15T00:00:00Z')
  })
})

describe('a provider that never sends whole objects', () => {
  const made = (id: string, at: string, name: string) =>
    patch(
      'subscription',
      at,
      { customer: CUSTOMER_1, plan: plan(name), status: 'active', createdAt: t(at), startedAt: t(at), exclusive: true },
      { id, verb: 'created' },
    )
  const CUSTOMER_1 = 'customer_1'
  const told = { customer: CUSTOMER_1, subscription: null }

  it('grants an agreement without an end until a negative fact comes', () => {
    const story = [
      happening('2026-01-01', { what: 'plan_assigned', plan: plan('pro') }, told),
      made('agreement_1', '2026-01-01', 'pro'),
      succeeded('2026-01-01', { ...told, activates: true }),
    ]
    const { allowed, plan: named, until, sure } = access(story, '2026-06-01')
    expect({ allowed, named, until, sure }).toEqual({ allowed: true, named: 'pro', until: null, sure: true })
    const late = [...story, failed('2026-07-01', { ...told, pastDue: true })]
    expect(access(late, '2026-07-02', { traits: { retryWindowMs: 7 * DAY } }).until).toBe(t('2026-07-08'))
    expect(access(late, '2026-07-09', { traits: { retryWindowMs: 7 * DAY } }).allowed).toBe(false)
  })

  it('follows a plan change to the new agreement, whenever the old one’s end is told', () => {
    const change = [
      made('agreement_1', '2026-01-01', 'pro'),
      happening('2026-01-10', { what: 'changed', plan: plan('enterprise') }, told),
      made('agreement_2', '2026-01-10T00:00:01', 'enterprise'),
    ]
    const oldEnds = patch(
      'subscription',
      '2026-01-10T00:00:02',
      { status: 'canceled', endedAt: t('2026-01-10') },
      { id: 'agreement_1', verb: 'deleted' },
    )
    for (const story of [change, [...change, oldEnds]]) {
      const { allowed, plan: named } = access(story, '2026-01-11')
      expect([allowed, named]).toEqual([true, 'enterprise'])
    }
    const newEnds = patch(
      'subscription',
      '2026-01-20',
      { status: 'canceled', endedAt: t('2026-01-20') },
      { id: 'agreement_2', verb: 'deleted' },
    )
    expect(answer([...change, newEnds], '2026-01-20')).toBe('denied -')
  })
})
