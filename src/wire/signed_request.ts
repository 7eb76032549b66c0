import { bytesOf } from './bytes.ts'
import { equalBytes, hmacSha256 } from './hmac.ts'
import { singleHeader } from './headers.ts'
import type { Headers } from './headers.ts'

/** How far the time of a signed request may lie from the clock, in seconds: what the Standard Webhooks libraries use. */
const TOLERANCE_S = 300

/** Headers that sign a request between Billhook and the user's own services, as Standard Webhooks 1.0.0 signs. */
export interface SignedHeaders {
  readonly 'webhook-id': string
  readonly 'webhook-timestamp': string
  readonly 'webhook-signature': string
}

/**
 * The key bytes of a `whsec_` secret; null if what follows the prefix is not base64 of at least 16 bytes.
 */
export function signingKeyOf(secret: string): Uint8Array | null {
  const encoded = secret.startsWith('whsec_') ? secret.slice(6) : secret
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return null
  const key = Buffer.from(encoded, 'base64')
  return key.length >= 16 ? key : null
}

/** @param seconds Unix time of sending */
export function signRequest(key: Uint8Array, id: string, seconds: number, body: Uint8Array): SignedHeaders {
  const timestamp = String(seconds)
  const mac = hmacSha256(key, bytesOf(`${id}.${timestamp}.`), body).toString('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` }
}

/** True if one of the signatures is right and the time is near `seconds`. Judged on raw bytes, in constant time. */
export function verifyRequest(key: Uint8Array, headers: Headers, body: Uint8Array, seconds: number): boolean {
  const id = singleHeader(headers, 'webhook-id')
  const timestamp = singleHeader(headers, 'webhook-timestamp')
  const signature = singleHeader(headers, 'webhook-signature')
  if (!id.ok || !timestamp.ok || !signature.ok || !/^\d{1,12}$/.test(timestamp.value)) return false
  if (Math.abs(Number(timestamp.value) - seconds) > TOLERANCE_S) return false
  const expected = hmacSha256(key, bytesOf(`${id.value}.${timestamp.value}.`), body)
  return signature.value
    .split(' ', 20)
    .some((part) => part.startsWith('v1,') && equalBytes(Buffer.from(part.slice(3), 'base64'), expected))
}
