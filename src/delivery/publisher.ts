import { BillhookError, isBillhookError } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import { canonicalJson } from '../model/json.ts'
import type { JsonObject } from '../model/json.ts'
import type { DueDelivery, NewDelivery, PublishKey, StoredEvent } from '../ports/delivery_store.ts'
import type { DeliveryAccount } from '../ports/delivery_accounts.ts'
import type { PublishedEvent } from '../ports/outbox.ts'
import type { Transaction } from '../ports/transaction.ts'
import { sha256Hex } from '../wire/hmac.ts'
import type { Notification } from '../dialects/dialect.ts'
import type { ActiveEndpoint, ActiveEndpoints } from './active_endpoints.ts'
import { fanOut } from './fan_out.ts'
import { BODY_MAX_BYTES } from './limits.ts'
import type { DeliveryOptions } from './limits.ts'
import { standardEvent } from './operator_events.ts'
import { timeOf } from './ports.ts'
import type { DeliveryPorts } from './ports.ts'

/** What an event says. */
export type EventContent =
  /** Any type, told in the standard dialect. */
  | { readonly kind: 'standard'; readonly type: string; readonly data: JsonObject }
  /** A notification in the form of one dialect, as it stands. */
  | { readonly kind: 'notification'; readonly dialect: string; readonly notification: Notification }
  /** Bytes as received, sent to endpoints of the standard dialect and signed again. */
  | { readonly kind: 'raw'; readonly type: string; readonly bytes: Uint8Array; readonly contentType: string }

/** An event to be published. */
export interface NewEvent {
  readonly content: EventContent
  /** The same key again gives the same answer and publishes nothing; null: every call publishes. */
  readonly key: string | null
  readonly subject: string | null
  readonly customer: string | null
  /** Only to this endpoint, whatever it asks for; null: to all that ask for the type. */
  readonly endpoint: string | null
}

const TEXT = /^\P{Cc}{1,255}$/u
const TYPE = /^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,254}$/

interface Request {
  readonly account: DeliveryAccount
  readonly events: readonly NewEvent[]
  readonly resolve: (published: readonly PublishedEvent[]) => void
  readonly reject: (reason: unknown) => void
}

interface Prepared {
  readonly event: StoredEvent
  readonly deliveries: readonly NewDelivery[]
  readonly key: PublishKey | null
  readonly answer: PublishedEvent
}

/** For so long the answer about an account on the real clock holds. */
const ACCOUNT_MS = 1_000
const ACCOUNTS_MAX = 10_000

/** Requests that may wait to be written; more are refused while the store is slow. */
const WAITING_MAX = 50_000

/**
 * Publishes events. Calls that come while a statement is in flight share the next one: events, deliveries and leases of
 * many calls are one statement and one flush to disk. A call is answered when its events are durable; then they are
 * delivered from memory.
 */
export class Publisher {
  readonly #ports: DeliveryPorts
  readonly #options: DeliveryOptions
  readonly #active: ActiveEndpoints
  readonly #nextId: (now: Instant) => string
  readonly #lease: (active: ActiveEndpoint) => string | null
  readonly #vacate: (deliveries: readonly NewDelivery[]) => void
  readonly #abandon: (deliveries: readonly NewDelivery[]) => void
  readonly #committed: (deliveries: readonly DueDelivery[], stored: readonly NewDelivery[]) => void
  readonly #accounts = new Map<string, { readonly account: DeliveryAccount; readonly at: Instant }>()
  #waiting: Request[] = []
  #waitingEvents = 0
  #writes = 0
  #scheduled = false

  constructor(
    ports: DeliveryPorts,
    options: DeliveryOptions,
    parts: {
      readonly active: ActiveEndpoints
      readonly nextId: (now: Instant) => string
      readonly lease: (active: ActiveEndpoint) => string | null
      /** The leases that were given are used, or not needed. */
      readonly vacate: (deliveries: readonly NewDelivery[]) => void
      /** They may be stored, or may not: the answer did not come. */
      readonly abandon: (deliveries: readonly NewDelivery[]) => void
      /** Leased deliveries after their commit, and all that were stored. It must not throw. */
      readonly committed: (deliveries: readonly DueDelivery[], stored: readonly NewDelivery[]) => void
    },
  ) {
    this.#ports = ports
    this.#options = options
    this.#active = parts.active
    this.#nextId = parts.nextId
    this.#lease = parts.lease
    this.#vacate = parts.vacate
    this.#abandon = parts.abandon
    this.#committed = parts.committed
  }

