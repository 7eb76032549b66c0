import type { Customer, EntityValues, PaymentMethod, Price, Product, View } from '../../../model/entities.ts'
import { present, printAmount, printInterval, printTime } from '../shared/print.ts'
import type { Json, JsonObject } from '../../../model/json.ts'
import { legalEntityId, printedAccount, printedId } from '../shared/ids.ts'
import { checkoutObject, invoiceObject, paymentObject, refundObject, subscriptionObject } from './objects.ts'

/**
 * An entity as the Billing API of this generation answers it. Null for what it has no object of its own for: lines, items
 * that wait for an invoice, meters and usage, test clocks.
 */
export function render<K extends keyof EntityValues>(kind: K, entity: EntityValues[K], view: View): JsonObject | null {
  return RENDERERS[kind]?.(entity, view) ?? null
}

const RENDERERS: { readonly [K in keyof EntityValues]?: (entity: EntityValues[K], view: View) => JsonObject } = {
  customer: customerObject,
  product: productObject,
  price: priceObject,
  payment_method: sourceObject,
  subscription: subscriptionObject,
  invoice: invoiceObject,
  payment: paymentObject,
  refund: (refund, view) => refundObject(refund, view, refund.createdAt),
  checkout: checkoutObject,
}

function customerObject(customer: Customer, view: View): JsonObject {
  return present({
    id: printedId('customer', customer.id, view),
    type: customer.type === 'organization' ? 'BUSINESS' : 'INDIVIDUAL',
    name: customer.name,
    email: customer.email,
    phone_number: customer.phone,
    default_billing_currency: customer.currency,
    default_legal_entity_id: legalEntityId(view.account),
    metadata: customer.metadata,
    created_at: printTime(customer.createdAt, view),
  })
}

function productObject(product: Product, view: View): JsonObject {
  return present({
    id: printedId('product', product.id, view),
    name: product.name,
    description: product.description,
    active: product.active,
    metadata: product.metadata,
  })
}

const MODELS: Readonly<Record<Price['scheme'], string>> = {
  flat: 'FLAT',
  per_unit: 'PER_UNIT',
  volume: 'VOLUME',
  graduated: 'GRADUATED',
}

function priceObject(price: Price, view: View): JsonObject {
  const amount = price.unitAmount === null ? null : printAmount(price.unitAmount)
  return present({
    id: printedId('price', price.id, view),
    product_id: printedId('product', price.product, view),
    type: price.interval === null ? 'ONE_OFF' : 'RECURRING',
    pricing_model: MODELS[price.scheme],
    billing_type: price.billed === 'advance' ? 'IN_ADVANCE' : 'IN_ARREARS',
    currency: price.currency,
    flat_amount: price.scheme === 'flat' ? amount : null,
    unit_amount: price.scheme === 'per_unit' ? amount : null,
    tiers: price.tiers.length === 0 ? null : price.tiers.map(tierObject),
    recurring: price.interval === null ? null : printInterval(price.interval),
    metered: price.usage === 'metered',
    meter_id: price.meter === null ? null : printedId('meter', price.meter, view),
    active: price.active,
    metadata: price.metadata,
  })
}

function tierObject(tier: Price['tiers'][number]): Json {
  return present({
    upper_bound: tier.upTo,
    unit_amount: printAmount(tier.unitAmount),
    flat_amount: tier.flatAmount === null ? null : printAmount(tier.flatAmount),
  })
}

function sourceObject(method: PaymentMethod, view: View): JsonObject {
  return present({
    id: printedId('payment_source', method.id, view),
    billing_customer_id: printedId('customer', method.customer, view),
    external_id: printedId('payment_method', method.id, view),
    linked_payment_account_id: printedAccount(view.account),
  })
}
