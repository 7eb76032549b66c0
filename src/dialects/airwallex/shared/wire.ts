import { BillhookError } from '../../../model/error.ts'
import { formatInstant, instant, parseInstant } from '../../../model/instant.ts'
import type { Instant } from '../../../model/instant.ts'
import { isObject } from '../../../model/json.ts'
import type { JsonObject } from '../../../model/json.ts'
import { bytesOf } from '../../../wire/bytes.ts'
import { ownText } from '../../../wire/fields.ts'
import { singleHeader } from '../../../wire/headers.ts'
import { equalBytes, hmacSha256, parseHexMac, sha256Hex } from '../../../wire/hmac.ts'
import { readJsonBody } from '../../../wire/json_body.ts'
import { liveSecrets } from '../../dialect.ts'
import type { Notification, OpeningKeys, OpeningTime, Read, Sealed, SealingKeys, Verified } from '../../dialect.ts'
import { TOLERANCE_MS } from './retry.ts'

/** Header with the time of sending in Unix milliseconds: the first part of what is signed. */
const TIMESTAMP_HEADER = 'x-timestamp'

/** Header with the MAC in hexadecimal. */
const SIGNATURE_HEADER = 'x-signature'

/**
 * Judges `x-signature`: HMAC-SHA256 over the text of `x-timestamp` and the raw body, keyed with the endpoint's secret as
 * it is written, `whsec_` included. A key that the request itself brings (the web application's test events do) is not
 * looked at. Either case of the hexadecimal digits is taken: the bytes are compared.
 *
 * @source airwallex.com/docs/developer-tools/webhooks/listen-for-webhook-events; the official WooCommerce plugin
 */
export function verify(sealed: Sealed, keys: OpeningKeys, time: OpeningTime): Verified {
  const timestamp = singleHeader(sealed.headers, TIMESTAMP_HEADER)
  if (!timestamp.ok) return { ok: false, reason: timestamp.reason, detail: `the header ${TIMESTAMP_HEADER}` }
  const signature = singleHeader(sealed.headers, SIGNATURE_HEADER)
  if (!signature.ok) return { ok: false, reason: signature.reason, detail: `the header ${SIGNATURE_HEADER}` }
  const sentAt = sendTime(timestamp.value)
  if (sentAt === null)
    return { ok: false, reason: 'timestamp_malformed', detail: `${TIMESTAMP_HEADER} is not Unix milliseconds` }
  const mac = parseHexMac(signature.value, true)
  if (mac === null)
    return { ok: false, reason: 'header_malformed', detail: `${SIGNATURE_HEADER} is not 64 hexadecimal digits` }
  const secrets = liveSecrets(keys.secrets, time.at)
  if (secrets.length === 0) return { ok: false, reason: 'secret_missing', detail: 'the source has no live secret' }
  const match = secrets.find(({ text }) => equalBytes(mac, hmacSha256(text, timestamp.value, sealed.body)))
  if (match === undefined)
    return { ok: false, reason: 'signature_mismatch', detail: `none of ${secrets.length} live secrets matches` }
  return refusedByAge(sentAt, time) ?? { ok: true, secret: match.index, sentAt }
}

/** Reads a verified body. The id is opaque text: version 3 and 4 UUIDs were seen, also with the event's name behind them. */
export function read(sealed: Sealed): Read {
  const json = readJsonBody(sealed.body)
  if (!json.ok) return json
  const { body } = json
  const id = ownText(body, 'id')
  return {
    ok: true,
    notification: {
      id,
      type: ownText(body, 'name') ?? '',
      createdAt: parseInstant(body['created_at']),
      account: ownText(body, 'account_id') ?? ownText(body, 'org_id'),
      body,
    },
    dedupe: id ?? sha256Hex(sealed.body),
  }
}

/**
 * The request as Airwallex sends it: compact JSON, signed with the endpoint's current secret.
 *
 * @throws BillhookError `config_invalid` if the endpoint has no secret
 */
export function seal(notification: Notification, keys: SealingKeys, at: Instant): Sealed {
  const [secret] = keys.secrets
  if (secret === undefined || secret.trim() === '')
    throw new BillhookError('config_invalid', 'this endpoint’s deliveries are signed with a secret, and it has none')
  const body = bytesOf(JSON.stringify(notification.body))
  const timestamp = String(at)
  return {
    headers: {
      'content-type': 'application/json',
      [TIMESTAMP_HEADER]: timestamp,
      [SIGNATURE_HEADER]: hmacSha256(secret, timestamp, body).toString('hex'),
    },
    body,
  }
}

/** A secret in the provider's form: `whsec_` and 32 characters of base64url. */
export function newSecret(random: Uint8Array): string {
  return `whsec_${Buffer.from(random.subarray(0, 24)).toString('base64url')}`
}

/**
 * Where the resource stands in a body: in `data.object` up to 2025-04-25, in `data` itself from 2025-06-16. The shape
 * decides, because each was seen under the other's event names.
 */
export function resourceOf(
  body: JsonObject,
): { readonly path: 'data' | 'data.object'; readonly resource: JsonObject } | null {
  const data = body['data']
  if (!isObject(data)) return null
  const inner = data['object']
  // Without an id on either, an object inside is the resource anyway: none of ours has a field of that name.
  if (isObject(inner) && (typeof inner['id'] === 'string' || typeof data['id'] !== 'string'))
    return { path: 'data.object', resource: inner }
  return { path: 'data', resource: data }
}

function refusedByAge(sentAt: Instant, time: OpeningTime): Verified | null {
  if (time.at === null) return null
  const toleranceMs = time.toleranceMs ?? TOLERANCE_MS
  const detail = `sent at ${formatInstant(sentAt)}, and the tolerance is ${toleranceMs} ms`
  if (time.at - sentAt > toleranceMs) return { ok: false, reason: 'timestamp_too_old', detail }
  if (sentAt - time.at > toleranceMs) return { ok: false, reason: 'timestamp_in_future', detail }
  return null
}

/** Unix milliseconds up to the year 5138, written in decimal digits alone. */
function sendTime(text: string): Instant | null {
  return /^\d{1,14}$/.test(text) ? instant(Number(text)) : null
}
