import type { Instant } from '../model/instant.ts'
import type { DeliveryState } from './delivery_store.ts'
import type { Transaction } from './transaction.ts'

/** What a replay sends again; null: whatever it is. */
export interface ReplayFilter {
  readonly endpoint: string | null
  readonly event: string | null
  readonly states: readonly DeliveryState[]
  /** An exact type, or `prefix.*`. */
  readonly type: string | null
  readonly customer: string | null
  /** On the account's clock. */
  readonly from: Instant | null
  readonly until: Instant | null
}

/** A replay: a job that survives restarts and can be canceled. */
export interface Replay {
  readonly account: string
  readonly id: string
  readonly filter: ReplayFilter
  readonly state: 'running' | 'done' | 'canceled'
  /** Deliveries made due so far. */
  readonly replayed: number
  readonly createdAt: Instant
  readonly endedAt: Instant | null
  /** The last delivery looked at; null before the first. */
  readonly cursor: { readonly event: string; readonly endpoint: string } | null
}

/** A mail that waits to be sent. */
export interface Notice {
  readonly key: string
  readonly account: string
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly tries: number
}

/** Replays, mails, retention. */
export interface DeliveryChores {
  insertReplay(replay: Replay): Promise<void>
  replay(account: string, id: string): Promise<Replay | null>
  /** Newest first. */
  replays(account: string, limit: number): Promise<readonly Replay[]>
  /** False if it had ended before. */
  cancelReplay(account: string, id: string, at: Instant): Promise<boolean>
  /**
   * Takes the next `limit` deliveries of a running replay and makes them due, in one transaction with its progress.
   * Null if no replay runs that nobody else is at.
   */
  stepReplay(step: {
    readonly account: string | null
    readonly now: (account: string) => Promise<Instant>
    readonly limit: number
  }): Promise<Replay | null>

  insertNotice(transaction: Transaction, notice: Notice, dueAt: Instant): Promise<void>
  /** Notices due at `now`; until `until` nobody else takes them. */
  claimNotices(now: Instant, until: Instant, limit: number): Promise<readonly Notice[]>
  dropNotice(key: string): Promise<void>
  delayNotice(key: string, until: Instant): Promise<void>

  /** Makes room for the events of the weeks around `now`. Safe to call from several nodes. */
  prepareStorage(now: Instant): Promise<void>
  /** Drops what was stored before `before`: whole partitions where the backend has them. Answers with what it dropped. */
  dropBefore(before: Instant): Promise<readonly string[]>
}
