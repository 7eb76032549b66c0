/** docs/dialects.md: one course of events told in every dialect, found by playing it. */
import { tmpdir } from 'node:os'
import { DIALECTS } from '../../src/dialects/registry.ts'
import type { DialectId } from '../../src/dialects/dialect.ts'
import { plainMode } from '../../src/lab/modes.ts'
import { runStory } from '../../src/lab/run_story.ts'
import { parseScenario } from '../../src/lab/scenario.ts'

/** Lays out a Markdown table. */
type Table = (head: readonly string[], rows: readonly (readonly string[])[]) => string

/** One moment of the course: what happens then, and by which actions of a story. */
interface Moment {
  readonly at: string
  readonly title: string
  readonly actions: string
  /** By family of dialects, where they are others. */
  readonly others?: Readonly<Record<string, string>>
}

const MOMENTS: readonly Moment[] = [
  {
    at: '2026-01-01T00:00:00Z',
    title: 'A customer signs up and pays',
    actions: '{ op: subscription.create, with: { customer: cus_1, price: basic } }',
    others: {
      razorpay:
        '{ op: subscription.create, with: { plan_id: basic } }, { op: checkout.authenticate, with: { outcome: success } }',
      kinde: '{ op: agreement.create, with: { customer: cus_1, plan_code: basic } }',
    },
  },
  { at: '2026-02-01T01:00:00Z', title: 'The cycle ends; the next one is charged', actions: '' },
  {
    at: '2026-02-10T00:00:00Z',
    title: 'The plan changes at once',
    actions: '{ op: subscription.update, with: { id: latest, price: pro } }',
    others: { kinde: '{ op: agreement.create, with: { customer: cus_1, plan_code: pro } }' },
  },
  { at: '2026-02-11T00:00:00Z', title: '', actions: '{ op: charge.outcome, with: { outcome: failure } }' },
  { at: '2026-03-10T01:00:00Z', title: 'The next charge fails', actions: '' },
  {
    at: '2026-03-11T00:00:00Z',
    title: 'The open invoice is charged by hand, on a new card',
    actions: '{ op: subscription.retry, with: { id: latest, payment_method: card_good } }',
  },
  {
    at: '2026-03-12T00:00:00Z',
    title: 'An admin ends it at once',
    actions: '{ op: subscription.cancel, with: { id: latest, by: admin } }',
    others: { kinde: '{ op: agreement.cancel, with: { by: admin } }' },
  },
]

/** The events of each moment, by dialect. */
export type Tellings = ReadonlyMap<DialectId, readonly (readonly string[])[]>

/** Plays the course in every dialect. */
export async function tellings(): Promise<Tellings> {
  const told = new Map<DialectId, readonly (readonly string[])[]>()
  const mode = plainMode('dialects')
  for (const { id, family } of DIALECTS) {
    const moments: (readonly string[])[] = []
    const story = parseScenario(courseOf(id, family), id)
    const report = await runStory(story, mode, { databaseUrl: null, temporaryFolder: tmpdir() }, (_at, emitted) => {
      moments.push(emitted.map(({ type }) => type))
    })
    if (!report.ok) throw new Error(`${id}: ${JSON.stringify(report)}`)
    told.set(id, moments)
  }
  return told
}

function courseOf(id: DialectId, family: string): string {
  const version = id.split('@')[1]
  const steps = MOMENTS.map(
    ({ at, actions, others }) => `  - { at: "${at}", when: [ ${others?.[family] ?? actions} ] }`,
  )
  return `format: 0
id: course/${id}
title: one course of events
provider: ${family}
${version === undefined ? '' : `dialect: { api_version: "${version}" }\n`}clock: { start: "2026-01-01T00:00:00Z" }
settings: { retry_schedule_days: [30], cycle_boundary: exact }
given:
  - plan: { code: basic, unit_amount: 5000, currency: usd, interval: month }
  - plan: { code: pro, unit_amount: 9000, currency: usd, interval: month }
${family === 'razorpay' ? '' : '  - customer: { id: cus_1 }\n'}steps:
${steps.join('\n')}
`
}

/** The parts of the page, without its title. */
export function dialectParts(told: Tellings, table: Table): readonly string[] {
  const parts = [
    'The same course of events in every dialect: the billing engine runs it under each provider’s billing profile, and the tables list the events in the order in which they are created. `standard` sends the facts under their own names. Providers promise no order of delivery, and they differ in more than names: in what they report at all, in when an invoice is charged, and in what a plan change is.',
  ]
  for (const [index, { title, at }] of MOMENTS.entries()) {
    if (title === '') continue
    const rows = [...told].map(([id, moments]) => [
      `\`${id}\``,
      (moments[index] ?? []).map((type) => `\`${type}\``).join(', ') || 'nothing',
    ])
    parts.push(`## ${title}`, `Up to ${at}.`, table(['dialect', 'events'], rows))
  }
  return parts
}
