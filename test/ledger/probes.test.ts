/** What other receivers get wrong, reproduced against ours: each row of the probe table, by name. */
import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/model/observations.ts'
import { fold } from '../../src/ledger/fold.ts'
import { join, joinMany, valueOf } from '../../src/ledger/register.ts'
import {
  access,
  CUSTOMER,
  failed,
  happening,
  invoice,
  kinds,
  payment,
  period,
  plan,
  shuffles,
  snapshot,
  subscription,
  SUBSCRIPTION,
  t,
} from './build.ts'

const JAN = period('2026-01-01', '2026-02-01')
const AT = '2026-01-01T00:00:05'

function statuses(observations: readonly Observation[]): readonly string[] {
  const seen = [observations, ...shuffles(observations, 20)].map(
    (order) => fold(order).state.subscriptions[0]?.status ?? 'none',
  )
  return [...new Set(seen)]
}

describe('probes of other receivers', () => {
  it('created(incomplete) and updated(active) share a second: active, in either order', () => {
    const created = subscription(AT, { status: 'incomplete' }, { verb: 'created', event: 'evt_z' })
    const updated = subscription(AT, { status: 'active' }, { previous: { status: 'incomplete' }, event: 'evt_a' })
    expect(statuses([created, updated])).toEqual(['active'])
    const silent = subscription(AT, { status: 'active' }, { event: 'evt_a' })
    expect(statuses([created, silent])).toEqual(['active'])
    expect(fold([created, silent]).state.subscriptions[0]?.sure).toBe(true)
  })

  it('updated(past_due) and deleted(canceled) share a second: canceled', () => {
    const story = [
      subscription(AT, { status: 'past_due' }, { previous: { status: 'active' }, event: 'evt_z' }),
      subscription(AT, { status: 'canceled', endedAt: t(AT) }, { verb: 'deleted', event: 'evt_a' }),
    ]
    expect(statuses(story)).toEqual(['canceled'])
  })

  it('newer, then older of another second: the newer stays', () => {
    const story = [
      subscription('2026-01-02', { status: 'past_due' }, { previous: { status: 'active' } }),
      subscription('2026-01-01', { status: 'active' }, { previous: { status: 'incomplete' } }),
    ]
    expect(statuses(story)).toEqual(['past_due'])
  })

  it('deleted, then an older updated(active): no access comes back', () => {
    const story = [
      subscription('2026-01-02', { status: 'canceled', endedAt: t('2026-01-02') }, { verb: 'deleted' }),
      subscription('2026-01-01', { status: 'active', period: JAN }, { previous: { status: 'incomplete' } }),
      invoice('2026-01-01', { status: 'paid', period: JAN }),
    ]
    expect(statuses(story)).toEqual(['canceled'])
    for (const order of shuffles(story, 6)) expect(access(order, '2026-01-03').allowed).toBe(false)
  })

  it('canceled, then an updated(active) with a later stamp: a final state absorbs it', () => {
    const story = [
      subscription('2026-01-02', { status: 'canceled', endedAt: t('2026-01-02') }, { verb: 'deleted' }),
      subscription('2026-01-03', { status: 'active', period: JAN }, {}),
    ]
    expect(statuses(story)).toEqual(['canceled'])
    expect(kinds(story)).toEqual(['subscription_canceled'])
  })

  it('a late older event with fewer items takes no item away', () => {
    const item = (id: string) => ({ id, plan: plan(id), quantity: 1, unitAmount: null })
    const story = [
      subscription('2026-01-02', { status: 'active', items: [item('a'), item('b')] }),
      subscription('2026-01-01', { status: 'active', items: [item('a')] }),
    ]
    for (const order of shuffles(story, 4)) {
      expect(fold(order).state.subscriptions[0]?.value.items.map((each) => each.id)).toEqual(['a', 'b'])
    }
  })

  it('fifty subscriptions in six versions each, mixed: every one ends in its last version', () => {
    const story = Array.from({ length: 50 }, (_, index) =>
      Array.from({ length: 6 }, (_, version) =>
        subscription(`2026-01-0${version + 1}`, { status: 'active', quantity: version }, { id: `sub_${index}` }),
      ),
    ).flat()
    for (const order of shuffles(story, 5)) {
      expect(fold(order).state.subscriptions.map((each) => each.value.quantity)).toEqual(
        Array.from({ length: 50 }, () => 5),
      )
    }
  })

  it('deleted, then an older update of the same object: it stays gone', () => {
    const gone = snapshot('customer', '2026-01-02', { deleted: true }, { id: CUSTOMER, verb: 'deleted' })
    const older = snapshot('customer', '2026-01-01', { name: 'Ada' }, { id: CUSTOMER })
    for (const order of [
      [gone, older],
      [older, gone],
    ]) {
      expect(fold(order).state.customers[0]?.value.deleted).toBe(true)
    }
  })

  it('a preview of the next invoice has no id and breaks nothing', () => {
    const upcoming = happening('2026-01-29', { what: 'renewal_upcoming', renewsAt: t('2026-02-01'), amount: null })
    expect(kinds([upcoming, upcoming])).toEqual(['subscription_renewal_upcoming'])
  })

  it('the same event twice is one fact with one event as evidence', () => {
    const paid = invoice('2026-01-01', { status: 'paid', period: JAN }, { event: 'evt_1' })
    const { facts } = fold([paid, structuredClone(paid)])
    expect(facts.map((fact) => [fact.kind, fact.evidence])).toEqual([['invoice_paid', ['evt_1']]])
  })

  it('two events about one change are one fact with both as evidence', () => {
    const base = subscription('2026-01-01', { status: 'active', period: JAN }, { verb: 'created' })
    const twins = ['evt_1', 'evt_2'].map((event) =>
      subscription('2026-01-05', { status: 'past_due', period: JAN }, { previous: { status: 'active' }, event }),
    )
    const facts = fold([base, ...twins]).facts.filter((fact) => fact.kind === 'subscription_past_due')
    expect(facts).toHaveLength(1)
    expect(fold([base, ...twins]).state.subscriptions[0]?.sure).toBe(true)
  })

  it('a rescue told by two updates is one past_due', () => {
    const story = [
      subscription('2026-01-01', { status: 'active', period: JAN }, { verb: 'created' }),
      failed('2026-02-01', { invoice: 'in_2', attempt: 1 }),
      subscription('2026-02-01', { status: 'past_due', period: JAN }, { previous: { status: 'active' } }),
      subscription(
        '2026-02-01T00:00:01',
        { status: 'past_due', period: JAN, paymentMethod: 'no' },
        { previous: { paymentMethod: 'yes' } },
      ),
    ]
    expect(kinds(story).filter((kind) => kind === 'subscription_past_due')).toHaveLength(1)
  })

  it('a customer that is not known yet loses nothing: the late link joins what was told', () => {
    const paid = invoice('2026-01-01', { status: 'paid', period: JAN, customer: null })
    const stub = access([paid], '2026-01-02')
    expect([stub.allowed, stub.sure]).toEqual([true, false])
    const late = subscription('2026-01-01', { status: 'active', period: JAN }, { verb: 'created' })
    const answer = access([paid, late], '2026-01-02')
    expect([answer.allowed, answer.sure, answer.subscriptions[0]?.customer]).toEqual([true, true, CUSTOMER])
  })

  it('an unpaid second subscription does not block a paid annual one', () => {
    const year = period('2026-01-01', '2027-01-01')
    const story = [
      subscription('2026-01-01', { status: 'active', period: year, plan: plan('annual') }, { verb: 'created' }),
      invoice('2026-01-01', { status: 'paid', period: year }),
      subscription('2026-03-01', { status: 'unpaid', plan: plan('addon') }, { id: 'sub_2' }),
    ]
    const answer = access(story, '2026-06-01')
    expect([answer.allowed, answer.plan, answer.paidThrough]).toEqual([true, 'annual', t('2027-01-01')])
  })

  it('a late failure of an earlier attempt does not undo a paid invoice', () => {
    const story = [
      subscription('2026-01-01', { status: 'active', period: JAN }, { verb: 'created' }),
      payment('2026-01-01T02:00', { status: 'succeeded', invoice: { id: 'in_1' } }),
      invoice('2026-01-01T02:00', { status: 'paid', period: JAN, attempts: 2 }),
      payment('2026-01-01T01:00', { status: 'failed', invoice: { id: 'in_1' } }),
      failed('2026-01-01T01:00', { invoice: 'in_1', attempt: 1 }),
    ]
    for (const order of shuffles(story, 10)) {
      const answer = access(order, '2026-01-10')
      expect([answer.allowed, answer.subscriptions[0]?.status]).toEqual([true, 'active'])
    }
  })
})

