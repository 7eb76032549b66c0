import { bytesOf } from './bytes.ts'
import { equalBytes, hmacSha256 } from './hmac.ts'
import { singleHeader } from './headers.ts'
import type { Headers } from './headers.ts'

/** How far the time of a signed request may lie from the clock, in seconds: what the Standard Webhooks libraries use. */
const TOLERANCE_S = 300

/** More signatures than this in one header are nobody's rotation. */
const MAX_SIGNATURES = 32

/** Headers that sign a request between Billhook and the user's own services, as Standard Webhooks 1.0.0 signs. */
export interface SignedHeaders {
  readonly 'webhook-id': string
  readonly 'webhook-timestamp': string
  readonly 'webhook-signature': string
}

/** Secrets read before, with their key bytes: an endpoint's secret is read for every attempt. */
const known = new Map<string, Uint8Array | null>()
const KNOWN_MAX = 1_000

/**
 * The key bytes of a `whsec_` secret; null if what follows the prefix is not base64 of at least 16 bytes.
 */
export function signingKeyOf(secret: string): Uint8Array | null {
  const before = known.get(secret)
  if (before !== undefined) return before
  if (known.size >= KNOWN_MAX) known.clear()
  const key = readSigningKey(secret)
  known.set(secret, key)
  return key
}

function readSigningKey(secret: string): Uint8Array | null {
  const encoded = secret.startsWith('whsec_') ? secret.slice(6) : secret
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return null
  const key = Buffer.from(encoded, 'base64')
  return key.length >= 16 ? key : null
}

/** The signature of one key: standard base64 of HMAC-SHA256 over `<id>.<timestamp>.<body>`. */
export function signatureOf(key: Uint8Array, id: string, timestamp: string, body: Uint8Array): string {
  return hmacSha256(key, bytesOf(`${id}.${timestamp}.`), body).toString('base64')
}

/** The signatures of version 1 in a header `v1,<base64> v1,<base64> v1a,…`; other versions are passed over. */
export function signaturesIn(header: string): readonly string[] {
  return header
    .split(' ')
    .slice(0, MAX_SIGNATURES)
    .flatMap((part) => (part.startsWith('v1,') && part.length > 3 ? [part.slice(3)] : []))
}

/** @param seconds Unix time of sending */
export function signRequest(key: Uint8Array, id: string, seconds: number, body: Uint8Array): SignedHeaders {
  const timestamp = String(seconds)
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signatureOf(key, id, timestamp, body)}`,
  }
}

/** True if one of the signatures is right and the time is near `seconds`. Judged on raw bytes, in constant time. */
export function verifyRequest(key: Uint8Array, headers: Headers, body: Uint8Array, seconds: number): boolean {
  const id = singleHeader(headers, 'webhook-id')
  const timestamp = singleHeader(headers, 'webhook-timestamp')
  const signature = singleHeader(headers, 'webhook-signature')
  if (!id.ok || !timestamp.ok || !signature.ok || !/^\d{1,12}$/.test(timestamp.value)) return false
  if (Math.abs(Number(timestamp.value) - seconds) > TOLERANCE_S) return false
  const expected = bytesOf(signatureOf(key, id.value, timestamp.value, body))
  return signaturesIn(signature.value).some((given) => equalBytes(bytesOf(given), expected))
}
