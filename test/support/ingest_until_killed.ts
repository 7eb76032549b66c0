/** A process that takes deliveries in and folds them as fast as it can, and prints the id of each that it answered 200. */
import { writeSync } from 'node:fs'
import { created, createWorld } from '../inbox/world.ts'
import { openPlace } from './backends.ts'
import type { StorePlace } from './backends.ts'

const [place = '', round = '', concurrency = ''] = process.argv.slice(2)
const database = await openPlace(JSON.parse(place) as StorePlace)
const world = await createWorld(database, { again: round !== '0' })
world.inbox.handlers.on('subscription_created', async (reaction) => {
  await reaction.transaction(async (transaction) => {
    await database.within(transaction).run('INSERT INTO effect (fact_key) VALUES (?)', [reaction.fact.key])
  })
})
let next = 0
const send = async (): Promise<void> => {
  for (;;) {
    const id = `${round}_${next++}`
    const answer = await world.send(created({ id: `sub_${id}`, customer: `cus_${id}` }))
    // Synchronous: what is printed is out before the process can be killed.
    if (answer.status === 200) writeSync(1, `${id}\n`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
const work = async (): Promise<void> => {
  for (;;) {
    await world.inbox.processor.drain()
    await world.inbox.reactor.drain(true)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
await Promise.all([...Array.from({ length: Number(concurrency) }, send), work()])
