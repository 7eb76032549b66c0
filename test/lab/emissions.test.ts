import { describe, expect, it } from 'vitest'
import { compareEmissions, forbidden, holds } from '../../src/lab/emissions.ts'
import { mismatches } from '../../src/lab/match.ts'
import { instant } from '../../src/model/instant.ts'
import type { JsonObject } from '../../src/model/json.ts'

const want = (type: string, over: { match?: JsonObject; optional?: boolean } = {}) => ({
  type,
  match: over.match ?? {},
  optional: over.optional ?? false,
})
const got = (type: string, body: JsonObject = {}) => ({ type, body })
const kinds = (lines: ReturnType<typeof compareEmissions>) => lines.map(({ kind, type }) => `${kind} ${type}`)

describe('comparing emissions with a story', () => {
  it('holds when the events come in exactly the order of the story', () => {
    const lines = compareEmissions([want('a'), want('b')], [got('a'), got('b')])
    expect(lines.every(holds)).toBe(true)
  })

  it('fails when two events come in the other order', () => {
    const lines = compareEmissions([want('a'), want('b')], [got('b'), got('a')])
    expect(lines.every(holds)).toBe(false)
  })

  it('names what is missing and what is too many', () => {
    expect(kinds(compareEmissions([want('a'), want('b')], [got('a'), got('c')]))).toEqual([
      'same a',
      'missing b',
      'unexpected c',
    ])
  })

  it('lets an optional event be there or not, and takes the reading that fits the bodies', () => {
    const story = [want('a', { optional: true, match: { n: 1 } }), want('a', { match: { n: 2 } })]
    expect(compareEmissions(story, [got('a', { n: 1 }), got('a', { n: 2 })]).every(holds)).toBe(true)
    expect(compareEmissions(story, [got('a', { n: 2 })]).every(holds)).toBe(true)
    expect(compareEmissions(story, [got('a', { n: 1 })]).every(holds)).toBe(false)
  })

  it('lets an optional event come at another place of its step, but only one that matches', () => {
    const story = [want('a'), want('b'), want('c', { optional: true, match: { n: 1 } })]
    const early = (n: number) => [got('a'), got('c', { n }), got('b')]
    expect(kinds(compareEmissions(story, early(1)))).toEqual(['same a', 'elsewhere c', 'same b'])
    expect(compareEmissions(story, early(1)).every(holds)).toBe(true)
    expect(compareEmissions(story, early(2)).every(holds)).toBe(false)
    const twice = [got('a'), got('c', { n: 1 }), got('c', { n: 1 }), got('b')]
    expect(compareEmissions(story, twice).every(holds)).toBe(false)
  })

  it('finds events that must never come', () => {
    expect(forbidden([{ type: 'b', match: {} }], [got('a'), got('b')])).toEqual([{ kind: 'never', type: 'b' }])
  })

  it('finds them by their bodies where the story names those', () => {
    const never = [{ type: 'b', match: { n: 1 } }]
    expect(forbidden(never, [got('b', { n: 2 })])).toEqual([])
    expect(forbidden(never, [got('b', { n: 1 })])).toEqual([{ kind: 'never', type: 'b' }])
  })
})

describe('matching a body', () => {
  const at = instant(Date.UTC(2026, 0, 8))

  it.each([
    ['a field of the object inside', { status: 'active' }, { data: { object: { status: 'active' } } }],
    ['a time as Unix seconds', { end: '2026-01-08T00:00:00Z' }, { data: { object: { end: at / 1000 } } }],
    ['a time with another offset', { end: '2026-01-08T00:00:00Z' }, { data: { end: '2026-01-08T05:30:00+0530' } }],
    ['the length of a list object', { lines: 2 }, { data: { object: { lines: { data: [{}, {}] } } } }],
    ['an object by its id', { price: 'p' }, { data: { object: { price: { id: 'p' } } } }],
    [
      'items of a list object',
      { items: [{ price: 'p' }] },
      { data: { object: { items: { data: [{ price: { id: 'p' } }] } } } },
    ],
    [
      'a field that the first item has',
      { current_end: '2026-01-08T00:00:00Z' },
      { data: { object: { items: { data: [{ current_end: at / 1000 }] } } } },
    ],
    [
      'a field of an entity in a payload',
      { paid_count: 1 },
      { payload: { subscription: { entity: { paid_count: 1 } } } },
    ],
    [
      'an entity of a payload by its name, without its wrapping',
      { payment: { amount: 5 } },
      { payload: { subscription: { entity: {} }, payment: { entity: { amount: 5 } } } },
    ],
    [
      'an entity of a payload by its name, with its wrapping',
      { payment: { entity: { amount: 5 } } },
      { payload: { payment: { entity: { amount: 5 } } } },
    ],
    ['a field of the envelope', { contains: ['subscription'] }, { contains: ['subscription'], payload: {} }],
    ['an object without an id', { id: null }, { id: 'evt_1', data: { object: { status: 'draft' } } }],
    ['a stated absence', { subscription: null }, { data: { object: { subscription: null } } }],
    ['a path from the top', { data: { object: { status: 'SENT' } } }, { data: { object: { status: 'SENT' } } }],
  ])('finds %s', (_what, expected, body) => {
    expect(mismatches(expected as JsonObject, body as JsonObject)).toEqual([])
  })

  it.each([
    ['another value', { status: 'active' }, { data: { object: { status: 'canceled' } } }],
    ['another time', { end: '2026-01-08T00:00:00Z' }, { data: { object: { end: at / 1000 + 1 } } }],
    ['another length', { lines: 3 }, { data: { object: { lines: { data: [{}, {}] } } } }],
    ['a field that is not there', { status: 'active' }, { data: { object: {} } }],
    ['an id where none should be', { id: null }, { id: 'evt_1', data: { object: { id: 'in_1' } } }],
    ['a list that is too short', { items: [{}, {}] }, { data: { object: { items: { data: [{}] } } } }],
  ])('reports %s', (_what, expected, body) => {
    expect(mismatches(expected as JsonObject, body as JsonObject)).toHaveLength(1)
  })
})
