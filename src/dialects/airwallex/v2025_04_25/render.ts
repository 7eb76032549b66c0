import type { EntityValues, Price, Product, View } from '../../../model/entities.ts'
import type { Json, JsonObject } from '../../../model/json.ts'
import { printedId } from '../shared/ids.ts'
import { printAmount, printInterval } from '../shared/print.ts'
import { invoiceObject, subscriptionObject } from './objects.ts'

/**
 * An entity as the API of this generation answers it: subscriptions, invoices, prices and products. Its customers, consents
 * and payment intents belong to another product of the provider.
 */
export function render<K extends keyof EntityValues>(kind: K, entity: EntityValues[K], view: View): JsonObject | null {
  return RENDERERS[kind]?.(entity, view) ?? null
}

const RENDERERS: { readonly [K in keyof EntityValues]?: (entity: EntityValues[K], view: View) => JsonObject | null } = {
  product: productObject,
  price: priceObject,
  subscription: subscriptionObject,
  invoice: invoiceObject,
}

function productObject(product: Product, view: View): JsonObject {
  return {
    id: printedId('product', product.id, view),
    name: product.name,
    description: product.description,
    active: product.active,
    metadata: product.metadata,
  }
}

const MODELS: Readonly<Record<Price['scheme'], string>> = {
  flat: 'flat',
  per_unit: 'per_unit',
  volume: 'volume',
  // Became GRADUATED in the next generation.
  graduated: 'tiered',
}

function priceObject(price: Price, view: View): JsonObject {
  const amount = price.unitAmount === null ? null : printAmount(price.unitAmount)
  return {
    id: printedId('price', price.id, view),
    product_id: printedId('product', price.product, view),
    name: price.name,
    active: price.active,
    type: price.interval === null ? 'ONE_OFF' : 'RECURRING',
    pricing_model: MODELS[price.scheme],
    currency: price.currency,
    flat_amount: price.scheme === 'flat' ? amount : null,
    unit_amount: price.scheme === 'per_unit' ? amount : null,
    tiers: price.tiers.length === 0 ? null : price.tiers.map(tierObject),
    recurring: price.interval === null ? null : printInterval(price.interval),
    metadata: price.metadata,
  }
}

function tierObject(tier: Price['tiers'][number]): Json {
  return {
    amount: printAmount(tier.unitAmount),
    flat_amount: tier.flatAmount === null ? null : printAmount(tier.flatAmount),
    upper_bound: tier.upTo,
  }
}
