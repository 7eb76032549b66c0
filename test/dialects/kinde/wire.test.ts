import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Notification, OpeningKeys, OpeningTime, Sealed } from '../../../src/dialects/dialect.ts'
import { RETRY, RETRY_WINDOW_MS } from '../../../src/dialects/kinde/retry.ts'
import { read, seal, verify } from '../../../src/dialects/kinde/wire.ts'
import { HOUR_MS, instant, requireInstant } from '../../../src/model/instant.ts'
import { bytesOf } from '../../../src/wire/bytes.ts'
import { parseToken } from '../../../src/wire/jwt.ts'

interface Vectors {
  readonly jwks: { readonly keys: readonly { readonly kid: string }[] }
  readonly private_key_pkcs8_pem_TEST_ONLY: string
  readonly attacker_private_key_pkcs8_pem_TEST_ONLY: string
  readonly vectors: readonly { readonly name: string; readonly token: string; readonly ours: string }[]
}

const vectors = JSON.parse(readFileSync('vectors/kinde.json', 'utf8')) as Vectors
const privateKeyPem = vectors.private_key_pkcs8_pem_TEST_ONLY
const signingKey = { keyId: vectors.jwks.keys[0]?.kid ?? '', privateKeyPem }
const eventAt = requireInstant('2026-08-06T12:53:57.120Z', 'event')
const noClock: OpeningTime = { at: null, toleranceMs: null }
const clock = (offsetMs: number): OpeningTime => ({ at: instant(eventAt + offsetMs), toleranceMs: null })

const keys: OpeningKeys = {
  secrets: [],
  publicKey: async (kid) => {
    const jwk = vectors.jwks.keys.find((key) => key.kid === kid)
    return jwk === undefined ? { ok: false, reason: 'key_unknown' } : { ok: true, jwk: { ...jwk } }
  },
}

async function opens(sealed: Sealed, time: OpeningTime) {
  const verified = await verify(sealed, keys)
  return verified.ok ? read(sealed, time) : verified
}

const sealedOf = (token: string): Sealed => ({
  headers: { 'content-type': 'application/jwt', 'webhook-id': 'x' },
  body: bytesOf(token),
})

function notification(claims: Record<string, unknown> = {}): Notification {
  const body = {
    data: { agreement_id: 'agreement_1', customer_id: 'customer_1' },
    event_id: 'event_019fd7233700f7fef284b95fe6770384',
    source: 'user',
    timestamp: '2026-08-06T12:53:57.120Z',
    type: 'customer.plan_assigned',
    ...claims,
  }
  return { id: body.event_id, type: body.type, createdAt: eventAt, account: null, body }
}

const sealed = (claims: Record<string, unknown> = {}) => seal(notification(claims), { secrets: [], signingKey })

describe('a given token', () => {
  it.each(vectors.vectors.map((vector) => [vector.name, vector] as const))(
    '%s gets our verdict',
    async (_name, vector) => {
      for (const time of [noClock, clock(0), clock(RETRY_WINDOW_MS)]) {
        const opened = await opens(sealedOf(vector.token), time)
        expect(opened.ok ? 'open' : 'refused').toBe(vector.ours)
      }
    },
  )

  it('is refused for the reason that is true of it', async () => {
    const reasons = await Promise.all(
      vectors.vectors.map(async (vector) => {
        const opened = await opens(sealedOf(vector.token), clock(0))
        return [vector.name, opened.ok ? 'open' : opened.reason]
      }),
    )
    expect(Object.fromEntries(reasons)).toMatchObject({
      wrong_key_same_kid: 'signature_mismatch',
      missing_kid: 'key_id_missing',
      alg_none: 'algorithm_refused',
      hs256_with_public_key_pem: 'algorithm_refused',
      rs256_signature_header_says_hs256: 'algorithm_refused',
      expired: 'token_expired',
      not_yet_valid: 'token_not_yet_valid',
      tampered_payload: 'signature_mismatch',
      payload_not_object: 'body_not_object',
      two_parts: 'token_malformed',
      empty: 'body_empty',
      json_quoted: 'token_malformed',
      kid_with_question_mark: 'key_unknown',
    })
  })

  it('is let through with the newline that some servers add', async () => {
    const { token } = vectors.vectors.find((vector) => vector.name === 'valid') ?? { token: '' }
    expect(await opens(sealedOf(`${token}\n`), clock(0))).toMatchObject({ ok: true })
  })
})

describe('what we seal', () => {
  it('opens, and is the notification again', async () => {
    const made = notification()
    const opened = await opens(seal(made, { secrets: [], signingKey }), clock(0))
    expect(opened).toEqual({ ok: true, notification: made, dedupe: made.id })
  })

  it('has the content type, an id that stays the same, sorted claims, and the same bytes each time', () => {
    const first = sealed()
    expect(first.headers).toEqual({
      'content-type': 'application/jwt',
      'webhook-id': 'event_019fd7233700f7fef284b95fe6770384',
    })
    expect(sealed()).toEqual(first)
    const parsed = parseToken(first.body)
    if (!parsed.ok) throw new Error('expected a token')
    expect(Object.keys(parsed.token.header)).toEqual(['alg', 'kid', 'typ'])
    expect(Buffer.from(parsed.token.payload).toString()).toMatch(/^\{"data":\{"agreement_id":.*"type":"[^"]*"\}$/)
  })

  it('is refused when any byte is another', async () => {
    const { body, headers } = sealed()
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Uint8Array.from(body)
        changed[at] = (changed[at] ?? 0) ^ flip
        expect(await opens({ headers, body: changed }, noClock)).toMatchObject({ ok: false })
      }),
    )
  })

  it('needs a signing key', () => {
    expect(() => seal(notification(), { secrets: ['x'], signingKey: null })).toThrow('key pair')
  })
})

