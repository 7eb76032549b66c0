/** Rule 11: what is expected next, and by when, so that silence is noticed. */
import { addMs, DAY_MS, earliest, HOUR_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { isTerminal } from '../model/status.ts'
import type { Gap, SubscriptionState } from './state.ts'

/** Something that a provider is expected to tell. */
interface Expectation {
  readonly subscription: string
  readonly kind: 'renewal' | 'trial_end' | 'retry' | 'cancellation' | 'start' | 'payment' | 'resume'
  /** When it should happen. */
  readonly at: Instant
  /** By when it should have been told: retries of deliveries included. */
  readonly deadline: Instant
}

/** What a look at a subscription says at an instant. */
export interface Watch {
  /** The next thing expected; null if nothing is. */
  readonly next: Expectation | null
  /** Expected, and not told in time: fetch, or mark it stale. */
  readonly overdue: readonly Expectation[]
  readonly gaps: readonly Gap[]
}

/** An hour for the provider's own delay, as between the end of a period and the charge; then a day of deliveries. */
export const DEFAULT_PATIENCE_MS = DAY_MS + HOUR_MS
/** The first payment of a subscription must come within 23 hours at the provider that says so; others expire later. */
const FIRST_PAYMENT_MS = 23 * HOUR_MS

/** What is expected of a subscription, and what is missing at `now`. */
export function watch(state: SubscriptionState, now: Instant, patienceMs: number = DEFAULT_PATIENCE_MS): Watch {
  const expected = expectations(state).map(({ kind, at }): Expectation => ({
    subscription: state.id,
    kind,
    at,
    deadline: addMs(at, patienceMs),
  }))
  const coming = expected.filter((each) => each.deadline > now).sort((a, b) => a.deadline - b.deadline)
  return {
    next: coming[0] ?? null,
    overdue: expected.filter((each) => each.deadline <= now),
    gaps: state.gaps,
  }
}

/**
 * True if what was received leaves open how a live subscription stands: two readings, a gap, or a payment that the
 * provider's period stands in for. Rule 6: ask the provider, where that is possible.
 */
export function isUnclear(state: SubscriptionState): boolean {
  if (isTerminal(state.status) || state.supersededAt !== null) return false
  return !state.sure || !state.paid.sure || state.gaps.length > 0
}

/** The earliest instant at which something is missed if nothing is told until then; null if nothing is expected. */
export function expectedBy(states: readonly SubscriptionState[], now: Instant): Instant | null {
  const deadlines = states.flatMap((state) => {
    const { next } = watch(state, now)
    return next === null ? [] : [next.deadline]
  })
  return deadlines.length === 0 ? null : deadlines.reduce(earliest)
}

type Expected = Pick<Expectation, 'kind' | 'at'>

function expectations(state: SubscriptionState): readonly Expected[] {
  const { status, value, paid, nextAttemptAt, failedAt, startedAt, supersededAt } = state
  if (isTerminal(status) || supersededAt !== null) return []
  const { cancel, trial, period, pause } = value
  if (cancel !== null && cancel.at !== null) return [{ kind: 'cancellation', at: cancel.at }]
  switch (status) {
    case 'trialing': {
      const at = trial?.until ?? period?.until
      return at === undefined ? [] : [{ kind: 'trial_end', at }]
    }
    case 'active': {
      if (paid.openEnded || paid.through === null || pause !== null) return []
      return [{ kind: 'renewal', at: paid.through }]
    }
    case 'past_due': {
      const at = nextAttemptAt ?? failedAt
      return at === null ? [] : [{ kind: 'retry', at }]
    }
    case 'authorized': {
      const at = value.startedAt ?? value.anchor
      return at === null ? [] : [{ kind: 'start', at }]
    }
    case 'incomplete':
      return [{ kind: 'payment', at: addMs(startedAt, FIRST_PAYMENT_MS) }]
    case 'paused':
      return pause === null || pause.resumesAt === null ? [] : [{ kind: 'resume', at: pause.resumesAt }]
    case 'pending':
    case 'unpaid':
    case 'canceled':
    case 'completed':
    case 'expired':
    case 'unknown':
      return []
  }
}
