import { open } from '../dialects/dialect.ts'
import type { Opened } from '../dialects/dialect.ts'
import { ERRORS, isBillhookError, messageOf } from '../model/error.ts'
import type { ErrorCode } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import { SECOND_MS } from '../model/instant.ts'
import { REFUSALS } from '../model/verdict.ts'
import type { Refusal } from '../model/verdict.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { ReceivedStore, ReceivedWithRaw } from '../ports/received_store.ts'
import type { Headers } from '../wire/headers.ts'
import { sha256Hex } from '../wire/hmac.ts'
import { GroupCommit } from './group_commit.ts'
import type { IdSource } from './receipt_ids.ts'
import type { OpenedDeliveries } from './opened.ts'
import type { LiveSource, SourceBook } from './sources.ts'

/** A request as it came in. */
export interface Arrival {
  readonly account: string
  /** The name of the source, from the URL. */
  readonly source: string
  readonly headers: Headers
  /** The exact bytes of the body; null if something in front has parsed it, so that they cannot be had. */
  readonly body: Uint8Array | null
}

/** What the sender is answered. */
export type IngestAnswer =
  | { readonly ok: true; readonly status: number; readonly delivery: string }
  | {
      readonly ok: false
      readonly status: number
      readonly error: { readonly code: ErrorCode; readonly message: string; readonly reason?: Refusal }
      /** Null if it was not recorded. */
      readonly delivery: string | null
    }

/** Takes deliveries in: opens them, stores them durably, and answers. Nothing else happens before the answer. */
export interface Ingest {
  receive(arrival: Arrival): Promise<IngestAnswer>
  /** Whether deliveries are being stored at this moment. */
  readonly isStoring: boolean
  /** When a delivery could last not be stored; null if one was stored since, or none ever failed. */
  readonly failedAt: Instant | null
}

/** Bounds of what is taken in. */
export interface IngestOptions {
  /** Larger bodies are refused. */
  readonly maxBodyBytes: number
  /** Refused deliveries that are kept of each source; older ones are removed. */
  readonly maxRefused: number
  /** Most deliveries that share a flush. */
  readonly maxBatch: number
  /** Flushes at a time. */
  readonly maxWrites: number
}

const INGEST_DEFAULTS: IngestOptions = {
  maxBodyBytes: 1024 * 1024,
  maxRefused: 1_000,
  maxBatch: 128,
  maxWrites: 2,
}

/** What taking deliveries in needs. */
export interface IngestPorts {
  readonly sources: SourceBook
  readonly store: ReceivedStore
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly newId: IdSource
  readonly opened: OpenedDeliveries
  /** Called after deliveries were stored, before they are answered: the processing may begin. */
  readonly stored: () => void
  /** What an answer waits for so that the processing is not left behind; null: nothing. */
  readonly room: () => Promise<void> | null
}

/** Deliveries that may wait for a flush; at a megabyte each that is what a small machine can hold. */
const MAX_WAITING = 1_000
/** A refused body is kept up to here: enough to see what it is, too little to fill a disk with. */
const MAX_REFUSED_BYTES = 64 * 1024
/** Refused deliveries recorded of each source in one second; the rest is only counted. */
const MAX_REFUSED_PER_SECOND = 50
/** The cap is looked after each time that so many were refused. */
const CAP_EVERY = 100

/** @param options bounds; {@link INGEST_DEFAULTS} where not given */
export function createIngest(ports: IngestPorts, options: Partial<IngestOptions> = {}): Ingest {
  return new IngestRoute(ports, { ...INGEST_DEFAULTS, ...options })
}

class IngestRoute implements Ingest {
  readonly #ports: IngestPorts
  readonly #options: IngestOptions
  readonly #commit: GroupCommit<ReceivedWithRaw>
  #failedAt: Instant | null = null
  readonly #refused = new Map<string, { second: number; inSecond: number; sinceCap: number }>()