describe('a token by the right key', () => {
  it('is refused if it demands an extension', async () => {
    const header = Buffer.from(
      JSON.stringify({ alg: 'RS256', kid: signingKey.keyId, typ: 'JWT', crit: ['x'], x: 1 }),
    ).toString('base64url')
    expect(await verify(sealedOf(`${header}.e30.e30`), keys)).toMatchObject({ ok: false, reason: 'token_malformed' })
  })

  it('cannot be judged without a key set', async () => {
    const judged = await verify(sealed(), { secrets: [], publicKey: null })
    expect(judged).toMatchObject({ ok: false, reason: 'secret_missing' })
  })

  it('asks to be sent again while the key set cannot be had', async () => {
    const judged = await verify(sealed(), {
      secrets: [],
      publicKey: async () => ({ ok: false, reason: 'keys_unavailable' }),
    })
    expect(judged).toMatchObject({ ok: false, reason: 'keys_unavailable' })
  })

  it('needs no issuer and no expiry, and keeps to an expiry that is there', async () => {
    expect(await opens(sealed(), clock(0))).toMatchObject({ ok: true })
    const exp = Math.floor(eventAt / 1000) + 60
    expect(await opens(sealed({ exp }), clock(0))).toMatchObject({ ok: true })
    expect(await opens(sealed({ exp }), noClock)).toMatchObject({ ok: true })
    expect(await opens(sealed({ exp }), clock(61_000))).toMatchObject({ ok: false, reason: 'token_expired' })
    expect(await opens(sealed({ exp: 'soon' }), clock(0))).toMatchObject({ ok: false, reason: 'token_malformed' })
    expect(await opens(sealed({ nbf: 1e300 }), clock(0))).toMatchObject({ ok: false, reason: 'token_not_yet_valid' })
  })

  it('signed by somebody else under the same key id is refused', async () => {
    const forged = { keyId: signingKey.keyId, privateKeyPem: vectors.attacker_private_key_pkcs8_pem_TEST_ONLY }
    expect(await verify(seal(notification(), { secrets: [], signingKey: forged }), keys)).toMatchObject({
      ok: false,
      reason: 'signature_mismatch',
    })
  })
})

describe('the replay guard', () => {
  it('lets every attempt of the schedule through, an hour late or early', async () => {
    for (const offset of [0, ...RETRY.offsetsMs]) {
      for (const late of [-HOUR_MS, 0, HOUR_MS]) {
        expect(await opens(sealed(), clock(offset + late))).toMatchObject({ ok: true })
      }
    }
  })

  it('refuses an event that is older than any retry, or far ahead of the clock', async () => {
    expect(await opens(sealed(), clock(73 * HOUR_MS + 1))).toMatchObject({ ok: false, reason: 'event_too_old' })
    expect(await opens(sealed(), clock(73 * HOUR_MS))).toMatchObject({ ok: true })
    expect(await opens(sealed(), clock(-37 * HOUR_MS - 1))).toMatchObject({ ok: false, reason: 'timestamp_in_future' })
  })

  it('can be set by a tolerance, but never below the retry window', async () => {
    const at = (offset: number) => ({ ...clock(offset), toleranceMs: 1000 })
    expect(await opens(sealed(), at(RETRY_WINDOW_MS + 1000))).toMatchObject({ ok: true })
    expect(await opens(sealed(), at(RETRY_WINDOW_MS + 1001))).toMatchObject({ ok: false, reason: 'event_too_old' })
  })

  it('is off without a clock', async () => {
    expect(await opens(sealed({ timestamp: '2001-01-01T00:00:00Z' }), noClock)).toMatchObject({ ok: true })
  })
})

describe('the identity of an event', () => {
  it('is the signed id, and the unsigned header changes nothing', async () => {
    const one = sealed()
    const again = { headers: { ...one.headers, 'webhook-id': 'fresh' }, body: one.body }
    const read1 = await opens(one, noClock)
    const read2 = await opens(again, noClock)
    expect(read1.ok && read2.ok && read1.dedupe === read2.dedupe).toBe(true)
  })

  it('is a hash of the bytes where there is no id', async () => {
    const opened = await opens(sealed({ event_id: undefined }), noClock)
    expect(opened).toMatchObject({ ok: true, notification: { id: null } })
    expect(opened.ok && opened.dedupe).toMatch(/^[0-9a-f]{64}$/)
  })

  it('gives the time where the claim is missing', async () => {
    const opened = await opens(sealed({ timestamp: undefined }), noClock)
    expect(opened.ok && opened.notification.createdAt).toBe(eventAt)
  })

  it('reads microseconds and a numeric offset, as the only genuine public token has them', async () => {
    const opened = await opens(sealed({ timestamp: '2024-05-01T17:41:45.592145+10:00' }), noClock)
    expect(opened.ok && opened.notification.createdAt).toBe(requireInstant('2024-05-01T07:41:45.592Z', 'x'))
  })
})
