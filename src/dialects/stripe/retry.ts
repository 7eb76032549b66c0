import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../model/instant.ts'
import type { RetryPolicy } from '../../model/retry.ts'

/** The provider's sender: any 2xx acknowledges, redirects are not followed, every attempt is signed again. */
const COMMON = {
  acknowledged: '2xx',
  // Not published. Thirty seconds is what the provider's own forwarder waits.
  timeoutMs: 30 * SECOND_MS,
  honorsRetryAfter: false,
  goneDisables: false,
  freshSignature: true,
} as const

function hours(...list: readonly number[]): readonly number[] {
  return list.map((hour) => hour * HOUR_MS)
}

/** Today's, in live mode: exponential back-off over three days. */
export const stripeCurrentRetry: RetryPolicy = {
  ...COMMON,
  id: 'stripe_current',
  offsetsMs: [
    ...[1, 5, 15, 35].map((minutes) => minutes * MINUTE_MS),
    ...hours(1.25, 2.5, 5, 10, 18, 26, 34, 42, 50, 58, 66, 72),
  ],
  giveUpAfterMs: 3 * DAY_MS,
  jitter: 0.1,
  disableAfterMs: 9 * DAY_MS,
  warnAfterMs: 3 * DAY_MS,
  source:
    'Webhooks page: up to three days with exponential back-off, the owner mailed after several days without success, then disabled. The steps and the number of days are not published: ours.',
}

/** The seed's: every hour for up to 72 hours, and the owner is told. */
export const stripeSeedRetry: RetryPolicy = {
  ...COMMON,
  id: 'stripe_seed',
  offsetsMs: Array.from({ length: 72 }, (_, index) => (index + 1) * HOUR_MS),
  giveUpAfterMs: 72 * HOUR_MS,
  jitter: 0,
  disableAfterMs: null,
  warnAfterMs: DAY_MS,
  source:
    'Seed 002, "Webhooks and payment attempts": every hour for up to 72 hours; "we’ll also notify you via email that the webhook is failing" (after how long it does not say: a day is ours).',
}

/** Today's, in a sandbox: three further attempts over a few hours. */
const stripeSandboxRetry: RetryPolicy = {
  ...COMMON,
  id: 'stripe_sandbox',
  offsetsMs: hours(0.25, 1, 3),
  giveUpAfterMs: 4 * HOUR_MS,
  jitter: 0.1,
  disableAfterMs: null,
  warnAfterMs: null,
  source: 'Webhooks page: in a sandbox three times over a few hours. The times are ours.',
}

/** All of the provider's policies; the first is the default. */
export const stripeRetryPolicies: readonly RetryPolicy[] = [stripeCurrentRetry, stripeSeedRetry, stripeSandboxRetry]
