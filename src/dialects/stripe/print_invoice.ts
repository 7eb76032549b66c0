import { boundary, cycleIndexAt } from '../../model/calendar.ts'
import type { Period } from '../../model/calendar.ts'
import type { Customer, Invoice, InvoiceItem, InvoiceLine, Payment, Subscription } from '../../model/entities.ts'
import { secondsOf } from '../../model/instant.ts'
import type { JsonObject } from '../../model/json.ts'
import { compareMoney, isZero, subtract } from '../../model/money.ts'
import type { Money } from '../../model/money.ts'
import type { InvoiceReason } from '../../model/objects.ts'
import { amountOf } from './amounts.ts'
import { chargeId, invoicePaymentId, opaque, printId, printIdOrNull } from './ids.ts'
import { newer, older, printClock, printCurrency, printList, secondsOrNull } from './print.ts'
import type { Printing } from './print.ts'
import { printLine, unitDecimal } from './print_line.ts'
import { printPlan, printPrice } from './print_price.ts'
import { printMethodOptions } from './print_subscription.ts'

const REASONS = {
  first: 'subscription_create',
  cycle: 'subscription_cycle',
  update: 'subscription_update',
  manual: 'manual',
  other: 'subscription_threshold',
  unknown: 'manual',
} as const satisfies Record<InvoiceReason, string>

/** An invoice as the API version prints it. */
export function printInvoice(invoice: Invoice, printing: Printing): JsonObject {
  const id = printId('invoice', invoice.id)
  const draft = invoice.status === 'draft'
  const token = opaque(`hosted|${invoice.id}`, 56)
  const mode = printing.view.livemode ? 'live' : 'test'
  return {
    id,
    object: 'invoice',
    ...printBody(invoice, printing),
    auto_advance: invoice.autoAdvance && (draft || invoice.status === 'open'),
    billing_reason: REASONS[invoice.reason],
    hosted_invoice_url: draft ? null : `https://invoice.stripe.com/i/${printing.view.account}/${mode}_${token}?s=ap`,
    invoice_pdf: draft ? null : `https://pay.stripe.com/invoice/${printing.view.account}/${mode}_${token}/pdf?s=ap`,
    lines: printList(
      invoice.lines.map((line) => printLine(line, { invoice, printed: id, printing })),
      `/v1/invoices/${id}/lines`,
    ),
    ...printStatusDetails(invoice, printing),
  }
}

/** The preview of a renewal: a draft without an id and without addresses. */
export function printUpcoming(invoice: Invoice, printing: Printing): JsonObject {
  return {
    object: 'invoice',
    ...printBody(invoice, printing),
    billing_reason: 'upcoming',
    lines: printList(
      invoice.lines.map((line) => printLine(line, { invoice, printed: null, printing })),
      '/v1/invoices/upcoming/lines',
    ),
  }
}

function printBody(invoice: Invoice, printing: Printing): JsonObject {
  const owner = invoice.billedTo ?? ownerOf(invoice, printing)
  return {
    ...INVOICE_DEFAULTS,
    ...printAmounts(invoice, printing),
    ...printCollection(invoice),
    ...printParent(invoice, printing),
    automatic_tax: {
      disabled_reason: null,
      enabled: false,
      liability: null,
      ...newer(printing, { provider: null }),
      status: null,
    },
    account_name: printing.view.account,
    created: secondsOf(invoice.createdAt),
    currency: printCurrency(invoice.currency),
    customer: printId('customer', invoice.customer),
    ...newer(printing, { customer_account: null }),
    customer_email: owner?.email ?? null,
    customer_name: owner?.name ?? null,
    customer_phone: owner?.phone ?? null,
    default_payment_method: printIdOrNull('payment_method', invoice.defaultPaymentMethod),
    livemode: printing.view.livemode,
    metadata: invoice.metadata,
    number: invoice.number,
    payment_settings: {
      default_mandate: null,
      payment_method_options: printMethodOptions(printing),
      payment_method_types: null,
    },
    ...printInvoicePeriod(invoice, printing),
    status: invoice.status,
    status_transitions: {
      finalized_at: secondsOrNull(invoice.finalizedAt),
      marked_uncollectible_at: secondsOrNull(invoice.uncollectibleAt),
      paid_at: secondsOrNull(invoice.paidAt),
      voided_at: secondsOrNull(invoice.voidedAt),
    },
    test_clock: printClock(printing),
    webhooks_delivered_at: secondsOrNull(invoice.gate.deliveredAt),
  }
}

