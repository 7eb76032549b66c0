import type { BillingClock, Checkout, Customer, Meter, PaymentMethod } from '../../model/entities.ts'
import { addMs, DAY_MS, secondsOf } from '../../model/instant.ts'
import type { JsonObject } from '../../model/json.ts'
import { isZero } from '../../model/money.ts'
import { amountOf } from './amounts.ts'
import { opaque, printId, printIdOrNull } from './ids.ts'
import { newer, older, printClock, printCurrency } from './print.ts'
import type { Printing } from './print.ts'

/** A customer as the API version prints it. */
export function printCustomer(customer: Customer, printing: Printing): JsonObject {
  return {
    id: printId('customer', customer.id),
    object: 'customer',
    address: null,
    balance: 0,
    created: secondsOf(customer.createdAt),
    currency: customer.currency === null ? null : printCurrency(customer.currency),
    ...newer(printing, { customer_account: null }),
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email: customer.email,
    invoice_prefix: invoicePrefix(customer.id),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: printIdOrNull('payment_method', customer.defaultPaymentMethod),
      footer: null,
      rendering_options: null,
    },
    livemode: printing.view.livemode,
    metadata: userMetadata(customer),
    name: customer.name,
    next_invoice_sequence: customer.invoiceCount + 1,
    phone: customer.phone,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: printClock(printing),
  }
}

/** What the numbers of the customer's invoices begin with: the end of its id. */
function invoicePrefix(id: string): string {
  return id
    .replace(/[^0-9A-Za-z]/g, '')
    .slice(-8)
    .toUpperCase()
}

/** This provider has no member for the app's own user: apps keep it in the metadata. */
function userMetadata(customer: Customer): JsonObject {
  const key = customer.type === 'organization' ? 'organization_id' : 'user_id'
  return customer.user === null || Object.hasOwn(customer.metadata, key)
    ? customer.metadata
    : { ...customer.metadata, [key]: customer.user }
}

