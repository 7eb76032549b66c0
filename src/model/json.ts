/** Plain JSON data. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object: any text may be a key. */
export interface JsonObject {
  readonly [key: string]: Json
}

/** True for a JSON object (not an array, not null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Writes a value of the model as JSON text. Amounts of money keep their exact value: `minor`, a bigint, becomes a
 * decimal text. {@link readModel} is its inverse.
 */
export function writeModel(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner))
}

/** The member that holds an app's free fields: texts under names of its own choice, never money. */
const FREE_FIELDS = 'metadata'

/** Reads what {@link writeModel} wrote: an object of `minor` (whole number as text) and `currency` is money again. */
export function readModel(text: string): unknown {
  return JSON.parse(text, (key, inner: unknown) => {
    // Members are read before what they are in, so free fields with the names of money's have become money by now.
    if (key === FREE_FIELDS) return asTexts(inner)
    return isWrittenMoney(inner) ? { minor: BigInt(inner.minor), currency: inner.currency } : inner
  })
}

/** Whole numbers as bigints print them, and no other way of writing them. */
const WRITTEN_MINOR = /^(?:0|-?[1-9]\d{0,15})$/

function isWrittenMoney(value: unknown): value is { readonly minor: string; readonly currency: string } {
  if (!isObject(value)) return false
  const { minor, currency } = value
  return (
    typeof minor === 'string' &&
    typeof currency === 'string' &&
    WRITTEN_MINOR.test(minor) &&
    Object.keys(value).length === 2
  )
}

function asTexts(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(asTexts)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, asTexts(member)]))
}

/** JSON text with the keys of every object sorted: equal values give equal texts. Bigints as in {@link writeModel}. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'bigint') return JSON.stringify(value.toString())
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value)
}
