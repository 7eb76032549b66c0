import { expect, test } from 'vitest'
import { NO_VIEW } from '../../src/model/entities.ts'
import type { View } from '../../src/model/entities.ts'
import type { Fact } from '../../src/model/facts.ts'
import { addMs, DAY_MS, HOUR_MS, instant, MINUTE_MS } from '../../src/model/instant.ts'
import type { Instant } from '../../src/model/instant.ts'
import type { Publication } from '../../src/ports/outbox.ts'
import { describeOnBackends } from '../support/backends.ts'
import { event, eventually, makeRig, NOON, realAccount } from '../support/delivery.ts'
import type { Rig } from '../support/delivery.ts'
import { openSink } from '../support/sink.ts'

const VIEW: View = { ...NO_VIEW, account: 'acme', livemode: false }

function drafted(fact: string, at: Instant): Publication {
  const told: Fact<'invoice_drafted'> = {
    kind: 'invoice_drafted',
    at,
    customer: 'cus_1',
    subscription: 'sub_1',
    subject: 'in_1',
    detail: { total: null },
  }
  return { fact, told, view: VIEW, at }
}

function testAccount(now: Instant = NOON) {
  return realAccount({ clock: { kind: 'test', now } })
}

/** Moves the account's clock, as billing does: from one due time to the next. */
async function advance(rig: Rig, to: Instant): Promise<void> {
  for (;;) {
    const next = await rig.delivery.testClock.nextDue('acme')
    if (next === null || next > to) break
    rig.accounts.set('acme', testAccount(next))
    await rig.delivery.testClock.runDue('acme', next)
  }
  rig.accounts.set('acme', testAccount(to))
}

const STANDARD = { dialect: 'standard', eventTypes: ['*'] } as const

const HOURLY = {
  id: 'hourly',
  offsetsMs: Array.from({ length: 72 }, (_, i) => (i + 1) * HOUR_MS),
  giveUpAfterMs: 72 * HOUR_MS,
  jitter: 0,
  acknowledged: '2xx',
  timeoutMs: 5_000,
  honorsRetryAfter: false,
  goneDisables: false,
  disableAfterMs: null,
  warnAfterMs: DAY_MS,
  freshSignature: true,
  source: 'seed 002',
} as const

