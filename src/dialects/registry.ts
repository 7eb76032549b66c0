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
