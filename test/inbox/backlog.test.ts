import { expect, it } from 'vitest'
import { describeOnBackends } from '../support/backends.ts'
import { ACCOUNT, created, createWorld, factsOf } from './world.ts'
import type { World } from './world.ts'

/** A gate that folds cannot pass before it is opened. */
function holdFolds({ inbox: { processor } }: World): () => void {
  const fold = processor.foldBatch.bind(processor)
  const gate = Promise.withResolvers<undefined>()
  processor.foldBatch = async () => {
    await gate.promise
    return fold()
  }
  return () => gate.resolve(undefined)
}

/** Lets everything run that waits for nothing but the event loop. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

async function sendMany(world: World, count: number, from = 0): Promise<number> {
  const ids = Array.from({ length: count }, (_, index) => from + index)
  const answers = await Promise.all(ids.map((id) => world.send(created({ id: `sub_${id}`, customer: `cus_${id}` }))))
  return answers.filter(({ ok }) => ok).length
}

const WHOLE_BACKLOG = 511

describeOnBackends('A backlog of deliveries', (open) => {
  it('holds up answers when folds cannot follow, until they have followed', async () => {
    const world = await createWorld(await open(), { inbox: { process: { maxWaitMs: 60_000 } } })
    const openGate = holdFolds(world)
    world.inbox.start()
    // Given: as many stored deliveries as may wait without a word
    expect(await sendMany(world, WHOLE_BACKLOG)).toBe(WHOLE_BACKLOG)
    // When: one more comes
    let isAnswered = false
    const late = sendMany(world, 1, WHOLE_BACKLOG).then((count) => {
      isAnswered = true
      return count
    })
    while ((await world.inbox.store.received.listReceived({ account: ACCOUNT, limit: 1_000 })).length <= WHOLE_BACKLOG)
      await turns()
    await turns()
    // Then: it is stored, and answered when the folds have followed
    expect(isAnswered).toBe(false)
    openGate()
    expect(await late).toBe(1)
    await world.inbox.stop()
    await world.inbox.settle()
    expect(await factsOf(world, `cus_${WHOLE_BACKLOG}`)).toContain('subscription_created')
  })

  it('holds up nobody while nothing folds here', async () => {
    const world = await createWorld(await open())
    expect(await sendMany(world, WHOLE_BACKLOG + 10)).toBe(WHOLE_BACKLOG + 10)
  })

  it('holds up no answer longer than the time that was set', async () => {
    const world = await createWorld(await open(), { inbox: { process: { maxWaitMs: 1 } } })
    const openGate = holdFolds(world)
    world.inbox.start()
    expect(await sendMany(world, WHOLE_BACKLOG + 10)).toBe(WHOLE_BACKLOG + 10)
    openGate()
    await world.inbox.stop()
  })

  it('is folded by several loops at a time, each delivery once', async () => {
    const world = await createWorld(await open(), { inbox: { process: { loops: 3 } } })
    world.inbox.start()
    expect(await sendMany(world, 300)).toBe(300)
    while ((await world.inbox.store.received.backlog()) > 0) await turns()
    await world.inbox.stop()
    for (const id of [0, 150, 299]) {
      expect((await factsOf(world, `cus_${id}`)).filter((kind) => kind === 'subscription_created')).toHaveLength(1)
    }
    const facts = await world.database.all(`SELECT fact_key FROM fact WHERE kind = 'subscription_created'`)
    expect(facts).toHaveLength(300)
  })
})
