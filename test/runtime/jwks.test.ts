import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { open } from '../../src/dialects/dialect.ts'
import { kinde } from '../../src/dialects/kinde/index.ts'
import { instant } from '../../src/model/instant.ts'
import type { HttpOutcome, HttpRequest } from '../../src/ports/http.ts'
import {
  createKeySet,
  KEY_SET_COOLDOWN_MS,
  KEY_SET_MAX_AGE_MS,
  KEY_SET_MAX_BYTES,
  KEY_SET_TIMEOUT_MS,
  keySetFromFile,
  newSigningKey,
  staticKeySet,
} from '../../src/runtime/jwks.ts'
import { UndiciHttpClient } from '../../src/runtime/http_client.ts'
import { Guard } from '../../src/runtime/ssrf.ts'
import { bytesOf } from '../../src/wire/bytes.ts'
import { keySetOf } from '../../src/wire/jwt.ts'

const jwkOf = (kid: string) => ({ kty: 'RSA', kid, e: 'AQAB', n: 'x', use: 'sig', alg: 'RS256' })
const down: HttpOutcome = {
  ok: false,
  reason: 'timeout',
  detail: '',
  timing: { connectMs: null, firstByteMs: null, totalMs: 0 },
}

function serving(body: unknown, more: { status?: number; truncated?: boolean } = {}): HttpOutcome {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return {
    ok: true,
    status: more.status ?? 200,
    headers: {},
    body: bytesOf(text),
    truncated: more.truncated ?? false,
    timing: { connectMs: null, firstByteMs: null, totalMs: 0 },
  }
}

