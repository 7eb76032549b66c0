import type { Instant } from '../model/instant.ts'
import type { Random } from '../ports/random.ts'

/** Crockford's base 32: digits that sort as their values do. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz'
const TIME_DIGITS = 10
const RANDOM_DIGITS = 13

/** Makes ids that sort by the time of their making; within one millisecond, by the order of their making. */
export type IdSource = (at: Instant) => string

/**
 * Ids of 23 digits: ten for the time, thirteen that begin anywhere and then count up within the millisecond. Two
 * processes meet by chance only with 65 random bits.
 */
export function createIdSource(random: Random): IdSource {
  let lastTime = -1
  let counter: readonly number[] = []
  return (at) => {
    // A clock that is set back must not break the order.
    if (at > lastTime) {
      lastTime = at
      counter = startOf(random)
    } else {
      counter = next(counter)
    }
    return timeDigits(lastTime) + counter.map((digit) => DIGITS.charAt(digit)).join('')
  }
}

/** What sorts before every id made at `at` or later, and after every id made before. */
export function idsFrom(at: Instant): string {
  return timeDigits(at)
}

function timeDigits(at: number): string {
  let time = ''
  for (let rest = at, digit = 0; digit < TIME_DIGITS; digit += 1) {
    time = DIGITS.charAt(rest % 32) + time
    rest = Math.floor(rest / 32)
  }
  return time
}

/** The first digit starts in the lower half, so that counting up does not run over. */
function startOf(random: Random): readonly number[] {
  const bytes = random.bytes(RANDOM_DIGITS)
  return Array.from(bytes, (byte, index) => byte % (index === 0 ? 16 : 32))
}

function next(counter: readonly number[]): readonly number[] {
  const digits = [...counter]
  for (let place = digits.length - 1; place >= 0; place -= 1) {
    const digit = (digits[place] ?? 0) + 1
    digits[place] = digit % 32
    if (digit < 32) break
  }
  return digits
}
