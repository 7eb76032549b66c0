import type { Instant } from '../model/instant.ts'
import type { Refusal } from '../model/verdict.ts'
import type { Headers } from '../wire/headers.ts'
import type { Transaction } from './transaction.ts'

/**
 * The life of a delivery: `refused` is the end; `received`, then `folded` into the ledger, then `reacted` when every
 * reaction to it is done; `dead` if it could not be folded, or a reaction to it was given up.
 */
export type ReceivedState = 'received' | 'refused' | 'folded' | 'reacted' | 'dead'

/** One delivery that reached a source, without its bytes. */
export interface Received {
  readonly account: string
  /** Rises with the time of arrival. */
  readonly id: string
  readonly source: string
  readonly receivedAt: Instant
  /** Bytes of the body. */
  readonly size: number
  /** SHA-256 of the body, hexadecimal. */
  readonly sha256: string
  readonly verdict: 'ok' | Refusal
  readonly detail: string | null
  /** What deliveries of the same event have in common; null if it was refused. */
  readonly dedupe: string | null
  readonly eventId: string | null
  readonly eventType: string | null
  readonly sentAt: Instant | null
  readonly state: ReceivedState
  /** Why it is in this state, where that is not plain. */
  readonly reason: string | null
  readonly foldedAt: Instant | null
  readonly reactedAt: Instant | null
  readonly deadAt: Instant | null
}

/** What came over the wire. */
export interface RawDelivery {
  readonly headers: Headers
  readonly body: Uint8Array
}

/** A delivery with its headers and body. */
export type ReceivedWithRaw = Received & RawDelivery

/** What to list; newest first. */
export interface ReceivedQuery {
  readonly account: string
  readonly source?: string | undefined
  readonly state?: ReceivedState | undefined
  readonly eventId?: string | undefined
  readonly eventType?: string | undefined
  /** The id of the last one of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

/** The first delivery of an event, which is the one that was folded. */
export interface FoldedEvent {
  readonly account: string
  readonly source: string
  readonly dedupe: string
  readonly delivery: string
  readonly sha256: string
}

/** A change of a delivery's state. */
export interface ReceivedChange {
  readonly account: string
  readonly id: string
  readonly state: 'folded' | 'reacted' | 'dead'
  readonly reason: string | null
  readonly at: Instant
}

/** Persistence of what was received: one row for each delivery, with the raw bytes. */
export interface ReceivedStore {
  /** Durable when it resolves: all of them or none, in one flush. */
  add(deliveries: readonly ReceivedWithRaw[]): Promise<void>
  received(account: string, id: string): Promise<Received | null>
  raw(account: string, id: string): Promise<RawDelivery | null>
  listReceived(query: ReceivedQuery): Promise<readonly Received[]>
  /** Deliveries to fold, oldest first; on PostgreSQL locked, those locked by others left out. */
  claimReceived(transaction: Transaction, limit: number): Promise<readonly Received[]>
  /** What came over the wire for these deliveries, by id. */
  raws(
    transaction: Transaction,
    deliveries: readonly Pick<Received, 'account' | 'id'>[],
  ): Promise<ReadonlyMap<string, RawDelivery>>
  /** Ids of deliveries that were folded as the first of their event, in order: what a re-fold reads. */
  foldedDeliveries(query: {
    readonly account: string
    readonly source: string
    readonly after: string
    readonly limit: number
  }): Promise<readonly ReceivedWithRaw[]>
  /** Claims events for their deliveries; returns whose delivery each event belongs to: the first one's. */
  claimEvents(transaction: Transaction, events: readonly FoldedEvent[], at: Instant): Promise<readonly FoldedEvent[]>
  change(transaction: Transaction, changes: readonly ReceivedChange[]): Promise<void>
  /** Puts a dead delivery back to be folded. @returns false if it is not dead */
  requeue(account: string, id: string): Promise<boolean>
  /** Number of deliveries that are not folded yet. */
  backlog(): Promise<number>
  /** Removes the oldest refused deliveries of a source beyond `keep`. @returns how many */
  capRefused(account: string, source: string, keep: number): Promise<number>
  /**
   * Removes deliveries whose id sorts before `beforeId` and that nothing is left to do for, oldest first, at most `limit`
   * of each account. Their events are forgotten with them.
   *
   * @returns how many
   */
  prune(beforeId: string, limit: number): Promise<number>
}
