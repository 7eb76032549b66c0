import type { Instant } from '../../model/instant.ts'
import { isObject } from '../../model/json.ts'
import type { Json, JsonObject } from '../../model/json.ts'
import type { Observation, Problem, Rank } from '../../model/observations.ts'
import { Fields } from '../../wire/fields.ts'

/** One event while it is decoded. */
export interface EventContext {
  readonly type: string
  /** The event's `created`: the stamp of everything it tells. */
  readonly stamp: Instant
  readonly event: string
  /** `data.object`. */
  readonly object: Fields
  /** The object before the change, rebuilt from `previous_attributes`; null if the event tells no old values. */
  readonly before: Fields | null
  readonly problems: Problem[]
}

/** What one object type is decoded with. */
export type ObjectDecoder = (context: EventContext) => readonly Observation[]

/** The rank of a snapshot told by this event. */
export function rankOf(context: EventContext, version: readonly number[] | null): Rank {
  return { version, verb: verbOf(context.type), event: context.event }
}

function verbOf(type: string): Rank['verb'] {
  if (type.endsWith('.created')) return 'created'
  return type.endsWith('.deleted') ? 'deleted' : 'updated'
}

/**
 * `current` with the old values of `previous` laid over it: members of nested objects one by one, lists and everything
 * else whole. A member that did not exist before is told as null, and stays null here.
 */
export function overlay(current: JsonObject, previous: JsonObject): JsonObject {
  const before: Record<string, Json> = { ...current }
  for (const [key, old] of Object.entries(previous)) {
    const now = Object.hasOwn(current, key) ? current[key] : undefined
    const value = isObject(old) && isObject(now) ? overlay(now, old) : old
    // A plain assignment to `__proto__` would change the object's kind instead of adding a member.
    Object.defineProperty(before, key, { value, enumerable: true, writable: true, configurable: true })
  }
  return before
}

/** Fields of a rebuilt object: what is wrong with it is no problem of the body. */
export function silentFields(object: JsonObject): Fields {
  return new Fields(object, [], 'data.previous_attributes')
}

/** The member objects of an embedded list (`{ object: 'list', data: [...] }`). */
export function listed(fields: Fields, key: string): readonly Fields[] {
  return fields.object(key)?.objects('data') ?? []
}
