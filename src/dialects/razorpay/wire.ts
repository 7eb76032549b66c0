import { compareText } from '../../model/compare.ts'
import { instantFromSeconds } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import { isObject } from '../../model/json.ts'
import type { Json, JsonObject } from '../../model/json.ts'
import { DAY_MS, formatInstantShort } from '../../model/instant.ts'
import { bytesOf } from '../../wire/bytes.ts'
import { ownText } from '../../wire/fields.ts'
import { optionalHeader, singleHeader } from '../../wire/headers.ts'
import { equalBytes, hmacSha256, parseHexMac, sha256Hex } from '../../wire/hmac.ts'
import { readJsonBody } from '../../wire/json_body.ts'
import { liveSecrets } from '../dialect.ts'
import type { Notification, OpeningKeys, OpeningTime, Read, Sealed, SealingKeys, Verified } from '../dialect.ts'
import { REPLAY_WINDOW_MS } from './retry.ts'

/** The header of the signature, and that of the event id: the id stands nowhere in the signed body. */
const SIGNATURE_HEADER = 'X-Razorpay-Signature'
const EVENT_ID_HEADER = 'X-Razorpay-Event-Id'

/**
 * The oldest event that a genuine delivery can be of: support replays events for 15 days; a day more for retries of such a
 * replay and for clocks. Beyond it a body is a replay by somebody else: the signature has no time in it.
 */
const OLDEST_MS = REPLAY_WINDOW_MS + DAY_MS

/** Which slashes are written `\/`, as the provider's own server writes them in bodies about invoices. */
export type SlashEscaping = 'invoices' | 'all' | 'none'

/**
 * HMAC-SHA256 of the raw body, the key being the secret's text, as 64 lower-case hexadecimal digits. There is no timestamp:
 * `time` only says which secrets are live. Retries of events made before a secret changed stay signed with the old one.
 *
 * @source seed 004; razorpay.com/docs/webhooks/validate-test
 */
export function verify(sealed: Sealed, keys: OpeningKeys, time: OpeningTime): Verified {
  const secrets = liveSecrets(keys.secrets, time.at)
  if (secrets.length === 0) return { ok: false, reason: 'secret_missing', detail: 'the source has no live secret' }
  const header = singleHeader(sealed.headers, SIGNATURE_HEADER)
  if (!header.ok) return { ok: false, reason: header.reason, detail: `the header ${SIGNATURE_HEADER}` }
  const given = parseHexMac(header.value, false)
  if (given === null) {
    return {
      ok: false,
      reason: 'header_malformed',
      detail: `${SIGNATURE_HEADER} is not 64 lower-case hexadecimal digits`,
    }
  }
  let matched: number | null = null
  for (const secret of secrets) {
    if (equalBytes(hmacSha256(secret.text, sealed.body), given)) matched ??= secret.index
  }
  if (matched === null) {
    return { ok: false, reason: 'signature_mismatch', detail: `no match with ${secrets.length} live secret(s)` }
  }
  return { ok: true, secret: matched, sentAt: null }
}

/**
 * Reads a verified body. Two deliveries are the same if their bytes are: the event id comes in a header that is not signed,
 * so it is shown and decides nothing.
 */
export function read(sealed: Sealed, time: OpeningTime): Read {
  const json = readJsonBody(sealed.body)
  if (!json.ok) return json
  const { body } = json
  const createdAt = createdAtOf(body)
  if (time.at !== null && createdAt !== null && time.at - createdAt > OLDEST_MS) {
    return {
      ok: false,
      reason: 'event_too_old',
      detail: `created at ${formatInstantShort(createdAt)}, more than ${OLDEST_MS / DAY_MS} days ago`,
    }
  }
  const notification: Notification = {
    id: optionalHeader(sealed.headers, EVENT_ID_HEADER),
    type: ownText(body, 'event') ?? '',
    createdAt,
    account: ownText(body, 'account_id'),
    body,
  }
  return { ok: true, notification, dedupe: sha256Hex(sealed.body) }
}

/** When the event was made: beside the payload, or (as one sample is printed) inside it. */
function createdAtOf(body: JsonObject): Instant | null {
  const payload = body['payload']
  return (
    instantFromSeconds(body['created_at']) ?? (isObject(payload) ? instantFromSeconds(payload['created_at']) : null)
  )
}

/** Headers and body of a delivery. Only the first secret signs: this provider sends one signature. */
export function seal(notification: Notification, keys: SealingKeys, slashes: SlashEscaping = 'invoices'): Sealed {
  const escaped = slashes === 'all' || (slashes === 'invoices' && notification.type.startsWith('invoice.'))
  const body = bytesOf(writeBody(notification.body, escaped))
  const [secret] = keys.secrets
  return {
    headers: {
      'Content-Type': 'application/json',
      'User-Agent': 'Razorpay-Webhook/v1',
      ...(secret === undefined ? {} : { [SIGNATURE_HEADER]: hmacSha256(secret, body).toString('hex') }),
      ...(notification.id === null ? {} : { [EVENT_ID_HEADER]: notification.id, 'Request-Id': notification.id }),
    },
    body,
  }
}

/** The body as one line of JSON in the order of its keys, its slashes written `\/` if asked for. */
export function writeBody(body: JsonObject, escapeSlashes: boolean): string {
  const text = JSON.stringify(body)
  return escapeSlashes ? text.replaceAll('/', '\\/') : text
}

/** The same value with the keys of every object in alphabetical order: the other of the two layouts that are seen. */
export function sortKeys(body: JsonObject): JsonObject {
  const members = Object.entries(body).sort(([a], [b]) => compareText(a, b))
  return Object.fromEntries(members.map(([key, value]) => [key, sorted(value)]))
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted)
  return isObject(value) ? sortKeys(value) : value
}
