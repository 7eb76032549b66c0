import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, isObject, readModel, writeModel } from '../../src/model/json.ts'
import { money } from '../../src/model/money.ts'

const MAX = 10n ** 15n
const amounts = fc
  .tuple(fc.bigInt({ min: -MAX, max: MAX }), fc.constantFrom('EUR', 'JPY', 'KWD'))
  .map(([minor, currency]) => money(minor, currency))
/** Plain data with money in it, as entities and facts are. JSON writes -0 as 0, so it is left out. */
const model = fc.letrec<{ value: unknown; leaf: unknown }>((tie) => ({
  leaf: fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.integer().map((n) => n + 0),
    fc.boolean(),
    fc.constant(null),
    amounts,
  ),
  value: fc.oneof(
    { maxDepth: 3 },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value

describe('the text of a model', () => {
  it('is read back as what was written, money as money', () => {
    fc.assert(
      fc.property(model, (value) => {
        expect(readModel(writeModel(value))).toEqual(value)
      }),
      { numRuns: 500 },
    )
  })

  it('keeps amounts beyond what a number of JavaScript holds', () => {
    const amount = { minor: -999_999_999_999_999n, currency: 'EUR' }
    expect(writeModel({ amount })).toBe('{"amount":{"minor":"-999999999999999","currency":"EUR"}}')
    expect(readModel(writeModel({ amount }))).toEqual({ amount })
  })

  it('leaves alone what only looks like money', () => {
    const lookalikes = [
      { minor: '1', currency: 'EUR', more: true },
      { minor: '1.5', currency: 'EUR' },
      { minor: '', currency: 'EUR' },
      { minor: '-0', currency: 'EUR' },
      { minor: '007', currency: 'EUR' },
      { minor: 1, currency: 'EUR' },
      { minor: '1' },
      { minor: '1', currency: null },
    ]
    expect(readModel(writeModel(lookalikes))).toEqual(lookalikes)
  })

  it('keeps the free fields of an app as texts, whatever they are called', () => {
    const texts = { minor: '500', currency: 'EUR' }
    const entity = { metadata: texts, price: money(500, 'EUR') }
    expect(readModel(writeModel(entity))).toEqual(entity)
    // As the ledger keeps the words about one field.
    const register = { fields: { metadata: { t: 1, set: [{ value: texts, verb: 'update' }] } } }
    expect(readModel(writeModel(register))).toEqual(register)
  })

  it('takes __proto__ for an ordinary name', () => {
    const read = readModel('{"__proto__":{"minor":"5","currency":"EUR"}}')
    expect(Object.keys(read as object)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  })
})

/** The same value with the keys of every object in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  )
}

describe('canonical JSON', () => {
  it('is the same for equal values, in whatever order their keys were set', () => {
    fc.assert(
      fc.property(model, (value) => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value))
      }),
    )
  })

  it('is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(JSON.parse(text))).toBe(text)
      }),
    )
  })

  it('differs where values differ', () => {
    const small = fc.jsonValue({ maxDepth: 2, stringUnit: fc.constantFrom('a', '"', '1') })
    fc.assert(
      fc.property(small, small, (a, b) => {
        const same = canonicalJson(a) === canonicalJson(b)
        expect(same).toBe(isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b))))
      }),
      { numRuns: 500 },
    )
    expect(canonicalJson({ a: [1, 2] })).not.toBe(canonicalJson({ a: [2, 1] }))
    expect(canonicalJson({ a: '1' })).not.toBe(canonicalJson({ a: 1 }))
  })

  it('sorts keys, leaves out what is undefined and writes nothing between', () => {
    expect(canonicalJson({ b: undefined, z: 1n, a: { d: [undefined, null], c: 'é' } })).toBe(
      '{"a":{"c":"é","d":[null,null]},"z":"1"}',
    )
  })
})

it('an object is neither a list nor null', () => {
  expect([{}, [], null, 'a', 1, undefined].map(isObject)).toEqual([true, false, false, false, false, false])
})