describe('the order within one second', () => {
  const change = (from: number, to: number, event: string) =>
    subscription(AT, { status: 'active', quantity: to }, { previous: { quantity: from }, event })

  it('is the chain of previous values, also where it returns to a value it had', () => {
    const straight = [change(1, 2, 'evt_z'), change(2, 3, 'evt_y'), change(3, 4, 'evt_x')]
    const round = [
      subscription(AT, { status: 'active', quantity: 1 }, { verb: 'created', event: 'evt_w' }),
      change(1, 2, 'evt_z'),
      change(2, 1, 'evt_y'),
      change(1, 5, 'evt_x'),
    ]
    for (const [story, last] of [
      [straight, 4],
      [round, 5],
    ] as const) {
      for (const order of shuffles(story, 12)) {
        const [state] = fold(order).state.subscriptions
        expect([state?.value.quantity, state?.sure]).toEqual([last, true])
      }
    }
  })

  it('is not sure where the chain is a ring or nothing links', () => {
    for (const story of [
      [change(1, 2, 'evt_a'), change(2, 1, 'evt_b')],
      [change(1, 2, 'evt_a'), change(7, 8, 'evt_b')],
    ]) {
      for (const order of shuffles(story, 4)) expect(fold(order).state.subscriptions[0]?.sure).toBe(false)
    }
  })
})

