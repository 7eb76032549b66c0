import { expect, it } from 'vitest'
import { describeOnBackends } from '../support/backends.ts'
import { ACCOUNT, created, createWorld, event, seal, SECRET, SOURCE, START, subscription } from './world.ts'

describeOnBackends('Ingest', (open) => {
  it('answers 200 to what opens, after it was stored with its headers and exact bytes', async () => {
    const world = await createWorld(await open())
    const sealed = seal(created(), world.clock.now())
    const answer = await world.sendSealed(sealed)
    expect(answer).toMatchObject({ ok: true, status: 200 })
    const [stored] = await world.inbox.store.received.listReceived({ account: ACCOUNT, limit: 10 })
    expect(stored).toMatchObject({ source: SOURCE, verdict: 'ok', state: 'received', receivedAt: START })
    expect(stored?.eventType).toBe('customer.subscription.created')
    const raw = await world.inbox.store.received.raw(ACCOUNT, stored?.id ?? '')
    expect(Buffer.from(raw?.body ?? []).equals(Buffer.from(sealed.body))).toBe(true)
    expect(raw?.headers).toEqual(sealed.headers)
  })

  it('refuses, records and never folds what does not open', async () => {
    const world = await createWorld(await open())
    const good = seal(created(), world.clock.now())
    const tampered = { ...good, body: Buffer.from(Buffer.from(good.body).toString().replace('active', 'paused')) }
    const refusals = [
      await world.sendSealed(tampered),
      await world.sendSealed({ headers: {}, body: good.body }),
      await world.sendSealed(seal(created(), world.clock.now(), 'whsec_another')),
      await world.sendSealed({ ...good, body: new Uint8Array() }),
    ]
    expect(refusals.map((answer) => (answer.ok ? null : answer.error.reason))).toEqual([
      'signature_mismatch',
      'header_missing',
      'signature_mismatch',
      'signature_mismatch',
    ])
    expect(
      refusals.every((answer) => answer.status === 400 && !answer.ok && answer.error.code === 'delivery_refused'),
    ).toBe(true)
    await world.inbox.settle()
    const stored = await world.inbox.store.received.listReceived({ account: ACCOUNT, state: 'refused', limit: 10 })
    expect(stored.length).toBe(4)
    expect(await world.inbox.store.ledger.facts({ account: ACCOUNT, limit: 10 })).toEqual([])
    expect(await world.database.all('SELECT reference FROM membership')).toEqual([])
  })

  it('keeps only so many refused deliveries of a source', async () => {
    const world = await createWorld(await open(), { inbox: { ingest: { maxRefused: 5 } } })
    for (let turn = 0; turn < 23; turn += 1) await world.sendSealed({ headers: {}, body: new Uint8Array([turn]) })
    const stored = await world.inbox.store.received.listReceived({ account: ACCOUNT, state: 'refused', limit: 100 })
    expect(stored.length).toBeLessThanOrEqual(9)
    expect(stored.length).toBeGreaterThanOrEqual(5)
  })

  it('records no more than a bounded number of refused deliveries in a second', async () => {
    const world = await createWorld(await open())
    const forged = Array.from({ length: 80 }, () => world.sendSealed({ headers: {}, body: new Uint8Array([1]) }))
    const recorded = (await Promise.all(forged)).filter((answer) => answer.delivery !== null)
    expect(recorded.length).toBe(50)
  })

  it('answers 413 to a body over the limit, 404 to a source that nobody made', async () => {
    const world = await createWorld(await open(), { inbox: { ingest: { maxBodyBytes: 1000 } } })
    expect(await world.sendSealed({ headers: {}, body: new Uint8Array(1001) })).toMatchObject({
      status: 413,
      error: { code: 'payload_too_large', reason: 'body_too_large' },
    })
    const arrival = { account: ACCOUNT, headers: {}, body: new Uint8Array() }
    expect(await world.inbox.ingest.receive({ ...arrival, source: 'nobody' })).toMatchObject({
      status: 404,
      error: { code: 'unknown_source' },
    })
    expect(await world.inbox.ingest.receive({ ...arrival, source: '../main\0' })).toMatchObject({ status: 404 })
  })

  it('answers 503 and accepts nothing while the store is away', async () => {
    const world = await createWorld(await open())
    await world.inbox.sources.find(ACCOUNT, SOURCE)
    const sealed = seal(created(), world.clock.now())
    await world.database.close()
    expect(await world.sendSealed(sealed)).toMatchObject({ ok: false, status: 503 })
  })

  it('opens with the old and the new secret during a rotation, and with the new one alone after it', async () => {
    const world = await createWorld(await open())
    await world.inbox.sources.addSecret(ACCOUNT, SOURCE, 'whsec_new', 3_600_000)
    const send = async (secret: string): Promise<number> =>
      (await world.sendSealed(seal(created(), world.clock.now(), secret))).status
    expect([await send(SECRET), await send('whsec_new')]).toEqual([200, 200])
    await world.clock.moveBy(3_600_000)
    expect([await send(SECRET), await send('whsec_new')]).toEqual([400, 200])
  })

  it('answers 200 to a type that it does not know and to a notice without an id', async () => {
    const world = await createWorld(await open())
    const unknown = event('treasury.something.new', { id: 'x_1', object: 'thing' })
    const upcoming = event('invoice.upcoming', {
      object: 'invoice',
      customer: 'cus_1',
      subscription: 'sub_1',
      lines: { data: [] },
    })
    expect((await world.send(unknown)).status).toBe(200)
    expect((await world.send(upcoming)).status).toBe(200)
    await world.inbox.settle()
    const states = (await world.inbox.store.received.listReceived({ account: ACCOUNT, limit: 10 })).map(
      ({ state }) => state,
    )
    expect(states).toEqual(['reacted', 'reacted'])
  })

  it('shares one flush among requests that come together', async () => {
    const database = await open()
    const world = await createWorld(database)
    let writes = 0
    const { received } = world.inbox.store
    const add = received.add.bind(received)
    received.add = async (deliveries) => {
      writes += 1
      return add(deliveries)
    }
    const sent = Array.from({ length: 64 }, (_, turn) =>
      world.send(event('customer.subscription.created', subscription({ id: `sub_${turn}` }))),
    )
    expect((await Promise.all(sent)).every(({ status }) => status === 200)).toBe(true)
    expect(writes).toBeLessThanOrEqual(4)
    const stored = await received.listReceived({ account: ACCOUNT, limit: 100 })
    expect(new Set(stored.map(({ id }) => id)).size).toBe(64)
  })

  it('fails only the deliveries whose flush failed', async () => {
    const world = await createWorld(await open())
    const { received } = world.inbox.store
    const add = received.add.bind(received)
    let fail = true
    received.add = async (deliveries) => {
      if (!fail) return add(deliveries)
      fail = false
      throw new Error('disk full')
    }
    expect((await world.send(created())).status).toBe(503)
    expect((await world.send(created())).status).toBe(200)
  })
})
