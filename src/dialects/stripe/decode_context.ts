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
  readonly before: JsonObject | null
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

const OBJECT_PATH = 'data.object'

/**
 * The object before the change, as `read` reads it; null if the event tells no old values, or tells some of a wrong
 * shape. To be called once the object itself was read: what is wrong with both is a problem of the object alone.
 */
export function previousOf<V>(context: EventContext, read: (fields: Fields) => V): V | null {
  if (context.before === null) return null
  const problems: Problem[] = []
  const value = read(new Fields(context.before, problems, OBJECT_PATH))
  const known = new Set(context.problems.map(textOf))
  const own = problems.filter((problem) => !known.has(textOf(problem)))
  for (const { path, message } of own) {
    context.problems.push({ path: path.replace(OBJECT_PATH, 'data.previous_attributes'), message })
  }
  return own.length === 0 ? value : null
}

function textOf({ path, message }: Problem): string {
  return `${path}\n${message}`
}

/** The member objects of an embedded list (`{ object: 'list', data: [...] }`). */
export function listed(fields: Fields, key: string): readonly Fields[] {
  const list = fields.object(key)
  if (list === null) return []
  if (!list.has('data')) list.problem('data', 'expected a list, found none')
  return list.objects('data')
}