describe('registers', () => {
  it('keep the first final state for ever', () => {
    const story = ['2026-01-05', '2026-01-09'].map((at) =>
      subscription(at, { status: 'canceled', endedAt: t(at) }, { verb: 'deleted' }),
    )
    for (const order of shuffles(story, 4)) {
      expect(fold(order).state.subscriptions[0]?.value.endedAt).toBe(t('2026-01-05'))
      const register = joinMany(new Map(), order).get(`subscription:${SUBSCRIPTION}`)
      expect(register?.terminal?.t).toBe(t('2026-01-05'))
    }
  })

  it('keep a period that a later whole object leaves out', () => {
    const story = [
      subscription('2026-01-01', { status: 'active', period: JAN }),
      subscription('2026-01-05', {
        status: 'canceled',
        period: null,
        plan: null,
        customer: null,
        endedAt: t('2026-01-05'),
      }),
    ]
    for (const order of shuffles(story, 4)) {
      const value = fold(order).state.subscriptions[0]?.value
      expect([value?.period, value?.plan?.id, value?.customer, value?.status]).toEqual([
        JAN,
        'basic',
        CUSTOMER,
        'canceled',
      ])
    }
  })

  it('join patches field by field, each with its own stamp', () => {
    const base = { object: 'subscription', id: SUBSCRIPTION, kind: 'patch' } as const
    const rank = (event: string) => ({ verb: 'updated', version: null, event }) as const
    const patches: readonly Observation[] = [
      { ...base, stamp: t('2026-01-03'), fields: { plan: plan('new') }, rank: rank('e3') },
      { ...base, stamp: t('2026-01-02'), fields: { plan: plan('old'), status: 'active' }, rank: rank('e2') },
      { ...base, stamp: t('2026-01-04'), fields: { plan: null, quantity: 3 }, rank: rank('e4') },
    ]
    for (const order of shuffles(patches, 6)) {
      const register = joinMany(new Map(), order).get(`subscription:${SUBSCRIPTION}`)
      if (register === undefined) throw new Error('no register')
      expect(valueOf(register).value).toMatchObject({ plan: { id: 'new' }, status: 'active', quantity: 3 })
    }
  })

  it('return themselves when nothing is new', () => {
    const told = subscription('2026-01-01', { status: 'active' }, { event: 'e1' })
    if (told.kind === 'happening') throw new Error('a snapshot')
    const once = join(null, told)
    expect(join(once, told)).toEqual(once)
  })
})
