/**
 * The crash suite of the receiving end: a server under full load is killed at a random moment and started again, many
 * times on one store. What was not acknowledged is sent again, as a provider would. Afterwards every acknowledged delivery
 * must be there with its bytes, none may wait or be set aside, and each life must have led to exactly the facts that it
 * leads to without a crash. Prints a table; exits 1 if anything is lost, altered, or folded more or less than once.
 *
 *     node bench/crash_ingest.ts [rounds on each backend] [seed]
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import { createSeededRandom } from '../src/runtime/system_random.ts'
import type { Database } from '../src/storage/database.ts'
import { openDatabase } from '../src/storage/open_store.ts'
import type { StoreLocation } from '../src/storage/open_store.ts'
import { findBinaries, startPostgres } from '../test/support/postgres_server.ts'
import { startBillhook } from './ingest_children.ts'
import type { Served } from './ingest_children.ts'
import { makeDeliveries, post } from './ingest_load.ts'
import type { Delivery } from './ingest_load.ts'

const ROUNDS = Number(process.argv[2] ?? 20)
const SEED = process.argv[3] ?? String(Date.now())
const random = createSeededRandom(SEED)
const CONCURRENCY = 64
/** The load is at its full height after so many answers; a server is killed at the latest so long after that. */
const WARM_AFTER = 300
const KILL_WITHIN_MS = 1_200
/** More than a server can take by then. */
const DELIVERIES_OF_A_ROUND = 4_000

interface Place {
  readonly store: string
  readonly settings: Readonly<Record<string, string>>
  readonly location: StoreLocation
}

interface Round {
  readonly acknowledged: number
  readonly unanswered: number
  readonly waiting: number
  readonly lost: number
  readonly altered: number
  readonly misfolded: number
}

/** Sends until the server is gone. @returns what was acknowledged */
async function load(served: Served, deliveries: readonly Delivery[]): Promise<ReadonlySet<Delivery>> {
  const pool = new Pool(served.url, { connections: CONCURRENCY, pipelining: 1 })
  const acknowledged = new Set<Delivery>()
  let isGone = false
  let next = 0
  let warm = (): void => undefined
  const isWarm = new Promise<void>((resolve) => (warm = resolve))
  const worker = async (): Promise<void> => {
    for (let each = deliveries[next]; each !== undefined && !isGone; each = deliveries[next]) {
      next += 1
      try {
        await post(pool, each)
        acknowledged.add(each)
        if (acknowledged.size === WARM_AFTER) warm()
      } catch {
        isGone = true
      }
    }
  }
  const killed = async (): Promise<void> => {
    await isWarm
    await new Promise((resolve) => setTimeout(resolve, random.fraction() * KILL_WITHIN_MS))
    await served.kill()
  }
  await Promise.all([killed(), ...Array.from({ length: CONCURRENCY }, worker)])
  await pool.destroy()
  return acknowledged
}

