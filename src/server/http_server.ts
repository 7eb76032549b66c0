import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { BillhookError } from '../model/error.ts'
import { SECOND_MS } from '../model/instant.ts'
import type { Log } from '../ports/log.ts'
import { errorAnswer } from './errors.ts'
import { readBody } from '../app/read_body.ts'

/** A delivery as it came in, headers that occur more than once as lists. */
export interface Incoming {
  /** Null: the server's own account. */
  readonly account: string | null
  readonly source: string
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Uint8Array
}

/** What a delivery is answered with. */
export interface IngestReply {
  readonly status: number
  /** JSON text. */
  readonly body: string
}

/** What a server listens on, and what answers. */
export interface HttpServerOptions {
  readonly host: string
  readonly port: number
  readonly maxBodyBytes: number
  /** A request that has not arrived completely in this time is answered with 408. */
  readonly bodyTimeoutMs: number
  readonly log: Log
  /** Takes a delivery in. It never throws. */
  readonly ingest: (incoming: Incoming) => Promise<IngestReply>
  /** Everything else. */
  readonly fetch: (request: Request) => Response | Promise<Response>
}

/** A server that listens. */
export interface HttpServer {
  /** `http://127.0.0.1:8420` */
  readonly url: string
  readonly port: number
  /**
   * Takes no new connections, lets running requests finish for `graceMs`, then cuts them. Calling it again with a
   * shorter time shortens it.
   */
  close(graceMs: number): Promise<void>
}

/** How often Node looks for requests that take too long. */
const CHECK_TIMEOUTS_MS = SECOND_MS

/** Longer than the idle time-outs of the usual load balancers, so that they close first. */
const KEEP_ALIVE_MS = 75 * SECOND_MS

/** How soon a closing server lets go of a connection that fell idle. */
const CLOSE_IDLE_MS = 50

/**
 * Listens. Deliveries take the short way: bare `node:http`, raw bytes, nothing parsed before the answer.
 *
 * @throws BillhookError `config_invalid` if the address cannot be listened on
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const api = getRequestListener(options.fetch, { overrideGlobalObjects: false })
  const state: ServerState = { closing: false, silent: new Set() }
  const server = createServer(
    {
      requestTimeout: options.bodyTimeoutMs,
      headersTimeout: options.bodyTimeoutMs,
      connectionsCheckingInterval: CHECK_TIMEOUTS_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      noDelay: true,
    },
    (request, response) => {
      if (state.closing) response.setHeader('connection', 'close')
      state.silent.delete(request.socket)
      const target = targetOf(request.url ?? '')
      const work = target === null ? api(request, response) : take(request, response, target, options)
      work.catch((error: unknown) => {
        answerError(response, error, options.log)
      })
    },
  )
  server.on('connection', (socket: Socket) => {
    state.silent.add(socket)
    socket.once('close', () => state.silent.delete(socket))
  })
  await listen(server, options)
  const { port } = addressOf(server)
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return { url: `http://${host}:${port}`, port, close: closer(server, state) }
}

interface ServerState {
  closing: boolean
  /** Connections without a request so far: opened ahead of one, which Node does not count as idle. */
  readonly silent: Set<Socket>
}

function listen(server: Server, { host, port }: HttpServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      reject(
        new BillhookError('config_invalid', `cannot listen on ${host}:${port}: ${error.message}`, { cause: error }),
      )
    }
    server.once('error', failed)
    server.listen(port, host, () => {
      server.removeListener('error', failed)
      resolve()
    })
  })
}

function addressOf(server: Server): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new BillhookError('internal_invariant', 'the server listens on no port')
  return address
}

function closer(server: Server, state: ServerState): HttpServer['close'] {
  let closed: Promise<void> | null = null
  return (graceMs) => {
    state.closing = true
    closed ??= new Promise((resolve) => {
      server.close(() => resolve())
    })
    // A connection whose last request ends now is kept for a next one that must not come.
    // One that has begun to send is waited for.
    for (const socket of state.silent) if (socket.bytesRead === 0) socket.destroy()
    const idle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_MS)
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    return closed.finally(() => {
      clearInterval(idle)
      clearTimeout(cut)
    })
  }
}

interface Target {
  readonly account: string | null
  readonly source: string
}

/** `/in/source`, or `/in/account/source`; a query is left alone. Null for every other path. */
function targetOf(url: string): Target | null {
  if (!url.startsWith('/in/')) return null
  const path = url.slice('/in/'.length).split('?', 1)[0] ?? ''
  const slash = path.indexOf('/')
  return slash === -1
    ? { account: null, source: path }
    : { account: path.slice(0, slash), source: path.slice(slash + 1) }
}

async function take(
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  options: HttpServerOptions,
): Promise<void> {
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST')
    request.resume()
    answerError(
      response,
      new BillhookError('method_not_allowed', `deliveries must be sent with POST, not ${request.method ?? ''}`),
      options.log,
    )
    return
  }
  const read = await readBody(request, options.maxBodyBytes)
  if (read.end === 'gone') return
  // Its first bytes go on anyway: the refusal is recorded, and an operator finds it.
  if (read.end === 'too_large') response.setHeader('connection', 'close')
  const { status, body } = await options.ingest({ ...target, headers: headersOf(request), body: read.body })
  answer(response, status, body)
}

/** Headers as they came over the wire: Node's own object joins repeated ones, which would hide them. */
function headersOf(request: IncomingMessage): Readonly<Record<string, string | readonly string[]>> {
  const { rawHeaders } = request
  const headers = new Map<string, string | readonly string[]>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    const value = rawHeaders[i + 1] ?? ''
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : typeof before === 'string' ? [before, value] : [...before, value])
  }
  return Object.fromEntries(headers)
}

function answer(response: ServerResponse, status: number, body: string): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function answerError(response: ServerResponse, error: unknown, log: Log): void {
  const { status, body } = errorAnswer(error, log)
  answer(response, status, JSON.stringify(body))
}