/** Whose payment method it is, as far as the view shows the customer. */
export function printBillingDetails(printing: Printing, customer: string): JsonObject {
  const owner = printing.view.after.customer
  const known = owner !== null && owner.id === customer ? owner : null
  return {
    address: { city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
    email: known?.email ?? null,
    name: known?.name ?? null,
    phone: known?.phone ?? null,
    ...newer(printing, { tax_id: null }),
  }
}

/** A payment method as the API version prints it. */
export function printPaymentMethod(method: PaymentMethod, printing: Printing): JsonObject {
  return {
    id: printId('payment_method', method.id),
    object: 'payment_method',
    allow_redisplay: 'limited',
    billing_details: printBillingDetails(printing, method.customer),
    ...(method.type === 'bank_debit' ? { sepa_debit: printDebit(method) } : { card: printCard(method) }),
    created: secondsOf(method.createdAt),
    customer: method.detachedAt === null ? printId('customer', method.customer) : null,
    ...newer(printing, { customer_account: null }),
    livemode: printing.view.livemode,
    metadata: {},
    type: methodType(method),
  }
}

/** Wallets are cards to this provider. */
export function methodType(method: PaymentMethod): 'card' | 'sepa_debit' {
  return method.type === 'bank_debit' ? 'sepa_debit' : 'card'
}

function printDebit(method: PaymentMethod): JsonObject {
  return {
    bank_code: null,
    branch_code: null,
    country: null,
    fingerprint: opaque(`fingerprint|${method.id}`, 16),
    generated_from: { charge: null, setup_attempt: null },
    last4: method.last4,
  }
}

/** What a card shows wherever it is printed. */
export function cardFace(method: PaymentMethod): JsonObject {
  return {
    brand: method.brand ?? 'unknown',
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country: null,
    exp_month: method.expMonth ?? 12,
    exp_year: method.expYear ?? 2034,
    fingerprint: opaque(`fingerprint|${method.id}`, 16),
    funding: 'credit',
    last4: method.last4 ?? '0000',
    regulated_status: 'unregulated',
    wallet: method.type === 'wallet' ? { apple_pay: {}, dynamic_last4: null, type: 'apple_pay' } : null,
  }
}

function printCard(method: PaymentMethod): JsonObject {
  return {
    ...cardFace(method),
    display_brand: method.brand,
    generated_from: null,
    networks: { available: [method.brand ?? 'unknown'], preferred: null },
    three_d_secure_usage: { supported: true },
  }
}

/** A meter as the API version prints it. */
export function printMeter(meter: Meter, printing: Printing): JsonObject {
  return {
    id: printId('meter', meter.id, printing.view.livemode),
    object: 'billing.meter',
    created: secondsOf(meter.createdAt),
    customer_mapping: { event_payload_key: 'stripe_customer_id', type: 'by_id' },
    // This provider's meters know no maximum: the last report comes closest.
    default_aggregation: { formula: meter.aggregation === 'max' ? 'last' : meter.aggregation },
    display_name: meter.name,
    event_name: meter.code,
    event_time_window: null,
    livemode: printing.view.livemode,
    status: meter.active ? 'active' : 'inactive',
    status_transitions: { deactivated_at: meter.active ? null : secondsOf(meter.updatedAt) },
    updated: secondsOf(meter.updatedAt),
    value_settings: { event_payload_key: 'value' },
  }
}

const CLOCK_LIFE_MS = 30 * DAY_MS

/** A test clock as the API version prints it. */
export function printTestClock(clock: BillingClock, printing: Printing): JsonObject {
  return {
    id: printId('clock', clock.id),
    object: 'test_helpers.test_clock',
    created: secondsOf(clock.createdAt),
    deletes_after: secondsOf(addMs(clock.createdAt, CLOCK_LIFE_MS)),
    frozen_time: secondsOf(clock.now),
    livemode: printing.view.livemode,
    name: clock.name,
    status: clock.status,
    status_details: clock.status === 'advancing' ? { advancing: { target_frozen_time: secondsOf(clock.now) } } : {},
  }
}

/** A checkout session as the API version prints it. */
export function printCheckout(checkout: Checkout, printing: Printing): JsonObject {
  const id = printId('checkout', checkout.id, printing.view.livemode)
  const completed = checkout.status === 'completed'
  return {
    id,
    object: 'checkout.session',
    ...CHECKOUT_DEFAULTS,
    ...newer(printing, {
      allowed_payment_method_types: null,
      customer_account: null,
      integration_identifier: null,
      managed_payments: null,
      origin_context: null,
      permissions: null,
      wallet_options: null,
    }),
    ...older(printing, { shipping_details: null }),
    amount_subtotal: amountOf(checkout.total),
    amount_total: amountOf(checkout.total),
    automatic_tax: { enabled: false, liability: null, ...newer(printing, { provider: null }), status: null },
    client_reference_id: checkout.reference,
    collected_information: {
      ...newer(printing, { business_name: null, individual_name: null }),
      shipping_details: null,
    },
    created: secondsOf(checkout.createdAt),
    currency: printCurrency(checkout.currency),
    customer: printIdOrNull('customer', checkout.customer),
    customer_creation: checkout.mode === 'payment' ? 'if_required' : null,
    customer_details: completed ? printCustomerDetails(checkout, printing) : null,
    expires_at: secondsOf(checkout.expiresAt),
    invoice: printIdOrNull('invoice', checkout.invoice),
    livemode: printing.view.livemode,
    metadata: checkout.metadata,
    mode: checkout.mode,
    payment_status: paymentStatus(checkout),
    // An offer that was taken back is an expired session to this provider.
    status: checkout.status === 'open' ? 'open' : completed ? 'complete' : 'expired',
    subscription: printIdOrNull('subscription', checkout.subscription),
    success_url: checkout.successUrl,
    ui_mode: printing.generation === 'endive' ? 'hosted_page' : 'hosted',
    url: checkout.status === 'open' ? `https://checkout.stripe.com/c/pay/${id}` : null,
  }
}

/** Members of a session that Billhook's checkouts have no use for. */
const CHECKOUT_DEFAULTS = {
  adaptive_pricing: { enabled: false },
  after_expiration: null,
  allow_promotion_codes: null,
  billing_address_collection: null,
  cancel_url: null,
  client_secret: null,
  consent: null,
  consent_collection: null,
  currency_conversion: null,
  custom_fields: [],
  custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
  customer_email: null,
  discounts: [],
  invoice_creation: null,
  locale: null,
  payment_intent: null,
  payment_link: null,
  payment_method_collection: 'always',
  payment_method_configuration_details: null,
  payment_method_options: { card: { request_three_d_secure: 'automatic' } },
  payment_method_types: ['card'],
  phone_number_collection: { enabled: false },
  recovered_from: null,
  saved_payment_method_options: {
    allow_redisplay_filters: ['always'],
    payment_method_remove: null,
    payment_method_save: null,
  },
  setup_intent: null,
  shipping_address_collection: null,
  shipping_cost: null,
  shipping_options: [],
  submit_type: null,
  total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
} as const satisfies JsonObject

function printCustomerDetails(checkout: Checkout, printing: Printing): JsonObject {
  const owner = printing.view.after.customer
  const known = owner !== null && owner.id === checkout.customer ? owner : null
  return {
    address: null,
    ...newer(printing, { business_name: null, individual_name: null }),
    email: known?.email ?? null,
    name: known?.name ?? null,
    phone: known?.phone ?? null,
    tax_exempt: 'none',
    tax_ids: [],
  }
}

function paymentStatus(checkout: Checkout): string {
  if (checkout.status !== 'completed') return 'unpaid'
  const nothing = isZero(checkout.total) || checkout.mode === 'setup' || (checkout.trialDays ?? 0) > 0
  return nothing ? 'no_payment_required' : 'paid'
}
