import { isObject } from '../model/json.ts'
import type { Json, JsonObject } from '../model/json.ts'
import type { Refusal } from '../model/verdict.ts'
import { textOf } from './bytes.ts'

/** Deeper than any provider's body by a factor of four, and shallow enough for every recursive reader of ours. */
const MAX_DEPTH = 64

/** Texts of more characters are looked at before anything is built of them; below that, building is as cheap. */
const MANY = 32_768

/** A JSON object read from raw bytes, or why it is none. */
export type JsonBody =
  | { readonly ok: true; readonly body: JsonObject }
  | { readonly ok: false; readonly reason: Refusal; readonly detail: string }

const TOO_DEEP: JsonBody = {
  ok: false,
  reason: 'body_too_deep',
  detail: `the body nests deeper than ${MAX_DEPTH} levels`,
}

/**
 * Reads raw bytes as one JSON object. Call it only after the signature was checked. `__proto__` becomes a plain key, as
 * `JSON.parse` makes it; of duplicate keys the last wins, as in every provider's own SDK.
 */
export function readJsonBody(bytes: Uint8Array): JsonBody {
  if (bytes.length === 0) return { ok: false, reason: 'body_empty', detail: 'the body has no bytes' }
  const text = textOf(bytes)
  if (text === null) return { ok: false, reason: 'body_not_utf8', detail: 'the body is not valid UTF-8' }
  return readJsonText(text)
}

/** The same for a text that is already decoded. */
export function readJsonText(text: string): JsonBody {
  if (text.length > MANY && depthExceeds(text, MAX_DEPTH)) return TOO_DEEP
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    if (depthExceeds(text, MAX_DEPTH)) return TOO_DEEP
    return { ok: false, reason: 'body_not_json', detail: `the body is not JSON${placeOf(error)}` }
  }
  if (!isObject(value)) return { ok: false, reason: 'body_not_object', detail: 'the body is JSON but not an object' }
  if (isDeeper(value, MAX_DEPTH)) return TOO_DEEP
  return { ok: true, body: value }
}

/** Where the reading stopped, if the runtime says it. Its message is not kept: it quotes the body, which may be personal. */
function placeOf(error: unknown): string {
  const position = error instanceof Error ? / at position (\d+)/.exec(error.message)?.[1] : undefined
  return position === undefined ? '' : ` at character ${position}`
}

/** True if objects and lists nest deeper than `limit`. */
function isDeeper(value: Json, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (limit === 0) return true
  if (isList(value)) return value.some((item) => isDeeper(item, limit - 1))
  for (const key in value) {
    const member = value[key]
    if (typeof member === 'object' && isDeeper(member, limit - 1)) return true
  }
  return false
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** True if brackets outside strings nest deeper than `limit`. Looks at the text once and builds nothing. */
function depthExceeds(text: string, limit: number): boolean {
  let depth = 0
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) {
      i = endOfString(text, i + 1)
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1
      if (depth > limit) return true
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1
    }
  }
  return false
}

/** The index of the quote that closes a string, or the end of the text. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start)
  while (end !== -1) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1
    if (backslashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return text.length
}
