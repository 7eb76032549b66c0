/**
 * How fast the delivery engine is, against two others in the same run: the bare limit (undici posting signed bodies, with
 * no storage) and what a Node team would write instead (pg-boss, one job per delivery). One PostgreSQL with its syncs on,
 * events of 1 KB, a sink in a process of its own.
 *
 *     node bench/delivery.ts [events] [section ...]     sections: speed latency dead stored; BENCH_ONLY=embedded or PostgreSQL
 */
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import PgBoss from 'pg-boss'
import { Pool } from 'undici'
import { createDelivery } from '../src/delivery/create_delivery.ts'
import type { Delivery } from '../src/delivery/create_delivery.ts'
import type { NewEvent } from '../src/delivery/publisher.ts'
import { standard } from '../src/dialects/standard/index.ts'
import { instant } from '../src/model/instant.ts'
import { NO_TRACING } from '../src/ports/tracing.ts'
import { HTTP_CLIENT_DEFAULTS, UndiciHttpClient } from '../src/runtime/http_client.ts'
import { createSecretBox } from '../src/runtime/secret_box.ts'
import { GUARD_DEFAULTS, Guard } from '../src/runtime/ssrf.ts'
import { createSystemClock } from '../src/runtime/system_clock.ts'
import { createSystemRandom } from '../src/runtime/system_random.ts'
import type { Database } from '../src/storage/database.ts'
import { createDeliveryStores } from '../src/storage/delivery_store.ts'
import { openDatabase } from '../src/storage/open_store.ts'
import { startPostgres } from '../test/support/postgres_server.ts'

const EVENTS = Number(process.argv[2] ?? 20_000)
const SECTIONS = process.argv.length > 3 ? process.argv.slice(3) : ['speed', 'latency', 'dead', 'stored']
const RATE = 1_000
const RATE_SECONDS = 5
const IN_FLIGHT = 64
const CALLERS = 512
const FILL = 'x'.repeat(900)
const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`

const now = (): number => Number(process.hrtime.bigint()) / 1e6
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

// ---------------------------------------------------------------------------------------------------------------- sink

const sink = fork(new URL('./delivery_sink.ts', import.meta.url))

function ask<T>(message: string): Promise<T> {
  return new Promise((resolve) => {
    sink.once('message', (answer) => resolve(answer as T))
    sink.send(message)
  })
}

const { port } = await new Promise<{ port: number }>((resolve) =>
  sink.once('message', (m) => resolve(m as { port: number })),
)
const SINK = `http://127.0.0.1:${port}`

async function arrived(count: number): Promise<void> {
  const end = Date.now() + 120_000
  while ((await ask<{ count: number }>('count')).count < count) {
    if (Date.now() > end) throw new Error(`only ${(await ask<{ count: number }>('count')).count} of ${count} arrived`)
    await sleep(5)
  }
}

interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

async function latencies(): Promise<Percentiles> {
  const sorted = (await ask<{ latencies: number[] }>('report')).latencies.sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}

// --------------------------------------------------------------------------------------------------------- contestants

/** Something that takes an event and delivers it; `done` resolves when everything is over, stored and written. */
interface Contestant extends AsyncDisposable {
  readonly name: string
  publish(type: string): Promise<void>
  settled(): number
  counts(): Promise<string>
}

function bodyOf(type: string): string {
  return `{"type":"${type}","timestamp":"2026-01-01T00:00:00Z","data":{"t":${now()},"fill":"${FILL}"}}`
}

function bare(): Contestant {
  const pool = new Pool(SINK, { connections: IN_FLIGHT, pipelining: 1 })
  const keys = { secrets: [SECRET], signingKey: null }
  let done = 0
  return {
    name: 'bare undici',
    async publish(type) {
      const body = JSON.parse(bodyOf(type)) as Record<string, never>
      const notification = { id: `msg_${done}`, type, createdAt: null, account: null, body }
      const sealed = standard.seal(notification, keys, instant(Date.now()))
      const answer = await pool.request({
        path: '/hook',
        method: 'POST',
        headers: sealed.headers as Record<string, string>,
        body: sealed.body,
      })
      await answer.body.dump()
      done += 1
    },
    settled: () => done,
    counts: async () => '',
    async [Symbol.asyncDispose]() {
      await pool.close()
    },
  }
}

