import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { compactVerify, decodeProtectedHeader, importJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/model/json.ts'
import { bytesOf } from '../../src/wire/bytes.ts'
import { keyIdOf, keySetOf, parseToken, publicJwkOf, signRs256, verifyRs256 } from '../../src/wire/jwt.ts'

const privateKeyPem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()
const key = { keyId: keyIdOf(privateKeyPem), privateKeyPem }
const jwk = publicJwkOf(key)

function verifies(text: string): boolean {
  const parsed = parseToken(bytesOf(text))
  return parsed.ok && verifyRs256(parsed.token, jwk)
}

describe('a signed token', () => {
  it('is verified by jose with the published key, and its header is alg, kid, typ', async () => {
    const text = signRs256({ b: 1, a: { d: [1, { z: 1, y: 2 }], c: 'ö' } }, key)
    const { payload } = await compactVerify(text, await importJWK(jwk, 'RS256'))
    expect(Buffer.from(payload).toString()).toBe('{"a":{"c":"ö","d":[1,{"y":2,"z":1}]},"b":1}')
    expect(Buffer.from(text.split('.')[0] ?? '', 'base64url').toString()).toBe(
      `{"alg":"RS256","kid":"${key.keyId}","typ":"JWT"}`,
    )
    expect(decodeProtectedHeader(text).kid).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/)
  })

  it('is verified whatever its claims are', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (claims) => {
        expect(verifies(signRs256(claims as JsonObject, key))).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  it('is refused when any one of its characters is another', () => {
    const text = signRs256({ type: 'a' }, key)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(63), (at, digit) => {
        const changed = text.slice(0, at) + alphabet.charAt(digit) + text.slice(at + 1)
        fc.pre(changed !== text)
        expect(verifies(changed)).toBe(false)
      }),
    )
    // The last character has bits that no byte holds: lax decoders take sixteen texts for one token.
    for (const digit of alphabet) expect(verifies(text.slice(0, -1) + digit)).toBe(text.endsWith(digit))
  })

  it('is let through with white space around it, and with none inside', () => {
    const text = signRs256({ type: 'a' }, key)
    expect(verifies(`\r\n ${text}\n`)).toBe(true)
    expect(verifies(text.replace('.', '.\n'))).toBe(false)
    expect(verifies(`${text}=`)).toBe(false)
    expect(verifies(`"${text}"`)).toBe(false)
  })
})

describe('a public key', () => {
  it('verifies nothing if it is short, for encryption, for another algorithm, or no RSA key', () => {
    const parsed = parseToken(bytesOf(signRs256({ type: 'a' }, key)))
    if (!parsed.ok) throw new Error('expected a token')
    expect(verifyRs256(parsed.token, { ...jwk })).toBe(true)
    expect(verifyRs256(parsed.token, { ...jwk, use: 'enc' })).toBe(false)
    expect(verifyRs256(parsed.token, { ...jwk, alg: 'RS512' })).toBe(false)
    expect(verifyRs256(parsed.token, { ...jwk, kty: 'oct' })).toBe(false)
    expect(verifyRs256(parsed.token, { ...jwk, n: 'AQAB' })).toBe(false)
    expect(verifyRs256(parsed.token, { ...jwk, e: 5 })).toBe(false)
  })

  it('of 1024 bits is too short', () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const pem = short.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const shortKey = { keyId: keyIdOf(pem), privateKeyPem: pem }
    const parsed = parseToken(bytesOf(signRs256({ type: 'a' }, shortKey)))
    expect(parsed.ok && verifyRs256(parsed.token, publicJwkOf(shortKey))).toBe(false)
  })

  it('is published with its use, its algorithm and nothing private', () => {
    expect(keySetOf([key])).toEqual({ keys: [jwk] })
    expect(Object.keys(jwk)).toEqual(['e', 'n', 'alg', 'kid', 'kty', 'use'])
    expect(jwk).toMatchObject({ alg: 'RS256', use: 'sig', kty: 'RSA', kid: key.keyId })
  })
})

describe('a signing key', () => {
  it.each([
    [
      'an EC key',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ],
    ['no key', 'secret words'],
  ])('is refused if it is %s, and its text is not repeated', (_name, pem) => {
    expect(() => signRs256({}, { keyId: 'a', privateKeyPem: pem })).toThrow('not an RSA private key')
    expect(() => keyIdOf(pem)).toThrow(/^the signing key is not an RSA private key in PEM form$/)
  })
})

describe('a body that is no token', () => {
  it.each([
    ['', 'body_empty'],
    ['a.b', 'token_malformed'],
    ['a.b.c.d', 'token_malformed'],
    ['e30.###.e30', 'token_malformed'],
    ['W10.e30.e30', 'token_malformed'],
    ['gA.e30.e30', 'token_malformed'],
  ])('%j is refused as %s', (text, reason) => {
    expect(parseToken(bytesOf(text))).toMatchObject({ ok: false, reason })
  })

  it('of invalid UTF-8 is refused', () => {
    expect(parseToken(Buffer.from([0xff, 0xfe]))).toMatchObject({ ok: false, reason: 'body_not_utf8' })
  })
})
