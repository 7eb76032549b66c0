import type { Json, JsonObject } from '../model/json.ts'
import { isObject } from '../model/json.ts'

/** A document's definitions in one place, and the part of it that refers to them. */
export interface Hoisted {
  readonly value: Json
  /** By name; equal definitions are one. */
  readonly schemas: JsonObject
}

const LOCAL = '#/$defs/'

/**
 * Moves the definitions that schemas hold themselves (`$defs`) to the document's components: a reference is resolved from
 * the document's root, where a schema's own definitions are not found.
 */
export function hoist(value: Json): Hoisted {
  const names = new Map<string, string>()
  const schemas: Record<string, Json> = {}

  const nameOf = (definition: Json): string => {
    const text = JSON.stringify(definition)
    const known = names.get(text)
    if (known !== undefined) return known
    const name = names.size === 0 ? 'Json' : `Json${names.size + 1}`
    names.set(text, name)
    return name
  }

  const visit = (part: Json, local: ReadonlyMap<string, string>): Json => {
    if (Array.isArray(part)) return part.map((item) => visit(item, local))
    if (!isObject(part)) return part
    const { $defs, ...rest } = part
    const own = isObject($defs) ? Object.entries($defs) : []
    const scope = new Map([...local, ...own.map(([name, definition]) => [name, nameOf(definition)] as const)])
    for (const [name, definition] of own) schemas[scope.get(name) ?? name] ??= visit(definition, scope)
    return Object.fromEntries(
      Object.entries(rest).map(([key, member]) => [
        key,
        key === '$ref' && typeof member === 'string' ? reference(member, scope) : visit(member, scope),
      ]),
    )
  }

  return { value: visit(value, new Map()), schemas }
}

function reference(text: string, scope: ReadonlyMap<string, string>): string {
  const name = text.startsWith(LOCAL) ? scope.get(text.slice(LOCAL.length)) : undefined
  return name === undefined ? text : `#/components/schemas/${name}`
}
