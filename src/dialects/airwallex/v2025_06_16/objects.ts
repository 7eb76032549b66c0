import type { Checkout, Invoice, Payment, Refund, Subscription, View } from '../../../model/entities.ts'
import { addMs, DAY_MS } from '../../../model/instant.ts'
import type { Instant } from '../../../model/instant.ts'
import type { Json, JsonObject } from '../../../model/json.ts'
import { isZero } from '../../../model/money.ts'
import type { PaymentStatus, SubscriptionStatus } from '../../../model/status.ts'
import { legalEntityId, pageToken, printedAccount, printedId } from '../shared/ids.ts'
import {
  endOf,
  intentId,
  lastAttemptAt,
  present,
  printAmount,
  printInterval,
  printTime,
  printTimeOrNull,
  remainingAttempts,
  requestedAt,
} from '../shared/print.ts'
import { nextBilling, termEnd } from '../shared/term.ts'

/** Where hosted pages would be: a name that belongs to nobody, since Billhook hosts none for this provider. */
const PAGES = 'https://billing.example'

/**
 * The statuses of the subscriptions of this generation by their meaning. It has no pause, which its profile does not offer;
 * one that is paused all the same is served as far as this provider can say.
 */
const STATUSES: Readonly<Record<SubscriptionStatus, string>> = {
  pending: 'PENDING',
  incomplete: 'PENDING',
  authorized: 'PENDING',
  trialing: 'IN_TRIAL',
  active: 'ACTIVE',
  past_due: 'UNPAID',
  unpaid: 'UNPAID',
  paused: 'ACTIVE',
  canceled: 'CANCELLED',
  completed: 'CANCELLED',
  expired: 'CANCELLED',
  unknown: 'ACTIVE',
}

/** The status as it is printed. */
export function subscriptionStatus(subscription: Subscription): string {
  return STATUSES[subscription.status]
}

/** A subscription as Retrieve a Subscription answers it. It has no items: those have an API of their own. */
export function subscriptionObject(subscription: Subscription, view: View): JsonObject {
  const term = termEnd(subscription)
  const end = endOf(subscription, term)
  const period = hasPeriod(subscription) ? subscription.period : null
  const time = (at: Instant | null): string | null => printTimeOrNull(at, view)
  return present({
    ...ownership(view),
    id: printedId('subscription', subscription.id, view),
    status: subscriptionStatus(subscription),
    applied_discounts: [],
    billing_customer_id: printedId('customer', subscription.customer, view),
    billing_cycle_anchor_at: time(subscription.anchor),
    cancel_at_period_end: subscription.cancel?.atPeriodEnd ?? false,
    cancel_requested_at: time(requestedAt(subscription)),
    collection_method: collectionMethod(subscription.collection),
    created_at: printTime(subscription.createdAt, view),
    currency: subscription.currency,
    current_period_ends_at: time(period?.until ?? null),
    current_period_starts_at: time(period?.from ?? null),
    days_until_due: subscription.daysUntilDue ?? 0,
    default_tax_percent: 0,
    duration: duration(subscription),
    ends_at: time(end),
    latest_invoice_id:
      subscription.latestInvoice === null ? null : printedId('invoice', subscription.latestInvoice, view),
    metadata: subscription.metadata,
    next_billing_at: time(nextBilling(subscription, end)),
    payment_source_id: sourceId(subscription.defaultPaymentMethod ?? defaultMethod(subscription.customer, view), view),
    recurring: subscription.interval === null ? null : printInterval(subscription.interval),
    starts_at: printTime(subscription.startAt, view),
    trial_ends_at: time(subscription.trial?.until ?? null),
    trial_starts_at: time(subscription.trial?.from ?? null),
    updated_at: printTime(subscription.updatedAt, view),
  })
}

