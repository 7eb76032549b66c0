import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BASE36, BASE62, deriveId, deriveUuid, HEX } from '../../src/wire/ids.ts'

const alphabets = fc.constantFrom(BASE62, BASE36, HEX, '01', 'abc')

describe('a derived id', () => {
  it('has the wanted length and digits, and is the same every time', () => {
    fc.assert(
      fc.property(fc.string(), alphabets, fc.integer({ min: 1, max: 256 }), (seed, alphabet, length) => {
        const id = deriveId(seed, alphabet, length)
        expect(id).toHaveLength(length)
        expect(id.split('').every((digit) => alphabet.includes(digit))).toBe(true)
        expect(deriveId(seed, alphabet, length)).toBe(id)
      }),
    )
  })

  it('is another for every seed', () => {
    const ids = Array.from({ length: 20_000 }, (_one, index) => deriveId(`event/${index}`, BASE62, 14))
    expect(new Set(ids).size).toBe(ids.length)
    expect(deriveId('a\nb', BASE62, 24)).not.toBe(deriveId('a', BASE62, 24))
    expect(deriveId('', BASE62, 24)).not.toBe(deriveId('0', BASE62, 24))
  })

  it.each([BASE62, BASE36])('has every digit as often as any other: %s', (alphabet) => {
    const counts = new Map<string, number>()
    for (let n = 0; n < 1000; n += 1)
      for (const digit of deriveId(`seed ${n}`, alphabet, 100)) counts.set(digit, (counts.get(digit) ?? 0) + 1)
    const expected = 100_000 / alphabet.length
    // Chi-square: its mean is the number of digits less one, its deviation the root of twice that; six of them are far.
    const chi = alphabet
      .split('')
      .reduce((sum, digit) => sum + ((counts.get(digit) ?? 0) - expected) ** 2 / expected, 0)
    const freedom = alphabet.length - 1
    expect(chi).toBeLessThan(freedom + 6 * Math.sqrt(2 * freedom))
  })

  it('stays the same from version to version: stores hold it', () => {
    expect(deriveId('seed', BASE62, 24)).toBe('1XjD9CmSb31M1IPHtsKAMMCo')
    expect(deriveUuid('seed')).toBe('db9b96ac-1fb4-4e31-b0e6-4460e27eaa52')
  })

  it.each([
    ['a', 8],
    ['', 8],
    ['a'.repeat(65), 8],
    [BASE62, 0],
    [BASE62, -1],
    [BASE62, 1.5],
    [BASE62, 257],
    [BASE62, Number.NaN],
  ])('of the digits %j and the length %d is a defect', (alphabet, length) => {
    expect(() => deriveId('seed', alphabet, length)).toThrow(expect.objectContaining({ code: 'internal_invariant' }))
  })
})

it('a derived UUID is one of version 4 in form', () => {
  fc.assert(
    fc.property(fc.string(), (seed) => {
      expect(deriveUuid(seed)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(deriveUuid(seed)).toBe(deriveUuid(seed))
    }),
  )
})