async function sendAgain(served: Served, deliveries: readonly Delivery[]): Promise<void> {
  const pool = new Pool(served.url, { connections: CONCURRENCY, pipelining: 1 })
  const left = [...deliveries]
  const worker = async (): Promise<void> => {
    for (let each = left.pop(); each !== undefined; each = left.pop()) await post(pool, each)
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  await pool.close()
}

/** The facts of each life, as text. How often access changed on the way depends on the order of arrival. */
async function factsOf(database: Database): Promise<ReadonlyMap<string, string>> {
  const rows = await database.all(
    `SELECT source, COALESCE(subscription, customer) AS subject, kind, COUNT(*) AS n FROM fact
     WHERE retracted_at IS NULL AND kind <> 'access_changed' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
  )
  const lives = Map.groupBy(rows, (row) => String(row['subject']).replace(/^[a-z]+_/, ''))
  return new Map(
    [...lives].map(([life, each]) => [
      life,
      each.map((row) => `${row['source']} ${row['kind']} ${row['n']}`).join(', '),
    ]),
  )
}

/** Hashes of the bytes that are stored, by the hash that was noted when they came; and the states of the deliveries. */
async function storedBytes(
  database: Database,
): Promise<ReadonlyMap<string, { readonly hash: string; readonly state: string }>> {
  const stored = new Map<string, { readonly hash: string; readonly state: string }>()
  for (let after = ''; ;) {
    const rows = await database.all(
      `SELECT d.id, d.sha256, d.state, r.body FROM received d JOIN received_raw r ON r.account = d.account AND r.id = d.id
       WHERE d.account = 'main' AND d.id > ? ORDER BY d.id LIMIT 1000`,
      [after],
    )
    for (const { sha256, state, body } of rows) {
      if (!(body instanceof Uint8Array)) throw new Error('a body is not bytes')
      stored.set(String(sha256), { hash: createHash('sha256').update(body).digest('hex'), state: String(state) })
    }
    const last = rows.at(-1)
    if (last === undefined) return stored
    after = String(last['id'])
  }
}

/** Folded once: in a final state, and the whole life has led to the facts that it must, each as often as it must. */
async function check(
  place: Place,
  sent: {
    readonly acknowledged: ReadonlySet<Delivery>
    readonly deliveries: readonly Delivery[]
    readonly expected: string
  },
): Promise<Pick<Round, 'lost' | 'altered' | 'misfolded'>> {
  await using database = await openDatabase(place.location)
  const stored = await storedBytes(database)
  const facts = await factsOf(database)
  const rows = [...sent.acknowledged].map(({ sha256 }) => ({ sha256, row: stored.get(sha256) }))
  const lives = new Set(sent.deliveries.map(({ life }) => life))
  const badStates = rows.filter(({ row }) => row !== undefined && row.state !== 'folded' && row.state !== 'reacted')
  return {
    lost: rows.filter(({ row }) => row === undefined).length,
    altered: rows.filter(({ sha256, row }) => row !== undefined && row.hash !== sha256).length,
    misfolded: badStates.length + [...lives].filter((life) => facts.get(life) !== sent.expected).length,
  }
}

/** What one life leads to when nothing crashes. */
async function reference(place: Place): Promise<string> {
  const deliveries = makeDeliveries(1)
  {
    await using served = await startBillhook(place.settings)
    await sendAgain(served, deliveries)
    await served.drained()
  }
  await using database = await openDatabase(place.location)
  const facts = (await factsOf(database)).get(deliveries[0]?.life ?? '')
  if (facts === undefined) throw new Error('a life leads to no facts')
  return facts
}

async function round(place: Place, expected: string): Promise<Round> {
  const deliveries = makeDeliveries(DELIVERIES_OF_A_ROUND)
  const doomed = await startBillhook(place.settings)
  const acknowledged = await load(doomed, deliveries)
  const lives = new Set([...acknowledged].map(({ life }) => life))
  const begun = deliveries.filter(({ life }) => lives.has(life))
  const again = begun.filter((each) => !acknowledged.has(each))
  const waiting = await countWaiting(place)
  {
    await using served = await startBillhook(place.settings)
    await sendAgain(served, again)
    await served.drained()
  }
  const checked = await check(place, { acknowledged, deliveries: begun, expected })
  return { acknowledged: acknowledged.size, unanswered: again.length, waiting, ...checked }
}

/** Deliveries that the dead server had stored and not folded. */
async function countWaiting(place: Place): Promise<number> {
  await using database = await openDatabase(place.location)
  const row = await database.first(`SELECT COUNT(*) AS n FROM received WHERE state = 'received'`)
  return Number(row?.['n'])
}

/** All rounds on one store. @returns how many deliveries went wrong */
async function suite(place: Place): Promise<number> {
  const expected = await reference(place)
  const totals = { acknowledged: 0, wrong: 0 }
  for (let number = 1; number <= ROUNDS; number += 1) {
    const made = await round(place, expected)
    totals.acknowledged += made.acknowledged
    totals.wrong += made.lost + made.altered + made.misfolded
    const cells = [
      number,
      place.store,
      made.acknowledged,
      made.unanswered,
      made.waiting,
      made.lost,
      made.altered,
      made.misfolded,
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
  console.log(`\n${place.store}: ${ROUNDS} rounds, ${totals.acknowledged} acknowledged, ${totals.wrong} wrong\n`)
  return totals.wrong
}

const folder = mkdtempSync(join(tmpdir(), 'billhook-crash-'))
console.log(`seed ${SEED}\n`)
console.log('| round | store | acknowledged | not answered | found unfolded | lost | altered | not folded once |')
console.log('| ----: | ----- | -----------: | -----------: | -------------: | ---: | ------: | --------------: |')
let wrong = 0
try {
  const dataFolder = join(folder, 'data')
  wrong += await suite({ store: 'embedded', settings: { BILLHOOK_DATA_FOLDER: dataFolder }, location: { dataFolder } })
  if (hasPostgres()) {
    const postgres = await startPostgres()
    try {
      const settings = {
        BILLHOOK_DATA_FOLDER: join(folder, 'keys'),
        DATABASE_URL: postgres.url,
        BILLHOOK_DATABASE_SCHEMA: 'crash',
      }
      const location = { databaseUrl: postgres.url, schema: 'crash' }
      wrong += await suite({ store: 'PostgreSQL', settings, location })
    } finally {
      await postgres.stop()
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(wrong === 0 ? 0 : 1)

function hasPostgres(): boolean {
  try {
    findBinaries()
    return true
  } catch (error) {
    console.log(`PostgreSQL left out: ${String(error)}`)
    return false
  }
}
