import type { View } from '../../model/entities.ts'
import { secondsOf } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { Json, JsonObject } from '../../model/json.ts'
import { isObject } from '../../model/json.ts'
import { printId } from './ids.ts'

/** Which of the two shapes objects are printed in. */
type Generation = 'acacia' | 'endive'

/** What every printing function needs beside its entity. */
export interface Printing {
  readonly generation: Generation
  readonly view: View
}

/** Members that only the newer generation has; none in the older. */
export function newer<T extends JsonObject>(printing: Printing, members: T): T | Readonly<Record<string, never>> {
  return printing.generation === 'endive' ? members : {}
}

/** Members that only the older generation has. */
export function older<T extends JsonObject>(printing: Printing, members: T): T | Readonly<Record<string, never>> {
  return printing.generation === 'acacia' ? members : {}
}

/** Unix seconds, or null. */
export function secondsOrNull(at: Instant | null): number | null {
  return at === null ? null : secondsOf(at)
}

/** The currency as this provider writes it. */
export function printCurrency(currency: string): string {
  return currency.toLowerCase()
}

/** The test clock that the account lives on, or null. */
export function printClock(printing: Printing): string | null {
  const clock = printing.view.after.clock ?? printing.view.before.clock
  return clock === null ? null : printId('clock', clock.id)
}

/** An embedded list with all its members. */
export function printList(data: readonly JsonObject[], url: string): JsonObject {
  return { object: 'list', data, has_more: false, total_count: data.length, url }
}

/**
 * `previous_attributes`: the members of `before` that differ in `after`, with their old values. Nested objects member by
 * member, lists whole; a member that was not there before is null. Null if nothing differs.
 */
export function differenceOf(before: JsonObject, after: JsonObject): JsonObject | null {
  const changed: Record<string, Json> = {}
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const old = before[key] ?? null
    const now = after[key] ?? null
    if (isObject(old) && isObject(now)) {
      const inner = differenceOf(old, now)
      if (inner !== null) changed[key] = inner
    } else if (!sameJson(old, now)) {
      changed[key] = old
    }
  }
  return Object.keys(changed).length === 0 ? null : changed
}

function sameJson(a: Json, b: Json): boolean {
  if (a === b) return true
  // Both were printed by the same code, so equal lists have equal texts.
  return Array.isArray(a) && Array.isArray(b) && JSON.stringify(a) === JSON.stringify(b)
}
