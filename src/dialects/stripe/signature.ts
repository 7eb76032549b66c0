import { DAY_MS, instantFromSeconds, MINUTE_MS, secondsOf, SECOND_MS } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import { bytesOf } from '../../wire/bytes.ts'
import { singleHeader } from '../../wire/headers.ts'
import { equalBytes, hmacSha256, parseHexMac } from '../../wire/hmac.ts'
import { BASE62 } from '../../wire/ids.ts'
import { liveSecrets } from '../dialect.ts'
import type {
  Notification,
  OpeningKeys,
  OpeningTime,
  Sealed,
  SealingKeys,
  SecretRotation,
  Verified,
} from '../dialect.ts'
import { printBody } from './layout.ts'

/** How far the signed time may lie from the receiver's clock: what the official libraries take by default. */
export const STRIPE_TOLERANCE_MS = 5 * MINUTE_MS

/** After a roll every attempt is signed with the old secret too, for up to a day. @source the provider's webhook page */
export const STRIPE_ROTATION: SecretRotation = { kind: 'sign_with_all', overlapMs: DAY_MS }

/** More signatures than this in one header are nobody's rotation. */
const MAX_SIGNATURES = 32

/**
 * Judges `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=…][,v0=…]`: HMAC-SHA256 over `<t>.<body bytes>` with the whole text
 * of the secret, `whsec_` included. Any `v1` may match any live secret; other schemes are ignored. Stricter than the
 * official library in two ways: a time ahead of the clock by more than the tolerance is refused, and so is one that is
 * not a whole number.
 */
export function verifySignature(sealed: Sealed, keys: OpeningKeys, time: OpeningTime): Verified {
  const header = singleHeader(sealed.headers, 'Stripe-Signature')
  if (!header.ok) return { ok: false, reason: header.reason, detail: 'Stripe-Signature' }
  const parsed = parseHeader(header.value)
  if (!parsed.ok) return parsed
  const secrets = liveSecrets(keys.secrets, time.at)
  if (secrets.length === 0) return { ok: false, reason: 'secret_missing', detail: 'the source has no live secret' }
  let matched: number | null = null
  for (const secret of secrets) {
    const expected = hmacSha256(secret.text, `${parsed.seconds}.`, sealed.body)
    // Every pair is compared, whatever matched before: the time taken says nothing about which one did.
    for (const mac of parsed.macs) if (equalBytes(mac, expected)) matched ??= secret.index
  }
  if (matched === null) {
    return {
      ok: false,
      reason: 'signature_mismatch',
      detail: `none of ${parsed.macs.length} signatures matches one of ${secrets.length} live secrets`,
    }
  }
  const late = judgeAge(parsed.seconds, time)
  return late ?? { ok: true, secret: matched, sentAt: parsed.sentAt }
}

type ParsedHeader =
  | { readonly ok: true; readonly seconds: number; readonly sentAt: Instant; readonly macs: readonly Uint8Array[] }
  | (Verified & { readonly ok: false })

function parseHeader(value: string): ParsedHeader {
  let time: string | null = null
  const signatures: string[] = []
  // As in the official library: elements are not trimmed, and of several times the last one counts.
  for (const element of value.split(',')) {
    const [name, text] = splitOnce(element)
    if (name === 't') time = text
    if (name === 'v1') signatures.push(text)
  }
  if (time === null) return { ok: false, reason: 'header_malformed', detail: 'Stripe-Signature has no t=' }
  const sentAt = /^\d{1,16}$/.test(time) ? instantFromSeconds(Number(time)) : null
  if (sentAt === null) return { ok: false, reason: 'timestamp_malformed', detail: 't is not a number of Unix seconds' }
  if (signatures.length === 0) return { ok: false, reason: 'signature_missing', detail: 'there is no v1 signature' }
  if (signatures.length > MAX_SIGNATURES)
    return { ok: false, reason: 'header_malformed', detail: `more than ${MAX_SIGNATURES} signatures` }
  const macs = signatures.flatMap((text) => parseHexMac(text, false) ?? [])
  // The number is signed, not its text: a leading zero changes nothing.
  return { ok: true, seconds: secondsOf(sentAt), sentAt, macs }
}

function splitOnce(element: string): readonly [string, string] {
  const at = element.indexOf('=')
  return at === -1 ? [element, ''] : [element.slice(0, at), element.slice(at + 1)]
}

function judgeAge(seconds: number, time: OpeningTime): Verified | null {
  if (time.at === null) return null
  const toleranceMs = time.toleranceMs ?? STRIPE_TOLERANCE_MS
  const ageMs = (secondsOf(time.at) - seconds) * SECOND_MS
  if (ageMs > toleranceMs)
    return { ok: false, reason: 'timestamp_too_old', detail: `signed ${ageMs / SECOND_MS} s before the clock` }
  if (-ageMs > toleranceMs)
    return { ok: false, reason: 'timestamp_in_future', detail: `signed ${-ageMs / SECOND_MS} s ahead of the clock` }
  return null
}

/** Headers and exact body bytes of one attempt at `at`: a `v1` per secret and, outside live mode, the meaningless `v0`. */
export function sealNotification(notification: Notification, keys: SealingKeys, at: Instant): Sealed {
  const body = bytesOf(printBody(notification.body))
  const seconds = secondsOf(at)
  const signatures = keys.secrets.map((secret) => `v1=${hmacSha256(secret, `${seconds}.`, body).toString('hex')}`)
  const fake =
    notification.body['livemode'] === false ? [`v0=${hmacSha256('v0', `${seconds}.`, body).toString('hex')}`] : []
  return {
    headers: {
      'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
      Accept: '*/*; q=0.5, application/xml',
      'Cache-Control': 'no-cache',
      'Content-Type': 'application/json; charset=utf-8',
      'Stripe-Signature': [`t=${seconds}`, ...signatures, ...fake].join(','),
    },
    body,
  }
}

const SECRET_DIGITS = 32

/** `whsec_` and 32 characters from 32 random bytes. */
export function newStripeSecret(random: Uint8Array): string {
  let number = BigInt(`0x${Buffer.from(random).toString('hex') || '0'}`)
  let digits = ''
  // 256 random bits fill 32 digits of base 62 with 65 to spare: no digit is measurably likelier than another.
  for (let i = 0; i < SECRET_DIGITS; i += 1) {
    digits += BASE62.charAt(Number(number % 62n))
    number /= 62n
  }
  return `whsec_${digits}`
}
