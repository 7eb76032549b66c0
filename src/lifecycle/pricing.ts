import type { Price, PriceTier } from '../model/entities.ts'
import { BillhookError } from '../model/error.ts'
import { add, divide, money, zero } from '../model/money.ts'
import type { Money } from '../model/money.ts'
import { QUANTITY_SCALE, quantityOf } from './quantity.ts'
import type { Quantity } from './quantity.ts'

/**
 * What a quantity costs. Fractions of a minor unit are rounded once per price (tier by tier for `graduated`), halves away
 * from zero.
 *
 * @throws BillhookError `invalid_money` if the amount is out of range
 */
export function amountFor(price: Price, quantity: Quantity): Money {
  switch (price.scheme) {
    case 'flat':
      return unitOf(price)
    case 'per_unit':
      return times(unitOf(price), quantity)
    case 'volume':
      return volume(price, quantity)
    case 'graduated':
      return graduated(price, quantity)
  }
}

function unitOf(price: Price): Money {
  if (price.unitAmount === null)
    throw new BillhookError('internal_invariant', `price ${price.id} has no amount although it is ${price.scheme}`)
  return price.unitAmount
}

function times(amount: Money, quantity: Quantity): Money {
  return money(divide(amount.minor * quantity, QUANTITY_SCALE, 'half_up'), amount.currency)
}

/** All units at the price of the tier that the whole quantity falls into. */
function volume(price: Price, quantity: Quantity): Money {
  if (quantity === 0n) return zero(price.currency)
  const tier = price.tiers.find((tier) => tier.upTo === null || quantity <= quantityOf(tier.upTo))
  return tier === undefined ? zero(price.currency) : inTier(tier, quantity)
}

/** Each unit at the price of the tier that it falls into. */
function graduated(price: Price, quantity: Quantity): Money {
  let total = zero(price.currency)
  let floor = 0n
  for (const tier of price.tiers) {
    if (quantity <= floor) break
    const ceiling = tier.upTo === null ? quantity : quantityOf(tier.upTo)
    const inside = quantity < ceiling ? quantity : ceiling
    total = add(total, inTier(tier, inside - floor))
    floor = ceiling
  }
  return total
}

function inTier(tier: PriceTier, quantity: Quantity): Money {
  const units = times(tier.unitAmount, quantity)
  return tier.flatAmount === null ? units : add(units, tier.flatAmount)
}
