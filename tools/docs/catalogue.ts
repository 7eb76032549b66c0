/** docs/catalogue.md: which story emits each event that the seed documents name, found by playing all of them. */
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { DIALECTS, resolveDialect } from '../../src/dialects/registry.ts'
import type { CatalogueEntry, DialectId } from '../../src/dialects/dialect.ts'
import type { Emission } from '../../src/lab/emissions.ts'
import { plainMode } from '../../src/lab/modes.ts'
import { runStory } from '../../src/lab/run_story.ts'
import { readScenario } from '../../src/lab/scenario.ts'
import type { Scenario } from '../../src/lab/scenario.ts'
import { formatInstantShort } from '../../src/model/instant.ts'
import type { Instant } from '../../src/model/instant.ts'
import { isObject } from '../../src/model/json.ts'
import type { Json } from '../../src/model/json.ts'

/** Lays out a Markdown table. */
type Table = (head: readonly string[], rows: readonly (readonly string[])[]) => string

/** An event that a step of a story emitted. */
export interface Sighting {
  readonly dialect: DialectId
  readonly type: string
  /** The status of the object inside, where it has one. */
  readonly status: string | null
  readonly file: string
  /** Counted from 1. */
  readonly step: number
  readonly at: Instant
  /** Whether the story asserts it: it stands in the step's events and is not optional. */
  readonly asserted: boolean
}

/** Something that has to be emitted: an event of the seeds, or a change of status that they describe. */
export interface Wanted {
  readonly provider: string
  readonly type: string
  readonly status: string | null
  readonly meaning: string
  readonly source: string
}

const FOLDER = join(import.meta.dirname, '../../scenarios')

const TITLES: Readonly<Record<string, string>> = {
  'stripe@2025-02-24.acacia': 'Stripe',
  razorpay: 'Razorpay',
  kinde: 'Kinde',
  'airwallex@2025-06-16': 'Airwallex, from 2025-06-16 on',
  'airwallex@2025-04-25': 'Airwallex, up to 2025-04-25',
}

/** Changes of status that seed 002 describes without an event of their own. */
const STATES = [
  { status: 'past_due', type: 'customer.subscription.updated', meaning: 'When a subscription changes to past_due.' },
  { status: 'unpaid', type: 'customer.subscription.updated', meaning: 'When a subscription changes to unpaid.' },
  { status: 'canceled', type: 'customer.subscription.deleted', meaning: 'When a subscription changes to canceled.' },
] as const

/** The 45 events of the seeds, and the 3 changes of status. */
export function wanted(): readonly Wanted[] {
  const events = DIALECTS.filter(({ id }) => TITLES[id] !== undefined).flatMap(({ id, catalogue }) =>
    catalogue.filter(({ seed }) => seed).map((entry: CatalogueEntry) => wantedOf(id, entry)),
  )
  const states = STATES.map((state) => ({ provider: 'stripe@2025-02-24.acacia', ...state, source: 'seed 002' }))
  return [...events, ...states]
}

function wantedOf(provider: string, { type, meaning, source }: CatalogueEntry): Wanted {
  return { provider, type, status: null, meaning, source }
}

/** Plays every story of the folder once, without faults. @throws Error if one does not hold */
export async function sightings(): Promise<readonly Sighting[]> {
  const found: Sighting[] = []
  const mode = plainMode('catalogue')
  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'))) {
    const story = readScenario(join(FOLDER, name))
    const seen: Sighting[] = []
    let step = 0
    const report = await runStory(story, mode, { databaseUrl: null, temporaryFolder: tmpdir() }, (at, emitted) => {
      step += 1
      seen.push(...emitted.map((emission) => sightingOf(story, emission, { file: basename(name, '.yaml'), step, at })))
    })
    if (!report.ok) throw new Error(`${name} does not hold: run bin/billhook run scenarios/${name}`)
    found.push(...seen)
  }
  return found
}

function sightingOf(
  story: Scenario,
  { type, body }: Emission,
  where: { readonly file: string; readonly step: number; readonly at: Instant },
): Sighting {
  const expected = story.steps[where.step - 1]?.events ?? []
  const asserted = expected.some((event) => event.type === type && !event.optional)
  return { dialect: dialectOf(story), type, status: statusOf(body), asserted, ...where }
}

function dialectOf(story: Scenario): DialectId {
  const version = story.dialect?.api_version ?? story.settings['api_version']
  if (typeof version === 'string') return resolveDialect(`${story.provider}@${version}`).id
  const first = DIALECTS.find(({ family }) => family === story.provider)
  if (first === undefined) throw new Error(`${story.id}: no dialect of ${story.provider}`)
  return first.id
}

function statusOf(body: Json): string | null {
  const data = isObject(body) ? body['data'] : null
  const object = isObject(data) ? (data['object'] ?? data) : null
  const status = isObject(object) ? object['status'] : null
  return typeof status === 'string' ? status : null
}

/** The sightings of one wanted thing: those that a story asserts first. */
export function seenOf({ provider, type, status }: Wanted, all: readonly Sighting[]): readonly Sighting[] {
  const same = all.filter(
    (one) =>
      (one.dialect === provider || (provider.startsWith('stripe') && one.dialect.startsWith('stripe'))) &&
      one.type === type &&
      (status === null || one.status === status),
  )
  return [...same.filter(({ asserted }) => asserted), ...same.filter(({ asserted }) => !asserted)]
}

/** What no story emits. */
export function missing(all: readonly Sighting[]): readonly string[] {
  return wanted()
    .filter((one) => seenOf(one, all).length === 0)
    .map(({ provider, type, status }) => `${provider} ${type}${status === null ? '' : ` (${status})`}`)
}

/** The parts of the page, without its title. */
export function catalogueParts(all: readonly Sighting[], table: Table): readonly string[] {
  const everything = wanted()
  const events = everything.filter(({ status }) => status === null).length
  const parts = [
    `The providers’ documents that the project started from (the [seeds](architecture.md#sources)) name ${events} events, and describe ${everything.length - events} changes of status without an event of their own. A transition of the billing engine emits each of them. The tables name a story of [scenarios](../scenarios) that shows it, and the step in which it happens; \`billhook run scenarios\` plays them all.`,
  ]
  for (const [provider, title] of Object.entries(TITLES)) {
    const rows = everything
      .filter((one) => one.provider === provider)
      .map((one) => {
        const seen = seenOf(one, all)
        const [first] = seen
        const stories = new Set(seen.map(({ file }) => file)).size
        return [
          `\`${one.type}\`${one.status === null ? '' : ` with status \`${one.status}\``}`,
          one.meaning,
          first === undefined ? 'none' : `[${first.file}](../scenarios/${first.file}.yaml)`,
          first === undefined ? '' : `${first.step}, ${formatInstantShort(first.at)}`,
          String(stories),
        ]
      })
    parts.push(`## ${title}`, table(['event', 'meaning', 'story', 'step', 'stories'], rows))
  }
  return parts
}
