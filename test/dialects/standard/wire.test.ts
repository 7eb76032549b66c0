import { readFileSync } from 'node:fs'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { open } from '../../../src/dialects/dialect.ts'
import type { Headers } from '../../../src/wire/headers.ts'
import { standard } from '../../../src/dialects/standard/index.ts'
import { RETRY } from '../../../src/dialects/standard/retry.ts'
import { addMs, HOUR_MS, instant, MINUTE_MS, SECOND_MS } from '../../../src/model/instant.ts'
import { bytesOf } from '../../../src/wire/bytes.ts'

interface Vector {
  readonly name: string
  readonly secret: string
  readonly now: number
  readonly headers: Record<string, string>
  readonly body_base64: string
  readonly expect: 'accept' | 'reject'
  readonly ours: 'open' | 'refused'
}

const FILE = JSON.parse(readFileSync(new URL('../../../vectors/standard.json', import.meta.url), 'utf8'))
const VECTORS: readonly Vector[] = FILE.vectors
const [OFFICIAL] = VECTORS

const SECRET = OFFICIAL!.secret
const SENT = instant(1614265330_000)

const keysOf = (...texts: readonly string[]) => ({
  secrets: texts.map((text) => ({ text, from: null, until: null })),
  publicKey: null,
})

function openSample(headers: Headers, at: number | null = SENT, toleranceMs: number | null = null) {
  const body = Buffer.from(OFFICIAL!.body_base64, 'base64')
  return open(standard, { headers, body }, keysOf(SECRET), { at: at === null ? null : instant(at), toleranceMs })
}

describe('standard webhooks vectors', () => {
  test.each(VECTORS.map((vector) => [vector.name, vector] as const))('%s', async (_name, vector) => {
    const sealed = { headers: vector.headers, body: Buffer.from(vector.body_base64, 'base64') }
    const time = { at: instant(vector.now * SECOND_MS), toleranceMs: null }
    const answer = await open(standard, sealed, keysOf(vector.secret), time)
    expect(answer.ok ? 'open' : 'refused').toBe(vector.ours)
    expect(vector.ours === 'open').toBe(vector.expect === 'accept')
  })

  test('sealing the official sample gives its signature', () => {
    const notification = { id: OFFICIAL!.headers['webhook-id']!, type: '', createdAt: null, account: null, body: {} }
    const sealed = standard.seal(notification, { secrets: [SECRET], signingKey: null }, SENT)
    const expected = new Webhook(SECRET).sign(notification.id, new Date(SENT), '{}')
    expect(sealed.headers['webhook-signature']).toBe(expected)
  })
})

describe('standard webhooks open', () => {
  const valid = OFFICIAL!.headers
  const v1a: Headers = FILE.ed25519_v1a.headers

  test('the id is signed, so it is the key of the delivery', async () => {
    expect(await openSample(valid)).toMatchObject({ ok: true, dedupe: 'msg_p5jXN8AQM9LWM0D4loKWxJek', sentAt: SENT })
  })

  test('the time may lie five minutes off in both directions, and no second more', async () => {
    for (const side of [-1, 1]) {
      expect(await openSample(valid, SENT + side * 5 * MINUTE_MS)).toMatchObject({ ok: true })
      const reason = side === 1 ? 'timestamp_too_old' : 'timestamp_in_future'
      expect(await openSample(valid, SENT + side * (5 * MINUTE_MS + SECOND_MS))).toMatchObject({ reason })
    }
    expect(await openSample(valid, SENT + HOUR_MS, 2 * HOUR_MS)).toMatchObject({ ok: true })
    expect(await openSample(valid, SENT + SECOND_MS, 0)).toMatchObject({ reason: 'timestamp_too_old' })
    expect(await openSample(valid, null)).toMatchObject({ ok: true })
  })

  test.each(['1614265330abc', '+1614265330', ' 1614265330', '1614265330.0', '-1', '1e9', '9'.repeat(12)])(
    'the timestamp %j is refused',
    async (timestamp) => {
      const answer = await openSample({ ...valid, 'webhook-timestamp': timestamp })
      expect(answer).toMatchObject({ ok: false, reason: 'timestamp_malformed' })
    },
  )

  test('a signature of a key pair is passed over: beside one of ours it does not matter, alone it is none', async () => {
    const both = `${v1a['webhook-signature'] as string} ${valid['webhook-signature']!}`
    expect(await openSample({ ...valid, 'webhook-signature': both })).toMatchObject({ ok: true })
    expect(await openSample(v1a)).toMatchObject({ ok: false, reason: 'signature_missing' })
  })

  test('a header that came twice or as a list is refused', async () => {
    for (const name of Object.keys(valid)) {
      expect(await openSample({ ...valid, [name]: [valid[name]!] })).toMatchObject({ reason: 'header_repeated' })
      expect(await openSample({ ...valid, [name.toUpperCase()]: valid[name]! })).toMatchObject({
        reason: 'header_repeated',
      })
    }
  })

  test('a secret that is no base64 is none', async () => {
    const sealed = { headers: valid, body: bytesOf('{}') }
    const answer = await open(standard, sealed, keysOf('whsec_not base64', ''), { at: SENT, toleranceMs: null })
    expect(answer).toMatchObject({ ok: false, reason: 'secret_missing' })
  })
})

test('standard webhooks repeats ten times in all, by the specification’s example', () => {
  const clock = (ms: number) =>
    [ms / HOUR_MS, (ms / MINUTE_MS) % 60, (ms / SECOND_MS) % 60]
      .map((n) => String(Math.floor(n)).padStart(2, '0'))
      .join(':')
  expect(RETRY.offsetsMs.map(clock)).toEqual([
    '00:00:05',
    '00:05:05',
    '00:35:05',
    '02:35:05',
    '07:35:05',
    '17:35:05',
    '31:35:05',
    '51:35:05',
    '75:35:05',
  ])
})

test('each attempt is signed with its own time and the same id', () => {
  const notification = {
    id: 'msg_1',
    type: 'clock.ready',
    createdAt: SENT,
    account: null,
    body: { type: 'clock.ready' },
  }
  const keys = { secrets: [SECRET], signingKey: null }
  const first = standard.seal(notification, keys, SENT)
  const second = standard.seal(notification, keys, addMs(SENT, 5 * SECOND_MS))
  expect(second.headers['webhook-id']).toBe(first.headers['webhook-id'])
  expect(second.headers['webhook-timestamp']).not.toBe(first.headers['webhook-timestamp'])
  expect(second.headers['webhook-signature']).not.toBe(first.headers['webhook-signature'])
})
