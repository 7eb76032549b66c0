import type { Headers } from '../wire/headers.ts'

/** One outgoing request. The body's bytes are sent exactly as given. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
  /** The whole exchange, from connecting to the last byte of the answer, must be over in this time. */
  readonly timeoutMs: number
  /** No more of the answer's body is read than this. */
  readonly maxResponseBytes: number
}

/** Where the time of an exchange went, in milliseconds; null where that phase was not reached. */
export interface HttpTiming {
  readonly connectMs: number | null
  readonly firstByteMs: number | null
  readonly totalMs: number
}

/** How an exchange ended. Nothing is thrown for what a remote side does. */
export type HttpOutcome =
  | {
      readonly ok: true
      readonly status: number
      readonly headers: Headers
      /** The first bytes of the body, cut at the request's limit. */
      readonly body: Uint8Array
      readonly truncated: boolean
      readonly timing: HttpTiming
    }
  | {
      readonly ok: false
      /** `refused_address`: the guard against internal addresses did not let it connect. */
      readonly reason: 'timeout' | 'connect' | 'tls' | 'dns' | 'reset' | 'refused_address' | 'malformed' | 'canceled'
      readonly detail: string
      readonly timing: HttpTiming
    }

/** Sends requests; redirects are never followed. */
export interface HttpClient {
  send(request: HttpRequest, signal?: AbortSignal): Promise<HttpOutcome>
}
