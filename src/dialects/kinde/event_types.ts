import { BillhookError } from '../../model/error.ts'
import { isObject } from '../../model/json.ts'
import type { Json, JsonObject } from '../../model/json.ts'

/** The JSON schema of each event type's `data`, by the type's code. */
export type EventTypeSchemas = ReadonlyMap<string, JsonObject>

/** Deeper than any event of ours; a schema that nests further is cut there. */
const MAX_DEPTH = 8

/**
 * Reads what the Management API answers to `GET /api/v1/event_types` for an account: its own list of event types, each with
 * the schema of what it sends. A schema of the whole event is taken for that of its `data`.
 *
 * @throws BillhookError `config_invalid` if it is no such answer
 * @source kinde-oss/management-api-js spec/kinde-mgmt-api-specs.yaml, GetEventTypes
 */
export function readEventTypes(answer: unknown): EventTypeSchemas {
  const list = isObject(answer) ? answer['event_types'] : answer
  if (!Array.isArray(list))
    throw new BillhookError('config_invalid', 'the file of event types has no list "event_types"')
  const schemas = new Map<string, JsonObject>()
  for (const entry of list) {
    if (!isObject(entry)) continue
    const { code, schema } = entry
    const parsed = schemaOf(schema)
    if (typeof code === 'string' && parsed !== null) schemas.set(code, parsed)
  }
  return schemas
}

/**
 * An event's `data` in the form of an account's own schema: the fields that the schema names, filled from what is known. A
 * field that nobody knows is null where the schema demands it, else it is left out; fields that the schema does not name are
 * left out. Reads `type`, `properties` and `required`; other words of JSON Schema say nothing here.
 *
 * @param known every field that could be told, by name; nested objects are looked for under their name (`plan.code`) and
 *   under the joined one (`plan_code`)
 */
export function applyEventTypeSchema(schema: JsonObject, known: JsonObject): JsonObject {
  return fillObject(schema, known, '', 0)
}

function fillObject(schema: JsonObject, known: JsonObject, prefix: string, depth: number): JsonObject {
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const filled: Record<string, Json> = {}
  for (const [name, property] of Object.entries(properties)) {
    const value = fill(isObject(property) ? property : {}, known, `${prefix}${name}`, depth)
    if (value !== null || required.includes(name)) filled[name] = value
  }
  return filled
}

function fill(property: JsonObject, known: JsonObject, name: string, depth: number): Json {
  if (isObject(property['properties'])) {
    if (depth >= MAX_DEPTH) return null
    const inner = fillObject(property, known, `${name}_`, depth + 1)
    return Object.values(inner).every((value) => value === null) ? null : inner
  }
  const value = Object.hasOwn(known, name) ? known[name] : undefined
  return value === undefined ? null : inType(value, typesOf(property))
}

/** The value as the schema wants it written; as it is where the schema does not say. */
function inType(value: Json, types: readonly string[]): Json {
  if (typeof value === 'number' && types.includes('string') && !types.includes('number')) return String(value)
  if (typeof value === 'string' && (types.includes('number') || types.includes('integer')) && !types.includes('string'))
    return Number.isFinite(Number(value)) ? Number(value) : null
  return value
}

function typesOf(property: JsonObject): readonly string[] {
  const type = property['type'] ?? []
  const list = Array.isArray(type) ? type : [type]
  return list.filter((word) => typeof word === 'string')
}

function schemaOf(schema: Json | undefined): JsonObject | null {
  const parsed = typeof schema === 'string' ? parse(schema) : schema
  if (!isObject(parsed) || !isObject(parsed['properties'])) return null
  const data = parsed['properties']['data']
  return isObject(data) && isObject(data['properties']) ? data : parsed
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    // No JSON is no schema: the type keeps the shape it has without one.
    return null
  }
}