describeOnBackends('an account on a test clock', (open) => {
  test('nothing is delivered by itself; the whole retry schedule runs when the clock is advanced', async () => {
    await using sink = await openSink(503)
    await using rig = makeRig(await open(), { accounts: [testAccount()] })
    const { delivery, ports } = rig
    const { endpoint } = await delivery.endpoints.create('acme', {
      ...STANDARD,
      eventTypes: ['invoice.drafted', 'invoice_drafted', 'invoice.*'],
      url: sink.url,
      retry: HOURLY,
    })
    const events = await ports.transactions.transaction((transaction) =>
      delivery.outbox.publish(transaction, 'acme', [drafted('fct_1', NOON)]),
    )
    expect(events).toMatchObject([{ deliveries: 1 }])
    expect(sink.arrivals).toHaveLength(0)
    expect(await delivery.testClock.nextDue('acme')).toBe(NOON)
    expect(await delivery.acknowledgement('acme', 'fct_1')).toMatchObject({ pending: 1, acknowledged: 0, lastAt: null })
    await advance(rig, addMs(NOON, 4 * HOUR_MS + 59 * MINUTE_MS))
    expect(sink.arrivals).toHaveLength(5)
    sink.answer = 200
    await advance(rig, addMs(NOON, 3 * DAY_MS))
    const key = { account: 'acme', event: events[0]?.event ?? '', endpoint: endpoint.id }
    const { attempts, state } = await delivery.inspection.delivery(key)
    expect(attempts.map(({ at, status }) => [(at - NOON) / HOUR_MS, status])).toEqual([
      [0, 503],
      [1, 503],
      [2, 503],
      [3, 503],
      [4, 503],
      [5, 200],
    ])
    expect(state).toBe('delivered')
    // Signatures name the time of the world: a receiver compares it with its own clock.
    const age = sink.arrivals.map(({ headers }) => ports.clock.now() / 1000 - Number(headers['webhook-timestamp']))
    for (const seconds of age) expect(Math.abs(seconds)).toBeLessThan(60)
    expect(await delivery.acknowledgement('acme', 'fct_1')).toEqual({
      pending: 0,
      acknowledged: 1,
      exhausted: 0,
      lastAt: addMs(NOON, 5 * HOUR_MS),
    })
    expect(rig.settled).toMatchObject([{ fact: 'fct_1', subject: 'sub_1', outcome: 'delivered' }])
  })

  test('an endpoint that never answers is tried 73 times in 72 hours; its owner is mailed after a day', async () => {
    await using sink = await openSink(500)
    await using rig = makeRig(await open(), { accounts: [testAccount()] })
    await rig.delivery.endpoints.create('acme', { ...STANDARD, eventTypes: ['a'], url: sink.url, retry: HOURLY })
    await rig.delivery.publish('acme', [event('a')])
    await advance(rig, addMs(NOON, 5 * DAY_MS))
    expect(sink.arrivals).toHaveLength(73)
    expect(rig.settled).toMatchObject([{ outcome: 'exhausted', at: addMs(NOON, 72 * HOUR_MS) }])
    const { items } = await rig.delivery.inspection.events('acme', { order: 'oldest' })
    expect(items.map(({ type, createdAt }) => [type, (createdAt - NOON) / HOUR_MS])).toEqual([
      ['a', 0],
      ['endpoint.failing', 24],
      ['message.exhausted', 72],
    ])
    expect(rig.mails).toHaveLength(0)
    await rig.delivery.start(true)
    await eventually(() => rig.mails.length === 1, 'the mail')
    expect(rig.mails[0]).toMatchObject({ to: 'owner@example.com', subject: expect.stringContaining('failing') })
  })

  test('a policy that disables does so at its hour, mails, and keeps what follows as skipped', async () => {
    await using sink = await openSink(500)
    await using rig = makeRig(await open(), { accounts: [testAccount()] })
    const { endpoint } = await rig.delivery.endpoints.create('acme', {
      dialect: 'razorpay',
      eventTypes: ['*'],
      url: sink.url,
    })
    const of = (createdAt: Instant) => ({
      id: 'evt1',
      type: 'subscription.updated',
      createdAt,
      account: 'acc_1',
      body: { event: 'subscription.updated' },
    })
    const send = (createdAt: Instant) =>
      rig.delivery.publish('acme', [
        event('x', {}, { content: { kind: 'notification', dialect: 'razorpay', notification: of(createdAt) } }),
      ])
    await send(NOON)
    await advance(rig, addMs(NOON, 23.9 * HOUR_MS))
    expect((await rig.delivery.endpoints.one('acme', endpoint.id)).state).toBe('enabled')
    expect(sink.arrivals).toHaveLength(16)
    await advance(rig, addMs(NOON, DAY_MS))
    expect(await rig.delivery.endpoints.one('acme', endpoint.id)).toMatchObject({
      state: 'disabled',
      disabledReason: 'failing',
    })
    await send(addMs(NOON, DAY_MS))
    await advance(rig, addMs(NOON, 2 * DAY_MS))
    expect(sink.arrivals).toHaveLength(16)
    const { items } = await rig.delivery.inspection.deliveries('acme', { endpoint: endpoint.id })
    expect(items.map(({ state }) => state)).toEqual(['skipped', 'exhausted'])
    sink.answer = 200
    await rig.delivery.endpoints.enable('acme', endpoint.id)
    const replay = await rig.delivery.replays.create('acme', { from: addMs(NOON, DAY_MS) })
    await advance(rig, addMs(NOON, 2 * DAY_MS))
    await rig.delivery.testClock.runDue('acme', addMs(NOON, 2 * DAY_MS))
    expect(await rig.delivery.replays.get('acme', replay.id)).toMatchObject({ state: 'done' })
    expect(
      (await rig.delivery.inspection.deliveries('acme', { endpoint: endpoint.id, state: 'delivered' })).items,
    ).toHaveLength(1)
  })

  test('an old event stays signed with the old secret where the dialect says so, a new one has the new', async () => {
    await using sink = await openSink(500)
    await using rig = makeRig(await open(), { accounts: [testAccount()] })
    const { endpoint } = await rig.delivery.endpoints.create('acme', {
      dialect: 'razorpay',
      eventTypes: ['*'],
      url: sink.url,
      secret: 's_old',
    })
    const { default: Razorpay } = await import('razorpay')
    const send = (id: string, at: Instant) => {
      const notification = {
        id,
        type: 'subscription.updated',
        createdAt: at,
        account: 'acc_1',
        body: { event: 'subscription.updated', id },
      }
      return rig.delivery.publish('acme', [
        event('x', {}, { content: { kind: 'notification', dialect: 'razorpay', notification } }),
      ])
    }
    await send('old', NOON)
    await advance(rig, addMs(NOON, 6 * HOUR_MS))
    const before = sink.arrivals.length
    expect(before).toBeGreaterThan(5)
    sink.answer = 200
    await rig.delivery.endpoints.rotateSecret('acme', endpoint.id, 's_new')
    await send('new', addMs(NOON, 6 * HOUR_MS))
    await advance(rig, addMs(NOON, 12 * HOUR_MS))
    const later = sink.arrivals.slice(before).map(({ headers, body }) => {
      const signature = String(headers['x-razorpay-signature'])
      const signedWith = ['s_old', 's_new'].filter((secret) =>
        Razorpay.validateWebhookSignature(body.toString(), signature, secret),
      )
      return [headers['x-razorpay-event-id'], signedWith]
    })
    expect(later).toEqual([
      ['new', ['s_new']],
      ['old', ['s_old']],
    ])
  })

  test('the gate waits for all enabled endpoints, connected ones too, and not for disabled ones', async () => {
    await using sink = await openSink()
    await using late = await openSink(500)
    const database = await open()
    await using rig = makeRig(database, { accounts: [testAccount()] })
    const retry = { ...HOURLY, offsetsMs: [HOUR_MS], giveUpAfterMs: HOUR_MS }
    await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url }, 'own')
    await rig.delivery.endpoints.create(
      'acme',
      { ...STANDARD, url: late.url, connected: true, retry: HOURLY },
      'connected',
    )
    await rig.delivery.endpoints.create('acme', { ...STANDARD, url: late.url, retry }, 'failing')
    await rig.delivery.endpoints.create('acme', { ...STANDARD, url: late.url }, 'off')
    await rig.delivery.endpoints.disable('acme', 'off')
    await rig.ports.transactions.transaction((transaction) =>
      rig.delivery.outbox.publish(transaction, 'acme', [drafted('fct_1', NOON)]),
    )
    await advance(rig, addMs(NOON, HOUR_MS + 1))
    expect(await rig.delivery.acknowledgement('acme', 'fct_1')).toMatchObject({
      pending: 1,
      acknowledged: 1,
      exhausted: 1,
    })
    late.answer = 200
    // Another process, the same answers: everything is read from the rows.
    await using again = makeRig(database, { accounts: [testAccount(addMs(NOON, HOUR_MS + 1))] })
    await advance(again, addMs(NOON, 3 * HOUR_MS))
    expect(await again.delivery.acknowledgement('acme', 'fct_1')).toEqual({
      pending: 0,
      acknowledged: 2,
      exhausted: 1,
      lastAt: addMs(NOON, 2 * HOUR_MS),
    })
    await again.delivery.endpoints.remove('acme', 'connected')
    expect(await again.delivery.acknowledgement('acme', 'fct_1')).toMatchObject({ pending: 0, acknowledged: 2 })
  })
})