/** A provider whose answer can be changed, and a clock that can be moved. */
function provider(first: HttpOutcome) {
  const state = { answer: first, now: 1_000_000, requests: [] as HttpRequest[] }
  const lookup = createKeySet({
    url: 'https://tenant.example/.well-known/jwks.json',
    send: async (request) => {
      state.requests.push(request)
      return state.answer
    },
    now: () => instant(state.now),
  })
  return { state, lookup }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('a remote key set', () => {
  it('is fetched once for many tokens, also when they come at the same moment', async () => {
    const { state, lookup } = provider(serving({ keys: [jwkOf('a'), jwkOf('b')] }))
    const answers = await Promise.all(Array.from({ length: 50 }, () => lookup('a')))
    expect(answers.every((answer) => answer.ok)).toBe(true)
    await lookup('b')
    expect(state.requests).toHaveLength(1)
    expect(state.requests[0]).toMatchObject({
      method: 'GET',
      timeoutMs: KEY_SET_TIMEOUT_MS,
      maxResponseBytes: KEY_SET_MAX_BYTES,
    })
  })

  it('is fetched again after its age, behind the answer', async () => {
    const { state, lookup } = provider(serving({ keys: [jwkOf('a')] }))
    await lookup('a')
    state.now += KEY_SET_MAX_AGE_MS - 1
    await lookup('a')
    expect(state.requests).toHaveLength(1)
    state.now += 1
    state.answer = serving({ keys: [jwkOf('b')] })
    expect(await lookup('a')).toMatchObject({ ok: true })
    await settled()
    expect(state.requests).toHaveLength(2)
    expect(await lookup('a')).toEqual({ ok: false, reason: 'key_unknown' })
    expect(await lookup('b')).toMatchObject({ ok: true, jwk: { kid: 'b' } })
  })

  it('is fetched for an unknown key id at most every 30 seconds: forged tokens cause no storm', async () => {
    const { state, lookup } = provider(serving({ keys: [jwkOf('a')] }))
    for (let i = 0; i < 100; i += 1) expect(await lookup(`forged-${i}`)).toEqual({ ok: false, reason: 'key_unknown' })
    expect(state.requests).toHaveLength(1)
    state.now += KEY_SET_COOLDOWN_MS
    state.answer = serving({ keys: [jwkOf('a'), jwkOf('new')] })
    expect(await lookup('new')).toMatchObject({ ok: true, jwk: { kid: 'new' } })
    for (let i = 0; i < 100; i += 1) await lookup(`forged-${i}`)
    expect(state.requests).toHaveLength(2)
  })

  it('keeps its last good keys while the provider is down, and says that others cannot be had', async () => {
    const { state, lookup } = provider(serving({ keys: [jwkOf('a')] }))
    await lookup('a')
    state.answer = down
    state.now += 100 * KEY_SET_MAX_AGE_MS
    expect(await lookup('a')).toMatchObject({ ok: true })
    await settled()
    expect(await lookup('b')).toEqual({ ok: false, reason: 'keys_unavailable' })
    expect(state.requests).toHaveLength(2)
    expect(await lookup('a')).toMatchObject({ ok: true })
  })

  it('is tried again 30 seconds after a failed first fetch', async () => {
    const { state, lookup } = provider(down)
    expect(await lookup('a')).toEqual({ ok: false, reason: 'keys_unavailable' })
    state.answer = serving({ keys: [jwkOf('a')] })
    expect(await lookup('a')).toEqual({ ok: false, reason: 'keys_unavailable' })
    state.now += KEY_SET_COOLDOWN_MS
    expect(await lookup('a')).toMatchObject({ ok: true })
  })

  it('is fetched again if the clock was set back', async () => {
    const { state, lookup } = provider(serving({ keys: [jwkOf('a')] }))
    await lookup('a')
    state.now -= 3_600_000 - 1
    state.now = Math.max(state.now, 0)
    await lookup('b')
    expect(state.requests).toHaveLength(2)
  })

  it.each([
    ['an error page', serving('<html>', { status: 200 })],
    ['another status', serving({ keys: [jwkOf('a')] }, { status: 403 })],
    ['a cut answer', serving({ keys: [jwkOf('a')] }, { truncated: true })],
    ['a set without usable keys', serving({ keys: [{ kty: 'EC', kid: 'a' }, 'x', null, { kty: 'RSA' }] })],
    ['no list', serving({ keys: {} })],
  ])('takes %s for no set', async (_name, outcome) => {
    const { lookup } = provider(outcome)
    expect(await lookup('a')).toEqual({ ok: false, reason: 'keys_unavailable' })
  })

  it('survives a client that throws', async () => {
    const lookup = createKeySet({
      url: 'https://tenant.example/jwks',
      send: () => Promise.reject(new Error('broken')),
      now: () => instant(0),
    })
    expect(await lookup('a')).toEqual({ ok: false, reason: 'keys_unavailable' })
  })

  it('knows no key by the name of an inherited property', async () => {
    const { lookup } = provider(serving({ keys: [jwkOf('a')] }))
    expect(await lookup('__proto__')).toEqual({ ok: false, reason: 'key_unknown' })
    expect(await lookup('constructor')).toEqual({ ok: false, reason: 'key_unknown' })
  })
})

describe('a key set on a real server', () => {
  it('opens what its keys sealed, with one request for all', async () => {
    const [key, stranger] = [await newSigningKey(), await newSigningKey()]
    let requests = 0
    const server = createServer((_request, response) => {
      requests += 1
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(keySetOf([key])))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    await using client = new UndiciHttpClient(new Guard({ allowLoopback: true, allowHttp: true, allow: [] }))
    try {
      const { port } = server.address() as AddressInfo
      const publicKey = createKeySet({
        url: `http://127.0.0.1:${port}/.well-known/jwks.json`,
        send: (request) => client.send(request),
        now: () => instant(1_000_000),
      })
      const body = { type: 'user.created', event_id: 'event_1', timestamp: '2026-01-01T00:00:00.000Z' }
      const notification = { id: 'event_1', type: 'user.created', createdAt: null, account: null, body }
      const opened = (signingKey: typeof key) =>
        open(
          kinde,
          kinde.seal(notification, { secrets: [], signingKey }, instant(0)),
          { secrets: [], publicKey },
          { at: null, toleranceMs: null },
        )
      for (let i = 0; i < 20; i += 1) expect(await opened(key)).toMatchObject({ ok: true })
      expect(await opened(stranger)).toMatchObject({ ok: false, reason: 'key_unknown' })
      expect(requests).toBe(1)
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })
})

describe('a key set that is given whole', () => {
  it('answers from itself, and from a file', async () => {
    const key = await newSigningKey()
    const set = keySetOf([key])
    expect(await staticKeySet(set)(key.keyId)).toMatchObject({ ok: true, jwk: { kid: key.keyId } })
    expect(await staticKeySet(set)('other')).toEqual({ ok: false, reason: 'key_unknown' })
    const folder = mkdtempSync(join(tmpdir(), 'billhook-'))
    try {
      const file = join(folder, 'jwks.json')
      writeFileSync(file, JSON.stringify(set))
      expect(await keySetFromFile(file)(key.keyId)).toMatchObject({ ok: true })
      expect(() => keySetFromFile(join(folder, 'none.json'))).toThrow('cannot be read')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is refused if it is none', () => {
    for (const wrong of [null, [], {}, { keys: 5 }]) expect(() => staticKeySet(wrong)).toThrow('keys')
  })

  it('has no key for a token if it holds none, or none for this use', async () => {
    const jwk = { kty: 'RSA', kid: 'a', n: 'AQAB', e: 'AQAB' }
    const unusable = [{ ...jwk, use: 'enc' }, { ...jwk, alg: 'RS512' }, { ...jwk, kty: 'EC' }, {}, null]
    for (const keys of [[], unusable]) {
      expect(await staticKeySet({ keys })('a')).toEqual({ ok: false, reason: 'key_unknown' })
    }
    expect(await staticKeySet({ keys: [...unusable, jwk] })('a')).toEqual({ ok: true, jwk })
  })
})
