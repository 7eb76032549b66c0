import { HOUR_MS } from '../../model/instant.ts'
import type { Dialect } from '../dialect.ts'
import { CATALOGUE } from './catalogue.ts'
import { decode } from './decode.ts'
import { encode } from './encode.ts'
import type { EventTypeSchemas } from './event_types.ts'
import { render } from './render.ts'
import { RETRY } from './retry.ts'
import { read, seal, verify } from './wire.ts'

export { readEventTypes } from './event_types.ts'
export type { EventTypeSchemas } from './event_types.ts'

/**
 * Kinde's billing webhooks: the whole body is a token signed with a key pair, and a plan change is a new agreement.
 *
 * @source seed 000; docs.kinde.com/integrate/webhooks
 */
export const kinde: Dialect = kindeWith(new Map())

/**
 * The same with an account's own event types: `data` then has the form of their schemas instead of that of the reference,
 * which no public source confirms. {@link readEventTypes} reads what the Management API answers.
 */
export function kindeWith(schemas: EventTypeSchemas): Dialect {
  return {
    id: 'kinde',
    family: 'kinde',
    catalogue: CATALOGUE,
    toleranceMs: null,
    acknowledgement: [200],
    verify,
    read,
    decode,
    seal,
    retry: RETRY,
    // Neither a period nor an overlap of Kinde's key changes is published; two days are longer than its retries.
    rotation: { kind: 'key_set', overlapMs: 48 * HOUR_MS },
    newSecret: () => null,
    encode: (told, view, origin) => encode(told, view, origin, schemas),
    render,
    // Its API wants a machine-to-machine login first, and has no object for an agreement.
    retrieval: null,
  }
}
