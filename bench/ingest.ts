/**
 * How fast deliveries are taken in: the real server (verified, durable before the answer, folded behind it) against a bare
 * `node:http` server that reads the body and checks its HMAC, both in a process of their own, in the same run, in turns.
 * Nothing is asserted: what counts are the ratios, on whatever machine this runs.
 *
 *     node bench/ingest.ts [section ...]        sections: speed access stored memory; the first two if none is named
 *     BENCH_ROUNDS=3 BENCH_STORED=1000000 BENCH_LONG=100000 BENCH_BACKENDS=embedded,postgres BENCH_PROFILE=folder
 *
 * `sustained` counts the time until everything is folded, too. CPU is that of the server's process: PostgreSQL's own is not
 * in it. All deliveries are new, five to a customer's life, of two providers.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import type { Database } from '../src/storage/database.ts'
import { openDatabase } from '../src/storage/open_store.ts'
import type { StoreLocation } from '../src/storage/open_store.ts'
import { startPostgres } from '../test/support/postgres_server.ts'
import { startBare, startBillhook } from './ingest_children.ts'
import type { Served } from './ingest_children.ts'
import { makeDeliveries, median, percentile, sendAll } from './ingest_load.ts'

const SECTIONS = process.argv.length > 2 ? process.argv.slice(2) : ['speed', 'access']
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const STORED = Number(process.env['BENCH_STORED'] ?? 1_000_000)
const LONG = Number(process.env['BENCH_LONG'] ?? 100_000)
const BACKENDS = (process.env['BENCH_BACKENDS'] ?? 'embedded,postgres').split(',')
/** Requests at a time, and deliveries of one measurement. */
const LOADS = [
  [1, 1_000],
  [16, 5_000],
  [64, 10_000],
  [256, 10_000],
] as const
const WARM_UP = 3_000
const STORED_BEFORE = 10_000

interface Measured {
  readonly answered: number
  readonly sustained: number
  readonly cpuUs: number
  readonly p50: number
  readonly p99: number
  readonly backlog: number
  readonly drainS: number
}

interface Place {
  readonly name: string
  readonly settings: Readonly<Record<string, string>>
  readonly location: StoreLocation
}

async function measure(served: Served, concurrency: number, count: number): Promise<Measured> {
  const deliveries = makeDeliveries(count)
  const pool = new Pool(served.url, { connections: concurrency, pipelining: 1 })
  const before = await served.usage()
  const { seconds, latencies } = await sendAll(pool, deliveries, concurrency)
  const backlog = await served.backlog()
  const drainS = backlog === 0 ? 0 : await served.drained()
  const { cpuUs } = await served.usage()
  await pool.close()
  return {
    answered: deliveries.length / seconds,
    sustained: deliveries.length / (seconds + drainS),
    cpuUs: (cpuUs - before.cpuUs) / deliveries.length,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    backlog,
    drainS,
  }
}

function middle(rounds: readonly Measured[], of: keyof Measured): number {
  return median(rounds.map((round) => round[of]))
}

