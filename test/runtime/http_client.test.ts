import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { HttpRequest } from '../../src/ports/http.ts'
import { HTTP_CLIENT_DEFAULTS, UndiciHttpClient } from '../../src/runtime/http_client.ts'
import { GUARD_DEFAULTS, Guard } from '../../src/runtime/ssrf.ts'
import { openSink } from '../support/sink.ts'

const loopback = new Guard({ ...GUARD_DEFAULTS, allowLoopback: true })

function post(url: string, change: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', 'x-test': 'a' },
    body: new TextEncoder().encode('{"a": 1.0}'),
    timeoutMs: 5_000,
    maxResponseBytes: 1_000,
    ...change,
  }
}

describe('the HTTP client', () => {
  test('sends exactly the bytes and reads the answer', async () => {
    await using sink = await openSink((_arrival, response) =>
      response.writeHead(202, { 'x-answer': 'b' }).end('thanks'),
    )
    await using client = new UndiciHttpClient(loopback)
    const outcome = await client.send(post(`${sink.url}?q=1`))
    expect(outcome).toMatchObject({ ok: true, status: 202, truncated: false, headers: { 'x-answer': 'b' } })
    expect(outcome.ok && Buffer.from(outcome.body).toString()).toBe('thanks')
    expect(sink.arrivals[0]).toMatchObject({ path: '/hook?q=1', headers: { 'x-test': 'a', 'content-length': '10' } })
    expect(sink.arrivals[0]?.body.toString()).toBe('{"a": 1.0}')
    expect(outcome.timing.totalMs).toBeGreaterThanOrEqual(outcome.timing.firstByteMs ?? 0)
    expect(outcome.timing.firstByteMs).toBeGreaterThanOrEqual(outcome.timing.connectMs ?? Infinity)
  })

  test('follows no redirect', async () => {
    await using target = await openSink()
    await using sink = await openSink((_arrival, response) => response.writeHead(307, { location: target.url }).end())
    await using client = new UndiciHttpClient(loopback)
    expect(await client.send(post(sink.url))).toMatchObject({ ok: true, status: 307 })
    expect(target.arrivals).toHaveLength(0)
  })

  test('cuts a long answer at the limit', async () => {
    await using sink = await openSink((_arrival, response) => response.writeHead(200).end('x'.repeat(200_000)))
    await using client = new UndiciHttpClient(loopback)
    const outcome = await client.send(post(sink.url, { maxResponseBytes: 1_500 }))
    expect(outcome).toMatchObject({ ok: true, status: 200, truncated: true })
    expect(outcome.ok && outcome.body.length).toBe(1_500)
    // The connection was given up, the next request works all the same.
    sink.answer = 200
    expect(await client.send(post(sink.url))).toMatchObject({ ok: true, status: 200 })
  })

  test('ends an exchange that is not over in time: no answer, and an answer that trickles', async () => {
    await using silent = await openSink(() => undefined)
    await using trickling = await openSink((_arrival, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('.'), 20)
      response.on('close', () => clearInterval(timer))
    })
    await using client = new UndiciHttpClient(loopback)
    const outcomes = await Promise.all([
      client.send(post(silent.url, { timeoutMs: 150 })),
      client.send(post(trickling.url, { timeoutMs: 150 })),
    ])
    for (const outcome of outcomes) expect(outcome).toMatchObject({ ok: false, reason: 'timeout' })
    expect(outcomes[0]?.timing.totalMs).toBeLessThan(2_000)
  })

  test('a request that waits for a connection has its time-out too, and is not sent late', async () => {
    await using sink = await openSink(() => undefined)
    await using client = new UndiciHttpClient(loopback, { ...HTTP_CLIENT_DEFAULTS, connectionsPerOrigin: 1 })
    const first = client.send(post(sink.url, { timeoutMs: 400 }))
    const second = await client.send(post(sink.url, { timeoutMs: 100 }))
    expect(second).toMatchObject({ ok: false, reason: 'timeout', timing: { connectMs: null } })
    await first
    sink.answer = 200
    expect(await client.send(post(sink.url))).toMatchObject({ ok: true })
    expect(sink.arrivals).toHaveLength(2)
  })

  test('names what went wrong', async () => {
    await using client = new UndiciHttpClient(loopback)
    const closed = createTcpServer((socket) => socket.on('error', () => undefined).destroy())
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const { port } = closed.address() as AddressInfo
    expect(await client.send(post(`http://127.0.0.1:${port}/`))).toMatchObject({ ok: false, reason: 'reset' })
    await new Promise((resolve) => closed.close(resolve))
    expect(await client.send(post(`http://127.0.0.1:${port}/`))).toMatchObject({ ok: false, reason: 'connect' })
    const babble = createTcpServer((socket) => socket.resume().end('hello\r\n\r\n'))
    await new Promise<void>((resolve) => babble.listen(0, '127.0.0.1', resolve))
    const babblePort = (babble.address() as AddressInfo).port
    expect(await client.send(post(`http://127.0.0.1:${babblePort}/`))).toMatchObject({ ok: false, reason: 'malformed' })
    await new Promise((resolve) => babble.close(resolve))
  })

  test('can be canceled', async () => {
    await using sink = await openSink(() => undefined)
    await using client = new UndiciHttpClient(loopback)
    const abort = new AbortController()
    const sent = client.send(post(sink.url), abort.signal)
    await sink.received(1)
    abort.abort()
    expect(await sent).toMatchObject({ ok: false, reason: 'canceled' })
  })

  test('refuses internal addresses, literal or by name, without connecting', async () => {
    await using sink = await openSink()
    const strict = new Guard({ ...GUARD_DEFAULTS, allowHttp: true }, (_host, done) =>
      done(null, [{ address: '127.0.0.1', family: 4 }]),
    )
    await using client = new UndiciHttpClient(strict)
    const { port } = new URL(sink.url)
    for (const url of [
      sink.url,
      `http://[::ffff:127.0.0.1]:${port}/`,
      `http://2130706433:${port}/`,
      `http://example.com:${port}/`,
    ])
      expect(await client.send(post(url)), url).toMatchObject({ ok: false, reason: 'refused_address' })
    expect(sink.arrivals).toHaveLength(0)
  })

  test('a name that is public when checked and internal when connected to is refused', async () => {
    await using sink = await openSink()
    let asked = 0
    const rebinding = new Guard({ ...GUARD_DEFAULTS, allowHttp: true }, (_host, done) => {
      asked += 1
      done(null, [{ address: asked === 1 ? '93.184.216.34' : '127.0.0.1', family: 4 }])
    })
    const url = `http://example.com:${new URL(sink.url).port}/`
    expect(await rebinding.check(url)).toEqual({ ok: true })
    await using client = new UndiciHttpClient(rebinding)
    expect(await client.send(post(url))).toMatchObject({ ok: false, reason: 'refused_address' })
    expect(sink.arrivals).toHaveLength(0)
  })
})
