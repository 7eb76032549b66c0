import type { Period } from './calendar.ts'
import type { EntityValues } from './entities.ts'
import type { Instant } from './instant.ts'
import type { Money } from './money.ts'
import type { ObjectKind, PaymentFailure, PlanRef } from './objects.ts'
import type { Actor, SubscriptionStatus } from './status.ts'

/**
 * What can happen in subscription billing, in our words: told by the ledger about what it received, and by the lifecycle
 * about what it did. `key` says what makes two tellings the same fact; docs/facts.md is generated from this table.
 */
export const FACT_KINDS = {
  subscription_created: { about: 'subscription', key: 'subscription', meaning: 'A subscription was created.' },
  subscription_authorized: {
    about: 'subscription',
    key: 'subscription',
    meaning: 'The customer agreed to be charged; the service has not started.',
  },
  subscription_trial_started: { about: 'subscription', key: 'subscription, trial start', meaning: 'A trial began.' },
  subscription_trial_ending: {
    about: 'subscription',
    key: 'subscription, trial end',
    meaning: 'The trial will end soon.',
  },
  subscription_trial_ended: { about: 'subscription', key: 'subscription, trial start', meaning: 'The trial is over.' },
  subscription_activated: {
    about: 'subscription',
    key: 'subscription; if recovered, cycle',
    meaning: 'The subscription became active, for the first time or after a failed payment.',
  },
  subscription_renewal_upcoming: {
    about: 'subscription',
    key: 'subscription, renewal time',
    meaning: 'A renewal will be charged soon.',
  },
  subscription_renewed: {
    about: 'subscription',
    key: 'subscription, invoice or cycle',
    meaning: 'A further cycle was paid.',
  },
  subscription_changed: {
    about: 'subscription',
    key: 'subscription, stamp of the change',
    meaning: 'Plan, quantity or terms changed.',
  },
  subscription_past_due: {
    about: 'subscription',
    key: 'subscription, cycle',
    meaning: 'A payment failed and is still being retried, or an invoice is overdue.',
  },
  subscription_unpaid: {
    about: 'subscription',
    key: 'subscription, cycle',
    meaning: 'Retries ended without a payment.',
  },
  subscription_paused: {
    about: 'subscription',
    key: 'subscription, stamp of the change',
    meaning: 'Service or collection was paused.',
  },
  subscription_resumed: { about: 'subscription', key: 'subscription, stamp of the change', meaning: 'A pause ended.' },
  subscription_cancel_scheduled: {
    about: 'subscription',
    key: 'subscription, stamp of the change',
    meaning: 'A cancellation was scheduled for a later time.',
  },
  subscription_cancel_unscheduled: {
    about: 'subscription',
    key: 'subscription, stamp of the change',
    meaning: 'A scheduled cancellation was taken back.',
  },
  subscription_canceled: {
    about: 'subscription',
    key: 'subscription',
    meaning: 'The subscription ended before its time.',
  },
  subscription_completed: {
    about: 'subscription',
    key: 'subscription',
    meaning: 'All cycles have been invoiced; the last one may still run.',
  },
  subscription_expired: {
    about: 'subscription',
    key: 'subscription',
    meaning: 'It never started: payment or consent did not come in time.',
  },
  invoice_drafted: { about: 'invoice', key: 'invoice', meaning: 'An invoice was created.' },
  invoice_finalized: { about: 'invoice', key: 'invoice', meaning: 'An invoice is final and can be paid.' },
  invoice_paid: { about: 'invoice', key: 'invoice', meaning: 'An invoice was paid.' },
  invoice_payment_failed: {
    about: 'invoice',
    key: 'invoice, attempt',
    meaning: 'An attempt to collect an invoice failed.',
  },
  invoice_overdue: { about: 'invoice', key: 'invoice', meaning: 'An invoice was not paid by its due date.' },
  invoice_uncollectible: { about: 'invoice', key: 'invoice', meaning: 'The provider gave up on an invoice: bad debt.' },
  invoice_voided: { about: 'invoice', key: 'invoice', meaning: 'An invoice was declared void.' },
  payment_initiated: { about: 'payment', key: 'payment', meaning: 'A payment began.' },
  payment_succeeded: { about: 'payment', key: 'invoice, else payment', meaning: 'A payment succeeded.' },
  payment_failed: { about: 'payment', key: 'invoice and attempt, else payment', meaning: 'A payment failed.' },
  payment_canceled: { about: 'payment', key: 'payment', meaning: 'A payment was canceled before it was decided.' },
  payment_refunded: {
    about: 'payment',
    key: 'payment, refunded so far',
    meaning: 'A payment was refunded, in whole or in part.',
  },
  checkout_opened: { about: 'checkout', key: 'checkout', meaning: 'A hosted checkout was opened.' },
  checkout_completed: { about: 'checkout', key: 'checkout', meaning: 'A hosted checkout was completed.' },
  checkout_canceled: { about: 'checkout', key: 'checkout', meaning: 'A hosted checkout was canceled.' },
  checkout_expired: { about: 'checkout', key: 'checkout', meaning: 'A hosted checkout ran out of time.' },
  usage_updated: { about: 'subscription', key: 'event', meaning: 'Metered usage was recorded.' },
  usage_threshold_reached: {
    about: 'subscription',
    key: 'customer, meter, cycle, threshold',
    meaning: 'Metered usage passed a threshold of the policy.',
  },
  plan_assigned: { about: 'customer', key: 'event', meaning: 'A plan was associated with a customer.' },
  access_changed: {
    about: 'customer',
    key: 'customer, running number',
    meaning: 'What the customer may use has changed.',
  },
} as const satisfies Record<string, { readonly about: ObjectKind; readonly key: string; readonly meaning: string }>

