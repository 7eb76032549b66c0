import type { Instant } from '../model/instant.ts'
import type { DeliveryKey, DeliveryState, StoredEvent } from './delivery_store.ts'
import type { Transaction } from './transaction.ts'

/** What events are searched by; null: by anything. */
export interface EventQuery {
  readonly account: string
  readonly dialect: string | null
  /** An exact type, or `prefix.*`. */
  readonly type: string | null
  readonly customer: string | null
  readonly subject: string | null
  readonly fact: string | null
  /** On the account's clock: from (inclusive) and until (exclusive). */
  readonly from: Instant | null
  readonly until: Instant | null
  readonly order: 'newest' | 'oldest'
  /** The id of the last event of the page before. */
  readonly after: string | null
  readonly limit: number
}

/** What deliveries are searched by; null: by anything. */
export interface DeliveryQuery {
  readonly account: string
  readonly event: string | null
  readonly endpoint: string | null
  readonly state: DeliveryState | null
  readonly type: string | null
  readonly customer: string | null
  readonly from: Instant | null
  readonly until: Instant | null
  readonly order: 'newest' | 'oldest'
  readonly after: Pick<DeliveryKey, 'event' | 'endpoint'> | null
  readonly limit: number
}

/** A delivery as it is kept. */
export interface LoggedDelivery extends DeliveryKey {
  readonly type: string
  readonly dialect: string
  readonly providerId: string
  readonly fact: string | null
  readonly subject: string | null
  readonly customer: string | null
  readonly createdAt: Instant
  readonly state: DeliveryState
  readonly clock: 'real' | 'test'
  readonly dueAt: Instant | null
  /** The node that is at it; null if none is. */
  readonly lease: string | null
  readonly made: number
  readonly firstAt: Instant | null
  readonly lastAt: Instant | null
  readonly lastStatus: number | null
  /** The first acknowledgement; a replay does not take it back. */
  readonly acknowledgedAt: Instant | null
  readonly settledAt: Instant | null
  /** One JSON text per attempt, oldest first. */
  readonly attempts: readonly string[]
}

/** Numbers of deliveries by endpoint and state. */
export interface DeliveryCount {
  readonly endpoint: string
  readonly state: DeliveryState
  readonly count: number
}

/** Questions about what was published and delivered. */
export interface DeliveryLog {
  event(account: string, id: string): Promise<StoredEvent | null>
  /** By the id that the receiver sees; several dialects may use the same. */
  eventsByProviderId(account: string, providerId: string): Promise<readonly StoredEvent[]>
  events(query: EventQuery): Promise<readonly StoredEvent[]>
  delivery(key: DeliveryKey): Promise<LoggedDelivery | null>
  deliveries(query: DeliveryQuery): Promise<readonly LoggedDelivery[]>
  /** The deliveries of all events that tell a fact. */
  deliveriesOfFact(transaction: Transaction | null, account: string, fact: string): Promise<readonly LoggedDelivery[]>
  counts(account: string): Promise<readonly DeliveryCount[]>
}
