import { createHmac } from 'node:crypto'
import { decodeWebhook } from '@kinde/webhooks'
import Razorpay from 'razorpay'
import { Webhook } from 'standardwebhooks'
import { Stripe } from 'stripe'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { DialectId, Notification } from '../../src/dialects/dialect.ts'
import { DIALECTS } from '../../src/dialects/registry.ts'
import { instant } from '../../src/model/instant.ts'
import { describeOnBackends } from '../support/backends.ts'
import { event, eventually, makeRig } from '../support/delivery.ts'
import { openSink } from '../support/sink.ts'
import type { Arrival } from '../support/sink.ts'

/** What each provider's own library, given a secret, says about a request: true if it takes it. */
const SDKS: Readonly<Record<string, (arrival: Arrival, secret: string) => boolean>> = {
  stripe: ({ headers, body }, secret) =>
    accepted(() => Stripe.webhooks.constructEvent(body, String(headers['stripe-signature']), secret)),
  razorpay: ({ headers, body }, secret) =>
    Razorpay.validateWebhookSignature(body.toString(), String(headers['x-razorpay-signature']), secret),
  standard: ({ headers, body }, secret) =>
    accepted(() => new Webhook(secret).verify(body.toString(), headers as Record<string, string>)),
  // The provider publishes no library that verifies; this is its page's own recipe.
  airwallex: ({ headers, body }, secret) =>
    createHmac('sha256', secret)
      .update(`${String(headers['x-timestamp'])}${body.toString()}`)
      .digest('hex') === headers['x-signature'],
}

function accepted(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}

function notificationFor(id: DialectId, n: number): Notification {
  const createdAt = instant(Date.now())
  const body = {
    id: `evt_${n}`,
    object: 'event',
    type: 'invoice.paid',
    created: Math.floor(createdAt / 1000),
    data: { object: { id: 'in_1', object: 'invoice', note: 'ключ é ✓ "\\/"' } },
  }
  return { id: `evt_${id.slice(0, 3)}_${n}`, type: 'invoice.paid', createdAt, account: null, body }
}

const QUICK = {
  id: 'quick',
  offsetsMs: [400, 1_200],
  giveUpAfterMs: 60_000,
  jitter: 0,
  acknowledged: [200],
  timeoutMs: 5_000,
  honorsRetryAfter: false,
  goneDisables: false,
  disableAfterMs: null,
  warnAfterMs: null,
  freshSignature: true,
  source: 'this test',
} as const

afterEach(() => vi.unstubAllGlobals())

describeOnBackends('deliveries over HTTP', (open, backend) => {
  const alone = backend.backend === 'embedded'

  test.each(
    DIALECTS.filter(({ rotation }) => rotation.kind !== 'key_set').map((dialect) => [dialect.id, dialect] as const),
  )('%s: the official library takes every one, also during a rotation', async (id, dialect) => {
    await using sink = await openSink(500)
    await using rig = makeRig(await open())
    await rig.delivery.start(alone)
    const { endpoint, secret: old } = await rig.delivery.endpoints.create('acme', {
      dialect: id,
      eventTypes: ['*'],
      url: sink.url,
      retry: QUICK,
    })
    const send = (n: number) =>
      rig.delivery.publish('acme', [
        event('x', {}, { content: { kind: 'notification', dialect: id, notification: notificationFor(id, n) } }),
      ])
    await send(1)
    await sink.received(1)
    sink.answer = 200
    const { secret: fresh } = await rig.delivery.endpoints.rotateSecret('acme', endpoint.id)
    await send(2)
    await sink.received(3)
    await eventually(() => rig.settled.length === 2, 'both settled')
    const sdk = SDKS[dialect.family]
    const verdicts = sink.arrivals.map((arrival) => [old, fresh].map((secret) => sdk?.(arrival, secret ?? '')))
    const both = dialect.rotation.kind === 'sign_with_all'
    // In the order of arrival: the first try of the old event; then its retry and the new event, whichever is first.
    expect(verdicts[0]).toEqual([true, false])
    const later = verdicts.slice(1).map((verdict) => verdict.join())
    expect(later.sort()).toEqual(both ? ['true,true', 'true,true'] : ['false,true', 'true,false'])
    const tampered = { ...sink.arrivals[0], body: Buffer.from(`${sink.arrivals[0]?.body.toString()} `) } as Arrival
    expect(sdk?.(tampered, old ?? '')).toBe(false)
    const first = sink.arrivals[0]?.body.toString()
    expect(sink.arrivals.filter(({ body }) => body.toString() === first)).toHaveLength(2)
  })

  test('kinde: the official library takes every token by the key set that is published, also after a rotation', async () => {
    await using sink = await openSink(500)
    await using rig = makeRig(await open())
    await rig.delivery.start(alone)
    const { endpoint } = await rig.delivery.endpoints.create('acme', {
      dialect: 'kinde',
      eventTypes: ['*'],
      url: sink.url,
      retry: { ...QUICK, freshSignature: false },
    })
    const send = (n: number) =>
      rig.delivery.publish('acme', [
        event(
          'x',
          {},
          { content: { kind: 'notification', dialect: 'kinde', notification: notificationFor('kinde', n) } },
        ),
      ])
    await send(1)
    await sink.received(1)
    sink.answer = 200
    expect((await rig.delivery.endpoints.rotateSecret('acme', endpoint.id)).secret).toBeNull()
    await send(2)
    await eventually(() => rig.settled.length === 2, 'both settled')
    const keySet = await rig.delivery.signingKeys.keySet('acme', rig.ports.clock.now())
    expect(keySet.keys).toHaveLength(2)
    vi.stubGlobal('fetch', async () => Response.json(keySet))
    const bodies = sink.arrivals.map(({ body }) => body.toString())
    for (const body of bodies)
      expect(await decodeWebhook(body, 'https://tenant.example')).toMatchObject({ type: 'invoice.paid' })
    const kids = bodies.map(
      (body) => JSON.parse(Buffer.from(body.split('.')[0] ?? '', 'base64url').toString()) as { kid: string },
    )
    // The retry of the old event is the same token; the new event has the new key.
    expect(new Set(bodies).size).toBe(2)
    expect(new Set(kids.map(({ kid }) => kid)).size).toBe(2)
  })
})

describe('every dialect', () => {
  test('is covered here', () => {
    for (const { family, rotation } of DIALECTS)
      expect(rotation.kind === 'key_set' || family in SDKS, family).toBe(true)
  })
})
