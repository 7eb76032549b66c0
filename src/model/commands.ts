/**
 * What the users of the billing system, its clock and its neighbors can ask of the lifecycle. Every command names the
 * entities by id; an `id` that is null is minted. `field` of a refusal is a member of these types.
 */
import type { Currency } from './currency.ts'
import type { Interval } from './calendar.ts'
import type { Customer, Metadata, PaymentMethod, PriceScheme, PriceTier, SandboxBehavior } from './entities.ts'
import type { Instant } from './instant.ts'
import type { Money } from './money.ts'
import type { PaymentFailure } from './objects.ts'
import type { Actor } from './status.ts'

/** A price and how many of it. */
export interface ItemInput {
  readonly price: string
  readonly quantity: number
}

/** A payment method to be attached. */
export interface PaymentMethodInput {
  readonly id: string | null
  readonly type: PaymentMethod['type']
  readonly brand: string | null
  readonly last4: string | null
  readonly expMonth: number | null
  readonly expYear: number | null
  readonly behavior: SandboxBehavior
  readonly script: readonly SandboxBehavior[]
}

/** A method that the customer has, by id, or a new one. */
export type MethodChoice = { readonly id: string } | { readonly attach: PaymentMethodInput }

/** Fields of a customer that may be set. */
export interface CustomerFields {
  readonly type?: Customer['type']
  readonly name?: string | null
  readonly email?: string | null
  readonly phone?: string | null
  readonly user?: string | null
  readonly metadata?: Metadata
}

/** What the payment service answered to a charge; see the payment port. */
export type PaymentOutcome =
  | { readonly outcome: 'succeeded'; readonly reference: string | null }
  | { readonly outcome: 'failed'; readonly failure: PaymentFailure }
  | { readonly outcome: 'action_required'; readonly reference: string | null }
  | { readonly outcome: 'later'; readonly reference: string | null; readonly expectedAt: Instant | null }

/** What became of a refund. */
export type RefundDecision =
  | { readonly outcome: 'succeeded' }
  | { readonly outcome: 'later' }
  | { readonly outcome: 'failed'; readonly message: string }

/** Commands about a customer and its payment methods. */
export type CustomerCommand =
  | { readonly kind: 'customer.create'; readonly fields: CustomerFields; readonly method: PaymentMethodInput | null }
  | { readonly kind: 'customer.update'; readonly fields: CustomerFields }
  | { readonly kind: 'customer.delete' }
  /** Attaches the method first if it is new. */
  | { readonly kind: 'customer.set_default_payment_method'; readonly method: MethodChoice }
  | {
      readonly kind: 'payment_method.attach'
      readonly method: PaymentMethodInput
      /** Whether it becomes the customer's default; it always does if there is none. */
      readonly makeDefault: boolean
    }
  | { readonly kind: 'payment_method.detach'; readonly id: string }
  /** Changes how the sandbox treats a method; told to nobody. Null: the customer's default method. */
  | {
      readonly kind: 'payment_method.script'
      readonly id: string | null
      readonly behavior?: SandboxBehavior
      readonly script?: readonly SandboxBehavior[]
    }

/** How a change of a subscription's plan is billed. */
export type ProrationBehavior = 'create_prorations' | 'always_invoice' | 'none'

/** A new subscription. */
export interface SubscriptionCreate {
  readonly kind: 'subscription.create'
  readonly id: string | null
  readonly items: readonly ItemInput[]
  readonly trialDays?: number | null
  readonly trialEnd?: Instant | null
  readonly trialEndBehavior?: 'invoice' | 'cancel' | 'pause'
  /** When service is to start; null: now. */
  readonly startAt?: Instant | null
  /** From which instant cycles are counted, if not from the start: the first cycle is then shorter. */
  readonly anchor?: Instant | null
  readonly totalCycles?: number | null
  /** Charged with the authorization, beside the plan. */
  readonly upfront?: Money | null
  /** When the offer to authorize ends. */
  readonly expiresAt?: Instant | null
  readonly collection?: 'automatic' | 'manual'
  readonly daysUntilDue?: number | null
  readonly defaultPaymentMethod?: string | null
  /** `default_incomplete`: the first payment is left to the customer. */
  readonly paymentBehavior?: 'charge' | 'default_incomplete'
  readonly checkout?: string | null
  readonly metadata?: Metadata
}

