import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exponentOf, parseCurrency, requireCurrency } from '../../src/model/currency.ts'
import {
  add,
  compareMoney,
  decimalOf,
  divide,
  isZero,
  money,
  negate,
  parseDecimal,
  scale,
  subtract,
  sum,
  zero,
} from '../../src/model/money.ts'
import type { Money, Rounding } from '../../src/model/money.ts'

const MAX = 10n ** 15n
/** One currency of every exponent. */
const CURRENCIES = ['JPY', 'EUR', 'KWD', 'CLF'] as const

const currencies = fc.constantFrom(...CURRENCIES)
const minors = fc.oneof(fc.bigInt({ min: -MAX, max: MAX }), fc.bigInt({ min: -1000n, max: 1000n }))
const amounts: fc.Arbitrary<Money> = fc.tuple(minors, currencies).map(([minor, currency]) => money(minor, currency))
const euros = fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }).map((minor) => money(minor, 'EUR'))
const roundings = fc.constantFrom<Rounding>('half_up', 'half_even', 'down')
const refusal = (code: string): unknown => expect.objectContaining({ code })
const abs = (value: bigint): bigint => (value < 0n ? -value : value)

describe('a division', () => {
  const numerators = fc.oneof(fc.bigInt({ min: -200n, max: 200n }), fc.bigInt())
  const denominators = fc.oneof(fc.bigInt({ min: -20n, max: 20n }), fc.bigInt()).filter((value) => value !== 0n)

  it('is off by at most half, by less than one where it rounds down, and by nothing where it can be', () => {
    fc.assert(
      fc.property(numerators, denominators, roundings, (n, d, rounding) => {
        const quotient = divide(n, d, rounding)
        // |n/d - quotient|, times |d|, is exact.
        const rest = abs(n - quotient * d)
        if (rounding === 'down') {
          expect(rest).toBeLessThan(abs(d))
          // Towards zero.
          expect(abs(quotient * d)).toBeLessThanOrEqual(abs(n))
        } else {
          expect(rest * 2n).toBeLessThanOrEqual(abs(d))
        }
        if (n % d === 0n) expect(quotient * d).toBe(n)
      }),
      { numRuns: 500 },
    )
  })

  it('of a half goes away from zero, or to the even neighbour, or down', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), (whole) => {
        // (2w + 1) / 2 is w and a half.
        const [low, high] = [whole, whole + 1n]
        const away = whole >= 0n ? high : low
        expect(divide(2n * whole + 1n, 2n, 'half_up')).toBe(away)
        expect(divide(2n * whole + 1n, 2n, 'half_even')).toBe(low % 2n === 0n ? low : high)
        expect(divide(2n * whole + 1n, 2n, 'down')).toBe(whole >= 0n ? low : high)
      }),
    )
  })

  it('does not depend on which of the two has the sign', () => {
    fc.assert(
      fc.property(numerators, denominators, roundings, (n, d, rounding) => {
        expect(divide(-n, d, rounding)).toBe(-divide(n, d, rounding))
        expect(divide(n, -d, rounding)).toBe(divide(-n, d, rounding))
      }),
    )
  })

  it('by zero is a defect', () => {
    expect(() => divide(1n, 0n, 'down')).toThrow(refusal('internal_invariant'))
  })
})

describe('an amount', () => {
  it('is scaled with one rounding only', () => {
    fc.assert(
      fc.property(
        euros,
        fc.bigInt({ min: 0n, max: 10n ** 9n }),
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        roundings,
        (amount, n, d, rounding) => {
          const part = n % (d + 1n)
          expect(scale(amount, part, d, rounding).minor).toBe(divide(amount.minor * part, d, rounding))
          expect(scale(amount, d, d, rounding)).toEqual(amount)
        },
      ),
    )
    // A third, three times, one after the other: two roundings would lose a cent.
    expect(scale(money(100, 'EUR'), 2n, 3n, 'half_up').minor).toBe(67n)
  })

  it('is split by time so that both parts together are the whole, or a half more', () => {
    fc.assert(
      fc.property(euros, fc.bigInt({ min: 1n, max: 31n }), fc.bigInt({ min: 0n, max: 31n }), (amount, days, used) => {
        const part = used % (days + 1n)
        const both = scale(amount, part, days, 'half_even').minor + scale(amount, days - part, days, 'half_even').minor
        expect(abs(both - amount.minor)).toBeLessThanOrEqual(1n)
      }),
    )
  })

  it('is added, taken away and compared as its minor units are', () => {
    fc.assert(
      fc.property(euros, euros, (a, b) => {
        expect(add(a, b).minor).toBe(a.minor + b.minor)
        expect(subtract(add(a, b), b)).toEqual(a)
        expect(add(a, negate(a))).toEqual(zero('EUR'))
        expect(isZero(subtract(a, a))).toBe(true)
        expect(Math.sign(compareMoney(a, b))).toBe(a.minor < b.minor ? -1 : a.minor > b.minor ? 1 : 0)
      }),
    )
  })

  it('sums in any order to the same, and of nothing to zero', () => {
    fc.assert(
      fc.property(fc.array(euros, { maxLength: 9 }), (list) => {
        const total = list.reduce((minor, one) => minor + one.minor, 0n)
        expect(sum(list, 'EUR').minor).toBe(total)
        expect(sum(list.toReversed(), 'EUR').minor).toBe(total)
      }),
    )
    expect(sum([], 'JPY')).toEqual(zero('JPY'))
  })

  it('meets only amounts of its own currency', () => {
    const [a, b] = [money(1, 'EUR'), money(1, 'USD')]
    for (const work of [() => add(a, b), () => subtract(a, b), () => compareMoney(a, b), () => sum([a, b], 'EUR')])
      expect(work).toThrow(refusal('currency_mismatch'))
    expect(() => sum([a], 'USD')).toThrow(refusal('currency_mismatch'))
  })

  it('is a whole number in range, of a currency in use', () => {
    expect(money(-0, 'EUR').minor).toBe(0n)
    expect(money(MAX, 'EUR').minor).toBe(MAX)
    for (const wrong of [0.5, Number.NaN, 2 ** 53, MAX + 1n, -MAX - 1n])
      expect(() => money(wrong, 'EUR')).toThrow(refusal('invalid_money'))
    expect(() => add(money(MAX, 'EUR'), money(1, 'EUR'))).toThrow(refusal('invalid_money'))
    expect(() => money(1, 'XXX')).toThrow(refusal('invalid_currency'))
    expect(() => money(1, 'eur')).toThrow(refusal('invalid_currency'))
  })
})

