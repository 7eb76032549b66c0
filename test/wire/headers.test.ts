import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { optionalHeader, singleHeader } from '../../src/wire/headers.ts'

const names = fc.stringMatching(/^[A-Za-z][A-Za-z-]{0,11}$/)
const values = fc.string({ minLength: 1 })

describe('a header that must occur once', () => {
  it('is found whatever its case, among any others', () => {
    fc.assert(
      fc.property(names, values, fc.dictionary(names, values, { noNullPrototype: true }), (name, value, others) => {
        const rest = Object.entries(others).filter(([other]) => other.toLowerCase() !== name.toLowerCase())
        const headers = Object.fromEntries([...rest, [name.toUpperCase(), value]])
        expect(singleHeader(headers, name.toLowerCase())).toEqual({ ok: true, value })
        expect(singleHeader(Object.fromEntries(rest), name)).toEqual({ ok: false, reason: 'header_missing' })
      }),
    )
  })

  it.each([
    ['twice in two cases', { 'Webhook-Id': 'a', 'webhook-id': 'a' }],
    ['empty and then full', { 'Webhook-Id': '', 'webhook-id': 'a' }],
    ['as a list', { 'webhook-id': ['a', 'b'] }],
    ['as a list of one', { 'webhook-id': ['a'] }],
    ['as an empty list', { 'webhook-id': [] }],
  ])('is repeated if it stands there %s', (_how, headers) => {
    expect(singleHeader(headers, 'webhook-id')).toEqual({ ok: false, reason: 'header_repeated' })
  })

  it('is missing if it is empty or only inherited', () => {
    const missing = { ok: false, reason: 'header_missing' }
    expect(singleHeader({ 'webhook-id': '' }, 'webhook-id')).toEqual(missing)
    expect(singleHeader({}, 'constructor')).toEqual(missing)
    expect(singleHeader(Object.create({ 'webhook-id': 'a' }), 'webhook-id')).toEqual(missing)
  })
})

it('a header that nothing is decided by is the first of its values', () => {
  expect(optionalHeader({ 'User-Agent': ['a', 'b'] }, 'user-agent')).toBe('a')
  expect(optionalHeader({ 'user-agent': 'c' }, 'User-Agent')).toBe('c')
  expect(optionalHeader({ 'user-agent': [] }, 'user-agent')).toBeNull()
  expect(optionalHeader({}, 'user-agent')).toBeNull()
})
