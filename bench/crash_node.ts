/**
 * A node of the crash suite: publishes under load, delivers, and tells its parent which events were acknowledged to it. It
 * is killed without a word.
 *
 *     node bench/crash_node.ts <place as JSON>
 */
import { createDelivery } from '../src/delivery/create_delivery.ts'
import { standard } from '../src/dialects/standard/index.ts'
import { NO_TRACING } from '../src/ports/tracing.ts'
import { UndiciHttpClient } from '../src/runtime/http_client.ts'
import { createSecretBox } from '../src/runtime/secret_box.ts'
import { GUARD_DEFAULTS, Guard } from '../src/runtime/ssrf.ts'
import { createSystemClock } from '../src/runtime/system_clock.ts'
import { createSystemRandom } from '../src/runtime/system_random.ts'
import { createDeliveryStores } from '../src/storage/delivery_store.ts'
import { openDatabase } from '../src/storage/open_store.ts'
import type { StoreLocation } from '../src/storage/open_store.ts'

/** Calls under way at once, and events of each. */
const CALLERS = 16
const EVENTS = 4

const { location, sink } = JSON.parse(process.argv[2] ?? '{}') as { location: StoreLocation; sink: string }

const database = await openDatabase(location)
const guard = new Guard({ ...GUARD_DEFAULTS, allowLoopback: true })
const quiet = (): void => undefined
const delivery = createDelivery(
  {
    transactions: database,
    ...createDeliveryStores(database),
    clock: createSystemClock(),
    random: createSystemRandom(),
    http: new UndiciHttpClient(guard),
    guard,
    secretBox: createSecretBox(new Uint8Array(32).fill(1)),
    mailer: { send: async () => undefined },
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
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
  { options: { heartbeatMs: 500, deadAfterMs: 3_000, pollMs: 200 } },
)

let load = false

process.on('message', (message) => {
  if (message === 'load') load = true
  if (message === 'rest') load = false
  if (message === 'full') void limitPages(50).catch(quiet)
  if (message === 'room') void limitPages(null).catch(quiet)
})
process.on('disconnect', () => process.exit(0))

/** Embedded: a disk that is full after some more pages. */
async function limitPages(room: number | null): Promise<void> {
  await database.transaction(async (transaction) => {
    const statements = database.within(transaction)
    const used = Number((await statements.first('PRAGMA page_count'))?.['page_count'] ?? 0)
    await statements.first(`PRAGMA max_page_count = ${room === null ? 1_073_741_823 : used + room}`)
  })
}

await delivery.start(database.backend === 'embedded')
if ((await delivery.endpoints.list('crash')).length === 0) {
  await delivery.endpoints
    .create('crash', { url: sink, dialect: 'standard', eventTypes: ['*'], inFlightMax: 32 }, 'ep_crash')
    .catch(quiet)
}
process.send?.({ ready: true })

async function caller(): Promise<void> {
  for (;;) {
    if (!load) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      continue
    }
    const content = { kind: 'standard', type: 'crash.test', data: { fill: 'x'.repeat(500) } } as const
    const events = Array.from({ length: EVENTS }, () => ({
      content,
      key: null,
      subject: null,
      customer: null,
      endpoint: null,
    }))
    try {
      const published = await delivery.publish('crash', events)
      process.send?.({ acked: published.map(({ event }) => event), at: Date.now() })
    } catch {
      process.send?.({ refused: EVENTS })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

await Promise.all(Array.from({ length: CALLERS }, caller))
