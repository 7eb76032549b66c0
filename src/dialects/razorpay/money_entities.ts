import type { Invoice, InvoiceLine, Payment, PaymentMethod, Refund, View } from '../../model/entities.ts'
import type { Json, JsonObject } from '../../model/json.ts'
import type { InvoiceStatus } from '../../model/status.ts'
import { minor, notesOf, seconds } from './entities.ts'
import { derivedId, orderId, paymentId, printedId } from './ids.ts'
import { secondsOf } from '../../model/instant.ts'

/** `captured` is the text `1` beside a subscription and a boolean everywhere else. */
export type CapturedStyle = 'text' | 'boolean'

/** A payment: one attempt. */
export function paymentEntity(payment: Payment, view: View, captured: CapturedStyle): JsonObject {
  const method = methodOf(payment, view)
  const taken = payment.status === 'succeeded'
  const refunded = minor(payment.refunded)
  return {
    id: paymentId(payment),
    entity: 'payment',
    amount: minor(payment.amount),
    currency: payment.amount.currency,
    status: paymentWord(payment),
    order_id: orderId(payment),
    invoice_id: payment.invoice === null ? null : printedId('invoice', payment.invoice),
    international: false,
    method: methodWord(method),
    amount_refunded: refunded,
    amount_transferred: 0,
    refund_status: refunded === 0 ? null : refunded === minor(payment.amount) ? 'full' : 'partial',
    captured: taken && captured === 'text' ? '1' : taken,
    description: payment.subscription === null ? null : 'Recurring Payment via Subscription',
    ...cardFields(method, view),
    bank: null,
    wallet: null,
    vpa: null,
    email: view.after.customer?.email ?? null,
    contact: view.after.customer?.phone ?? null,
    customer_id: printedId('customer', payment.customer),
    token_id: method === null ? null : derivedId('token', method.id),
    notes: [],
    // What the provider keeps for itself is not known to us.
    fee: null,
    tax: null,
    ...errorFields(payment),
    acquirer_data: { auth_code: null },
    created_at: secondsOf(payment.attempt <= 1 ? payment.createdAt : (payment.decidedAt ?? payment.updatedAt)),
  }
}

/** The word for how something is paid, for a payment and for a subscription. */
export function methodWord(method: PaymentMethod | null): string {
  if (method === null) return 'card'
  return { card: 'card', bank_debit: 'emandate', wallet: 'upi' }[method.type]
}

function methodOf(payment: Payment, view: View): PaymentMethod | null {
  return payment.method === null ? null : (view.paymentMethods[payment.method] ?? null)
}

function paymentWord(payment: Payment): string {
  switch (payment.status) {
    case 'succeeded':
      return payment.refunded.minor === payment.amount.minor && payment.amount.minor > 0n ? 'refunded' : 'captured'
    case 'failed':
    case 'canceled':
      return 'failed'
    case 'processing':
      return 'authorized'
    case 'initiated':
    case 'requires_action':
      return 'created'
  }
}

function cardFields(method: PaymentMethod | null, view: View): JsonObject {
  if (method?.type !== 'card') return { card_id: null }
  const id = printedId('card', method.id)
  return {
    card_id: id,
    card: {
      id,
      entity: 'card',
      name: view.after.customer?.name ?? '',
      last4: method.last4,
      network: networkOf(method.brand),
      type: 'unknown',
      issuer: null,
      international: false,
      emi: false,
      ...(method.expMonth === null ? {} : { expiry_month: method.expMonth }),
      ...(method.expYear === null ? {} : { expiry_year: method.expYear }),
    },
  }
}

/** Networks as the provider writes them. */
const NETWORKS: Readonly<Record<string, string>> = {
  visa: 'Visa',
  mastercard: 'MasterCard',
  amex: 'American Express',
  diners: 'Diners Club',
  maestro: 'Maestro',
  rupay: 'RuPay',
}

function networkOf(brand: string | null): string {
  return brand === null ? 'Unknown' : (NETWORKS[brand.toLowerCase()] ?? brand)
}

function errorFields(payment: Payment): JsonObject {
  if (payment.status !== 'failed' && payment.status !== 'canceled')
    return { error_code: null, error_description: null, error_source: null, error_step: null, error_reason: null }
  return {
    error_code: 'BAD_REQUEST_ERROR',
    error_description: payment.failure?.message ?? 'Payment failed',
    error_source: 'bank',
    error_step: 'payment_authorization',
    error_reason: payment.failure?.code ?? 'payment_failed',
  }
}

