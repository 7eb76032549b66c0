import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newSecret, read, resourceOf, seal, verify } from '../../../src/dialects/airwallex/shared/wire.ts'
import { RETRY, TOLERANCE_MS } from '../../../src/dialects/airwallex/shared/retry.ts'
import type { Notification, OpeningKeys, OpeningTime, Sealed, Secret } from '../../../src/dialects/dialect.ts'
import { addMs, DAY_MS, instant, requireInstant } from '../../../src/model/instant.ts'
import type { JsonObject } from '../../../src/model/json.ts'
import { bytesOf } from '../../../src/wire/bytes.ts'

interface Vector {
  readonly name: string
  readonly now_ms: number
  readonly tolerance_ms: number
  readonly secret: string
  readonly headers: Record<string, string>
  readonly body_base64: string
  readonly ours: string
}

const { vectors } = JSON.parse(readFileSync('vectors/airwallex.json', 'utf8')) as {
  readonly vectors: readonly Vector[]
}

const SECRET = 'whsec_RBS_GKogxv5PAdFUPABg94kjjLGTEST1'
const at = instant(1_753_141_211_000)
const noClock: OpeningTime = { at: null, toleranceMs: null }
const always = (text: string): Secret => ({ text, from: null, until: null })
const keysOf = (...texts: readonly string[]): OpeningKeys => ({ secrets: texts.map(always), publicKey: null })

function sample(path: string): JsonObject {
  return JSON.parse(readFileSync(`test/fixtures/airwallex/${path}.json`, 'utf8')) as JsonObject
}

function told(body: JsonObject): Notification {
  const result = read({ headers: {}, body: bytesOf(JSON.stringify(body)) })
  if (!result.ok) throw new Error(result.detail)
  return result.notification
}

const notification = told(sample('2025-06-16/events/subscription.active'))
const sealed = seal(notification, { secrets: [SECRET], signingKey: null }, at)

describe('a given request', () => {
  it.each(vectors.map((vector) => [vector.name, vector] as const))('%s gets our verdict', (_name, vector) => {
    const request: Sealed = { headers: vector.headers, body: Buffer.from(vector.body_base64, 'base64') }
    const time: OpeningTime = { at: instant(vector.now_ms), toleranceMs: vector.tolerance_ms }
    const verified = verify(request, keysOf(vector.secret), time)
    const opened = verified.ok ? read(request) : verified
    expect(opened.ok ? 'open' : 'refused').toBe(vector.ours)
  })

  it('is refused for the reason that is true of it', () => {
    const reasons = vectors.map((vector) => {
      const request: Sealed = { headers: vector.headers, body: Buffer.from(vector.body_base64, 'base64') }
      const verified = verify(request, keysOf(vector.secret), {
        at: instant(vector.now_ms),
        toleranceMs: vector.tolerance_ms,
      })
      return [vector.name, verified.ok ? 'open' : verified.reason]
    })
    expect(Object.fromEntries(reasons)).toMatchObject({
      tampered_body: 'signature_mismatch',
      tampered_timestamp: 'signature_mismatch',
      secret_base64_decoded: 'signature_mismatch',
      body_only_signature: 'signature_mismatch',
      base64_signature: 'header_malformed',
      old_timestamp: 'timestamp_too_old',
      future_timestamp: 'timestamp_in_future',
      missing_signature: 'header_missing',
      missing_timestamp: 'header_missing',
    })
  })
})

describe('what we seal', () => {
  it('opens, and is the notification again', () => {
    expect(verify(sealed, keysOf(SECRET), { at, toleranceMs: null })).toEqual({ ok: true, secret: 0, sentAt: at })
    expect(read(sealed)).toEqual({ ok: true, notification, dedupe: notification.id })
  })

  it('is refused when any byte of the body is another', () => {
    fc.assert(
      fc.property(fc.nat(sealed.body.length - 1), fc.integer({ min: 1, max: 255 }), (index, flip) => {
        const body = Uint8Array.from(sealed.body)
        body[index] = (body[index] ?? 0) ^ flip
        expect(verify({ headers: sealed.headers, body }, keysOf(SECRET), noClock)).toMatchObject({
          reason: 'signature_mismatch',
        })
      }),
    )
  })

  it('opens with any live secret, and says which', () => {
    expect(verify(sealed, keysOf('whsec_new', '  ', SECRET), noClock)).toMatchObject({ ok: true, secret: 2 })
    const expired: OpeningKeys = { secrets: [{ text: SECRET, from: null, until: at }], publicKey: null }
    expect(verify(sealed, expired, { at, toleranceMs: null })).toMatchObject({ reason: 'secret_missing' })
    expect(verify(sealed, expired, { at: addMs(at, -1), toleranceMs: null })).toMatchObject({ ok: true })
  })

  it('needs a secret', () => {
    expect(() => seal(notification, { secrets: [' '], signingKey: null }, at)).toThrow('secret')
  })
})

