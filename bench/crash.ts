/**
 * The crash suite: nodes and PostgreSQL are killed at random moments under load. Each round tells how many of the publishes
 * that had been acknowledged never arrived (it must be none), how many arrived twice, and how long it took until publishing
 * worked again and until everything had arrived.
 *
 *     node bench/crash.ts [rounds on PostgreSQL] [rounds embedded] [seed]
 */
import { fork, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { createSeededRandom } from '../src/runtime/system_random.ts'
import type { StoreLocation } from '../src/storage/open_store.ts'
import { findBinaries, startPostgres } from '../test/support/postgres_server.ts'

const POSTGRES_ROUNDS = Number(process.argv[2] ?? 40)
const EMBEDDED_ROUNDS = Number(process.argv[3] ?? 20)
const SEED = process.argv[4] ?? String(Date.now())
const random = createSeededRandom(SEED)
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Longer than this nothing takes that is not lost. */
const LOST_AFTER_MS = 60_000

// ---------------------------------------------------------------------------------------------------------------- sink

const arrivals = new Map<string, number>()
const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    const id = String(request.headers['webhook-id'])
    arrivals.set(id, (arrivals.get(id) ?? 0) + 1)
    response.writeHead(200).end()
  })
  request.on('error', () => undefined)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const sink = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`

// --------------------------------------------------------------------------------------------------------------- nodes

const acked = new Set<string>()
const heard = { refused: 0, lastAckAt: 0 }

class Node {
  #process: ChildProcess | null = null
  readonly #location: StoreLocation

  constructor(location: StoreLocation) {
    this.#location = location
  }

  async start(): Promise<void> {
    for (let tries = 0; tries < 100; tries += 1) {
      const child = fork(
        new URL('./crash_node.ts', import.meta.url),
        [JSON.stringify({ location: this.#location, sink })],
        {
          stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        },
      )
      const ready = await new Promise<boolean>((resolve) => {
        child.once('exit', () => resolve(false))
        child.on('message', (message: { ready?: boolean; acked?: string[]; refused?: number }) => {
          if (message.ready === true) resolve(true)
          if (message.acked !== undefined) {
            for (const id of message.acked) acked.add(id)
            heard.lastAckAt = Date.now()
          }
          heard.refused += message.refused ?? 0
        })
      })
      if (ready) {
        this.#process = child
        return
      }
      // PostgreSQL is not back yet: an operator's supervisor would start it again, too.
      await sleep(100)
    }
    throw new Error('a node does not start')
  }

  say(word: 'load' | 'rest' | 'full' | 'room'): void {
    this.#process?.send(word, () => undefined)
  }

  async kill(): Promise<void> {
    const child = this.#process
    if (child === null) return
    this.#process = null
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
}

// -------------------------------------------------------------------------------------------------------------- rounds

interface Round {
  readonly number: number
  readonly store: string
  readonly fault: string
  readonly acknowledged: number
  readonly lost: number
  readonly duplicates: number
  readonly acceptsAfterS: number
  readonly allArrivedAfterS: number
}

const rounds: Round[] = []

async function round(
  store: string,
  nodes: readonly Node[],
  fault: { name: string; strike: () => Promise<void> },
): Promise<void> {
  acked.clear()
  arrivals.clear()
  heard.lastAckAt = 0
  for (const node of nodes) node.say('load')
  // Somewhere in the load: from its first moments to a second later.
  await sleep(50 + random.fraction() * 1_000)
  const struckAt = Date.now()
  await fault.strike()
  for (const node of nodes) node.say('load')
  const repairedAt = Date.now()
  while (heard.lastAckAt < repairedAt) {
    if (Date.now() - struckAt > LOST_AFTER_MS) throw new Error(`${fault.name}: publishing does not work again`)
    await sleep(10)
  }
  const acceptsAt = heard.lastAckAt
  await sleep(200)
  for (const node of nodes) node.say('rest')
  await sleep(100)
  const before = [...acked]
  const missing = (): number => before.filter((id) => !arrivals.has(id)).length
  const waitFrom = Date.now()
  while (missing() > 0 && Date.now() - waitFrom < LOST_AFTER_MS) await sleep(20)
  const arrivedAt = Date.now()
  // What was only half known: results that were not written are delivered once more now.
  await sleep(300)
  const result: Round = {
    number: rounds.length + 1,
    store,
    fault: fault.name,
    acknowledged: before.length,
    lost: missing(),
    duplicates: [...arrivals.values()].reduce((sum, times) => sum + times - 1, 0),
    acceptsAfterS: (acceptsAt - struckAt) / 1000,
    allArrivedAfterS: (arrivedAt - struckAt) / 1000,
  }
  rounds.push(result)
  console.log(line(result))
}

function line(round: Round): string {
  const { number, store, fault, acknowledged, lost, duplicates, acceptsAfterS, allArrivedAfterS } = round
  return `| ${number} | ${store} | ${fault} | ${acknowledged} | ${lost} | ${duplicates} | ${acceptsAfterS.toFixed(1)} | ${allArrivedAfterS.toFixed(1)} |`
}

console.log(`seed ${SEED}\n`)
console.log('| round | store | fault | acknowledged | lost | twice | accepts after, s | all arrived after, s |')
console.log('| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |')

async function onPostgres(): Promise<void> {
  const first = await startPostgres()
  const owner = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  let postmaster = first.pid
  let restarted: ChildProcess | null = null
  const admin = async <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => {
    for (let tries = 0; ; tries += 1) {
      const client = new pg.Client({ connectionString: first.url })
      client.on('error', () => undefined)
      try {
        await client.connect()
        return await work(client)
      } catch (error) {
        if (tries > 200) throw error
        await sleep(50)
      } finally {
        await client.end().catch(() => undefined)
      }
    }
  }
  const location: StoreLocation = { databaseUrl: first.url, schema: 'crash', maxConnections: 6 }
  const nodes = [new Node(location), new Node(location)]
  for (const node of nodes) await node.start()
  const backend = (): Promise<number> =>
    admin(async (client) => {
      const { rows } = await client.query(
        `SELECT pid FROM pg_stat_activity WHERE application_name = 'billhook' LIMIT 1`,
      )
      return Number(rows[0]?.pid ?? 0)
    })
  const faults: readonly { name: string; strike: () => Promise<void> }[] = [
    {
      name: 'one of two nodes killed',
      strike: async () => {
        const node = nodes[random.fraction() < 0.5 ? 0 : 1]
        await node?.kill()
        await node?.start()
      },
    },
    {
      name: 'both nodes killed',
      strike: async () => {
        await Promise.all(nodes.map((node) => node.kill()))
        await Promise.all(nodes.map((node) => node.start()))
      },
    },
    {
      name: 'a PostgreSQL backend killed (all restart, recovery)',
      strike: async () => {
        const pid = await backend()
        if (pid > 0) process.kill(pid, 'SIGKILL')
        await admin((client) => client.query('SELECT 1'))
      },
    },
    {
      name: 'PostgreSQL killed and started again',
      strike: async () => {
        process.kill(postmaster, 'SIGKILL')
        await sleep(300)
        for (let tries = 0; tries < 50; tries += 1) {
          restarted = spawn(join(findBinaries(), 'postgres'), ['-D', join(first.folder, 'data')], {
            ...owner,
            stdio: 'ignore',
          })
          const early = await Promise.race([
            new Promise<boolean>((resolve) => restarted?.once('exit', () => resolve(true))),
            sleep(700).then(() => false),
          ])
          if (!early) break
        }
        postmaster = restarted?.pid ?? 0
        await admin((client) => client.query('SELECT 1'))
      },
    },
    {
      name: 'all connections cut',
      strike: () =>
        admin(async (client) => {
          await client.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'billhook'`,
          )
        }),
    },
  ]
  for (let i = 0; i < POSTGRES_ROUNDS; i += 1) {
    const fault = faults[i % faults.length]
    if (fault !== undefined) await round('PostgreSQL, 2 nodes', nodes, fault)
  }
  await Promise.all(nodes.map((node) => node.kill()))
  const last = restarted as ChildProcess | null
  if (last !== null) {
    const gone = new Promise((resolve) => last.once('exit', resolve))
    last.kill('SIGINT')
    await gone
  }
  await first.stop()
}

