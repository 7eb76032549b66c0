import { describe, expect, it } from 'vitest'
import { decodeEvent } from '../../../src/dialects/stripe/decode.ts'
import type { Decoded } from '../../../src/dialects/dialect.ts'
import { notificationOf, samples } from './support.ts'

type Loose = Record<string, unknown>
type LooseEvent = { data: { object: Loose; previous_attributes: Loose } }

/** A sample decoded after somebody changed it. */
function changed(name: string, change: (event: LooseEvent) => void): Decoded {
  const notification = notificationOf(samples('modern').get(name) ?? new Uint8Array())
  const body = structuredClone(notification.body)
  change(body as unknown as LooseEvent)
  return decodeEvent({ ...notification, body })
}

const snapshotIn = ({ observations }: Decoded) => {
  const [first] = observations
  if (first?.kind !== 'snapshot' || first.object !== 'subscription') throw new Error('no snapshot of a subscription')
  return first
}

describe('old values of a wrong shape', () => {
  const wrong: readonly (readonly [string, Loose])[] = [
    ['status', { status: 7 }],
    ['status', { status: 'asleep' }],
    ['items', { items: 'none' }],
    ['items.data', { items: { data: 5 } }],
    [
      'items.data.0.current_period_end',
      { items: { data: [{ id: 'si_1', price: { id: 'p' }, current_period_end: [] }] } },
    ],
  ]
  it.each(wrong)('in %s are a problem, and the change is told without them', (path, previous) => {
    const decoded = changed('customer.subscription.updated', ({ data }) => {
      data.previous_attributes = previous
    })
    expect([...new Set(decoded.problems.map((problem) => problem.path))]).toEqual([`data.previous_attributes.${path}`])
    expect(snapshotIn(decoded)).toMatchObject({ previous: null, value: { status: 'active' } })
  })

  it('are not the old values’ own problem where the object itself has it', () => {
    const decoded = changed('customer.subscription.updated', ({ data }) => {
      data.object['currency'] = 5
    })
    expect(decoded.problems.map((problem) => problem.path)).toEqual(['data.object.currency'])
    expect(snapshotIn(decoded).previous).not.toBeNull()
  })
})

describe('a subscription', () => {
  it('whose item does not name its price has no such item, and no plan of that', () => {
    for (const price of [{ unit_amount: 0, currency: 'usd' }, null]) {
      const decoded = changed('customer.subscription.created', ({ data }) => {
        data.object['items'] = { object: 'list', data: [{ id: 'si_1', price, plan: null }] }
        data.object['plan'] = null
      })
      expect(decoded.problems).toHaveLength(1)
      expect(snapshotIn(decoded).value).toMatchObject({ items: [], plan: null, free: false })
    }
  })

  it('whose items are no list is told with a problem', () => {
    const decoded = changed('customer.subscription.created', ({ data }) => {
      data.object['items'] = {}
    })
    expect(decoded.problems.map((problem) => problem.path)).toEqual(['data.object.items.data'])
  })
})
