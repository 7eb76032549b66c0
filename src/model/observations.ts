import type { Instant } from './instant.ts'
import type { Money } from './money.ts'
import type { ObjectKind, ObjectValues, PaymentFailure, PlanRef } from './objects.ts'

/**
 * Where an observation stands among others of the same object. One kind of stamp per register, fixed in the dialect:
 * the object's own version time where it has one, else the event's time. Milliseconds.
 */
export type Stamp = Instant

/** What breaks a tie between observations of one object with the same stamp. */
export interface Rank {
  /** A version inside the object, compared number by number, the larger later; null if it has none. */
  readonly version: readonly number[] | null
  /** created < updated < deleted. */
  readonly verb: 'created' | 'updated' | 'deleted'
  /** The signed id of the event: the last resort, with `sure` false. */
  readonly event: string
}

/** A whole object as it was at `stamp`. */
export type Snapshot = {
  readonly [K in ObjectKind]: {
    readonly kind: 'snapshot'
    readonly object: K
    readonly id: string
    readonly stamp: Stamp
    readonly value: ObjectValues[K]
    /** The whole value before this change, where the provider tells the old values; else null. */
    readonly previous: ObjectValues[K] | null
    readonly rank: Rank
  }
}[ObjectKind]

/** Some fields of an object, as of `stamp`: slim bodies, and providers that never send whole objects. */
export type Patch = {
  readonly [K in ObjectKind]: {
    readonly kind: 'patch'
    readonly object: K
    readonly id: string
    readonly stamp: Stamp
    readonly fields: Partial<ObjectValues[K]>
    readonly rank: Rank
  }
}[ObjectKind]

interface HappeningBase {
  readonly kind: 'happening'
  readonly stamp: Stamp
  /** The natural key of the happening: the same happening told twice has the same key. */
  readonly key: string
  /** The signed id of the event that told it. */
  readonly event: string
  readonly customer: string | null
  /** Null: the customer's live subscription at that time. */
  readonly subscription: string | null
}

/** Something that happened and that no snapshot shows. */
export type Happening = HappeningBase &
  (
    | {
        readonly what: 'payment_failed'
        readonly invoice: string | null
        /** 1 for the first attempt on the invoice; null if the provider does not count. */
        readonly attempt: number | null
        readonly nextAttemptAt: Instant | null
        readonly amount: Money | null
        readonly failure: PaymentFailure
        /** True where this alone means that the subscription is past due. */
        readonly pastDue: boolean
        /** The start of the cycle that was being paid, where the body says it. */
        readonly cycle: Instant | null
      }
    | {
        readonly what: 'payment_succeeded'
        readonly invoice: string | null
        readonly amount: Money | null
        /** The end of the cycle that this payment paid, where the body says it. */
        readonly paidThrough: Instant | null
        /** True where this alone means that the subscription is active (again). */
        readonly activates: boolean
      }
    | {
        readonly what: 'trial_ending'
        readonly trialEndsAt: Instant | null
        readonly paymentMethod: 'yes' | 'no' | 'unknown'
      }
    | { readonly what: 'renewal_upcoming'; readonly renewsAt: Instant | null; readonly amount: Money | null }
    | {
        readonly what: 'invoice_overdue'
        readonly invoice: string | null
        readonly dueAt: Instant | null
        readonly pastDue: boolean
      }
    | { readonly what: 'changed'; readonly plan: PlanRef | null }
    | { readonly what: 'plan_assigned'; readonly plan: PlanRef | null }
    | {
        readonly what: 'usage'
        readonly meter: string
        readonly quantity: string
        readonly mode: 'total' | 'delta'
      }
    | {
        readonly what: 'payment_refunded'
        readonly invoice: string | null
        readonly payment: string | null
        readonly refund: string
        readonly amount: Money | null
      }
  )

/** One thing that a delivery told: the ledger's only input. */
export type Observation = Snapshot | Patch | Happening

/** Something in a verified body that is not as it should be: kept and shown, never thrown. */
export interface Problem {
  /** Where in the body, as a path such as `data.object.status`. */
  readonly path: string
  readonly message: string
}
