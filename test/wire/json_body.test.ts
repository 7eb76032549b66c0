import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf } from '../../src/wire/bytes.ts'
import { readJsonBody, readJsonText } from '../../src/wire/json_body.ts'

const MAX_DEPTH = 64
const reasonOf = (body: string | Uint8Array): string => {
  const read = readJsonBody(typeof body === 'string' ? bytesOf(body) : body)
  return read.ok ? 'read' : read.reason
}
/** `{"a":{"a":…1…}}` with so many braces. */
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
const inList = (depth: number): string => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`

describe('a body', () => {
  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { noNullPrototype: true }), (value) => {
        const text = JSON.stringify(value)
        const read = readJsonBody(bytesOf(text))
        expect(read).toEqual({ ok: true, body: JSON.parse(text) })
        expect(readJsonText(text)).toEqual(read)
      }),
    )
  })

  it.each([
    ['', 'body_empty'],
    [' ', 'body_not_json'],
    ['{', 'body_not_json'],
    ['{"a":1}{"b":2}', 'body_not_json'],
    ['{"a":1,}', 'body_not_json'],
    ["{'a':1}", 'body_not_json'],
    ['{"a":NaN}', 'body_not_json'],
    ['{"a":"\n"}', 'body_not_json'],
    ['a=1&b=2', 'body_not_json'],
    ['[]', 'body_not_object'],
    ['[{"id":1}]', 'body_not_object'],
    ['null', 'body_not_object'],
    ['"{}"', 'body_not_object'],
    ['1', 'body_not_object'],
    [' {} \r\n', 'read'],
  ])('%j is %s', (text, reason) => {
    expect(reasonOf(text)).toBe(reason)
  })

  it('that is not UTF-8 is not read with other characters in the place of the wrong ones', () => {
    expect(reasonOf(Buffer.from('7b2261223a22ff227d', 'hex'))).toBe('body_not_utf8')
    expect(reasonOf(Buffer.from('{"a":"é"}', 'latin1'))).toBe('body_not_utf8')
    expect(reasonOf(Buffer.from('{"a":1}', 'utf16le'))).toBe('body_not_json')
  })

  it('may begin with one byte order mark', () => {
    expect(reasonOf('\uFEFF{"a":1}')).toBe('read')
    expect(reasonOf('\uFEFF\uFEFF{"a":1}')).toBe('body_not_json')
    expect(reasonOf('\uFEFF')).toBe('body_not_json')
  })

  it('keeps the last of duplicate keys', () => {
    const text = '{"id":"evt_1","data":{"a":1},"id":"evt_2","data":{"b":2}}'
    expect(readJsonText(text)).toEqual({ ok: true, body: { id: 'evt_2', data: { b: 2 } } })
  })

  it('with the names of what every object has changes nothing but its own fields', () => {
    const read = readJsonText('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}')
    if (!read.ok) throw new Error(read.reason)
    expect(Object.keys(read.body)).toEqual(['__proto__', 'constructor'])
    expect(Object.getPrototypeOf(read.body)).toBe(Object.prototype)
    expect('admin' in {}).toBe(false)
  })

  it('says nothing of its content when it cannot be read', () => {
    for (const text of ['{"email":"ada@example.com"', '{"email":ada@example.com}', 'ada@example.com', '["ada", }']) {
      const read = readJsonText(text)
      if (read.ok) throw new Error('it was read')
      expect(read.detail).not.toContain('ada')
      expect(read.detail.length).toBeGreaterThan(0)
    }
  })
})

describe('the depth of a body', () => {
  it(`is at most ${MAX_DEPTH}, of objects and lists together`, () => {
    expect(reasonOf(nested(MAX_DEPTH))).toBe('read')
    expect(reasonOf(nested(MAX_DEPTH + 1))).toBe('body_too_deep')
    expect(reasonOf(inList(MAX_DEPTH - 1))).toBe('read')
    expect(reasonOf(inList(MAX_DEPTH))).toBe('body_too_deep')
  })

  it('is found before anything is built, also in a body that is not JSON', () => {
    expect(reasonOf('['.repeat(1_000_000))).toBe('body_too_deep')
    expect(reasonOf('{"a":'.repeat(200_000))).toBe('body_too_deep')
  })

  it('does not count brackets in texts, however they are escaped', () => {
    const brackets = '[{'.repeat(MAX_DEPTH)
    const strings = fc.array(fc.constantFrom('\\', '"', '[', '{', ']', '}', 'a', '\\"', '\\\\"'), { maxLength: 12 })
    fc.assert(
      fc.property(strings, strings, (key, value) => {
        const text = JSON.stringify({ [`${key.join('')}${brackets}`]: `${value.join('')}${brackets}` })
        expect(reasonOf(text)).toBe('read')
        // After such a text the brackets count again.
        expect(reasonOf(`{"a":${JSON.stringify(value.join(''))},"b":${nested(MAX_DEPTH)}}`)).toBe('body_too_deep')
      }),
    )
  })

  it('of many values beside each other is small', () => {
    expect(reasonOf(`{"a":[${'[],{},'.repeat(1000)}1]}`)).toBe('read')
  })
})
