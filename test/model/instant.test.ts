import fc from 'fast-check'
import { DateTime } from 'luxon'
import { describe, expect, it } from 'vitest'
import {
  addMs,
  daysInMonth,
  earliest,
  formatInstant,
  formatInstantShort,
  instant,
  instantFromSeconds,
  latest,
  parseInstant,
  requireInstant,
  secondsOf,
} from '../../src/model/instant.ts'

const EARLIEST = Date.UTC(2000, 0, 1) - 2000 * 365.2425 * 86_400_000
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

const instants = fc.integer({ min: EARLIEST, max: LATEST }).map((ms) => instant(ms))
const digits = (value: number, length: number): string => String(value).padStart(length, '0')

describe('an instant', () => {
  it('is read back from its own text, to the millisecond', () => {
    fc.assert(
      fc.property(instants, (at) => {
        expect(parseInstant(formatInstant(at))).toBe(at)
        expect(parseInstant(formatInstantShort(at))).toBe(at)
        expect(formatInstant(at)).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/)
      }),
    )
  })

  it('is read from every form that providers print, as luxon reads it', () => {
    const forms = fc.record({
      wall: fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2099, 11, 31) }),
      separator: fc.constantFrom('T', ' '),
      fraction: fc.option(fc.stringMatching(/^\d{1,9}$/), { nil: null }),
      sign: fc.constantFrom('+', '-'),
      hours: fc.integer({ min: 0, max: 14 }),
      minutes: fc.constantFrom(0, 15, 30, 45),
      style: fc.constantFrom('Z', 'z', 'colon', 'basic', 'hours'),
    })
    fc.assert(
      fc.property(forms, ({ wall, separator, fraction, sign, hours, minutes, style }) => {
        const [date, time] = [new Date(wall).toISOString().slice(0, 10), new Date(wall).toISOString().slice(11, 19)]
        const offset =
          style === 'colon'
            ? `${sign}${digits(hours, 2)}:${digits(minutes, 2)}`
            : style === 'basic'
              ? `${sign}${digits(hours, 2)}${digits(minutes, 2)}`
              : style === 'hours'
                ? `${sign}${digits(hours, 2)}`
                : style
        const point = fraction === null ? '' : `.${fraction}`
        const oracle = DateTime.fromISO(`${date}T${time}${point}${offset.toUpperCase()}`)
        expect(parseInstant(`${date}${separator}${time}${point}${offset}`)).toBe(oracle.toMillis())
      }),
    )
  })

  it.each([
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T10:00Z', '2026-01-31T10:00:00.000Z'],
    ['2026-01-31T10:00:00+0530', '2026-01-31T04:30:00.000Z'],
    ['2026-01-31T10:00:00+05', '2026-01-31T05:00:00.000Z'],
    ['2026-01-31 10:00:00 +05:30', '2026-01-31T04:30:00.000Z'],
    ['2026-01-31T10:00:00-00:00', '2026-01-31T10:00:00.000Z'],
    ['2026-01-31T10:00:00,5Z', '2026-01-31T10:00:00.500Z'],
    // A fraction is cut, never rounded: an event must not get ahead of the clock.
    ['2026-01-31T10:00:00.999999999Z', '2026-01-31T10:00:00.999Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['0050-02-28T00:00:00Z', '0050-02-28T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ])('reads %s', (text, expected) => {
    expect(formatInstant(requireInstant(text, 'the test'))).toBe(expected)
  })

  it.each([
    '',
    'now',
    '2026',
    '2026-02-29',
    '2100-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T23:60:00Z',
    '2026-01-31T23:59:60Z',
    // Without an offset nobody knows when that is.
    '2026-01-31T10:00:00',
    '2026-01-31T10:00:00+24:00',
    '2026-01-31T10:00:00+05:60',
    '2026-01-31T10:00:00+5',
    '2026-01-31T10:00:00.Z',
    '2026-01-31T10:00:00Z\n',
    ' 2026-01-31T10:00:00Z',
    '2026-01-31T10:00:00Z[Europe/Berlin]',
    '+002026-01-31T10:00:00Z',
    '-000001-01-31T10:00:00Z',
    // In UTC this is in the year 10000, and that before the year 0.
    '9999-12-31T23:59:59-01:00',
    '0000-01-01T00:00:00+01:00',
    1_767_225_600,
    null,
    undefined,
    {},
  ])('is not read from %j', (text) => {
    expect(parseInstant(text)).toBeNull()
    expect(() => requireInstant(text, 'field start_at')).toThrow(/^field start_at: .*2026-01-31T00:00:00Z$/)
  })

  it('is a whole number of milliseconds in the years 0 to 9999', () => {
    expect(instant(LATEST)).toBe(LATEST)
    for (const wrong of [0.5, Number.NaN, Number.POSITIVE_INFINITY, LATEST + 1, Date.UTC(0, 0, 1) - 1e14, 2 ** 53])
      expect(() => instant(wrong)).toThrow(expect.objectContaining({ code: 'invalid_instant' }))
    expect(() => addMs(instant(LATEST), 1)).toThrow(expect.objectContaining({ code: 'invalid_instant' }))
  })

  it('and Unix seconds are read into each other, rounded down also before 1970', () => {
    fc.assert(
      fc.property(instants, (at) => {
        const seconds = secondsOf(at)
        expect(seconds * 1000).toBeLessThanOrEqual(at)
        expect((seconds + 1) * 1000).toBeGreaterThan(at)
        if (at % 1000 === 0) expect(instantFromSeconds(seconds)).toBe(at)
      }),
    )
    expect(secondsOf(instant(-1))).toBe(-1)
    for (const wrong of [1.5, '1', null, 1e15, Number.NaN, Number.MAX_SAFE_INTEGER])
      expect(instantFromSeconds(wrong)).toBeNull()
  })

  it('is the earlier or the later of two', () => {
    fc.assert(
      fc.property(instants, instants, (a, b) => {
        expect([earliest(a, b), latest(a, b)]).toEqual(a < b ? [a, b] : [b, a])
      }),
    )
  })
})

it('months have the days that luxon counts', () => {
  for (const year of [0, 4, 1900, 2000, 2023, 2024, 2100, 2400])
    for (let month = 1; month <= 12; month += 1)
      expect(daysInMonth(year, month)).toBe(DateTime.utc(year, month).daysInMonth)
})
