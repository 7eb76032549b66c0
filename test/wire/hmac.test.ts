import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf } from '../../src/wire/bytes.ts'
import { equalBytes, hmacSha256, parseHexMac, sha256Hex } from '../../src/wire/hmac.ts'

const bytes = fc.uint8Array({ maxLength: 80 })

describe('HMAC-SHA256', () => {
  // RFC 4231, test cases 1, 2 and 6 (a key longer than a block).
  it.each([
    [new Uint8Array(20).fill(0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      bytesOf('Jefe'),
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      new Uint8Array(131).fill(0xaa),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ])('is that of RFC 4231', (key, text, expected) => {
    expect(hmacSha256(key, text).toString('hex')).toBe(expected)
    // The second use takes the prepared key.
    expect(hmacSha256(key, bytesOf(text)).toString('hex')).toBe(expected)
  })

  it('depends on the bytes alone, not on how they are cut or whether the key is bytes or text', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(bytes, { maxLength: 4 }), (key, parts) => {
        const whole = createHmac('sha256', key).update(Buffer.concat(parts)).digest()
        expect(hmacSha256(key, ...parts)).toEqual(whole)
        expect(hmacSha256(bytesOf(key), ...parts)).toEqual(whole)
        expect(hmacSha256(key, Buffer.concat(parts))).toEqual(whole)
      }),
    )
  })

  it('of two keys with the same first use are kept apart', () => {
    const [a, b] = [bytesOf('key a'), bytesOf('key b')]
    const first = hmacSha256(a, 'x')
    expect(hmacSha256(b, 'x')).not.toEqual(first)
    expect(hmacSha256(a, 'x')).toEqual(first)
  })
})

it('bytes are equal if all of them are, and never throw for another length', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(equalBytes(a, a.slice())).toBe(true)
      expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0)
      expect(equalBytes(a, Buffer.concat([a, Buffer.of(0)]))).toBe(false)
    }),
  )
})

describe('a MAC in hexadecimal', () => {
  it('is read back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (mac) => {
        const text = Buffer.from(mac).toString('hex')
        expect(parseHexMac(text, false)).toEqual(Buffer.from(mac))
        expect(parseHexMac(text.toUpperCase(), true)).toEqual(Buffer.from(mac))
      }),
    )
  })

  it.each(['', 'a'.repeat(63), 'a'.repeat(65), `${'a'.repeat(63)}g`, ` ${'a'.repeat(63)}`, `${'a'.repeat(64)}\n`])(
    '%j is none',
    (text) => {
      expect(parseHexMac(text, true)).toBeNull()
      expect(parseHexMac(text, false)).toBeNull()
    },
  )

  it('with capitals is none where the provider writes small letters', () => {
    expect(parseHexMac('A'.repeat(64), false)).toBeNull()
  })
})

it('SHA-256 is that of FIPS 180-4', () => {
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(sha256Hex(bytesOf('abc'))).toBe(sha256Hex('abc'))
})