describe('the headers', () => {
  it('count whatever their case, and only once', () => {
    const { 'x-timestamp': timestamp, 'x-signature': signature } = sealed.headers
    const upper = { 'X-TIMESTAMP': timestamp ?? '', 'X-Signature': signature ?? '' }
    expect(verify({ headers: upper, body: sealed.body }, keysOf(SECRET), noClock)).toMatchObject({ ok: true })
    const twice = { ...sealed.headers, 'x-signature': [String(signature)] }
    expect(verify({ headers: twice, body: sealed.body }, keysOf(SECRET), noClock)).toMatchObject({
      reason: 'header_repeated',
    })
  })

  it.each(['', '1753141211', '1753141211000.5', '+1753141211000', '0x1', ' 1753141211000', '1e12'])(
    'with the timestamp %j do not open now',
    (timestamp) => {
      const headers = { ...sealed.headers, 'x-timestamp': timestamp }
      expect(verify({ headers, body: sealed.body }, keysOf(SECRET), { at, toleranceMs: null })).toMatchObject({
        ok: false,
      })
    },
  )

  it('never bring the key: a test event’s own header is not one', () => {
    const forged = seal(notification, { secrets: ['attacker'], signingKey: null }, at)
    const headers = { ...forged.headers, 'client-secret-key': 'attacker' }
    expect(verify({ headers, body: forged.body }, keysOf(SECRET), noClock)).toMatchObject({
      reason: 'signature_mismatch',
    })
  })
})

describe('the age', () => {
  it('may be three days both ways by default, which lets every retry through', () => {
    const judged = (offset: number) => verify(sealed, keysOf(SECRET), { at: addMs(at, offset), toleranceMs: null })
    for (const offset of [0, ...RETRY.offsetsMs]) expect(judged(offset)).toMatchObject({ ok: true })
    expect(judged(TOLERANCE_MS)).toMatchObject({ ok: true })
    expect(judged(TOLERANCE_MS + 1)).toMatchObject({ reason: 'timestamp_too_old' })
    expect(judged(-TOLERANCE_MS - 1)).toMatchObject({ reason: 'timestamp_in_future' })
  })

  it('is judged by a tolerance of zero too', () => {
    const zero = (offset: number) => verify(sealed, keysOf(SECRET), { at: addMs(at, offset), toleranceMs: 0 })
    expect(zero(0)).toMatchObject({ ok: true })
    expect(zero(1)).toMatchObject({ reason: 'timestamp_too_old' })
  })

  it('is not judged without a clock', () => {
    expect(verify(sealed, keysOf(SECRET), noClock)).toMatchObject({ ok: true })
  })
})

describe('the body', () => {
  it('keeps the opaque id, the account or the organisation, and the time', () => {
    expect(told(sample('2025-06-16/variants/billing_checkout.completed.org-level'))).toMatchObject({
      id: '12d9a875-abca-3001-842b-489673cfc685-billing_checkout.completed/acct__ncI2nypPKSq2VXKxscAcg',
      type: 'billing_checkout.completed',
      account: 'org_3fB0tYyTQ0mXk1uZb2cDeA',
      createdAt: requireInstant('2026-07-07T23:40:07Z', 'x'),
    })
  })

  it('is found by its shape', () => {
    expect(resourceOf(sample('2025-04-25/events/invoice.paid'))?.path).toBe('data.object')
    expect(resourceOf(sample('2025-06-16/events/invoice.payment.paid'))?.path).toBe('data')
    expect(resourceOf(sample('2025-06-16/variants/subscription.in_trial.data-object'))?.path).toBe('data.object')
    expect(resourceOf({ data: [] })).toBeNull()
  })

  it('without an id is told apart by its bytes', () => {
    const body = bytesOf('{"name":"invoice.paid"}')
    expect(read({ headers: {}, body })).toMatchObject({ ok: true, notification: { id: null } })
    const result = read({ headers: {}, body })
    expect(result.ok && result.dedupe).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each([
    ['', 'body_empty'],
    ['[]', 'body_not_object'],
    ['{', 'body_not_json'],
  ])('%j is refused as %s', (text, reason) => {
    expect(read({ headers: {}, body: bytesOf(text) })).toMatchObject({ ok: false, reason })
  })
})

it('a new secret has the provider’s form', () => {
  expect(newSecret(new Uint8Array(32).fill(255))).toMatch(/^whsec_[A-Za-z0-9_-]{32}$/)
})

it('retries double from a minute and end within three days', () => {
  expect(RETRY.offsetsMs.slice(0, 3)).toEqual([60_000, 180_000, 420_000])
  expect(RETRY.offsetsMs.at(-1)).toBeGreaterThan(2.5 * DAY_MS)
  expect(RETRY.offsetsMs.at(-1)).toBeLessThan(RETRY.giveUpAfterMs)
})
