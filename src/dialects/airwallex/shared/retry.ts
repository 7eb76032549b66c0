import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../../model/instant.ts'
import type { RetryPolicy } from '../../../model/retry.ts'

/** Twelve repetitions, each wait twice the one before: the last comes after 68 hours. */
const REPETITIONS = 12

/**
 * Airwallex repeats "with exponential back-off over about three days until your endpoint returns 200". The waits are not
 * published; these double from one minute.
 */
export const RETRY = {
  id: 'airwallex',
  offsetsMs: Array.from({ length: REPETITIONS }, (_, index) => (2 ** (index + 1) - 1) * MINUTE_MS),
  giveUpAfterMs: 3 * DAY_MS,
  jitter: 0,
  acknowledged: [200],
  // Not published: ours.
  timeoutMs: 10 * SECOND_MS,
  honorsRetryAfter: false,
  goneDisables: false,
  disableAfterMs: null,
  warnAfterMs: null,
  // The header is "the send time"; whether a retry renews it is not published.
  freshSignature: true,
  source: 'airwallex.com/docs/developer-tools/webhooks/webhooks-overview (200 only, exponential, about three days)',
} as const satisfies RetryPolicy

/**
 * How far the signed time may lie from the clock. Airwallex demands no limit, and a retry may carry the time of its first
 * attempt, so nothing shorter than the retry window refuses no genuine one.
 */
export const TOLERANCE_MS = 3 * DAY_MS
