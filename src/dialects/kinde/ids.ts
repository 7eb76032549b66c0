import { isMintedId } from '../../model/entities.ts'
import type { Instant } from '../../model/instant.ts'
import { deriveId, HEX } from '../../wire/ids.ts'

/**
 * The prefixes of Kinde's ids; 32 hexadecimal digits follow. Those of plans and invoices are ours: plans go by their codes,
 * and no public source shows an invoice.
 */
export type PrintedKind = 'customer' | 'agreement' | 'plan' | 'invoice' | 'entitlement' | 'sbg'

/** Ids begin with twelve hexadecimal digits of Unix milliseconds; these three stand for the years 2024 to 2026. */
const RECENT = '019'

/**
 * An id as it is printed: one that Billhook minted in the provider's form, one that the user chose as it is. The id alone
 * decides, so that it is the same in every event; its first digits are therefore no true time.
 */
export function printedId(kind: PrintedKind, id: string): string {
  return isMintedId(id) ? derivedId(kind, id) : id
}

/** An id in Kinde's form that follows from `seed`. */
export function derivedId(kind: PrintedKind, seed: string): string {
  return `${kind}_${RECENT}${deriveId(`${kind}:${seed}`, HEX, 32 - RECENT.length)}`
}

/** The id of an event: it begins with the event's own time. */
export function eventId(seed: string, at: Instant): string {
  return `event_${at.toString(16).padStart(12, '0')}${deriveId(`event:${seed}`, HEX, 20)}`
}
