import type { Interval } from '../../../model/calendar.ts'
import type { Invoice, Payment, Subscription, View } from '../../../model/entities.ts'
import { formatInstant } from '../../../model/instant.ts'
import type { Instant } from '../../../model/instant.ts'
import type { Json, JsonObject } from '../../../model/json.ts'
import { decimalOf } from '../../../model/money.ts'
import type { Money } from '../../../model/money.ts'
import { derivedId } from './ids.ts'

/**
 * The switches of an account's profile that both generations know. `time_offset`: `colon` prints `+00:00`, as responses of
 * versions from 2026-06-30 do; whether webhooks follow is not documented.
 */
type SharedSwitch = 'time_offset'

/** A time as Airwallex prints it: to the second, `2022-08-02T03:07:55+0000`. */
export function printTime(at: Instant, view: View): string {
  const offset = view.switches['time_offset' satisfies SharedSwitch] === 'colon' ? '+00:00' : '+0000'
  return `${formatInstant(at).slice(0, 19)}${offset}`
}

/** A time as the provider prints it; null stays null. */
export function printTimeOrNull(at: Instant | null, view: View): string | null {
  return at === null ? null : printTime(at, view)
}

/**
 * An amount in major units as JSON number: `20`, `0.2`. Airwallex's own server prints whole floats as `0.0` in some places;
 * which, is not known, and no reader can tell the two apart.
 */
export function printAmount(amount: Money): number {
  return Number(decimalOf(amount))
}

/** The fields that have a value, by name: versions from 2025-06-16 leave the others out and sort what they send. */
export function present(fields: Readonly<Record<string, Json>>): JsonObject {
  const shown: Record<string, Json> = {}
  for (const name of Object.keys(fields).sort()) {
    const value = fields[name]
    if (value !== null && value !== undefined) shown[name] = value
  }
  return shown
}

/** A length of time or a billing cycle: `{ period: 1, period_unit: 'MONTH' }`. */
export function printInterval(interval: Interval, cycles = 1): JsonObject {
  return { period: interval.count * cycles, period_unit: interval.unit.toUpperCase() }
}

/** The payment intent of an invoice: one for all its attempts. */
export function intentId(invoice: string, view: View): string {
  return derivedId('intent', invoice, view)
}

/** When the last attempt on an invoice was decided; null before the first. */
export function lastAttemptAt(invoice: Invoice, view: View): Instant | null {
  if (invoice.attempts === 0) return null
  const candidates: readonly (Payment | null)[] = [view.after.payment, view.attempted]
  const payment = candidates.find((one) => one?.invoice === invoice.id) ?? null
  return payment?.decidedAt ?? invoice.paidAt ?? invoice.updatedAt
}

/** The first attempt and the four retries that the provider documents. */
const ATTEMPTS = 5

/** Attempts that the engine still plans; 0 if there will be none. */
export function remainingAttempts(invoice: Invoice): number {
  if (invoice.status !== 'open' && invoice.status !== 'draft') return 0
  if (invoice.attempts === 0) return ATTEMPTS
  return invoice.nextAttemptAt === null ? 0 : Math.max(1, ATTEMPTS - invoice.attempts)
}

/** When a subscription ends as things stand: it has ended, it is to be cancelled, or its term is fixed; else null. */
export function endOf(subscription: Subscription, termEnd: Instant | null): Instant | null {
  return subscription.endedAt ?? subscription.cancel?.at ?? termEnd
}

/** When somebody asked for the cancellation; null where nobody did, as when the retries of a payment are used up. */
export function requestedAt(subscription: Subscription): Instant | null {
  return subscription.cancel === null || subscription.cancel.by === 'system' ? null : subscription.cancel.requestedAt
}
