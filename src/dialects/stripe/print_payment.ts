import type { Invoice, Payment, PaymentMethod, Refund } from '../../model/entities.ts'
import { secondsOf } from '../../model/instant.ts'
import type { JsonObject } from '../../model/json.ts'
import { isZero } from '../../model/money.ts'
import type { PaymentFailure } from '../../model/objects.ts'
import type { PaymentStatus, Retryable } from '../../model/status.ts'
import { amountOf } from './amounts.ts'
import { balanceTransactionId, chargeId, opaque, printId, printIdOrNull } from './ids.ts'
import { newer, older, printCurrency } from './print.ts'
import type { Printing } from './print.ts'
import { cardFace, methodType, printBillingDetails, printPaymentMethod } from './print_customer.ts'
import { paymentOf } from './print_invoice.ts'

const STATUS = {
  initiated: 'requires_confirmation',
  requires_action: 'requires_action',
  processing: 'processing',
  succeeded: 'succeeded',
  failed: 'requires_payment_method',
  canceled: 'canceled',
} as const satisfies Record<PaymentStatus, string>

/** Decline codes that are error codes of their own; all others come under `card_declined`. */
const ERROR_CODES: ReadonlySet<string> = new Set([
  'authentication_required',
  'expired_card',
  'incorrect_cvc',
  'incorrect_number',
  'processing_error',
])

const ADVICE = { yes: 'try_again_later', no: 'do_not_try_again', unknown: null } as const satisfies Record<
  Retryable,
  string | null
>

/** True once an attempt has been sent to the card's or account's bank: then there is a charge. */
function hasCharge(payment: Payment): boolean {
  return (
    payment.attempt > 0 &&
    (payment.status === 'succeeded' || payment.status === 'failed' || payment.status === 'processing')
  )
}

/** A payment through all its attempts. */
export function printPaymentIntent(payment: Payment, printing: Printing): JsonObject {
  const id = printId('payment', payment.id)
  const failed = payment.status === 'failed'
  const method = methodOf(payment, printing)
  return {
    ...INTENT_DEFAULTS,
    id,
    object: 'payment_intent',
    amount: amountOf(payment.amount),
    amount_received: payment.status === 'succeeded' ? amountOf(payment.amount) : 0,
    canceled_at: payment.status === 'canceled' ? secondsOf(payment.decidedAt ?? payment.updatedAt) : null,
    cancellation_reason: payment.status === 'canceled' ? cancellationReason(payment, printing) : null,
    client_secret: `${id}_secret_${opaque(`client_secret|${payment.id}`, 25)}`,
    created: secondsOf(payment.createdAt),
    currency: printCurrency(payment.amount.currency),
    customer: printId('customer', payment.customer),
    description: descriptionOf(payment, printing),
    last_payment_error: failed ? printError(payment, printing) : null,
    latest_charge: hasCharge(payment) ? chargeId(payment.id, payment.attempt) : null,
    livemode: printing.view.livemode,
    next_action: payment.status === 'requires_action' ? printNextAction(payment) : null,
    // A declined method is taken off, so that it is not tried again by accident.
    payment_method: failed ? null : printIdOrNull('payment_method', payment.method),
    payment_method_options:
      method?.type === 'bank_debit'
        ? { sepa_debit: {} }
        : {
            card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' },
          },
    payment_method_types: [method === null ? 'card' : methodType(method)],
    status: STATUS[payment.status],
    ...older(printing, { invoice: printIdOrNull('invoice', payment.invoice) }),
    ...newer(printing, {
      allowed_payment_method_types: null,
      customer_account: null,
      excluded_payment_method_types: null,
      managed_payments: null,
      payment_record: null,
    }),
  }
}

/** Members of a payment that Billhook has no use for. */
const INTENT_DEFAULTS = {
  amount_capturable: 0,
  amount_details: { tip: {} },
  application: null,
  application_fee_amount: null,
  automatic_payment_methods: null,
  capture_method: 'automatic',
  confirmation_method: 'automatic',
  metadata: {},
  on_behalf_of: null,
  payment_method_configuration_details: null,
  processing: null,
  receipt_email: null,
  review: null,
  setup_future_usage: 'off_session',
  shipping: null,
  source: null,
  statement_descriptor: null,
  statement_descriptor_suffix: null,
  transfer_data: null,
  transfer_group: null,
} as const satisfies JsonObject

