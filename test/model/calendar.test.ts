import fc from 'fast-check'
import { DateTime, IANAZone } from 'luxon'
import { describe, expect, it } from 'vitest'
import {
  approximateMs,
  boundary,
  cycle,
  cycleAt,
  cycleIndexAt,
  EXACT_UTC,
  isTimeZone,
} from '../../src/model/calendar.ts'
import type { BoundaryRule, Interval } from '../../src/model/calendar.ts'
import {
  DAY_MS,
  daysInMonth,
  formatInstant,
  HOUR_MS,
  instant,
  MINUTE_MS,
  requireInstant,
} from '../../src/model/instant.ts'
import type { Instant } from '../../src/model/instant.ts'

/** Zones whose clocks do something uncommon: half an hour, a gap at midnight, a day that never was, winter in July. */
const ZONES = [
  'UTC',
  'America/New_York',
  'America/Sao_Paulo',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Europe/Berlin',
  'Europe/Dublin',
  'Pacific/Apia',
  'Pacific/Auckland',
  'Africa/Casablanca',
]

const at = (text: string): Instant => requireInstant(text, 'the test')
const shown = (ms: Instant, zone: string): string =>
  DateTime.fromMillis(ms, { zone }).toISO({ suppressMilliseconds: true }) ?? 'none'

const anchors = fc.integer({ min: Date.UTC(1975, 0, 1), max: Date.UTC(2070, 11, 31) }).map((ms) => instant(ms))
/** Days at which the length of a month matters come often. */
const monthEnds = fc
  .tuple(fc.integer({ min: 1975, max: 2070 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 3 }))
  .chain(([year, month, before]) =>
    fc
      .integer({ min: 0, max: DAY_MS - 1 })
      .map((time) => instant(Date.UTC(year, month - 1, daysInMonth(year, month) - before) + time)),
  )
const intervals: fc.Arbitrary<Interval> = fc.record({
  unit: fc.constantFrom('day', 'week', 'month', 'year'),
  count: fc.oneof({ arbitrary: fc.constant(1), weight: 3 }, { arbitrary: fc.integer({ min: 1, max: 24 }), weight: 1 }),
})
const rules: fc.Arbitrary<BoundaryRule> = fc.record({
  zone: fc.constantFrom(...ZONES),
  at: fc.constantFrom('exact', 'midnight'),
})
const cases = [fc.oneof(anchors, monthEnds), intervals, fc.integer({ min: -20, max: 20 }), rules] as const

/**
 * The same boundary by another library: the date is moved without a zone, then the earliest instant is sought at which
 * the zone's clock shows it. Luxon's own search is not asked: it misses times near Samoa's change of 24 hours.
 */
function byLuxon(anchor: Instant, { unit, count }: Interval, n: number, rule: BoundaryRule): number {
  if (n === 0) return anchor
  const local = DateTime.fromMillis(anchor, { zone: rule.zone }).setZone('UTC', { keepLocalTime: true })
  const moved = local.plus({ [unit]: count * n })
  const wall = (rule.at === 'midnight' ? moved.startOf('day') : moved).toMillis()
  const zone = IANAZone.create(rule.zone)
  const offsets = [-28, -21, -14, -7, 0, 7, 14, 21, 28].map((hours) => zone.offset(wall + hours * HOUR_MS) * MINUTE_MS)
  const shows = offsets.filter((offset) => zone.offset(wall - offset) * MINUTE_MS === offset)
  // No clock shows a skipped time: it is read with the offset that held before.
  return wall - (shows.length === 0 ? (offsets[0] ?? 0) : Math.max(...shows))
}

