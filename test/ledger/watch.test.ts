import { describe, expect, it } from 'vitest'
import { fold } from '../../src/ledger/fold.ts'
import { DEFAULT_PATIENCE_MS, expectedBy, watch } from '../../src/ledger/watch.ts'
import type { Observation } from '../../src/model/observations.ts'
import { failed, invoice, MONTH, period, subscription, t } from './build.ts'

const JAN = period('2026-01-01', '2026-02-01')
const started = { startedAt: t('2026-01-01'), interval: MONTH, anchor: t('2026-01-01') }
const paid = [
  subscription('2026-01-01', { ...started, status: 'active', period: JAN }, { verb: 'created' }),
  invoice('2026-01-01', { status: 'paid', reason: 'first', period: JAN }),
]

function look(observations: readonly Observation[], at: string) {
  const [state] = fold(observations).state.subscriptions
  if (state === undefined) throw new Error('no subscription')
  return watch(state, t(at))
}

describe('the watch', () => {
  it('expects the next renewal, and misses it after a day and an hour of silence', () => {
    expect(look(paid, '2026-01-10').next).toMatchObject({ kind: 'renewal', at: t('2026-02-01') })
    expect(look(paid, '2026-02-02').overdue).toEqual([])
    expect(look(paid, '2026-02-02T01:00').overdue.map((each) => each.kind)).toEqual(['renewal'])
    expect(expectedBy(fold(paid).state.subscriptions, t('2026-01-10'))).toBe(t('2026-02-01') + DEFAULT_PATIENCE_MS)
  })

  it('expects the end of a trial, the next attempt, a planned cancellation, a start and a first payment', () => {
    const trial = period('2026-01-01', '2026-01-08')
    const kindOf = (story: readonly Observation[]) => look(story, '2026-01-02').next?.kind ?? null
    expect(kindOf([subscription('2026-01-01', { status: 'trialing', trial })])).toBe('trial_end')
    const pastDue = [
      failed('2026-01-01', { attempt: 1, nextAttemptAt: t('2026-01-04') }),
      subscription('2026-01-01', { status: 'past_due', period: JAN }),
    ]
    expect(look(pastDue, '2026-01-02').next).toMatchObject({ kind: 'retry', at: t('2026-01-04') })
    const cancel = { requestedAt: null, at: t('2026-02-01'), atPeriodEnd: true, by: 'unknown', reason: null } as const
    expect(kindOf([subscription('2026-01-01', { status: 'active', period: JAN, cancel })])).toBe('cancellation')
    expect(kindOf([subscription('2026-01-01', { status: 'authorized', startedAt: t('2026-02-01') })])).toBe('start')
    expect(kindOf([subscription('2026-01-01', { status: 'incomplete' }, { verb: 'created' })])).toBe('payment')
  })

  it('expects nothing of what is over', () => {
    const over = subscription('2026-01-05', { status: 'canceled', endedAt: t('2026-01-05') }, { verb: 'deleted' })
    expect(look([...paid, over], '2026-06-01')).toEqual({ next: null, overdue: [], gaps: [] })
  })

  it('sees a jump in the count of paid cycles', () => {
    const counted = (at: string, count: number) =>
      subscription(
        at,
        { status: 'active', cycles: { total: 9, paid: count, remaining: 9 - count } },
        { version: [count, 0] },
      )
    expect(look([counted('2026-01-01', 1), counted('2026-02-01', 2)], '2026-02-02').gaps).toEqual([])
    expect(look([counted('2026-01-01', 1), counted('2026-03-01', 3)], '2026-03-02').gaps).toEqual([
      { kind: 'paid_count', at: t('2026-03-01'), words: 'paid cycles went from 1 to 3' },
    ])
  })

  it('sees a latest invoice that was never told, where invoices are told at all', () => {
    const moved = subscription('2026-02-01', {
      ...started,
      status: 'active',
      latestInvoice: 'in_2',
      period: period('2026-02-01', '2026-03-01'),
    })
    expect(look([...paid, moved], '2026-02-01').gaps.map((gap) => gap.kind)).toEqual(['latest_invoice'])
    expect(look([moved], '2026-02-01').gaps).toEqual([])
  })
})
