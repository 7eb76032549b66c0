import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../model/instant.ts'
import type { RetryPolicy } from '../../model/retry.ts'

/** Waits before each attempt after the first: the specification's example. */
const WAITS_MS: readonly number[] = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
]

/** The retries that Standard Webhooks recommends: ten attempts over three days, with jitter. */
export const RETRY = {
  id: 'standard_webhooks',
  offsetsMs: WAITS_MS.map((_wait, i) => WAITS_MS.slice(0, i + 1).reduce((sum, wait) => sum + wait, 0)),
  // The last attempt is due after 75.6 hours; jitter and Retry-After may delay it.
  giveUpAfterMs: 84 * HOUR_MS,
  jitter: 0.1,
  acknowledged: '2xx',
  timeoutMs: 20 * SECOND_MS,
  honorsRetryAfter: true,
  goneDisables: true,
  // The specification asks for both and gives no numbers: ours.
  disableAfterMs: 5 * DAY_MS,
  warnAfterMs: DAY_MS,
  freshSignature: true,
  source: 'standardwebhooks.com specification 1.0.0, "Deliverability and reliability"',
} as const satisfies RetryPolicy
