/** The answer to the one question: who may use what they pay for, right now, and why. */
import type { Period } from './calendar.ts'
import type { Instant } from './instant.ts'
import type { Money } from './money.ts'
import type { PlanRef } from './objects.ts'
import type { AccessLevel } from './policy.ts'
import type { SubscriptionStatus } from './status.ts'

/** The application's own word about a user, beside what the providers say. A block beats every grant. */
export interface Hold {
  readonly id: string
  readonly kind: 'grant' | 'block'
  /** In words, for the answer's `why`. */
  readonly reason: string
  readonly from: Instant | null
  /** Not included; null: until it is taken back. */
  readonly until: Instant | null
  /** Of a grant: what it gives; empty and `full` give everything that the policy does not ask a feature for. */
  readonly features: readonly string[]
  readonly level: AccessLevel
}

/** One reason of an answer. */
export interface Reason {
  /** The kind of the fact it rests on; `hold` for the application's own word; null where no fact was ever told. */
  readonly fact: string | null
  /** The key of that fact; the id of the hold; without either, the signed id of the newest event about the subscription. */
  readonly key: string | null
  readonly at: Instant | null
  /** The source and subscription it is about; null for holds. */
  readonly source: string | null
  readonly subscription: string | null
  readonly words: string
}

/** What one subscription (or a plan assigned without one) gives by itself. */
export interface Standing {
  readonly source: string
  readonly customer: string | null
  readonly subscription: string | null
  readonly status: SubscriptionStatus
  readonly plan: PlanRef | null
  readonly allowed: boolean
  readonly level: AccessLevel
  readonly features: readonly string[]
  /** When `allowed` turns false if nothing more happens; null: never, or not allowed. */
  readonly until: Instant | null
  readonly paidThrough: Instant | null
  readonly why: readonly Reason[]
  readonly sure: boolean
}

/** Who may use what, and why. */
export interface AccessAnswer {
  readonly allowed: boolean
  readonly level: AccessLevel
  readonly features: readonly string[]
  /** When this answer turns false if nothing more happens, leeway and grace included; null: never, or not allowed. */
  readonly until: Instant | null
  /** The end of what is proved to be paid (or of the trial), without leeway or grace. It may lie in the past. */
  readonly paidThrough: Instant | null
  readonly why: readonly Reason[]
  /** False while what was received leaves more than one reading. */
  readonly sure: boolean
  /** The provider's id of the plan that gives the answer. */
  readonly plan: string | null
  /** The instant that was asked about. */
  readonly at: Instant
  readonly subscriptions: readonly Standing[]
}

/** How much of a meter a customer has used in one cycle. */
export interface UsageAnswer {
  readonly source: string
  readonly customer: string | null
  readonly subscription: string | null
  readonly meter: string
  readonly period: Period | null
  /** Decimal text. */
  readonly quantity: string
  /** What the plan includes, decimal text; null: the policy names no limit. */
  readonly included: string | null
  /** What is used beyond it, decimal text; null without a limit. */
  readonly overage: string | null
  /** What that costs, rounded once, half up; null without a unit price. */
  readonly overageAmount: Money | null
  /** Percent of the included units, rounded down; null without a limit. */
  readonly percent: number | null
}