function methodOf(payment: Payment, printing: Printing): PaymentMethod | null {
  return payment.method === null ? null : (printing.view.paymentMethods[payment.method] ?? null)
}

function invoiceOf(payment: Payment, printing: Printing): Invoice | null {
  const { after, before, attemptedInvoice } = printing.view
  return [after.invoice, before.invoice, attemptedInvoice].find((one) => one?.id === payment.invoice) ?? null
}

function descriptionOf(payment: Payment, printing: Printing): string | null {
  const reason = invoiceOf(payment, printing)?.reason ?? null
  if (reason === 'first') return 'Subscription creation'
  return payment.subscription === null ? null : 'Subscription update'
}

function cancellationReason(payment: Payment, printing: Printing): string {
  return invoiceOf(payment, printing)?.status === 'void' ? 'void_invoice' : 'automatic'
}

function declineCode(failure: PaymentFailure | null): string {
  return failure?.code ?? 'generic_decline'
}

function errorCode(decline: string): string {
  return ERROR_CODES.has(decline) ? decline : 'card_declined'
}

function messageOf(failure: PaymentFailure | null): string {
  return failure?.message ?? 'Your card was declined.'
}

function adviceOf(failure: PaymentFailure | null): string | null {
  return ADVICE[failure?.retryable ?? 'unknown']
}

function printError(payment: Payment, printing: Printing): JsonObject {
  const decline = declineCode(payment.failure)
  const code = errorCode(decline)
  const advice = adviceOf(payment.failure)
  const method = methodOf(payment, printing)
  return {
    ...(advice === null ? {} : { advice_code: advice }),
    charge: chargeId(payment.id, payment.attempt),
    code,
    decline_code: decline,
    doc_url: `https://docs.stripe.com/error-codes/${code.replaceAll('_', '-')}`,
    message: messageOf(payment.failure),
    ...(method === null
      ? {}
      : { payment_method: printPaymentMethod(method, printing), payment_method_type: methodType(method) }),
    type: 'card_error',
  }
}

function printNextAction(payment: Payment): JsonObject {
  const source = `src_${opaque(`source|${payment.id}|${payment.attempt}`, 24)}`
  return {
    type: 'use_stripe_sdk',
    use_stripe_sdk: {
      source,
      stripe_js: `https://hooks.stripe.com/redirect/authenticate/${source}`,
      type: 'three_d_secure_redirect',
    },
  }
}

/** The charge of a payment's latest attempt. */
export function printCharge(payment: Payment, printing: Printing): JsonObject {
  const id = chargeId(payment.id, Math.max(1, payment.attempt))
  const succeeded = payment.status === 'succeeded'
  const failed = payment.status === 'failed'
  const amount = amountOf(payment.amount)
  const refunded = amountOf(payment.refunded)
  return {
    ...CHARGE_DEFAULTS,
    id,
    object: 'charge',
    amount,
    amount_captured: succeeded ? amount : 0,
    amount_refunded: refunded,
    balance_transaction: succeeded ? balanceTransactionId(id) : null,
    billing_details: printBillingDetails(printing, payment.customer),
    captured: succeeded,
    created: secondsOf(payment.decidedAt ?? payment.updatedAt),
    currency: printCurrency(payment.amount.currency),
    customer: printId('customer', payment.customer),
    description: descriptionOf(payment, printing),
    failure_code: failed ? errorCode(declineCode(payment.failure)) : null,
    failure_message: failed ? messageOf(payment.failure) : null,
    livemode: printing.view.livemode,
    outcome: printOutcome(payment),
    paid: succeeded,
    payment_intent: printId('payment', payment.id),
    payment_method: printIdOrNull('payment_method', payment.method),
    payment_method_details: printMethodDetails(payment, printing),
    receipt_url: succeeded ? `https://pay.stripe.com/receipts/payment/${opaque(`receipt|${id}`, 60)}?s=ap` : null,
    refunded: succeeded && refunded >= amount && !isZero(payment.amount),
    status: succeeded ? 'succeeded' : failed ? 'failed' : 'pending',
    ...older(printing, { invoice: printIdOrNull('invoice', payment.invoice) }),
  }
}

