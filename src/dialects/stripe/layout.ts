import type { Json, JsonObject } from '../../model/json.ts'
import { isObject } from '../../model/json.ts'

/**
 * A body as this provider's servers print it: two blanks of indentation, line feeds, keys in the order `id`, `object`,
 * then by code unit at every level, and an empty list or object broken over two lines (the habit of Ruby's
 * `JSON.pretty_generate`). No newline at the end.
 *
 * The keys of a thin event stay in the order they have: its layout is not documented.
 */
export function printBody(body: JsonObject): string {
  return print(body, '', body['object'] !== 'v2.core.event')
}

/** The same object with its keys in the order of {@link printBody}. */
export function ordered(object: JsonObject): JsonObject {
  return Object.fromEntries(keysOf(object, true).map((key) => [key, orderedValue(object[key] ?? null)]))
}

function orderedValue(value: Json): Json {
  if (isObject(value)) return ordered(value)
  return Array.isArray(value) ? value.map(orderedValue) : value
}

function print(value: Json, indent: string, sorted: boolean): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (value === null || typeof value !== 'object') return String(value)
  const inner = `${indent}  `
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '' : ','}\n${inner}${print(item, inner, sorted)}`
    return `[${text}\n${indent}]`
  }
  if (isObject(value)) {
    for (const key of keysOf(value, sorted))
      text += `${text === '' ? '' : ','}\n${inner}${quoted(key)}: ${print(value[key] ?? null, inner, sorted)}`
  }
  return `{${text}\n${indent}}`
}

/** Nearly all names need no escapes. */
function quoted(key: string): string {
  return /^\w+$/.test(key) ? `"${key}"` : JSON.stringify(key)
}

function keysOf(value: JsonObject, sorted: boolean): readonly string[] {
  const keys = Object.keys(value)
  if (!sorted) return keys
  // By code unit, which is what a sort without a comparison does.
  keys.sort()
  const first = ['id', 'object'].filter((key) => Object.hasOwn(value, key))
  return first.length === 0 ? keys : [...first, ...keys.filter((key) => key !== 'id' && key !== 'object')]
}
