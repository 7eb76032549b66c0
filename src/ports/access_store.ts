import type { Instant } from '../model/instant.ts'
import type { Transaction } from './transaction.ts'

/** The app's own user is this customer of this source. */
export interface Link {
  readonly account: string
  readonly user: string
  readonly source: string
  readonly customer: string
  /** Who said so: the app, or the provider's data that carries the app's id. */
  readonly origin: 'app' | 'provider'
  readonly createdAt: Instant
}

/** The app's own decision about a user, as text of the model. */
export interface HoldRow {
  readonly account: string
  readonly id: string
  readonly user: string
  readonly data: string
  readonly removedAt: Instant | null
}

/** A version of the access policy. */
export interface PolicyRow {
  readonly account: string
  readonly version: number
  readonly data: string
  readonly createdAt: Instant
}

/** Persistence of what the app decided itself: links, holds, policies. */
export interface AccessStore {
  /** A link that is there already stays as it is. @returns how many are new */
  addLinks(transaction: Transaction | null, links: readonly Link[]): Promise<number>
  removeLink(link: Pick<Link, 'account' | 'user' | 'source' | 'customer'>): Promise<boolean>
  linksOfUser(account: string, user: string): Promise<readonly Link[]>
  linksOfCustomer(account: string, source: string, customer: string): Promise<readonly Link[]>
  addHold(hold: HoldRow): Promise<void>
  removeHold(account: string, id: string, at: Instant): Promise<boolean>
  holds(account: string, user: string): Promise<readonly HoldRow[]>
  /** @returns false if that version is there already */
  addPolicy(policy: PolicyRow): Promise<boolean>
  policy(account: string): Promise<PolicyRow | null>
  policies(account: string): Promise<readonly PolicyRow[]>
}
