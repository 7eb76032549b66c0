/** The documents that are generated from tables in the source. `npm run docs` writes them; a test compares them. */
import { readFileSync } from 'node:fs'
import { COMMAND_VARIABLES, SETTINGS } from '../../src/app/config.ts'
import { PROFILE_SETTINGS } from '../../src/app/sending/account_profile.ts'
import { SWITCHES } from '../../src/dialects/registry.ts'
import { ERRORS } from '../../src/model/error.ts'
import { FACT_KINDS, RECORD_KINDS } from '../../src/model/facts.ts'
import { REFUSALS } from '../../src/model/verdict.ts'
import { METRICS } from '../../src/ports/metrics.ts'
import { catalogueParts } from './catalogue.ts'
import type { Sighting } from './catalogue.ts'
import { dialectParts } from './dialects.ts'
import type { Tellings } from './dialects.ts'
import { lifecycleParts } from './lifecycle.ts'

const root = new URL('../../', import.meta.url)

/** Each document by its path, as it should be. */
export function documents(): Readonly<Record<string, string>> {
  return {
    'docs/errors.md': errors(),
    'docs/verdicts.md': verdicts(),
    'docs/facts.md': facts(),
    'docs/configuration.md': configuration(),
    'docs/metrics.md': metrics(),
    'docs/profile.md': profile(),
    'docs/dependencies.md': dependencies(),
    'CONTRIBUTING.md': replaceBetween(readFileSync(new URL('CONTRIBUTING.md', root), 'utf8'), 'rooms', roomsTable()),
    'docs/lifecycle.md': page('Lifecycle', lifecycleParts(table)),
  }
}

/** The table of rooms, as CONTRIBUTING.md shows it between its two marks. */
function roomsTable(): string {
  const { rooms } = JSON.parse(readFileSync(new URL('tools/house/rooms.json', root), 'utf8')) as {
    rooms: Readonly<Record<string, { readonly rooms: readonly string[]; readonly outside: readonly string[] }>>
  }
  const list = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(' ') || 'nothing'
  return table(
    ['room', 'may import', 'from outside'],
    Object.entries(rooms).map(([room, { rooms: others, outside }]) => [`\`${room}\``, list(others), list(outside)]),
  )
}

/** A document with the text between two marks replaced. */
function replaceBetween(text: string, mark: string, content: string): string {
  const pattern = new RegExp(`(<!-- ${mark}:[^>]*-->\\n\\n)[\\s\\S]*?(\\n\\n<!-- /${mark} -->)`)
  return text.replace(pattern, (_all, begin: string, end: string) => begin + content + end)
}

/** docs/catalogue.md, from what the stories were seen to emit. */
export function catalogueDocument(sightings: readonly Sighting[]): string {
  return page('Catalogue', catalogueParts(sightings, table))
}

/** docs/dialects.md, from what each dialect was seen to tell. */
export function dialectsDocument(told: Tellings): string {
  return page('Dialects', dialectParts(told, table))
}

function profile(): string {
  const takes = (kind: (typeof PROFILE_SETTINGS)[keyof typeof PROFILE_SETTINGS]['kind']): string =>
    typeof kind === 'object' ? kind.oneOf.map((word) => `\`${word}\``).join(', ') : kind.replaceAll('_', ' ')
  return page('Account profiles and switches', [
    'An account is billed by the rules of its dialect’s provider, its billing profile; [lifecycle.md](lifecycle.md#profiles) compares them. Each of these settings of an account (`profile` in the API) overrides one rule. Durations are ISO 8601 (`PT1H`, `P3D`).',
    table(
      ['setting', 'takes', 'rule of the profile'],
      Object.entries(PROFILE_SETTINGS).map(([name, { path, kind }]) => [
        `\`${name}\``,
        takes(kind),
        `\`${path.join('.')}\``,
      ]),
    ),
    'Switches (`switches` in the API) decide how a dialect reports changes where its provider’s documents contradict each other or leave a choice. All are off by default.',
    table(
      ['switch', 'dialect', 'value', 'effect'],
      SWITCHES.map(({ name, dialect, value, effect }) => [`\`${name}\``, dialect, `\`${value}\``, effect]),
    ),
  ])
}

function errors(): string {
  return page('Errors', [
    'An error of the API has the body `{"error": {"code", "message", "details"}}`; the library throws `BillhookError` with the same `code`. Codes are stable; messages are for people and may change.',
    table(
      ['code', 'status', 'meaning', 'what to do'],
      Object.entries(ERRORS).map(([code, { status, meaning, remedy }]) => [
        `\`${code}\``,
        String(status),
        meaning,
        remedy,
      ]),
    ),
  ])
}

function metrics(): string {
  return page('Metrics', [
    '`GET /metrics` prints the metrics of this process in the Prometheus text format; it needs no API key. Gauges about the store have the same value in every process. Alert when `billhook_inbox_store_failures_total`, `billhook_inbox_dead_total` or `billhook_inbox_altered_events_total` rises at all, when `billhook_inbox_backlog` does not fall, and when deliveries of a known source have the verdict `signature_mismatch`.',
    table(
      ['metric', 'type', 'labels', 'meaning'],
      Object.entries(METRICS).map(([name, { type, labels, help }]) => [
        `\`${name}\``,
        type,
        labels.map((label) => `\`${label}\``).join(' '),
        help,
      ]),
    ),
  ])
}

