import { expect, test } from 'vitest'
import { BillhookError } from '../../src/model/error.ts'
import { addMs, DAY_MS, instant } from '../../src/model/instant.ts'
import { standard } from '../../src/dialects/standard/index.ts'
import { createManualClock } from '../../src/runtime/manual_clock.ts'
import type { Database } from '../../src/storage/database.ts'
import { createDeliveryStores } from '../../src/storage/delivery_store.ts'
import { describeOnBackends, openPlace } from '../support/backends.ts'
import { event, eventually, makeRig, newKey } from '../support/delivery.ts'
import { openSink } from '../support/sink.ts'

const STANDARD = { dialect: 'standard', eventTypes: ['*'] } as const

describeOnBackends('nodes', (open, backend) => {
  const alone = backend.backend === 'embedded'

  test('what a process had leased when it died is delivered by the next one', async () => {
    await using sink = await openSink(() => undefined)
    const place = backend.place()
    const first = await openPlace(place)
    const dying = makeRig(first, { options: { heartbeatMs: 60_000 } })
    await dying.delivery.start(alone)
    await dying.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    const published = await dying.delivery.publish(
      'acme',
      Array.from({ length: 20 }, (_, i) => event('a', { i })),
    )
    await eventually(() => sink.arrivals.length > 0, 'requests under way')
    // Dead: it writes nothing more, gives nothing back, and has no heartbeat.
    await first.close()
    sink.answer = 200
    sink.arrivals.length = 0
    const second = await open(place)
    await using rig = makeRig(second)
    await rig.delivery.start(alone)
    await eventually(() => rig.settled.length === 20, 'delivered by the next process')
    const arrived = new Set(sink.arrivals.map(({ headers }) => String(headers['webhook-id'])))
    expect([...arrived].sort()).toEqual(published.map((one) => one.event).sort())
    await dying[Symbol.asyncDispose]()
  })

  test('a node that stops lets requests end, gives the rest back, and loses and doubles nothing', async () => {
    await using sink = await openSink((_arrival, response) => setTimeout(() => response.writeHead(200).end(), 10))
    const database = await open()
    const stopping = makeRig(database)
    await stopping.delivery.start(alone)
    await stopping.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url, inFlightMax: 4 })
    await stopping.delivery.publish(
      'acme',
      Array.from({ length: 60 }, (_, i) => event('a', { i })),
    )
    await sink.received(8)
    await stopping[Symbol.asyncDispose]()
    await using rig = makeRig(database)
    await rig.delivery.start(false)
    await eventually(() => rig.settled.length + stopping.settled.length === 60, 'all delivered')
    expect(new Set(sink.arrivals.map(({ headers }) => headers['webhook-id'])).size).toBe(60)
    expect(sink.arrivals).toHaveLength(60)
  })

  test('a request that does not end in time is canceled when the node stops, and made again', async () => {
    await using sink = await openSink(() => undefined)
    const database = await open()
    const stopping = makeRig(database)
    await stopping.delivery.start(alone)
    await stopping.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    const [published] = await stopping.delivery.publish('acme', [event('a')])
    await sink.received(1)
    await stopping.delivery.stop(20)
    const { items } = await stopping.delivery.inspection.deliveries('acme')
    expect(items[0]).toMatchObject({ state: 'pending', made: 0, lease: null })
    sink.answer = 200
    await using rig = makeRig(database)
    await rig.delivery.start(false)
    await eventually(() => rig.settled.length === 1, 'delivered')
    expect(sink.arrivals.map(({ headers }) => headers['webhook-id'])).toEqual([published?.event, published?.event])
    await stopping[Symbol.asyncDispose]()
  })

  test('a node that was taken for dead overwrites nothing, and goes on under a new name', async () => {
    let answer: (() => void) | null = null
    await using sink = await openSink((_arrival, response) => {
      answer = () => void response.writeHead(500).end()
    })
    const database = await open()
    // Its clock stands still: once its three loops sleep, nothing wakes them but their work.
    const clock = createManualClock(instant(Date.now()))
    await using rig = makeRig(database, { clock, options: { heartbeatMs: 10_000, pollMs: 60_000 } })
    await rig.delivery.start(alone)
    const { endpoint } = await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    const [published] = await rig.delivery.publish('acme', [event('a')])
    await sink.received(1)
    await eventually(() => clock.waiting().length >= 3, 'the loops of the node sleep')
    const key = { account: 'acme', event: published?.event ?? '', endpoint: endpoint.id }
    // Somebody else takes it for dead, and takes the delivery.
    const now = rig.ports.clock.now()
    await rig.ports.nodes.register('other', now, '')
    await rig.ports.nodes.reap(addMs(now, 1), now)
    await rig.ports.nodes.register('other', addMs(now, DAY_MS), '')
    const claimed = await rig.ports.queue.claim({
      node: 'other',
      now: addMs(now, 1),
      until: addMs(now, DAY_MS),
      limit: 10,
      except: [],
    })
    expect(claimed).toHaveLength(1)
    const release: (() => void) | null = answer
    ;(release as unknown as () => void)()
    await eventually(() => rig.logged.some((line) => line.includes('leases were lost')), 'the result was dropped')
    expect(await rig.delivery.inspection.delivery(key)).toMatchObject({ state: 'pending', made: 0, lease: 'other' })
  })

  test('a lease under a name that nobody bears any more is found', async () => {
    await using sink = await openSink()
    const database = await open()
    await using rig = makeRig(database)
    await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url }, 'e1')
    const [published] = await rig.delivery.publish('acme', [event('a')])
    await database.run('UPDATE delivery SET lease = ?, due_at = NULL WHERE event = ?', [
      'ghost',
      published?.event ?? '',
    ])
    await rig.delivery.start(false)
    await eventually(() => rig.settled.length === 1, 'delivered')
  })

  test('a replay that a process began is gone on with by the next, and can be canceled', async () => {
    await using sink = await openSink()
    const database = await open()
    const first = makeRig(database)
    const { endpoint } = await first.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    await first.delivery.endpoints.disable('acme', endpoint.id)
    await first.delivery.publish(
      'acme',
      Array.from({ length: 450 }, (_, i) => event('a', { i })),
    )
    await first.delivery.endpoints.enable('acme', endpoint.id)
    const replay = await first.delivery.replays.create('acme', { endpoint: endpoint.id })
    const step = () =>
      first.ports.chores.stepReplay({ account: null, limit: 100, now: async () => first.ports.clock.now() })
    expect(await step()).toMatchObject({ replayed: 100, state: 'running' })
    await first[Symbol.asyncDispose]()
    await using second = makeRig(database)
    await second.delivery.start(alone)
    await eventually(async () => (await second.delivery.replays.get('acme', replay.id)).state === 'done', 'the replay')
    await eventually(() => second.settled.length === 450, 'all delivered')
    expect(await second.delivery.replays.get('acme', replay.id)).toMatchObject({ replayed: 450 })
    await second.delivery.stop(100)
    const again = await second.delivery.replays.create('acme', { endpoint: endpoint.id, states: ['delivered'] })
    expect(await step()).toMatchObject({ replayed: 100 })
    expect(await second.delivery.replays.cancel('acme', again.id)).toMatchObject({ state: 'canceled', replayed: 100 })
    expect(await step()).toBeNull()
    await expect(second.delivery.replays.cancel('acme', again.id)).rejects.toMatchObject({ code: 'invalid_transition' })
  })

  test('publishing inside a transaction of the caller delivers after its commit, and nothing after a rollback', async () => {
    await using sink = await openSink()
    const database = await open()
    await using rig = makeRig(database)
    await rig.delivery.start(alone)
    await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    const key = newKey()
    const publish = (fail: boolean) =>
      database.transaction(async (transaction) => {
        const published = await rig.delivery.publishIn(transaction, 'acme', [event('a', {}, { key })])
        if (fail) throw new Error('taken back')
        return published
      })
    await expect(publish(true)).rejects.toThrow('taken back')
    const [published] = await publish(false)
    await eventually(() => rig.settled.length === 1, 'delivered')
    expect(sink.arrivals.map(({ headers }) => headers['webhook-id'])).toEqual([published?.event])
  })

  test('old events are dropped, young ones stay', async () => {
    const database = await open()
    const then = instant(Date.now() - 40 * DAY_MS)
    let now = then
    const clock = { now: () => now, until: async () => undefined }
    await using rig = makeRig(database, { clock })
    await rig.ports.chores.prepareStorage(now)
    await rig.delivery.publish('acme', [event('old', {}, { key: newKey() })])
    now = instant(Date.now())
    await rig.ports.chores.prepareStorage(now)
    await rig.ports.chores.prepareStorage(now)
    const [young] = await rig.delivery.publish('acme', [event('young')])
    const dropped = await rig.ports.chores.dropBefore(addMs(now, -20 * DAY_MS))
    expect(dropped.length).toBeGreaterThan(0)
    expect((await rig.delivery.inspection.events('acme')).items.map(({ id }) => id)).toEqual([young?.event])
  })
})