/** Counts what goes to the database. */
function counting(database: Database): { readonly database: Database; statements: number; commits: number } {
  const counts = { statements: 0, commits: 0, database }
  const writes = (sql: string): boolean => !/^\s*select/i.test(sql)
  const count = (sql: string): void => {
    counts.statements += 1
    if (writes(sql)) counts.commits += 1
  }
  counts.database = {
    backend: database.backend,
    all: (sql, values) => (count(sql), database.all(sql, values)),
    first: (sql, values) => (count(sql), database.first(sql, values)),
    run: (sql, values) => (count(sql), database.run(sql, values)),
    runEach: (sql, rows) => (rows.forEach(() => count(sql)), database.runEach(sql, rows)),
    transaction: (work, options) => {
      if (options?.durable !== false) counts.commits += 1
      return database.transaction(work, options)
    },
    within(transaction) {
      const inner = database.within(transaction)
      const one = (): number => (counts.statements += 1)
      return {
        all: (sql, values) => (one(), inner.all(sql, values)),
        first: (sql, values) => (one(), inner.first(sql, values)),
        run: (sql, values) => (one(), inner.run(sql, values)),
        runEach: (sql, rows) => (rows.forEach(one), inner.runEach(sql, rows)),
      }
    },
    close: () => database.close(),
    [Symbol.asyncDispose]: () => database.close(),
  }
  return counts
}

async function ours(
  name: string,
  opened: Database,
  endpoints: readonly { url: string; type: string }[] = [{ url: `${SINK}/hook`, type: '*' }],
): Promise<Contestant & { readonly delivery: Delivery }> {
  const counts = counting(opened)
  const { database } = counts
  const guard = new Guard({ ...GUARD_DEFAULTS, allowLoopback: true })
  const http = new UndiciHttpClient(guard, { ...HTTP_CLIENT_DEFAULTS, connectionsPerOrigin: 512 })
  let settled = 0
  const quiet = (): void => undefined
  const loud = (fields: unknown, message: string): void => console.error(message, fields)
  const delivery = createDelivery(
    {
      transactions: database,
      ...createDeliveryStores(database),
      clock: createSystemClock(),
      random: createSystemRandom(),
      http,
      guard,
      secretBox: createSecretBox(new Uint8Array(32).fill(1)),
      mailer: { send: async () => undefined },
      logger: { debug: quiet, info: quiet, warn: loud, error: loud },
      metrics: { count: quiet, gauge: quiet, observe: quiet },
      tracing: NO_TRACING,
      dialect: (id) => (id === 'standard' ? standard : null),
      account: async (id) => ({
        id,
        dialect: 'standard',
        livemode: true,
        clock: { kind: 'real' },
        ownerMail: null,
        verifiesOwnership: false,
      }),
    },
    { onSettled: async (settlements) => void (settled += settlements.length) },
  )
  await delivery.start(database.backend === 'embedded')
  for (const { url, type } of endpoints)
    await delivery.endpoints.create('bench', {
      url,
      dialect: 'standard',
      eventTypes: [type],
      secret: SECRET,
      inFlightMax: IN_FLIGHT,
    })
  counts.statements = 0
  counts.commits = 0
  return {
    name,
    delivery,
    async publish(type) {
      const event: NewEvent = {
        content: { kind: 'standard', type, data: { t: now(), fill: FILL } },
        key: null,
        subject: null,
        customer: null,
        endpoint: null,
      }
      await delivery.publish('bench', [event])
    },
    settled: () => settled,
    counts: async () =>
      `${(counts.statements / Math.max(1, settled)).toFixed(3)} statements and ${(counts.commits / Math.max(1, settled)).toFixed(3)} flushes per event`,
    async [Symbol.asyncDispose]() {
      await delivery.stop(500)
      await http[Symbol.asyncDispose]()
      await opened.close()
    },
  }
}

