/** Quantities of meters: decimal text, never a float. */
interface Decimal {
  readonly digits: bigint
  readonly scale: number
}

const DECIMAL = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?$/

function parse(text: string): Decimal | null {
  const match = DECIMAL.exec(text)
  if (match === null) return null
  const [, sign, whole = '', fraction = ''] = match
  const digits = BigInt(whole + fraction)
  return { digits: sign === '-' ? -digits : digits, scale: fraction.length }
}

function atScale({ digits, scale }: Decimal, to: number): bigint {
  return digits * 10n ** BigInt(to - scale)
}

function format({ digits, scale }: Decimal): string {
  const negative = digits < 0n
  const text = (negative ? -digits : digits).toString().padStart(scale + 1, '0')
  const whole = text.slice(0, text.length - scale)
  const fraction = text.slice(text.length - scale).replace(/0+$/, '')
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

const ZERO: Decimal = { digits: 0n, scale: 0 }

/** The sum of two quantities; what is no number counts as zero. */
export function addDecimals(a: string, b: string): string {
  const [left, right] = [parse(a) ?? ZERO, parse(b) ?? ZERO]
  const scale = Math.max(left.scale, right.scale)
  return format({ digits: atScale(left, scale) + atScale(right, scale), scale })
}

/** `a` less `b`, but not below zero. */
export function excessOf(a: string, b: string): string {
  const [left, right] = [parse(a) ?? ZERO, parse(b) ?? ZERO]
  const scale = Math.max(left.scale, right.scale)
  const digits = atScale(left, scale) - atScale(right, scale)
  return format({ digits: digits > 0n ? digits : 0n, scale })
}

/** `part` in percent of `whole`, rounded down; of nothing, 0 or 100. */
export function percentOf(part: string, whole: string): number {
  const [left, right] = [parse(part) ?? ZERO, parse(whole) ?? ZERO]
  const scale = Math.max(left.scale, right.scale)
  const [used, all] = [atScale(left, scale), atScale(right, scale)]
  if (all === 0n) return used > 0n ? MAX_PERCENT : 0
  const percent = (used * 100n) / all
  return percent > BigInt(MAX_PERCENT) ? MAX_PERCENT : Number(percent)
}

/** More than any threshold: a share beyond it is shown as this. */
const MAX_PERCENT = 1_000_000

/** The quantity as a fraction of whole numbers, for exact prices. */
export function fractionOf(text: string): { readonly numerator: bigint; readonly denominator: bigint } {
  const { digits, scale } = parse(text) ?? ZERO
  return { numerator: digits, denominator: 10n ** BigInt(scale) }
}