const CHARGE_DEFAULTS = {
  application: null,
  application_fee: null,
  application_fee_amount: null,
  calculated_statement_descriptor: null,
  disputed: false,
  failure_balance_transaction: null,
  fraud_details: {},
  metadata: {},
  on_behalf_of: null,
  receipt_email: null,
  receipt_number: null,
  review: null,
  shipping: null,
  source: null,
  source_transfer: null,
  statement_descriptor: null,
  statement_descriptor_suffix: null,
  transfer_data: null,
  transfer_group: null,
} as const satisfies JsonObject

function printOutcome(payment: Payment): JsonObject {
  if (payment.status !== 'failed') {
    return {
      advice_code: null,
      network_advice_code: null,
      network_decline_code: null,
      network_status: 'approved_by_network',
      reason: null,
      risk_level: 'normal',
      seller_message: 'Payment complete.',
      type: 'authorized',
    }
  }
  const decline = declineCode(payment.failure)
  return {
    advice_code: adviceOf(payment.failure),
    network_advice_code: null,
    network_decline_code: null,
    network_status: 'declined_by_network',
    reason: decline,
    risk_level: 'normal',
    seller_message: `The bank returned the decline code \`${decline}\`.`,
    type: 'issuer_declined',
  }
}

function printMethodDetails(payment: Payment, printing: Printing): JsonObject | null {
  const method = methodOf(payment, printing)
  if (method === null) return null
  if (method.type === 'bank_debit') {
    return {
      sepa_debit: {
        bank_code: null,
        branch_code: null,
        country: null,
        fingerprint: opaque(`fingerprint|${method.id}`, 16),
        last4: method.last4,
        mandate: null,
      },
      type: 'sepa_debit',
    }
  }
  return {
    card: {
      ...cardFace(method),
      amount_authorized: amountOf(payment.amount),
      authorization_code: null,
      extended_authorization: { status: 'disabled' },
      incremental_authorization: { status: 'unavailable' },
      installments: null,
      mandate: null,
      multicapture: { status: 'unavailable' },
      network: method.brand,
      network_token: { used: false },
      network_transaction_id: null,
      overcapture: { maximum_amount_capturable: amountOf(payment.amount), status: 'unavailable' },
      three_d_secure: null,
      ...newer(printing, { electronic_commerce_indicator: null, transaction_link_id: null }),
    },
    type: 'card',
  }
}

const REFUND_REASONS: ReadonlySet<string> = new Set(['duplicate', 'fraudulent', 'requested_by_customer'])

/** A refund as the API version prints it. */
export function printRefund(refund: Refund, printing: Printing): JsonObject {
  const id = printId('refund', refund.id)
  const payment = paymentOf(refund.payment, printing)
  const method = payment === null ? null : methodOf(payment, printing)
  return {
    id,
    object: 'refund',
    amount: amountOf(refund.amount),
    balance_transaction: refund.status === 'failed' ? null : balanceTransactionId(id),
    charge: chargeId(refund.payment, Math.max(1, payment?.attempt ?? 1)),
    created: secondsOf(refund.createdAt),
    currency: printCurrency(refund.amount.currency),
    ...(method?.type === 'card' ? { destination_details: { card: { type: 'refund' }, type: 'card' } } : {}),
    metadata: {},
    payment_intent: printId('payment', refund.payment),
    reason: refund.reason === null ? null : REFUND_REASONS.has(refund.reason) ? refund.reason : 'requested_by_customer',
    receipt_number: null,
    source_transfer_reversal: null,
    status: refund.status,
    transfer_reversal: null,
    ...newer(printing, {
      customer: printId('customer', refund.customer),
      customer_account: null,
      payment_method: printIdOrNull('payment_method', payment?.method ?? null),
    }),
  }
}