async function pgBoss(url: string): Promise<Contestant> {
  const boss = new PgBoss({ connectionString: url, max: 10 })
  boss.on('error', (error) => console.error(error))
  await boss.start()
  await boss.createQueue('deliveries')
  const pool = new Pool(SINK, { connections: IN_FLIGHT, pipelining: 1 })
  const keys = { secrets: [SECRET], signingKey: null }
  let done = 0
  const deliver = async (jobs: readonly { id: string; data: unknown }[]): Promise<void> => {
    await Promise.all(
      jobs.map(async (job) => {
        const { body, type } = job.data as { body: Record<string, never>; type: string }
        const notification = { id: job.id, type, createdAt: null, account: null, body }
        const sealed = standard.seal(notification, keys, instant(Date.now()))
        const headers = sealed.headers as Record<string, string>
        const answer = await pool.request({ path: '/hook', method: 'POST', headers, body: sealed.body })
        await answer.body.dump()
      }),
    )
    done += jobs.length
  }
  // Its shortest poll, and batches so large that the poll is not what limits it.
  for (let i = 0; i < 4; i += 1) await boss.work('deliveries', { batchSize: 250, pollingIntervalSeconds: 0.5 }, deliver)
  return {
    name: 'pg-boss, one job per delivery',
    async publish(type) {
      await boss.send('deliveries', { type, body: JSON.parse(bodyOf(type)) as object })
    },
    settled: () => done,
    counts: async () => '',
    async [Symbol.asyncDispose]() {
      await boss.stop({ graceful: false, wait: false })
      await pool.close()
    },
  }
}

// ------------------------------------------------------------------------------------------------------------ measuring

/** Events per second from the first publish to the last result written. */
async function speed(contestant: Contestant, events: number): Promise<number> {
  await ask('reset')
  const before = contestant.settled()
  const cpu = process.cpuUsage()
  const start = now()
  let next = 0
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (next < events) {
        next += 1
        await contestant.publish('bench.event')
      }
    }),
  )
  if (process.env['BENCH_PHASES'] !== undefined)
    console.log(`published after ${(now() - start).toFixed(0)} ms, settled ${contestant.settled() - before}`)
  const end = Date.now() + 180_000
  while (contestant.settled() - before < events) {
    if (Date.now() > end)
      throw new Error(`${contestant.name}: ${contestant.settled() - before} of ${events} in three minutes`)
    await sleep(2)
  }
  const used = process.cpuUsage(cpu)
  cpuPerEvent = (used.user + used.system) / events
  return events / ((now() - start) / 1000)
}

/** Of the last measurement, in microseconds: what does not depend on what else the machine does. */
let cpuPerEvent = NaN

/** Publish to arrival at a fixed rate. */
async function atRate(
  contestant: Contestant,
  types: readonly string[] = ['bench.event'],
  expected = 1,
): Promise<Percentiles> {
  // Connections are opened and code is compiled in the first seconds: they are not measured.
  await runAtRate(contestant, types, { seconds: 3, expected })
  return runAtRate(contestant, types, { seconds: RATE_SECONDS, expected })
}

async function runAtRate(
  contestant: Contestant,
  types: readonly string[],
  { seconds, expected }: { readonly seconds: number; readonly expected: number },
): Promise<Percentiles> {
  await ask('reset')
  const start = now()
  let sent = 0
  const total = RATE * seconds
  const running: Promise<void>[] = []
  while (sent < total) {
    const due = Math.min(total, Math.floor(((now() - start) / 1000) * RATE))
    for (; sent < due; sent += 1) running.push(contestant.publish(types[sent % types.length] ?? ''))
    await sleep(1)
  }
  await Promise.all(running)
  await arrived(Math.floor(total * expected))
  return latencies()
}

const rows: string[] = []
function row(text: string): void {
  rows.push(text)
  console.log(text)
}

const show = ({ p50, p99, max }: Percentiles): string =>
  `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`

const postgres = await startPostgres()
const folders: string[] = []
let schemas = 0

function embedded(): Promise<Database> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'billhook-bench-'))
  folders.push(dataFolder)
  return openDatabase({ dataFolder })
}

function onPostgres(): Promise<Database> {
  return openDatabase({ databaseUrl: postgres.url, schema: `bench_${(schemas += 1)}`, maxConnections: 10 })
}

/** Contestants take turns, so that what else the machine does hits all of them; ratios are taken within a round. */
const ROUNDS = 5

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

