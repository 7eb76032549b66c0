/**
 * What a webhook can tell about an object, in our words: the values of the ledger's registers. A field is null when the
 * provider did not say it or says that it is empty; a null never erases a period, plan, customer or link already known.
 */
import type { Interval, Period } from './calendar.ts'
import type { Instant } from './instant.ts'
import type { Money } from './money.ts'
import type { Actor, CheckoutStatus, InvoiceStatus, PaymentStatus, Retryable, SubscriptionStatus } from './status.ts'

/** A plan as the provider names it. `group` separates plans that a customer can hold side by side. */
export interface PlanRef {
  /** The provider's id or code: what policies are written for. */
  readonly id: string
  readonly name: string | null
  readonly group: string | null
  /** The product that the plan's price belongs to, where the provider has products. Policies may name it too. */
  readonly product: string | null
}

/** One line of a subscription: a plan and how many of it. `quantity` is null for metered plans. */
export interface ObservedItem {
  readonly id: string
  readonly plan: PlanRef
  readonly quantity: number | null
  /** The price of one, where the body carries it. */
  readonly unitAmount: Money | null
}

/** A cancellation that was asked for, or has happened. */
export interface Cancellation {
  readonly requestedAt: Instant | null
  /** When it takes or took effect; null if it took effect at once and the body does not say when. */
  readonly at: Instant | null
  readonly atPeriodEnd: boolean
  readonly by: Actor
  /** The provider's word, for example `payment_failed`. */
  readonly reason: string | null
}

/** `service`: the customer is not served. `collection`: served, but not charged. */
export interface Pause {
  readonly scope: 'service' | 'collection'
  readonly from: Instant | null
  readonly resumesAt: Instant | null
  readonly by: Actor
}

/** Cycles of a subscription with a fixed number of them; null where the provider does not count. */
export interface Cycles {
  readonly total: number | null
  readonly paid: number | null
  readonly remaining: number | null
}

/** A subscription as a provider shows it; null where it does not say. */
export interface ObservedSubscription {
  readonly customer: string | null
  readonly status: SubscriptionStatus
  /** The provider's own word, verbatim. */
  readonly providerStatus: string | null
  /** The main plan: that of the first item, or of the agreement. */
  readonly plan: PlanRef | null
  /** Empty where the provider does not send items. */
  readonly items: readonly ObservedItem[]
  readonly quantity: number | null
  /** Cycle boundaries as the provider shows them. It moves before the money comes: see {@link paidThrough}. */
  readonly period: Period | null
  readonly trial: Period | null
  readonly createdAt: Instant | null
  readonly startedAt: Instant | null
  readonly endedAt: Instant | null
  readonly cancel: Cancellation | null
  readonly pause: Pause | null
  readonly collection: 'automatic' | 'manual' | null
  readonly latestInvoice: string | null
  readonly cycles: Cycles | null
  /** Whether there is something to charge: on the subscription itself; the customer's default counts too. */
  readonly paymentMethod: 'yes' | 'no' | 'unknown'
  readonly interval: Interval | null
  /** The instant from which cycles are counted. */
  readonly anchor: Instant | null
  /** The end of the last cycle that this body itself proves to be paid, where it can; null where it cannot. */
  readonly paidThrough: Instant | null
  /** True when the provider says that nothing is charged for it. */
  readonly free: boolean
  /**
   * True when a customer holds one such agreement per plan group at this provider: a newer one takes the place of the
   * older, whether or not the older one's end is told. May be omitted: false.
   */
  readonly exclusive?: boolean
  readonly metadata: Readonly<Record<string, string>>
}

/** Why an invoice was made. */
export type InvoiceReason = 'first' | 'cycle' | 'update' | 'manual' | 'other' | 'unknown'

/** An invoice as a provider shows it; null where it does not say. */
export interface ObservedInvoice {
  readonly customer: string | null
  /** The subscription it bills; null for a one-off invoice. */
  readonly subscription: string | null
  readonly status: InvoiceStatus
  readonly number: string | null
  readonly reason: InvoiceReason
  readonly total: Money | null
  readonly amountDue: Money | null
  readonly amountPaid: Money | null
  /** What was given back on it after it was paid, cumulative. */
  readonly refunded: Money | null
  /** The service period that its subscription lines bill (prorations left out); null if the body does not say. */
  readonly period: Period | null
  readonly createdAt: Instant | null
  readonly paidAt: Instant | null
  readonly dueAt: Instant | null
  readonly attempts: number | null
  readonly nextAttemptAt: Instant | null
  readonly collection: 'automatic' | 'manual' | null
  readonly paidOutOfBand: boolean
}

/** Why a payment failed. */
export interface PaymentFailure {
  /** The provider's most specific code, for example `insufficient_funds`. */
  readonly code: string | null
  readonly message: string | null
  readonly retryable: Retryable
}

/** A payment as a provider shows it; null where it does not say. */
export interface ObservedPayment {
  readonly customer: string | null
  /** The invoice it pays: an id, `none` if it pays no invoice, `unknown` if this provider's body cannot say. */
  readonly invoice: { readonly id: string } | 'none' | 'unknown'
  readonly subscription: string | null
  readonly status: PaymentStatus
  readonly amount: Money | null
  readonly refunded: Money | null
  readonly failure: PaymentFailure | null
  /** Another id of the same payment at the provider (intent and charge), so that the two can be joined. */
  readonly alias: string | null
  readonly createdAt: Instant | null
}

/** A hosted checkout as a provider shows it; null where it does not say. */
export interface ObservedCheckout {
  readonly customer: string | null
  readonly subscription: string | null
  readonly invoice: string | null
  readonly status: CheckoutStatus
  /** The app's own reference (client reference id, metadata): a hint for linking the app's user. */
  readonly reference: string | null
  readonly createdAt: Instant | null
  readonly metadata: Readonly<Record<string, string>>
}

/** What is known of a customer: links to the app's own user, and whether there is something to charge. */
export interface ObservedCustomer {
  /** Ids of the app's own world that the provider carries (user id, organization code, reference). */
  readonly users: readonly string[]
  readonly email: string | null
  readonly name: string | null
  readonly paymentMethod: 'yes' | 'no' | 'unknown'
  readonly deleted: boolean
}

/** A charge that pays an invoice: told by providers that link the two in an object of their own. */
export interface ObservedPaymentLink {
  readonly payment: string
  readonly invoice: string
  readonly amountPaid: Money | null
  readonly status: 'open' | 'paid' | 'canceled'
}

/** The value of each kind of register. */
export interface ObjectValues {
  readonly subscription: ObservedSubscription
  readonly invoice: ObservedInvoice
  readonly payment: ObservedPayment
  readonly payment_link: ObservedPaymentLink
  readonly checkout: ObservedCheckout
  readonly customer: ObservedCustomer
}

/** The kinds of objects that providers show. */
export type ObjectKind = keyof ObjectValues
