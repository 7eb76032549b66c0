import { addMs } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { RetryPolicy } from '../model/retry.ts'

/** What is to be done about an endpoint that fails. */
export type HealthStep =
  | { readonly kind: 'none' }
  | { readonly kind: 'wait'; readonly checkAt: Instant }
  | { readonly kind: 'warn'; readonly checkAt: Instant | null }
  | { readonly kind: 'disable' }

/**
 * What a policy asks for at `now`, for an endpoint that has failed since `failingSince` without a success between. Its
 * owner is warned once in each stretch of failures.
 */
export function healthStep(
  policy: Pick<RetryPolicy, 'warnAfterMs' | 'disableAfterMs'>,
  health: { readonly failingSince: Instant | null; readonly warnedAt: Instant | null },
  now: Instant,
): HealthStep {
  const { failingSince, warnedAt } = health
  if (failingSince === null) return { kind: 'none' }
  const disableAt = policy.disableAfterMs === null ? null : addMs(failingSince, policy.disableAfterMs)
  if (disableAt !== null && disableAt <= now) return { kind: 'disable' }
  const warnAt = policy.warnAfterMs === null || warnedAt !== null ? null : addMs(failingSince, policy.warnAfterMs)
  if (warnAt !== null && warnAt <= now) return { kind: 'warn', checkAt: disableAt }
  const checkAt = warnAt === null ? disableAt : disableAt === null || warnAt < disableAt ? warnAt : disableAt
  return checkAt === null ? { kind: 'none' } : { kind: 'wait', checkAt }
}
