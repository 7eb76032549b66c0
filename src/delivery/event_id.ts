import type { Instant } from '../model/instant.ts'
import type { Random } from '../ports/random.ts'

/** Crockford's base 32: in the order of ASCII, so that texts sort as numbers do. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const COUNTER_MAX = 32 ** 4 - 1

/**
 * Mints the ids of events: `ev_`, ten digits of the time, four of a counter, eight of this process. They rise within a
 * process and sort by time across processes, so that one index serves look-ups, lists, cursors and partitions by time.
 */
export function eventIds(random: Random): (now: Instant) => string {
  const process = [...random.bytes(8)].map((byte) => DIGITS.charAt(byte % 32)).join('')
  let last = 0
  let counter = 0
  return (now) => {
    if (now > last) {
      last = now
      counter = 0
    } else if (counter === COUNTER_MAX) {
      // More than a million in one millisecond, or a clock that went back: the ids borrow from the next millisecond.
      last += 1
      counter = 0
    } else {
      counter += 1
    }
    return `ev_${digits(last, 10)}${digits(counter, 4)}${process}`
  }
}

/** The smallest id that an event stored at `at` can have: the bound of partitions and of searches by time. */
export function firstEventId(at: Instant): string {
  return `ev_${digits(Math.max(0, at), 10)}`
}

/** When the event of an id was stored; null if the text is no event id. */
export function storedAtOf(id: string): number | null {
  if (!/^ev_[0-9A-HJKMNP-TV-Z]{10}/.test(id)) return null
  let value = 0
  for (const digit of id.slice(3, 13)) value = value * 32 + DIGITS.indexOf(digit)
  return value
}

function digits(value: number, length: number): string {
  let text = ''
  let rest = value
  for (let i = 0; i < length; i += 1) {
    text = DIGITS.charAt(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  return text
}
