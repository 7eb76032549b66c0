import { compareText } from './compare.ts'

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
  return JSON.stringify(withTexts(value))
}

type Members = Record<string, unknown>

/** The same value with texts for bigints; only what holds one is copied. A replacer takes twice the time. */
function withTexts(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return itemsWithTexts(value)
  return hasMembers(value) ? membersWithTexts(value) : value
}

function itemsWithTexts(items: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | null = null
  for (let index = 0; index < items.length; index += 1) {
    const written = withTexts(items[index])
    if (written === items[index]) continue
    copy ??= [...items]
    copy[index] = written
  }
  return copy ?? items
}

function membersWithTexts(members: Members): Members {
  let copy: Members | null = null
  for (const key in members) {
    const member = members[key]
    if (typeof member !== 'object' && typeof member !== 'bigint') continue
    const written = withTexts(member)
    if (written === member) continue
    copy ??= { ...members }
    copy[key] = written
  }
  return copy ?? members
}

function hasMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The member that holds an app's free fields: texts under names of its own choice, never money. */
const FREE_FIELDS = 'metadata'

/** Reads what {@link writeModel} wrote: an object of `minor` (whole number as text) and `currency` is money again. */
export function readModel(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return withMoney(value)
}

/** Puts money into a value that was just read, in place. A reviver takes eight times as long. */
function withMoney(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items: unknown[] = value
    for (let index = 0; index < items.length; index += 1) items[index] = withMoney(items[index])
    return items
  }
  if (!hasMembers(value)) return value
  if (isWrittenMoney(value)) return { minor: BigInt(value.minor), currency: value.currency }
  for (const key in value) {
    const member = value[key]
    if (typeof member === 'object' && member !== null && key !== FREE_FIELDS) value[key] = withMoney(member)
  }
  return value
}

/** Whole numbers as bigints print them, and no other way of writing them. */
const WRITTEN_MINOR = /^(?:0|-?[1-9]\d{0,15})$/

function isWrittenMoney(value: Members): value is { readonly minor: string; readonly currency: string } {
  const { minor, currency } = value
  return (
    typeof minor === 'string' &&
    typeof currency === 'string' &&
    WRITTEN_MINOR.test(minor) &&
    Object.keys(value).length === 2
  )
}

/** JSON text with the keys of every object sorted: equal values give equal texts. Bigints as in {@link writeModel}. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'bigint') return JSON.stringify(value.toString())
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => compareText(a, b))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value)
}
