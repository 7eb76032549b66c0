import type { FactKind } from '../model/facts.ts'
import type { Instant } from '../model/instant.ts'
import type { ObjectKind } from '../model/objects.ts'
import type { Transaction } from './transaction.ts'

/** What belongs to which source of which account. */
export interface SourceRef {
  readonly account: string
  readonly source: string
}

/** A group of observations that belong to one subject. */
export interface GroupRow {
  readonly id: string
  /** Rises with each change. */
  readonly version: number
  /** When the watchdog must look at it; null: not by itself. */
  readonly watchAt: Instant | null
  /** Why what is known may be out of date; null: it is not. */
  readonly stale: string | null
  /** What access is computed from, as text of the model; empty while nothing was folded. */
  readonly state: string
}

/** What one delivery (or fetch) observed about the subject of one group. */
export interface ObservationRow {
  readonly delivery: string
  /** The place of the first of them within the delivery. */
  readonly place: number
  readonly group: string
  /** The observations and their places, as text of the model. */
  readonly data: string
}

/** What is known of an object: its value as text of the model. */
export interface ObjectRow {
  readonly kind: ObjectKind
  readonly id: string
  readonly data: string
}

/** A derived fact as text of the model, and what became of it. */
export interface FactRow {
  readonly key: string
  readonly group: string
  readonly kind: FactKind
  readonly at: Instant
  readonly customer: string | null
  readonly subscription: string | null
  readonly data: string
  /** The delivery that it first followed from; null: none (time passed, or it was fetched). */
  readonly delivery: string | null
  readonly toldAt: Instant
  readonly retractedAt: Instant | null
}

/** The last access answer of a customer that a change is measured against. */
export interface AccessRow {
  readonly customer: string
  readonly group: string
  /** Running number of its changes. */
  readonly number: number
  readonly summary: string
  /** When time alone turns the answer; null: never. */
  readonly turnsAt: Instant | null
}

/** Everything stored of some groups. */
export interface GroupContents {
  readonly observations: readonly ObservationRow[]
  readonly facts: readonly FactRow[]
  readonly access: readonly AccessRow[]
}

/** What a fold changed. */
export interface LedgerChange {
  readonly observations: readonly ObservationRow[]
  readonly objects: readonly ObjectRow[]
  readonly facts: readonly FactRow[]
  readonly access: readonly AccessRow[]
  readonly groups: readonly GroupRow[]
}

/** What to list of facts; newest first by their own time. */
export interface FactQuery {
  readonly account: string
  readonly source?: string | undefined
  readonly customer?: string | undefined
  readonly kind?: FactKind | undefined
  readonly retracted?: boolean | undefined
  readonly key?: string | undefined
  /** Facts that first followed from this delivery; needs the source. */
  readonly delivery?: string | undefined
  /** The last one of the page before. */
  readonly after?: { readonly at: Instant; readonly source: string; readonly key: string } | undefined
  readonly limit: number
}

/** What to list of objects. */
export interface ObjectQuery {
  readonly account: string
  readonly source?: string | undefined
  readonly kind: ObjectKind
  readonly after?: { readonly source: string; readonly id: string } | undefined
  readonly limit: number
}

/** Persistence of the ledger. Nothing here understands what it keeps. */
export interface LedgerStore {
  /**
   * Puts each list of references into one group, uniting groups that a list joins, and locks all of them until the
   * transaction ends.
   *
   * @param newId ids of new groups; of several groups that become one, the smallest id stays
   * @returns the group of each list
   */
  unite(
    transaction: Transaction,
    of: SourceRef,
    linked: readonly (readonly string[])[],
    newId: () => string,
  ): Promise<readonly GroupRow[]>
  /** Locks groups in order; those that are no more are left out. */
  lockGroups(transaction: Transaction, of: SourceRef, ids: readonly string[]): Promise<readonly GroupRow[]>
  contents(transaction: Transaction | null, of: SourceRef, groups: readonly string[]): Promise<GroupContents>
  observationsOf(
    transaction: Transaction | null,
    of: SourceRef,
    groups: readonly string[],
  ): Promise<readonly ObservationRow[]>
  saveLedger(transaction: Transaction, of: SourceRef, change: LedgerChange): Promise<void>
  /** The groups of references such as `customer:cus_1`. */
  groupsOf(
    transaction: Transaction | null,
    of: SourceRef,
    references: readonly string[],
  ): Promise<readonly (GroupRow & { readonly reference: string })[]>
  groupIds(of: SourceRef, after: string, limit: number): Promise<readonly string[]>
  object(of: SourceRef, kind: ObjectKind, id: string): Promise<ObjectRow | null>
  objects(query: ObjectQuery): Promise<readonly (ObjectRow & SourceRef)[]>
  fact(of: SourceRef, key: string): Promise<FactRow | null>
  facts(query: FactQuery): Promise<readonly (FactRow & SourceRef)[]>
  /** Customers whose answer time has turned at `at`, soonest first. */
  accessTurned(at: Instant, limit: number): Promise<readonly (AccessRow & SourceRef)[]>
  nextAccessTurn(): Promise<Instant | null>
  /** Has all answers of an account looked at again at `at`. */
  turnAccess(account: string, at: Instant): Promise<void>
  /** Groups that the watchdog must look at. */
  watched(at: Instant, limit: number): Promise<readonly (GroupRow & SourceRef)[]>
  nextWatch(): Promise<Instant | null>
  /** Facts that were not taken back and that a fold derives, in the order of their keys: what re-folds are compared by. */
  derivedFacts(of: SourceRef, after: string, limit: number): Promise<readonly FactRow[]>
  /** Observations that no stored delivery tells again: they were fetched, or their delivery was removed since. */
  looseObservations(
    of: SourceRef,
    after: { readonly delivery: string; readonly place: number },
    limit: number,
  ): Promise<readonly ObservationRow[]>
  /** Removes everything that the ledger keeps of a source (or of a shadow of it). */
  dropLedger(transaction: Transaction, of: SourceRef): Promise<void>
  /** Puts a shadow in the place of a source's ledger; its answers are looked at again at `at`. */
  replaceLedger(transaction: Transaction, of: SourceRef, shadow: SourceRef, at: Instant): Promise<void>
}
