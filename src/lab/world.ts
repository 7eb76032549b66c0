import type { Dialect } from '../dialects/dialect.ts'
import type { AccessAnswer } from '../model/access.ts'
import type { Price } from '../model/entities.ts'
import { addMs, MINUTE_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { JsonObject } from '../model/json.ts'
import type { Clock } from '../ports/clock.ts'
import type { Emission } from './emissions.ts'
import type { Effect, HeldItem } from './effects.ts'
import type { Given } from './given.ts'
import type { Scenario } from './scenario.ts'

/** The account that a story is played in. */
export const STORY_ACCOUNT = 'story'

/** A story's objects are created a minute before it: providers print whole seconds, and two events in one are a tie. */
export function bringUpAt(story: Scenario): Instant {
  return addMs(story.clock.start, -MINUTE_MS)
}

/** A clock that a story sets. It may be set back: a retry happens later on the network than on the billing clock. */
export interface SettableClock extends Clock {
  set(at: Instant): void
}

/** One delivery to the receiver, with what became of each attempt. */
export interface WorldDelivery {
  readonly type: string
  readonly createdAt: Instant
  readonly attempts: readonly {
    readonly at: Instant
    readonly status: number | null
    /** Which of the endpoint's secrets it was signed with, by its text; null if that cannot be told. */
    readonly signedWith: string | null
    readonly headers: Readonly<Record<string, string>>
  }[]
}

/** What a network fault did to the deliveries so far. */
export interface FaultCount {
  /** Copies that were changed on the way, and those of them that the receiver took anyway. */
  readonly forged: number
  readonly forgedTaken: number
  /** Times that a refused copy changed what the receiver knows. */
  readonly forgedChanged: number
}

/** Both ends and the network between them, on one test clock: what a story is played in. */
export interface World extends AsyncDisposable {
  readonly dialect: Dialect
  /** Puts the story's beginning in place and lets the receiver know of it. */
  begin(given: Given): Promise<void>
  /** Lets time pass up to just before `at`, and sets the clock to `at`. */
  advanceBefore(at: Instant): Promise<void>
  /** Does what the story's actions say, at the clock's time. */
  perform(effect: Effect): Promise<void>
  /** Does all that is due at the clock's time, deliveries, acknowledgements and reactions included. */
  settle(): Promise<void>
  /** What was emitted since the last call, in order. */
  emissions(): Promise<readonly Emission[]>
  deliveries(type: string): Promise<readonly WorldDelivery[]>
  /** What the receiver answers at the clock's time. */
  access(customer: string | null): Promise<AccessAnswer>
  /** What the provider's Retrieve API answers: by id, else the newest. Null if there is none. */
  retrieve(kind: string, id: string | null): Promise<JsonObject | null>
  /** Ids of the newest objects that a story calls by this name, the oldest first. */
  newest(kind: string, count: number): Promise<readonly string[]>
  /** Ids of the entities of a kind, in the order of making. */
  ids(kind: 'customer' | 'subscription' | 'invoice' | 'payment' | 'checkout'): Promise<readonly string[]>
  prices(): Promise<readonly Pick<Price, 'id' | 'code' | 'currency'>[]>
  /** The items of every subscription, by its id. */
  items(): Promise<ReadonlyMap<string, readonly HeldItem[]>>
  /** The payment methods that exist, and the one that the first customer is charged on. */
  methods(): Promise<{ readonly all: readonly string[]; readonly charged: string | null }>
  readonly faults: FaultCount
}
