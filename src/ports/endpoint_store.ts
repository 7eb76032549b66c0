import type { Instant } from '../model/instant.ts'
import type { RetryPolicy } from '../model/retry.ts'
import type { Transaction } from './transaction.ts'

/** `paused`: events wait. `disabled`: events are kept as skipped. `pending_verification`: no events until proved. */
export type EndpointState = 'enabled' | 'disabled' | 'paused' | 'pending_verification'

/** Why an endpoint is disabled. `failing`: by the policy. `gone`: it answered 410. */
export type DisabledReason = 'manual' | 'failing' | 'gone' | 'verification_failed'

/** A secret as it is kept: encrypted, with the time from which and until which it signs. */
export interface LockedSecret {
  readonly locked: string
  readonly from: Instant
  /** Null: the current one. */
  readonly until: Instant | null
}

/** One condition of a payload filter: the value at `path` of the body is one of `equals`. */
export interface PayloadCondition {
  /** Names joined by dots, list positions as numbers: `data.object.currency`, `items.0.id`. */
  readonly path: string
  readonly equals: readonly (string | number | boolean | null)[]
}

/** Where events are sent. Times are on the account's clock. */
export interface Endpoint {
  readonly account: string
  readonly id: string
  readonly url: string
  /** Id of the dialect that the endpoint is told in; the API version is part of it. */
  readonly dialect: string
  /** Exact types, `prefix.*`, `*`. */
  readonly eventTypes: readonly string[]
  readonly description: string | null
  /** The custom headers as JSON, encrypted: they may carry credentials. Null if there are none. */
  readonly lockedHeaders: string | null
  readonly state: EndpointState
  readonly disabledReason: DisabledReason | null
  /** Newest first. Empty for dialects that sign with a key pair. */
  readonly secrets: readonly LockedSecret[]
  /** Null: the dialect's own. */
  readonly retry: RetryPolicy | null
  /** Null: the policy's own. */
  readonly timeoutMs: number | null
  /** How many requests may be in flight at once. */
  readonly inFlightMax: number
  /** True: events of one subject are delivered one after another, in their order. */
  readonly ordered: boolean
  readonly payloadFilter: readonly PayloadCondition[]
  readonly metadata: Readonly<Record<string, string>>
  /** Who is mailed when it fails; null: the account's owner. */
  readonly ownerMail: string | null
  /** True for the endpoint of a connected third-party application; it counts for the payment gate like any other. */
  readonly connected: boolean
  readonly health: EndpointHealth
  readonly createdAt: Instant
  readonly updatedAt: Instant
  /** Rises by one with every change: an update names the one it has read. */
  readonly revision: number
}

/** How deliveries to an endpoint have gone. */
export interface EndpointHealth {
  /** The first failure since the last success; null while deliveries succeed. */
  readonly failingSince: Instant | null
  readonly lastSuccessAt: Instant | null
  readonly lastFailureAt: Instant | null
  /** When the owner was told, in this stretch of failures. */
  readonly warnedAt: Instant | null
}

/** What the attempts of one flush say about an endpoint. */
export interface HealthReport {
  readonly account: string
  readonly endpoint: string
  readonly lastSuccessAt: Instant | null
  readonly lastFailureAt: Instant | null
  /** The first failure after the last success of the flush; null if its last attempt succeeded. */
  readonly failingSince: Instant | null
  /** When the health must be looked at again because of its policy; null: not on its own account. */
  readonly checkAt: Instant | null
  /** On which clock {@link checkAt} is. */
  readonly clock: 'real' | 'test'
}

/** An endpoint whose health must be looked at. */
export interface HealthDue {
  readonly account: string
  readonly endpoint: string
  readonly checkAt: Instant
}

/** A key pair that an account signs tokens with. The newest signs; the others are published until they retire. */
export interface StoredSigningKey {
  readonly account: string
  readonly keyId: string
  readonly lockedPem: string
  /** The public key as JSON Web Key, JSON text. */
  readonly jwk: string
  readonly createdAt: Instant
  /** From then on it is no longer published; null: the current one. */
  readonly retiresAt: Instant | null
}

/** Endpoints, their health, and the keys they are signed with. */
export interface EndpointStore {
  insert(transaction: Transaction | null, endpoint: Endpoint): Promise<void>
  /** Replaces what `revision` - 1 holds; false if somebody changed it meanwhile. Health is not written. */
  replace(transaction: Transaction | null, endpoint: Endpoint): Promise<boolean>
  remove(transaction: Transaction | null, account: string, id: string): Promise<boolean>
  one(transaction: Transaction | null, account: string, id: string): Promise<Endpoint | null>
  /** All of an account, by id. */
  all(transaction: Transaction | null, account: string): Promise<readonly Endpoint[]>
  /** A number per account that rises with every change of one of its endpoints; 0 for an account without one. */
  revisions(transaction: Transaction | null, accounts: readonly string[]): Promise<ReadonlyMap<string, number>>

  reportHealth(reports: readonly HealthReport[]): Promise<void>
  /** Endpoints of accounts on the real clock whose check is due. */
  healthDue(now: Instant, limit: number): Promise<readonly HealthDue[]>
  /** The same for one account on a test clock; `until` null: the earliest one, whenever it is. */
  healthDueOf(account: string, until: Instant | null): Promise<readonly HealthDue[]>
  /** Sets when the health is looked at next, and when the owner was warned. False if `failingSince` has changed. */
  markHealth(
    transaction: Transaction,
    due: HealthDue,
    failingSince: Instant | null,
    next: { readonly checkAt: Instant | null; readonly warnedAt: Instant | null },
  ): Promise<boolean>
  /** Forgets failures: the endpoint was enabled again. */
  resetHealth(transaction: Transaction, account: string, endpoint: string): Promise<void>

  insertSigningKey(transaction: Transaction, key: StoredSigningKey): Promise<void>
  retireSigningKeys(transaction: Transaction, account: string, at: Instant): Promise<void>
  /** Newest first. */
  signingKeys(transaction: Transaction | null, account: string): Promise<readonly StoredSigningKey[]>
}
