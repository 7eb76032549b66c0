import { BillhookError } from '../model/error.ts'
import { parseInstant } from '../model/instant.ts'
import type { BillingProfile } from '../model/profile.ts'
import { airwallex2025_04_25, airwallex2025_06_16 } from './airwallex/index.ts'
import { AIRWALLEX_LEGACY_PROFILE, AIRWALLEX_PROFILE } from './airwallex/profile.ts'
import { WORDS as airwallexWords } from './airwallex/words.ts'
import type { Dialect, DialectId, ProviderWords } from './dialect.ts'
import { kinde } from './kinde/index.ts'
import { KINDE_PROFILE } from './kinde/profile.ts'
import { WORDS as kindeWords } from './kinde/words.ts'
import { razorpay } from './razorpay/index.ts'
import { RAZORPAY_PROFILE } from './razorpay/profile.ts'
import { WORDS as razorpayWords } from './razorpay/words.ts'
import { standard } from './standard/index.ts'
import { STANDARD_PROFILE } from './standard/profile.ts'
import { WORDS as standardWords } from './standard/words.ts'
import { stripeAcacia, stripeEndive } from './stripe/index.ts'
import { STRIPE_PROFILE } from './stripe/profile.ts'
import { WORDS as stripeWords } from './stripe/words.ts'

/** Every dialect, one entry a generation: the only list there is. */
export const DIALECTS: readonly Dialect[] = [
  stripeAcacia,
  stripeEndive,
  razorpay,
  kinde,
  airwallex2025_04_25,
  airwallex2025_06_16,
  standard,
]

const WORDS: Readonly<Record<string, ProviderWords>> = {
  stripe: stripeWords,
  razorpay: razorpayWords,
  kinde: kindeWords,
  airwallex: airwallexWords,
}

const PROFILES: Readonly<Record<DialectId, BillingProfile>> = {
  'stripe@2025-02-24.acacia': STRIPE_PROFILE,
  'stripe@2026-10-28.endive': STRIPE_PROFILE,
  razorpay: RAZORPAY_PROFILE,
  kinde: KINDE_PROFILE,
  'airwallex@2025-04-25': AIRWALLEX_LEGACY_PROFILE,
  'airwallex@2025-06-16': AIRWALLEX_PROFILE,
  standard: STANDARD_PROFILE,
}

/** The timing and rules that a dialect's provider bills by. @throws BillhookError `unknown_dialect` */
export function profileFor(dialect: string): BillingProfile {
  return PROFILES[dialectOf(dialect).id]
}

/** The words of a dialect's provider, for reading what is written in them. */
export function wordsOf(dialect: Dialect): ProviderWords {
  return WORDS[dialect.family] ?? standardWords
}

/**
 * From which API version on a generation's shapes hold, the newest first. A version between two of them has the shapes of the
 * older one.
 */
const GENERATIONS: readonly { readonly family: string; readonly from: string; readonly id: DialectId }[] = [
  // Basil moved the cycle to the items and the subscription of an invoice into its parent.
  { family: 'stripe', from: '2025-03-31', id: 'stripe@2026-10-28.endive' },
  { family: 'stripe', from: '0000-01-01', id: 'stripe@2025-02-24.acacia' },
  { family: 'airwallex', from: '2025-06-16', id: 'airwallex@2025-06-16' },
  { family: 'airwallex', from: '0000-01-01', id: 'airwallex@2025-04-25' },
]

const VERSIONED = /^([a-z]+)@(\d{4}-\d{2}-\d{2})(?:\.[a-z_]+)?$/

/** The dialect with this id. @throws BillhookError `unknown_dialect` */
export function dialectOf(id: string): Dialect {
  const found = DIALECTS.find((dialect) => dialect.id === id)
  if (found === undefined) throw unknownDialect(id)
  return found
}

/**
 * The dialect that a text names: an id, or a provider with any of its API versions (`stripe@2024-06-20`,
 * `stripe@2025-08-27.basil`, `airwallex@2026-02-27`), which gives the generation that has that version's shapes.
 *
 * @throws BillhookError `unknown_dialect`, listing the ids
 */
