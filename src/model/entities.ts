/**
 * The objects of a billing system, as the sending end keeps them: complete, in our own words, with our own ids. The
 * lifecycle changes them, dialects print them. Amounts are {@link Money}, times are instants on the account's clock.
 *
 * An id that Billhook minted has the form of {@link isMintedId} and is printed in the provider's own form; any other id was
 * chosen by the user and is printed as it is.
 */
import type { Interval, Period } from './calendar.ts'
import type { Currency } from './currency.ts'
import type { Instant } from './instant.ts'
import type { Money } from './money.ts'
import type { InvoiceReason, PaymentFailure } from './objects.ts'
import type { Actor, CheckoutStatus, InvoiceStatus, PaymentStatus, SubscriptionStatus } from './status.ts'

/** Free fields of the app. */
export type Metadata = Readonly<Record<string, string>>

/** The kinds of entity, and the prefix of an id that Billhook mints for one. */
export const ENTITY_PREFIXES = {
  customer: 'bhcus',
  product: 'bhprd',
  price: 'bhpri',
  payment_method: 'bhpm',
  subscription: 'bhsub',
  subscription_item: 'bhsi',
  invoice: 'bhinv',
  invoice_line: 'bhil',
  invoice_item: 'bhii',
  payment: 'bhpay',
  refund: 'bhref',
  checkout: 'bhco',
  meter: 'bhmtr',
  clock: 'bhclk',
  fact: 'bhfct',
} as const satisfies Record<string, string>

/** Kinds of entities that have ids of ours. */
export type EntityKind = keyof typeof ENTITY_PREFIXES

/** True for an id that Billhook minted: prefix, underscore, 24 characters of 0-9 and a-z. */
export function isMintedId(id: string): boolean {
  return /^bh[a-z]+_[0-9a-z]{24}$/.test(id)
}

/** Someone who is billed. */
export interface Customer {
  readonly id: string
  /** `organization` where the provider bills organizations; else `user`. */
  readonly type: 'user' | 'organization'
  readonly name: string | null
  readonly email: string | null
  readonly phone: string | null
  /** The app's own id of its user or organization. */
  readonly user: string | null
  /** The currency that this customer is billed in: set by the first subscription or invoice, never changed. */
  readonly currency: Currency | null
  readonly defaultPaymentMethod: string | null
  readonly metadata: Metadata
  /** Invoices numbered so far: the next one is this plus one. */
  readonly invoiceCount: number
  readonly createdAt: Instant
  readonly updatedAt: Instant
  readonly deletedAt: Instant | null
}

