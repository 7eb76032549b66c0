import { isTimeZone } from '../../model/calendar.ts'
import { BillhookError } from '../../model/error.ts'
import { parseDuration } from '../../model/duration.ts'
import type { Json } from '../../model/json.ts'
import type { BillingProfile } from '../../model/profile.ts'
import { SUBSCRIPTION_STATUSES } from '../../model/status.ts'
import type { Account } from '../../ports/billing_store.ts'

/** What kind of value a setting takes. */
type Kind =
  | 'duration'
  | 'duration_or_null'
  | 'durations'
  | 'boolean'
  | 'days'
  | 'statuses'
  | 'zone'
  | { readonly oneOf: readonly string[] }

interface Setting {
  /** Where it stands in the profile. */
  readonly path: readonly [string] | readonly [string, string] | readonly [string, string, string]
  readonly kind: Kind
}

const GATES: Kind = { oneOf: ['none', 'after_ack', 'classic'] }
const PAID_ORDER: Kind = { oneOf: ['paid_then_activated', 'activated_then_paid'] }

/**
 * Every setting of a profile that an account may change, by the name that it is written with. Durations are ISO 8601 texts
 * (`PT1H`, `P3D`).
 */
export const PROFILE_SETTINGS = {
  gate: { path: ['gate'], kind: GATES },
  gate_limit: { path: ['gateLimitMs'], kind: 'duration' },
  draft: { path: ['draftMs'], kind: 'duration' },
  boundary_at: { path: ['boundary', 'at'], kind: { oneOf: ['exact', 'midnight'] } },
  boundary_zone: { path: ['boundary', 'zone'], kind: 'zone' },
  trial_ending_notice: { path: ['notices', 'trialEndingMs'], kind: 'duration_or_null' },
  upcoming_notice: { path: ['notices', 'upcomingMs'], kind: 'duration_or_null' },
  will_be_due_notice: { path: ['notices', 'willBeDueMs'], kind: 'duration_or_null' },
  first_payment: { path: ['start', 'firstPayment'], kind: { oneOf: ['charge', 'authorize'] } },
  first_failure: { path: ['start', 'firstFailure'], kind: { oneOf: ['wait', 'dunning'] } },
  incomplete: { path: ['start', 'incompleteMs'], kind: 'duration_or_null' },
  authorize_within: { path: ['start', 'authorizeMs'], kind: 'duration_or_null' },
  trial_zero_invoice: { path: ['trial', 'zeroInvoice'], kind: 'boolean' },
  trial_activates: { path: ['trial', 'activates'], kind: { oneOf: ['at_end', 'on_payment'] } },
  retries: { path: ['dunning', 'retriesMs'], kind: 'durations' },
  retries_counted: { path: ['dunning', 'counted'], kind: { oneOf: ['from_previous', 'from_first_failure'] } },
  when_retries_end: {
    path: ['dunning', 'subscription'],
    kind: { oneOf: ['cancel', 'unpaid', 'halt', 'stay_past_due'] },
  },
  invoice_when_retries_end: { path: ['dunning', 'invoice'], kind: { oneOf: ['leave', 'uncollectible', 'void'] } },
  recovery: { path: ['dunning', 'recovery'], kind: { oneOf: ['only_subsequent', 'open_too'] } },
  new_method_past_due: { path: ['dunning', 'methodChange', 'pastDue'], kind: { oneOf: ['charge', 'wait'] } },
  new_method_unpaid: { path: ['dunning', 'methodChange', 'unpaid'], kind: { oneOf: ['charge', 'activate', 'wait'] } },
  cancels_payment: { path: ['dunning', 'cancelsPayment'], kind: 'boolean' },
  pause_from: { path: ['pause', 'from'], kind: 'statuses' },
  pause_cancels_in: { path: ['pause', 'cancelsIn'], kind: 'statuses' },
  pause_collection: { path: ['pause', 'collection'], kind: 'boolean' },
  resumption_within: { path: ['pause', 'resumptionMs'], kind: 'duration_or_null' },
  resumption: { path: ['pause', 'resumption'], kind: { oneOf: ['invoice', 'next_cycle'] } },
  due_days: { path: ['overdue', 'dueDays'], kind: 'days' },
  overdue_is_past_due: { path: ['overdue', 'pastDue'], kind: 'boolean' },
  overdue_exhausts: { path: ['overdue', 'exhaustsMs'], kind: 'duration_or_null' },
  overdue_automatic: { path: ['overdue', 'automaticMs'], kind: 'duration_or_null' },
  order_first_charge: { path: ['order', 'firstCharge'], kind: PAID_ORDER },
  order_recovery: { path: ['order', 'recovery'], kind: PAID_ORDER },
  order_failure: { path: ['order', 'failure'], kind: { oneOf: ['failed_then_past_due', 'past_due_then_failed'] } },
  order_renewal: { path: ['order', 'renewal'], kind: { oneOf: ['drafted_then_cycle', 'cycle_then_drafted'] } },
  order_change: { path: ['order', 'change'], kind: { oneOf: ['items_then_changed', 'changed_then_items'] } },
  completion: { path: ['completion'], kind: { oneOf: ['on_last_invoice', 'end_of_last_cycle'] } },
  plan_change: { path: ['planChange'], kind: { oneOf: ['in_place', 'replace'] } },
  proration: { path: ['proration'], kind: { oneOf: ['create_prorations', 'always_invoice', 'none'] } },
  proration_unit: { path: ['prorationUnit'], kind: { oneOf: ['second', 'day'] } },
  pending_change: { path: ['pendingChangeMs'], kind: 'duration' },
  checkout_open: { path: ['checkoutMs'], kind: 'duration' },
} as const satisfies Record<string, Setting>

