import { describe, expect, test } from 'vitest'
import Razorpay from 'razorpay'
import { open } from '../../../src/dialects/dialect.ts'
import { razorpay, razorpayWith } from '../../../src/dialects/razorpay/index.ts'
import { RETRY } from '../../../src/dialects/razorpay/retry.ts'
import { sortKeys, writeBody } from '../../../src/dialects/razorpay/wire.ts'
import { addMs, DAY_MS, HOUR_MS, instant, requireInstant } from '../../../src/model/instant.ts'
import { keysOf, opened, SECRET, VECTORS, wire, WIRE_NAMES } from './fixtures.ts'

const ANY_TIME = { at: null, toleranceMs: null }
const CREATED = instant(1567690383_000)

function bytesOfVector(vector: (typeof VECTORS)[number]): Buffer {
  return vector.payload_base64 === undefined
    ? Buffer.from(vector.payload ?? '')
    : Buffer.from(vector.payload_base64, 'base64')
}

describe('razorpay signature vectors', () => {
  for (const vector of VECTORS.filter((v) => v.ours !== 'not-applicable')) {
    test(`${vector.id} is ${vector.ours}`, async () => {
      const body = bytesOfVector(vector)
      const headers = vector.signature === null ? {} : { 'X-Razorpay-Signature': vector.signature }
      const answer = await open(razorpay, { headers, body }, keysOf(vector.secret ?? ''), ANY_TIME)
      expect(answer.ok ? 'open' : 'refused').toBe(vector.ours)
    })
  }

  test('the official library judges every text vector as the file says', () => {
    for (const vector of VECTORS) {
      if (vector.throws !== undefined || vector.payload_json !== undefined || vector.signature === null) continue
      const body = bytesOfVector(vector)
      const verdict = Razorpay.validateWebhookSignature(body as never, vector.signature, vector.secret ?? '')
      expect(verdict, vector.id).toBe(vector.valid)
    }
  })
})

describe('razorpay seal', () => {
  for (const name of WIRE_NAMES) {
    test(`the printed body of ${name} comes out byte for byte, and the official library accepts it`, async () => {
      const notification = await opened(name)
      const sealed = razorpayWith('none').seal(notification, { secrets: [SECRET], signingKey: null }, CREATED)
      expect(Buffer.from(sealed.body).equals(wire(name))).toBe(true)
      const text = Buffer.from(sealed.body).toString()
      expect(Razorpay.validateWebhookSignature(text, String(sealed.headers['X-Razorpay-Signature']), SECRET)).toBe(true)
    })
  }

  test('bodies about invoices are written with escaped slashes, others are not', async () => {
    const invoice = razorpay.seal(await opened('invoice.paid'), { secrets: [SECRET], signingKey: null }, CREATED)
    expect(Buffer.from(invoice.body).toString()).toContain('https: \\/\\/rzp.io\\/i\\/')
    const again = await open(razorpay, invoice, keysOf(SECRET), ANY_TIME)
    expect(again.ok && again.notification).toEqual(await opened('invoice.paid'))
    const slashed = { ...(await opened('subscription.updated')), body: { url: 'https://a.example/b' } }
    const plain = razorpay.seal(slashed, { secrets: [SECRET], signingKey: null }, CREATED)
    expect(Buffer.from(plain.body).toString()).toBe('{"url":"https://a.example/b"}')
    const all = razorpayWith('all').seal(slashed, { secrets: [SECRET], signingKey: null }, CREATED)
    expect(Buffer.from(all.body).toString()).toBe('{"url":"https:\\/\\/a.example\\/b"}')
  })

  test('the sorted layout is that of the printed payment bodies', async () => {
    const { body } = await opened('payment.captured')
    const shuffled = Object.fromEntries(Object.entries(body).reverse())
    expect(writeBody(sortKeys(shuffled), false)).toBe(wire('payment.captured').toString())
  })

  test('only the first secret signs, and none means no signature', async () => {
    const notification = await opened('subscription.charged')
    const sealed = razorpay.seal(notification, { secrets: ['new', 'old'], signingKey: null }, CREATED)
    expect(await open(razorpay, sealed, keysOf('old'), ANY_TIME)).toMatchObject({ reason: 'signature_mismatch' })
    expect(await open(razorpay, sealed, keysOf('old', 'new'), ANY_TIME)).toMatchObject({ ok: true, secret: 1 })
    const bare = razorpay.seal(notification, { secrets: [], signingKey: null }, CREATED)
    expect(Object.keys(bare.headers)).not.toContain('X-Razorpay-Signature')
  })
})

