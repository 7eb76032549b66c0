import { addMs, DAY_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { RetryPolicy } from '../model/retry.ts'
import { optionalHeader } from '../wire/headers.ts'
import type { Headers } from '../wire/headers.ts'

/** What is known when an attempt has failed. */
export interface FailedAttempt {
  readonly policy: RetryPolicy
  /** When the event's first attempt to this endpoint was made. */
  readonly firstAt: Instant
  /** Attempts made so far, the failed one included. */
  readonly made: number
  readonly now: Instant
  /** From 0 to 1: where in the range of the jitter the next attempt lies. */
  readonly fraction: number
  /** What the endpoint asked for with `Retry-After`, in milliseconds; null if nothing. */
  readonly retryAfterMs: number | null
}

/** No endpoint can put off an attempt for longer than this by `Retry-After`. */
const MAX_RETRY_AFTER_MS = DAY_MS

/**
 * When the next attempt is made; null if there is none any more.
 *
 * Offsets count from the first attempt. One that has passed by less than two time-outs (the failed attempt took that
 * long) is made up for at once; those that passed while nothing ran are left out, so that an outage of ours does not end
 * in a burst.
 */
export function nextAttempt(failed: FailedAttempt): Instant | null {
  const { policy, firstAt, made, now } = failed
  const giveUpAt = addMs(firstAt, policy.giveUpAfterMs)
  const missed = addMs(now, -2 * policy.timeoutMs)
  const offset = policy.offsetsMs.slice(made - 1).find((offset) => addMs(firstAt, offset) >= missed)
  if (offset === undefined) return null
  const planned = Math.max(now, firstAt + offset)
  const wait = planned - now
  const spread = Math.round(wait * policy.jitter * (2 * failed.fraction - 1))
  const asked = policy.honorsRetryAfter ? Math.min(failed.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS) : 0
  const at = addMs(now, Math.max(wait + spread, asked))
  if (at <= giveUpAt) return at
  // Jitter or Retry-After must not push the last planned attempt over the edge: it is then made right on it.
  return planned <= giveUpAt && now < giveUpAt ? giveUpAt : null
}

/** Whether an answer counts as an acknowledgement. Redirects never do: they are not followed. */
export function acknowledges(policy: RetryPolicy, status: number): boolean {
  if (policy.acknowledged === '2xx') return status >= 200 && status <= 299
  return policy.acknowledged.includes(status)
}

/** Milliseconds that a `Retry-After` header asks for: seconds, or an HTTP date; null if it says neither. */
export function retryAfterOf(headers: Headers, now: Instant): number | null {
  const text = optionalHeader(headers, 'retry-after')?.trim()
  if (text === undefined || text === '') return null
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  // Date.parse reads the clock of nobody: it only turns a text into a number.
  const at = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? null : Math.max(0, at - now)
}

/** Offsets are kept to this number: nothing tries more often than hourly for a week. */
const MAX_OFFSETS = 200

/** What is wrong with a policy that an endpoint brings; null if nothing. */
export function policyProblem(policy: RetryPolicy): string | null {
  const { offsetsMs } = policy
  if (offsetsMs.length > MAX_OFFSETS)
    return `offsetsMs has ${offsetsMs.length} entries; at most ${MAX_OFFSETS} are allowed`
  const first = offsetsMs[0] ?? 0
  if (first < 0 || offsetsMs.some((offset, i) => i > 0 && offset <= (offsetsMs[i - 1] ?? 0)))
    return 'offsetsMs must rise'
  if (!(policy.jitter >= 0 && policy.jitter <= 1)) return `jitter is ${policy.jitter}; it lies from 0 to 1`
  if (!(policy.timeoutMs >= 1 && policy.timeoutMs <= 120_000))
    return `timeoutMs is ${policy.timeoutMs}; it lies from 1 to 120000`
  if (!(policy.giveUpAfterMs >= 0 && policy.giveUpAfterMs <= 30 * DAY_MS))
    return `giveUpAfterMs is ${policy.giveUpAfterMs}; it is at most 30 days`
  if (policy.acknowledged !== '2xx' && policy.acknowledged.some((status) => status < 200 || status > 599))
    return 'acknowledged holds a number that is no HTTP status'
  return null
}
