import type { ObservedPayment, PaymentFailure } from '../../model/objects.ts'
import type { Observation } from '../../model/observations.ts'
import type { PaymentStatus, Retryable } from '../../model/status.ts'
import type { Fields } from '../../wire/fields.ts'
import { readAmount } from './amounts.ts'
import { previousOf, rankOf } from './decode_context.ts'
import type { EventContext } from './decode_context.ts'

/** Orders what one second tells of a payment. */
const PROGRESS = {
  initiated: 0,
  requires_action: 1,
  processing: 2,
  failed: 3,
  succeeded: 4,
  canceled: 4,
} as const satisfies Record<PaymentStatus, number>

/**
 * Declines after which the same charge cannot succeed. @source "Smart Retries", hard decline codes, and "Decline codes"
 */
const HARD_DECLINES: ReadonlySet<string> = new Set([
  'authentication_required',
  'card_not_supported',
  'currency_not_supported',
  'expired_card',
  'highest_risk_level',
  'incorrect_address',
  'incorrect_cvc',
  'incorrect_number',
  'incorrect_zip',
  'invalid_account',
  'invalid_cvc',
  'invalid_expiry_month',
  'invalid_expiry_year',
  'invalid_number',
  'lost_card',
  'new_account_information_available',
  'no_account',
  'payment_method_unavailable',
  'pickup_card',
  'resource_missing',
  'restricted_card',
  'revocation_of_all_authorizations',
  'revocation_of_authorization',
  'stolen_card',
  'transaction_not_allowed',
])

/** Declines that pass. @source "Decline codes" */
const SOFT_DECLINES: ReadonlySet<string> = new Set([
  'approve_with_id',
  'call_issuer',
  'card_velocity_exceeded',
  'do_not_honor',
  'duplicate_transaction',
  'generic_decline',
  'insufficient_funds',
  'issuer_not_available',
  'no_action_taken',
  'not_permitted',
  'processing_error',
  'reenter_transaction',
  'service_not_allowed',
  'try_again_later',
  'withdrawal_count_limit_exceeded',
])

/** `charge.*` (not of disputes and refunds): one attempt. */
export function decodeCharge(context: EventContext): readonly Observation[] {
  return decodePayment(context, readCharge)
}

/** `payment_intent.*`: a payment through all its attempts. */
export function decodePaymentIntent(context: EventContext): readonly Observation[] {
  return decodePayment(context, readPaymentIntent)
}

function decodePayment(
  context: EventContext,
  readPayment: (fields: Fields) => ObservedPayment | null,
): readonly Observation[] {
  const fields = context.object
  const id = fields.text('id')
  const value = readPayment(fields)
  if (id === null) fields.problem('id', 'a payment without an id')
  if (id === null || value === null) return []
  return [
    {
      kind: 'snapshot',
      object: 'payment',
      id,
      stamp: context.stamp,
      value,
      previous: previousOf(context, readPayment),
      rank: rankOf(context, [PROGRESS[value.status], Number(value.refunded?.minor ?? 0n)]),
    },
  ]
}

function readCharge(fields: Fields): ObservedPayment | null {
  const status = chargeStatus(fields)
  if (status === null) return null
  const currency = fields.currency('currency')
  const outcome = fields.object('outcome')
  const code = outcome?.text('reason') ?? fields.text('failure_code')
  return {
    customer: fields.reference('customer'),
    invoice: readInvoiceLink(fields),
    subscription: null,
    status,
    amount: readAmount(fields, 'amount', currency),
    refunded: readAmount(fields, 'amount_refunded', currency),
    failure:
      status === 'failed'
        ? {
            code,
            message: fields.text('failure_message'),
            retryable: retryableOf(code, outcome?.text('advice_code') ?? null),
          }
        : null,
    alias: fields.reference('payment_intent'),
    createdAt: fields.seconds('created'),
  }
}

function chargeStatus(fields: Fields): PaymentStatus | null {
  const word = fields.text('status')
  if (word === 'succeeded' || word === 'failed') return word
  if (word === 'pending') return 'processing'
  fields.problem('status', word === null ? 'a charge without a status' : 'a status that is not known')
  return null
}