/** An invoice as Retrieve an Invoice answers it: two statuses, and the period only on its lines. */
export function invoiceObject(invoice: Invoice, view: View): JsonObject {
  const time = (at: Instant | null): string | null => printTimeOrNull(at, view)
  const isFinal = invoice.finalizedAt !== null
  return present({
    ...ownership(view),
    id: printedId('invoice', invoice.id, view),
    number: isFinal ? invoice.number : null,
    status: invoiceStatus(invoice),
    payment_status: invoice.status === 'paid' ? 'PAID' : 'UNPAID',
    amount_due: invoice.status === 'paid' ? 0 : printAmount(invoice.amountDue),
    applied_discounts: [],
    automatic_tax_status: 'DISABLED',
    billing_customer_id: printedId('customer', invoice.customer, view),
    collection_method: invoiceCollection(invoice, view),
    created_at: printTime(invoice.createdAt, view),
    credit_note_amount_after_payment: isZero(invoice.refunded) ? null : printAmount(invoice.refunded),
    currency: invoice.currency,
    days_until_due: daysUntilDue(invoice),
    default_tax_percent: 0,
    due_at: time(invoice.dueAt ?? invoice.finalizedAt),
    enable_automatic_tax: false,
    finalized_at: time(invoice.finalizedAt),
    hosted_url: isFinal ? `${PAGES}/invoices/pay?s=${pageToken(invoice.id)}` : null,
    last_payment_attempt_at: time(lastAttemptAt(invoice, view)),
    metadata: invoice.metadata,
    next_payment_attempt_at: invoice.status === 'open' && invoice.attempts > 0 ? time(invoice.nextAttemptAt) : null,
    paid_at: time(invoice.paidAt),
    paid_out_of_band: invoice.paidOutOfBand,
    past_payment_attempt_count: invoice.attempts,
    payment_source_id: sourceId(invoice.defaultPaymentMethod ?? defaultMethod(invoice.customer, view), view),
    pdf_url: isFinal ? `${PAGES}/invoices/pdf?s=${pageToken(invoice.id)}` : null,
    remaining_payment_attempt_count: remainingAttempts(invoice),
    subscription_id: invoice.subscription === null ? null : printedId('subscription', invoice.subscription, view),
    total_amount: printAmount(invoice.total),
    total_discount_amounts: [],
    total_tax_amount: 0,
    updated_at: printTime(invoice.updatedAt, view),
    voided_at: time(invoice.voidedAt),
  })
}

const PAYMENT_STATUSES: Readonly<Record<PaymentStatus, string>> = {
  initiated: 'CREATED',
  requires_action: 'CREATED',
  processing: 'CREATED',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  canceled: 'CANCELLED',
}

/** A payment as Retrieve a Billing Transaction answers it: one transaction for all attempts on an invoice. */
export function paymentObject(payment: Payment, view: View): JsonObject {
  const decidedAt = printTimeOrNull(payment.decidedAt ?? payment.updatedAt, view)
  return transactionObject(
    {
      id: printedId('transaction', payment.id, view),
      type: 'PAYMENT',
      status: PAYMENT_STATUSES[payment.status],
      amount: printAmount(payment.amount),
      currency: payment.amount.currency,
      billing_customer_id: printedId('customer', payment.customer, view),
      invoice_id: payment.invoice === null ? null : printedId('invoice', payment.invoice, view),
      external_id: intentId(payment.invoice ?? payment.id, view),
      payment_source_id: sourceId(payment.method, view),
      created_at: printTime(payment.createdAt, view),
      succeeded_at: payment.status === 'succeeded' ? decidedAt : null,
      cancelled_at: payment.status === 'canceled' ? decidedAt : null,
      updated_at: printTime(payment.updatedAt, view),
    },
    view,
  )
}

const REFUND_STATUSES: Readonly<Record<Refund['status'], string>> = {
  pending: 'CREATED',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
}

/** A refund as a billing transaction, at the time `at` at which it was last changed. */
export function refundObject(refund: Refund, view: View, at: Instant): JsonObject {
  return transactionObject(
    {
      id: printedId('transaction', refund.id, view),
      type: 'REFUND',
      status: REFUND_STATUSES[refund.status],
      amount: printAmount(refund.amount),
      currency: refund.amount.currency,
      billing_customer_id: printedId('customer', refund.customer, view),
      invoice_id: refund.invoice === null ? null : printedId('invoice', refund.invoice, view),
      external_id: intentId(refund.invoice ?? refund.payment, view),
      created_at: printTime(refund.createdAt, view),
      succeeded_at: refund.status === 'succeeded' ? printTime(at, view) : null,
      updated_at: printTime(at, view),
    },
    view,
  )
}

function transactionObject(fields: Readonly<Record<string, Json>>, view: View): JsonObject {
  return present({
    linked_payment_account_id: printedAccount(view.account),
    metadata: {},
    out_of_band: false,
    ...fields,
  })
}

const CHECKOUT_STATUSES: Readonly<Record<Checkout['status'], string>> = {
  open: 'ACTIVE',
  completed: 'COMPLETED',
  canceled: 'CANCELLED',
  expired: 'EXPIRED',
}