/** The order that a payment pays. */
export function orderEntity(payment: Payment, invoice: Invoice | null): JsonObject {
  const paid = payment.status === 'succeeded'
  const amount = minor(payment.amount)
  return {
    id: orderId(payment),
    entity: 'order',
    amount,
    amount_paid: paid ? amount : 0,
    amount_due: paid ? 0 : amount,
    currency: payment.amount.currency,
    receipt: invoice?.number ?? null,
    offer_id: null,
    status: paid ? 'paid' : 'attempted',
    attempts: payment.attempt,
    notes: [],
    created_at: secondsOf(payment.createdAt),
  }
}

const INVOICE_WORD: Readonly<Record<InvoiceStatus, string>> = {
  draft: 'draft',
  open: 'issued',
  paid: 'paid',
  uncollectible: 'expired',
  void: 'cancelled',
}

/** An invoice as the provider prints it. */
export function invoiceEntity(invoice: Invoice, view: View): JsonObject {
  const customer = view.after.customer
  const partly = invoice.status === 'open' && invoice.amountPaid.minor > 0n
  return {
    id: printedId('invoice', invoice.id),
    entity: 'invoice',
    receipt: invoice.number,
    invoice_number: invoice.number,
    customer_id: printedId('customer', invoice.customer),
    customer_details: {
      id: printedId('customer', invoice.customer),
      name: customer?.name ?? null,
      email: customer?.email ?? null,
      contact: customer?.phone ?? null,
    },
    order_id: orderId({ id: invoice.payment ?? invoice.id, invoice: invoice.id }),
    subscription_id: invoice.subscription === null ? null : printedId('subscription', invoice.subscription),
    line_items: invoice.lines.map(lineEntity),
    payment_id: view.after.payment?.invoice === invoice.id ? paymentId(view.after.payment) : null,
    status: partly ? 'partially_paid' : INVOICE_WORD[invoice.status],
    expire_by: seconds(invoice.dueAt),
    issued_at: seconds(invoice.finalizedAt),
    paid_at: seconds(invoice.paidAt),
    cancelled_at: seconds(invoice.voidedAt),
    expired_at: seconds(invoice.uncollectibleAt),
    sms_status: null,
    email_status: seconds(invoice.sentAt) === null ? null : 'sent',
    date: secondsOf(invoice.createdAt),
    terms: null,
    partial_payment: false,
    ...amounts(invoice),
    currency: invoice.currency,
    description: null,
    notes: notesOf(invoice.metadata),
    comment: null,
    short_url: null,
    view_less: true,
    billing_start: invoice.subscription === null ? null : seconds(invoice.period.from),
    billing_end: invoice.subscription === null ? null : seconds(invoice.period.until),
    type: 'invoice',
    group_taxes_discounts: false,
    created_at: secondsOf(invoice.createdAt),
    idempotency_key: null,
  }
}

function amounts(invoice: Invoice): JsonObject {
  const total = minor(invoice.total)
  return {
    gross_amount: total,
    tax_amount: 0,
    taxable_amount: total,
    amount: total,
    amount_paid: minor(invoice.amountPaid),
    amount_due: minor(invoice.amountDue),
  }
}

function lineEntity(line: InvoiceLine): Json {
  const amount = minor(line.amount)
  return {
    id: printedId('line', line.id),
    name: line.description,
    amount,
    gross_amount: amount,
    tax_amount: 0,
    taxable_amount: amount,
    net_amount: amount,
    currency: line.amount.currency,
    type: line.kind === 'subscription' ? 'plan' : 'addon',
    quantity: line.quantity,
    taxes: [],
  }
}

/** A refund with the id of the attempt that it gives back. */
export function refundEntity(refund: Refund, payment: Payment | null): JsonObject {
  return {
    id: printedId('refund', refund.id),
    entity: 'refund',
    amount: minor(refund.amount),
    currency: refund.amount.currency,
    payment_id: payment === null ? printedId('payment', refund.payment) : paymentId(payment),
    notes: refund.reason === null ? [] : { comment: refund.reason },
    receipt: null,
    acquirer_data: { arn: null },
    created_at: secondsOf(refund.createdAt),
    batch_id: null,
    status: { pending: 'pending', succeeded: 'processed', failed: 'failed' }[refund.status],
    speed_processed: 'normal',
    speed_requested: 'normal',
  }
}

/** A payment method as a mandate that may be charged again and again. */
export function tokenEntity(method: PaymentMethod, confirmed: boolean): JsonObject {
  return {
    id: derivedId('token', method.id),
    entity: 'token',
    customer_id: printedId('customer', method.customer),
    bank: null,
    wallet: null,
    method: methodWord(method),
    recurring: confirmed,
    recurring_details: { status: confirmed ? 'confirmed' : 'cancelled', failure_reason: null },
    auth_type: null,
    mrn: null,
    used_at: null,
    created_at: secondsOf(method.createdAt),
    dcc_enabled: false,
  }
}