function verdicts(): string {
  return page('Verdicts', [
    'Why a delivery does not open: the `reason` that `billhook open` prints, the `verdict` of a stored delivery, and a detail of `delivery_refused`. The sender is answered with the status, and retries after a 5xx. A delivery that opens has the verdict `ok`.',
    table(
      ['reason', 'status', 'meaning'],
      Object.entries(REFUSALS).map(([reason, { status, meaning }]) => [`\`${reason}\``, String(status), meaning]),
    ),
  ])
}

function facts(): string {
  return page('Facts', [
    'What can happen in subscription billing, in one vocabulary. The receiving end derives facts from deliveries; the sending end emits them. Facts with the same key are the same fact: handlers run once for it, however late, often or out of order its deliveries arrive.',
    table(
      ['fact', 'about', 'key', 'meaning'],
      Object.entries(FACT_KINDS).map(([kind, { about, key, meaning }]) => [`\`${kind}\``, about, key, meaning]),
    ),
    '## Records',
    'Only the sending end emits these. They say nothing about access, and the receiving end derives none of them.',
    table(
      ['record', 'about', 'meaning'],
      Object.entries(RECORD_KINDS).map(([kind, { about, meaning }]) => [`\`${kind}\``, about, meaning]),
    ),
  ])
}

function configuration(): string {
  return page('Configuration', [
    'Billhook is configured by environment variables. An empty value counts as unset. `billhook config` prints every setting with its value, but never a secret. Durations are ISO 8601 (`PT10S`, `P90D`).',
    table(
      ['setting', 'default', 'meaning'],
      SETTINGS.map(({ name, fallback, meaning }) => [
        `\`${name}\``,
        fallback === null ? '' : `\`${fallback}\``,
        meaning,
      ]),
    ),
    '## Command line',
    'Commands that use the API (`access`, `replay`, `keys`, `accounts` and so on) also read these.',
    table(
      ['variable', 'meaning'],
      COMMAND_VARIABLES.map(({ name, meaning }) => [`\`${name}\``, meaning]),
    ),
  ])
}

/** Why each package is there. A package without a reason, and a reason without a package, fail. */
const REASONS: Readonly<Record<string, string>> = {
  '@hono/node-server': 'Serves the REST API on `node:http`. The ingest route does not use it.',
  '@opentelemetry/api': 'Traces, if the application has set up a tracer; otherwise it does nothing.',
  commander: 'The command line.',
  hono: 'Routes of the REST API, on web-standard requests. No dependencies of its own.',
  nodemailer: 'SMTP for customer and operator mails.',
  pg: 'PostgreSQL. Loaded only when a database URL is given.',
  pino: 'Structured logs.',
  undici: 'HTTP client with connection pools, for deliveries and key sets.',
  yaml: 'Scenario files.',
  zod: 'Schemas of the REST API: validation and the OpenAPI document from one source.',
  '@arethetypeswrong/cli': 'Checks that the published types resolve.',
  '@kinde/webhooks': 'A provider’s SDK: must accept what we sign.',
  '@types/express': 'Types of express.',
  '@types/luxon': 'Types of luxon.',
  '@types/node': 'Types of Node.js.',
  '@types/nodemailer': 'Types of nodemailer.',
  '@types/pg': 'Types of pg.',
  '@types/smtp-server': 'Types of smtp-server.',
  'dependency-cruiser': 'Enforces which room may import which.',
  express: 'An example, tested with its real body parser.',
  fastify: 'An example, tested with its real body parser.',
  'fast-check': 'Property tests.',
  jose: 'Independent implementation of tokens, compared with ours in tests.',
  knip: 'Finds dead code and unused packages.',
  luxon: 'Independent implementation of the calendar, compared with ours in tests.',
  oxlint: 'Lint.',
  'oxlint-tsgolint': 'Type-aware lint rules.',
  'pg-boss': 'The usual alternative: a baseline in the benchmarks.',
  prettier: 'Format.',
  publint: 'Checks the package.',
  razorpay: 'A provider’s SDK: must accept what we sign.',
  'smtp-server': 'A real mail server for the tests.',
  standardwebhooks: 'The reference implementation: must accept what we sign.',
  stripe: 'A provider’s SDK: must accept what we sign.',
  typescript: 'Types and build.',
  vitest: 'Tests.',
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

function dependencies(): string {
  const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Manifest
  const names = new Set(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }))
  for (const name of Object.keys(REASONS))
    if (!names.has(name)) throw new Error(`tools/docs/documents.ts gives a reason for ${name}, which is not used`)
  const rows = (packages: Readonly<Record<string, string>>): readonly (readonly string[])[] =>
    Object.entries(packages).map(([name, range]) => {
      const reason = REASONS[name]
      if (reason === undefined) throw new Error(`tools/docs/documents.ts gives no reason for the package ${name}`)
      return [`\`${name}\``, `\`${range}\``, reason]
    })
  return page('Dependencies', [
    'Why each package is used. No provider’s SDK is needed at run time.',
    '## At run time',
    table(['package', 'version', 'why'], rows(manifest.dependencies)),
    '## For development and tests',
    table(['package', 'version', 'why'], rows(manifest.devDependencies)),
    'The workspaces `tools/node` and `tools/postgres` install the Node.js that scripts run on and the PostgreSQL that tests run against; neither is published.',
  ])
}

function page(title: string, parts: readonly string[]): string {
  return `# ${title}\n\n<!-- Generated by npm run docs. -->\n\n${parts.join('\n\n')}\n`
}

/** A Markdown table, laid out as the formatter does it. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...escaped.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...escaped.map(line)].join('\n')
}
