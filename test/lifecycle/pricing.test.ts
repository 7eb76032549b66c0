import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Price, PriceTier } from '../../src/model/entities.ts'
import { DAY_MS, instant } from '../../src/model/instant.ts'
import { add, money, zero } from '../../src/model/money.ts'
import { amountFor } from '../../src/lifecycle/pricing.ts'
import { shareLeft, shareOf } from '../../src/lifecycle/proration.ts'
import { formatQuantity, parseQuantity, quantityOf } from '../../src/lifecycle/quantity.ts'
import { at } from './support.ts'

const EUR = (minor: number) => money(minor, 'EUR')

function price(fields: Partial<Price>): Price {
  return {
    id: 'p',
    product: 'x',
    code: null,
    name: null,
    group: null,
    currency: 'EUR',
    interval: { unit: 'month', count: 1 },
    scheme: 'per_unit',
    unitAmount: null,
    tiers: [],
    usage: 'licensed',
    meter: null,
    billed: 'advance',
    active: true,
    metadata: {},
    createdAt: instant(0),
    updatedAt: instant(0),
    ...fields,
  }
}

const TIERS: readonly PriceTier[] = [
  { upTo: 10, unitAmount: EUR(100), flatAmount: null },
  { upTo: 20, unitAmount: EUR(80), flatAmount: EUR(500) },
  { upTo: null, unitAmount: EUR(50), flatAmount: null },
]

describe('prices', () => {
  it.each([
    [0, 0n],
    [1, 100n],
    [10, 1000n],
    [11, 1000n + 500n + 80n],
    [20, 1000n + 500n + 800n],
    [25, 1000n + 500n + 800n + 250n],
  ])('charge each of %i units at the tier that it falls into', (quantity, minor) => {
    const amount = amountFor(price({ scheme: 'graduated', tiers: TIERS }), quantityOf(quantity))
    expect(amount.minor).toBe(minor)
  })

  it.each([
    [0, 0n],
    [10, 1000n],
    [11, 880n + 500n],
    [21, 1050n],
  ])('charge all of %i units at the tier of the whole', (quantity, minor) => {
    const amount = amountFor(price({ scheme: 'volume', tiers: TIERS }), quantityOf(quantity))
    expect(amount.minor).toBe(minor)
  })

  it('are flat, or per unit, with fractions of units rounded once', () => {
    expect(amountFor(price({ scheme: 'flat', unitAmount: EUR(700) }), quantityOf(9)).minor).toBe(700n)
    expect(amountFor(price({ unitAmount: EUR(3) }), parseQuantity('0.5')).minor).toBe(2n)
    expect(amountFor(price({ unitAmount: EUR(1) }), parseQuantity('0.333333')).minor).toBe(0n)
  })

  it('never cost less for more units, and no graduated unit is counted twice', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(60), (a, b) => {
        const graduated = price({ scheme: 'graduated', tiers: TIERS })
        const [less, more] = [Math.min(a, b), Math.max(a, b)]
        expect(amountFor(graduated, quantityOf(less)).minor <= amountFor(graduated, quantityOf(more)).minor).toBe(true)
        let sum = zero('EUR')
        for (let unit = 1; unit <= a; unit += 1) {
          const tier = TIERS.find(({ upTo }) => upTo === null || unit <= upTo)
          if (tier === undefined) continue
          sum = add(sum, tier.unitAmount)
          if (tier.flatAmount !== null && unit === 11) sum = add(sum, tier.flatAmount)
        }
        expect(amountFor(graduated, quantityOf(a))).toEqual(sum)
      }),
    )
  })
})

describe('quantities', () => {
  it('keep every decimal digit', () => {
    const decimal = fc
      .tuple(fc.bigInt({ min: 0n, max: 10n ** 17n }), fc.nat(999_999), fc.boolean())
      .map(([whole, fraction, negative]) => `${negative ? '-' : ''}${whole}.${String(fraction).padStart(6, '0')}`)
    fc.assert(
      fc.property(decimal, (text) => {
        const quantity = parseQuantity(text)
        expect(parseQuantity(formatQuantity(quantity))).toBe(quantity)
      }),
    )
    expect(formatQuantity(parseQuantity('100.500'))).toBe('100.5')
    expect(formatQuantity(parseQuantity('0.1') + parseQuantity('0.2'))).toBe('0.3')
  })

  it.each(['', '1e3', '0x10', '1.', '.5', ' 1', 'NaN', '1.0000000000001', '1234567890123456789'])(
    'refuse %j',
    (text) => {
      expect(() => parseQuantity(text)).toThrow('not a decimal number')
    },
  )
})

describe('proration', () => {
  const january = { from: at('2026-01-01T00:00:00Z'), until: at('2026-02-01T00:00:00Z') }

  it('counts to the second, half away from zero', () => {
    const share = shareLeft(january, at('2026-01-16T00:00:00Z'), 'second')
    expect(shareOf(EUR(5000), share).minor).toBe(2581n)
    expect(shareOf(EUR(10_000), share).minor).toBe(5161n)
  })

  it('counts whole days where that is the rule: the day of the change is not used up', () => {
    expect(shareLeft(january, at('2026-01-16T23:00:00Z'), 'day')).toEqual({ left: 16n, whole: 31n })
  })

  it('leaves all before the start, nothing after the end, and never more or less', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -40, max: 80 }),
        fc.constantFrom('second' as const, 'day' as const),
        (day, unit) => {
          const share = shareLeft(january, instant(january.from + day * DAY_MS), unit)
          expect(share.left >= 0n && share.left <= share.whole).toBe(true)
          if (day <= 0) expect(share.left).toBe(share.whole)
          if (day >= 31) expect(share.left).toBe(0n)
          const amount = shareOf(EUR(9999), share)
          expect(amount.minor >= 0n && amount.minor <= 9999n).toBe(true)
        },
      ),
    )
  })
})
