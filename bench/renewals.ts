/**
 * Renewals per second of the sending end, as a ratio to the same number of plain batched row updates on the same store in
 * the same run. A renewal is what the product does: the engine's step, entities and facts committed, events encoded and
 * stored, and each notification sealed as its provider seals it.
 *
 *   npm run bench:renewals -- [subscriptions…]      default: 1000 10000; 1000 100000 shows that the cost stays flat
 *
 * BENCH_BACKENDS=embedded,postgres chooses the stores; PostgreSQL is the one that the tests start, with its syncs on.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSending } from '../src/app/sending/create_sending.ts'
import type { Sending } from '../src/app/sending/create_sending.ts'
import { dialectOf } from '../src/dialects/registry.ts'
import { notificationOf } from '../src/delivery/seal.ts'
import type { Customer, PaymentMethod, Price, Product, Subscription } from '../src/model/entities.ts'
import { instant } from '../src/model/instant.ts'
import { money } from '../src/model/money.ts'
import { createManualClock } from '../src/runtime/manual_clock.ts'
import { createSandboxPayments } from '../src/runtime/payments_sandbox.ts'
import { createSecretBox } from '../src/runtime/secret_box.ts'
import { createSeededRandom } from '../src/runtime/system_random.ts'
import type { Database } from '../src/storage/database.ts'
import { openDatabase } from '../src/storage/open_store.ts'
import { startPostgres } from '../test/support/postgres_server.ts'

const ACCOUNT = 'bench'
const DIALECT = 'airwallex@2025-06-16'
const MADE = instant(Date.UTC(2026, 0, 1))
const DUE = instant(Date.UTC(2026, 1, 1))
const BATCH = 500
const ignore = () => undefined

function sendingOn(database: Database): Sending {
  return createSending({
    database,
    clock: createManualClock(MADE),
    random: createSeededRandom('bench'),
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    metrics: { count: ignore, gauge: ignore, observe: ignore },
    secretBox: createSecretBox(new Uint8Array(32).fill(1)),
    guard: { check: () => Promise.resolve({ ok: true }) },
    http: { send: () => Promise.reject(new Error('nothing is sent in this benchmark')) },
    dialect: (id) => dialectOf(id),
    mailer: { send: () => Promise.resolve() },
    payments: createSandboxPayments(),
  })
}

const PRODUCT: Product = {
  id: 'prod',
  name: 'Product',
  description: null,
  active: true,
  features: [],
  metadata: {},
  createdAt: MADE,
  updatedAt: MADE,
}

const PRICE: Price = {
  id: 'basic',
  product: 'prod',
  code: 'basic',
  name: 'Basic',
  group: null,
  currency: 'EUR',
  interval: { unit: 'month', count: 1 },
  scheme: 'per_unit',
  unitAmount: money(5000, 'EUR'),
  tiers: [],
  usage: 'licensed',
  meter: null,
  billed: 'advance',
  active: true,
  metadata: {},
  createdAt: MADE,
  updatedAt: MADE,
}

function customer(id: string): Customer {
  return {
    id,
    type: 'user',
    name: id,
    email: `${id}@customers.example`,
    phone: null,
    user: id,
    currency: 'EUR',
    defaultPaymentMethod: `pm_${id}`,
    metadata: {},
    invoiceCount: 1,
    createdAt: MADE,
    updatedAt: MADE,
    deletedAt: null,
  }
}

function method(id: string): PaymentMethod {
  return {
    id: `pm_${id}`,
    customer: id,
    type: 'card',
    brand: 'visa',
    last4: '4242',
    expMonth: 12,
    expYear: 2034,
    behavior: 'pays',
    script: [],
    createdAt: MADE,
    detachedAt: null,
  }
}

function subscription(id: string): Subscription {
  return {
    id: `sub_${id}`,
    customer: id,
    status: 'active',
    items: [{ id: `si_${id}`, price: 'basic', quantity: 1, createdAt: MADE }],
    currency: 'EUR',
    collection: 'automatic',
    daysUntilDue: null,
    defaultPaymentMethod: null,
    startAt: MADE,
    startedAt: MADE,
    anchor: MADE,
    interval: { unit: 'month', count: 1 },
    cycle: 0,
    period: { from: MADE, until: DUE },
    trial: null,
    trialEndBehavior: 'invoice',
    cycles: { total: null, invoiced: 1, paid: 1 },
    authorization: null,
    cancel: null,
    endedAt: null,
    pause: null,
    scheduledChange: null,
    latestInvoice: null,
    failedAttempts: 0,
    nextChargeAt: DUE,
    replaces: null,
    checkout: null,
    metadata: {},
    createdAt: MADE,
    updatedAt: MADE,
  }
}

/** Subscriptions that all renew at one instant. */
async function prepare(sending: Sending, count: number): Promise<void> {
  await sending.billing.createAccount({
    id: ACCOUNT,
    name: 'Bench',
    dialect: DIALECT,
    clock: { name: null, now: MADE },
    seed: 'bench',
  })
  for (let from = 0; from < count; from += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => `c${String(from + n).padStart(7, '0')}`)
    await sending.billing.importEntities(ACCOUNT, {
      catalog:
        from > 0
          ? []
          : [
              { kind: 'product', id: PRODUCT.id, live: true, value: PRODUCT },
              { kind: 'price', id: PRICE.id, live: true, value: PRICE },
            ],
      customers: Object.fromEntries(
        ids.map((id) => [
          id,
          [
            { kind: 'customer', id, value: customer(id) },
            { kind: 'payment_method', id: `pm_${id}`, value: method(id) },
            { kind: 'subscription', id: `sub_${id}`, value: subscription(id) },
          ] as const,
        ]),
      ),
      tellings: [],
    })
  }
}

