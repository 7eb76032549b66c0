import { DAY_MS } from '../../model/instant.ts'
import type { Dialect } from '../dialect.ts'
import { decode } from './shared/decode.ts'
import { RETRY, TOLERANCE_MS } from './shared/retry.ts'
import { newSecret, read, seal, verify } from './shared/wire.ts'
import { CATALOGUE as CLASSIC_CATALOGUE } from './v2025_04_25/catalogue.ts'
import { encode as encodeClassic } from './v2025_04_25/encode.ts'
import { render as renderClassic } from './v2025_04_25/render.ts'
import { CATALOGUE as CURRENT_CATALOGUE } from './v2025_06_16/catalogue.ts'
import { encode as encodeCurrent } from './v2025_06_16/encode.ts'
import { render as renderCurrent } from './v2025_06_16/render.ts'

/** What both generations have in common: how they are signed, repeated and understood. */
const SHARED = {
  family: 'airwallex',
  toleranceMs: TOLERANCE_MS,
  acknowledgement: [200],
  verify,
  read,
  decode,
  seal,
  retry: RETRY,
  // A request has room for one signature, and no overlap is documented: events made before the change keep the old secret
  // for as long as they are repeated.
  rotation: { kind: 'old_for_old_events', overlapMs: 3 * DAY_MS },
  newSecret,
} as const satisfies Partial<Dialect>

/**
 * Airwallex's billing webhooks of API versions up to 2025-04-25: seven events, the resource in `data.object`.
 *
 * @source seeds 001 and 003
 */
export const airwallex2025_04_25: Dialect = {
  ...SHARED,
  id: 'airwallex@2025-04-25',
  catalogue: CLASSIC_CATALOGUE,
  encode: encodeClassic,
  render: renderClassic,
  // Its API wants a login first, with a client id and a key.
  retrieval: null,
}

/**
 * Airwallex's billing webhooks of API versions from 2025-06-16: sixteen events, the resource is `data`.
 *
 * @source seeds 001 and 003
 */
export const airwallex2025_06_16: Dialect = {
  ...SHARED,
  id: 'airwallex@2025-06-16',
  catalogue: CURRENT_CATALOGUE,
  encode: encodeCurrent,
  render: renderCurrent,
  retrieval: null,
}
