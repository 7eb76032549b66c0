import { DAY_MS } from '../../model/instant.ts'
import type { Dialect } from '../dialect.ts'
import { CATALOGUE } from './catalogue.ts'
import { decode } from './decode.ts'
import { encode } from './encode.ts'
import { render } from './render.ts'
import { RETRIEVAL } from './retrieval.ts'
import { RETRY, REPLAY_WINDOW_MS } from './retry.ts'
import { read, seal, verify } from './wire.ts'
import type { SlashEscaping } from './wire.ts'

/**
 * Razorpay's subscription webhooks: a signature over the raw body with no time in it, an event id that only a header
 * carries, and statuses that must be read by their meaning.
 *
 * @source seed 004; razorpay.com/docs/webhooks/subscriptions
 */
export const razorpay: Dialect = razorpayWith('invoices')

/** The same with another rule for writing slashes `\/`: which bodies really have them is known only for invoices. */
export function razorpayWith(slashes: SlashEscaping): Dialect {
  return {
    id: 'razorpay',
    family: 'razorpay',
    catalogue: CATALOGUE,
    toleranceMs: null,
    acknowledgement: [200],
    verify,
    read,
    decode,
    seal: (notification, keys) => seal(notification, keys, slashes),
    retry: RETRY,
    // The old secret signs the retries of old events, and support replays them for fifteen days.
    rotation: { kind: 'old_for_old_events', overlapMs: REPLAY_WINDOW_MS + DAY_MS },
    newSecret: (random) => `rzp_whk_${Buffer.from(random).toString('base64url')}`,
    encode,
    render,
    retrieval: RETRIEVAL,
  }
}
