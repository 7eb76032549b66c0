import { BillhookError } from '../../model/error.ts'
import { formatInstant, HOUR_MS, parseInstant, SECOND_MS } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { Json, JsonObject } from '../../model/json.ts'
import { bytesOf, textOf } from '../../wire/bytes.ts'
import { ownText } from '../../wire/fields.ts'
import { sha256Hex } from '../../wire/hmac.ts'
import { readJsonText } from '../../wire/json_body.ts'
import { parseToken, signRs256, verifyRs256 } from '../../wire/jwt.ts'
import type { Notification, OpeningKeys, OpeningTime, Read, Sealed, SealingKeys, Verified } from '../dialect.ts'
import { RETRY_WINDOW_MS } from './retry.ts'

/**
 * How far the event's own time may lie beyond what the retry window allows: clocks that differ, and a queue that was
 * held up. No genuine retry comes 73 hours after its event.
 */
const SLACK_MS = 37 * HOUR_MS

/**
 * Judges a token: RS256 and nothing else, a key id that the provider's set has, the signature over the bytes as they
 * came. No issuer is demanded: genuine tokens name none, they are bound to the provider by its key set.
 *
 * @source docs.kinde.com/integrate/webhooks/about-webhooks; a genuine token in the official SDK's tests
 */
export async function verify(sealed: Sealed, keys: OpeningKeys): Promise<Verified> {
  const parsed = parseToken(sealed.body)
  if (!parsed.ok) return parsed
  const { alg, kid, crit } = parsed.token.header
  if (alg !== 'RS256')
    return { ok: false, reason: 'algorithm_refused', detail: `the token names ${nameOf(alg)}; only RS256 is accepted` }
  if (crit !== undefined)
    return { ok: false, reason: 'token_malformed', detail: 'the token demands extensions that are not understood' }
  if (typeof kid !== 'string' || kid === '')
    return { ok: false, reason: 'key_id_missing', detail: 'the token does not name its key' }
  if (keys.publicKey === null)
    return { ok: false, reason: 'secret_missing', detail: 'the source has no key set to look the key up in' }
  const answer = await keys.publicKey(kid)
  if (!answer.ok) return { ok: false, reason: answer.reason, detail: `no key ${JSON.stringify(kid.slice(0, 80))}` }
  if (!verifyRs256(parsed.token, answer.jwk))
    return { ok: false, reason: 'signature_mismatch', detail: 'the key that the token names did not sign these bytes' }
  return { ok: true, secret: null, sentAt: null }
}

/**
 * Reads the claims of a verified token. `exp` and `nbf` are kept to where a token has them. The replay guard looks at the
 * event's own time, because the token has no time of sending: an event older than any retry is refused.
 */
export function read(sealed: Sealed, time: OpeningTime): Read {
  const parsed = parseToken(sealed.body)
  if (!parsed.ok) return parsed
  const text = textOf(parsed.token.payload)
  if (text === null) return { ok: false, reason: 'body_not_utf8', detail: 'the claims are not valid UTF-8' }
  const claims = readJsonText(text)
  if (!claims.ok) return claims
  const notification = notificationOf(claims.body)
  const refused = refusedByTime(claims.body, notification.createdAt, time)
  if (refused !== null) return refused
  // The header `webhook-id` is not signed: a replayed token with a new one must not pass for a new event.
  return { ok: true, notification, dedupe: notification.id ?? sha256Hex(sealed.body) }
}

/**
 * A token as Kinde sends it. The time of sending stands nowhere in it, so a retry has the same bytes.
 *
 * @throws BillhookError `config_invalid` if the endpoint has no signing key
 */
export function seal(notification: Notification, keys: SealingKeys): Sealed {
  if (keys.signingKey === null)
    throw new BillhookError('config_invalid', 'this endpoint’s deliveries are signed with a key pair, and it has none')
  return {
    headers: {
      'content-type': 'application/jwt',
      'webhook-id': notification.id ?? sha256Hex(JSON.stringify(notification.body)).slice(0, 32),
    },
    body: bytesOf(signRs256(notification.body, keys.signingKey)),
  }
}

/** The event's own time: its claim, or the milliseconds that its id begins with; null if neither can be read. */
export function timeOf(claims: JsonObject): Instant | null {
  return (
    parseInstant(claims['timestamp']) ??
    parseInstant(claims['event_timestamp']) ??
    timeOfId(ownText(claims, 'event_id'))
  )
}

function notificationOf(claims: JsonObject): Notification {
  return {
    id: ownText(claims, 'event_id'),
    type: ownText(claims, 'type') ?? '',
    createdAt: timeOf(claims),
    account: null,
    body: claims,
  }
}

/**
 * Refuses by time. With a clock the delivery is judged at that clock. Without one only what holds at every moment at which
 * the delivery can have come, that is from the event to the end of its retries: a token that was expired before its
 * event happened, or that becomes valid long after it.
 */
function refusedByTime(claims: JsonObject, eventAt: Instant | null, time: OpeningTime): Read | null {
  const slackMs = time.toleranceMs ?? SLACK_MS
  const earliest = time.at ?? eventAt
  const latest = time.at ?? (eventAt === null ? null : eventAt + RETRY_WINDOW_MS + slackMs)
  const [exp, nbf] = [claims['exp'] ?? null, claims['nbf'] ?? null]
  if ((exp !== null && typeof exp !== 'number') || (nbf !== null && typeof nbf !== 'number'))
    return { ok: false, reason: 'token_malformed', detail: 'the claim exp or nbf is not a number' }
  if (exp !== null && earliest !== null && earliest >= exp * SECOND_MS)
    return { ok: false, reason: 'token_expired', detail: `the token expired at ${exp} (Unix seconds)` }
  if (nbf !== null && latest !== null && latest < nbf * SECOND_MS)
    return { ok: false, reason: 'token_not_yet_valid', detail: `the token is valid from ${nbf} (Unix seconds)` }
  if (time.at === null || eventAt === null) return null
  if (time.at - eventAt > RETRY_WINDOW_MS + slackMs)
    return {
      ok: false,
      reason: 'event_too_old',
      detail: `the event is of ${formatInstant(eventAt)}: no retry is this late`,
    }
  if (eventAt - time.at > slackMs)
    return {
      ok: false,
      reason: 'timestamp_in_future',
      detail: `the event is of ${formatInstant(eventAt)}: ahead of the clock`,
    }
  return null
}

/** Ids begin with the milliseconds of their making, as twelve hexadecimal digits. */
function timeOfId(id: string | null): Instant | null {
  const match = /^event_([0-9a-f]{12})[0-9a-f]{20}$/.exec(id ?? '')
  return match === null ? null : parseInstant(new Date(Number.parseInt(match[1] ?? '', 16)).toISOString())
}

function nameOf(alg: Json | undefined): string {
  if (typeof alg === 'string') return JSON.stringify(alg.slice(0, 40))
  return alg === undefined ? 'no algorithm' : 'its algorithm by something that is no name'
}
