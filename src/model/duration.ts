import { BillhookError } from './error.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './instant.ts'

/** ISO 8601 durations of fixed length: weeks, days, hours, minutes, seconds. Months and years have no fixed length. */
const DURATION = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?)?$/

/** Milliseconds of an ISO 8601 duration such as `PT1H` or `P2D`; null if the text is none or has more than are exact. */
export function parseDuration(text: unknown): number | null {
  if (typeof text !== 'string') return null
  const match = DURATION.exec(text)
  if (match === null || text === 'P' || text.endsWith('T')) return null
  const [, weeks, days, hours, minutes, seconds] = match
  const ms = Math.round(
    Number(weeks ?? 0) * 7 * DAY_MS +
      Number(days ?? 0) * DAY_MS +
      Number(hours ?? 0) * HOUR_MS +
      Number(minutes ?? 0) * MINUTE_MS +
      Number(seconds ?? 0) * SECOND_MS,
  )
  return Number.isSafeInteger(ms) ? ms : null
}

/**
 * Milliseconds of an ISO 8601 duration that a person gave us.
 *
 * @throws BillhookError `invalid_request`, naming `what`
 */
export function requireDuration(text: unknown, what: string): number {
  const ms = parseDuration(text)
  if (ms === null)
    throw new BillhookError(
      'invalid_request',
      `${what}: ${JSON.stringify(text)} is not a duration; write for example PT1H or P2D`,
    )
  return ms
}

/** The shortest ISO 8601 text of a length of time, for example `P2D` or `PT1H30M`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return 'PT0S'
  const days = Math.floor(ms / DAY_MS)
  const hours = Math.floor((ms % DAY_MS) / HOUR_MS)
  const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS)
  const seconds = (ms % MINUTE_MS) / SECOND_MS
  const time = `${hours > 0 ? `${hours}H` : ''}${minutes > 0 ? `${minutes}M` : ''}${seconds > 0 ? `${seconds}S` : ''}`
  return `P${days > 0 ? `${days}D` : ''}${time === '' ? '' : `T${time}`}`
}