interface Measured {
  readonly seconds: number
  readonly events: number
  readonly inOrder: boolean
  /** Of this process, in microseconds: what does not depend on what else the machine does. */
  readonly cpuUs: number
  /** Sent to the disk by this process. */
  readonly bytes: number
  readonly peakMb: number
}

/** What this process has had written to the disk, in bytes; 0 where the system does not say. */
function writtenBytes(): number {
  try {
    return Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** Renews all of them in one advance, then seals every event as the endpoint's dialect does. */
async function renew(sending: Sending): Promise<Measured> {
  const dialect = dialectOf(DIALECT)
  const [cpu, written] = [process.cpuUsage(), writtenBytes()]
  const begun = performance.now()
  await sending.advance(ACCOUNT, DUE)
  let events = 0
  let inOrder = true
  let cursor: string | null = null
  let last = ''
  do {
    const page: Awaited<ReturnType<Sending['delivery']['inspection']['events']>> =
      await sending.delivery.inspection.events(ACCOUNT, { order: 'oldest' }, { cursor, limit: 200 })
    for (const event of page.items) {
      dialect.seal(notificationOf(event), { secrets: ['whsec_bench'], signingKey: null }, DUE)
      if (event.id < last) inOrder = false
      last = event.id
    }
    events += page.items.length
    cursor = page.next
  } while (cursor !== null)
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return {
    seconds,
    events,
    inOrder,
    cpuUs: user + system,
    bytes: writtenBytes() - written,
    peakMb: Math.round(process.resourceUsage().maxRSS / 1024),
  }
}

/** The baseline: one row per renewal set to a new time, in batches of the same size, one transaction each. */
async function updateRows(database: Database, count: number): Promise<number> {
  await database.run('CREATE TABLE bench_row (id BIGINT PRIMARY KEY, due BIGINT NOT NULL, data TEXT NOT NULL)')
  const data = 'x'.repeat(1000)
  const batches = Array.from({ length: Math.ceil(count / BATCH) }, (_, n) => n * BATCH)
  const write = async (from: number, due: number): Promise<void> => {
    const ids = Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => from + n)
    await database.transaction(async (transaction) => {
      await database.within(transaction).run(
        `INSERT INTO bench_row (id, due, data) VALUES ${ids.map(() => '(?, ?, ?)').join(', ')}
           ON CONFLICT (id) DO UPDATE SET due = excluded.due, data = excluded.data`,
        ids.flatMap((id) => [id, due, data]),
      )
    })
  }
  for (const from of batches) await write(from, 0)
  const begun = performance.now()
  for (const from of batches) await write(from, 1)
  const seconds = (performance.now() - begun) / 1000
  await database.run('DROP TABLE bench_row')
  return seconds
}

async function year(database: Database): Promise<number> {
  const sending = sendingOn(database)
  await sending.billing.createAccount({ id: 'year', name: 'Year', dialect: DIALECT, clock: { name: null, now: MADE } })
  await sending.billing.importEntities('year', {
    catalog: [
      { kind: 'product', id: PRODUCT.id, live: true, value: PRODUCT },
      { kind: 'price', id: PRICE.id, live: true, value: PRICE },
    ],
    customers: {
      one: [
        { kind: 'customer', id: 'one', value: customer('one') },
        { kind: 'payment_method', id: 'pm_one', value: method('one') },
        { kind: 'subscription', id: 'sub_one', value: subscription('one') },
      ],
    },
    tellings: [],
  })
  const begun = performance.now()
  await sending.advance('year', instant(Date.UTC(2027, 0, 2)))
  return performance.now() - begun
}

async function measure(name: string, open: () => Promise<Database>, counts: readonly number[]): Promise<void> {
  let perRenewal: number | null = null
  for (const count of counts) {
    const database = await open()
    const baseline = await updateRows(database, count)
    const sending = sendingOn(database)
    await prepare(sending, count)
    const { seconds, events, inOrder, cpuUs, bytes, peakMb } = await renew(sending)
    const cost = (seconds / count) * 1e6
    const flat = perRenewal === null ? '' : `  cost ×${(cost / perRenewal).toFixed(2)} of ${counts[0]}`
    perRenewal ??= cost
    process.stdout.write(
      `${name.padEnd(10)} ${String(count).padStart(7)} renewals  ${Math.round(count / seconds)}/s  ${events} events${inOrder ? ' in order' : ' OUT OF ORDER'}  ` +
        `${cost.toFixed(0)} µs each (CPU ${(cpuUs / count).toFixed(0)}, ${(bytes / count / 1024).toFixed(0)} KiB written)  ${(baseline / seconds).toFixed(3)} of plain row updates (${Math.round(count / baseline)}/s)  peak ${peakMb} MB${flat}\n`,
    )
    await database.close()
  }
  const database = await open()
  process.stdout.write(`${name.padEnd(10)} one subscription, one year: ${(await year(database)).toFixed(0)} ms\n`)
  await database.close()
}

const counts = process.argv.slice(2).map(Number)
const sizes = counts.length > 0 ? counts : [1000, 10_000]
const backends = (process.env['BENCH_BACKENDS'] ?? 'embedded,postgres').split(',')
let opened = 0
if (backends.includes('embedded')) {
  const folder = mkdtempSync(join(tmpdir(), 'billhook-bench-'))
  await measure('embedded', () => openDatabase({ dataFolder: join(folder, String((opened += 1))) }), sizes)
  rmSync(folder, { recursive: true, force: true })
}
if (backends.includes('postgres')) {
  const server = await startPostgres()
  await measure('postgres', () => openDatabase({ databaseUrl: server.url, schema: `bench_${(opened += 1)}` }), sizes)
  await server.stop()
}
