/** The deliveries that the ingest benchmarks send, sealed as their providers seal them, and what sends them. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Pool } from 'undici'
import { razorpay } from '../src/dialects/razorpay/index.ts'
import { stripeAcacia } from '../src/dialects/stripe/index.ts'
import { instant } from '../src/model/instant.ts'
import { isObject } from '../src/model/json.ts'
import type { JsonObject } from '../src/model/json.ts'
import { created, invoice, event, seal, updated } from '../test/inbox/world.ts'
import { singleHeader } from '../src/wire/headers.ts'

/** Sources of the server under test: name, dialect, secret. */
export const SOURCES = [
  { name: 'cards', dialect: stripeAcacia.id, secret: 'whsec_for_the_benchmark_of_the_ingest' },
  { name: 'mandates', dialect: razorpay.id, secret: 'a-secret-for-the-benchmark' },
] as const

/** The secrets as the bare server takes them. */
export const SECRETS = { stamped: SOURCES[0].secret, plain: SOURCES[1].secret }

export interface Delivery {
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: Uint8Array
  /** What the delivery is known by in the store: the hash of its body. */
  readonly sha256: string
  /** The customer that it is about. */
  readonly customer: string
  /** What all ids of the life that it belongs to end with. */
  readonly life: string
}

const samples = new Map<string, string>()

function sample(name: string): string {
  const path = fileURLToPath(new URL(`../test/fixtures/razorpay/wire/${name}.body`, import.meta.url))
  const text = samples.get(name) ?? readFileSync(path, 'utf8')
  samples.set(name, text)
  return text
}

/** A captured event about another subscription, customer, payment and invoice, as if it happened `agoS` seconds ago. */
function mandateEvent(name: string, id: string, agoS: number): JsonObject {
  const text = sample(name)
  const told = Number(/"created_at":(\d+)\}$/.exec(text)?.[1])
  const shift = Math.floor(Date.now() / 1000) - agoS - told
  const body: unknown = JSON.parse(
    text
      .replaceAll(/"(sub|cust|pay|inv|order)_\w+"/g, (_all, kind: string) => `"${kind}_${id}"`)
      .replaceAll(/:(1[5-6]\d{8})\b/g, (_all, time: string) => `:${Number(time) + shift}`),
  )
  if (!isObject(body)) throw new Error(`the sample ${name} is not an object`)
  return body
}

/**
 * The beginning of two subscriptions, as a burst of five deliveries: created, paid, changed; activated, charged. All ids
 * follow from `id`.
 */
function life(id: string): readonly Delivery[] {
  const from = Date.now() - 10_000
  const of = { id: `sub_${id}`, customer: `cus_${id}`, from }
  const bill = { id: `in_${id}`, subscription: of.id, customer: of.customer, from }
  const more = { default_payment_method: 'pm_2' }
  const cards = [
    created(of, from),
    event('invoice.paid', invoice(bill), { at: from + 2_000 }),
    updated({ ...of, more }, { default_payment_method: 'pm_1' }, from + 4_000),
  ]
  const mandates = [mandateEvent('subscription.activated', id, 9), mandateEvent('subscription.charged', id, 8)]
  return [
    ...cards.map((body) => ({ ...cardDelivery(body), customer: of.customer, life: id })),
    ...mandates.map((body) => ({ ...mandateDelivery(body), customer: `cust_${id}`, life: id })),
  ]
}

function cardDelivery(body: JsonObject): Omit<Delivery, 'customer' | 'life'> {
  const sealed = seal(body, instant(Date.now()), SOURCES[0].secret)
  return { path: `/in/${SOURCES[0].name}`, ...flat(sealed) }
}

function mandateDelivery(body: JsonObject): Omit<Delivery, 'customer' | 'life'> {
  const type = typeof body['event'] === 'string' ? body['event'] : ''
  const notification = { id: null, type, createdAt: null, account: null, body }
  const sealed = razorpay.seal(notification, { secrets: [SOURCES[1].secret], signingKey: null }, instant(Date.now()))
  return { path: `/in/${SOURCES[1].name}`, ...flat(sealed) }
}

function flat(sealed: ReturnType<typeof seal>): Pick<Delivery, 'headers' | 'body' | 'sha256'> {
  const headers: Record<string, string> = {}
  for (const name of Object.keys(sealed.headers)) {
    const header = singleHeader(sealed.headers, name)
    if (header.ok) headers[name] = header.value
  }
  return { headers, body: sealed.body, sha256: createHash('sha256').update(sealed.body).digest('hex') }
}

/** Two runs may meet in one store. */
const RUN = Date.now().toString(36)
let lives = 0

/** At least `count` deliveries, whole lives, with ids that no other run has. */
export function makeDeliveries(count: number): readonly Delivery[] {
  const made: Delivery[] = []
  while (made.length < count) made.push(...life(`${RUN}${String((lives += 1)).padStart(7, '0')}`))
  return made
}

/** Sends one delivery. @throws if it is not answered 200 */
export async function post(pool: Pool, { path, headers, body }: Delivery): Promise<void> {
  const answer = await pool.request({ path, method: 'POST', headers, body })
  if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode}: ${await answer.body.text()}`)
  await answer.body.dump()
}

export interface Sent {
  readonly seconds: number
  /** Milliseconds of each request, ascending. */
  readonly latencies: readonly number[]
}

/** Sends deliveries, `concurrency` at a time, the next one as soon as one is answered. @throws if one is not answered 200 */
export async function sendAll(pool: Pool, deliveries: readonly Delivery[], concurrency: number): Promise<Sent> {
  const latencies: number[] = []
  let next = 0
  const begun = performance.now()
  const worker = async (): Promise<void> => {
    for (let delivery = deliveries[next]; delivery !== undefined; delivery = deliveries[next]) {
      next += 1
      const at = performance.now()
      await post(pool, delivery)
      latencies.push(performance.now() - at)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return { seconds: (performance.now() - begun) / 1000, latencies: latencies.sort((a, b) => a - b) }
}

/** The value that a share of the sorted values stays below. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  )
}
