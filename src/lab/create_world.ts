import { retryWindowOf } from '../app/sending/account_profile.ts'
import { createSending } from '../app/sending/create_sending.ts'
import { createInbox } from '../inbox/create_inbox.ts'
import { dialectOf, DIALECTS, profileFor, resolveDialect } from '../dialects/registry.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { BillingProfile } from '../model/profile.ts'
import { BillhookError } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import type { Log } from '../ports/log.ts'
import type { Metrics } from '../ports/metrics.ts'
import { createSandboxPayments } from '../runtime/payments_sandbox.ts'
import { staticKeySet } from '../runtime/jwks.ts'
import { createSecretBox } from '../runtime/secret_box.ts'
import { createSeededRandom } from '../runtime/system_random.ts'
import { createInboxStore } from '../storage/inbox_store.ts'
import type { Database } from '../storage/database.ts'
import { openDatabase } from '../storage/open_store.ts'
import { OtherServers } from './other_endpoints.ts'
import { FaultyNetwork, tampering } from './faults.ts'
import { Receiver } from './receiver.ts'
import type { Mode } from './modes.ts'
import type { Scenario } from './scenario.ts'
import { resealing } from './reseal.ts'
import { readStorySettings } from './settings.ts'
import { StoryWorld } from './story_world.ts'
import { bringUpAt, STORY_ACCOUNT } from './world.ts'
import type { SettableClock, World } from './world.ts'

/** Where and how a story is played. */
export interface WorldSettings {
  readonly mode: Mode
  /** Null: the embedded store, in a folder that is removed afterwards. */
  readonly databaseUrl: string | null
  readonly temporaryFolder: string
}

const RECEIVER_URL = 'https://receiver.example/in/story'

/**
 * Makes both ends for a story, on one clock, with the network of its mode between them.
 *
 * @throws BillhookError `scenario_invalid`, `unknown_dialect`
 */
export async function createWorld(
  story: Scenario,
  settings: WorldSettings,
): Promise<{ readonly world: World; readonly profile: BillingProfile; readonly notes: readonly string[] }> {
  const dialect = dialectOfStory(story)
  const told = readStorySettings(story, dialect)
  const random = createSeededRandom(`${story.id}/${settings.mode.seed}`)
  const clock = settableClock(bringUpAt(story))
  const schema = `run_${Buffer.from(random.bytes(6)).toString('hex')}_${process.pid}`
  const database = await openDatabase(
    settings.databaseUrl === null
      ? { dataFolder: null, temporaryFolder: settings.temporaryFolder }
      : { databaseUrl: settings.databaseUrl, schema, maxConnections: 4 },
  )
  const shared = { clock, random, log: QUIET, metrics: NO_METRICS, secretBox: createSecretBox(random.bytes(32)) }
  const secret = told.secret ?? dialect.newSecret(random.bytes(32))
  const inbox = createInbox({
    ...shared,
    store: createInboxStore(database),
    dialect: (id) => DIALECTS.find((one) => one.id === id) ?? null,
    publicKeys: () => async (keyId) =>
      staticKeySet(await sending.delivery.signingKeys.keySet(STORY_ACCOUNT, clock.now()))(keyId),
    traits: (id) => ({ retryWindowMs: retryWindowOf(told.profileOf(profileFor(id))) }),
  })
  const receiver = new Receiver({
    inbox,
    dialect,
    account: STORY_ACCOUNT,
    acknowledgement: told.acknowledgement,
    clock,
  })
  const forges = [
    ...(settings.mode.faults.tamper ? [tampering(random)] : []),
    ...(settings.mode.wrongSecret ? [await resealing(dialect, random, () => clock.now())] : []),
  ]
  const network = new FaultyNetwork((request) => receiver.take(request), {
    faults: settings.mode.faults,
    random,
    forges,
    healthy: () => receiver.healthy,
    knowledge: () => knowledgeOf(database),
  })
  const others = new OtherServers(told.others, () => clock.now())
  const sending = createSending({
    ...shared,
    database,
    guard: { check: () => Promise.resolve({ ok: true }) },
    http: others.before(network),
    dialect: (id) => dialectOf(id),
    mailer: { send: () => Promise.resolve() },
    payments: createSandboxPayments(),
  })
  const world = new StoryWorld({
    sending,
    inbox,
    receiver,
    others,
    network,
    dialect,
    clock,
    faults: settings.mode.faults,
    close: async () => {
      if (settings.databaseUrl !== null) await database.run(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
      await database.close()
    },
  })
  await world.open({ story, told, secret, url: RECEIVER_URL })
  return { world, profile: told.profileOf(profileFor(dialect.id)), notes: told.notes }
}

/** The dialect that a story is told in: its own API version, that of its settings, or the provider's first. */
function dialectOfStory(story: Scenario): Dialect {
  const version = story.dialect?.api_version ?? story.settings['api_version']
  if (typeof version === 'string') return resolveDialect(`${story.provider}@${version}`)
  const first = DIALECTS.find(({ family }) => family === story.provider)
  if (first === undefined)
    throw new BillhookError(
      'scenario_invalid',
      `provider ${JSON.stringify(story.provider)} is not known; the known ones are ${[...new Set(DIALECTS.map(({ family }) => family))].join(', ')}`,
    )
  return first
}

function settableClock(start: Instant): SettableClock {
  let now = start
  return {
    now: () => now,
    set: (at) => {
      now = at
    },
    until: () => Promise.resolve(),
  }
}

const ignore = (): void => undefined

/** A story's own report says what went wrong; a log beside it would only be noise. */
const QUIET: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore }

const NO_METRICS: Metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined }

/** What was received and taken, and what was derived from it, as a text that is another whenever those are. */
async function knowledgeOf(database: Database): Promise<string> {
  const row = await database.first(
    `SELECT (SELECT count(*) FROM received WHERE state <> 'refused') AS taken,
            (SELECT count(*) FROM fact) AS facts`,
  )
  return JSON.stringify(row)
}
