import { exponentOf } from '../../model/currency.ts'
import type { Currency } from '../../model/currency.ts'
import { money } from '../../model/money.ts'
import type { Money } from '../../model/money.ts'
import type { Fields } from '../../wire/fields.ts'

/**
 * Decimal digits that this provider gives an amount's smallest unit where they are not those of ISO 4217.
 * @source the provider's "Supported currencies" page, "Special cases" and "Zero-decimal currencies"
 */
const DIGITS: Readonly<Record<string, number>> = { ISK: 2, UGX: 2, MGA: 0 }

function shiftOf(currency: Currency): number {
  return (DIGITS[currency] ?? exponentOf(currency)) - exponentOf(currency)
}

/** The provider's whole number for an amount. */
export function amountOf(value: Money): number {
  const shift = shiftOf(value.currency)
  return shift >= 0 ? Number(value.minor * 10n ** BigInt(shift)) : Math.round(Number(value.minor) / 10 ** -shift)
}

/** An amount of a body; null, with a problem, if it is no whole number of the currency's own smallest unit. */
export function readAmount(fields: Fields, key: string, currency: Currency | null): Money | null {
  if (currency === null) return null
  const shift = shiftOf(currency)
  if (shift === 0) return fields.minor(key, currency)
  const value = fields.integer(key)
  if (value === null) return null
  const minor = shift > 0 ? value / 10 ** shift : value * 10 ** -shift
  try {
    return money(minor, currency)
  } catch {
    fields.problem(key, `expected an amount of ${currency}, found another number`)
    return null
  }
}
