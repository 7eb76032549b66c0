/** What a fold leaves: plain data, so that a store can keep it beside the registers and answer access from it alone. */
import type { Period } from '../model/calendar.ts'
import type { DerivedFact } from '../model/facts.ts'
import type { Instant } from '../model/instant.ts'
import type { ObservedCustomer, ObservedSubscription, PlanRef } from '../model/objects.ts'
import type { Stamp } from '../model/observations.ts'
import type { Policy } from '../model/policy.ts'
import type { SubscriptionStatus } from '../model/status.ts'
import type { Registers, Valued } from './register.ts'

/** What a fold is told beside the observations. */
export interface FoldOptions {
  /** For the thresholds of meters. Null: no threshold is told. */
  readonly policy: Policy | null
}

/** What the observations of one subject, or of a whole source, amount to. */
export interface Folded {
  readonly registers: Registers
  /** What each register stands for, by the same key. */
  readonly objects: ReadonlyMap<string, Valued>
  /** Sorted by time, then key. Each key once. */
  readonly facts: readonly DerivedFact[]
  readonly state: SubjectState
}

/** What access, usage and the watch are computed from. Lists are sorted by id. */
export interface SubjectState {
  readonly customers: readonly CustomerState[]
  readonly subscriptions: readonly SubscriptionState[]
  readonly usage: readonly UsageState[]
}

/** What is known of a customer. */
export interface CustomerState {
  readonly id: string
  readonly value: ObservedCustomer
  /** The last plan that was assigned without a subscription's word; null if none was. */
  readonly assigned: { readonly plan: PlanRef; readonly at: Instant; readonly fact: string } | null
}

/** What proves that a subscription is paid, from the strongest to the weakest. */
type PaidBasis = 'invoice' | 'cycle' | 'payment' | 'free' | 'trial' | 'provider_period' | 'agreement' | 'none'

/** How far a subscription is paid, and what proves it. */
export interface Paid {
  /** The end of what is paid; null: open-ended if `openEnded`, else nothing is. */
  readonly through: Instant | null
  /** True where the provider names no end: until a negative fact. */
  readonly openEnded: boolean
  readonly basis: PaidBasis
  readonly invoice: string | null
  /** False where the provider's period stands in for a payment that was not seen. */
  readonly sure: boolean
}

/** Where to look for the fact behind an answer. */
export interface FactRef {
  readonly kind: string
  readonly key: string
  readonly at: Instant
}

/** Something that must have been missed. */
export interface Gap {
  readonly kind: 'paid_count' | 'latest_invoice'
  readonly at: Stamp
  /** What is missing, for people. */
  readonly words: string
}

/** What is known of a subscription. */
export interface SubscriptionState {
  readonly id: string
  readonly customer: string | null
  readonly value: ObservedSubscription
  /** The status that counts: the provider's, as later payments and failures have changed it. */
  readonly status: SubscriptionStatus
  /** Since when. */
  readonly since: Stamp
  /** When it became active again after failed payments or a pause; null unless it is active since. */
  readonly backAt: Stamp | null
  /** The last status that was known, while the provider's is not. */
  readonly lastKnown: SubscriptionStatus | null
  /** When it first was heard of or, if that was told, created. */
  readonly startedAt: Instant
  readonly paid: Paid
  /** The first failure of the payment that is due now; null while none is. */
  readonly failedAt: Instant | null
  readonly nextAttemptAt: Instant | null
  /** Since when a payment of an open invoice is on its way, neither paid nor failed. May be omitted: none is. */
  readonly onTheWayAt?: Instant | null
  /** The earliest due date of an open invoice that is paid by hand. */
  readonly dueAt: Instant | null
  readonly overdueAt: Instant | null
  /** The newer agreement that has taken its place. */
  readonly supersededBy: string | null
  readonly supersededAt: Instant | null
  /** The fact of the present status, and of the payment that counts. */
  readonly statusFact: FactRef | null
  readonly paidFact: FactRef | null
  readonly sure: boolean
  readonly gaps: readonly Gap[]
  /** Signed id of the newest event about it: what a subscription seen first in mid-life rests on. */
  readonly lastEvent: string
}

/** Use of one meter in one cycle. */
export interface UsageState {
  readonly customer: string | null
  readonly subscription: string | null
  readonly meter: string
  readonly period: Period | null
  /** Decimal text. */
  readonly quantity: string
  readonly at: Stamp
}
