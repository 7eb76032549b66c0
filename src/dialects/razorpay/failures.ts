import type { PaymentFailure } from '../../model/objects.ts'
import type { Retryable } from '../../model/status.ts'
import type { Fields } from '../../wire/fields.ts'

/**
 * Whether the same charge may succeed later, by `error_reason`. `yes`: the account or the way to it may be better tomorrow.
 * `no`: the customer must give another instrument, a new mandate or a confirmation. Absent: not known.
 *
 * @source razorpay.com/docs/payments/payment-gateway/s2s-integration/recurring-payments/cards/error-codes and
 * /errors/payments/list: the reasons and who must act; the verdict is ours
 */
const BY_REASON: Readonly<Record<string, Retryable>> = {
  insufficient_funds: 'yes',
  transaction_limit_exceeded: 'yes',
  transaction_daily_limit_exceeded: 'yes',
  transaction_daily_count_exceeded: 'yes',
  bank_technical_error: 'yes',
  bank_not_available: 'yes',
  gateway_technical_error: 'yes',
  issuer_technical_error: 'yes',
  network_technical_error: 'yes',
  server_error: 'yes',
  payment_timed_out: 'yes',
  payment_pending: 'yes',
  card_declined: 'yes',
  payment_declined: 'yes',
  card_expired: 'no',
  expired_card: 'no',
  invalid_card_expiry: 'no',
  incorrect_card_expiry_date: 'no',
  incorrect_card_details: 'no',
  incorrect_cvv: 'no',
  card_number_invalid: 'no',
  card_type_invalid: 'no',
  card_not_enrolled: 'no',
  card_not_supported: 'no',
  card_reported_lost: 'no',
  card_reported_stolen: 'no',
  card_blocked: 'no',
  debit_instrument_blocked: 'no',
  debit_instrument_inactive: 'no',
  international_transaction_not_allowed: 'no',
  recurring_payment_not_enabled: 'no',
  bank_account_invalid: 'no',
  bank_account_closed: 'no',
  bank_account_validation_failed: 'no',
  mandate_creation_failed: 'no',
  mandate_cancelled: 'no',
  mandate_not_active: 'no',
  mandate_paused: 'no',
  mandate_expired: 'no',
  token_cancelled: 'no',
  token_expired: 'no',
  payment_method_missing: 'no',
  authentication_failed: 'no',
  authentication_required: 'no',
  customer_action_required: 'no',
  incorrect_otp: 'no',
  incorrect_pin: 'no',
  payment_cancelled: 'no',
  payment_risk_check_failed: 'no',
}

/** By `error_code`, where the reason says nothing: faults of the way are worth a retry, a bad request may be anything. */
const BY_CODE: Readonly<Record<string, Retryable>> = { GATEWAY_ERROR: 'yes', SERVER_ERROR: 'yes' }

/** Why a payment failed, from its `error_*` fields. */
export function failureOf(payment: Fields): PaymentFailure {
  const reason = payment.text('error_reason')
  const code = payment.text('error_code')
  return {
    code: reason ?? code,
    message: payment.text('error_description'),
    retryable: lookUp(BY_REASON, reason) ?? lookUp(BY_CODE, code) ?? 'unknown',
  }
}

function lookUp(table: Readonly<Record<string, Retryable>>, key: string | null): Retryable | null {
  return key !== null && Object.hasOwn(table, key) ? (table[key] ?? null) : null
}
