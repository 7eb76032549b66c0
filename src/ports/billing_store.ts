import type { EntityKind, EntityValues } from '../model/entities.ts'
import type { Told } from '../model/facts.ts'
import type { Instant } from '../model/instant.ts'
import type { JsonObject } from '../model/json.ts'
import type { Transaction } from './transaction.ts'

/**
 * An account of the billing system: one seller, with its own catalogue, customers, endpoints, profile and clock.
 */
export interface Account {
  readonly id: string
  readonly name: string
  /** The dialect that its events are logged in and whose profile it is billed by. */
  readonly dialect: string
  readonly livemode: boolean
  /** Null: the real clock. Else the account's test clock, which stands still until it is advanced. */
  readonly clock: TestClock | null
  /** What ids are derived from: the same seed and the same commands give the same bytes. */
  readonly seed: string
  /** Settings that differ from the profile's, as the profile's parser takes them. */
  readonly profile: JsonObject
  /** Choices where the provider's documents contradict each other. */
  readonly switches: Readonly<Record<string, string>>
  /** Who is told by mail that an endpoint fails. */
  readonly ownerEmail: string | null
  readonly createdAt: Instant
}

/** The test clock of an account. */
export interface TestClock {
  readonly id: string
  readonly name: string | null
  readonly now: Instant
  /** Where it is being advanced to; null while it stands still. A crash in between goes on from here. */
  readonly target: Instant | null
}

/** Entities of one customer (or of the catalogue, under {@link CATALOG}) that the engine still needs. */
export interface Aggregate {
  readonly account: string
  readonly customer: string
  readonly entities: readonly StoredEntity[]
  /** How many ids have been minted for it. */
  readonly minted: number
  readonly version: number
}

/** The customer id that the account's catalogue is stored under. */
export const CATALOG = ''

/** An entity with its kind and key. `live`: the engine may still need it; the others are kept for reading. */
export type StoredEntity = {
  readonly [K in keyof EntityValues]: {
    readonly kind: K
    readonly id: string
    readonly live: boolean
    readonly value: EntityValues[K]
  }
}[keyof EntityValues]

/** What one step of the engine changed in one aggregate. */
export interface AggregateChange {
  readonly account: string
  readonly customer: string
  /** New and changed entities. */
  readonly entities: readonly StoredEntity[]
  /** Entities that are no more: deleted drafts, amounts taken back. */
  readonly removed: readonly { readonly kind: StoredEntity['kind']; readonly id: string }[]
  readonly minted: number
  /** The version that was loaded; 0 if it did not exist. */
  readonly version: number
  /** When the engine must look at it again; null: not by itself. */
  readonly dueAt: Instant | null
}

/** A fact that the engine told, for the log. */
export interface LoggedFact {
  readonly account: string
  readonly id: string
  readonly at: Instant
  readonly told: Told
}

/** A charge or refund that the payment service has been, or must be, asked for. */
export interface ChargeRow {
  readonly account: string
  readonly key: string
  readonly kind: 'charge' | 'refund'
  readonly customer: string
  readonly payment: string
  readonly refund: string | null
  readonly attempt: number
  /** `wanted`: ask (again) from `dueAt`. `later`: the service will call back. `decided`: over. */
  readonly state: 'wanted' | 'later' | 'decided'
  readonly dueAt: Instant | null
  /** How often it was asked for without an understandable answer. */
  readonly tries: number
}

/** An invoice that waits until the deliveries of a fact are decided. */
export interface GateRow {
  readonly account: string
  readonly fact: string
  readonly invoice: string
}

/** The answer that an idempotency key was given. */
export interface StoredAnswer {
  /** Hash of the request that it answered. */
  readonly fingerprint: string
  readonly answer: string
  readonly at: Instant
}

/** A page of entities, newest first. */
export interface EntityPage {
  readonly entities: readonly StoredEntity[]
  /** Pass as `after` for the next page; null at the end. */
  readonly next: string | null
}

/** The billing system's persistence. Methods with a transaction belong to it. */
export interface BillingStore {
  createAccount(transaction: Transaction, account: Account): Promise<boolean>
  /** @param lock holds the row until the transaction ends */
  account(transaction: Transaction | null, id: string, lock?: boolean): Promise<Account | null>
  accounts(): Promise<readonly Account[]>
  updateAccount(transaction: Transaction, account: Account): Promise<void>
  /** Locked until the transaction ends; aggregates that do not exist are left out. */
  load(transaction: Transaction, account: string, customers: readonly string[]): Promise<readonly Aggregate[]>
  /** The same without a lock, for reading only. */
  peek(transaction: Transaction | null, account: string, customer: string): Promise<Aggregate | null>
  /** The version of an aggregate, 0 if it does not exist. */
  versionOf(transaction: Transaction, account: string, customer: string): Promise<number>
  /** @throws BillhookError `conflict` if an aggregate's version is not the one that was loaded */
  save(transaction: Transaction, changes: readonly AggregateChange[]): Promise<void>
  log(transaction: Transaction, facts: readonly LoggedFact[]): Promise<void>
  facts(account: string, after: number, limit: number): Promise<readonly (LoggedFact & { readonly seq: number })[]>
  /** The aggregate that owns an entity, or null. */
  ownerOf(
    transaction: Transaction | null,
    account: string,
    kind: EntityKind | 'usage',
    id: string,
  ): Promise<string | null>
  entity(account: string, kind: EntityKind | 'usage', id: string): Promise<StoredEntity | null>
  entities(query: EntityQuery): Promise<EntityPage>
  /** The earliest time at which an aggregate of the account is due; null if none is. */
  nextDue(account: string): Promise<Instant | null>
  /** Customers due at `at`, in the order (due time, id); on PostgreSQL locked, those locked by others left out. */
  claimDue(transaction: Transaction, account: string, at: Instant, limit: number): Promise<readonly string[]>
  /** Accounts on the real clock that have something due at `at`. */
  accountsDue(at: Instant): Promise<readonly string[]>
  putCharges(transaction: Transaction, charges: readonly ChargeRow[]): Promise<void>
  charge(transaction: Transaction, account: string, key: string): Promise<ChargeRow | null>
  /** Charges that must be asked for at `at`, oldest first. */
  chargesWanted(account: string | null, at: Instant, limit: number): Promise<readonly ChargeRow[]>
  nextChargeDue(account: string): Promise<Instant | null>
  putGates(transaction: Transaction, gates: readonly GateRow[]): Promise<void>
  /** The invoice that waits for the deliveries of a fact, or null. */
  gateOf(account: string, fact: string): Promise<string | null>
  /** Invoices that wait, of one account or of all on the real clock. */
  gates(account: string | null, limit: number): Promise<readonly GateRow[]>
  closeGate(transaction: Transaction, account: string, fact: string): Promise<void>
  answer(transaction: Transaction, account: string, key: string): Promise<StoredAnswer | null>
  putAnswer(transaction: Transaction, account: string, key: string, answer: StoredAnswer): Promise<void>
}

/** What to list. */
export interface EntityQuery {
  readonly account: string
  readonly kind: EntityKind | 'usage'
  readonly customer: string | null
  readonly after: string | null
  readonly limit: number
}
