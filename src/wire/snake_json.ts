import { formatInstant, instant } from '../model/instant.ts'
import type { Json, JsonObject } from '../model/json.ts'
import { BillhookError } from '../model/error.ts'

/**
 * Our own values as JSON: names with underscores, instants as ISO 8601 in UTC, amounts as `{minor, currency}` with `minor` a
 * decimal text, so that no reader rounds them. Instants are known by their names, because they are numbers like others.
 */
export function toJson(value: unknown, name = ''): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return isInstantName(name) ? formatInstant(instant(value)) : value
  if (Array.isArray(value)) return value.map((member) => toJson(member))
  if (typeof value === 'object') return toJsonObject(value)
  throw new BillhookError('internal_invariant', `${name} is ${typeof value}: not a value of the model`)
}

/** The members of an object; those that are undefined are left out. Names of the app's own (metadata) stay as they are. */
export function toJsonObject(value: object): JsonObject {
  const members = Object.entries(value).flatMap(([name, member]: [string, unknown]) => {
    if (member === undefined) return []
    if (name === 'metadata' && typeof member === 'object' && member !== null) return [[name, textsOf(member)] as const]
    return [[snakeCase(name), toJson(member, name)] as const]
  })
  return Object.fromEntries(members)
}

function textsOf(metadata: object): JsonObject {
  return Object.fromEntries(Object.entries(metadata).map(([name, text]: [string, unknown]) => [name, String(text)]))
}

const INSTANT_NAMES = new Set(['at', 'from', 'until', 'now', 'anchor', 'trialEnd', 'renewal'])

function isInstantName(name: string): boolean {
  return name.endsWith('At') || INSTANT_NAMES.has(name)
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