  constructor(ports: IngestPorts, options: IngestOptions) {
    this.#ports = ports
    this.#options = options
    this.#commit = new GroupCommit({
      write: (items) => ports.store.add(items),
      maxItems: options.maxBatch,
      maxWrites: options.maxWrites,
      maxWaiting: MAX_WAITING,
    })
  }

  get isStoring(): boolean {
    return this.#commit.isBusy
  }

  get failedAt(): Instant | null {
    return this.#failedAt
  }

  async receive(arrival: Arrival): Promise<IngestAnswer> {
    try {
      const source = await this.#ports.sources.find(arrival.account, arrival.source)
      if (source === null) return this.#unknown(arrival)
      const at = this.#ports.clock.now()
      const opened = await this.#open(source, arrival, at)
      return opened.ok
        ? await this.#accept(source, arrival, opened, at)
        : await this.#refuse(source, arrival, opened, at)
    } catch (error) {
      // Whatever is wrong here, nothing was acknowledged: the sender will try again.
      return this.#failed(arrival, error)
    }
  }

  async #open(source: LiveSource, arrival: Arrival, at: Instant): Promise<Opened> {
    const { maxBodyBytes } = this.#options
    if (arrival.body === null)
      return { ok: false, reason: 'body_not_raw', detail: 'the exact bytes of the body are gone' }
    if (arrival.body.length > maxBodyBytes)
      return {
        ok: false,
        reason: 'body_too_large',
        detail: `the body has ${arrival.body.length} bytes, the limit is ${maxBodyBytes}`,
      }
    const time = { at, toleranceMs: source.settings.toleranceMs }
    return open(source.dialect, { headers: arrival.headers, body: arrival.body }, source.keys, time)
  }

  async #accept(
    source: LiveSource,
    arrival: Arrival,
    opened: Extract<Opened, { ok: true }>,
    at: Instant,
  ): Promise<IngestAnswer> {
    const delivery: ReceivedWithRaw = {
      ...rowOf(source, arrival, at, this.#ports.newId(at)),
      verdict: 'ok',
      detail: null,
      dedupe: opened.dedupe,
      eventId: opened.notification.id,
      eventType: opened.notification.type,
      sentAt: opened.sentAt,
      state: 'received',
    }
    const durable = this.#commit.add(delivery)
    if (durable === null) return this.#overloaded(arrival)
    const { opened: handed } = this.#ports
    handed.add(delivery.id, opened.notification, delivery.size)
    try {
      await durable
    } catch (error) {
      handed.forget(delivery.id)
      throw error
    }
    this.#failedAt = null
    this.#ports.metrics.count('billhook_inbox_received_total', { source: source.name, verdict: 'ok' })
    this.#ports.stored()
    await this.#ports.room()
    return { ok: true, status: source.dialect.acknowledgement[0] ?? 200, delivery: delivery.id }
  }

  async #refuse(
    source: LiveSource,
    arrival: Arrival,
    refused: Extract<Opened, { ok: false }>,
    at: Instant,
  ): Promise<IngestAnswer> {
    const { reason, detail } = refused
    this.#ports.metrics.count('billhook_inbox_received_total', { source: source.name, verdict: reason })
    const id = this.#mayRecord(source, at) ? await this.#record(source, arrival, refused, at) : null
    this.#ports.log.warn({ source: source.name, delivery: id, reason, detail }, 'delivery refused')
    const { status, meaning } = REFUSALS[reason]
    const code = reason === 'body_too_large' ? 'payload_too_large' : 'delivery_refused'
    return { ok: false, status, error: { code, message: `${detail}. ${meaning}`, reason }, delivery: id }
  }

  async #record(
    source: LiveSource,
    arrival: Arrival,
    refused: Extract<Opened, { ok: false }>,
    at: Instant,
  ): Promise<string | null> {
    const body = arrival.body ?? new Uint8Array()
    const kept = body.subarray(0, MAX_REFUSED_BYTES)
    const id = this.#ports.newId(at)
    const durable = this.#commit.add({
      ...rowOf(source, { ...arrival, body }, at, id),
      body: kept,
      verdict: refused.reason,
      detail: refused.detail,
      dedupe: null,
      eventId: null,
      eventType: null,
      sentAt: null,
      state: 'refused',
      reason: kept.length < body.length ? `only the first ${kept.length} bytes were kept` : null,
    })
    if (durable === null) return null
    await durable
    // What was stored before it may have waited for it.
    this.#ports.stored()
    await this.#cap(source)
    return id
  }

  #mayRecord(source: LiveSource, at: Instant): boolean {
    const key = `${source.account}\n${source.name}`
    const second = Math.floor(at / SECOND_MS)
    const rate = this.#refused.get(key) ?? { second, inSecond: 0, sinceCap: 0 }
    if (rate.second !== second) Object.assign(rate, { second, inSecond: 0 })
    rate.inSecond += 1
    this.#refused.set(key, rate)
    return rate.inSecond <= MAX_REFUSED_PER_SECOND
  }

  async #cap(source: LiveSource): Promise<void> {
    const rate = this.#refused.get(`${source.account}\n${source.name}`)
    if (rate === undefined) return
    rate.sinceCap += 1
    if (rate.sinceCap < Math.min(CAP_EVERY, this.#options.maxRefused)) return
    rate.sinceCap = 0
    await this.#ports.store.capRefused(source.account, source.name, this.#options.maxRefused)
  }

  #unknown(arrival: Arrival): IngestAnswer {
    this.#ports.metrics.count('billhook_inbox_unknown_source_total')
    const message = `no source is called ${JSON.stringify(arrival.source.slice(0, 64))}`
    return {
      ok: false,
      status: ERRORS.unknown_source.status,
      error: { code: 'unknown_source', message },
      delivery: null,
    }
  }

  #overloaded(arrival: Arrival): IngestAnswer {
    this.#ports.log.error(
      { source: arrival.source },
      'too many deliveries wait to be stored; asked the sender to retry',
    )
    const message = 'too many deliveries wait to be stored; send it again'
    return { ok: false, status: 503, error: { code: 'store_unavailable', message }, delivery: null }
  }

  #failed(arrival: Arrival, error: unknown): IngestAnswer {
    this.#failedAt = this.#ports.clock.now()
    const code = isBillhookError(error) && error.status >= 500 ? error.code : 'store_unavailable'
    this.#ports.metrics.count('billhook_inbox_store_failures_total')
    this.#ports.log.error({ source: arrival.source, error: messageOf(error) }, 'a delivery could not be stored')
    const message = `${ERRORS[code].meaning} Nothing was accepted: send it again.`
    return { ok: false, status: 503, error: { code, message }, delivery: null }
  }
}

/** The part of a row that does not depend on the verdict. */
function rowOf(source: LiveSource, arrival: Arrival, at: Instant, id: string) {
  const body = arrival.body ?? new Uint8Array()
  return {
    account: source.account,
    id,
    source: source.name,
    receivedAt: at,
    size: body.length,
    sha256: sha256Hex(body),
    headers: arrival.headers,
    body,
    reason: null,
    foldedAt: null,
    reactedAt: null,
    deadAt: null,
  }
}
