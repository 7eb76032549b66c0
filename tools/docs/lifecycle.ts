/** docs/lifecycle.md: the engine's tables and diagrams, and the profiles side by side. */
import { AIRWALLEX_LEGACY_PROFILE, AIRWALLEX_PROFILE } from '../../src/dialects/airwallex/profile.ts'
import { KINDE_PROFILE } from '../../src/dialects/kinde/profile.ts'
import { RAZORPAY_PROFILE } from '../../src/dialects/razorpay/profile.ts'
import { STANDARD_PROFILE } from '../../src/dialects/standard/profile.ts'
import { STRIPE_CLASSIC_PROFILE, STRIPE_PROFILE } from '../../src/dialects/stripe/profile.ts'
import { TABLES } from '../../src/lifecycle/tables.ts'
import type { Row } from '../../src/lifecycle/tables.ts'
import { formatDuration } from '../../src/model/duration.ts'
import type { BillingProfile } from '../../src/model/profile.ts'

/** Lays out a Markdown table. */
type Table = (head: readonly string[], rows: readonly (readonly string[])[]) => string

const MEANING: Readonly<Record<keyof typeof TABLES, string>> = {
  subscription:
    'Billhook has twelve statuses of its own; `unknown` occurs only on the receiving end. A status changes by a row of this table, and in no other way.',
  invoice: 'A draft is finalized after the profile’s draft time and payment gate, immediately, or by hand.',
  payment: 'An invoice has one payment, with all its attempts. The charge itself is made outside the engine.',
  checkout: 'A hosted page. It is completed when what it created is paid.',
  refund: 'While a refund is pending, its amount cannot be refunded a second time.',
}

/** Every profile that comes with the product. */
const PROFILES: readonly BillingProfile[] = [
  STRIPE_PROFILE,
  STRIPE_CLASSIC_PROFILE,
  AIRWALLEX_PROFILE,
  AIRWALLEX_LEGACY_PROFILE,
  RAZORPAY_PROFILE,
  KINDE_PROFILE,
  STANDARD_PROFILE,
]

/** The parts of the page, without its title. */
export function lifecycleParts(table: Table): readonly string[] {
  return [
    'The billing engine is pure: a command or a time goes in; the new state comes out, with the facts and records that describe the change ([facts.md](facts.md)). The tables on this page are the ones that it runs on. `created` means that the object did not exist before, `deleted` that it no longer exists. A transition that emits nothing shows in what is emitted next.',
    ...Object.entries(TABLES).flatMap(([name, rows]) => machine(name, rows, table)),
    '## What is emitted, in which order',
    ORDER,
    '## Profiles',
    'The timing and rules of each provider. An account can override every value, see [profile.md](profile.md). Durations are ISO 8601.',
    profiles(table),
  ]
}

function machine(name: string, rows: readonly Row[], table: Table): readonly string[] {
  const meaning = Object.entries(MEANING).find(([key]) => key === name)?.[1] ?? ''
  return [
    `## ${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    meaning,
    diagram(rows),
    table(
      ['from', 'on', 'to', 'emits', 'source'],
      rows.map(({ from, on, to, emits, source }) => [
        from === null ? 'created' : `\`${from}\``,
        `\`${on}\``,
        to === null ? 'deleted' : `\`${to}\``,
        emits.map((kind) => `\`${kind}\``).join(', '),
        source,
      ]),
    ),
  ]
}

function diagram(rows: readonly Row[]): string {
  const lines = rows.map(({ from, on, to }) => `    ${from ?? '[*]'} --> ${to ?? '[*]'}: ${on}`)
  const statuses = new Set(rows.flatMap(({ to }) => (to === null ? [] : [to])))
  const ends = [...statuses].filter((status) => !rows.some(({ from }) => from === status))
  return ['```mermaid', 'stateDiagram-v2', ...lines, ...ends.map((end) => `    ${end} --> [*]`), '```'].join('\n')
}

const ORDER = `Each fact or record carries the entities before and after it. A status changes with the fact that the table names, so a dialect that
compares before and after sees each change once:

- first charge: \`subscription_created\`, \`invoice_drafted\`, \`invoice_finalized\`, \`payment_initiated\`, \`payment_succeeded\`, \`invoice_paid\`,
  \`subscription_activated\` (before \`invoice_paid\` if the profile says so);
- trial: \`subscription_created\`, \`subscription_trial_started\`; at its end \`subscription_trial_ended\`, which changes nothing by itself,
  and what follows: \`subscription_activated\`, \`subscription_past_due\`, \`subscription_paused\` or \`subscription_canceled\`;
- renewal: \`invoice_drafted\`, \`subscription_cycle_started\`; when it is charged \`invoice_finalized\`, \`payment_initiated\`,
  \`payment_succeeded\`, \`invoice_paid\`, \`subscription_renewed\`;
- failure: \`payment_failed\`, \`invoice_payment_failed\`, and the first time \`subscription_past_due\`; after the last retry what the profile
  says about payment, invoice and subscription, in this order;
- recovery: \`payment_succeeded\`, \`invoice_paid\`, \`subscription_renewed\`, \`subscription_activated\`;
- a replaced agreement: \`subscription_changed\` (about the old one, naming the new one), \`subscription_created\`,
  \`subscription_activated\`, \`subscription_canceled\` (about the old one, superseded), then the invoice.

What falls due at the same instant happens in this order: ends of pauses, notices, expiries, cancellations, starts, retries, trial
ends, renewals, finalizations, due dates, checkouts. Among equals, the older one comes first.`

function profiles(table: Table): string {
  const flat = PROFILES.map((profile) => new Map(flatten('', profile)))
  const keys = [...new Set(flat.flatMap((values) => [...values.keys()]))].filter((key) => key !== 'id')
  return table(
    ['rule', ...PROFILES.map(({ id }) => id)],
    keys.map((key) => [`\`${key}\``, ...flat.map((values) => values.get(key) ?? '')]),
  )
}

function flatten(prefix: string, value: object): readonly (readonly [string, string])[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    const name = prefix === '' ? key : `${prefix}.${key}`
    if (key === 'source' || key === 'switches') return []
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) return flatten(name, inner)
    return [[name.replace(/Ms$/, ''), textOf(name, inner)] as const]
  })
}

function textOf(name: string, value: unknown): string {
  if (value === null) return 'never'
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map((item) => textOf(name, item)).join(', ')
  if (typeof value === 'number' && name.endsWith('Ms')) return value === 0 ? 'none' : formatDuration(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
