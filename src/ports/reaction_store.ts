import type { FactKind } from '../model/facts.ts'
import type { Instant } from '../model/instant.ts'
import type { SourceRef } from './ledger_store.ts'
import type { Transaction } from './transaction.ts'

/** `waiting` for its time or its handler; `done`; `dropped` because the fact was retracted before it was told; `dead`. */
export type ReactionState = 'waiting' | 'done' | 'dropped' | 'dead'

/** One fact to be told to the handlers. */
export interface ReactionRow {
  readonly account: string
  /** Rises with the time of its making: reactions of one subject run in this order. */
  readonly id: string
  readonly source: string
  /** Reactions of one subject run one after another. */
  readonly subject: string
  readonly factKey: string
  readonly kind: FactKind
  /** What the handlers are given, as text of the model. */
  readonly data: string
  readonly delivery: string | null
  readonly state: ReactionState
  readonly dueAt: Instant
  readonly attempts: number
  /** Names of the handlers that are done with it. */
  readonly done: readonly string[]
  readonly error: string | null
  readonly createdAt: Instant
  readonly finishedAt: Instant | null
}

/** A reaction that this process works on: nobody else does before `until`. */
export interface LeasedReaction extends ReactionRow {
  readonly lease: string
}

/** Selects handler calls; what is left out selects all. */
export interface ReactionQuery {
  readonly account: string
  readonly source?: string | undefined
  readonly state?: ReactionState | undefined
  readonly factKey?: string | undefined
  /** The id of the last one of the page before; newest first. */
  readonly after?: string | undefined
  readonly limit: number
}

/** Persistence of the outbox of reactions. */
export interface ReactionStore {
  addReactions(transaction: Transaction, reactions: readonly ReactionRow[]): Promise<void>
  /** Drops reactions to a fact that nobody has begun to tell. @returns how many */
  dropWaiting(transaction: Transaction, of: SourceRef, factKey: string, at: Instant): Promise<number>
  /**
   * Leases due reactions until `until`, oldest first, at most one of each subject, and only the oldest of it that waits.
   *
   * @param settling true: also those that wait for their first time
   */
  leaseReactions(claim: {
    readonly at: Instant
    readonly until: Instant
    readonly lease: string
    readonly limit: number
    readonly settling: boolean
  }): Promise<readonly LeasedReaction[]>
  /** Notes a handler that is done, under the lease. @returns false if the lease was lost */
  noteDone(transaction: Transaction, reaction: LeasedReaction, done: readonly string[]): Promise<boolean>
  /** Ends or puts off a reaction under its lease. @returns false if the lease was lost */
  finishReaction(
    transaction: Transaction,
    reaction: LeasedReaction,
    outcome: {
      readonly state: ReactionState
      readonly dueAt: Instant
      readonly error: string | null
      readonly finishedAt: Instant | null
    },
  ): Promise<boolean>
  /** Number of reactions of a delivery that wait, and that are dead. */
  leftOf(
    transaction: Transaction,
    account: string,
    delivery: string,
  ): Promise<{ readonly waiting: number; readonly dead: number }>
  /** Gives dead reactions another series of attempts. @returns how many */
  reviveReactions(account: string, ids: readonly string[], at: Instant): Promise<number>
  /** The same for the dead reactions to a delivery. */
  reviveReactionsOf(account: string, delivery: string, at: Instant): Promise<number>
  reaction(account: string, id: string): Promise<ReactionRow | null>
  reactions(query: ReactionQuery): Promise<readonly ReactionRow[]>
  nextReaction(): Promise<Instant | null>
  countWaiting(): Promise<number>
  /** Removes reactions that were finished before `before`; dead ones stay. @returns how many */
  pruneReactions(before: Instant, limit: number): Promise<number>
}
