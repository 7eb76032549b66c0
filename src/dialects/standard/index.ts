import { DAY_MS } from '../../model/instant.ts'
import type { Dialect } from '../dialect.ts'
import { CATALOGUE } from './catalogue.ts'
import { decode } from './decode.ts'
import { encode } from './encode.ts'
import { render } from './render.ts'
import { RETRY } from './retry.ts'
import { read, seal, TOLERANCE_MS, verify } from './wire.ts'

/**
 * Standard Webhooks 1.0.0 with our own facts as event types: what Billhook sends to whoever does not expect one provider's
 * form, and what one Billhook forwards to another.
 *
 * @source standardwebhooks.com specification 1.0.0
 */
export const standard: Dialect = {
  id: 'standard',
  family: 'standard',
  catalogue: CATALOGUE,
  toleranceMs: TOLERANCE_MS,
  acknowledgement: [200, 201, 202, 204],
  verify,
  read,
  decode,
  seal,
  retry: RETRY,
  rotation: { kind: 'sign_with_all', overlapMs: DAY_MS },
  newSecret: (random) => `whsec_${Buffer.from(random).toString('base64')}`,
  encode,
  render,
  retrieval: null,
}
