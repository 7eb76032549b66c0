import { describe, expect, it } from 'vitest'
import { DIALECTS, resolveDialect } from '../../src/dialects/registry.ts'
import type { Dialect, Notification } from '../../src/dialects/dialect.ts'
import { instant } from '../../src/model/instant.ts'
import type { JsonObject } from '../../src/model/json.ts'
import type { Observation } from '../../src/model/observations.ts'
import { TELLINGS } from './tellings.ts'

const AT = instant(Date.parse('2026-05-01T12:00:00Z'))

/** Where each provider's events have the object that its API answers. */
const PLACES: Readonly<Record<string, (body: JsonObject) => unknown>> = {
  stripe: (body) => (body as { data: { object: unknown } }).data.object,
  razorpay: (body) => (body as { payload: { subscription?: { entity: unknown } } }).payload.subscription?.entity,
}

/** What an answer says by itself. A payment beside the object, or the event's type, may say more. */
function standing(value: object): object {
  const { latestInvoice: _invoice, pause, ...rest } = value as { latestInvoice: unknown; pause: object | null }
  return { ...rest, isPaused: pause !== null }
}

function snapshotsIn(dialect: Dialect, notification: Notification): readonly Observation[] {
  return dialect
    .decode(notification)
    .observations.filter((each) => each.kind === 'snapshot' && each.object === 'subscription')
}

describe.each(DIALECTS.filter(({ retrieval }) => retrieval !== null).map((dialect) => [dialect.id, dialect] as const))(
  'Objects looked up at %s',
  (_id, dialect) => {
    const told = TELLINGS.flatMap(({ told, view }) => dialect.encode(told, view, { fact: 'f', at: told.at })).filter(
      (notification) => snapshotsIn(dialect, notification).length > 0,
    )

    it('say the same as the events that carry them, at the time of the answer', () => {
      expect(told.length).toBeGreaterThan(3)
      for (const notification of told) {
        const object = PLACES[dialect.family]?.(notification.body) as JsonObject
        const looked = dialect.retrieval?.notification('subscription', object, AT)
        if (looked === undefined || looked === null) throw new Error('the dialect cannot tell what it looks up')
        const [found] = snapshotsIn(dialect, looked)
        const [known] = snapshotsIn(dialect, notification)
        if (found?.kind !== 'snapshot' || known?.kind !== 'snapshot') throw new Error('no snapshot')
        expect(standing(found.value)).toEqual(standing(known.value))
        expect(found.stamp).toBe(AT)
        expect(dialect.decode(looked).problems).toEqual([])
      }
    })

    it('are asked for with the id as one part of the path', () => {
      const request = dialect.retrieval?.request('subscription', 'sub_1/../x?y#z', 'key')
      const url = new URL(`https://provider.example${request?.path}`)
      expect([url.pathname.split('/').length, url.search, url.hash]).toEqual([4, '', ''])
      expect(dialect.retrieval?.request('payment_link', 'x', 'key')).toBeNull()
    })
  },
)

it('asks each provider in its own way', () => {
  const classic = resolveDialect('stripe@2025-02-24.acacia').retrieval?.request('invoice', 'in_1', 'rk_1')
  expect(classic).toMatchObject({
    path: '/v1/invoices/in_1',
    headers: { authorization: 'Bearer rk_1', 'stripe-version': '2025-02-24.acacia' },
  })
  const basic = resolveDialect('razorpay').retrieval?.request('subscription', 'sub_1', 'rzp_id:secret')
  expect(basic?.headers['authorization']).toBe(`Basic ${Buffer.from('rzp_id:secret').toString('base64')}`)
})