describeOnBackends('the outbox', (open) => {
  test('a fact is logged in the account’s dialect even if nobody listens, and gone if the transaction is', async () => {
    await using rig = makeRig(await open(), { accounts: [testAccount()] })
    const { outbox, inspection } = rig.delivery
    const publish = () =>
      rig.ports.transactions.transaction((transaction) => outbox.publish(transaction, 'acme', [drafted('fct_1', NOON)]))
    await expect(
      rig.ports.transactions.transaction(async (transaction) => {
        await outbox.publish(transaction, 'acme', [drafted('fct_1', NOON)])
        throw new Error('taken back')
      }),
    ).rejects.toThrow('taken back')
    expect((await inspection.events('acme')).items).toHaveLength(0)
    expect(await publish()).toMatchObject([{ deliveries: 0 }])
    const { items } = await inspection.events('acme', { fact: 'fct_1' })
    expect(items).toMatchObject([{ dialect: 'standard', customer: 'cus_1', createdAt: NOON }])
    expect(await inspection.event('acme', items[0]?.providerId ?? '')).toEqual(items[0])
  })

  test('on the real clock a committed fact is delivered without anybody’s doing', async () => {
    await using sink = await openSink()
    await using rig = makeRig(await open())
    await rig.delivery.start(true)
    await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    await rig.ports.transactions.transaction((transaction) =>
      rig.delivery.outbox.publish(transaction, 'acme', [drafted('fct_1', instant(Date.now()))]),
    )
    await sink.received(1)
    expect(sink.arrivals).toHaveLength(1)
  })
})