/** A checkout as Retrieve a Billing Checkout answers it. */
export function checkoutObject(checkout: Checkout, view: View): JsonObject {
  const time = (at: Instant | null): string | null => printTimeOrNull(at, view)
  const isOpen = checkout.status === 'open'
  return present({
    ...ownership(view),
    id: printedId('checkout', checkout.id, view),
    mode: checkout.mode.toUpperCase(),
    status: CHECKOUT_STATUSES[checkout.status],
    ui_mode: 'HOSTED',
    automatic_tax_status: 'DISABLED',
    billing_customer_id: checkout.customer === null ? null : printedId('customer', checkout.customer, view),
    cancelled_at: time(checkout.canceledAt),
    completed_at: time(checkout.completedAt),
    created_at: printTime(checkout.createdAt, view),
    currency: checkout.currency,
    customer_data_collection: { enabled: false },
    discounts: [],
    enable_automatic_tax: false,
    expires_at: printTime(checkout.expiresAt, view),
    hosted_completion_page: { display: true },
    invoice_id: checkout.invoice === null ? null : printedId('invoice', checkout.invoice, view),
    line_items: checkout.items.map((item) => ({
      discounts: [],
      price_id: printedId('price', item.price, view),
      quantity: item.quantity,
    })),
    locale: 'AUTO',
    metadata: checkout.metadata,
    payment_options: { payment_method_types: ['card'] },
    payment_source_id: checkout.customer === null || isOpen ? null : checkoutSource(checkout, view),
    subscription_data: subscriptionData(checkout, view),
    subscription_id: checkout.subscription === null ? null : printedId('subscription', checkout.subscription, view),
    success_url: checkout.successUrl,
    updated_at: printTime(checkout.updatedAt, view),
    url: isOpen ? `${PAGES}/checkout/${pageToken(checkout.id)}` : null,
  })
}

/** What a checkout of a subscription will make of it. */
function subscriptionData(checkout: Checkout, view: View): JsonObject | null {
  if (checkout.mode !== 'subscription') return null
  const [item] = checkout.items
  const interval = item === undefined ? null : (view.prices[item.price]?.interval ?? null)
  const { trialDays } = checkout
  return present({
    days_until_due: 0,
    default_tax_percent: 0,
    metadata: checkout.metadata,
    recurring: interval === null ? null : printInterval(interval),
    trial_ends_at: trialDays === null ? null : printTime(addMs(checkout.createdAt, trialDays * DAY_MS), view),
  })
}

function checkoutSource(checkout: Checkout, view: View): string | null {
  const subscription = view.after.subscription
  const own = subscription !== null && subscription.id === checkout.subscription ? subscription : null
  const method = own?.defaultPaymentMethod ?? null
  return checkout.status === 'completed' && checkout.customer !== null
    ? sourceId(method ?? defaultMethod(checkout.customer, view), view)
    : null
}

/** Whom a resource belongs to. */
function ownership(view: View): Readonly<Record<string, Json>> {
  return {
    legal_entity_id: legalEntityId(view.account),
    linked_payment_account_id: printedAccount(view.account),
  }
}

function invoiceStatus(invoice: Invoice): string {
  if (invoice.status === 'draft') return 'DRAFT'
  // Bad debt has no word in this generation.
  return invoice.status === 'void' ? 'VOIDED' : 'FINALIZED'
}

function invoiceCollection(invoice: Invoice, view: View): string {
  const subscription = view.after.subscription
  const fromCheckout =
    invoice.reason === 'first' && subscription?.id === invoice.subscription && subscription?.checkout !== null
  return fromCheckout && invoice.collection === 'automatic'
    ? 'CHARGE_ON_CHECKOUT'
    : collectionMethod(invoice.collection)
}

function collectionMethod(collection: 'automatic' | 'manual'): string {
  return collection === 'automatic' ? 'AUTO_CHARGE' : 'OUT_OF_BAND'
}

/** The cycle is shown while it runs: not before the first, not in a trial, and not after the end. */
function hasPeriod(subscription: Subscription): boolean {
  const status = subscriptionStatus(subscription)
  return status === 'ACTIVE' || status === 'UNPAID'
}

/** The length of a fixed term. Which fields exactly 2025-06-16 has for it is not public: these came with 2025-08-29. */
function duration(subscription: Subscription): JsonObject | null {
  const { cycles, interval } = subscription
  return cycles.total === null || interval === null ? null : printInterval(interval, cycles.total)
}

function daysUntilDue(invoice: Invoice): number {
  const from = invoice.finalizedAt ?? invoice.createdAt
  return invoice.dueAt === null ? 0 : Math.max(0, Math.round((invoice.dueAt - from) / DAY_MS))
}

function sourceId(method: string | null, view: View): string | null {
  return method === null ? null : printedId('payment_source', method, view)
}

/** What the customer is charged with by default, where the view knows the customer. */
function defaultMethod(customer: string, view: View): string | null {
  const known = view.after.customer
  return known !== null && known.id === customer ? known.defaultPaymentMethod : null
}
