import fc from 'fast-check'
import { Duration } from 'luxon'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration, requireDuration } from '../../src/model/duration.ts'
import { DAY_MS, HOUR_MS } from '../../src/model/instant.ts'

describe('a duration', () => {
  it('is read back from its own text, and luxon reads the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20_000 * DAY_MS }), (ms) => {
        const text = formatDuration(ms)
        expect(parseDuration(text)).toBe(ms)
        expect(Duration.fromISO(text).toMillis()).toBe(ms)
      }),
    )
  })

  it('is read from any of its parts, as luxon reads it', () => {
    const part = fc.option(fc.nat(5000), { nil: null })
    fc.assert(
      fc.property(fc.record({ W: part, D: part }), fc.record({ H: part, M: part, S: part }), (date, time) => {
        const print = (parts: Record<string, number | null>): string =>
          Object.entries(parts)
            .map(([letter, value]) => (value === null ? '' : `${value}${letter}`))
            .join('')
        const text = `P${print(date)}${print(time) === '' ? '' : `T${print(time)}`}`
        fc.pre(text !== 'P')
        expect(parseDuration(text)).toBe(Duration.fromISO(text).toMillis())
      }),
    )
  })

  it.each([
    ['P2D', 2 * DAY_MS],
    ['P1W', 7 * DAY_MS],
    ['PT1H30M', 1.5 * HOUR_MS],
    ['PT0S', 0],
    ['PT0.001S', 1],
    ['PT1.5S', 1500],
    ['P1DT1H', DAY_MS + HOUR_MS],
  ])('%s has %i milliseconds', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each([
    '',
    'P',
    'PT',
    'P1DT',
    'P1M',
    'P1Y',
    'P-1D',
    '-P1D',
    '1D',
    'pt1h',
    'PT1H ',
    'P1.5D',
    'PT1.0005S',
    'PT1M1H',
    // More than an exact number of milliseconds: not a span of time that anything here could add.
    'P999999999999D',
    `P${'9'.repeat(30)}D`,
    3600,
    null,
  ])('%j is none', (text) => {
    expect(parseDuration(text)).toBeNull()
    expect(() => requireDuration(text, '--every')).toThrow(/^--every: .*write for example PT1H or P2D$/)
  })

  it('is written in its shortest form', () => {
    expect([0, 1, 1000, 60_000, HOUR_MS, DAY_MS, DAY_MS + 90_500].map(formatDuration)).toEqual([
      'PT0S',
      'PT0.001S',
      'PT1S',
      'PT1M',
      'PT1H',
      'P1D',
      'P1DT1M30.5S',
    ])
  })
})
