import { refuse } from './step.ts'

/** Decimal places that a metered quantity may have, and digits before the point. */
const PLACES = 12
const SCALE = 10n ** BigInt(PLACES)
const QUANTITY = /^(-?)(\d{1,18})(?:\.(\d{1,12}))?$/

/** A decimal number, exactly: a whole number of 10^-12. */
export type Quantity = bigint

/** @throws BillhookError `invalid_request`, naming `quantity`, if the text is no decimal number of this size */
export function parseQuantity(text: string): Quantity {
  const match = QUANTITY.exec(text)
  if (match === null) {
    refuse(
      'invalid_request',
      `quantity ${JSON.stringify(text)} is not a decimal number with at most 18 digits before and ${PLACES} after the point`,
      'quantity',
    )
  }
  const [, sign, whole = '0', fraction = ''] = match
  const magnitude = BigInt(whole) * SCALE + BigInt(fraction.padEnd(PLACES, '0'))
  return sign === '-' ? -magnitude : magnitude
}

/** The shortest decimal text of a quantity. */
export function formatQuantity(quantity: Quantity): string {
  const magnitude = quantity < 0n ? -quantity : quantity
  const fraction = (magnitude % SCALE).toString().padStart(PLACES, '0').replace(/0+$/, '')
  return `${quantity < 0n ? '-' : ''}${magnitude / SCALE}${fraction === '' ? '' : `.${fraction}`}`
}

/** A whole number as a quantity. */
export function quantityOf(whole: number): Quantity {
  return BigInt(whole) * SCALE
}

/** Numerator and denominator of a quantity, for exact products. */
export const QUANTITY_SCALE = SCALE
