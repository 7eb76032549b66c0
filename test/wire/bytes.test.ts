import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf, concat, textOf } from '../../src/wire/bytes.ts'

describe('bytes of a text', () => {
  it('give the text back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!text.startsWith('\uFEFF'))
        expect(textOf(bytesOf(text))).toBe(text)
      }),
    )
  })

  it('are UTF-8, as Buffer writes it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(Buffer.from(bytesOf(text))).toEqual(Buffer.from(text, 'utf8'))
      }),
    )
  })

  it('lose one byte order mark at the start and no other', () => {
    expect(textOf(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('a')
    expect(textOf(bytesOf('\uFEFF\uFEFFa'))).toBe('\uFEFFa')
    expect(textOf(bytesOf('a\uFEFF'))).toBe('a\uFEFF')
  })

  it.each([
    ['a byte that no text has', [0xff]],
    ['a sequence cut short', [0x61, 0xe2, 0x82]],
    ['a slash written too long', [0xc0, 0xaf]],
    ['half a pair of UTF-16', [0xed, 0xa0, 0x80]],
    ['a code point beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['a continuation without a start', [0x80]],
  ])('%s is no text', (_name, bytes) => {
    expect(textOf(Uint8Array.from(bytes))).toBeNull()
  })

  it('are a text exactly if the text gives the same bytes back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        fc.pre(!(bytes[0] === 0xef && bytes[1] === 0xbb))
        const text = textOf(bytes)
        const replaced = Buffer.from(bytes).toString('utf8')
        expect(text !== null).toBe(Buffer.from(replaced, 'utf8').equals(bytes))
        if (text !== null) expect(text).toBe(replaced)
      }),
      { numRuns: 500 },
    )
  })
})

it('byte strings are joined in order, and the parts are not shared', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 5 }), (parts) => {
      const before = parts.flatMap((part) => [...part])
      const joined = concat(...parts)
      expect([...joined]).toEqual(before)
      joined.fill(0)
      expect(parts.flatMap((part) => [...part])).toEqual(before)
    }),
  )
})
