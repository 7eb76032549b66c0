import type { SecretRotation } from '../dialects/dialect.ts'
import { addMs } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'

/** A secret with the time in which it signs: `until` null is the current one. */
export interface TimedSecret {
  readonly from: Instant
  readonly until: Instant | null
}

/** More predecessors than this are nobody's rotation; the oldest go. */
const SECRETS_MAX = 5

/** Puts a new secret in front: the one before signs on as the dialect's rule says, those that have ended are dropped. */
export function rotate<S extends TimedSecret>(secrets: readonly S[], fresh: S, rotation: SecretRotation): readonly S[] {
  const ends = addMs(fresh.from, rotation.overlapMs)
  const older = secrets
    .filter(({ until }) => until === null || until > fresh.from)
    .map((secret) => (secret.until === null ? { ...secret, until: ends } : secret))
  return [fresh, ...older].slice(0, SECRETS_MAX)
}

/**
 * The secrets that an attempt is signed with, the first one foremost. `sign_with_all`: every one that lives at the time of
 * the attempt. `old_for_old_events`: the one that was current when the event was made, as long as it lives.
 */
export function signingSecrets<S extends TimedSecret>(
  secrets: readonly S[],
  rotation: SecretRotation,
  event: { readonly createdAt: Instant },
  now: Instant,
): readonly S[] {
  const live = secrets.filter(({ until }) => until === null || until > now)
  if (rotation.kind !== 'old_for_old_events') return live
  const then = live.find(({ from }) => from <= event.createdAt) ?? live.at(-1)
  return then === undefined ? [] : [then]
}