/** Members that Billhook's invoices have no use for: no tax, no discounts, no credit notes, no shipping. */
const INVOICE_DEFAULTS = {
  account_country: null,
  account_tax_ids: null,
  amount_shipping: 0,
  application: null,
  custom_fields: null,
  customer_address: null,
  customer_shipping: null,
  customer_tax_exempt: 'none',
  customer_tax_ids: [],
  default_source: null,
  default_tax_rates: [],
  description: null,
  discounts: [],
  footer: null,
  from_invoice: null,
  issuer: { type: 'self' },
  last_finalization_error: null,
  latest_revision: null,
  on_behalf_of: null,
  post_payment_credit_notes_amount: 0,
  pre_payment_credit_notes_amount: 0,
  receipt_number: null,
  rendering: null,
  shipping_cost: null,
  shipping_details: null,
  starting_balance: 0,
  statement_descriptor: null,
  total_discount_amounts: [],
  total_pretax_credit_amounts: [],
} as const satisfies JsonObject

function printAmounts(invoice: Invoice, printing: Printing): JsonObject {
  const total = amountOf(invoice.total)
  const due = amountDueOf(invoice)
  return {
    amount_due: amountOf(due),
    amount_paid: amountOf(invoice.amountPaid),
    amount_remaining: amountOf(subtract(due, invoice.amountPaid)),
    subtotal: total,
    subtotal_excluding_tax: total,
    total,
    total_excluding_tax: total,
    ...newer(printing, { amount_overpaid: 0, total_taxes: [] }),
    ...older(printing, {
      application_fee_amount: null,
      charge: chargeOf(invoice, printing),
      discount: null,
      paid: invoice.status === 'paid',
      paid_out_of_band: invoice.paidOutOfBand,
      payment_intent: invoice.status === 'draft' ? null : printIdOrNull('payment', invoice.payment),
      quote: null,
      tax: null,
      total_tax_amounts: [],
      transfer_data: null,
    }),
    ...(invoice.paidOutOfBand ? newer(printing, { amount_paid_off_stripe: amountOf(invoice.amountPaid) }) : {}),
  }
}

/** What was due stays what it was when it has been paid. */
function amountDueOf(invoice: Invoice): Money {
  return compareMoney(invoice.amountDue, invoice.amountPaid) < 0 ? invoice.amountPaid : invoice.amountDue
}

function chargeOf(invoice: Invoice, printing: Printing): string | null {
  if (invoice.payment === null || invoice.status === 'draft') return null
  const payment = paymentOf(invoice.payment, printing)
  const attempt = payment?.attempt ?? (invoice.status === 'paid' ? Math.max(1, invoice.attempts) : invoice.attempts)
  return attempt > 0 ? chargeId(invoice.payment, attempt) : null
}

/** The payment with this id, where the view shows it. */
export function paymentOf(id: string, printing: Printing): Payment | null {
  const { after, before, attempted } = printing.view
  return [after.payment, before.payment, attempted].find((one) => one?.id === id) ?? null
}

function printCollection(invoice: Invoice): JsonObject {
  const draft = invoice.status === 'draft'
  const automatic = invoice.collection === 'automatic'
  // A draft that finalizes itself is charged in the same moment.
  const nextAttempt = invoice.nextAttemptAt ?? (draft && invoice.autoAdvance ? invoice.finalizesAt : null)
  const pending = automatic && (draft || invoice.status === 'open')
  return {
    attempt_count: invoice.attempts,
    attempted: invoice.attempts > 0 || (invoice.status === 'paid' && !invoice.paidOutOfBand),
    automatically_finalizes_at: draft ? secondsOrNull(invoice.finalizesAt) : null,
    collection_method: automatic ? 'charge_automatically' : 'send_invoice',
    due_date: secondsOrNull(invoice.dueAt),
    effective_at: secondsOrNull(invoice.finalizedAt),
    ending_balance: draft ? null : 0,
    next_payment_attempt: pending ? secondsOrNull(nextAttempt) : null,
  }
}

function printParent(invoice: Invoice, printing: Printing): JsonObject {
  const subscription = printIdOrNull('subscription', invoice.subscription)
  const metadata = subscriptionOf(invoice, printing)?.metadata ?? {}
  const details = subscription === null ? null : { metadata }
  return {
    ...older(printing, { subscription, subscription_details: details }),
    ...newer(printing, {
      parent:
        subscription === null
          ? null
          : { quote_details: null, subscription_details: { metadata, subscription }, type: 'subscription_details' },
    }),
  }
}

/** The subscription of an invoice, where the view shows it. */
function subscriptionOf(invoice: Pick<Invoice, 'subscription'>, printing: Printing): Subscription | null {
  const { after, before } = printing.view
  const found = after.subscription ?? before.subscription
  return found !== null && found.id === invoice.subscription ? found : null
}

function ownerOf(invoice: Invoice, printing: Printing): Customer | null {
  const { after, before } = printing.view
  const found = after.customer ?? before.customer
  return found !== null && found.id === invoice.customer ? found : null
}

/**
 * `period_start` and `period_end`: when the invoice's pending items were collected, which on a renewal is the cycle
 * before. The service period stands on the lines.
 */
