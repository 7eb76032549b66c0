import type { Dialect } from '../dialects/dialect.ts'
import { requireSwitches } from '../dialects/registry.ts'
import { profileOfAccount } from '../app/sending/account_profile.ts'
import { BillhookError } from '../model/error.ts'
import { parseDuration, requireDuration } from '../model/duration.ts'
import { DAY_MS, HOUR_MS } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { Json, JsonObject } from '../model/json.ts'
import type { BillingProfile } from '../model/profile.ts'
import type { RetryPolicy } from '../model/retry.ts'
import type { Acknowledgement } from './receiver.ts'
import { StoryFields } from './read_fields.ts'
import { readAcknowledgement } from './effects.ts'
import { readEndpoints } from './other_endpoints.ts'
import type { OtherEndpoint } from './other_endpoints.ts'
import type { Scenario } from './scenario.ts'

/** A story's settings, as the account, the endpoint and the receiver take them. */
export interface StorySettings {
  readonly profile: JsonObject
  readonly switches: Readonly<Record<string, string>>
  /** The endpoint's own retry policy; null: the dialect's. */
  readonly retry: RetryPolicy | null
  readonly secret: string | null
  readonly acknowledgement: Acknowledgement
  /** False where the story says that nobody listens: the endpoint then asks for all but invoices' creation. */
  readonly hasGatekeeper: boolean
  /** Endpoints beside the receiver's own. */
  readonly others: readonly OtherEndpoint[]
  /** The story's name for the receiver's own endpoint, where it has one. */
  readonly ownEndpoint: string | null
  /** Settings that mean nothing here. */
  readonly notes: readonly string[]
  /** A provider's profile with the story's settings over it. */
  profileOf(base: BillingProfile): BillingProfile
}

/** A setting that only says how another name of it is written. */
const GATES: Readonly<Record<string, string>> = {
  modern: 'after_ack',
  after_ack: 'after_ack',
  classic: 'classic',
  none: 'none',
}
const ENDS: Readonly<Record<string, string>> = {
  cancel: 'cancel',
  canceled: 'cancel',
  cancelled: 'cancel',
  unpaid: 'unpaid',
  halt: 'halt',
  halted: 'halt',
  past_due: 'stay_past_due',
  stay_past_due: 'stay_past_due',
}

/**
 * Reads a story's settings. A notice before renewals is sent only where the story says how early.
 *
 * @throws BillhookError `scenario_invalid`, `invalid_request`, naming the setting
 */
export function readStorySettings(story: Scenario, dialect: Dialect): StorySettings {
  const fields = new StoryFields(story.settings, 'settings')
  const profile: JsonObject = {
    upcoming_notice: days(fields, 'upcoming_days'),
    ...optional('trial_ending_notice', days(fields, 'trial_ending_days', 'trial_will_end_days')),
    ...optional('will_be_due_notice', days(fields, 'will_be_due_days')),
    ...retries(fields),
    ...optional('gate', wordOf(fields, GATES, 'gate', 'payment_gate')),
    ...optional('when_retries_end', wordOf(fields, ENDS, 'when_retries_end', 'after_retries', 'dunning_end')),
    ...optional('invoice_when_retries_end', fields.text('invoice_when_retries_end')),
    ...optional('proration', fields.text('proration_behavior')),
    ...optional('due_days', fields.integer('due_days', 'days_until_due')),
    ...optional('boundary_at', boundary(fields.text('cycle_boundary'))),
    ...optional('incomplete', hours(fields, 'incomplete_hours')),
    ...optional('overdue_automatic', days(fields, 'overdue_after_days')),
    ...optional('completion', fields.text('completion')),
    ...passed(fields.get('profile')),
  }
  const classic = fields.text('gate') === 'classic'
  const switches = { ...(classic ? { catalogue: 'seed' } : {}), ...texts(fields.get('switches')) }
  requireSwitches(switches)
  const endpoint = fields.get('endpoint')
  const listens = endpoint === 'none' ? false : fields.has('endpoint') ? endpoint !== null : true
  const own = ownEndpoint(endpoint)
  const endpoints = readEndpoints(fields, story.given)
  const ack = own === null ? endpoints.own : readAcknowledgement(own)
  const retry = retryPolicy(fields, dialect)
  const secret = fields.object('webhook')?.text('secret') ?? null
  // Said for the reader, or read elsewhere.
  for (const key of ['api_version', 'total_count', 'method', 'billing_mode']) fields.has(key)
  return {
    profile,
    switches,
    retry,
    secret,
    notes: [...fields.unread(), ...(own?.unread() ?? []), ...endpoints.notes],
    others: endpoints.others,
    ownEndpoint: endpoints.ownName,
    acknowledgement: { status: ack?.status ?? 200, until: ack?.until ?? null },
    hasGatekeeper: listens && endpoints.listens && !(isObject(endpoint) && endpoint['ack'] === 'none'),
    profileOf: (base) => profileOfAccount({ profile, switches }, base),
  }
}