const BACKENDS = (
  [
    ['embedded', embedded],
    ['PostgreSQL', onPostgres],
  ] as const
).filter(([name]) => (process.env['BENCH_ONLY'] ?? name) === name)

async function measure(contestant: Contestant, events: number): Promise<{ rate: number; counts: string; cpu: number }> {
  await using running = contestant
  await speed(running, Math.min(2_000, events))
  const rate = await speed(running, events)
  return { rate, counts: await running.counts(), cpu: cpuPerEvent }
}

async function sectionSpeed(): Promise<void> {
  const rates = { bare: [] as number[], boss: [] as number[], embedded: [] as number[], PostgreSQL: [] as number[] }
  const cpu = { bare: [] as number[], boss: [] as number[], embedded: [] as number[], PostgreSQL: [] as number[] }
  const counts = { embedded: '', PostgreSQL: '' }
  const add = (name: keyof typeof rates, measured: { readonly rate: number; readonly cpu: number }): void => {
    rates[name].push(measured.rate)
    cpu[name].push(measured.cpu)
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    add('bare', await measure(bare(), EVENTS))
    for (const [name, make] of BACKENDS) {
      const measured = await measure(await ours(name, await make()), EVENTS)
      add(name, measured)
      counts[name] = measured.counts
    }
    add('boss', await measure(await pgBoss(postgres.url), Math.min(EVENTS, 3_000)))
  }
  const ratio = (name: 'embedded' | 'PostgreSQL', to: 'bare' | 'boss'): string => {
    const ratios = rates[name].map((rate, i) => rate / (rates[to][i] ?? NaN))
    return `${medianOf(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`
  }
  // Of this process alone: the sink's and PostgreSQL's is not in it.
  const used = (name: keyof typeof cpu): string => `${medianOf(cpu[name]).toFixed(0)} us of CPU`
  row(`bare undici                    ${medianOf(rates.bare).toFixed(0)} events/s, ${used('bare')}`)
  row(`pg-boss, one job per delivery  ${medianOf(rates.boss).toFixed(0)} events/s, ${used('boss')}`)
  for (const [name] of BACKENDS)
    row(
      `${name.padEnd(30)} ${medianOf(rates[name]).toFixed(0)} events/s, ${used(name)}, ${ratio(name, 'bare')} of bare, ${ratio(name, 'boss')} times pg-boss; ${counts[name]}`,
    )
}

/** Medians over rounds in which the contestants take turns. */
async function latencyRounds(
  contestants: readonly {
    readonly name: string
    readonly make: () => Promise<Contestant>
    readonly types?: readonly string[]
    readonly expected?: number
  }[],
): Promise<void> {
  const measured = contestants.map(({ name }) => ({
    name,
    p50: [] as number[],
    p99: [] as number[],
    max: [] as number[],
  }))
  for (let round = 0; round < 3; round += 1) {
    for (const [i, { make, types, expected }] of contestants.entries()) {
      await using contestant = await make()
      const { p50, p99, max } = await atRate(contestant, types, expected)
      measured[i]?.p50.push(p50)
      measured[i]?.p99.push(p99)
      measured[i]?.max.push(max)
    }
  }
  for (const { name, p50, p99, max } of measured)
    row(`${name.padEnd(42)} ${show({ p50: medianOf(p50), p99: medianOf(p99), max: medianOf(max) })}`)
}

async function sectionLatency(): Promise<void> {
  await latencyRounds([
    { name: `bare undici at ${RATE}/s`, make: async () => bare() },
    ...BACKENDS.map(([name, make]) => ({ name: `${name} at ${RATE}/s`, make: async () => ours(name, await make()) })),
  ])
}

async function sectionDead(): Promise<void> {
  const types = Array.from({ length: 100 }, (_, i) => `bench.e${i}`)
  const endpoints = (dead: number) =>
    types.map((type, i) => ({ type, url: i < dead ? `${SINK}/dead/${i}` : `${SINK}/hook` }))
  await latencyRounds(
    BACKENDS.flatMap(([name, make]) =>
      [0, 10].map((dead) => ({
        name: `${name}, 100 endpoints, ${dead} dead`,
        make: async () => ours(name, await make(), endpoints(dead)),
        types,
        expected: 1 - dead / 100,
      })),
    ),
  )
}

