/** Where the engine finds things, and what it refuses if they are not there. */
import { cycle, cycleIndexAt } from '../model/calendar.ts'
import type { Interval, Period } from '../model/calendar.ts'
import type {
  Checkout,
  Customer,
  Invoice,
  InvoiceItem,
  Meter,
  Payment,
  PaymentMethod,
  Price,
  Subscription,
} from '../model/entities.ts'
import { compareText } from '../model/compare.ts'
import { BillhookError } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import { isTerminal } from '../model/status.ts'
import { lookup, refuse } from './step.ts'
import type { Step } from './step.ts'

/** @throws BillhookError `not_found` */
export function requireSubscription(step: Step, id: string, field = 'id'): Subscription {
  return lookup(step.state.subscriptions, id) ?? refuse('not_found', `no subscription has the id ${id}`, field)
}

/** @throws BillhookError `not_found` */
export function requireInvoice(step: Step, id: string, field = 'id'): Invoice {
  return lookup(step.state.invoices, id) ?? refuse('not_found', `no invoice has the id ${id}`, field)
}

/** @throws BillhookError `not_found` */
export function requireInvoiceItem(step: Step, id: string): InvoiceItem {
  return lookup(step.state.invoiceItems, id) ?? refuse('not_found', `no invoice item has the id ${id}`, 'id')
}

/** @throws BillhookError `not_found` */
export function requirePayment(step: Step, id: string): Payment {
  return lookup(step.state.payments, id) ?? refuse('not_found', `no payment has the id ${id}`, 'payment')
}

/** @throws BillhookError `not_found` */
export function requireCheckout(step: Step, id: string): Checkout {
  return lookup(step.state.checkouts, id) ?? refuse('not_found', `no checkout has the id ${id}`, 'id')
}

/** The customer, who must exist and not be deleted. @throws BillhookError `not_found`, `invalid_transition` */
export function requireCustomer(step: Step): Customer {
  const { customer, id } = step.state
  if (customer === null) return refuse('not_found', `no customer has the id ${id}`, 'customer')
  if (customer.deletedAt !== null)
    return refuse('invalid_transition', `customer ${id} is deleted and takes no more commands`, 'customer')
  return customer
}

/** A price that may be sold: it exists and is active. `id` may be its code. @throws BillhookError `not_found` */
export function requirePrice(step: Step, id: string, field = 'items'): Price {
  const { prices } = step.context.catalog
  const price = lookup(prices, id) ?? Object.values(prices).find((price) => price.code === id)
  if (price === undefined) return refuse('not_found', `no price or plan has the id or code ${id}`, field)
  if (!price.active) return refuse('invalid_transition', `price ${id} is not active: it cannot be sold any more`, field)
  return price
}

/** A price that a subscription has, sold or not any more. @throws BillhookError `internal_invariant` */
export function heldPrice(step: Step, id: string): Price {
  const price = lookup(step.context.catalog.prices, id)
  if (price === null) throw new BillhookError('internal_invariant', `price ${id} is not in the catalogue`)
  return price
}

/** By id or code. @throws BillhookError `not_found` */
export function requireMeter(step: Step, id: string): Meter | null {
  const { meters } = step.context.catalog
  return lookup(meters, id) ?? Object.values(meters).find((meter) => meter.code === id) ?? null
}

/** What would be charged: the invoice's own method, else the subscription's, else the customer's default. */
export function methodFor(
  step: Step,
  invoice: Invoice | null,
  subscription: Subscription | null,
): PaymentMethod | null {
  const ids = [
    invoice?.defaultPaymentMethod ?? null,
    subscription?.defaultPaymentMethod ?? null,
    step.state.customer?.defaultPaymentMethod ?? null,
  ]
  for (const id of ids) {
    const method = lookup(step.state.paymentMethods, id)
    if (method !== null && method.detachedAt === null) return method
  }
  return null
}

/** The cycle that contains `at`, and its number. */
export function cycleFor(
  step: Step,
  subscription: Pick<Subscription, 'anchor' | 'interval'>,
  at: Instant,
): { readonly index: number; readonly period: Period } {
  const { anchor } = subscription
  const interval = requireInterval(subscription.interval)
  const rule = step.context.profile.boundary
  // Before the anchor lies one shorter cycle that ends with it: the subscription began between two boundaries.
  const index = cycleIndexAt(anchor, interval, at, rule)
  return { index, period: cycle(anchor, interval, index, rule) }
}

function requireInterval(interval: Interval | null): Interval {
  if (interval === null)
    throw new BillhookError('internal_invariant', 'a subscription without an interval has no cycles')
  return interval
}

/** Statuses in which a subscription is served or collected. */
export function isLive(subscription: Subscription): boolean {
  return !isTerminal(subscription.status)
}

/** The payment that is on its way for an invoice: asked for, or processing. One that was only opened is not. */
export function paymentInFlight(step: Step, invoice: Invoice): Payment | null {
  const payment = lookup(step.state.payments, invoice.payment)
  if (payment === null || payment.attempt === 0) return null
  return payment.status === 'initiated' || payment.status === 'processing' ? payment : null
}

/** Open invoices of a subscription, oldest first. */
export function openInvoices(step: Step, subscription: string): readonly Invoice[] {
  return invoicesOf(step, subscription).filter((invoice) => invoice.status === 'open')
}

/** All invoices of a subscription that the state still holds, oldest first. */
export function invoicesOf(step: Step, subscription: string): readonly Invoice[] {
  return Object.values(step.state.invoices)
    .filter((invoice) => invoice.subscription === subscription)
    .sort((a, b) => a.createdAt - b.createdAt || compareText(a.id, b.id))
}