/** `{ ack: … }`, or the acknowledgement alone. */
function ownEndpoint(endpoint: Json): StoryFields | null {
  if (endpoint === null || endpoint === 'none') return null
  return new StoryFields(isObject(endpoint) ? endpoint : { ack: endpoint }, 'settings.endpoint')
}

/** What a setting's word means. @throws BillhookError `scenario_invalid` for a word that means nothing */
function wordOf(
  fields: StoryFields,
  words: Readonly<Record<string, string>>,
  ...keys: readonly string[]
): string | null {
  const word = fields.text(...keys)
  if (word === null) return null
  const found = words[word]
  if (found === undefined) throw fields.fault(keys.find((key) => fields.has(key)) ?? '', Object.keys(words).join(', '))
  return found
}

/** The members of a list of days as the retries of a profile, with how they are counted. */
function retries(fields: StoryFields): JsonObject {
  const gaps = fields.get('retry_schedule_days') ?? fields.get('dunning_gaps_days')
  const offsets = fields.get('dunning_offsets_days') ?? fields.get('retry_days') ?? fields.get('retry_offsets_days')
  const list = Array.isArray(gaps) ? gaps : Array.isArray(offsets) ? offsets : null
  if (list === null) return {}
  return {
    retries: list.map((day: Json) => `P${JSON.stringify(day)}D`),
    retries_counted: Array.isArray(gaps) ? 'from_previous' : 'from_first_failure',
  }
}

/** How the account's webhooks are repeated: `retry_every` and `retry_for`, or `webhook` with its times. */
function retryPolicy(fields: StoryFields, dialect: Dialect): RetryPolicy | null {
  const every = fields.text('retry_every')
  const webhook = fields.object('webhook')
  const base = dialect.retry
  if (every !== null) {
    const everyMs = requireDuration(every, 'settings.retry_every')
    const forMs = parseDuration(fields.text('retry_for')) ?? 72 * HOUR_MS
    const count = Math.floor(forMs / Math.max(1, everyMs))
    return {
      ...base,
      id: 'story',
      offsetsMs: Array.from({ length: count }, (_, n) => (n + 1) * everyMs),
      giveUpAfterMs: forMs,
      jitter: 0,
      disableAfterMs: null,
    }
  }
  if (webhook === null) return base.jitter === 0 ? null : { ...base, jitter: 0 }
  return {
    ...base,
    jitter: 0,
    giveUpAfterMs: parseDuration(webhook.text('retry_for')) ?? base.giveUpAfterMs,
    timeoutMs: parseDuration(webhook.text('timeout')) ?? base.timeoutMs,
    disableAfterMs: parseDuration(webhook.text('disable_after')) ?? base.disableAfterMs,
  }
}

function days(fields: StoryFields, ...keys: readonly string[]): string | null {
  const count = fields.integer(...keys)
  return count === null ? null : `PT${(count * DAY_MS) / HOUR_MS}H`
}

function hours(fields: StoryFields, ...keys: readonly string[]): string | null {
  const count = fields.integer(...keys)
  return count === null ? null : `PT${count}H`
}

function boundary(word: string | null): string | null {
  if (word === null) return null
  if (word.startsWith('midnight')) return 'midnight'
  if (word === 'exact') return 'exact'
  throw new BillhookError('scenario_invalid', `settings.cycle_boundary: expected midnight_ist or exact, found ${word}`)
}

function optional(name: string, value: Json): JsonObject {
  return value === null ? {} : { [name]: value }
}

function passed(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

function texts(value: Json | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(passed(value)).flatMap(([name, one]) => (typeof one === 'string' ? [[name, one] as const] : [])),
  )
}
