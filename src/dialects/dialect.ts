/**
 * The port that every provider's wire protocol implements: one folder each, the same file names in each. Nothing outside
 * those folders, `registry.ts`, tests and documents knows a provider's name.
 */
import type { EntityValues, View } from '../model/entities.ts'
import type { FactKind, Told } from '../model/facts.ts'
import type { Instant } from '../model/instant.ts'
import { canonicalJson } from '../model/json.ts'
import type { JsonObject } from '../model/json.ts'
import type { ObjectKind } from '../model/objects.ts'
import type { Observation, Problem } from '../model/observations.ts'
import type { RetryPolicy } from '../model/retry.ts'
import type { InvoiceStatus, SubscriptionStatus } from '../model/status.ts'
import type { Refusal } from '../model/verdict.ts'
import type { Headers } from '../wire/headers.ts'
import { sha256Hex } from '../wire/hmac.ts'

/** The ids of all dialects; where the provider versions its payloads, the version is part of the id. */
export const DIALECT_IDS = [
  'stripe@2025-02-24.acacia',
  'stripe@2026-10-28.endive',
  'razorpay',
  'kinde',
  'airwallex@2025-04-25',
  'airwallex@2025-06-16',
  'standard',
] as const

/** One of {@link DIALECT_IDS}. */
export type DialectId = (typeof DIALECT_IDS)[number]

/** One event type of a provider. */
export interface CatalogueEntry {
  /** The provider's own name of it, verbatim. */
  readonly type: string
  /** What the provider's web application calls it, where a document shows that. */
  readonly label: string | null
  /** True for the 45 events named in the seed documents. */
  readonly seed: boolean
  /** The facts that a delivery of this type can carry; empty for types that say nothing about billing. */
  readonly carries: readonly FactKind[]
  readonly meaning: string
  /** Where the entry comes from: a seed document or a page of the provider. */
  readonly source: string
}

/** An event as the provider tells it, without its signature. */
export interface Notification {
  /** The provider's event id: in the body, or (where the body has none) in a header. Null if there is none. */
  readonly id: string | null
  /** The provider's type, verbatim; empty if the body names none. */
  readonly type: string
  /** When the provider made the event. */
  readonly createdAt: Instant | null
  /** The provider's account that the event belongs to. */
  readonly account: string | null
  /** The body; for a token, its claims. */
  readonly body: JsonObject
}

/** A request as it travels: headers and the exact body bytes. */
export interface Sealed {
  readonly headers: Headers
  readonly body: Uint8Array
}

/** A secret that a delivery may be sealed with or opened with. The text means what its dialect says: nothing is guessed. */
export interface Secret {
  readonly text: string
  /** From when it is accepted; null: always. */
  readonly from: Instant | null
  /** Until when it is accepted; null: forever. */
  readonly until: Instant | null
}

/** What a public key is asked for by a dialect that verifies tokens. */
export type PublicKeyLookup = (keyId: string) => Promise<PublicKeyAnswer>

/** A key, or why there is none: the provider's set has no such key, or the set cannot be had. */
export type PublicKeyAnswer =
  | { readonly ok: true; readonly jwk: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly reason: 'key_unknown' | 'keys_unavailable' }

/** What a source opens its deliveries with. */
export interface OpeningKeys {
  readonly secrets: readonly Secret[]
  /** Only for dialects whose body is a token. */
  readonly publicKey: PublicKeyLookup | null
}

/** How deliveries are judged in time. */
export interface OpeningTime {
  /** The receiver's clock. Null: no rule of age and no validity of secrets is applied (judging a captured request). */
  readonly at: Instant | null
  /** How far the signed timestamp may lie from the clock, in milliseconds, both ways; null: the dialect's default. */
  readonly toleranceMs: number | null
}

/** What an endpoint's deliveries are sealed with. */
export interface SealingKeys {
  /** The current secret first; older ones that still sign during a rotation after it. */
  readonly secrets: readonly string[]
  /** Only for dialects whose body is a token. */
  readonly signingKey: { readonly keyId: string; readonly privateKeyPem: string } | null
}

/** The signature and the age of a delivery, judged on raw bytes. */
export type Verified =
  | {
      readonly ok: true
      /** Which of the opening secrets matched, counted from 0; null for public keys. */
      readonly secret: number | null
      /** The signed send time, where the dialect signs one. */
      readonly sentAt: Instant | null
    }
  | { readonly ok: false; readonly reason: Refusal; readonly detail: string }

/** What a verified body says. */
export type Read =
  | {
      readonly ok: true
      readonly notification: Notification
      /** What the same delivery told twice has in common, and nothing else has: the signed id, or a hash of the bytes. */
      readonly dedupe: string
    }
  | { readonly ok: false; readonly reason: Refusal; readonly detail: string }

/** A delivery that opened, or why it did not. */
export type Opened =
  | {
      readonly ok: true
      readonly notification: Notification
      readonly dedupe: string
      readonly secret: number | null
      readonly sentAt: Instant | null
    }
  | { readonly ok: false; readonly reason: Refusal; readonly detail: string }

/** What a notification tells the ledger. Never thrown: what cannot be understood is named and kept. */
export interface Decoded {
  readonly observations: readonly Observation[]
  /** True if the type is not in the catalogue: kept, answered with success, and nothing is derived from it. */
  readonly unknown: boolean
  readonly problems: readonly Problem[]
}

