import type { Notification, Sealed } from '../dialects/dialect.ts'
import { BillhookError } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import { secondsOf } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { JsonObject } from '../model/json.ts'
import type { StoredEvent } from '../ports/delivery_store.ts'
import { bytesOf } from '../wire/bytes.ts'
import { hmacSha256 } from '../wire/hmac.ts'
import { signingKeyOf } from '../wire/signed_request.ts'
import type { ActiveEndpoint } from './active_endpoints.ts'
import { signingSecrets } from './rotation.ts'
import type { SigningKeys } from './signing_keys.ts'

/** The notification of a stored event. */
export function notificationOf(event: StoredEvent): Notification {
  return {
    id: event.providerId,
    type: event.type,
    createdAt: event.createdAt,
    account: event.providerAccount,
    body: bodyOf(event),
  }
}

function bodyOf(event: StoredEvent): JsonObject {
  // Read from the stored text even in the process that stored it: whoever published the object may have changed it since,
  // and every attempt must send the same bytes.
  const body: unknown = JSON.parse(event.body)
  if (!isObject(body)) throw new BillhookError('internal_invariant', `the stored body of ${event.id} is not an object`)
  return body
}

/** A request for one attempt: its headers as they go out, and the exact bytes. */
export interface SealedRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Names of the headers whose values are kept from logs. */
  readonly hidden: readonly string[]
}

/**
 * Signs an event for an endpoint, as its dialect does at `now`. The body's bytes follow from the event alone: they are the
 * same in every attempt.
 *
 * @param times `now` and `firstAt` are on the account's clock, `firstAt` null for the first attempt. `sentAt` is the time of the
 *   world, which a signature names: receivers compare it with their own, also those of an account on a test clock.
 */
export async function sealFor(
  active: ActiveEndpoint,
  event: StoredEvent,
  keys: SigningKeys,
  times: { readonly now: Instant; readonly firstAt: Instant | null; readonly sentAt: Instant },
): Promise<SealedRequest> {
  const { dialect, policy } = active
  const at = policy.freshSignature ? times.sentAt : (times.firstAt ?? times.now)
  const secrets = signingSecrets(active.secrets, dialect.rotation, event, times.now).map(({ text }) => text)
  const signingKey =
    dialect.rotation.kind === 'key_set' ? await keys.at(event.account, times.firstAt ?? times.now, times.now) : null
  const sealed =
    event.raw === null
      ? dialect.seal(notificationOf(event), { secrets, signingKey }, at)
      : sealRaw(event, event.raw, secrets, at)
  const headers: Record<string, string> = {}
  // Ours first: nothing that an endpoint brings may stand in for what the dialect signs or describes.
  for (const [name, value] of Object.entries(active.headers)) headers[name.toLowerCase()] = value
  for (const [name, value] of Object.entries(sealed.headers))
    headers[name.toLowerCase()] = typeof value === 'string' ? value : value.join(', ')
  headers['user-agent'] ??= 'Billhook'
  headers['accept'] ??= '*/*'
  return { headers, body: sealed.body, hidden: Object.keys(active.headers) }
}

/**
 * Bytes that are forwarded as received, signed again by the scheme of Standard Webhooks: it covers any bytes.
 *
 * @source standardwebhooks.com specification 1.0.0
 */
function sealRaw(event: StoredEvent, raw: Uint8Array, secrets: readonly string[], at: Instant): Sealed {
  const timestamp = String(secondsOf(at))
  const signatures = secrets.flatMap((secret) => {
    const key = signingKeyOf(secret)
    if (key === null) return []
    return [`v1,${hmacSha256(key, bytesOf(`${event.providerId}.${timestamp}.`), raw).toString('base64')}`]
  })
  return {
    headers: {
      'content-type': event.contentType ?? 'application/octet-stream',
      'webhook-id': event.providerId,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatures.join(' '),
    },
    body: raw,
  }
}