/** Both servers in turns, so that what else the machine does hits both. */
async function speed(place: Place): Promise<void> {
  await using bare = await startBare()
  await using ours = await startBillhook(place.settings)
  await measure(bare, 64, WARM_UP)
  await measure(ours, 64, WARM_UP)
  for (const [concurrency, count] of LOADS) {
    const rounds: { readonly bare: Measured; readonly ours: Measured }[] = []
    for (let i = 0; i < ROUNDS; i += 1) {
      rounds.push({ bare: await measure(bare, concurrency, count), ours: await measure(ours, concurrency, count) })
    }
    const [limit, own] = [rounds.map((round) => round.bare), rounds.map((round) => round.ours)]
    const cells = [
      place.name,
      concurrency,
      middle(limit, 'answered').toFixed(0),
      middle(own, 'answered').toFixed(0),
      middle(own, 'sustained').toFixed(0),
      median(rounds.map((round) => round.ours.sustained / round.bare.answered)).toFixed(2),
      `${middle(limit, 'cpuUs').toFixed(0)} / ${middle(own, 'cpuUs').toFixed(0)}`,
      `${middle(limit, 'p50').toFixed(1)} / ${middle(own, 'p50').toFixed(1)}`,
      `${middle(limit, 'p99').toFixed(1)} / ${middle(own, 'p99').toFixed(1)}`,
      `${middle(own, 'backlog')}, ${middle(own, 'drainS').toFixed(2)} s`,
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

/** One client that asks for access all the time while others deliver; the bare server is asked for nothing at all. */
async function access(place: Place): Promise<void> {
  const p99s: { readonly bare: number; readonly ours: number }[] = []
  const customer = makeDeliveries(1)[0]?.customer ?? ''
  await using bare = await startBare()
  await using ours = await startBillhook(place.settings)
  await measure(bare, 64, WARM_UP)
  await measure(ours, 64, WARM_UP)
  for (let i = 0; i < ROUNDS; i += 1) {
    p99s.push({ bare: await askBeside(bare, customer), ours: await askBeside(ours, customer) })
  }
  const ratio = median(p99s.map((each) => each.ours / each.bare))
  const [limit, own] = [median(p99s.map((each) => each.bare)), median(p99s.map((each) => each.ours))]
  console.log(
    `${place.name}: access beside 64 deliveries at a time, p99 ${own.toFixed(1)} ms; bare ${limit.toFixed(1)} ms; ratio ${ratio.toFixed(1)}`,
  )
}

/** @returns the 99th percentile of the questions, in milliseconds */
async function askBeside(served: Served, customer: string): Promise<number> {
  const pool = new Pool(served.url, { connections: 1, pipelining: 1 })
  const path = `/v1/access?source=cards&customer=${customer}`
  const headers = { authorization: `Bearer ${served.key}` }
  const over = new AbortController()
  const latencies: number[] = []
  const asking = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const at = performance.now()
      const answer = await pool.request({ path, method: 'GET', headers })
      await answer.body.dump()
      if (answer.statusCode !== 200) throw new Error(`access was answered ${answer.statusCode}`)
      latencies.push(performance.now() - at)
    }
  }
  const asked = asking()
  await measure(served, 64, 10_000)
  over.abort()
  await asked
  await pool.close()
  return percentile(
    latencies.sort((a, b) => a - b),
    0.99,
  )
}

/** Throughput with ten thousand stored deliveries and with many more, ledger and all. */
async function stored(place: Place): Promise<void> {
  const few = await sustainedWith(place, STORED_BEFORE)
  {
    await using database = await openDatabase(place.location)
    await multiply(database, Math.ceil(STORED / (STORED_BEFORE + few.sent)))
  }
  const many = await sustainedWith(place, 0)
  console.log(
    `${place.name}: ${few.rate.toFixed(0)}/s with ${STORED_BEFORE} stored, ${many.rate.toFixed(0)}/s with ${STORED}: ratio ${(few.rate / many.rate).toFixed(2)}; CPU ${few.cpuUs.toFixed(0)} and ${many.cpuUs.toFixed(0)} us`,
  )
}

async function sustainedWith(
  place: Place,
  before: number,
): Promise<{ readonly rate: number; readonly cpuUs: number; readonly sent: number }> {
  await using served = await startBillhook(place.settings)
  await measure(served, 64, Math.max(WARM_UP, before))
  const rounds: Measured[] = []
  for (let i = 0; i < ROUNDS; i += 1) rounds.push(await measure(served, 64, 10_000))
  return { rate: middle(rounds, 'sustained'), cpuUs: middle(rounds, 'cpuUs'), sent: ROUNDS * 10_000 }
}

/** Columns that make a row of their own, by table: a copy gets new ones. */
const KEYS = {
  received: ['id', 'dedupe'],
  received_raw: ['id'],
  received_event: ['dedupe', 'delivery'],
  observation: ['delivery', 'subject_group'],
  object: ['id'],
  fact: ['fact_key', 'subject_group', 'customer', 'subscription'],
  subject_group: ['id'],
  membership: ['reference', 'subject_group'],
  access_state: ['customer', 'subject_group'],
} as const

/** Copies everything that was received and folded under new ids, until there is `times` as much. */
async function multiply(database: Database, times: number): Promise<void> {
  for (const [table, keys] of Object.entries(KEYS)) {
    const sample = await database.first(`SELECT * FROM ${table} LIMIT 1`)
    const columns = Object.keys(sample ?? {})
    const own: readonly string[] = keys
    for (let copy = 1; copy < times; copy += 1) {
      const values = columns.map((column) => (own.includes(column) ? `${column} || '~${copy}'` : column)).join(', ')
      // Copies of copies would grow by squares.
      const first = `${keys[0]} NOT LIKE '%~%'`
      await database.run(`INSERT INTO ${table} (${columns.join(', ')}) SELECT ${values} FROM ${table} WHERE ${first}`)
    }
  }
  if (database.backend === 'postgres') await database.run('ANALYZE')
}

/** Memory of the server through a long run. */
async function memory(place: Place): Promise<void> {
  await using served = await startBillhook(place.settings)
  const parts = 10
  const seen: string[] = []
  for (let i = 0; i < parts; i += 1) {
    await measure(served, 64, LONG / parts)
    const { rss, heapUsed } = await served.usage()
    seen.push(`${(rss / 2 ** 20).toFixed(0)} (${(heapUsed / 2 ** 20).toFixed(0)})`)
  }
  console.log(`${place.name}: MiB resident (heap) after each ${LONG / parts} of ${LONG} deliveries: ${seen.join(', ')}`)
}

const folder = mkdtempSync(join(tmpdir(), 'billhook-ingest-'))
const postgres = BACKENDS.includes('postgres') ? await startPostgres() : null
let places = 0

/** A new, empty store. */
function place(backend: string): Place {
  places += 1
  const dataFolder = join(folder, String(places))
  if (postgres === null || backend !== 'postgres')
    return { name: 'embedded', settings: { BILLHOOK_DATA_FOLDER: dataFolder }, location: { dataFolder } }
  const schema = `bench_${places}`
  return {
    name: 'PostgreSQL',
    settings: { BILLHOOK_DATA_FOLDER: dataFolder, DATABASE_URL: postgres.url, BILLHOOK_DATABASE_SCHEMA: schema },
    location: { databaseUrl: postgres.url, schema },
  }
}

async function each(section: string, run: (place: Place) => Promise<void>): Promise<void> {
  if (!SECTIONS.includes(section)) return
  console.log(`\n${section}`)
  if (section === 'speed') {
    console.log(
      '| store | at a time | bare/s | answered/s | sustained/s | ratio | CPU us, bare / ours | p50 ms | p99 ms | backlog at the end |',
    )
    console.log('| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |')
  }
  for (const backend of BACKENDS) await run(place(backend))
}

try {
  console.log(
    `${new Date().toISOString()}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}, medians of ${ROUNDS}`,
  )
  await each('speed', speed)
  await each('access', access)
  await each('memory', memory)
  await each('stored', stored)
} finally {
  await postgres?.stop()
  rmSync(folder, { recursive: true, force: true })
}
process.exit(0)
