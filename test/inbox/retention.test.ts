import { expect, it } from 'vitest'
import { describeOnBackends } from '../support/backends.ts'
import { ACCOUNT, created, createWorld, DAY, event, invoice, ledgerText, SOURCE, START } from './world.ts'

describeOnBackends('Retention', (open) => {
  it('removes old deliveries that are done with, and keeps the ledger, also through a re-fold', async () => {
    const world = await createWorld(await open(), {
      inbox: { retention: { deliveriesMs: 70 * DAY, reactionsMs: 70 * DAY } },
    })
    world.inbox.handlers.onAny(() => undefined)
    await world.send(created())
    await world.inbox.settle()
    await world.clock.moveBy(69 * DAY)
    await world.send(event('invoice.paid', invoice(), { at: START + 1000 }))
    await world.inbox.settle()
    expect(await world.inbox.retention.prune()).toMatchObject({ deliveries: 0 })
    await world.clock.moveBy(2 * DAY)
    const before = await ledgerText(world)
    const pruned = await world.inbox.retention.prune()
    expect(pruned).toMatchObject({ deliveries: 1 })
    expect(pruned.reactions).toBeGreaterThan(0)
    expect((await world.inbox.store.received.listReceived({ account: ACCOUNT, limit: 9 })).length).toBe(1)
    const report = await world.inbox.refold.shadow(ACCOUNT, SOURCE)
    expect(report.counts).toMatchObject({ added: 0, retracted: 0, changed: 0 })
    await world.inbox.refold.adopt(ACCOUNT, SOURCE)
    expect(await ledgerText(world)).toBe(before)
  })

  it('keeps what waits to be folded or told', async () => {
    const world = await createWorld(await open(), { inbox: { retention: { deliveriesMs: 7 * DAY, reactionsMs: 0 } } })
    world.inbox.handlers.onAny(() => undefined)
    await world.send(created())
    await world.clock.moveBy(8 * DAY)
    expect((await world.inbox.retention.prune()).deliveries).toBe(0)
    await world.inbox.processor.drain()
    expect(await world.inbox.retention.prune()).toEqual({ deliveries: 0, reactions: 0 })
    await world.inbox.settle()
    await world.clock.moveBy(1)
    expect((await world.inbox.retention.prune()).deliveries).toBe(1)
  })

  it('refuses to forget deliveries while their providers may still repeat them', async () => {
    const database = await open()
    await expect(createWorld(database, { inbox: { retention: { deliveriesMs: DAY } } })).rejects.toMatchObject({
      code: 'config_invalid',
    })
  })
})

describeOnBackends('Forwarding', (open) => {
  it('hands each fact on once, in a transaction, also when it fails at first', async () => {
    const world = await createWorld(await open(), { inbox: { react: { jitter: 0, backOffMs: [1_000] } } })
    const handed: string[] = []
    let fail = true
    world.inbox.handlers.onAny(async ({ fact, key, transaction }) => {
      await transaction(async (open) => {
        await world.database.within(open).first('SELECT 1 AS one')
        if (fail && fact.kind === 'subscription_created') throw new Error('not now')
        handed.push(key)
      })
    }, 'forward')
    await world.send(created())
    await world.inbox.settle()
    fail = false
    await world.clock.moveBy(1_000)
    await world.inbox.settle()
    expect(new Set(handed).size).toBe(handed.length)
    expect(handed.some((key) => key.includes('subscription_created'))).toBe(true)
  })
})
