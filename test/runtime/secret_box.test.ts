import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createSecretBox, parseSecretKey, secretKeyFromFile } from '../../src/runtime/secret_box.ts'

const KEY = new Uint8Array(32).fill(7)
const folders: string[] = []
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'billhook-test-'))
  folders.push(path)
  return path
}
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true })
})

describe('The secret box', () => {
  it('gives back every text it locked, and never the same locked text twice', () => {
    const box = createSecretBox(KEY)
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const plain = Buffer.from(text, 'utf8').toString('utf8')
        expect(box.unlock(box.lock(plain))).toBe(plain)
        expect(box.lock(plain)).not.toBe(box.lock(plain))
      }),
    )
  })

  it('refuses a text that was changed anywhere, and says so', () => {
    const box = createSecretBox(KEY)
    const locked = box.lock('whsec_abc')
    for (let i = 0; i < locked.length; i += 1) {
      const other = locked[i] === 'A' ? 'B' : 'A'
      const text = locked.slice(0, i) + other + locked.slice(i + 1)
      // The last character of base64url can hold bits that stand for nothing.
      if (
        i === locked.length - 1 &&
        Buffer.from(text.slice(12), 'base64url').equals(Buffer.from(locked.slice(12), 'base64url'))
      )
        continue
      expect(() => box.unlock(text), text).toThrow(expect.objectContaining({ code: 'secret_key_missing' }))
    }
    for (const text of ['', 'v1', 'v1.x', 'whsec_abc', `${locked}.x`]) expect(() => box.unlock(text)).toThrow()
  })

  it('tells a wrong key from a changed text', () => {
    const locked = createSecretBox(KEY).lock('x')
    expect(() => createSecretBox(new Uint8Array(32).fill(8)).unlock(locked)).toThrow(/encrypted with the key/)
  })

  it('takes a key as hexadecimal or base64 text, of 32 bytes and nothing else', () => {
    const hex = Buffer.from(KEY).toString('hex')
    expect(parseSecretKey(hex, 'k')).toEqual(KEY)
    expect(parseSecretKey(` ${Buffer.from(KEY).toString('base64')}\n`, 'k')).toEqual(KEY)
    for (const wrong of ['', 'abc', hex.slice(2), `${hex}00`, '!'.repeat(44)])
      expect(() => parseSecretKey(wrong, 'BILLHOOK_SECRET_KEY')).toThrow(/BILLHOOK_SECRET_KEY is not a key of 32 bytes/)
    expect(() => createSecretBox(new Uint8Array(31))).toThrow(/31 bytes/)
  })

  it('makes a key file that only its owner can read, keeps it, and refuses one that others can read', () => {
    const path = join(folder(), 'deep', 'secret.key')
    const key = secretKeyFromFile(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(secretKeyFromFile(path)).toEqual(key)
    expect(parseSecretKey(readFileSync(path, 'utf8'), path)).toEqual(key)
    chmodSync(path, 0o644)
    expect(() => secretKeyFromFile(path)).toThrow(/chmod 600/)
  })
})