describeOnBackends('a statement whose answer was lost after its commit', (open, backend) => {
  test('leaves nothing leased to a node that does not know of it', async () => {
    await using sink = await openSink()
    const database = await open()
    let lose = false
    const stores = createDeliveryStores(database)
    const queue = {
      ...bound(stores.queue),
      store: async (...args: Parameters<typeof stores.queue.store>) => {
        await stores.queue.store(...args)
        if (lose) throw new BillhookError('store_unavailable', 'the connection was cut')
      },
    }
    await using rig = makeRig(database, { ports: { queue } })
    await rig.delivery.start(backend.backend === 'embedded')
    await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    lose = true
    await expect(rig.delivery.publish('acme', [event('a')])).rejects.toMatchObject({ code: 'store_unavailable' })
    lose = false
    await eventually(() => rig.settled.length === 1, 'it is delivered all the same')
  })

  test('a node that could not write its heartbeat for long gives its leases back and goes on', async () => {
    await using sink = await openSink()
    const database = await open()
    const stores = createDeliveryStores(database)
    let away = false
    const gone = async (): Promise<never> => {
      throw new BillhookError('store_unavailable', 'away')
    }
    const nodes = {
      ...bound(stores.nodes),
      heartbeat: (...args: Parameters<typeof stores.nodes.heartbeat>) =>
        away ? gone() : stores.nodes.heartbeat(...args),
    }
    const queue = {
      ...bound(stores.queue),
      settle: (...args: Parameters<typeof stores.queue.settle>) => (away ? gone() : stores.queue.settle(...args)),
    }
    await using rig = makeRig(database, { ports: { nodes, queue }, options: { heartbeatMs: 30, deadAfterMs: 100 } })
    await rig.delivery.start(backend.backend === 'embedded')
    await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    away = true
    const published = await rig.delivery.publish('acme', [event('a'), event('b')])
    await sink.received(2)
    // Longer than the time after which others take it for dead, by its own heartbeats.
    await eventually(
      () => rig.logged.filter((line) => line.includes('could not work')).length >= 2,
      'heartbeats failed',
    )
    away = false
    await eventually(() => rig.settled.length === 2, 'delivered')
    await rig.delivery.publish('acme', [event('c')])
    await eventually(() => rig.settled.length === 3, 'the node works')
    expect(new Set(sink.arrivals.map(({ headers }) => headers['webhook-id'])).size).toBe(3)
    expect(published).toHaveLength(2)
  })
})