/** The older generation names the invoice on the payment; in the newer one it cannot be said from here. */
function readInvoiceLink(fields: Fields): ObservedPayment['invoice'] {
  if (!fields.has('invoice')) return 'unknown'
  const id = fields.reference('invoice')
  return id === null ? 'none' : { id }
}

function readPaymentIntent(fields: Fields): ObservedPayment | null {
  const error = fields.object('last_payment_error')
  const status = intentStatus(fields, error !== null)
  if (status === null) return null
  return {
    customer: fields.reference('customer'),
    invoice: readInvoiceLink(fields),
    subscription: null,
    status,
    amount: readAmount(fields, 'amount', fields.currency('currency')),
    refunded: null,
    failure: status === 'failed' && error !== null ? readError(error) : null,
    alias: fields.reference('latest_charge'),
    createdAt: fields.seconds('created'),
  }
}

function intentStatus(fields: Fields, failed: boolean): PaymentStatus | null {
  const word = fields.text('status')
  switch (word) {
    case 'requires_payment_method':
    case 'requires_confirmation':
      return failed ? 'failed' : 'initiated'
    case 'requires_action':
    case 'processing':
    case 'succeeded':
    case 'canceled':
      return word
    case 'requires_capture':
      return 'processing'
    case null:
    default:
      fields.problem('status', word === null ? 'a payment without a status' : 'a status that is not known')
      return null
  }
}

function readError(error: Fields): PaymentFailure {
  const code = error.text('decline_code') ?? error.text('code')
  return { code, message: error.text('message'), retryable: retryableOf(code, error.text('advice_code')) }
}

/** Whether the same charge may succeed later; the issuer's advice counts more than the code. */
function retryableOf(code: string | null, advice: string | null): Retryable {
  if (advice === 'do_not_try_again' || advice === 'confirm_card_data') return 'no'
  if (advice === 'try_again_later') return 'yes'
  if (code === null) return 'unknown'
  if (HARD_DECLINES.has(code)) return 'no'
  return SOFT_DECLINES.has(code) ? 'yes' : 'unknown'
}

/** `invoice_payment.*`: which payment pays which invoice. */
export function decodeInvoicePayment(context: EventContext): readonly Observation[] {
  return readInvoicePayment(context.object, context)
}

/** Reads the object that links a payment to an invoice. */
export function readInvoicePayment(fields: Fields, context: EventContext): readonly Observation[] {
  const id = fields.text('id')
  const invoice = fields.reference('invoice')
  const source = fields.object('payment')
  const payment =
    source?.reference('payment_intent') ?? source?.reference('charge') ?? source?.reference('payment_record') ?? null
  const status = fields.text('status')
  if (id === null || invoice === null || payment === null) {
    fields.problem('payment', 'an invoice payment that does not link a payment and an invoice')
    return []
  }
  if (status !== 'open' && status !== 'paid' && status !== 'canceled') {
    fields.problem('status', 'a status that is not known')
    return []
  }
  return [
    {
      kind: 'snapshot',
      object: 'payment_link',
      id,
      stamp: context.stamp,
      value: { payment, invoice, amountPaid: readAmount(fields, 'amount_paid', fields.currency('currency')), status },
      previous: null,
      rank: rankOf(context, [status === 'open' ? 0 : 1]),
    },
  ]
}

/** `refund.*`: money given back, once it is decided. */
export function decodeRefund(context: EventContext): readonly Observation[] {
  const fields = context.object
  const refund = fields.text('id')
  if (refund === null) {
    fields.problem('id', 'a refund without an id')
    return []
  }
  if (fields.text('status') !== 'succeeded') return []
  return [
    {
      kind: 'happening',
      what: 'payment_refunded',
      stamp: context.stamp,
      key: `payment_refunded|${refund}`,
      event: context.event,
      customer: fields.reference('customer'),
      subscription: null,
      invoice: null,
      payment: fields.reference('payment_intent') ?? fields.reference('charge'),
      refund,
      amount: readAmount(fields, 'amount', fields.currency('currency')),
    },
  ]
}