/** A change of a subscription; what is left out stays as it is. */
export interface SubscriptionUpdate {
  readonly kind: 'subscription.update'
  readonly id: string
  /** The whole list as it is to be. */
  readonly items?: readonly ItemInput[]
  /** Of the only item, or of all. */
  readonly quantity?: number
  readonly metadata?: Metadata
  readonly cancelAtPeriodEnd?: boolean
  /** Null takes a planned cancellation back. */
  readonly cancelAt?: Instant | null
  readonly cancelReason?: string | null
  readonly by?: Actor
  /** Null resumes. */
  readonly pauseCollection?: {
    readonly invoices: 'keep_as_draft' | 'mark_uncollectible' | 'void'
    readonly resumesAt: Instant | null
  } | null
  readonly defaultPaymentMethod?: string | null
  readonly collection?: 'automatic' | 'manual'
  readonly daysUntilDue?: number | null
  /** `now` ends a trial at once. */
  readonly trialEnd?: Instant | 'now'
  readonly totalCycles?: number | null
  readonly proration?: ProrationBehavior
  /** `now`: at once. `cycle_end`: when the current cycle ends. */
  readonly when?: 'now' | 'cycle_end'
  /** `pending`: the change waits until its invoice is paid. */
  readonly ifUnpaid?: 'apply' | 'pending'
  /** Whether cycles are counted from now on. */
  readonly resetAnchor?: boolean
}

/** Commands about a subscription. */
export type SubscriptionCommand =
  | SubscriptionCreate
  | SubscriptionUpdate
  | {
      readonly kind: 'subscription.cancel'
      readonly id: string
      readonly when: 'now' | 'period_end'
      readonly by: Actor
      readonly reason: string | null
      /** Whether the unused rest of the cycle is credited. */
      readonly prorate?: boolean
      /** Whether what is still to be billed is billed at once. */
      readonly invoiceNow?: boolean
    }
  | {
      readonly kind: 'subscription.pause'
      readonly id: string
      readonly by: Actor
      readonly resumesAt?: Instant | null
    }
  | {
      readonly kind: 'subscription.resume'
      readonly id: string
      readonly by: Actor
      readonly anchor: 'now' | 'unchanged'
    }
  /** The customer finished, or failed, the hosted authorization. */
  | {
      readonly kind: 'subscription.authorize'
      readonly id: string
      /** Null: the payment service is asked. */
      readonly outcome: PaymentOutcome | null
      readonly method: MethodChoice | null
      readonly customer?: CustomerFields
    }
  /** By hand: the invoice that is being collected is charged once more. */
  | { readonly kind: 'subscription.retry'; readonly id: string; readonly method: MethodChoice | null }
  /** The customer changes the method; from past due or unpaid the latest open invoice is charged on it. */
  | { readonly kind: 'subscription.change_payment_method'; readonly id: string; readonly method: MethodChoice }
  /** Drops a change that waits for the cycle's end. */
  | { readonly kind: 'subscription.cancel_scheduled_change'; readonly id: string }
  | {
      readonly kind: 'agreement.create'
      readonly id: string | null
      /** Code or id of the price. */
      readonly plan: string
      /** Whether what was used under a replaced agreement is billed at once; else it is not billed. */
      readonly invoiceNow?: boolean
      readonly prorate?: boolean
      readonly collection?: 'automatic' | 'manual'
      readonly daysUntilDue?: number | null
      readonly metadata?: Metadata
      readonly customer?: CustomerFields
    }
  | {
      readonly kind: 'agreement.cancel'
      /** Null: the customer's only live agreement. */
      readonly id: string | null
      readonly by: Actor
      readonly reason: string | null
    }

/** A line of a one-off invoice. */
export interface LineInput {
  readonly amount: Money
  readonly description: string
  readonly price: string | null
  readonly quantity: number
}

/** Commands about an invoice. */
export type InvoiceCommand =
  | {
      readonly kind: 'invoice.create'
      readonly id: string | null
      readonly currency: Currency | null
      readonly lines: readonly LineInput[]
      /** Whether pending amounts of the customer are billed with it. */
      readonly pendingItems: 'include' | 'exclude'
      readonly autoAdvance: boolean
      readonly collection: 'automatic' | 'manual'
      readonly daysUntilDue: number | null
      readonly metadata?: Metadata
    }
  | { readonly kind: 'invoice.add_line'; readonly id: string; readonly line: LineInput }
  | { readonly kind: 'invoice.finalize'; readonly id: string }
  /** Finalizes a draft first. */
  | { readonly kind: 'invoice.pay'; readonly id: string; readonly method: MethodChoice | null }
  | { readonly kind: 'invoice.pay_out_of_band'; readonly id: string }
  | { readonly kind: 'invoice.send'; readonly id: string }
  | { readonly kind: 'invoice.void'; readonly id: string }
  | { readonly kind: 'invoice.mark_uncollectible'; readonly id: string }
  | { readonly kind: 'invoice.mark_overdue'; readonly id: string }
  | { readonly kind: 'invoice.delete'; readonly id: string }
  | {
      readonly kind: 'invoice_item.create'
      readonly id: string | null
      readonly amount: Money
      readonly description: string
      readonly subscription: string | null
      readonly metadata?: Metadata
    }
  | { readonly kind: 'invoice_item.delete'; readonly id: string }