describeOnBackends(
  'a retry that is due before the process has taken note that its result is written',
  (open, backend) => {
    test('is made', async () => {
      await using sink = await openSink((_arrival, response) =>
        response.writeHead(sink.arrivals.length === 1 ? 500 : 200).end(),
      )
      const database = await open()
      const stores = createDeliveryStores(database)
      const queue = {
        ...bound(stores.queue),
        settle: async (...args: Parameters<typeof stores.queue.settle>) => {
          const settled = await stores.queue.settle(...args)
          // The store is slow to answer: meanwhile the retry comes due and is claimed.
          if (sink.arrivals.length === 1)
            await eventually(async () => (await leased(database)) > 0, 'the retry is claimed')
          return settled
        },
      }
      await using rig = makeRig(database, { ports: { queue } })
      await rig.delivery.start(backend.backend === 'embedded')
      const retry = { ...standard.retry, offsetsMs: [1], jitter: 0 }
      await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url, retry })
      await rig.delivery.publish('acme', [event('a')])
      await eventually(() => rig.settled.length === 1, 'delivered at the second attempt')
      expect(sink.arrivals).toHaveLength(2)
    })
  },
)

async function leased(database: Database): Promise<number> {
  const row = await database.first('SELECT COUNT(*) AS n FROM delivery WHERE lease IS NOT NULL')
  return Number(row?.['n'])
}

/** A copy of a store whose methods can be replaced one by one. */
function bound<T extends object>(store: T): T {
  const copy: Record<string, unknown> = {}
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(store))) {
    const method = Reflect.get(store, name) as unknown
    if (name !== 'constructor' && typeof method === 'function') copy[name] = method.bind(store) as unknown
  }
  return copy as T
}
