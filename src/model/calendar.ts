import { BillhookError } from './error.ts'
import { DAY_MS, HOUR_MS, daysInMonth, instant, MINUTE_MS, SECOND_MS } from './instant.ts'
import type { Instant } from './instant.ts'

/** How long one billing cycle is: `count` units. */
export interface Interval {
  readonly unit: 'day' | 'week' | 'month' | 'year'
  readonly count: number
}

/** A span of time: `from` is inside, `until` is not. */
export interface Period {
  readonly from: Instant
  readonly until: Instant
}

/**
 * Where the boundaries of cycles fall. `exact`: at the anchor's local time of day; `midnight`: at 00:00 local time of
 * that day (the anchor itself stays where it is). `zone` is an IANA name; a cycle is counted in that zone's calendar.
 */
export interface BoundaryRule {
  readonly zone: string
  readonly at: 'exact' | 'midnight'
}

/** Boundaries to the second, in UTC. */
export const EXACT_UTC: BoundaryRule = { zone: 'UTC', at: 'exact' }

/** A day and time on a wall clock, with no zone. `month` runs from 1 to 12. */
interface Local {
  readonly year: number
  readonly month: number
  readonly day: number
  /** Milliseconds since local midnight, read off the wall clock. */
  readonly timeMs: number
}

/** No provider sells longer cycles, and no subscription runs for more than this many of them. */
const MAX_COUNT = 1000
const MAX_CYCLES = 1_000_000

/**
 * The n-th boundary of a subscription's cycles, counted from its anchor and never from the boundary before: 31 January
 * plus two months is 31 March although plus one month is 28 February.
 *
 * A local time that a clock change skips is moved forward by the gap; one that happens twice is the earlier.
 *
 * @param n 0 is the anchor itself; may be negative
 * @throws BillhookError `invalid_request` if the interval or `n` is out of range, `invalid_instant` past the year 9999
 */
export function boundary(anchor: Instant, interval: Interval, n: number, rule: BoundaryRule = EXACT_UTC): Instant {
  requireInterval(interval)
  if (!Number.isInteger(n) || Math.abs(n) > MAX_CYCLES)
    throw new BillhookError('invalid_request', `cycle ${n} is out of range`)
  if (n === 0) return anchor
  const start = toLocal(anchor, rule.zone)
  const moved = addUnits(start, interval.unit, interval.count * n)
  return fromLocal(rule.at === 'midnight' ? { ...moved, timeMs: 0 } : moved, rule.zone)
}

/** The cycle with number `n` (0 is the first): from its boundary to the next one. */
export function cycle(anchor: Instant, interval: Interval, n: number, rule: BoundaryRule = EXACT_UTC): Period {
  return { from: boundary(anchor, interval, n, rule), until: boundary(anchor, interval, n + 1, rule) }
}

/** The number of the cycle that contains `at`; negative before the anchor. */
export function cycleIndexAt(anchor: Instant, interval: Interval, at: Instant, rule: BoundaryRule = EXACT_UTC): number {
  let n = Math.floor((at - anchor) / approximateMs(interval))
  // The estimate is off by one or two at most, because months and years differ from their mean by little.
  while (boundary(anchor, interval, n, rule) > at) n -= 1
  while (boundary(anchor, interval, n + 1, rule) <= at) n += 1
  return n
}

/** The cycle that contains `at`. */
export function cycleAt(anchor: Instant, interval: Interval, at: Instant, rule: BoundaryRule = EXACT_UTC): Period {
  return cycle(anchor, interval, cycleIndexAt(anchor, interval, at, rule), rule)
}

/** The mean length of an interval in milliseconds: for estimates and for sorting, never for a boundary. */
export function approximateMs(interval: Interval): number {
  const days = { day: 1, week: 7, month: 30.436875, year: 365.2425 }[interval.unit]
  return days * DAY_MS * interval.count
}

/** True if the runtime knows this IANA zone name. */
export function isTimeZone(name: string): boolean {
  try {
    formatterOf(name)
    return true
  } catch {
    return false
  }
}

function requireInterval(interval: Interval): void {
  if (!Number.isInteger(interval.count) || interval.count < 1 || interval.count > MAX_COUNT) {
    throw new BillhookError(
      'invalid_request',
      `interval count ${interval.count} is not a whole number from 1 to ${MAX_COUNT}`,
    )
  }
}

function addUnits(local: Local, unit: Interval['unit'], amount: number): Local {
  switch (unit) {
    case 'day':
      return addDays(local, amount)
    case 'week':
      return addDays(local, amount * 7)
    case 'month':
      return addMonths(local, amount)
    case 'year':
      return addMonths(local, amount * 12)
  }
}

function addDays(local: Local, days: number): Local {
  const date = new Date(new Date(0).setUTCFullYear(local.year, local.month - 1, local.day + days))
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), timeMs: local.timeMs }
}

function addMonths(local: Local, months: number): Local {
  const total = local.year * 12 + (local.month - 1) + months
  const year = Math.floor(total / 12)
  const month = (((total % 12) + 12) % 12) + 1
  return { year, month, day: Math.min(local.day, daysInMonth(year, month)), timeMs: local.timeMs }
}

function toLocal(at: Instant, zone: string): Local {
  const wall = new Date(at + offsetMs(at, zone))
  const midnight = new Date(0).setUTCFullYear(wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate())
  return {
    year: wall.getUTCFullYear(),
    month: wall.getUTCMonth() + 1,
    day: wall.getUTCDate(),
    timeMs: wall.getTime() - midnight,
  }
}

function fromLocal(local: Local, zone: string): Instant {
  const wall = new Date(0).setUTCFullYear(local.year, local.month - 1, local.day) + local.timeMs
  if (zone === 'UTC') return instant(wall)
  // The two offsets that can hold around this wall time; the larger one gives the earlier instant. In a gap neither
  // instant shows the wall time, and the smaller offset (that before the change) moves it forward by the gap.
  const before = offsetMs(instant(wall - DAY_MS), zone)
  const after = offsetMs(instant(wall + DAY_MS), zone)
  const [larger, smaller] = before >= after ? [before, after] : [after, before]
  if (offsetMs(instant(wall - larger), zone) === larger) return instant(wall - larger)
  if (offsetMs(instant(wall - smaller), zone) === smaller) return instant(wall - smaller)
  return instant(wall - before)
}

const formatters = new Map<string, Intl.DateTimeFormat>()

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formatters.set(zone, made)
  return made
}

/** How far the wall clock of `zone` is ahead of UTC at this instant. */
function offsetMs(at: Instant, zone: string): number {
  if (zone === 'UTC') return 0
  const parts: Record<string, string> = {}
  for (const { type, value } of formatterOf(zone).formatToParts(at)) parts[type] = value
  const number = (name: string): number => Number(parts[name])
  const wallDay = new Date(0).setUTCFullYear(number('year'), number('month') - 1, number('day'))
  const wall = wallDay + number('hour') * HOUR_MS + number('minute') * MINUTE_MS + number('second') * SECOND_MS
  return wall - Math.floor(at / SECOND_MS) * SECOND_MS
}
