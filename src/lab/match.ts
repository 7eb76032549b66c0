import { formatInstantShort, instantFromSeconds, parseInstant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { Json, JsonObject } from '../model/json.ts'

/** Where a body differs from what a story expects of it. */
export interface Mismatch {
  readonly path: string
  readonly expected: string
  readonly found: string
}

/**
 * Compares a notification's body (or an object) with the part of it that a story names.
 *
 * A story is written once for every shape in which a provider prints the same thing, so that a field is looked for in the
 * body, in its `data`, in the object inside, and in the first item of its lists; a time may be Unix seconds or ISO text;
 * a number stands for the length of a list; a text for the object with that id; a list for a list object.
 */
export function mismatches(expected: JsonObject, body: JsonObject): readonly Mismatch[] {
  const roots = rootsOf(body)
  return Object.entries(expected).flatMap(([key, value]) => compare(value, lookUp(roots, key), key))
}

/** The places where the fields of the object that a body is about can stand, the outermost first. */
function rootsOf(body: JsonObject): readonly JsonObject[] {
  const data = member(body, 'data')
  const object = member(data, 'object')
  const payload = member(body, 'payload')
  const entities = payload === null ? [] : Object.values(payload).map((part) => member(asObject(part), 'entity'))
  const inner = [object, ...entities, data].filter((part) => part !== null)
  // A one-item subscription prints its period on the item in newer versions, and its plan below it.
  const items = inner.map((part) => asObject(listOf(part['items'])[0]))
  const details = inner.map((part) => member(member(part, 'parent'), 'subscription_details'))
  return [...inner, body, ...items, ...details, payload].filter((part) => part !== null)
}

function lookUp(roots: readonly JsonObject[], key: string): Json | undefined {
  // An id is that of the object: the envelope has one of its own.
  if (key === 'id') return roots[0]?.[key]
  return roots.find((root) => Object.hasOwn(root, key))?.[key]
}

function compare(expected: Json, found: Json | undefined, path: string): readonly Mismatch[] {
  if (expected === null) return found === null || found === undefined ? [] : [differs(path, expected, found)]
  if (isList(expected)) return compareList(expected, found, path)
  if (isObject(expected)) return compareObject(expected, found, path)
  return equalScalar(expected, found) ? [] : [differs(path, expected, found)]
}

function compareList(expected: readonly Json[], found: Json | undefined, path: string): readonly Mismatch[] {
  const list = listOf(found)
  if (list.length < expected.length) return [differs(path, expected, found)]
  return expected.flatMap((value, index) => compare(value, list[index], `${path}.${index}`))
}

function compareObject(expected: JsonObject, found: Json | undefined, path: string): readonly Mismatch[] {
  const object = asObject(found)
  if (object === null) return [differs(path, expected, found)]
  // An entity may be named without what wraps it.
  const entity = member(object, 'entity')
  const at = (key: string): Json | undefined => (Object.hasOwn(object, key) ? object[key] : entity?.[key])
  return Object.entries(expected).flatMap(([key, value]) => compare(value, at(key), `${path}.${key}`))
}

function equalScalar(expected: string | number | boolean, found: Json | undefined): boolean {
  if (expected === found) return true
  if (typeof expected === 'number') {
    if (Array.isArray(found) || isObject(found)) return listLength(found) === expected
    return typeof found === 'string' && found.trim() !== '' && Number(found) === expected
  }
  if (typeof expected === 'boolean') return found === (expected ? '1' : '0')
  const at = parseInstant(expected)
  if (at !== null) return instantIn(found) === at
  const object = asObject(found)
  if (object === null) return false
  return ['id', 'code', 'key'].some((name) => object[name] === expected)
}

function instantIn(found: Json | undefined): Instant | null {
  return instantFromSeconds(found) ?? parseInstant(found)
}

function listLength(found: Json): number | null {
  if (Array.isArray(found)) return found.length
  const list = asObject(found)?.['data']
  return Array.isArray(list) ? list.length : null
}

/** The members of a list, or of a list object's `data`. */
function listOf(found: Json | undefined): readonly Json[] {
  if (Array.isArray(found)) return found
  const data = asObject(found)?.['data']
  return Array.isArray(data) ? data : []
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function member(object: JsonObject | null, key: string): JsonObject | null {
  return object === null ? null : asObject(object[key])
}

function asObject(value: Json | undefined): JsonObject | null {
  return isObject(value) ? value : null
}

function differs(path: string, expected: Json, found: Json | undefined): Mismatch {
  return { path, expected: JSON.stringify(expected), found: found === undefined ? 'nothing' : shorten(found) }
}

function shorten(found: Json): string {
  const seconds = instantFromSeconds(found)
  const text = JSON.stringify(found)
  if (seconds !== null && seconds > 1e12) return `${text} (${formatInstantShort(seconds)})`
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
