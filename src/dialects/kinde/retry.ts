import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../model/instant.ts'
import type { RetryPolicy } from '../../model/retry.ts'

/**
 * Kinde's back-off. The page says "roughly" and does not say whether the times are counted from the first attempt or from
 * the attempt before; they are read as counted from the first.
 */
export const RETRY = {
  id: 'kinde',
  offsetsMs: [
    5 * SECOND_MS,
    30 * SECOND_MS,
    2 * MINUTE_MS,
    10 * MINUTE_MS,
    HOUR_MS,
    4 * HOUR_MS,
    12 * HOUR_MS,
    24 * HOUR_MS,
    36 * HOUR_MS,
  ],
  // An hour more than the last offset, so that the last attempt is made even by a sender that is late.
  giveUpAfterMs: 37 * HOUR_MS,
  jitter: 0,
  acknowledged: [200],
  // Not published: ours.
  timeoutMs: 10 * SECOND_MS,
  honorsRetryAfter: false,
  goneDisables: false,
  disableAfterMs: 3 * DAY_MS,
  warnAfterMs: null,
  freshSignature: false,
  source:
    'seed 000 (anything but 200 OK is retried with a back-off); docs.kinde.com/integrate/webhooks/about-webhooks (schedule, disabled after 72 hours)',
} as const satisfies RetryPolicy

/** The end of the retry window: no attempt of Kinde's is made later than this after the event, give or take delays. */
export const RETRY_WINDOW_MS = 36 * HOUR_MS