describe('decimal text', () => {
  it('is read back exactly, for every exponent', () => {
    fc.assert(
      fc.property(amounts, (amount) => {
        const text = decimalOf(amount)
        expect(parseDecimal(text, amount.currency)).toEqual(amount)
        const exponent = exponentOf(amount.currency)
        expect(text).toMatch(exponent === 0 ? /^-?\d+$/ : new RegExp(`^-?\\d+\\.\\d{${exponent}}$`))
      }),
      { numRuns: 500 },
    )
  })

  it('has the value of its digits, also with noughts behind and with a power of ten', () => {
    fc.assert(
      fc.property(amounts, fc.nat(5), fc.integer({ min: -9, max: 9 }), (amount, noughts, power) => {
        const { currency, minor } = amount
        const point = exponentOf(currency) === 0 ? '.' : ''
        const padded = `${decimalOf(amount)}${noughts === 0 ? '' : `${point}${'0'.repeat(noughts)}`}`
        expect(parseDecimal(padded, currency)).toEqual(amount)
        expect(parseDecimal(`${minor}e${-exponentOf(currency)}`, currency)).toEqual(amount)
        // Digits moved by a power of ten and back by the exponent.
        const moved = minor * 10n ** BigInt(Math.max(0, -power))
        const text = `${moved}e${Math.min(0, power) - exponentOf(currency)}`
        if (moved.toString().length <= 30) expect(parseDecimal(text, currency)).toEqual(amount)
      }),
    )
  })

  it('of a number that JavaScript prints is the amount that was meant', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), currencies, (minor, currency) => {
        // The nearest double of the decimal, as a body has it; a product of doubles is wrong for many of these.
        const printed = String(Number(decimalOf(money(minor, currency))))
        expect(parseDecimal(printed, currency)?.minor).toBe(BigInt(minor))
      }),
    )
    expect([1.15, 0.29, 4.35, 1.005].map((value) => Number.isInteger(value * 100))).toEqual([
      false,
      false,
      false,
      false,
    ])
    expect(parseDecimal('1.15', 'EUR')?.minor).toBe(115n)
    expect(parseDecimal('4.35', 'EUR')?.minor).toBe(435n)
    expect(parseDecimal(String(0.0000001 * 1e7), 'JPY')?.minor).toBe(1n)
  })

  it.each([
    ['1.005', 'EUR'],
    ['0.5', 'JPY'],
    ['1e-3', 'EUR'],
    ['', 'EUR'],
    ['.5', 'EUR'],
    ['5.', 'EUR'],
    ['+5', 'EUR'],
    ['1,50', 'EUR'],
    ['1 000', 'EUR'],
    ['0x10', 'EUR'],
    ['NaN', 'EUR'],
    ['Infinity', 'EUR'],
    ['1e99', 'EUR'],
    ['1e999', 'EUR'],
    ['10000000000000.01', 'EUR'],
    ['-10000000000000.01', 'EUR'],
    ['9'.repeat(31), 'EUR'],
    ['٣', 'EUR'],
  ])('%s is no amount of %s', (text, currency) => {
    expect(parseDecimal(text, currency)).toBeNull()
  })

  it('of the greatest amount is still one', () => {
    expect(parseDecimal('10000000000000.00', 'EUR')?.minor).toBe(MAX)
    expect(parseDecimal('-0.00', 'EUR')).toEqual(zero('EUR'))
    expect(parseDecimal('0e-99', 'EUR')).toEqual(zero('EUR'))
  })
})

describe('a currency', () => {
  it('is known in either case and printed in capitals', () => {
    expect(['eur', 'Eur', 'EUR'].map(parseCurrency)).toEqual(['EUR', 'EUR', 'EUR'])
    for (const wrong of ['', 'XXX', 'EURO', 'DEM', 'eu', 978, null, 'constructor', 'ﬁm'])
      expect(parseCurrency(wrong)).toBeNull()
    expect(() => requireCurrency('XBT')).toThrow(refusal('invalid_currency'))
  })

  it('has the digits that the Unicode data of the runtime give it, but where those follow cash', () => {
    const known = Intl.supportedValuesOf('currency').filter((code) => parseCurrency(code) !== null)
    expect(known.length).toBeGreaterThan(140)
    expect(known.filter((code) => !CASH_ONLY.has(code) && unicodeDigits(code) !== exponentOf(code))).toEqual([])
  })
})

/** Currencies whose smaller coins are gone: ISO 4217 still counts the minor unit, the Unicode data do not. */
const CASH_ONLY = new Set('AFN ALL COP HUF IDR IQD IRR KPW LAK LBP MGA MMK PKR RSD SOS SYP TZS YER'.split(' '))

function unicodeDigits(currency: string): number | undefined {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits
}