describe('a boundary', () => {
  it('is the one that luxon finds, in every zone, for every interval', () => {
    fc.assert(
      fc.property(...cases, (anchor, interval, n, rule) => {
        expect(boundary(anchor, interval, n, rule)).toBe(byLuxon(anchor, interval, n, rule))
      }),
      { numRuns: 1500 },
    )
  })

  it('is the one that luxon finds near every change of the clocks', () => {
    // Wall times in the hours around a change, reached by one day, week or month.
    const near = fc
      .tuple(
        fc.constantFrom(...ZONES.slice(1)),
        fc.integer({ min: 1980, max: 2036 }),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: -240, max: 240 }),
      )
      .map(([zone, year, which, minutes]) => {
        const changes = changesOf(zone, year)
        const change = changes[which % Math.max(1, changes.length)] ?? Date.UTC(year, 2, 31)
        return { zone, wall: instant(change + minutes * MINUTE_MS) }
      })
    const back = fc.constantFrom<Interval['unit']>('day', 'week', 'month')
    const kinds = fc.constantFrom<BoundaryRule['at']>('exact', 'midnight')
    fc.assert(
      fc.property(near, back, kinds, ({ zone, wall }, unit, kind) => {
        const rule = { zone, at: kind }
        const anchor = instant(
          DateTime.fromMillis(wall, { zone })
            .minus({ [unit]: 1 })
            .toMillis(),
        )
        for (const n of [1, 2])
          expect(boundary(anchor, { unit, count: 1 }, n, rule)).toBe(byLuxon(anchor, { unit, count: 1 }, n, rule))
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    // A month's last day is kept as a wish, not lost with the first short month.
    ['2026-01-31T10:00:00Z', 'month', 1, 1, 'UTC', 'exact', '2026-02-28T10:00:00Z'],
    ['2026-01-31T10:00:00Z', 'month', 1, 2, 'UTC', 'exact', '2026-03-31T10:00:00Z'],
    ['2028-01-31T10:00:00Z', 'month', 1, 1, 'UTC', 'exact', '2028-02-29T10:00:00Z'],
    ['2026-03-31T10:00:00Z', 'month', 1, -1, 'UTC', 'exact', '2026-02-28T10:00:00Z'],
    ['2024-02-29T00:00:00Z', 'year', 1, 1, 'UTC', 'exact', '2025-02-28T00:00:00Z'],
    ['2024-02-29T00:00:00Z', 'year', 1, 4, 'UTC', 'exact', '2028-02-29T00:00:00Z'],
    ['2096-02-29T00:00:00Z', 'year', 4, 1, 'UTC', 'exact', '2100-02-28T00:00:00Z'],
    // 02:30 does not exist in Berlin on 29 March 2026; it exists twice on 25 October.
    ['2026-03-28T02:30:00+01:00', 'day', 1, 1, 'Europe/Berlin', 'exact', '2026-03-29T03:30:00+02:00'],
    ['2026-03-28T02:30:00+01:00', 'day', 1, 2, 'Europe/Berlin', 'exact', '2026-03-30T02:30:00+02:00'],
    ['2026-10-24T02:30:00+02:00', 'day', 1, 1, 'Europe/Berlin', 'exact', '2026-10-25T02:30:00+02:00'],
    // Midnight does not exist in Sao Paulo on 4 November 2018; half an hour is skipped on Lord Howe.
    ['2018-11-03T15:00:00-03:00', 'day', 1, 1, 'America/Sao_Paulo', 'midnight', '2018-11-04T01:00:00-02:00'],
    ['2026-10-03T02:15:00+10:30', 'day', 1, 1, 'Australia/Lord_Howe', 'exact', '2026-10-04T02:45:00+11:00'],
    // Samoa had no 30 December 2011.
    ['2011-12-29T12:00:00-10:00', 'day', 1, 1, 'Pacific/Apia', 'exact', '2011-12-31T12:00:00+14:00'],
    // The day is that of the zone: in India it is already the 1st.
    ['2026-01-31T20:00:00Z', 'month', 1, 1, 'Asia/Kolkata', 'midnight', '2026-03-01T00:00:00+05:30'],
    ['2026-01-31T20:00:00Z', 'month', 1, 1, 'UTC', 'midnight', '2026-02-28T00:00:00Z'],
  ] as const)('from %s, %s × %i, number %i, %s %s, is %s', (...row) => {
    const [from, unit, count, n, zone, kind, expected] = row
    const found = boundary(at(from), { unit, count }, n, { zone, at: kind })
    expect(formatInstant(found)).toBe(formatInstant(at(expected)))
    expect(shown(found, zone)).toBe(expected.replace(/\+00:00$/, 'Z'))
  })

  it('number 0 is the anchor itself, also where others fall on midnight or the hour comes twice', () => {
    fc.assert(
      fc.property(fc.oneof(anchors, monthEnds), intervals, rules, (anchor, interval, rule) => {
        expect(boundary(anchor, interval, 0, rule)).toBe(anchor)
      }),
    )
    const second = at('2026-10-25T02:30:00+01:00')
    expect(boundary(second, { unit: 'day', count: 1 }, 0, { zone: 'Europe/Berlin', at: 'exact' })).toBe(second)
  })

  it('counts from the anchor, so that n cycles of one month are one cycle of n months', () => {
    fc.assert(
      fc.property(monthEnds, fc.integer({ min: 1, max: 36 }), rules, (anchor, n, rule) => {
        const one = boundary(anchor, { unit: 'month', count: 1 }, n, rule)
        expect(one).toBe(boundary(anchor, { unit: 'month', count: n }, 1, rule))
        if (n % 12 === 0) expect(one).toBe(boundary(anchor, { unit: 'year', count: 1 }, n / 12, rule))
      }),
    )
  })

  it('never lies before the one of a smaller number', () => {
    fc.assert(
      fc.property(...cases, (anchor, interval, n, rule) => {
        expect(boundary(anchor, interval, n, rule)).toBeLessThanOrEqual(boundary(anchor, interval, n + 1, rule))
      }),
    )
  })

  it.each([
    [{ unit: 'day', count: 0 }, 1],
    [{ unit: 'day', count: 1.5 }, 1],
    [{ unit: 'day', count: 1001 }, 1],
    [{ unit: 'day', count: Number.NaN }, 1],
    [{ unit: 'day', count: 1 }, 0.5],
    [{ unit: 'day', count: 1 }, 1_000_001],
    [{ unit: 'day', count: 1 }, Number.POSITIVE_INFINITY],
  ] as const)('of %j with number %d is refused', (interval, n) => {
    expect(() => boundary(instant(0), interval, n)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })

  it('after the year 9999 is refused', () => {
    expect(() => boundary(at('9999-12-31T00:00:00Z'), { unit: 'day', count: 1 }, 1)).toThrow(
      expect.objectContaining({ code: 'invalid_instant' }),
    )
  })
})

describe('a cycle', () => {
  it('has the number under which it is found at each of its ends', () => {
    fc.assert(
      fc.property(...cases, (anchor, interval, n, rule) => {
        const { from, until } = cycle(anchor, interval, n, rule)
        // Where the clocks skip a whole day, a cycle of one day is empty: nothing is ever in it.
        fc.pre(from < until)
        expect(cycleIndexAt(anchor, interval, from, rule)).toBe(n)
        expect(cycleIndexAt(anchor, interval, instant(until - 1), rule)).toBe(n)
      }),
      { numRuns: 400 },
    )
  })

  it('contains every instant exactly once', () => {
    fc.assert(
      fc.property(anchors, intervals, anchors, rules, (anchor, interval, when, rule) => {
        const { from, until } = cycleAt(anchor, interval, when, rule)
        expect(from).toBeLessThanOrEqual(when)
        expect(until).toBeGreaterThan(when)
      }),
      { numRuns: 400 },
    )
  })

  it('is found fast, however far it is from the anchor', () => {
    const anchor = at('0050-01-31T00:00:00Z')
    for (const unit of ['day', 'week', 'month', 'year'] as const)
      expect(cycleAt(anchor, { unit, count: 1 }, at('2026-02-28T23:00:00Z')).until).toBeGreaterThan(0)
  })

  it('of a day that the clocks skipped is empty and is passed over', () => {
    const [anchor, daily] = [at('2011-12-29T12:00:00-10:00'), { unit: 'day', count: 1 }] as const
    const rule = { zone: 'Pacific/Apia', at: 'exact' } as const
    const skipped = cycle(anchor, daily, 1, rule)
    expect(skipped.from).toBe(skipped.until)
    expect(cycleIndexAt(anchor, daily, skipped.from, rule)).toBe(2)
  })
})

it('the mean length of an interval is near every real one', () => {
  fc.assert(
    fc.property(anchors, intervals, (anchor, interval) => {
      const real = boundary(anchor, interval, 1, EXACT_UTC) - anchor
      expect(Math.abs(real - approximateMs(interval))).toBeLessThan(4 * DAY_MS)
    }),
  )
})

it.each([
  ['Europe/Berlin', true],
  ['UTC', true],
  ['Mars/Olympus', false],
  ['', false],
])('whether %j is a zone: %s', (name, known) => {
  expect(isTimeZone(name)).toBe(known)
})

/** No two changes of a clock lie nearer together: one of Casablanca's is undone after a month. */
const STEP_MS = 14 * DAY_MS

/** The instants of a year at which a zone's offset changes, to the minute. */
function changesOf(zone: string, year: number): readonly number[] {
  const offset = (ms: number): number => IANAZone.create(zone).offset(ms)
  const changes: number[] = []
  const end = Date.UTC(year + 1, 0, 1)
  for (let day = Date.UTC(year, 0, 1); day < end; day += STEP_MS) {
    let [low, high] = [day, Math.min(day + STEP_MS, end)]
    if (offset(low) === offset(high)) continue
    while (high - low > MINUTE_MS) {
      const middle = Math.floor((low + high) / 2)
      if (offset(middle) === offset(low)) low = middle
      else high = middle
    }
    changes.push(high)
  }
  return changes
}
