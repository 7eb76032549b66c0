import { DAY_MS, HOUR_MS, SECOND_MS } from '../../model/instant.ts'
import type { RetryPolicy } from '../../model/retry.ts'

/** Waits between attempts: one at once, then 5 s doubled thirteen times. */
const WAITS_MS: readonly number[] = [230, ...Array.from({ length: 14 }, (_unused, k) => 5 * SECOND_MS * 2 ** k)]

/** For how long support replays an old event on request. */
export const REPLAY_WINDOW_MS = 15 * DAY_MS

/**
 * Razorpay's retries. Its pages give the window of 24 hours, the time limit and the disabling; the waits were measured by a
 * third party over some 800 deliveries and are published nowhere.
 */
export const RETRY = {
  id: 'razorpay',
  offsetsMs: WAITS_MS.map((_wait, i) => WAITS_MS.slice(0, i + 1).reduce((sum, wait) => sum + wait, 0)),
  giveUpAfterMs: 24 * HOUR_MS,
  jitter: 0,
  acknowledged: '2xx',
  timeoutMs: 5 * SECOND_MS,
  honorsRetryAfter: false,
  goneDisables: false,
  disableAfterMs: 24 * HOUR_MS,
  warnAfterMs: null,
  freshSignature: false,
  source:
    'razorpay.com/docs/webhooks/best-practices (24 hours, then disabled and mailed), /webhooks/setup-edit-payments (2xx within 5 s); waits: measured by a third party',
} as const satisfies RetryPolicy
