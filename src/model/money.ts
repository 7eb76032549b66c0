import { exponentOf } from './currency.ts'
import type { Currency } from './currency.ts'
import { BillhookError } from './error.ts'

/** An amount of money: a whole number of the currency's minor unit (cents, paise, yen). May be negative. */
export interface Money {
  readonly minor: bigint
  readonly currency: Currency
}

/** How a fraction of a minor unit becomes whole. `half_up` rounds halves away from zero. */
export type Rounding = 'half_up' | 'half_even' | 'down'

/** More than any invoice, and what PostgreSQL's and SQLite's 64-bit integers hold with room for sums. */
const MAX_MINOR = 10n ** 15n

/**
 * An amount of money.
 *
 * @throws BillhookError `invalid_money` if it is out of range, `invalid_currency` if the currency is not known
 */
export function money(minor: bigint | number, currency: Currency): Money {
  exponentOf(currency)
  if (typeof minor === 'number' && !Number.isSafeInteger(minor)) {
    throw new BillhookError('invalid_money', `${minor} is not a whole number of minor units`)
  }
  const value = BigInt(minor)
  if (value > MAX_MINOR || value < -MAX_MINOR)
    throw new BillhookError('invalid_money', `${value} minor units of ${currency} are out of range`)
  return { minor: value, currency }
}

/** No money, in this currency. */
export function zero(currency: Currency): Money {
  return money(0n, currency)
}

/** True for an amount of zero. */
export function isZero(amount: Money): boolean {
  return amount.minor === 0n
}

/** @throws BillhookError `currency_mismatch` */
export function add(a: Money, b: Money): Money {
  return money(a.minor + inCurrency(b, a.currency), a.currency)
}

/** @throws BillhookError `currency_mismatch` */
export function subtract(a: Money, b: Money): Money {
  return money(a.minor - inCurrency(b, a.currency), a.currency)
}

/** The same amount with the opposite sign. */
export function negate(amount: Money): Money {
  return money(-amount.minor, amount.currency)
}

/** Negative, zero or positive as `a` is less than, equal to or more than `b`. @throws BillhookError `currency_mismatch` */
export function compareMoney(a: Money, b: Money): number {
  const other = inCurrency(b, a.currency)
  return a.minor < other ? -1 : a.minor > other ? 1 : 0
}

/** The sum of amounts of one currency; zero if there are none. @throws BillhookError `currency_mismatch` */
export function sum(amounts: readonly Money[], currency: Currency): Money {
  return amounts.reduce(add, zero(currency))
}

/** `amount × numerator / denominator`, rounded once. */
export function scale(amount: Money, numerator: bigint, denominator: bigint, rounding: Rounding): Money {
  return money(divide(amount.minor * numerator, denominator, rounding), amount.currency)
}

/** Whole division with a named rounding. @throws BillhookError `internal_invariant` on a denominator of zero */
export function divide(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  if (denominator === 0n) throw new BillhookError('internal_invariant', 'division by zero')
  const negative = numerator < 0n !== denominator < 0n
  const [n, d] = [abs(numerator), abs(denominator)]
  const quotient = n / d
  const twice = (n % d) * 2n
  const up =
    rounding === 'down' ? false : twice > d || (twice === d && (rounding === 'half_up' || quotient % 2n === 1n))
  const magnitude = up ? quotient + 1n : quotient
  return negative ? -magnitude : magnitude
}

/** The amount in major units as decimal text: `12.50`, `-0.05`, `500` for a currency without minor unit. */
export function decimalOf(amount: Money): string {
  const exponent = exponentOf(amount.currency)
  const digits = abs(amount.minor)
    .toString()
    .padStart(exponent + 1, '0')
  const whole = digits.slice(0, digits.length - exponent)
  const fraction = exponent === 0 ? '' : `.${digits.slice(digits.length - exponent)}`
  return `${amount.minor < 0n ? '-' : ''}${whole}${fraction}`
}

/** Decimal text, also with an exponent as JavaScript prints small numbers. */
const DECIMAL = /^(-?)(\d{1,30})(?:\.(\d{1,30}))?(?:[eE]([+-]?\d{1,2}))?$/

/**
 * Major units written as decimal text, for example `0.2`, exactly: never through a floating-point product.
 * Null if the text is no number, has digits beyond the minor unit, or is out of range.
 */
export function parseDecimal(text: string, currency: Currency): Money | null {
  const match = DECIMAL.exec(text)
  if (match === null) return null
  const [, sign, whole = '', fraction = '', power = '0'] = match
  const shift = Number(power) + exponentOf(currency) - fraction.length
  const digits = BigInt(whole + fraction)
  const scaled = shift >= 0 ? digits * 10n ** BigInt(shift) : wholeQuotient(digits, 10n ** BigInt(-shift))
  if (scaled === null || scaled > MAX_MINOR) return null
  return { minor: sign === '-' ? -scaled : scaled, currency }
}

function wholeQuotient(numerator: bigint, denominator: bigint): bigint | null {
  return numerator % denominator === 0n ? numerator / denominator : null
}

function inCurrency(amount: Money, currency: Currency): bigint {
  if (amount.currency !== currency) {
    throw new BillhookError('currency_mismatch', `an amount in ${amount.currency} met one in ${currency}`)
  }
  return amount.minor
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value
}
