import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { describeOnBackends } from '../support/backends.ts'
import type { StorePlace } from '../support/backends.ts'
import { ACCOUNT, createWorld } from './world.ts'

const CHILD = fileURLToPath(new URL('../support/ingest_until_killed.ts', import.meta.url))
const ROUNDS = 2

/** Runs the child, kills it after it has answered `enough`, and returns every id that it has answered. */
async function ingestAndKill(place: StorePlace, round: number, enough: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [CHILD, JSON.stringify(place), String(round), '32'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  const gone = new Promise((resolve) => child.once('close', resolve))
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    if (text.split('\n').length > enough) child.kill('SIGKILL')
  })
  await gone
  return text.split('\n').slice(0, -1)
}

describeOnBackends('A process that is killed at full load', (open, backend) => {
  it('has lost nothing that it answered: all of it is there, folded once, and reacted to once', async () => {
    const place = backend.place()
    const before = await open(place)
    await before.run('CREATE TABLE effect (fact_key TEXT NOT NULL)')
    await before.close()
    const answered: string[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      answered.push(...(await ingestAndKill(place, round, 150 + 100 * round)))
    }
    expect(answered.length).toBeGreaterThan(300)

    const database = await open(place)
    const world = await createWorld(database, { again: true })
    world.inbox.handlers.on('subscription_created', async (reaction) => {
      await reaction.transaction(async (transaction) => {
        await database.within(transaction).run('INSERT INTO effect (fact_key) VALUES (?)', [reaction.fact.key])
      })
    })
    await world.clock.moveBy(3_600_000)
    await world.inbox.settle()
    const ids = async (sql: string): Promise<readonly string[]> =>
      (await database.all(sql)).map((row) => String(row['id'])).sort()
    const stored = await ids(`SELECT subscription AS id FROM fact WHERE kind = 'subscription_created'`)
    for (const id of answered) expect(stored).toContain(`sub_${id}`)
    const told = await ids('SELECT fact_key AS id FROM effect')
    expect(new Set(told).size).toBe(told.length)
    expect(told.length).toBe(stored.length)
    const waiting = await world.inbox.store.received.listReceived({ account: ACCOUNT, state: 'received', limit: 1 })
    expect(waiting).toEqual([])
  })
})
