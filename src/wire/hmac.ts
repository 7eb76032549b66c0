import { createHmac, createSecretKey, hash, timingSafeEqual } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** Key bytes that were used before: preparing them costs five times as much as the MAC of 1 KB. */
const prepared = new WeakMap<Uint8Array, KeyObject>()

/** HMAC-SHA256 of several byte strings joined, 32 bytes. The bytes of a key must not be changed after its first use. */
export function hmacSha256(key: Uint8Array | string, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const hmac = createHmac('sha256', typeof key === 'string' ? key : keyObjectOf(key))
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

function keyObjectOf(key: Uint8Array): KeyObject {
  let object = prepared.get(key)
  if (object === undefined) {
    object = createSecretKey(key)
    prepared.set(key, object)
  }
  return object
}

/** Equal, in a time that depends on the lengths alone. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** SHA-256 as 64 lower-case hexadecimal digits. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return hash('sha256', bytes, 'hex')
}

/** The 32 bytes of a SHA-256 MAC written as 64 hexadecimal digits, or null. `anyCase` also accepts capitals. */
export function parseHexMac(text: string, anyCase: boolean): Buffer | null {
  const pattern = anyCase ? /^[0-9a-fA-F]{64}$/ : /^[0-9a-f]{64}$/
  return pattern.test(text) ? Buffer.from(text, 'hex') : null
}