async function embedded(): Promise<void> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'billhook-crash-'))
  const node = new Node({ dataFolder })
  await node.start()
  const faults: readonly { name: string; strike: () => Promise<void> }[] = [
    {
      name: 'process killed',
      strike: async () => {
        await node.kill()
        await node.start()
      },
    },
    {
      name: 'process killed twice, the second time as it starts',
      strike: async () => {
        await node.kill()
        await node.start()
        await sleep(random.fraction() * 50)
        await node.kill()
        await node.start()
      },
    },
    {
      name: 'disk full for a while (simulated), then killed',
      strike: async () => {
        const before = heard.refused
        node.say('full')
        for (let waited = 0; heard.refused === before && waited < 5_000; waited += 20) await sleep(20)
        if (heard.refused === before) throw new Error('the disk did not become full')
        await node.kill()
        await node.start()
      },
    },
    {
      name: 'disk full for a while (simulated)',
      strike: async () => {
        const before = heard.refused
        node.say('full')
        for (let waited = 0; heard.refused === before && waited < 5_000; waited += 20) await sleep(20)
        if (heard.refused === before) throw new Error('the disk did not become full')
        node.say('room')
        await sleep(50)
      },
    },
  ]
  for (let i = 0; i < EMBEDDED_ROUNDS; i += 1) {
    const fault = faults[i % faults.length]
    if (fault !== undefined) await round('embedded', [node], fault)
  }
  await node.kill()
  rmSync(dataFolder, { recursive: true, force: true })
}

await embedded()
await onPostgres()
server.closeAllConnections()
server.close()

const sum = (of: (round: Round) => number): number => rounds.reduce((total, round) => total + of(round), 0)
const worst = (of: (round: Round) => number): string => Math.max(...rounds.map(of)).toFixed(1)
console.log(
  `\n${rounds.length} rounds, ${sum((r) => r.acknowledged)} acknowledged publishes: ${sum((r) => r.lost)} lost, ${sum((r) => r.duplicates)} arrived twice; publishing works again after at most ${worst((r) => r.acceptsAfterS)} s, everything had arrived after at most ${worst((r) => r.allArrivedAfterS)} s (dead nodes are noticed after 3 s here).`,
)
process.exit(sum((r) => r.lost) === 0 ? 0 : 1)
