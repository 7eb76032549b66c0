import { instantFromSeconds, parseInstant } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { Json } from '../../model/json.ts'
import { ownText } from '../../wire/fields.ts'
import { sha256Hex } from '../../wire/hmac.ts'
import { readJsonBody } from '../../wire/json_body.ts'
import type { Read, Sealed } from '../dialect.ts'

/**
 * Reads a verified body. The event id is signed, so it is what repetitions have in common; a body without one (nobody's
 * event) is told apart by its bytes. Thin events (`v2.core.event`) have the same members, with an ISO time.
 */
export function readEvent(sealed: Sealed): Read {
  const read = readJsonBody(sealed.body)
  if (!read.ok) return read
  const body = read.body
  const id = ownText(body, 'id')
  return {
    ok: true,
    notification: {
      id,
      type: ownText(body, 'type') ?? '',
      createdAt: timeOf(Object.hasOwn(body, 'created') ? body['created'] : null),
      account: ownText(body, 'account') ?? ownText(body, 'context'),
      body,
    },
    dedupe: id ?? sha256Hex(sealed.body),
  }
}

function timeOf(value: Json | undefined): Instant | null {
  return typeof value === 'string' ? parseInstant(value) : instantFromSeconds(value)
}
