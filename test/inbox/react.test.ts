import { expect, it } from 'vitest'
import type { Handler, Reaction } from '../../src/inbox/handlers.ts'
import type { FactKind } from '../../src/model/facts.ts'
import { describeOnBackends } from '../support/backends.ts'
import {
  ACCOUNT,
  created,
  createWorld,
  DAY,
  deleted,
  event,
  invoice,
  SOURCE,
  START,
  subscription,
  updated,
} from './world.ts'
import type { World } from './world.ts'

/** Notes what it is told: kind, and `-` before it if it was taken back. */
function recorder(): { readonly told: string[]; readonly handle: Handler } {
  const told: string[] = []
  return { told, handle: (reaction) => void told.push(`${reaction.retracted ? '-' : ''}${reaction.fact.kind}`) }
}

async function reactionStates(world: World, kind?: FactKind): Promise<readonly string[]> {
  const rows = await world.inbox.store.reactions.reactions({ account: ACCOUNT, limit: 500 })
  return rows.filter((row) => kind === undefined || row.kind === kind).map(({ state }) => state)
}

describeOnBackends('Reactions', (open) => {
  it('are told by kind and to whoever wants all, with a key, the access before and after, and the object', async () => {
    const world = await createWorld(await open())
    const { told, handle } = recorder()
    const seen: Reaction<'subscription_created'>[] = []
    world.inbox.handlers.on('subscription_created', (reaction) => void seen.push(reaction)).onAny(handle)
    await world.send(created())
    await world.inbox.settle()
    expect(told).toEqual(expect.arrayContaining(['subscription_created', 'subscription_activated', 'access_changed']))
    expect(seen.length).toBe(1)
    expect(seen[0]).toMatchObject({ source: SOURCE, retracted: false, replay: false, attempt: 1, objectBefore: null })
    expect(seen[0]?.key).toBe(`${SOURCE}:${seen[0]?.fact.key}`)
    expect(seen[0]?.before?.allowed ?? false).toBe(false)
    expect(seen[0]?.after?.allowed).toBe(true)
    expect(seen[0]?.object).toMatchObject({ status: 'active', customer: 'cus_1' })
    const [delivery] = await world.inbox.store.received.listReceived({ account: ACCOUNT, limit: 1 })
    expect(delivery).toMatchObject({ state: 'reacted', foldedAt: START, reactedAt: START })
  })

  it('wait for the settle window on the clock, and then run', async () => {
    const world = await createWorld(await open(), { settleMs: 2_000 })
    const { told, handle } = recorder()
    world.inbox.handlers.onAny(handle)
    await world.send(created())
    await world.inbox.processor.drain()
    await world.inbox.reactor.drain(false)
    expect(told).toEqual([])
    const [delivery] = await world.inbox.store.received.listReceived({ account: ACCOUNT, limit: 1 })
    expect(delivery?.state).toBe('folded')
    await world.clock.moveBy(2_000)
    await world.inbox.reactor.drain(false)
    expect(told).toContain('subscription_created')
  })

  it('absorb a burst: what a later delivery disproves within the window is never told', async () => {
    const world = await createWorld(await open())
    const { told, handle } = recorder()
    world.inbox.handlers.onAny(handle)
    await world.clock.moveBy(DAY)
    // First comes the later state, then the earlier one: access goes up once and not twice.
    await world.send(updated({ status: 'active' }, { status: 'incomplete' }, START + 1000))
    await world.inbox.processor.drain()
    await world.send(created({ status: 'incomplete' }, START))
    await world.inbox.settle()
    expect(told.filter((kind) => kind === 'access_changed').length).toBe(1)
    expect(told.filter((kind) => kind.startsWith('-'))).toEqual([])
    expect(told.filter((kind) => kind === 'subscription_created').length).toBe(1)
  })

  it('tell that a fact is taken back when it was told before', async () => {
    const world = await createWorld(await open())
    const { told, handle } = recorder()
    world.inbox.handlers.onAny(handle)
    await world.clock.moveBy(40 * DAY)
    await world.send(created({ status: 'active' }, START))
    await world.send(updated({ status: 'past_due' }, { status: 'active' }, START + 31 * DAY))
    await world.inbox.settle()
    expect(told).toContain('subscription_past_due')
    const before = told.length
    await world.send(deleted({}, START + 30 * DAY))
    await world.inbox.settle()
    const after = told.slice(before)
    expect(after).toContain('subscription_canceled')
    expect(after).toContain('-subscription_past_due')
  })

  it('are tried again with growing waits until they succeed; other handlers are not told twice', async () => {
    const world = await createWorld(await open(), { inbox: { react: { jitter: 0, backOffMs: [1_000, 5_000] } } })
    const calls: string[] = []
    const errors: boolean[] = []
    let failures = 2
    world.inbox.handlers
      .on('subscription_created', () => void calls.push('steady'), 'steady')
      .on(
        'subscription_created',
        ({ attempt }) => {
          calls.push(`flaky ${attempt}`)
          if (failures-- > 0) throw new Error('not yet')
        },
        'flaky',
      )
      .onError((_error, _reaction, { dead }) => void errors.push(dead))
    await world.send(created())
    await world.inbox.settle()
    expect(calls).toEqual(['steady', 'flaky 1'])
    await world.clock.moveBy(999)
    expect(await world.inbox.reactor.drain(false)).toBe(0)
    await world.clock.moveBy(1)
    await world.inbox.reactor.drain(false)
    await world.clock.moveBy(5_000)
    await world.inbox.reactor.drain(false)
    expect(calls).toEqual(['steady', 'flaky 1', 'flaky 2', 'flaky 3'])
    expect(errors).toEqual([false, false])
    expect(await reactionStates(world)).toEqual(['done'])
  })

  it('are dead after the last attempt, can be told again, and block nobody else', async () => {
    const world = await createWorld(await open(), { inbox: { react: { jitter: 0, backOffMs: [] } } })
    const told: string[] = []
    let poison = true
    world.inbox.handlers.onAny(({ fact, replay }) => {
      if (poison && fact.customer === 'cus_1') throw new Error('poison')
      told.push(`${fact.customer} ${fact.kind}${replay ? ' again' : ''}`)
    })
    await world.send(created({ id: 'sub_1', customer: 'cus_1' }))
    await world.send(created({ id: 'sub_2', customer: 'cus_2' }))
    await world.inbox.settle()
    expect(told).toContain('cus_2 subscription_created')
    expect(told.some((line) => line.startsWith('cus_1'))).toBe(false)
    const [dead] = await world.inbox.store.received.listReceived({ account: ACCOUNT, state: 'dead', limit: 9 })
    expect(dead?.reason).toContain('given up')
    poison = false
    await world.inbox.replay.delivery(ACCOUNT, dead?.id ?? '')
    await world.inbox.settle()
    expect(told).toContain('cus_1 subscription_created')
    expect(await world.inbox.store.received.listReceived({ account: ACCOUNT, state: 'dead', limit: 9 })).toEqual([])
  })

  it('write exactly once in the transaction that they are handed, although they are told twice', async () => {
    const world = await createWorld(await open(), { inbox: { react: { jitter: 0, backOffMs: [1_000] } } })
    const { database } = world
    await database.run('CREATE TABLE welcome (customer TEXT NOT NULL)')
    let calls = 0
    world.inbox.handlers.on('subscription_created', async (reaction) => {
      calls += 1
      await reaction.transaction(async (transaction) => {
        await database
          .within(transaction)
          .run('INSERT INTO welcome (customer) VALUES (?)', [reaction.fact.customer ?? ''])
      })
      throw new Error('after it was committed')
    })
    await world.send(created())
    await world.inbox.settle()
    await world.clock.moveBy(DAY)
    await world.inbox.settle()
    expect(calls).toBe(1)
    expect((await database.all('SELECT customer FROM welcome')).length).toBe(1)
    expect(await reactionStates(world)).toEqual(['done'])
  })

  it('write nothing when the transaction that they are handed fails', async () => {
    const world = await createWorld(await open(), { inbox: { react: { jitter: 0, backOffMs: [1_000] } } })
    const { database } = world
    await database.run('CREATE TABLE welcome (customer TEXT NOT NULL)')
    let fail = true
    world.inbox.handlers.on('subscription_created', async (reaction) => {
      await reaction.transaction(async (transaction) => {
        await database
          .within(transaction)
          .run('INSERT INTO welcome (customer) VALUES (?)', [reaction.fact.customer ?? ''])
        if (fail) throw new Error('half way')
      })
    })
    await world.send(created())
    await world.inbox.settle()
    expect(await database.all('SELECT customer FROM welcome')).toEqual([])
    fail = false
    await world.clock.moveBy(1_000)
    await world.inbox.settle()
    expect((await database.all('SELECT customer FROM welcome')).length).toBe(1)
  })

  it('run in order for one subject, and are told to nobody twice at once', async () => {
    const world = await createWorld(await open())
    const running = new Set<string>()
    const order: string[] = []
    let overlaps = 0
    world.inbox.handlers.onAny(async ({ fact }) => {
      const subject = fact.subscription ?? fact.customer ?? ''
      if (running.has(subject)) overlaps += 1
      running.add(subject)
      await new Promise((resolve) => setImmediate(resolve))
      if (subject === 'sub_1') order.push(fact.kind)
      running.delete(subject)
    })
    await world.clock.moveBy(40 * DAY)
    for (const customer of ['cus_1', 'cus_2', 'cus_3']) {
      const about = { id: `sub_${customer.slice(4)}`, customer }
      await world.send(created({ ...about, status: 'active' }))
      await world.send(updated({ ...about, status: 'past_due' }, { status: 'active' }, START + 31 * DAY))
      await world.send(deleted(about, START + 35 * DAY))
    }
    await world.inbox.processor.drain()
    await Promise.all([world.inbox.reactor.drain(true), world.inbox.reactor.drain(true)])
    await world.inbox.settle()
    expect(overlaps).toBe(0)
    expect(order.indexOf('subscription_created')).toBeLessThan(order.indexOf('subscription_past_due'))
    expect(order.indexOf('subscription_past_due')).toBeLessThan(order.indexOf('subscription_canceled'))
  })

  it('are taken over by another process after the lease, if the first one died', async () => {
    const database = await open()
    const first = await createWorld(database)
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    first.inbox.handlers.on('subscription_created', () => {
      begin()
      return new Promise(() => undefined)
    })
    await first.send(created())
    await first.inbox.processor.drain()
    void first.inbox.reactor.tellBatch(true, new AbortController().signal)
    await begun
    const second = await createWorld(database, { again: true })
    const { told, handle } = recorder()
    second.inbox.handlers.onAny(handle)
    expect(await second.inbox.reactor.drain(true)).toBe(0)
    await second.clock.moveBy(3_600_000)
    await second.inbox.reactor.drain(false)
    expect(told).toContain('subscription_created')
  })

  it('are told again with replay set, and with the same key', async () => {
    const world = await createWorld(await open())
    const keys: string[] = []
    world.inbox.handlers.on('invoice_paid', ({ key, replay }) => void keys.push(`${key} ${replay}`))
    await world.send(created())
    await world.send(event('invoice.paid', invoice(), { at: START + 1000 }))
    await world.inbox.settle()
    expect(await world.inbox.replay.facts({ account: ACCOUNT, kind: 'invoice_paid' })).toBe(1)
    await world.inbox.settle()
    expect(keys.length).toBe(2)
    expect(keys[1]).toBe(keys[0]?.replace('false', 'true'))
  })

  it('are not written for facts that nobody wants', async () => {
    const world = await createWorld(await open())
    world.inbox.handlers.on('subscription_unpaid', () => undefined)
    await world.send(event('customer.subscription.created', subscription()))
    await world.inbox.settle()
    expect(await reactionStates(world)).toEqual([])
    const [delivery] = await world.inbox.store.received.listReceived({ account: ACCOUNT, limit: 1 })
    expect(delivery).toMatchObject({ state: 'reacted', reason: 'nothing to react to' })
  })

  it('run by themselves once the inbox is started, and stop when it is stopped', async () => {
    const world = await createWorld(await open(), { settleMs: 0 })
    const waiting = new Promise<string>((resolve) => {
      world.inbox.handlers.on('subscription_created', ({ fact }) => resolve(fact.subject))
    })
    world.inbox.start()
    await world.send(created())
    expect(await waiting).toBe('sub_1')
    await world.inbox.stop()
    await world.inbox.stop()
    expect(world.clock.waiting()).toEqual([])
  })
})