export function resolveDialect(text: string): Dialect {
  const exact = DIALECTS.find((dialect) => dialect.id === text)
  if (exact !== undefined) return exact
  const match = VERSIONED.exec(text)
  if (match === null) throw unknownDialect(text)
  const [, family, date = ''] = match
  if (parseInstant(date) === null) throw unknownDialect(text)
  const generation = GENERATIONS.find((entry) => entry.family === family && date >= entry.from)
  if (generation === undefined) throw unknownDialect(text)
  return dialectOf(generation.id)
}

function unknownDialect(text: string): BillhookError {
  const ids = DIALECTS.map((dialect) => dialect.id)
  return new BillhookError(
    'unknown_dialect',
    `${JSON.stringify(text)} is no dialect; use one of ${ids.join(', ')}, or a provider of these with an API version`,
    { details: { ids } },
  )
}

/** A choice where a provider's documents contradict each other or leave one. */
interface Switch {
  readonly name: string
  /** Who looks at it. */
  readonly dialect: string
  /** What turns it on; it is off by default. */
  readonly value: string
  readonly effect: string
}

/** Every switch that an account may have. */
export const SWITCHES: readonly Switch[] = [
  {
    name: 'catalogue',
    dialect: 'stripe',
    value: 'seed',
    effect: 'only the events of the older guide (seed 002) are emitted',
  },
  {
    name: 'payment_entity',
    dialect: 'razorpay',
    value: 'as_printed',
    effect: 'payment entities occur only where the printed samples have them',
  },
  { name: 'key_order', dialect: 'razorpay', value: 'sorted', effect: 'keys are in alphabetical order at every level' },
  {
    name: 'related_events',
    dialect: 'razorpay',
    value: 'on',
    effect: '`payment.*`, `invoice.*` and the like are emitted too, besides the ten subscription events',
  },
  {
    name: 'authenticated_on_immediate_start',
    dialect: 'razorpay',
    value: 'on',
    effect: 'a start with the first payment also sends `subscription.authenticated`',
  },
  {
    name: 'pending_before_halted',
    dialect: 'razorpay',
    value: 'on',
    effect: 'the last failed retry also sends `subscription.pending`',
  },
  {
    name: 'data_shape',
    dialect: 'kinde',
    value: 'nested',
    effect: 'customer, plan and agreement are objects inside `data`',
  },
  {
    name: 'cancelled_on_change',
    dialect: 'kinde',
    value: 'on',
    effect: 'a plan change also sends `customer.agreement_cancelled` for the old agreement',
  },
  {
    name: 'time_offset',
    dialect: 'airwallex',
    value: 'colon',
    effect: 'times end in `+00:00`, as from version 2026-06-30, instead of `+0000`',
  },
  {
    name: 'later_events',
    dialect: 'airwallex 2025-06-16',
    value: 'on',
    effect: 'event types that later documents added are emitted too',
  },
  {
    name: 'updated_on_renewal',
    dialect: 'airwallex 2025-04-25',
    value: 'on',
    effect: 'a paid renewal also sends `subscription.updated`',
  },
  {
    name: 'verify_endpoints',
    dialect: 'all',
    value: 'on',
    effect: 'an endpoint gets events only after its owner has proved control of it',
  },
]

/**
 * Refuses switches that nobody looks at: a misspelt one would do nothing.
 *
 * @throws BillhookError `invalid_request`, naming those that there are
 */
export function requireSwitches(switches: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(switches)) {
    const known = SWITCHES.find((one) => one.name === name)
    const field = `switches.${name}`
    if (known === undefined)
      throw new BillhookError(
        'invalid_request',
        `${field}: there is no such switch; there are ${SWITCHES.map((one) => one.name).join(', ')}`,
        { details: { field, in: 'body' } },
      )
    if (value !== known.value && value !== 'off')
      throw new BillhookError(
        'invalid_request',
        `${field}: takes ${known.value} or off, not ${JSON.stringify(value)}`,
        {
          details: { field, in: 'body' },
        },
      )
  }
}
