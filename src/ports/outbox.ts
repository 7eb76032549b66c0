import type { View } from '../model/entities.ts'
import type { Told } from '../model/facts.ts'
import type { Instant } from '../model/instant.ts'
import type { Transaction } from './transaction.ts'

/** Something that an account's endpoints are to be told of. */
export interface Publication {
  /** Id of the fact, minted for it: the ids of the events that tell it follow from it. */
  readonly fact: string
  readonly told: Told
  readonly view: View
  /** On the account's clock. */
  readonly at: Instant
}

/** What became of a publication, per notification that the account's own dialect tells it with. */
export interface PublishedEvent {
  readonly event: string
  readonly type: string
  /** How many endpoints it goes to. */
  readonly deliveries: number
}

/**
 * Where facts leave for the endpoints: one dialect each, fanned out, encoded and stored in the caller's transaction, so
 * that a fact is never committed without its deliveries.
 */
export interface Outbox {
  publish(
    transaction: Transaction,
    account: string,
    publications: readonly Publication[],
  ): Promise<readonly PublishedEvent[]>
}
