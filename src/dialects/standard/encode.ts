import type { Entities, EntityValues, View } from '../../model/entities.ts'
import { FACT_KINDS, isRecord, RECORD_KINDS } from '../../model/facts.ts'
import type { Told } from '../../model/facts.ts'
import { formatInstant } from '../../model/instant.ts'
import { canonicalJson } from '../../model/json.ts'
import type { JsonObject } from '../../model/json.ts'
import { BASE62, deriveId } from '../../wire/ids.ts'
import type { Notification, Origin } from '../dialect.ts'
import { toJsonObject } from '../../wire/snake_json.ts'
import { render } from './render.ts'
import { typeOf } from './types.ts'

/**
 * One notification for each fact and record: `{type, timestamp, data}`, with `data` saying who (`customer`, the app's own
 * `user`, `subscription`), what (`subject`, `detail`) and, where the sender has it, the whole `object` after the change and
 * the old values of what changed in it (`previous`; null for a new object).
 */
export function encode(told: Told, view: View, origin: Origin): readonly Notification[] {
  const type = typeOf(told.kind)
  const kind = entityKindOf(told)
  const object = renderedOf(kind, view.after, view)
  const before = renderedOf(kind, view.before, view)
  const body: JsonObject = {
    type,
    timestamp: formatInstant(told.at),
    data: {
      customer: told.customer,
      user: view.after.customer?.user ?? null,
      subscription: told.subscription,
      subject: told.subject,
      detail: isRecord(told) ? {} : toJsonObject(told.detail),
      object,
      previous: object === null || before === null ? null : changedMembers(before, object),
    },
  }
  const id = `msg_${deriveId(`${origin.fact}/${type}`, BASE62, 24)}`
  return [{ id, type, createdAt: told.at, account: null, body }]
}

/** The kind of entity that something told is about. Usage is told of a subscription, but its object is the count. */
function entityKindOf(told: Told): keyof EntityValues {
  if (isRecord(told)) return RECORD_KINDS[told.kind].about
  if (told.kind === 'usage_updated' || told.kind === 'usage_threshold_reached') return 'usage'
  return FACT_KINDS[told.kind].about
}

function renderedOf(kind: keyof EntityValues, entities: Entities, view: View): JsonObject | null {
  const entity = entities[kind]
  return entity === null ? null : render(kind, entity, view)
}

/** The old values of the members that differ; null for those that were not there. */
function changedMembers(before: JsonObject, after: JsonObject): JsonObject {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  const changed = [...names].filter(
    (name) => canonicalJson(before[name] ?? null) !== canonicalJson(after[name] ?? null),
  )
  return Object.fromEntries(changed.map((name) => [name, before[name] ?? null]))
}
