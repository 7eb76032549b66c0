import { formatInstant, instant } from '../model/instant.ts'
import type { Json } from '../model/json.ts'

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

function presentMember(name: string, value: unknown): Json {
  if (value === null || value === undefined) return null
  switch (typeof value) {
    case 'bigint':
      return value.toString()
    case 'number':
      if (name === COUNTED && value < COUNTED_BELOW) return value
      return isInstantName(name) ? formatInstant(instant(value)) : value
    case 'string':
    case 'boolean':
      return value
    case 'object':
      return presentObject(value)
    default:
      return null
  }
}

function presentObject(value: object): Json {
  if (Array.isArray(value)) return value.map((item: unknown) => presentMember('', item))
  if (value instanceof Map || value instanceof Set) return [...value].map((item: unknown) => presentMember('', item))
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