/** The provider's own words, for reading stories and imports that are written in them. */
export interface ProviderWords {
  /** Whether amounts are written in the currency's minor unit (5000) or its major unit (50). */
  readonly amounts: 'minor' | 'major'
  /** The status of a subscription as the provider writes it, in ours. */
  readonly subscriptionStatuses: Readonly<Record<string, SubscriptionStatus>>
  /** The status of an invoice as the provider writes it, in ours. */
  readonly invoiceStatuses: Readonly<Record<string, InvoiceStatus>>
}

/** How an object is looked up at the provider's API. Pure: it says what to ask for, and what the answer means. */
export interface Retrieval {
  /** Where the provider's API is. */
  readonly baseUrl: string
  /** What a key of the API looks like, for people. */
  readonly keyForm: string
  /** A GET request; null if the API does not have such objects. */
  request(
    object: ObjectKind,
    id: string,
    key: string,
  ): { readonly path: string; readonly headers: Readonly<Record<string, string>> } | null
  /**
   * The notification that would have told the object as it was answered, to be decoded like any other.
   *
   * @param at the provider's clock when it answered
   */
  notification(object: ObjectKind, answer: JsonObject, at: Instant): Notification | null
}

/** One provider's wire protocol. */
export interface Dialect {
  readonly id: DialectId
  /** Dialects of one provider share a family; an object's id never differs within it. */
  readonly family: string
  readonly catalogue: readonly CatalogueEntry[]
  /** The default tolerance of {@link OpeningTime}, in milliseconds; null if the dialect signs no send time. */
  readonly toleranceMs: number | null
  /** Statuses that this provider takes for an acknowledgement; the ingest route answers the first. */
  readonly acknowledgement: readonly number[]
  /** Judges signature and age on raw bytes, in constant time, before anything is parsed. */
  verify(sealed: Sealed, keys: OpeningKeys, time: OpeningTime): Verified | Promise<Verified>
  /** Reads a body that was verified. Also applies the rules of age that look at the event itself. */
  read(sealed: Sealed, time: OpeningTime): Read
  decode(notification: Notification): Decoded
  /** Headers and exact body bytes, as the provider would send them at `at`. */
  seal(notification: Notification, keys: SealingKeys, at: Instant): Sealed
  /** How the provider repeats a delivery that was not acknowledged. */
  readonly retry: RetryPolicy
  /** How a secret's successor takes over. */
  readonly rotation: SecretRotation
  /** A new secret in the provider's form, from 32 random bytes; null for dialects that sign with a key pair. */
  newSecret(random: Uint8Array): string | null
  /**
   * The notifications by which this provider tells a change: none, one or several, in the order of sending. Pure: the
   * event ids follow from `origin`, so that the same change gives the same bytes.
   */
  encode(told: Told, view: View, origin: Origin): readonly Notification[]
  /**
   * An entity as the provider's Retrieve API of this version answers it: exactly what stands in its webhooks. Null if
   * this provider has no such object.
   */
  render<K extends keyof EntityValues>(kind: K, entity: EntityValues[K], view: View): JsonObject | null
  /** Null: a key alone does not open this provider's API, or there is none. */
  readonly retrieval: Retrieval | null
}

/** Where a notification comes from: what its event id is derived from. */
export interface Origin {
  /** The id of the fact. */
  readonly fact: string
  /** When the fact was told, on the account's clock. */
  readonly at: Instant
}

/**
 * What happens to signatures when an endpoint's secret is replaced. `sign_with_all`: each attempt carries a signature of
 * every live secret. `old_for_old_events`: events made before the change stay signed with the old secret. `key_set`: the
 * key pair's successor is published beside it.
 */
export type SecretRotation =
  | { readonly kind: 'sign_with_all'; readonly overlapMs: number }
  | { readonly kind: 'old_for_old_events'; readonly overlapMs: number }
  | { readonly kind: 'key_set'; readonly overlapMs: number }

/** {@link Dialect.verify}, then {@link Dialect.read}. */
export async function open(dialect: Dialect, sealed: Sealed, keys: OpeningKeys, time: OpeningTime): Promise<Opened> {
  if (!(sealed.body instanceof Uint8Array)) {
    return { ok: false, reason: 'body_not_raw', detail: 'the body is not bytes: something in front has parsed it' }
  }
  const verified = await dialect.verify(sealed, keys, time)
  if (!verified.ok) return verified
  const read = dialect.read(sealed, time)
  return read.ok ? { ...read, secret: verified.secret, sentAt: verified.sentAt } : read
}

/** What stands for an event in ranks and evidence: its signed id, or a hash of what it says where it has none. */
export function evidenceOf(notification: Notification): string {
  return notification.id ?? sha256Hex(canonicalJson(notification.body))
}

/** The secrets that are not blank and live at `at` (all of them without a clock), each with its place in the list. */
export function liveSecrets(
  secrets: readonly Secret[],
  at: Instant | null,
): readonly { readonly index: number; readonly text: string }[] {
  return secrets.flatMap((secret, index) => {
    if (secret.text.trim() === '') return []
    if (at !== null && ((secret.from !== null && at < secret.from) || (secret.until !== null && at >= secret.until)))
      return []
    return [{ index, text: secret.text }]
  })
}
