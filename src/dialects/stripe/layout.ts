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

function print(value: Json, indent: string, sorted: boolean): string {
  const inner = `${indent}  `
  if (Array.isArray(value)) {
    return block('[', ']', { indent, lines: value.map((item: Json) => inner + print(item, inner, sorted)) })
  }
  if (isObject(value)) {
    const lines = keysOf(value, sorted).map(
      (key) => `${inner}${JSON.stringify(key)}: ${print(value[key] ?? null, inner, sorted)}`,
    )
    return block('{', '}', { indent, lines })
  }
  return JSON.stringify(value)
}

function block(
  open: string,
  close: string,
  { indent, lines }: { readonly indent: string; readonly lines: readonly string[] },
): string {
  return lines.length === 0 ? `${open}\n${indent}${close}` : `${open}\n${lines.join(',\n')}\n${indent}${close}`
}

function keysOf(value: JsonObject, sorted: boolean): readonly string[] {
  const keys = Object.keys(value)
  return sorted ? keys.sort(byPlace) : keys
}

function byPlace(a: string, b: string): number {
  const difference = placeOf(a) - placeOf(b)
  if (difference !== 0) return difference
  return a < b ? -1 : a > b ? 1 : 0
}

function placeOf(key: string): number {
  return key === 'id' ? 0 : key === 'object' ? 1 : 2
}
