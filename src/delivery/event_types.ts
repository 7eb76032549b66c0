import { BillhookError } from '../model/error.ts'
import { isObject } from '../model/json.ts'
import type { Json, JsonObject } from '../model/json.ts'
import type { PayloadCondition } from '../ports/endpoint_store.ts'

/** At most so many patterns per endpoint, so that matching an event stays cheap. */
const MAX_EVENT_TYPES = 500

const PATTERN = /^(?:\*|[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,254}|[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,250}\.\*)$/

/**
 * Checks the event types that an endpoint asks for: exact names, `prefix.*`, or `*`.
 *
 * @throws BillhookError `invalid_request`
 */
export function requireEventTypes(patterns: readonly string[]): readonly string[] {
  if (patterns.length === 0 || patterns.length > MAX_EVENT_TYPES)
    throw new BillhookError(
      'invalid_request',
      `eventTypes has ${patterns.length} entries; give from 1 to ${MAX_EVENT_TYPES}, ["*"] for all`,
    )
  for (const pattern of patterns) {
    if (!PATTERN.test(pattern))
      throw new BillhookError(
        'invalid_request',
        `eventTypes: ${JSON.stringify(pattern)} is neither a type nor prefix.* nor *`,
      )
  }
  return [...new Set(patterns)]
}

/** A test for the types that a list of patterns asks for. `invoice.*` takes `invoice.paid` and `invoice.payment.failed`. */
export function typeMatcher(patterns: readonly string[]): (type: string) => boolean {
  if (patterns.includes('*')) return () => true
  const exact = new Set(patterns)
  const prefixes = patterns.filter((pattern) => pattern.endsWith('.*')).map((pattern) => pattern.slice(0, -1))
  if (prefixes.length === 0) return (type) => exact.has(type)
  return (type) => exact.has(type) || prefixes.some((prefix) => type.startsWith(prefix))
}

/** All conditions must hold; an empty list lets everything through. */
export type PayloadFilter = readonly PayloadCondition[]

const MAX_CONDITIONS = 20

/** @throws BillhookError `invalid_request` */
export function requirePayloadFilter(filter: PayloadFilter): PayloadFilter {
  if (filter.length > MAX_CONDITIONS)
    throw new BillhookError(
      'invalid_request',
      `payloadFilter has ${filter.length} conditions; at most ${MAX_CONDITIONS}`,
    )
  for (const { path, equals } of filter) {
    if (!/^[^.]+(?:\.[^.]+){0,15}$/.test(path) || path.length > 255)
      throw new BillhookError(
        'invalid_request',
        `payloadFilter: ${JSON.stringify(path)} is not a path such as data.currency`,
      )
    if (equals.length === 0 || equals.length > 100)
      throw new BillhookError('invalid_request', `payloadFilter: ${path} needs from 1 to 100 values to compare with`)
  }
  return filter
}

/** Whether a body meets every condition of a filter. */
export function passesFilter(filter: PayloadFilter, body: JsonObject): boolean {
  return filter.every(({ path, equals }) => {
    const value = valueAt(body, path)
    return value !== undefined && !isCompound(value) && equals.includes(value)
  })
}

function isCompound(value: Json): value is readonly Json[] | JsonObject {
  return typeof value === 'object' && value !== null
}

/** The value at a path, own members only; undefined if there is none. */
function valueAt(body: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = body
  for (const name of path.split('.')) {
    if (Array.isArray(value)) {
      value = /^\d{1,6}$/.test(name) ? itemOf(value, Number(name)) : undefined
    } else if (value !== undefined && isObject(value)) {
      value = Object.hasOwn(value, name) ? value[name] : undefined
    } else {
      return undefined
    }
  }
  return value
}

function itemOf(list: readonly Json[], index: number): Json | undefined {
  return list[index]
}