/**
 * What only the sending end tells: changes that providers announce although they say nothing about access. The ledger
 * derives none of them.
 */
export const RECORD_KINDS = {
  customer_created: { about: 'customer', meaning: 'A customer was created.' },
  customer_updated: { about: 'customer', meaning: 'A customer’s data or default payment method changed.' },
  customer_deleted: { about: 'customer', meaning: 'A customer was deleted.' },
  product_created: { about: 'product', meaning: 'A product was created.' },
  product_updated: { about: 'product', meaning: 'A product changed.' },
  price_created: { about: 'price', meaning: 'A price (plan) was created.' },
  price_updated: { about: 'price', meaning: 'A price (plan) changed.' },
  payment_method_attached: { about: 'payment_method', meaning: 'A payment method was attached to a customer.' },
  payment_method_detached: { about: 'payment_method', meaning: 'A payment method was detached from a customer.' },
  subscription_cycle_started: {
    about: 'subscription',
    meaning: 'The subscription moved to its next cycle; nothing has been paid for it yet.',
  },
  subscription_updated: {
    about: 'subscription',
    meaning: 'A subscription changed in a way that has no fact of its own (payment method, metadata).',
  },
  subscription_change_applied: { about: 'subscription', meaning: 'A scheduled or pending change took effect.' },
  subscription_change_expired: { about: 'subscription', meaning: 'A pending change was dropped: it was not paid.' },
  invoice_item_created: { about: 'invoice_item', meaning: 'An amount was added for the next invoice.' },
  invoice_item_deleted: { about: 'invoice_item', meaning: 'An amount for the next invoice was removed.' },
  invoice_updated: { about: 'invoice', meaning: 'An invoice changed in a way that has no fact of its own.' },
  invoice_sent: { about: 'invoice', meaning: 'An invoice was sent to the customer to be paid by hand.' },
  invoice_will_be_due: { about: 'invoice', meaning: 'An invoice will be due soon.' },
  invoice_deleted: { about: 'invoice', meaning: 'A draft was deleted.' },
  invoice_action_required: { about: 'invoice', meaning: 'The customer must confirm the payment of an invoice.' },
  payment_action_required: { about: 'payment', meaning: 'The customer must confirm a payment.' },
  payment_processing: { about: 'payment', meaning: 'A payment is in progress: it has neither succeeded nor failed.' },
  refund_updated: { about: 'refund', meaning: 'A refund was decided.' },
  meter_created: { about: 'meter', meaning: 'A meter was created.' },
  meter_updated: { about: 'meter', meaning: 'A meter changed.' },
  clock_created: { about: 'clock', meaning: 'A test clock was created.' },
  clock_advancing: { about: 'clock', meaning: 'A test clock began to advance.' },
  clock_ready: { about: 'clock', meaning: 'A test clock has stopped advancing.' },
  clock_deleted: { about: 'clock', meaning: 'A test clock was deleted.' },
} as const satisfies Record<string, { readonly about: keyof EntityValues; readonly meaning: string }>

/** The closed set of records. */
export type RecordKind = keyof typeof RECORD_KINDS

/** A change that only the sending end tells. */
export interface BillingRecord {
  readonly kind: RecordKind
  readonly at: Instant
  readonly customer: string | null
  readonly subscription: string | null
  /** The id of the entity that the kind is about. */
  readonly subject: string
}

/** What the lifecycle tells and the dialects encode: a fact, or a record. */
export type Told = Fact | BillingRecord

/** True for what only the sending end tells. */
export function isRecord(told: Told): told is BillingRecord {
  return told.kind in RECORD_KINDS
}

/** The closed set of facts. */
export type FactKind = keyof typeof FACT_KINDS

/** One thing that changed in a subscription: canonical texts of the old and the new value; null where not known. */
export interface Change {
  readonly field: 'plan' | 'items' | 'quantity' | 'collection' | 'cycles' | 'interval'
  readonly from: string | null
  readonly to: string | null
}

