import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { NO_LOG } from '../../src/runtime/logger.ts'
import { startHttpServer } from '../../src/server/http_server.ts'
import type { HttpServer, HttpServerOptions, Incoming } from '../../src/server/http_server.ts'

const servers: HttpServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close(0)))
})

async function start(options: Partial<HttpServerOptions> = {}): Promise<{ server: HttpServer; taken: Incoming[] }> {
  const taken: Incoming[] = []
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 1000,
    bodyTimeoutMs: 5000,
    log: NO_LOG,
    ingest: async (incoming) => {
      taken.push(incoming)
      return { status: 200, body: '{"received":true}' }
    },
    fetch: async (asked) => new Response(`api ${new URL(asked.url).pathname}`),
    ...options,
  })
  servers.push(server)
  return { server, taken }
}

interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const send = (url: string, init: { method?: string; headers?: Record<string, string | string[]>; chunks?: string[] }) =>
  new Promise<Reply>((resolve, reject) => {
    const sent = request(url, {
      method: init.method ?? 'POST',
      ...(init.headers === undefined ? {} : { headers: init.headers }),
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    for (const chunk of init.chunks ?? []) sent.write(chunk)
    sent.end()
  })

/** What a raw exchange over a socket brings back before the server closes, or goes still. */
const raw = (port: number, text: string) =>
  new Promise<string>((resolve, reject) => {
    let got = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', (chunk: Buffer) => (got += chunk.toString()))
    socket.on('close', () => resolve(got))
    socket.on('error', reject)
  })

describe('The HTTP server', () => {
  it('hands a delivery’s exact bytes and headers over, repeated headers as lists, chunks joined', async () => {
    const { server, taken } = await start()
    const reply = await send(`${server.url}/in/main?x=1`, {
      headers: { 'X-Signature': ['a', 'b'], 'Content-Type': 'Application/JSON', cookie: 'c' },
      chunks: ['{"a":', '1}\r\n', 'ü'],
    })
    expect(reply).toMatchObject({ status: 200, body: '{"received":true}' })
    expect(reply.headers['content-type']).toBe('application/json')
    expect(taken).toMatchObject([{ account: null, source: 'main' }])
    expect(Buffer.from(taken[0]!.body).toString()).toBe('{"a":1}\r\nü')
    expect(taken[0]!.headers).toMatchObject({ 'x-signature': ['a', 'b'], 'content-type': 'Application/JSON' })
  })

  it('takes an empty body, and one of exactly the limit', async () => {
    const { server, taken } = await start()
    await send(`${server.url}/in/acme/main`, {})
    await send(`${server.url}/in/main`, { chunks: ['x'.repeat(1000)] })
    expect(taken.map(({ account, source, body }) => [account, source, body.length])).toEqual([
      ['acme', 'main', 0],
      [null, 'main', 1000],
    ])
  })

  it('hands on the first bytes of a body that is too large, and the sender still sees the answer', async () => {
    const { server, taken } = await start({ ingest: async () => ({ status: 413, body: '{}' }) })
    const reply = await send(`${server.url}/in/main`, {
      chunks: Array.from({ length: 100 }, () => 'x'.repeat(100_000)),
    })
    expect(reply.status).toBe(413)
    expect(taken).toEqual([])
    const kept = await start()
    await send(`${kept.server.url}/in/main`, { chunks: ['x'.repeat(5000)] })
    expect(kept.taken[0]!.body).toHaveLength(1001)
  })

  it('refuses other methods for deliveries, and lets everything else go to the API', async () => {
    const { server, taken } = await start()
    const reply = await send(`${server.url}/in/main`, { method: 'GET' })
    expect([reply.status, reply.headers.allow, JSON.parse(reply.body)]).toMatchObject([
      405,
      'POST',
      { error: { code: 'method_not_allowed' } },
    ])
    expect(taken).toEqual([])
    expect(await send(`${server.url}/inbox`, { method: 'GET' })).toMatchObject({ status: 200, body: 'api /inbox' })
  })

  it('answers 408 to a body that does not come, and stays up', async () => {
    const { server, taken } = await start({ bodyTimeoutMs: 200 })
    const got = await raw(server.port, 'POST /in/main HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
    expect(got).toMatch(/^HTTP\/1\.1 408 /)
    expect(taken).toEqual([])
    expect((await send(`${server.url}/in/main`, {})).status).toBe(200)
  })

  it('survives a sender that goes away in the middle, and what is no HTTP', async () => {
    const { server, taken } = await start()
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () => {
        socket.write('POST /in/main HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc', () => {
          socket.destroy()
          resolve()
        })
      })
    })
    expect(await raw(server.port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    const both = 'POST /in/main HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
    expect(await raw(server.port, both)).toMatch(/^HTTP\/1\.1 400 /)
    expect((await send(`${server.url}/in/main`, {})).status).toBe(200)
    expect(taken).toHaveLength(1)
  })

  it('finishes what runs when it is closed, and cuts what hangs', async () => {
    let release = (): void => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    let entered = (): void => undefined
    const inside = new Promise<void>((resolve) => (entered = resolve))
    const { server } = await start({
      ingest: async () => {
        entered()
        await gate
        return { status: 200, body: '{}' }
      },
    })
    const running = send(`${server.url}/in/main`, {})
    await inside
    // Opened ahead of a request that never comes, as load balancers and browsers do.
    const ahead = connect(server.port, '127.0.0.1')
    await new Promise((resolve) => ahead.once('connect', resolve))
    // Connections are accepted in their order: once this is answered, the one before is known.
    await send(`${server.url}/v1/any`, { method: 'GET' })
    const closing = server.close(60_000)
    release()
    expect((await running).status).toBe(200)
    await closing

    let hung = (): void => undefined
    const hangs = new Promise<void>((resolve) => (hung = resolve))
    const hanging = await start({
      ingest: () => {
        hung()
        return new Promise(() => undefined)
      },
    })
    const lost = send(`${hanging.server.url}/in/main`, {})
    const failed = expect(lost).rejects.toThrow(/socket hang up|ECONNRESET/)
    await hangs
    void hanging.server.close(60_000)
    await hanging.server.close(0)
    await failed
  })

  it('says which address it cannot listen on', async () => {
    const { server } = await start()
    await expect(start({ port: server.port })).rejects.toMatchObject({ code: 'config_invalid' })
  })
})
