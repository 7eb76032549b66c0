import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printBody } from '../../../src/dialects/stripe/layout.ts'
import { readEvent } from '../../../src/dialects/stripe/read.ts'
import { stripeCurrentRetry, stripeRetryPolicies, stripeSeedRetry } from '../../../src/dialects/stripe/retry.ts'
import {
  newStripeSecret,
  sealNotification,
  STRIPE_ROTATION,
  verifySignature,
} from '../../../src/dialects/stripe/signature.ts'
import type { Sealed } from '../../../src/dialects/dialect.ts'
import { HOUR_MS, instant } from '../../../src/model/instant.ts'
import type { JsonObject } from '../../../src/model/json.ts'
import type { Headers } from '../../../src/wire/headers.ts'
import { fixture, keys, NO_TIME, notificationOf, samples, seconds, thinSamples } from './support.ts'

interface Vector {
  readonly id: string
  readonly secret: string
  readonly payload?: string
  readonly payload_base64?: string
  readonly payload_json?: unknown
  readonly header: string | readonly string[] | null
  readonly received_at_ms: number
  readonly tolerance?: number
  readonly ours: 'open' | 'refused' | 'either'
}

const { vectors } = fixture('../../../vectors/stripe.json') as { vectors: readonly Vector[] }

function bodyOf(vector: Vector): Uint8Array {
  if (vector.payload_base64 !== undefined) return Buffer.from(vector.payload_base64, 'base64')
  if (vector.payload_json !== undefined) return vector.payload_json as Uint8Array
  return Buffer.from(vector.payload ?? '')
}

describe('stripe signature vectors', () => {
  for (const vector of vectors) {
    if (vector.ours === 'either') continue
    it(`judges ${vector.id} as ${vector.ours}`, async () => {
      const { open } = await import('../../../src/dialects/dialect.ts')
      const headers: Headers = vector.header === null ? {} : { 'stripe-signature': vector.header }
      const opened = await open(
        { verify: verifySignature, read: readEvent } as never,
        { headers, body: bodyOf(vector) },
        keys(vector.secret),
        { at: instant(vector.received_at_ms), toleranceMs: (vector.tolerance ?? 300) * 1000 },
      )
      expect(opened.ok ? 'open' : 'refused').toBe(vector.ours)
    })
  }

  it('has a vector for every verdict', () => {
    expect(vectors.filter((vector) => vector.ours === 'open').length).toBeGreaterThan(8)
    expect(vectors.filter((vector) => vector.ours === 'refused').length).toBeGreaterThan(15)
  })
})

function judgeAt(sealed: Sealed, at: number): string {
  const verdict = verifySignature(sealed, keys('whsec_new'), { at: seconds(at), toleranceMs: null })
  return verdict.ok ? 'open' : verdict.reason
}

describe('stripe signature', () => {
  const body = Buffer.from('{"id":"evt_1","object":"event","type":"invoice.paid","livemode":true}')
  const sealed = sealNotification(
    notificationOf(body),
    { secrets: ['whsec_new', 'whsec_old'], signingKey: null },
    seconds(1_768_467_601),
  )

  it('says which of several live secrets matched', () => {
    const verdict = verifySignature(sealed, keys('whsec_other', 'whsec_old'), NO_TIME)
    expect(verdict).toEqual({ ok: true, secret: 1, sentAt: seconds(1_768_467_601) })
  })

  it('ignores a secret whose time is over', () => {
    const over = { text: 'whsec_old', from: null, until: seconds(1_768_467_600) }
    const time = { at: seconds(1_768_467_601), toleranceMs: null }
    const verdict = verifySignature(sealed, { secrets: [over], publicKey: null }, time)
    expect(verdict).toMatchObject({ ok: false, reason: 'secret_missing' })
  })

  it.each([
    ['a time without digits', 't=abc,v1=00', 'timestamp_malformed'],
    ['a time that is no number', 't=1e9,v1=00', 'timestamp_malformed'],
    ['a time beyond all calendars', 't=9999999999999999,v1=00', 'timestamp_malformed'],
    ['no time', 'v1=00', 'header_malformed'],
    ['no signature', 't=1768467601', 'signature_missing'],
    ['an empty signature', 't=1768467601,v1=', 'signature_mismatch'],
    ['blanks after the comma', 't=1768467601, v1=00', 'signature_missing'],
    ['a flood of signatures', `t=1${',v1=00'.repeat(40)}`, 'header_malformed'],
  ])('refuses %s', (_name, header, reason) => {
    const verdict = verifySignature({ headers: { 'Stripe-Signature': header }, body }, keys('whsec_new'), NO_TIME)
    expect(verdict).toMatchObject({ ok: false, reason })
  })

  it('refuses a time from the future as well as one from the past, and a second either way decides', () => {
    expect([1_768_467_901, 1_768_467_902, 1_768_467_301, 1_768_467_300].map((at) => judgeAt(sealed, at))).toEqual([
      'open',
      'timestamp_too_old',
      'open',
      'timestamp_in_future',
    ])
  })

  it('opens what it sealed, and refuses it with any byte changed', () => {
    fc.assert(
      fc.property(fc.nat(sealed.body.length - 1), fc.integer({ min: 1, max: 255 }), (index, mask) => {
        const changed = Uint8Array.from(sealed.body)
        changed[index] = (changed[index] ?? 0) ^ mask
        return (
          verifySignature(sealed, keys('whsec_old'), NO_TIME).ok &&
          !verifySignature({ ...sealed, body: changed }, keys('whsec_old'), NO_TIME).ok
        )
      }),
    )
  })

  it('sends the headers that were captured, with one v1 per secret and a v0 only outside live mode', () => {
    expect(sealed.headers).toMatchObject({
      'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
      Accept: '*/*; q=0.5, application/xml',
      'Cache-Control': 'no-cache',
      'Content-Type': 'application/json; charset=utf-8',
    })
    expect(sealed.headers['Stripe-Signature']).toMatch(/^t=1768467601,v1=[0-9a-f]{64},v1=[0-9a-f]{64}$/)
    const test = notificationOf(Buffer.from('{"id":"evt_1","livemode":false}'))
    const header = sealNotification(test, { secrets: ['whsec_x'], signingKey: null }, seconds(1)).headers[
      'Stripe-Signature'
    ]
    expect(header).toMatch(/^t=1,v1=[0-9a-f]{64},v0=[0-9a-f]{64}$/)
  })

  it('makes secrets in the form of the provider, others from other bytes', () => {
    const secret = newStripeSecret(new Uint8Array(32).fill(7))
    expect(secret).toMatch(/^whsec_[0-9A-Za-z]{32}$/)
    expect(newStripeSecret(new Uint8Array(32).fill(8))).not.toBe(secret)
  })
})

