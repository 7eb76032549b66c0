import { DIALECTS } from '../../dialects/registry.ts'
import type { JsonObject } from '../../model/json.ts'
import { presentObjectOf } from './present.ts'

/** The dialects and what their event types mean. */
export function listDialects(): readonly JsonObject[] {
  return DIALECTS.map(({ id, family, catalogue }) => presentObjectOf({ id, family, catalogue }))
}