/** Commands about a payment. */
export type PaymentCommand =
  /** The payment service answered a charge. Told twice, or late, it changes nothing. */
  | {
      readonly kind: 'payment.decided'
      readonly payment: string
      readonly attempt: number
      readonly outcome: PaymentOutcome
    }
  /** Null amount: all that is left. */
  | {
      readonly kind: 'refund.create'
      readonly id: string | null
      readonly payment: string
      readonly amount: Money | null
      readonly reason: string | null
    }
  | { readonly kind: 'refund.decided'; readonly refund: string; readonly outcome: RefundDecision }

/** Commands about a hosted checkout. */
export type CheckoutCommand =
  | {
      readonly kind: 'checkout.create'
      readonly id: string | null
      readonly mode: 'payment' | 'subscription' | 'setup'
      readonly items: readonly ItemInput[]
      readonly currency: Currency | null
      readonly trialDays: number | null
      readonly reference: string | null
      readonly successUrl: string | null
      /** Null: the profile's. */
      readonly expiresAt: Instant | null
      readonly metadata?: Metadata
    }
  | {
      readonly kind: 'checkout.complete'
      readonly id: string
      readonly method: MethodChoice | null
      /** Null: the payment service is asked. */
      readonly outcome: PaymentOutcome | null
      readonly customer?: CustomerFields
    }
  | { readonly kind: 'checkout.cancel'; readonly id: string }
  | { readonly kind: 'checkout.expire'; readonly id: string }

/** How much of a meter was used. */
export interface UsageReport {
  readonly kind: 'usage.report'
  readonly subscription: string
  /** Id or code of the meter. */
  readonly meter: string
  /** Decimal text, not negative unless a delta. */
  readonly quantity: string
  readonly mode: 'total' | 'delta'
}

/** What became of the notification that an invoice's payment waits for. */
export type GateCommand =
  /** Every endpoint that asked for it has acknowledged the invoice's creation. */
  | { readonly kind: 'gate.acknowledged'; readonly invoice: string }
  /** The last delivery of it was given up. */
  | { readonly kind: 'gate.given_up'; readonly invoice: string }

/** What changes one customer's aggregate. */
export type Command =
  CustomerCommand | SubscriptionCommand | InvoiceCommand | PaymentCommand | CheckoutCommand | UsageReport | GateCommand

/** The kinds of {@link Command}. */
export type CommandKind = Command['kind']

/** What changes the account's catalogue. */
export type CatalogCommand =
  | {
      readonly kind: 'product.create'
      readonly id: string | null
      readonly name: string
      readonly description: string | null
      readonly features: readonly string[]
      readonly metadata?: Metadata
    }
  | {
      readonly kind: 'product.update'
      readonly id: string
      readonly name?: string
      readonly description?: string | null
      readonly features?: readonly string[]
      readonly active?: boolean
      readonly metadata?: Metadata
    }
  | {
      readonly kind: 'price.create'
      readonly id: string | null
      readonly product: string
      readonly code: string | null
      readonly name: string | null
      readonly group: string | null
      readonly currency: Currency
      readonly interval: Interval | null
      readonly scheme: PriceScheme
      readonly unitAmount: Money | null
      readonly tiers: readonly PriceTier[]
      readonly usage: 'licensed' | 'metered'
      readonly meter: string | null
      readonly billed: 'advance' | 'arrears' | null
      readonly metadata?: Metadata
    }
  | {
      readonly kind: 'price.update'
      readonly id: string
      readonly name?: string | null
      readonly active?: boolean
      readonly metadata?: Metadata
    }
  | {
      readonly kind: 'meter.create'
      readonly id: string | null
      readonly code: string
      readonly name: string
      readonly aggregation: 'sum' | 'last' | 'max' | 'count'
    }
  | { readonly kind: 'meter.update'; readonly id: string; readonly name?: string; readonly active?: boolean }