describe('stripe body layout', () => {
  for (const generation of ['modern', 'classic'] as const) {
    it(`prints every ${generation} sample again byte by byte`, () => {
      for (const [name, body] of samples(generation)) {
        expect(printBody(notificationOf(body).body), name).toBe(Buffer.from(body).toString('utf8'))
      }
    })
  }

  it('sorts members by place whatever order they come in', () => {
    const body: JsonObject = { type: 'x', b: [], object: 'event', a: {}, id: 'evt_1' }
    expect(printBody(body)).toBe(
      '{\n  "id": "evt_1",\n  "object": "event",\n  "a": {\n  },\n  "b": [\n  ],\n  "type": "x"\n}',
    )
  })

  it('prints nothing that reads back as something else', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (body) => {
        const value = JSON.parse(JSON.stringify(body)) as JsonObject
        expect(JSON.parse(printBody(value))).toEqual(value)
      }),
    )
  })
})

describe('stripe reading', () => {
  it('reads id, type, time and account, and dedupes by the event id', () => {
    const body = Buffer.from('{"id":"evt_1","account":"acct_1","created":1768467601,"type":"invoice.paid"}')
    expect(readEvent({ headers: {}, body })).toMatchObject({
      ok: true,
      dedupe: 'evt_1',
      notification: { id: 'evt_1', type: 'invoice.paid', createdAt: seconds(1_768_467_601), account: 'acct_1' },
    })
  })

  it('takes an event without an id by its bytes', () => {
    const read = readEvent({ headers: {}, body: Buffer.from('{"type":"invoice.upcoming"}') })
    expect(read).toMatchObject({ ok: true, notification: { id: null, createdAt: null } })
    expect(read.ok && read.dedupe).toMatch(/^[0-9a-f]{64}$/)
  })

  it('reads thin events, whose time is a text', () => {
    for (const body of thinSamples()) {
      expect(notificationOf(body).createdAt).toBe(Date.parse('2026-02-15T10:00:24.000Z'))
    }
  })
})

describe('stripe retry policies', () => {
  it('has the seed’s 72 hourly attempts and today’s three days', () => {
    expect(stripeSeedRetry.offsetsMs).toHaveLength(72)
    expect(stripeSeedRetry.offsetsMs.at(0)).toBe(HOUR_MS)
    expect(stripeSeedRetry.offsetsMs.at(-1)).toBe(72 * HOUR_MS)
    expect(stripeCurrentRetry.offsetsMs.at(-1)).toBe(72 * HOUR_MS)
    expect(STRIPE_ROTATION).toEqual({ kind: 'sign_with_all', overlapMs: 24 * HOUR_MS })
  })

  it('lists rising times within what it gives up after', () => {
    for (const { offsetsMs, giveUpAfterMs } of stripeRetryPolicies) {
      expect([...offsetsMs].sort((a, b) => a - b)).toEqual(offsetsMs)
      expect(offsetsMs.at(-1)).toBeLessThanOrEqual(giveUpAfterMs)
    }
  })
})