function printInvoicePeriod(invoice: Invoice, printing: Printing): JsonObject {
  const period = invoice.reason === 'cycle' ? collectedIn(invoice, printing) : null
  const created = secondsOf(invoice.createdAt)
  return {
    period_end: period === null ? created : secondsOf(period.until),
    period_start: period === null ? created : secondsOf(period.from),
  }
}

function collectedIn(invoice: Invoice, printing: Printing): Period {
  const until = invoice.period.from
  const subscription = subscriptionOf(invoice, printing)
  if (subscription === null || subscription.interval === null) return { from: until, until }
  const { anchor, interval, trial } = subscription
  const index = cycleIndexAt(anchor, interval, until)
  // The first paid cycle after a trial follows on the trial.
  if (index <= 0 && trial !== null) return { from: trial.from, until }
  return { from: boundary(anchor, interval, index - 1), until }
}

function printStatusDetails(invoice: Invoice, printing: Printing): JsonObject {
  if (invoice.status !== 'uncollectible') return {}
  const exhausted = invoice.attempts > 0 && invoice.nextAttemptAt === null
  const reason = subscriptionOf(invoice, printing)?.pause?.scope === 'collection' ? 'subscription_paused' : null
  return newer(printing, {
    status_details: { uncollectible: { reason: reason ?? (exhausted ? 'max_payment_attempts' : 'user_forgiven') } },
  })
}

/** The link of a paid invoice and its payment: an object of the newer generation. */
export function printInvoicePayment(invoice: Invoice, payment: string, printing: Printing): JsonObject {
  const paid = invoice.status === 'paid'
  return {
    id: invoicePaymentId(invoice.id, payment),
    object: 'invoice_payment',
    amount_paid: paid ? amountOf(invoice.amountPaid) : null,
    amount_requested: amountOf(amountDueOf(invoice)),
    created: secondsOf(invoice.finalizedAt ?? invoice.createdAt),
    currency: printCurrency(invoice.currency),
    invoice: printId('invoice', invoice.id),
    is_default: true,
    livemode: printing.view.livemode,
    payment: { payment_intent: printId('payment', payment), type: 'payment_intent' },
    status: paid ? 'paid' : invoice.status === 'void' ? 'canceled' : 'open',
    status_transitions: { canceled_at: secondsOrNull(invoice.voidedAt), paid_at: secondsOrNull(invoice.paidAt) },
  }
}

/** True for an invoice of nothing: no payment is made for it. */
export function isFreeInvoice(invoice: Invoice): boolean {
  return isZero(invoice.total) || isZero(amountDueOf(invoice))
}

/** An invoice item as the API version prints it. */
export function printInvoiceItem(item: InvoiceItem, printing: Printing): JsonObject {
  const price = item.price === null ? undefined : printing.view.prices[item.price]
  const amount = amountOf(item.amount)
  const decimal = unitDecimal(item.amount, item.quantity)
  const subscription = printIdOrNull('subscription', item.subscription)
  const subscriptionItem = printIdOrNull('subscription_item', item.subscriptionItem)
  return {
    id: printId('invoice_item', item.id),
    object: 'invoiceitem',
    amount,
    currency: printCurrency(item.amount.currency),
    customer: printId('customer', item.customer),
    date: secondsOf(item.createdAt),
    description: item.description,
    discountable: !item.proration,
    discounts: [],
    invoice: printIdOrNull('invoice', item.invoice),
    livemode: printing.view.livemode,
    metadata: item.metadata,
    period: printSpan(item.period),
    proration: item.proration,
    quantity: item.quantity,
    tax_rates: [],
    test_clock: printClock(printing),
    ...older(printing, {
      plan: price === undefined ? null : printPlan(price, printing),
      price: price === undefined ? null : printPrice(price, printing),
      subscription,
      ...(subscriptionItem === null ? {} : { subscription_item: subscriptionItem }),
      unit_amount: Number.isInteger(Number(decimal)) ? Number(decimal) : null,
      unit_amount_decimal: decimal,
    }),
    ...newer(printing, {
      customer_account: null,
      net_amount: amount,
      parent:
        subscription === null
          ? null
          : {
              subscription_details: {
                subscription,
                ...(subscriptionItem === null ? {} : { subscription_item: subscriptionItem }),
              },
              type: 'subscription_details',
            },
      pricing: {
        ...(price === undefined
          ? {}
          : {
              price_details: { price: printId('price', price.id), product: printId('product', price.product) },
            }),
        type: 'price_details',
        unit_amount_decimal: decimal,
      },
      proration_details: { credited_items: null, discount_amounts: [] },
      quantity_decimal: String(item.quantity),
    }),
  }
}

function printSpan(period: InvoiceLine['period']): JsonObject {
  return { end: secondsOf(period.until), start: secondsOf(period.from) }
}
