import { formatInstant, instant } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { Json, JsonObject } from '../../model/json.ts'

/** Members that hold an instant although their name does not end in `At`. A test compares this with the types. */
export const INSTANT_MEMBERS: ReadonlySet<string> = new Set([
  'anchor',
  'at',
  'cycle',
  'failingSince',
  'from',
  'now',
  'paidThrough',
  'renewal',
  'stamp',
  'target',
  'trialEnd',
  'until',
])

/** A cycle is named by its start in what is observed, and counted in what is billed; nobody is billed a billion times. */
const COUNTED = 'cycle'
const COUNTED_BELOW = 1_000_000_000

/**
 * A value of the model as people and other programs read it: instants as ISO 8601, amounts of money and other big
 * numbers as decimal text. Not for a provider's own bodies, which are shown as they are.
 */
export function present(value: unknown): Json {
  return presentMember('', value)
}

/** An object of the model as {@link present} shows it. */
export function presentObjectOf(value: object): JsonObject {
  return members(value)
}

/** One instant. */
export function presentInstant(at: Instant | null): string | null {
  return at === null ? null : formatInstant(at)
}

function presentMember(name: string, value: unknown): Json {
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number')
    return isInstantName(name) && !isCount(name, value) ? formatInstant(instant(value)) : value
  if (typeof value === 'string' || typeof value === 'boolean') return value
  return typeof value === 'object' ? presentObject(value) : null
}

function isCount(name: string, value: number): boolean {
  return name === COUNTED && value < COUNTED_BELOW
}

function presentObject(value: object): Json {
  if (Array.isArray(value)) return value.map((item: unknown) => presentMember('', item))
  if (value instanceof Map || value instanceof Set) return [...value].map((item: unknown) => presentMember('', item))
  return members(value)
}

function members(value: object): JsonObject {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]: [string, unknown]) =>
      member === undefined ? [] : [[name, presentMember(name, member)] as const],
    ),
  )
}

/** True for the names that instants have in the model. */
export function isInstantName(name: string): boolean {
  return /[a-z]At$/.test(name) || INSTANT_MEMBERS.has(name)
}
