import type { Invoice, Subscription, View } from '../../../model/entities.ts'
import type { Instant } from '../../../model/instant.ts'
import type { Json, JsonObject } from '../../../model/json.ts'
import type { InvoiceStatus, SubscriptionStatus } from '../../../model/status.ts'
import { printedId } from '../shared/ids.ts'
import {
  endOf,
  intentId,
  lastAttemptAt,
  printAmount,
  printInterval,
  printTime,
  printTimeOrNull,
  remainingAttempts,
  requestedAt,
} from '../shared/print.ts'
import { nextBilling, termEnd } from '../shared/term.ts'

/** The four statuses of this generation. It has no PENDING: one that waits for its first payment is ACTIVE here. */
const STATUSES: Readonly<Record<SubscriptionStatus, string>> = {
  pending: 'ACTIVE',
  incomplete: 'ACTIVE',
  authorized: 'ACTIVE',
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

/**
 * A subscription as Retrieve a Subscription answers it: in the order of the seed's sample, absent values as null. A retrieved
 * one also has the `request_id` of the last operation, which the seed's sample and this leave out.
 */
export function subscriptionObject(subscription: Subscription, view: View): JsonObject {
  const end = endOf(subscription, termEnd(subscription))
  const { cycles } = subscription
  const period = subscription.status === 'trialing' ? null : subscription.period
  const time = (at: Instant | null | undefined): string | null => printTimeOrNull(at ?? null, view)
  return {
    id: printedId('subscription', subscription.id, view),
    status: subscriptionStatus(subscription),
    customer_id: printedId('customer', subscription.customer, view),
    payment_consent_id: consentId(subscription, view),
    latest_invoice_id:
      subscription.latestInvoice === null ? null : printedId('invoice', subscription.latestInvoice, view),
    trial_start_at: time(subscription.trial?.from),
    trial_end_at: time(subscription.trial?.until),
    current_period_start_at: time(period?.from),
    current_period_end_at: time(period?.until),
    created_at: printTime(subscription.createdAt, view),
    updated_at: printTime(subscription.updatedAt, view),
    cancel_at: time(end),
    cancel_at_period_end: subscription.cancel?.atPeriodEnd ?? false,
    cancel_requested_at: time(requestedAt(subscription)),
    next_billing_at: time(nextBilling(subscription, end)),
    remaining_billing_cycles: cycles.total === null ? null : Math.max(0, cycles.total - cycles.invoiced),
    total_billing_cycles: cycles.total,
    recurring: subscription.interval === null ? null : printInterval(subscription.interval),
    metadata: subscription.metadata,
  }
}

/** The three statuses of this generation. What it has no word for is never sent: nothing more is to be collected on it. */
const INVOICE_STATUSES: Readonly<Record<Exclude<InvoiceStatus, 'draft'>, string>> = {
  open: 'SENT',
  paid: 'PAID',
  uncollectible: 'PAYMENT_FAILED',
  void: 'PAYMENT_FAILED',
}

/**
 * An invoice as Retrieve an Invoice answers it: in the order of the seed's sample, which leaves absent values out. Null for a
 * draft, which this generation does not know.
 */
export function invoiceObject(invoice: Invoice, view: View): JsonObject | null {
  if (invoice.status === 'draft') return null
  return {
    id: printedId('invoice', invoice.id, view),
    customer_id: printedId('customer', invoice.customer, view),
    status: INVOICE_STATUSES[invoice.status],
    currency: invoice.currency,
    total_amount: printAmount(invoice.total),
    ...(invoice.subscription === null
      ? {}
      : { subscription_id: printedId('subscription', invoice.subscription, view) }),
    payment_intent_id: intentId(invoice.id, view),
    period_start_at: printTime(invoice.period.from, view),
    period_end_at: printTime(invoice.period.until, view),
    past_payment_attempt_count: invoice.attempts,
    created_at: printTime(invoice.createdAt, view),
    updated_at: printTime(invoice.updatedAt, view),
    ...(invoice.attempts === 0 ? {} : attempts(invoice, view)),
    ...(invoice.paidAt === null ? {} : { paid_at: printTime(invoice.paidAt, view) }),
  }
}

function attempts(invoice: Invoice, view: View): Readonly<Record<string, Json>> {
  const lastAt = lastAttemptAt(invoice, view)
  const next = invoice.status === 'open' ? invoice.nextAttemptAt : null
  return {
    remaining_payment_attempt_count: remainingAttempts(invoice),
    ...(lastAt === null ? {} : { last_payment_attempt_at: printTime(lastAt, view) }),
    // Null in so many words where there will be none; a paid invoice does not speak of it.
    ...(invoice.status === 'paid' ? {} : { next_payment_attempt_at: printTimeOrNull(next, view) }),
  }
}

function consentId(subscription: Subscription, view: View): string | null {
  const customer = view.after.customer
  const fallback = customer?.id === subscription.customer ? customer.defaultPaymentMethod : null
  const method = subscription.defaultPaymentMethod ?? fallback
  return method === null ? null : printedId('payment_consent', method, view)
}
