import type { Price, PriceTier, Product } from '../../model/entities.ts'
import { secondsOf } from '../../model/instant.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Money } from '../../model/money.ts'
import { amountOf } from './amounts.ts'
import { printId, printIdOrNull } from './ids.ts'
import { newer, older, printCurrency } from './print.ts'
import type { Printing } from './print.ts'

/** A product as the API version prints it. */
export function printProduct(product: Product, printing: Printing): JsonObject {
  return {
    id: printId('product', product.id),
    object: 'product',
    active: product.active,
    created: secondsOf(product.createdAt),
    default_price: null,
    description: product.description,
    images: [],
    livemode: printing.view.livemode,
    marketing_features: product.features.map((name) => ({ name })),
    metadata: product.metadata,
    name: product.name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    ...newer(printing, { tax_details: null }),
    type: 'service',
    unit_label: null,
    updated: secondsOf(product.updatedAt),
    url: null,
  }
}

/** `amount` and `amount_decimal` of what one unit costs; null for tiered prices. */
interface UnitAmount {
  readonly amount: number | null
  readonly decimal: string | null
}

function unitAmountOf(price: Price): UnitAmount {
  if (price.unitAmount === null) return { amount: null, decimal: null }
  const amount = amountOf(price.unitAmount)
  return { amount, decimal: String(amount) }
}

/** A price as the API version prints it. */
export function printPrice(price: Price, printing: Printing): JsonObject {
  const unit = unitAmountOf(price)
  return {
    id: printId('price', price.id),
    object: 'price',
    active: price.active,
    billing_scheme: billingScheme(price),
    created: secondsOf(price.createdAt),
    currency: printCurrency(price.currency),
    custom_unit_amount: null,
    livemode: printing.view.livemode,
    lookup_key: price.code,
    metadata: price.metadata,
    nickname: price.name,
    product: printId('product', price.product),
    recurring:
      price.interval === null
        ? null
        : {
            ...older(printing, { aggregate_usage: null }),
            interval: price.interval.unit,
            interval_count: price.interval.count,
            meter: printIdOrNull('meter', price.meter),
            trial_period_days: null,
            usage_type: price.usage,
          },
    tax_behavior: 'unspecified',
    tiers_mode: tiersMode(price),
    transform_quantity: null,
    type: price.interval === null ? 'one_time' : 'recurring',
    unit_amount: unit.amount,
    unit_amount_decimal: unit.decimal,
  }
}

/** The older form of a recurring price; null for a one-off price, which has none. */
export function printPlan(price: Price, printing: Printing): JsonObject | null {
  if (price.interval === null) return null
  const unit = unitAmountOf(price)
  return {
    id: printId('price', price.id),
    object: 'plan',
    active: price.active,
    ...older(printing, { aggregate_usage: null }),
    amount: unit.amount,
    amount_decimal: unit.decimal,
    billing_scheme: billingScheme(price),
    created: secondsOf(price.createdAt),
    currency: printCurrency(price.currency),
    interval: price.interval.unit,
    interval_count: price.interval.count,
    livemode: printing.view.livemode,
    metadata: price.metadata,
    meter: printIdOrNull('meter', price.meter),
    nickname: price.name,
    product: printId('product', price.product),
    tiers_mode: tiersMode(price),
    transform_usage: null,
    trial_period_days: null,
    usage_type: price.usage,
  }
}

function billingScheme(price: Price): string {
  return tiersMode(price) === null ? 'per_unit' : 'tiered'
}

function tiersMode(price: Price): string | null {
  return price.scheme === 'graduated' || price.scheme === 'volume' ? price.scheme : null
}

/** What `quantity` units of a price cost; a tiered price tier by tier. */
export function costOf(price: Price, quantity: number): bigint {
  const units = BigInt(Math.max(0, Math.trunc(quantity)))
  if (price.scheme === 'flat') return price.unitAmount?.minor ?? 0n
  if (price.scheme === 'per_unit') return (price.unitAmount?.minor ?? 0n) * units
  return price.scheme === 'volume' ? volumeCost(price.tiers, units) : graduatedCost(price.tiers, units)
}

function volumeCost(tiers: readonly PriceTier[], units: bigint): bigint {
  const tier = tiers.find(({ upTo }) => upTo === null || units <= BigInt(upTo))
  return tier === undefined ? 0n : minorOf(tier.flatAmount) + tier.unitAmount.minor * units
}

function graduatedCost(tiers: readonly PriceTier[], units: bigint): bigint {
  let cost = 0n
  let below = 0n
  for (const { upTo, unitAmount, flatAmount } of tiers) {
    if (units <= below) break
    const top = upTo === null || units < BigInt(upTo) ? units : BigInt(upTo)
    cost += minorOf(flatAmount) + unitAmount.minor * (top - below)
    below = top
  }
  return cost
}

function minorOf(amount: Money | null): bigint {
  return amount?.minor ?? 0n
}