describe('razorpay open', () => {
  test('the unsigned event id is shown and decides nothing', async () => {
    const notification = await opened('subscription.charged')
    const sealed = razorpay.seal(notification, { secrets: [SECRET], signingKey: null }, CREATED)
    const other = { ...sealed, headers: { ...sealed.headers, 'X-Razorpay-Event-Id': 'forged00000000' } }
    const [a, b] = [
      await open(razorpay, sealed, keysOf(SECRET), ANY_TIME),
      await open(razorpay, other, keysOf(SECRET), ANY_TIME),
    ]
    if (!a.ok || !b.ok) throw new Error('refused')
    expect(b.notification.id).toBe('forged00000000')
    expect(b.dedupe).toBe(a.dedupe)
    expect(razorpay.decode(b.notification)).toEqual(razorpay.decode(a.notification))
  })

  test('a signature header that came twice or as a list is refused', async () => {
    const sealed = razorpay.seal(await opened('subscription.charged'), { secrets: [SECRET], signingKey: null }, CREATED)
    const signature = String(sealed.headers['X-Razorpay-Signature'])
    const headers = { 'x-razorpay-signature': [signature] }
    const answer = await open(razorpay, { ...sealed, headers }, keysOf(SECRET), ANY_TIME)
    expect(answer).toMatchObject({ ok: false, reason: 'header_repeated' })
  })

  test('a retry signed with the old secret opens while that secret is live, and not after', async () => {
    const sealed = razorpay.seal(await opened('subscription.charged'), { secrets: ['old'], signingKey: null }, CREATED)
    const changed = addMs(CREATED, HOUR_MS)
    const keys = {
      secrets: [
        { text: 'new', from: changed, until: null },
        { text: 'old', from: null, until: addMs(changed, DAY_MS) },
      ],
      publicKey: null,
    }
    const at = (ms: number) => open(razorpay, sealed, keys, { at: addMs(CREATED, ms), toleranceMs: null })
    expect(await at(23 * HOUR_MS)).toMatchObject({ ok: true, secret: 1 })
    expect(await at(26 * HOUR_MS)).toMatchObject({ ok: false, reason: 'signature_mismatch' })
  })

  test('a replay by support after fifteen days opens, one after years does not, and without a clock nothing is too old', async () => {
    const sealed = razorpay.seal(await opened('subscription.charged'), { secrets: [SECRET], signingKey: null }, CREATED)
    const at = (time: number) => open(razorpay, sealed, keysOf(SECRET), { at: instant(time), toleranceMs: null })
    expect(await at(CREATED + 15 * DAY_MS)).toMatchObject({ ok: true })
    expect(await at(CREATED + 16 * DAY_MS)).toMatchObject({ ok: true })
    expect(await at(CREATED + 16 * DAY_MS + 1)).toMatchObject({ ok: false, reason: 'event_too_old' })
    expect(await at(requireInstant('2026-01-01T00:00:00Z', 'test'))).toMatchObject({ reason: 'event_too_old' })
    expect(await open(razorpay, sealed, keysOf(SECRET), ANY_TIME)).toMatchObject({ ok: true })
  })
})

test('razorpay repeats sixteen times in all, the last within a day', () => {
  expect(RETRY.offsetsMs).toHaveLength(15)
  expect(RETRY.offsetsMs.slice(0, 3)).toEqual([230, 5_230, 15_230])
  expect(RETRY.offsetsMs.at(-1)! / HOUR_MS).toBeCloseTo(22.75, 1)
  expect(RETRY.offsetsMs.at(-1)).toBeLessThan(RETRY.giveUpAfterMs)
})

test('a new secret has the random bytes in it', () => {
  const made = razorpay.newSecret(new Uint8Array(32).fill(7))
  expect(made).toMatch(/^rzp_whk_[\w-]{43}$/)
  expect(razorpay.newSecret(new Uint8Array(32).fill(8))).not.toBe(made)
})
