import type { Period } from '../model/calendar.ts'
import { DAY_MS, SECOND_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { scale } from '../model/money.ts'
import type { Money } from '../model/money.ts'

/** How much of a cycle is left: `left` of `whole` units. */
export interface Share {
  readonly left: bigint
  readonly whole: bigint
}

/**
 * The share of a period that lies after `at`: counted in seconds, or in whole days (a day that has begun belongs to what
 * comes after `at`). Nothing is left after its end, everything before its start.
 */
export function shareLeft(period: Period, at: Instant, unit: 'second' | 'day'): Share {
  const step = unit === 'second' ? SECOND_MS : DAY_MS
  const whole = BigInt(Math.max(1, Math.round((period.until - period.from) / step)))
  const gone = BigInt(Math.floor(Math.max(0, at - period.from) / step))
  const left = at >= period.until ? 0n : whole - gone
  return { left: left > whole ? whole : left < 0n ? 0n : left, whole }
}

/** The part of an amount that falls to a share, rounded once, halves away from zero. */
export function shareOf(amount: Money, share: Share): Money {
  return scale(amount, share.left, share.whole, 'half_up')
}