/** A million events with their deliveries, as if they had been published over the last days. */
async function fill(database: Database, count: number): Promise<void> {
  const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
  const time = (ms: number): string => {
    let text = ''
    for (let rest = ms, i = 0; i < 10; i += 1, rest = Math.floor(rest / 32)) text = digits.charAt(rest % 32) + text
    return text
  }
  const started = Date.now() - 3_600_000
  const body = JSON.stringify({ type: 'old', timestamp: '2026-01-01T00:00:00Z', data: { fill: FILL } })
  const entry = JSON.stringify({ at: started, url: SINK, request: {}, bytes: 1000, status: 200 }).padEnd(400, ' ')
  const step = 500
  for (let i = 0; i < count; i += step) {
    await database.transaction(async (transaction) => {
      const statements = database.within(transaction)
      const ids = Array.from(
        { length: step },
        (_, j) =>
          `ev_${time(started + Math.floor(((i + j) * 3_000_000) / count))}${String((i + j) % 10_000).padStart(4, '0')}${String(i + j).padStart(8, '0')}`,
      )
      const places = (n: number): string =>
        Array.from({ length: step }, () => `(${Array.from({ length: n }, () => '?').join(',')})`).join(',')
      await statements.run(
        `INSERT INTO delivery_event (account, id, dialect, type, provider_id, created_at, body) VALUES ${places(7)}`,
        ids.flatMap((id) => ['bench', id, 'standard', 'old', id, started, body]),
      )
      await statements.run(
        `INSERT INTO delivery (account, event, endpoint, state, clock, made, attempts) VALUES ${places(7)}`,
        ids.flatMap((id) => ['bench', id, 'ep_old', 'delivered', 'real', 1, entry]),
      )
    })
  }
}

/** What a million rows at once leave to do is not what is measured. */
async function tidyUp(database: Database): Promise<void> {
  if (database.backend === 'embedded') return
  for (const chore of ['VACUUM ANALYZE delivery', 'VACUUM ANALYZE delivery_event', 'CHECKPOINT'])
    await database.run(chore)
}

async function sectionStored(): Promise<void> {
  for (const [name, make] of BACKENDS) {
    for (const stored of [0, 1_000_000]) {
      const database = await make()
      if (stored > 0) {
        await createDeliveryStores(database).chores.prepareStorage(instant(Date.now()))
        await fill(database, stored)
        await tidyUp(database)
      }
      await using contestant = await ours(name, database)
      await speed(contestant, 2_000)
      const rate = await speed(contestant, EVENTS)
      row(
        `${name} with ${stored} stored events  ${rate.toFixed(0)} events/s; at ${RATE}/s ${show(await atRate(contestant))}`,
      )
    }
  }
}

try {
  const settings = `${cpus().length} cores, Node ${process.version}, ${EVENTS} events of 1 KB, ${CALLERS} callers, ${IN_FLIGHT} requests in flight`
  row(settings)
  if (SECTIONS.includes('speed')) await sectionSpeed()
  if (SECTIONS.includes('bare')) {
    await using contestant = bare()
    await speed(contestant, 2_000)
    row(`bare ${(await speed(contestant, EVENTS)).toFixed(0)} events/s, ${cpuPerEvent.toFixed(0)} us`)
  }
  if (SECTIONS.includes('embedded')) {
    await using contestant = await ours('embedded', await embedded())
    await speed(contestant, 2000)
    row(`embedded ${(await speed(contestant, EVENTS)).toFixed(0)} events/s, ${cpuPerEvent.toFixed(0)} us`)
  }
  if (SECTIONS.includes('postgres')) {
    await using contestant = await ours('PostgreSQL', await onPostgres())
    await speed(contestant, 2000)
    row(`PostgreSQL ${(await speed(contestant, EVENTS)).toFixed(0)} events/s, ${cpuPerEvent.toFixed(0)} us`)
  }
  if (SECTIONS.includes('latency')) await sectionLatency()
  if (SECTIONS.includes('dead')) await sectionDead()
  if (SECTIONS.includes('stored')) await sectionStored()
} finally {
  sink.disconnect()
  await postgres.stop()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}
process.exit(0)