  /**
   * Stores events and their deliveries, all or none of the call's.
   *
   * @returns one answer per event, in order; the events are durable
   * @throws BillhookError `not_found`, `invalid_request`, `payload_too_large`, `idempotency_conflict`, `store_unavailable`
   */
  async publish(accountId: string, events: readonly NewEvent[]): Promise<readonly PublishedEvent[]> {
    const account = await this.#check(accountId, events, null)
    if (events.length === 0) return []
    if (this.#waitingEvents + events.length > WAITING_MAX)
      throw new BillhookError(
        'rate_limited',
        `${this.#waitingEvents} events are waiting to be stored; try again in a moment`,
      )
    return new Promise((resolve, reject) => {
      this.#waiting.push({ account, events, resolve, reject })
      this.#waitingEvents += events.length
      this.#schedule()
    })
  }

  /** The same inside a transaction of the caller: nothing is delivered unless it commits. */
  async publishIn(
    transaction: Transaction,
    accountId: string,
    events: readonly NewEvent[],
  ): Promise<readonly PublishedEvent[]> {
    const account = await this.#check(accountId, events, transaction)
    const endpoints = await this.#active.fresh(transaction, [account.id])
    const prepared = events.map((event) => this.#prepare(account, event, endpoints.get(account.id), () => null))
    return this.#store(transaction, prepared)
  }

  async #check(id: string, events: readonly NewEvent[], transaction: Transaction | null): Promise<DeliveryAccount> {
    const account = await this.#account(id, transaction)
    if (account === null) throw new BillhookError('not_found', `there is no account ${id}`)
    for (const event of events) requireEvent(event, (dialect) => this.#ports.dialect(dialect) !== null)
    return account
  }

  /** An account on the real clock is looked up once a second at most; a test clock's time must be today's. */
  async #account(id: string, transaction: Transaction | null): Promise<DeliveryAccount | null> {
    const now = this.#ports.clock.now()
    const known = this.#accounts.get(id)
    if (known !== undefined && now >= known.at && now - known.at < ACCOUNT_MS) return known.account
    const account = await this.#ports.account(id, transaction)
    this.#accounts.delete(id)
    if (account?.clock.kind === 'real' && transaction === null) {
      if (this.#accounts.size >= ACCOUNTS_MAX) this.#accounts.clear()
      this.#accounts.set(id, { account, at: now })
    }
    return account
  }

  #schedule(): void {
    if (this.#scheduled || this.#writes >= this.#options.flushesMax || this.#waiting.length === 0) return
    this.#scheduled = true
    // After everything that this turn of the event loop brings: it joins.
    setImmediate(() => {
      this.#scheduled = false
      void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    const batch = this.#take()
    if (batch.length === 0) return
    this.#writes += 1
    this.#schedule()
    try {
      await this.#write(batch)
    } catch (error) {
      // One call's fault must not be another's: each is tried alone, unless the store itself is away.
      const away = isBillhookError(error) && error.code === 'store_unavailable'
      if (away || batch.length === 1) for (const { reject } of batch) reject(error)
      else for (const request of batch) await this.#write([request]).catch(request.reject)
    } finally {
      this.#writes -= 1
      this.#schedule()
    }
  }

  #take(): readonly Request[] {
    let events = 0
    let count = 0
    for (const request of this.#waiting) {
      if (count > 0 && events + request.events.length > this.#options.batchMax) break
      events += request.events.length
      count += 1
    }
    this.#waitingEvents -= events
    return this.#waiting.splice(0, count)
  }

  async #write(batch: readonly Request[]): Promise<void> {
    const accounts = [...new Set(batch.map(({ account }) => account.id))]
    const endpoints = await this.#active.fresh(null, accounts)
    const leased: NewDelivery[] = []
    try {
      const all: Prepared[] = []
      for (const { account, events } of batch) {
        for (const event of events) {
          const prepared = this.#prepare(account, event, endpoints.get(account.id), this.#lease)
          leased.push(...prepared.deliveries.filter(({ lease }) => lease !== null))
          all.push(prepared)
        }
      }
      await this.#writePrepared(batch, all)
    } catch (error) {
      this.#abandon(leased)
      throw error
    } finally {
      this.#vacate(leased)
    }
  }

  async #writePrepared(batch: readonly Request[], all: readonly Prepared[]): Promise<void> {
    const answers = all.some(({ key }) => key !== null)
      ? await this.#ports.transactions.transaction((transaction) => this.#store(transaction, all))
      : await this.#store(null, all)
    let next = 0
    for (const { resolve, events } of batch) resolve(answers.slice(next, (next += events.length)))
    this.#ports.metrics.count('billhook_events_published_total', {}, all.length)
    // Events whose key was taken before are not stored: their answers name other events.
    const stored = all.filter(({ answer }, i) => answers[i]?.event === answer.event)
    this.#committed(
      stored.flatMap(({ event, deliveries }) => deliveries.flatMap((delivery) => leasedOf(event, delivery))),
      stored.flatMap(({ deliveries }) => deliveries),
    )
  }

  async #store(transaction: Transaction | null, prepared: readonly Prepared[]): Promise<readonly PublishedEvent[]> {
    const taken = new Map<string, PublishKey>()
    const first = new Map<string, PublishKey>()
    for (const { key } of prepared) {
      if (key === null) continue
      const name = nameOf(key)
      const twin = first.get(name)
      if (twin !== undefined) requireSame(twin, key)
      else first.set(name, key)
    }
    if (transaction !== null)
      for (const key of await this.#ports.queue.takeKeys(transaction, [...first.values()])) taken.set(nameOf(key), key)
    const fresh = prepared.filter(
      ({ key }) => key === null || (first.get(nameOf(key)) === key && !taken.has(nameOf(key))),
    )
    await this.#ports.queue.store(
      transaction,
      fresh.map(({ event }) => event),
      fresh.flatMap(({ deliveries }) => deliveries),
    )
    return prepared.map(({ key, answer }) => {
      if (key === null) return answer
      const old = taken.get(nameOf(key)) ?? first.get(nameOf(key)) ?? key
      requireSame(old, key)
      return old === key ? answer : answerOf(old)
    })
  }

