import type { Brand } from './brand.ts'
import { BillhookError } from './error.ts'

/** A point in time: whole milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = Brand<number, 'Instant'>

/** Lengths of time in milliseconds. */
export const SECOND_MS = 1000
/** A minute in milliseconds. */
export const MINUTE_MS = 60 * SECOND_MS
/** An hour in milliseconds. */
export const HOUR_MS = 60 * MINUTE_MS
/** A day of 24 hours in milliseconds. */
export const DAY_MS = 24 * HOUR_MS

/** The years 0000 to 9999: what every provider's texts can hold and what PostgreSQL and SQLite store as an integer. */
const EARLIEST_MS = -62_167_219_200_000
const LATEST_MS = 253_402_300_799_999

function isInstant(ms: number): ms is Instant {
  return Number.isSafeInteger(ms) && ms >= EARLIEST_MS && ms <= LATEST_MS
}

/**
 * An instant from milliseconds since the epoch.
 *
 * @throws BillhookError `invalid_instant` if `ms` is not a whole number in the years 0 to 9999
 */
export function instant(ms: number): Instant {
  if (!isInstant(ms))
    throw new BillhookError('invalid_instant', `${ms} is not a whole number of milliseconds in the years 0 to 9999`)
  return ms
}

/** An instant from whole Unix seconds, or null if the number is none. */
export function instantFromSeconds(seconds: unknown): Instant | null {
  if (typeof seconds !== 'number' || !Number.isInteger(seconds)) return null
  const ms = seconds * SECOND_MS
  return isInstant(ms) ? ms : null
}

/** Unix seconds, rounded down: what the providers that count in seconds print. */
export function secondsOf(at: Instant): number {
  return Math.floor(at / SECOND_MS)
}

/** `at` moved by `ms` milliseconds (may be negative). */
export function addMs(at: Instant, ms: number): Instant {
  return instant(at + ms)
}

/** The earlier of two instants. */
export function earliest(a: Instant, b: Instant): Instant {
  return a <= b ? a : b
}

/** The later of two instants. */
export function latest(a: Instant, b: Instant): Instant {
  return a >= b ? a : b
}

/**
 * ISO 8601 as the providers really print it: `T` or a space between date and time, a fraction of any length (cut to
 * milliseconds), and an offset written `Z`, `+05:30`, `+0530` or `+05`. A date alone is midnight UTC.
 */
const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|z|[+-]\d{2}(?::?\d{2})?)?)?$/

/** Reads an ISO 8601 text; null if it is none, if the day does not exist, or if it has a time without an offset. */
export function parseInstant(text: unknown): Instant | null {
  if (typeof text !== 'string' || text.length > 40) return null
  const match = ISO.exec(text)
  if (match === null) return null
  const [, year, month, day, hour, minute, second, fraction, offset] = match
  if (hour !== undefined && offset === undefined) return null
  const offsetMinutes = offset === undefined ? 0 : minutesOfOffset(offset)
  if (offsetMinutes === null) return null
  const date = [Number(year), Number(month), Number(day)] as const
  const time = [Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0)] as const
  if (!dayExists(...date) || time[0] > 23 || time[1] > 59 || time[2] > 59) return null
  const midnight = new Date(0).setUTCFullYear(date[0], date[1] - 1, date[2])
  const milliseconds = Number((fraction ?? '').slice(0, 3).padEnd(3, '0'))
  const ms =
    midnight + time[0] * HOUR_MS + time[1] * MINUTE_MS + time[2] * SECOND_MS + milliseconds - offsetMinutes * MINUTE_MS
  return isInstant(ms) ? ms : null
}

function dayExists(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false
  return day <= daysInMonth(year, month)
}

/** Days of a month; `month` from 1 to 12. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function minutesOfOffset(offset: string): number | null {
  if (offset === 'Z' || offset === 'z') return 0
  const hours = Number(offset.slice(1, 3))
  const minutes = Number(offset.slice(3).replace(':', '') || 0)
  if (hours > 23 || minutes > 59) return null
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}

/**
 * Reads an ISO 8601 text that a person or program gave us.
 *
 * @throws BillhookError `invalid_instant`, naming `what`
 */
export function requireInstant(text: unknown, what: string): Instant {
  const at = parseInstant(text)
  if (at === null) {
    throw new BillhookError(
      'invalid_instant',
      `${what}: ${JSON.stringify(text)} is not a point in time; write for example 2026-01-31T00:00:00Z`,
    )
  }
  return at
}

/** `2026-01-31T00:00:00.000Z`: our own form, always UTC and with milliseconds. */
export function formatInstant(at: Instant): string {
  return new Date(at).toISOString()
}

/** `2026-01-31T00:00:00Z`, without the fraction when it is zero: for people to read. */
export function formatInstantShort(at: Instant): string {
  return formatInstant(at).replace('.000Z', 'Z')
}
