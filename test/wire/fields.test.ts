import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/model/json.ts'
import type { Problem } from '../../src/model/observations.ts'
import { Fields, ownText } from '../../src/wire/fields.ts'

function read<T>(raw: unknown, work: (fields: Fields) => T): { readonly value: T; readonly problems: Problem[] } {
  const problems: Problem[] = []
  return { value: work(new Fields(raw as JsonObject, problems)), problems }
}

/** Every reader of one field, with a value that it takes. */
const READERS = {
  text: (fields: Fields) => fields.text('f'),
  boolean: (fields: Fields) => fields.boolean('f'),
  integer: (fields: Fields) => fields.integer('f'),
  seconds: (fields: Fields) => fields.seconds('f'),
  iso: (fields: Fields) => fields.iso('f'),
  currency: (fields: Fields) => fields.currency('f'),
  minor: (fields: Fields) => fields.minor('f', 'EUR'),
  major: (fields: Fields) => fields.major('f', 'EUR'),
  object: (fields: Fields) => fields.object('f'),
  reference: (fields: Fields) => fields.reference('f'),
} as const
const LISTS = {
  objects: (fields: Fields) => fields.objects('f'),
  list: (fields: Fields) => fields.list('f'),
  texts: (fields: Fields) => fields.texts('f'),
} as const
type Reader = (fields: Fields) => unknown
const readers = Object.entries(READERS) as [string, Reader][]
const lists = Object.entries(LISTS) as [string, Reader][]

describe('a field', () => {
  it.each(readers)('that is absent or null gives null and no problem: %s', (_name, reader) => {
    for (const raw of [{}, { f: null }]) expect(read(raw, reader)).toEqual({ value: null, problems: [] })
    expect(read(Object.create({ f: 'inherited' }), reader)).toEqual({ value: null, problems: [] })
  })

  it.each(lists)('that is absent or null is an empty list or object without a problem: %s', (_name, reader) => {
    for (const raw of [{}, { f: null }]) {
      const { value, problems } = read(raw, reader)
      expect(Object.keys(value as object)).toEqual([])
      expect(problems).toEqual([])
    }
  })

  it.each([...readers, ...lists])('of any value never throws, and problems never quote it: %s', (_name, reader) => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const secret = typeof value === 'string' ? `secret ${value}` : value
        const { problems } = read({ f: secret }, reader)
        for (const { path, message } of problems) {
          expect(path).toMatch(/^f(\.|$)/)
          expect(message).toMatch(
            /^expected .*, found (null|a list|another text|another number|true or false|an object)$/,
          )
        }
      }),
    )
  })

  it.each([
    ['text', 'sub_1', 'sub_1', 7],
    ['text', '', null, ['a']],
    ['boolean', false, false, 'false'],
    ['integer', 0, 0, 1.5],
    ['integer', -7, -7, 2 ** 53],
    ['integer', 5, 5, '5'],
    ['seconds', 1_767_225_600, Date.UTC(2026, 0, 1), 1.5],
    ['seconds', 0, 0, '1767225600'],
    ['iso', '2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1), '2026-01-01T00:00:00'],
    ['iso', '', null, 1_767_225_600],
    ['currency', 'eur', 'EUR', 'xxx'],
    ['minor', 1050, { minor: 1050n, currency: 'EUR' }, 10.5],
    ['minor', -1, { minor: -1n, currency: 'EUR' }, 2e15],
    ['major', 1.15, { minor: 115n, currency: 'EUR' }, 1.005],
    ['major', '4.35', { minor: 435n, currency: 'EUR' }, 'free'],
    ['major', '', null, true],
    ['reference', 'cus_1', 'cus_1', 7],
    ['reference', { id: 'cus_1', name: 'x' }, 'cus_1', ['cus_1']],
  ] as const)('that is %s is read, and of the wrong kind is a problem (%#)', (...row) => {
    const [name, good, expected, wrong] = row
    const reader: Reader = READERS[name]
    expect(read({ f: good }, reader)).toEqual({ value: expected, problems: [] })
    const { value, problems } = read({ f: wrong }, reader)
    expect(value).toBeNull()
    expect(problems).toEqual([{ path: 'f', message: expect.stringMatching(/^expected /) as string }])
  })

  it('with an amount of an unknown currency gives null and adds no second problem', () => {
    expect(read({ f: 5 }, (fields) => fields.minor('f', null))).toEqual({ value: null, problems: [] })
    expect(read({ f: '5' }, (fields) => fields.major('f', null))).toEqual({ value: null, problems: [] })
  })

  it('is only ever the object’s own', () => {
    const { value } = read(JSON.parse('{"__proto__":{"id":"p"}}'), (fields) => [
      fields.has('toString'),
      fields.get('constructor'),
      fields.text('id'),
      fields.object('__proto__')?.text('id'),
    ])
    expect(value).toEqual([false, undefined, null, 'p'])
    expect(ownText(Object.create({ id: 'x' }) as JsonObject, 'id')).toBeNull()
    expect([{ id: 'a' }, { id: '' }, { id: 7 }, {}].map((object) => ownText(object, 'id'))).toEqual([
      'a',
      null,
      null,
      null,
    ])
  })
})

describe('problems', () => {
  it('name the path of the field, through objects and lists', () => {
    const body = { data: { object: { items: [{ price: { id: 7 } }, 'no object', { price: 8 }] } } }
    const { value, problems } = read(body, (fields) =>
      fields
        .object('data')
        ?.object('object')
        ?.objects('items')
        .map((item) => item.reference('price')),
    )
    expect(value).toEqual([null, null])
    expect(problems.map(({ path }) => path).toSorted()).toEqual([
      'data.object.items.0.price.id',
      'data.object.items.1',
      'data.object.items.2.price',
    ])
  })

  it('are at most 50 for one body', () => {
    const { problems } = read({ f: Array.from({ length: 1000 }, () => 'x') }, (fields) => fields.objects('f'))
    expect(problems).toHaveLength(50)
  })
})

describe('free fields', () => {
  it('are texts; numbers and booleans are written out, deeper values left out', () => {
    const raw: Json = { a: 'x', b: 7, c: true, d: null, e: { f: 1 }, g: [1], h: '' }
    expect(read({ f: raw }, LISTS.texts)).toEqual({ value: { a: 'x', b: '7', c: 'true', h: '' }, problems: [] })
  })

  it('with any name stay what they are', () => {
    const { value } = read({ f: JSON.parse('{"__proto__":"x","constructor":"y"}') as Json }, LISTS.texts)
    expect(Object.entries(value)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
  })

  it('of an empty list are none, of a full one a problem', () => {
    expect(read({ f: [] }, LISTS.texts)).toEqual({ value: {}, problems: [] })
    expect(read({ f: ['x'] }, LISTS.texts).problems).toHaveLength(1)
  })
})