/** Something that is sold. */
export interface Product {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly active: boolean
  /** Keys of the features that holders of this product may use. */
  readonly features: readonly string[]
  readonly metadata: Metadata
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

/** A step of a tiered price: holds for quantities up to and including `upTo`; the last one has null. */
export interface PriceTier {
  readonly upTo: number | null
  readonly unitAmount: Money
  readonly flatAmount: Money | null
}

/**
 * How an amount follows from a quantity. `flat`: whatever the quantity. `per_unit`: times the quantity. `graduated`: each
 * unit at the price of the tier it falls into. `volume`: all units at the price of the tier of the whole quantity.
 */
export type PriceScheme = 'flat' | 'per_unit' | 'graduated' | 'volume'

/** A price: what some providers call a plan. */
export interface Price {
  readonly id: string
  readonly product: string
  /** A name for programs, unique in the account where given (`pro`). */
  readonly code: string | null
  readonly name: string | null
  /** Prices of one group replace each other; null: the product is the group. */
  readonly group: string | null
  readonly currency: Currency
  /** Null for a one-off price. */
  readonly interval: Interval | null
  readonly scheme: PriceScheme
  /** Of one unit, or of all for `flat`; null for tiered schemes. */
  readonly unitAmount: Money | null
  readonly tiers: readonly PriceTier[]
  /** `metered`: billed in arrears by what {@link meter} counted in the cycle. */
  readonly usage: 'licensed' | 'metered'
  readonly meter: string | null
  /** `advance`: at the start of the cycle it pays for. `arrears`: at its end. */
  readonly billed: 'advance' | 'arrears'
  readonly active: boolean
  readonly metadata: Metadata
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

/** What the sandbox payment service does when a method is charged; scripts may override it attempt by attempt. */
export type SandboxBehavior =
  | 'pays'
  | 'declines'
  | 'insufficient_funds'
  | 'expired'
  | 'needs_action'
  | 'processing_then_pays'
  | 'processing_then_fails'

/** What a customer pays with. */
export interface PaymentMethod {
  readonly id: string
  readonly customer: string
  readonly type: 'card' | 'bank_debit' | 'wallet'
  readonly brand: string | null
  readonly last4: string | null
  readonly expMonth: number | null
  readonly expYear: number | null
  readonly behavior: SandboxBehavior
  /** What the sandbox does at the first, second, … attempt of each payment; past its end, {@link behavior} holds. */
  readonly script: readonly SandboxBehavior[]
  readonly createdAt: Instant
  readonly detachedAt: Instant | null
}

/** One price of a subscription, with its quantity. */
export interface SubscriptionItem {
  readonly id: string
  readonly price: string
  readonly quantity: number
  readonly createdAt: Instant
}

/** A change that waits for the end of the cycle. */
export interface ScheduledChange {
  readonly at: Instant
  readonly items: readonly { readonly price: string; readonly quantity: number }[]
}

/** A change that waits for the payment of its invoice. */
export interface PendingChange {
  readonly items: readonly SubscriptionItem[]
  readonly invoice: string
  readonly expiresAt: Instant
}

/** A resumption that waits for the payment of its invoice; the cycle that it will start is that of the invoice. */
export interface Resumption {
  readonly invoice: string
  readonly anchor: Instant
  /** Then the invoice is void and the pause goes on; null: it waits forever. */
  readonly expiresAt: Instant | null
}

/** A first payment that waits for the customer: consent, upfront amount, plan amount. */
export interface Authorization {
  readonly upfront: Money | null
  /** When the offer ends; null: it does not. */
  readonly expiresAt: Instant | null
  readonly authorizedAt: Instant | null
}

/** An agreement to be billed for prices again and again. */
export interface Subscription {
  readonly id: string
  readonly customer: string
  readonly status: SubscriptionStatus
  readonly items: readonly SubscriptionItem[]
  readonly currency: Currency
  readonly collection: 'automatic' | 'manual'
  /** Days from an invoice to its due date, for manual collection. */
  readonly daysUntilDue: number | null
  readonly defaultPaymentMethod: string | null
  /** From when service is to start: later than `createdAt` for a future start. */
  readonly startAt: Instant
  readonly startedAt: Instant | null
  /** The instant from which cycles are counted. */
  readonly anchor: Instant
  /** The interval of its recurring prices; null if it has none yet. */
  readonly interval: Interval | null
  /** Number of the current cycle counted from the anchor; null before the first. */
  readonly cycle: number | null
  readonly period: Period | null
  readonly trial: Period | null
  /** What happens if there is nothing to charge when the trial ends. */
  readonly trialEndBehavior: 'invoice' | 'cancel' | 'pause'
  readonly cycles: {
    /** Null: until canceled. */
    readonly total: number | null
    readonly invoiced: number
    readonly paid: number
  }
  readonly authorization: Authorization | null
  readonly cancel: {
    readonly requestedAt: Instant
    readonly at: Instant
    readonly atPeriodEnd: boolean
    readonly by: Actor
    readonly reason: string | null
  } | null
  readonly endedAt: Instant | null
  readonly pause: {
    readonly scope: 'service' | 'collection'
    /** What happens to invoices made while collection is paused. */
    readonly invoices: 'keep_as_draft' | 'mark_uncollectible' | 'void'
    readonly from: Instant
    readonly resumesAt: Instant | null
    readonly by: Actor
  } | null
  readonly scheduledChange: ScheduledChange | null
  /** A change that takes effect when its invoice is paid. */
  readonly pendingChange?: PendingChange | null
  /** A resumption that takes effect when its invoice is paid. */
  readonly resumption?: Resumption | null
  /** The ends of trial and cycle that have been announced, so that each is announced once. */
  readonly announced?: { readonly trialEnd: Instant | null; readonly renewal: Instant | null }
  readonly latestInvoice: string | null
  /** Failed attempts at the invoice that is being collected. */
  readonly failedAttempts: number
  /** When the engine charges next: a renewal or a retry; null if nothing is planned. */
  readonly nextChargeAt: Instant | null
  /** The subscription that this one replaced, where a plan change makes a new one. */
  readonly replaces: string | null
  /** The hosted checkout that made it, or null. */
  readonly checkout: string | null
  readonly metadata: Metadata
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

/** One amount of an invoice. */
export interface InvoiceLine {
  readonly id: string
  readonly kind: 'subscription' | 'proration' | 'usage' | 'one_off' | 'upfront' | 'authorization'
  readonly description: string
  readonly amount: Money
  readonly price: string | null
  readonly quantity: number
  /** The service period that it pays for. */
  readonly period: Period
  readonly subscriptionItem: string | null
  readonly invoiceItem: string | null
}

/** Where an invoice stands before the payment gate. */
export interface InvoiceGate {
  /** `open`: may go on. `waiting`: for acknowledgements of its creation. */
  readonly state: 'open' | 'waiting'
  /** When all endpoints had acknowledged, or were given up on; null while waiting. */
  readonly deliveredAt: Instant | null
  /** At this time it goes on whatever happens. */
  readonly latestAt: Instant | null
}

/** What a customer owes, or has paid. */
export interface Invoice {
  readonly id: string
  readonly customer: string
  readonly subscription: string | null
  /** Null while a draft. */
  readonly number: string | null
  readonly status: InvoiceStatus
  readonly reason: InvoiceReason
  readonly collection: 'automatic' | 'manual'
  /** Whether the engine finalizes and collects it by itself. */
  readonly autoAdvance: boolean
  readonly currency: Currency
  readonly lines: readonly InvoiceLine[]
  readonly total: Money
  readonly amountDue: Money
  readonly amountPaid: Money
  readonly refunded: Money
  /** The service period of its subscription lines; for one-off invoices its creation. */
  readonly period: Period
  readonly defaultPaymentMethod: string | null
  /** Attempts made so far. */
  readonly attempts: number
  readonly nextAttemptAt: Instant | null
  /** When its first attempt failed. */
  readonly firstFailedAt?: Instant | null
  /** When its due date was announced. */
  readonly dueAnnouncedAt?: Instant | null
  /** When a draft is finalized by the engine; null if it is not. */
  readonly finalizesAt: Instant | null
  readonly gate: InvoiceGate
  readonly payment: string | null
  readonly paidOutOfBand: boolean
  readonly createdAt: Instant
  readonly updatedAt: Instant
  readonly finalizedAt: Instant | null
  /** Whom it names as its customer: as they were when it was finalized, whatever becomes of them. */
  readonly billedTo?: Pick<Customer, 'name' | 'email' | 'phone'> | null
  readonly sentAt: Instant | null
  readonly dueAt: Instant | null
  readonly overdueAt: Instant | null
  readonly paidAt: Instant | null
  readonly voidedAt: Instant | null
  readonly uncollectibleAt: Instant | null
  readonly metadata: Metadata
}

/** An amount that waits for the customer's next invoice. */
export interface InvoiceItem {
  readonly id: string
  readonly customer: string
  readonly subscription: string | null
  readonly invoice: string | null
  readonly amount: Money
  readonly description: string
  readonly proration: boolean
  readonly price: string | null
  readonly subscriptionItem: string | null
  readonly quantity: number
  readonly period: Period
  readonly metadata: Metadata
  readonly createdAt: Instant
}

/**
 * The collection of one invoice (or of one authorization), through all its attempts. `id` names it at every provider;
 * each attempt's own id follows from `id` and the number of the attempt.
 */
export interface Payment {
  readonly id: string
  readonly customer: string
  readonly invoice: string | null
  readonly subscription: string | null
  readonly amount: Money
  readonly status: PaymentStatus
  readonly method: string | null
  /** Number of the latest attempt, from 1; 0 before the first. */
  readonly attempt: number
  readonly failure: PaymentFailure | null
  /** True if the latest attempt was asked for by hand: it does not count as a retry. */
  readonly byHand?: boolean
  readonly refunded: Money
  readonly createdAt: Instant
  readonly updatedAt: Instant
  /** When the latest attempt succeeded, failed or was canceled. */
  readonly decidedAt: Instant | null
}

/** A payment that goes back, in whole or in part. */
export interface Refund {
  readonly id: string
  readonly payment: string
  readonly invoice: string | null
  readonly customer: string
  readonly amount: Money
  readonly status: 'pending' | 'succeeded' | 'failed'
  readonly reason: string | null
  readonly createdAt: Instant
}

/** A hosted page on which a customer pays or subscribes. */
export interface Checkout {
  readonly id: string
  readonly mode: 'payment' | 'subscription' | 'setup'
  readonly status: CheckoutStatus
  readonly customer: string | null
  readonly items: readonly { readonly price: string; readonly quantity: number }[]
  readonly trialDays: number | null
  /** The app's own reference. */
  readonly reference: string | null
  readonly successUrl: string | null
  readonly subscription: string | null
  readonly invoice: string | null
  readonly currency: Currency
  readonly total: Money
  readonly metadata: Metadata
  readonly createdAt: Instant
  readonly updatedAt: Instant
  readonly expiresAt: Instant
  readonly completedAt: Instant | null
  readonly canceledAt: Instant | null
}

/** Something whose usage is counted and billed. */
export interface Meter {
  readonly id: string
  /** Name for programs, unique in the account. */
  readonly code: string
  readonly name: string
  readonly aggregation: 'sum' | 'last' | 'max' | 'count'
  readonly active: boolean
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

/** What a meter has counted for a subscription in one cycle. Quantities are decimal texts. */
export interface UsageTotal {
  readonly subscription: string
  readonly meter: string
  readonly period: Period
  readonly quantity: string
  /** What the latest report said, and how it is meant. */
  readonly reported: string
  readonly mode: 'total' | 'delta'
  readonly updatedAt: Instant
}

/** A test clock as the account sees it. */
export interface BillingClock {
  readonly id: string
  readonly name: string | null
  readonly now: Instant
  readonly status: 'ready' | 'advancing'
  readonly createdAt: Instant
}

/** Every kind of entity that a fact can be about, with its type. */
export interface EntityValues {
  readonly customer: Customer
  readonly product: Product
  readonly price: Price
  readonly payment_method: PaymentMethod
  readonly subscription: Subscription
  readonly invoice: Invoice
  readonly invoice_item: InvoiceItem
  readonly payment: Payment
  readonly refund: Refund
  readonly checkout: Checkout
  readonly meter: Meter
  readonly usage: UsageTotal
  readonly clock: BillingClock
}

/** The entities that a fact touches or rests on; null where none is concerned. */
export type Entities = { readonly [K in keyof EntityValues]: EntityValues[K] | null }

/** No entity at all. */
export const NO_ENTITIES: Entities = {
  customer: null,
  product: null,
  price: null,
  payment_method: null,
  subscription: null,
  invoice: null,
  invoice_item: null,
  payment: null,
  refund: null,
  checkout: null,
  meter: null,
  usage: null,
  clock: null,
}

/**
 * What a dialect may look at when it tells a fact: the entities concerned, before and after the fact, and those that
 * they refer to.
 */
export interface View {
  readonly account: string
  readonly livemode: boolean
  /** As they were just before the fact; null where the entity did not exist. */
  readonly before: Entities
  /** As they are just after it. */
  readonly after: Entities
  /** Prices and products that the entities refer to, by id. */
  readonly prices: Readonly<Record<string, Price>>
  readonly products: Readonly<Record<string, Product>>
  readonly paymentMethods: Readonly<Record<string, PaymentMethod>>
  /** The latest payment attempted on the subscription before this fact, whatever the fact is about; null if none. */
  readonly attempted: Payment | null
  /** The invoice of {@link attempted}. */
  readonly attemptedInvoice: Invoice | null
  /** The API call that caused the fact; null if the clock did. */
  readonly request: { readonly id: string; readonly idempotencyKey: string | null } | null
  /** Where a provider's contradictory documents leave a choice: the switches of the account's profile. */
  readonly switches: Readonly<Record<string, string>>
}

/** A view in which there is nothing, for what is told without the objects of the sending end. */
export const NO_VIEW: Omit<View, 'account'> = {
  livemode: true,
  before: NO_ENTITIES,
  after: NO_ENTITIES,
  prices: {},
  products: {},
  paymentMethods: {},
  attempted: null,
  attemptedInvoice: null,
  request: null,
  switches: {},
}