const SETTINGS: ReadonlyMap<string, Setting> = new Map(Object.entries(PROFILE_SETTINGS))

/** More retries than this are a mistake. */
const MAX_RETRIES = 50

/**
 * The profile that an account is billed by: its dialect's, with the account's own settings and switches over it.
 *
 * @throws BillhookError `invalid_request`, naming the setting
 */
export function profileOfAccount(account: Pick<Account, 'profile' | 'switches'>, base: BillingProfile): BillingProfile {
  const switches = { ...base.switches, ...account.switches }
  let profile: Record<string, unknown> = { ...base, switches }
  for (const [name, value] of Object.entries(account.profile)) {
    const setting = SETTINGS.get(name)
    if (setting === undefined)
      throw new BillhookError(
        'invalid_request',
        `profile.${name}: there is no such setting; the settings are ${[...SETTINGS.keys()].join(', ')}`,
      )
    profile = placed(profile, setting.path, readSetting(name, setting.kind, value))
  }
  if (!isProfile(profile)) throw new BillhookError('internal_invariant', 'the settings broke the shape of a profile')
  return profile
}

function placed(into: Record<string, unknown>, path: readonly string[], value: unknown): Record<string, unknown> {
  const [first = '', ...rest] = path
  if (rest.length === 0) return { ...into, [first]: value }
  const inner = into[first]
  return { ...into, [first]: placed(isRecord(inner) ? inner : {}, rest, value) }
}

function readSetting(name: string, kind: Kind, value: Json): unknown {
  const fault = (expected: string): BillhookError =>
    new BillhookError('invalid_request', `profile.${name}: expected ${expected}, found ${JSON.stringify(value)}`, {
      details: { field: `profile.${name}` },
    })
  if (typeof kind === 'object') {
    const found = kind.oneOf.find((word) => word === value)
    if (found === undefined) throw fault(`one of ${kind.oneOf.join(', ')}`)
    return found
  }
  switch (kind) {
    case 'boolean':
      if (typeof value !== 'boolean') throw fault('true or false')
      return value
    case 'days':
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 3650)
        throw fault('a whole number of days')
      return value
    case 'zone':
      if (typeof value !== 'string' || !isTimeZone(value)) throw fault('a time zone such as Asia/Kolkata')
      return value
    case 'duration':
    case 'duration_or_null':
      if (value === null && kind === 'duration_or_null') return null
      return parseDuration(value) ?? raise(fault('a duration such as PT1H or P3D'))
    case 'durations':
      if (!Array.isArray(value) || value.length > MAX_RETRIES) throw fault(`at most ${MAX_RETRIES} durations`)
      return value.map((one: Json) => parseDuration(one) ?? raise(fault('durations such as P3D')))
    case 'statuses':
      if (!Array.isArray(value) || !value.every((one) => typeof one === 'string' && one in SUBSCRIPTION_STATUSES))
        throw fault(`a list of ${Object.keys(SUBSCRIPTION_STATUSES).join(', ')}`)
      return value
  }
}

function raise(error: BillhookError): never {
  throw error
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The base was a profile, and each setting was read with the type that its place has. */
function isProfile(value: Record<string, unknown>): value is Record<string, unknown> & BillingProfile {
  return typeof value['id'] === 'string' && isRecord(value['dunning']) && isRecord(value['start'])
}

/** How long a provider of this profile retries a failed payment: from the first failure to the last retry, milliseconds. */
export function retryWindowOf({ dunning }: BillingProfile): number {
  if (dunning.counted === 'from_first_failure') return Math.max(0, ...dunning.retriesMs)
  return dunning.retriesMs.reduce((sum, wait) => sum + wait, 0)
}
