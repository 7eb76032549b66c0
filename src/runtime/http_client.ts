import { isIP } from 'node:net'
import type { Socket } from 'node:net'
import { Pool, buildConnector } from 'undici'
import type { Dispatcher } from 'undici'
import { messageOf } from '../model/error.ts'
import type { UrlVerdict } from '../ports/address_guard.ts'
import type { HttpClient, HttpOutcome, HttpRequest, HttpTiming } from '../ports/http.ts'
import { concat } from '../wire/bytes.ts'
import type { Headers } from '../wire/headers.ts'
import { RefusedAddress } from './ssrf.ts'
import type { Guard } from './ssrf.ts'

/** Bounds of an HTTP client. */
export interface HttpClientOptions {
  /** Connections to one origin. More requests than that wait for one, inside their time-out. */
  readonly connectionsPerOrigin: number
  /** Origins whose connections are kept; the one not used for longest is closed first. */
  readonly originsMax: number
  /** PEM of further certificate authorities; the system's are always trusted, certificates are always verified. */
  readonly ca: string | null
}

/** The bounds unless the caller says otherwise. */
export const HTTP_CLIENT_DEFAULTS: HttpClientOptions = { connectionsPerOrigin: 256, originsMax: 1_000, ca: null }

/** Idle connections are closed after this time, in milliseconds. */
const KEEP_ALIVE_MS = 15_000

/** URLs that are kept taken apart. */
const TARGETS_MAX = 10_000

interface Target {
  readonly verdict: UrlVerdict
  readonly origin: string
  readonly path: string
}

/** Response headers beyond this are malformed, in bytes. */
const HEADERS_MAX = 16_384

/**
 * Sends requests over keep-alive connections, one pool per origin. Every connection passes the guard; redirects are not
 * followed; HTTP/1.1 only; the time-out is over the whole exchange, so an answer that trickles is over with it.
 */
export class UndiciHttpClient implements HttpClient, AsyncDisposable {
  readonly #guard: Guard
  readonly #options: HttpClientOptions
  readonly #connect: buildConnector.connector
  readonly #targets = new Map<string, Target>()
  /** In the order of last use. */
  readonly #pools = new Map<string, Pool>()

  constructor(guard: Guard, options: HttpClientOptions = HTTP_CLIENT_DEFAULTS) {
    this.#guard = guard
    this.#options = options
    this.#connect = guardedConnector(guard, options)
  }

  async send(request: HttpRequest, signal?: AbortSignal): Promise<HttpOutcome> {
    const started = performance.now()
    const target = this.#targetOf(request.url)
    if (!target.verdict.ok)
      return failure('refused_address', target.verdict.detail, { started, sent: null, first: null })
    if (signal?.aborted === true)
      return failure('canceled', 'canceled before it was sent', { started, sent: null, first: null })
    const pool = this.#poolOf(target.origin)
    return new Promise((resolve) => {
      const exchange = new Exchange(request, started, resolve)
      exchange.begin(signal)
      pool.dispatch(
        {
          path: target.path,
          method: request.method,
          headers: { ...request.headers },
          body: request.body,
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        exchange,
      )
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map((pool) => pool.destroy()))
  }

  /** What a URL says does not change, so it is taken apart once. The addresses behind its name are judged at each connection. */
  #targetOf(text: string): Target {
    const known = this.#targets.get(text)
    if (known !== undefined) return known
    const verdict = this.#guard.url(text)
    const url = verdict.ok ? new URL(text) : null
    const target: Target = { verdict, origin: url?.origin ?? '', path: url === null ? '' : url.pathname + url.search }
    if (this.#targets.size >= TARGETS_MAX) this.#targets.clear()
    this.#targets.set(text, target)
    return target
  }

  #poolOf(origin: string): Pool {
    let pool = this.#pools.get(origin)
    if (pool === undefined) {
      pool = new Pool(origin, {
        connections: this.#options.connectionsPerOrigin,
        pipelining: 1,
        allowH2: false,
        keepAliveTimeout: KEEP_ALIVE_MS,
        keepAliveMaxTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: HEADERS_MAX,
        connect: this.#connect,
      })
    } else {
      this.#pools.delete(origin)
    }
    this.#pools.set(origin, pool)
    if (this.#pools.size > this.#options.originsMax) {
      const [oldest] = this.#pools
      if (oldest !== undefined) {
        this.#pools.delete(oldest[0])
        // Lets what is in flight end.
        void oldest[1].close().catch(() => undefined)
      }
    }
    return pool
  }
}

type Marks = { readonly started: number; readonly sent: number | null; readonly first: number | null }

/** One exchange: collects the answer up to the limit, and ends exactly once. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest
  readonly #started: number
  readonly #resolve: (outcome: HttpOutcome) => void
  #controller: Dispatcher.DispatchController | null = null
  #timer: NodeJS.Timeout | null = null
  #unlisten: (() => void) | null = null
  #over = false
  #sent: number | null = null
  #first: number | null = null
  #status = 0
  #headers: Headers = {}
  #chunks: Uint8Array[] = []
  #length = 0

  constructor(request: HttpRequest, started: number, resolve: (outcome: HttpOutcome) => void) {
    this.#request = request
    this.#started = started
    this.#resolve = resolve
  }

  begin(signal: AbortSignal | undefined): void {
    this.#timer = setTimeout(
      () => this.#fail('timeout', `no complete answer within ${this.#request.timeoutMs} ms`),
      this.#request.timeoutMs,
    )
    if (signal === undefined) return
    const cancel = () => this.#fail('canceled', 'canceled by us')
    signal.addEventListener('abort', cancel, { once: true })
    this.#unlisten = () => signal.removeEventListener('abort', cancel)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    this.#sent = performance.now()
    // It waited for a connection until its time was over.
    if (this.#over) controller.abort(new Error('over'))
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200) return
    this.#first = performance.now()
    this.#status = status
    this.#headers = definedHeaders(headers)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const room = this.#request.maxResponseBytes - this.#length
    if (chunk.length <= room) {
      this.#chunks.push(chunk)
      this.#length += chunk.length
      return
    }
    this.#chunks.push(chunk.subarray(0, room))
    // The rest is of no interest: the connection is closed rather than read to its end.
    this.#succeed(true)
  }

  onResponseEnd(): void {
    this.#succeed(false)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const { reason, detail } = reasonOf(error)
    this.#fail(reason, detail)
  }

  #succeed(truncated: boolean): void {
    if (this.#over) return
    const body = this.#chunks.length === 1 ? (this.#chunks[0] ?? new Uint8Array(0)) : concat(...this.#chunks)
    this.#end(
      { ok: true, status: this.#status, headers: this.#headers, body, truncated, timing: timingOf(this.#marks) },
      truncated,
    )
  }

  #fail(reason: Extract<HttpOutcome, { ok: false }>['reason'], detail: string): void {
    if (this.#over) return
    this.#end(failure(reason, detail, this.#marks), true)
  }

  #end(outcome: HttpOutcome, abort: boolean): void {
    this.#over = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#unlisten?.()
    this.#resolve(outcome)
    if (abort) this.#controller?.abort(new Error('over'))
  }

  get #marks(): Marks {
    return { started: this.#started, sent: this.#sent, first: this.#first }
  }
}

function failure(reason: Extract<HttpOutcome, { ok: false }>['reason'], detail: string, marks: Marks): HttpOutcome {
  return { ok: false, reason, detail: detail.slice(0, 500), timing: timingOf(marks) }
}

function timingOf(marks: Marks): HttpTiming {
  const since = (mark: number | null) => (mark === null ? null : rounded(mark - marks.started))
  return {
    connectMs: since(marks.sent),
    firstByteMs: since(marks.first),
    totalMs: rounded(performance.now() - marks.started),
  }
}

/** Hundredths of a millisecond: finer is noise. */
function rounded(ms: number): number {
  return Math.round(ms * 100) / 100
}

function definedHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const defined: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) defined[name] = value
  return defined
}

