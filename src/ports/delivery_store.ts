import type { Instant } from '../model/instant.ts'
import type { Transaction } from './transaction.ts'

/**
 * `pending`: an attempt is planned or in flight. `delivered`: acknowledged. `exhausted`: given up. `skipped`: the
 * endpoint was disabled. `held`: the endpoint is paused.
 */
export type DeliveryState = 'pending' | 'delivered' | 'exhausted' | 'skipped' | 'held'

/** An event as it is stored: the notification, and what it is found by. */
export interface StoredEvent {
  readonly account: string
  /** Sorts by the time of storing. */
  readonly id: string
  readonly dialect: string
  readonly type: string
  /** The id that the receiver sees. */
  readonly providerId: string
  readonly providerAccount: string | null
  readonly fact: string | null
  readonly subject: string | null
  readonly customer: string | null
  /** On the account's clock. */
  readonly createdAt: Instant
  /** The notification's body as JSON text; empty if {@link raw} is given. */
  readonly body: string
  /** The exact bytes to be sent, of a delivery that is forwarded as received. */
  readonly raw: Uint8Array | null
  readonly contentType: string | null
}

/** A delivery about to be stored with its event. */
export interface NewDelivery {
  readonly account: string
  readonly event: string
  readonly endpoint: string
  readonly state: 'pending' | 'skipped' | 'held'
  readonly clock: 'real' | 'test'
  /** The node that will deliver it from memory; null: whoever claims it at {@link dueAt}. */
  readonly lease: string | null
  /** Null if leased, skipped or held. */
  readonly dueAt: Instant | null
  /** Deliveries of one endpoint with the same key go one after another. */
  readonly orderKey: string | null
}

/** An idempotency key and what was answered under it. */
export interface PublishKey {
  readonly account: string
  readonly key: string
  /** Hash of what was published: the same key with another content is a conflict. */
  readonly fingerprint: string
  /** The answer, JSON text. */
  readonly answer: string
  readonly storedAt: Instant
}

/** A delivery that is to be attempted, with its event. */
export interface DueDelivery {
  readonly event: StoredEvent
  readonly endpoint: string
  readonly clock: 'real' | 'test'
  readonly lease: string | null
  /** Attempts made in this schedule. */
  readonly made: number
  readonly firstAt: Instant | null
  readonly dueAt: Instant | null
  readonly orderKey: string | null
}

/** What became of one attempt, or of a delivery that could not be attempted. */
export interface AttemptResult {
  readonly account: string
  readonly event: string
  readonly endpoint: string
  /** Both must still be as they were: a node that lost its lease overwrites nothing. */
  readonly lease: string | null
  readonly made: number
  readonly clock: 'real' | 'test'
  readonly state: DeliveryState
  /** When the next attempt is made; null if there is none. */
  readonly dueAt: Instant | null
  readonly at: Instant
  /** When the attempt began: the schedule and repeated signatures count from the first one. */
  readonly begunAt: Instant
  readonly status: number | null
  /** The attempt as JSON text without line breaks; null if none was made. */
  readonly entry: string | null
}

/** Names one delivery. */
export interface DeliveryKey {
  readonly account: string
  readonly event: string
  readonly endpoint: string
}

/** Events and deliveries: what is stored, claimed and settled in bulk. */
export interface DeliveryQueue {
  /** Stores events and their deliveries in one statement; without a transaction it is one of its own. */
  store(
    transaction: Transaction | null,
    events: readonly StoredEvent[],
    deliveries: readonly NewDelivery[],
  ): Promise<void>
  /** Stores keys; answers with those that were taken before, as they were stored. */
  takeKeys(transaction: Transaction, keys: readonly PublishKey[]): Promise<readonly PublishKey[]>
  /** Leases deliveries of the real clock that are due and not leased by a living node, earliest first. */
  claim(claim: {
    readonly node: string
    readonly now: Instant
    /** Until then nobody else takes them; {@link extend} moves it. */
    readonly until: Instant
    readonly limit: number
    /** Endpoints that have enough to do already. */
    readonly except: readonly string[]
  }): Promise<readonly DueDelivery[]>
  /** Moves the lease of claimed deliveries that still wait in memory. */
  extend(node: string, keys: readonly DeliveryKey[], until: Instant): Promise<void>
  /** Gives deliveries back: they are due at once, for anybody. */
  release(node: string, keys: readonly DeliveryKey[], now: Instant): Promise<void>
  /** Puts off what is due for endpoints that have enough to do. */
  defer(endpoints: readonly string[], now: Instant, until: Instant, limit: number): Promise<number>
  /** Writes results in bulk; answers with those that were accepted. */
  settle(transaction: Transaction | null, results: readonly AttemptResult[]): Promise<readonly DeliveryKey[]>
  /** When the next delivery of a test clock is due; null if none is. */
  testDue(account: string): Promise<Instant | null>
  /** Deliveries of a test clock due until `until`, by time and then by event. */
  claimTest(account: string, until: Instant, limit: number): Promise<readonly DueDelivery[]>
  /** What a paused endpoint missed becomes due. */
  releaseHeld(account: string, endpoint: string, clock: 'real' | 'test', now: Instant): Promise<number>
}

/** A process that delivers. */
export interface DeliveryNodes {
  /** False if this node was taken for dead meanwhile: its leases are gone. `oldest`: no fresh lease is older. */
  heartbeat(node: string, now: Instant, oldest: string): Promise<boolean>
  register(node: string, now: Instant, oldest: string): Promise<void>
  /** Removes nodes without a heartbeat since `deadline` and makes due what they had leased. */
  reap(deadline: Instant, now: Instant): Promise<{ readonly nodes: number; readonly returned: number }>
  /** Makes due what is leased to nodes that are not registered (any more), among events from `oldest` on. */
  sweep(oldest: string, now: Instant): Promise<number>
  /** A node that stops: what it still has leased becomes due. */
  leave(node: string, now: Instant): Promise<number>
}
