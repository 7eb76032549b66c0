import { instantFromSeconds, MINUTE_MS, parseInstant, secondsOf } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import { bytesOf } from '../../wire/bytes.ts'
import { ownText } from '../../wire/fields.ts'
import { singleHeader } from '../../wire/headers.ts'
import { equalBytes } from '../../wire/hmac.ts'
import { BASE62, deriveId } from '../../wire/ids.ts'
import { readJsonBody } from '../../wire/json_body.ts'
import { signaturesIn, signatureOf, signingKeyOf } from '../../wire/signed_request.ts'
import { liveSecrets } from '../dialect.ts'
import type { Notification, OpeningKeys, OpeningTime, Read, Sealed, SealingKeys, Verified } from '../dialect.ts'

const ID_HEADER = 'webhook-id'
const TIME_HEADER = 'webhook-timestamp'
const SIGNATURE_HEADER = 'webhook-signature'

/** How far the signed time may lie from the clock, both ways, both ends included: what all official libraries take. */
export const TOLERANCE_MS = 5 * MINUTE_MS

/**
 * Standard Webhooks 1.0.0, symmetric: HMAC-SHA256 over `<id>.<timestamp>.<raw body>` with the bytes that the secret's base64
 * stands for, as standard base64 after `v1,`. One of several signatures must match one live secret; other versions
 * (`v1a` is a key pair) are passed over. Stricter than the libraries in one way: the timestamp must be digits and nothing
 * else.
 *
 * @source standardwebhooks.com specification 1.0.0
 */
export function verify(sealed: Sealed, keys: OpeningKeys, time: OpeningTime): Verified {
  const secrets = liveSecrets(keys.secrets, time.at).flatMap(({ index, text }) => {
    const key = signingKeyOf(text)
    return key === null ? [] : [{ index, key }]
  })
  if (secrets.length === 0)
    return { ok: false, reason: 'secret_missing', detail: 'the source has no live secret that is base64' }
  const id = singleHeader(sealed.headers, ID_HEADER)
  if (!id.ok) return { ok: false, reason: id.reason, detail: ID_HEADER }
  const timestamp = singleHeader(sealed.headers, TIME_HEADER)
  if (!timestamp.ok) return { ok: false, reason: timestamp.reason, detail: TIME_HEADER }
  const header = singleHeader(sealed.headers, SIGNATURE_HEADER)
  if (!header.ok) return { ok: false, reason: header.reason, detail: SIGNATURE_HEADER }
  const sentAt = /^\d{1,12}$/.test(timestamp.value) ? instantFromSeconds(Number(timestamp.value)) : null
  if (sentAt === null)
    return { ok: false, reason: 'timestamp_malformed', detail: `${TIME_HEADER} is not a whole number of seconds` }
  const given = signaturesIn(header.value)
  if (given.length === 0) return { ok: false, reason: 'signature_missing', detail: `no v1 in ${SIGNATURE_HEADER}` }

  let matched: number | null = null
  for (const { index, key } of secrets) {
    const expected = bytesOf(signatureOf(key, id.value, timestamp.value, sealed.body))
    // Every pair is compared, whatever matched before: the time taken says nothing about which one did.
    for (const signature of given) if (equalBytes(bytesOf(signature), expected)) matched ??= index
  }
  if (matched === null) {
    return {
      ok: false,
      reason: 'signature_mismatch',
      detail: `none of ${given.length} signature(s) matches one of ${secrets.length} live secret(s)`,
    }
  }
  return judgeAge(sentAt, time) ?? { ok: true, secret: matched, sentAt }
}

function judgeAge(sentAt: Instant, time: OpeningTime): (Verified & { readonly ok: false }) | null {
  if (time.at === null) return null
  const tolerance = time.toleranceMs ?? TOLERANCE_MS
  // The timestamp has whole seconds, so the clock is compared in whole seconds, as the libraries do.
  const age = (secondsOf(time.at) - secondsOf(sentAt)) * 1000
  if (age > tolerance) return { ok: false, reason: 'timestamp_too_old', detail: `sent ${age / 1000} s ago` }
  if (-age > tolerance) return { ok: false, reason: 'timestamp_in_future', detail: `sent ${-age / 1000} s ahead` }
  return null
}

/** Reads a verified body. The id is signed, so the same id is the same event. */
export function read(sealed: Sealed): Read {
  const json = readJsonBody(sealed.body)
  if (!json.ok) return json
  const id = singleHeader(sealed.headers, ID_HEADER)
  if (!id.ok) return { ok: false, reason: id.reason, detail: ID_HEADER }
  const notification: Notification = {
    id: id.value,
    type: ownText(json.body, 'type') ?? '',
    createdAt: parseInstant(json.body['timestamp']),
    account: null,
    body: json.body,
  }
  return { ok: true, notification, dedupe: id.value }
}

/** Headers and body of an attempt made at `at`, with a signature of every secret. */
export function seal(notification: Notification, keys: SealingKeys, at: Instant): Sealed {
  const text = JSON.stringify(notification.body)
  const body = bytesOf(text)
  const id = notification.id ?? `msg_${deriveId(text, BASE62, 24)}`
  const timestamp = String(secondsOf(at))
  const signatures = keys.secrets.flatMap((secret) => {
    const key = signingKeyOf(secret)
    return key === null ? [] : [`v1,${signatureOf(key, id, timestamp, body)}`]
  })
  return {
    headers: {
      'content-type': 'application/json',
      [ID_HEADER]: id,
      [TIME_HEADER]: timestamp,
      ...(signatures.length === 0 ? {} : { [SIGNATURE_HEADER]: signatures.join(' ') }),
    },
    body,
  }
}