/** What each kind of fact says beyond who and when. */
export interface FactDetails {
  readonly subscription_created: { readonly status: SubscriptionStatus; readonly plan: PlanRef | null }
  readonly subscription_authorized: { readonly plan: PlanRef | null; readonly startsAt: Instant | null }
  readonly subscription_trial_started: { readonly plan: PlanRef | null; readonly trial: Period | null }
  readonly subscription_trial_ending: {
    readonly trialEndsAt: Instant | null
    readonly paymentMethod: 'yes' | 'no' | 'unknown'
  }
  readonly subscription_trial_ended: { readonly to: SubscriptionStatus }
  readonly subscription_activated: { readonly recovered: boolean; readonly plan: PlanRef | null }
  readonly subscription_renewal_upcoming: { readonly renewsAt: Instant | null; readonly amount: Money | null }
  readonly subscription_renewed: { readonly invoice: string | null; readonly period: Period | null }
  readonly subscription_changed: {
    readonly changes: readonly Change[]
    readonly plan: PlanRef | null
    readonly direction: 'upgrade' | 'downgrade' | 'unknown'
  }
  readonly subscription_past_due: {
    readonly invoice: string | null
    readonly reason: 'payment_failed' | 'overdue' | 'unknown'
  }
  readonly subscription_unpaid: { readonly invoice: string | null }
  readonly subscription_paused: {
    readonly scope: 'service' | 'collection'
    readonly resumesAt: Instant | null
    readonly by: Actor
  }
  readonly subscription_resumed: { readonly scope: 'service' | 'collection' }
  readonly subscription_cancel_scheduled: {
    readonly at: Instant | null
    readonly atPeriodEnd: boolean
    readonly by: Actor
  }
  readonly subscription_cancel_unscheduled: Readonly<Record<string, never>>
  readonly subscription_canceled: {
    readonly by: Actor
    readonly reason: string | null
    /** True if the cancellation was planned for the end of a cycle. */
    readonly atPeriodEnd: boolean
    /** True if a newer subscription of the same customer and plan group has taken its place: not an offboarding. */
    readonly superseded: boolean
  }
  readonly subscription_completed: { readonly period: Period | null }
  readonly subscription_expired: Readonly<Record<string, never>>
  readonly invoice_drafted: { readonly total: Money | null }
  readonly invoice_finalized: {
    readonly total: Money | null
    readonly number: string | null
    readonly dueAt: Instant | null
  }
  readonly invoice_paid: {
    readonly amount: Money | null
    readonly number: string | null
    readonly period: Period | null
    readonly outOfBand: boolean
  }
  readonly invoice_payment_failed: {
    readonly attempt: number | null
    readonly nextAttemptAt: Instant | null
    readonly amount: Money | null
    readonly failure: PaymentFailure
  }
  readonly invoice_overdue: { readonly amount: Money | null; readonly dueAt: Instant | null }
  readonly invoice_uncollectible: { readonly amount: Money | null }
  readonly invoice_voided: { readonly amount: Money | null }
  readonly payment_initiated: { readonly amount: Money | null; readonly invoice: string | null }
  readonly payment_succeeded: { readonly amount: Money | null; readonly invoice: string | null }
  readonly payment_failed: {
    readonly amount: Money | null
    readonly invoice: string | null
    readonly attempt: number | null
    readonly nextAttemptAt: Instant | null
    readonly failure: PaymentFailure
  }
  readonly payment_canceled: { readonly amount: Money | null; readonly invoice: string | null }
  readonly payment_refunded: {
    readonly amount: Money | null
    readonly total: Money | null
    readonly full: boolean
    readonly invoice: string | null
  }
  readonly checkout_opened: { readonly reference: string | null }
  readonly checkout_completed: { readonly reference: string | null; readonly subscription: string | null }
  readonly checkout_canceled: { readonly reference: string | null }
  readonly checkout_expired: { readonly reference: string | null }
  readonly usage_updated: {
    readonly meter: string
    /** So far in the cycle, decimal text. */ readonly quantity: string
    readonly period: Period | null
  }
  readonly usage_threshold_reached: {
    readonly meter: string
    readonly quantity: string
    readonly included: string
    /** Percent of the included quantity. */
    readonly threshold: number
    readonly period: Period | null
  }
  readonly plan_assigned: { readonly plan: PlanRef | null }
  readonly access_changed: {
    readonly from: AccessSummary
    readonly to: AccessSummary
    readonly until: Instant | null
    readonly why: readonly string[]
  }
}

/** The part of an access answer that a change is told of. */
export interface AccessSummary {
  readonly allowed: boolean
  readonly level: 'full' | 'limited' | 'none'
  readonly plan: string | null
  readonly features: readonly string[]
}

/** What a customer may do of whom nothing is known. */
export const NO_ACCESS: AccessSummary = { allowed: false, level: 'none', plan: null, features: [] }

/** A fact: what happened to what, and when it happened (on the provider's clock). */
export type Fact<K extends FactKind = FactKind> = {
  readonly [Kind in K]: {
    readonly kind: Kind
    readonly at: Instant
    readonly customer: string | null
    readonly subscription: string | null
    /** The id of the object that the kind is about. */
    readonly subject: string
    readonly detail: FactDetails[Kind]
  }
}[K]

/** A fact that the ledger derived from what was received. */
export type DerivedFact<K extends FactKind = FactKind> = Fact<K> & {
  /** The natural key: stable under any order, repetition and lateness of deliveries. */
  readonly key: string
  /** False while what was received leaves more than one reading. */
  readonly sure: boolean
  /** Signed ids of the events that it rests on, sorted. */
  readonly evidence: readonly string[]
}