/** Connects like undici, but only to addresses that the guard lets through. */
function guardedConnector(guard: Guard, options: HttpClientOptions): buildConnector.connector {
  const connect = buildConnector({
    allowH2: false,
    // The exchange's own time-out ends a connection attempt that takes too long.
    timeout: 120_000,
    ...(options.ca === null ? {} : { ca: options.ca }),
    lookup: (host, lookupOptions, done) => {
      guard.lookup(host, (error, addresses) => {
        const first = addresses[0]
        if (error !== null || first === undefined) return done(error ?? new Error(`${host} has no address`), '', 0)
        if (lookupOptions.all === true) return done(null, [...addresses])
        done(null, first.address, first.family)
      })
    },
  })
  return (target, done) => {
    const host = target.hostname.replace(/^\[|\]$/g, '')
    // A literal address is connected to without a lookup.
    const verdict = isIP(host) === 0 ? { ok: true as const } : guard.address(host)
    if (!verdict.ok) return done(new RefusedAddress(verdict.why), null)
    connect({ ...target, hostname: host }, (...result) => {
      const [error, socket] = result
      if (error !== null || socket === null) return done(error ?? new Error('no socket'), null)
      const actual = guard.address(remoteOf(socket))
      if (actual.ok) return done(null, socket)
      socket.destroy()
      done(new RefusedAddress(actual.why), null)
    })
  }
}

function remoteOf(socket: Socket): string {
  return socket.remoteAddress ?? 'unknown'
}

const DNS = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ENODATA', 'ESERVFAIL', 'EAI_NODATA', 'EAI_FAIL'])
const CONNECT = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'EACCES',
])
const RESET = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ECONNABORTED'])

function reasonOf(error: Error): {
  readonly reason: Extract<HttpOutcome, { ok: false }>['reason']
  readonly detail: string
} {
  const code = codeOf(error)
  const detail = code === '' ? messageOf(error) : `${code}: ${messageOf(error)}`
  if (error instanceof RefusedAddress) return { reason: 'refused_address', detail: error.message }
  if (DNS.has(code)) return { reason: 'dns', detail }
  if (CONNECT.has(code)) return { reason: 'connect', detail }
  if (code === 'ETIMEDOUT') return { reason: 'timeout', detail }
  if (RESET.has(code)) return { reason: 'reset', detail }
  if (/^(?:CERT|ERR_TLS|ERR_SSL|DEPTH_ZERO|UNABLE_TO|SELF_SIGNED|HOSTNAME_MISMATCH|EPROTO)/.test(code))
    return { reason: 'tls', detail }
  if (/^(?:HPE|UND_ERR_HEADERS|UND_ERR_RES|UND_ERR_HTTP)/.test(code) || error.name === 'HTTPParserError')
    return { reason: 'malformed', detail }
  return { reason: 'reset', detail }
}

function codeOf(error: Error): string {
  if ('code' in error && typeof error.code === 'string') return error.code
  if (error instanceof AggregateError) {
    const first: unknown = error.errors[0]
    return first instanceof Error ? codeOf(first) : ''
  }
  return error.cause instanceof Error ? codeOf(error.cause) : ''
}