  #prepare(
    account: DeliveryAccount,
    event: NewEvent,
    endpoints: ReadonlyMap<string, ActiveEndpoint> | undefined,
    lease: (active: ActiveEndpoint) => string | null,
  ): Prepared {
    const now = this.#ports.clock.now()
    const at = timeOf(account, now)
    const { stored, body } = eventOf(account.id, event, this.#nextId(now), at)
    requireSize(stored)
    const deliveries = fanOut(stored, body, endpoints ?? new Map(), {
      clock: account.clock.kind,
      at,
      lease,
      only: event.endpoint,
      except: null,
    })
    const answer = { event: stored.id, type: stored.type, deliveries: deliveries.length }
    const key: PublishKey | null =
      event.key === null
        ? null
        : {
            account: account.id,
            key: `event:${event.key}`,
            fingerprint: fingerprintOf(event),
            answer: JSON.stringify(answer),
            storedAt: now,
          }
    return { event: stored, deliveries, key, answer }
  }
}

function eventOf(
  account: string,
  event: NewEvent,
  id: string,
  at: Instant,
): { readonly stored: StoredEvent; readonly body: JsonObject | null } {
  const { content, customer, subject } = event
  if (content.kind === 'standard')
    return standardEvent({ account, id, type: content.type, at, data: content.data, customer, subject })
  const base = { account, id, fact: null, subject, customer }
  if (content.kind === 'raw')
    return {
      stored: {
        ...base,
        dialect: 'standard',
        type: content.type,
        providerId: id,
        providerAccount: null,
        createdAt: at,
        body: '',
        raw: content.bytes,
        contentType: content.contentType,
      },
      body: null,
    }
  const { notification, dialect } = content
  return {
    stored: {
      ...base,
      dialect,
      type: notification.type,
      providerId: notification.id ?? id,
      providerAccount: notification.account,
      createdAt: notification.createdAt ?? at,
      body: JSON.stringify(notification.body),
      raw: null,
      contentType: null,
    },
    body: notification.body,
  }
}

function requireEvent(event: NewEvent, knowsDialect: (id: string) => boolean): void {
  const { content, key, subject, customer } = event
  const type = content.kind === 'notification' ? content.notification.type : content.type
  if (!TYPE.test(type))
    throw new BillhookError(
      'invalid_request',
      `type ${JSON.stringify(type)} is not an event type; write for example order.paid`,
    )
  for (const [name, text] of Object.entries({ key, subject, customer })) {
    if (text !== null && !TEXT.test(text))
      throw new BillhookError('invalid_request', `${name} must have from 1 to 255 characters and no control characters`)
  }
  if (content.kind === 'notification' && !knowsDialect(content.dialect))
    throw new BillhookError('unknown_dialect', `there is no dialect ${content.dialect}`)
}

function requireSize({ raw, body }: StoredEvent): void {
  const bytes = raw?.length ?? Buffer.byteLength(body)
  if (bytes > BODY_MAX_BYTES)
    throw new BillhookError('payload_too_large', `the body has ${bytes} bytes; at most ${BODY_MAX_BYTES} are sent`)
}

function leasedOf(event: StoredEvent, delivery: NewDelivery): readonly DueDelivery[] {
  if (delivery.lease === null) return []
  const { endpoint, clock, lease, dueAt, orderKey } = delivery
  return [{ event, endpoint, clock, lease, made: 0, firstAt: null, dueAt, orderKey }]
}

function fingerprintOf(event: NewEvent): string {
  const { content } = event
  if (content.kind !== 'raw') return sha256Hex(canonicalJson({ ...event, key: null }))
  return sha256Hex(canonicalJson({ ...event, key: null, content: { ...content, bytes: sha256Hex(content.bytes) } }))
}

function requireSame(old: PublishKey, key: PublishKey): void {
  if (old.fingerprint === key.fingerprint) return
  throw new BillhookError(
    'idempotency_conflict',
    `the key ${key.key.replace(/^event:/, '')} was already used for a different event; use a new key for a new event`,
  )
}

function answerOf(key: PublishKey): PublishedEvent {
  const answer: unknown = JSON.parse(key.answer)
  if (!isPublished(answer))
    throw new BillhookError('internal_invariant', `the answer stored under ${key.key} is broken`)
  return answer
}

function isPublished(value: unknown): value is PublishedEvent {
  return typeof value === 'object' && value !== null && 'event' in value && 'type' in value && 'deliveries' in value
}

function nameOf({ account, key }: PublishKey): string {
  return `${account}\n${key}`
}
