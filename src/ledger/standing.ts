/** What one subscription gives by itself at an instant: status, proof of payment, policy and clock together. */
import type { Reason, Standing } from '../model/access.ts'
import { addMs, earliest, formatInstantShort, latest } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { planPolicyOf, rulesOf } from '../model/policy.ts'
import type { AccessLevel, Policy, PolicyRules } from '../model/policy.ts'
import type { SubscriptionStatus } from '../model/status.ts'
import type { FactRef, SubscriptionState } from './state.ts'

/** What a source tells beside its deliveries, as data. */
export interface SourceTraits {
  /** The provider's retry window, from the first failure to its end: the default grace. Milliseconds. */
  readonly retryWindowMs: number
}

/** The grace where neither the policy nor the source's traits name one: the longest default of the known schedules. */
const DEFAULT_RETRY_WINDOW_MS = 14 * 24 * 60 * 60 * 1000

/** What a subscription's standing is asked with. */
export interface StandingQuestion {
  readonly source: string
  readonly policy: Policy
  readonly traits: SourceTraits | null
  readonly at: Instant
}

/** Until when a status serves, and in words why. */
interface Term {
  /** `always`: no end is known; `never`: not served. */
  readonly until: Instant | 'always' | 'never'
  readonly words: string
  readonly facts: readonly (FactRef | null)[]
  readonly sure: boolean
}

/** What subscription `state` gives at `question.at`. */
export function standingOf(state: SubscriptionState, question: StandingQuestion): Standing {
  const { source, policy, at } = question
  const { plan, items } = state.value
  const rules = rulesOf(policy, source, plan)
  const meanwhile = paidMeanwhile(state, question, rules) ?? failedMeanwhile(state, question, rules)
  const term = superseded(state, at) ?? meanwhile?.term ?? termOf(state, question, rules)
  const status = term === meanwhile?.term ? meanwhile.status : state.status
  const level = term.until === 'never' ? 'none' : rules.levels[status]
  const end = endOf(term)
  const inTime = term.until === 'always' || (end !== null && at < end)
  const allowed = inTime && level !== 'none'
  const plans = [plan, ...items.map((item) => item.plan)]
  const features = plans.flatMap((each) => planPolicyOf(policy, each)?.features ?? [])
  return {
    source,
    customer: state.customer,
    subscription: state.id,
    status: state.status,
    plan,
    allowed,
    level: allowed ? level : 'none',
    features: allowed ? [...new Set(features)].sort() : [],
    until: allowed ? end : null,
    paidThrough: paidThroughOf(state),
    why: reasonsOf(state, question, term, { allowed, inTime, level }),
    sure: state.sure && term.sure,
  }
}

function endOf({ until }: Term): Instant | null {
  return until === 'always' || until === 'never' ? null : until
}

/** The end of what is paid; while in a trial not before its end. */
function paidThroughOf({ status, value, paid }: SubscriptionState): Instant | null {
  const trialEnd = status === 'trialing' ? (value.trial?.until ?? null) : null
  return trialEnd === null || paid.through === null ? (trialEnd ?? paid.through) : latest(trialEnd, paid.through)
}

/** What must have become of a subscription since its status was told, by what else was told. Never sure. */
interface Meanwhile {
  readonly status: SubscriptionStatus
  readonly term: Term
}

/**
 * A payment that came after the status was told: the status is only not told again yet. Whoever has paid is not kept
 * waiting for that.
 */
function paidMeanwhile(state: SubscriptionState, question: StandingQuestion, rules: PolicyRules): Meanwhile | null {
  const { status, since, paid, paidFact } = state
  const waiting = status === 'pending' || status === 'incomplete' || status === 'unpaid'
  if (!(waiting && rules.levels[status] === 'none') && !isTrialOver(state, question.at)) return null
  if (paidFact === null || paidFact.at < since) return null
  if (paid.through === null || paid.through <= question.at || paid.basis === 'provider_period') return null
  const words = `paid on ${formatInstantShort(paidFact.at)} through ${formatInstantShort(paid.through)}; a new status was not told yet`
  const until = addMs(paid.through, rules.leewayMs)
  return { status: 'active', term: { until, words, facts: [paidFact], sure: false } }
}

function isTrialOver({ status, value }: SubscriptionState, at: Instant): boolean {
  const end = value.trial?.until ?? value.period?.until ?? null
  return status === 'trialing' && end !== null && end <= at
}

/** A charge failed that was to pay what comes after the cycle that is over: grace runs, as if the status said so. */
function failedMeanwhile(state: SubscriptionState, question: StandingQuestion, rules: PolicyRules): Meanwhile | null {
  const { status, failedAt, paid, value } = state
  if (status !== 'active' || failedAt === null || value.pause !== null || value.collection === 'manual') return null
  if (paid.openEnded || paid.through === null || paid.through > question.at) return null
  const term = pastDueTerm(state, question, rules)
  return { status: 'past_due', term: { ...term, words: `${term.words}; a new status was not told yet`, sure: false } }
}

function superseded(state: SubscriptionState, at: Instant): Term | null {
  if (state.supersededAt === null || state.supersededAt > at) return null
  return {
    until: 'never',
    words: `a newer agreement (${state.supersededBy ?? ''}) took its place`,
    facts: [state.statusFact],
    sure: true,
  }
}

function termOf(state: SubscriptionState, question: StandingQuestion, rules: PolicyRules): Term {
  const { status, statusFact, paidFact, value } = state
  switch (status) {
    case 'pending':
      return { until: 'never', words: 'nothing has been agreed or paid yet', facts: [statusFact], sure: true }
    case 'incomplete':
      return openAtLevel(rules, status, 'the first payment has not succeeded yet')
    case 'expired':
      return { until: 'never', words: 'it never started', facts: [statusFact], sure: true }
    case 'authorized':
      return authorizedTerm(state, rules)
    case 'trialing':
      return trialTerm(state, rules)
    case 'active':
      return activeTerm(state, question, rules)
    case 'past_due':
      return pastDueTerm(state, question, rules)
    case 'unpaid':
      return openAtLevel(rules, status, 'retries ended without a payment', statusFact)
    case 'paused':
      return pausedTerm(state, rules)
    case 'canceled':
      return canceledTerm(state)
    case 'completed':
      return {
        until: state.paid.through ?? value.endedAt ?? state.since,
        words: 'all cycles are invoiced: served to the end of the last one paid',
        facts: [statusFact, paidFact],
        sure: state.paid.sure,
      }
    case 'unknown':
      return unknownTerm(state, question, rules)
  }
}

/** Statuses that are not served unless the policy names a level for them; then for as long as they last. */
function openAtLevel(rules: PolicyRules, status: SubscriptionStatus, words: string, fact: FactRef | null = null): Term {
  return { until: rules.levels[status] === 'none' ? 'never' : 'always', words, facts: [fact], sure: true }
}

function authorizedTerm(state: SubscriptionState, rules: PolicyRules): Term {
  const { value, statusFact } = state
  const facts = [statusFact]
  const start = value.startedAt ?? value.anchor
  if (!rules.authorizedAsTrial) {
    return { until: 'never', words: 'the customer agreed to pay; the service has not started', facts, sure: true }
  }
  const words = 'the customer agreed to pay, and the policy serves before the start'
  return { until: start === null ? 'always' : addMs(start, rules.leewayMs), words, facts, sure: true }
}

function trialTerm({ value, statusFact }: SubscriptionState, rules: PolicyRules): Term {
  const end = value.trial?.until ?? value.period?.until ?? null
  const facts = [statusFact]
  if (end === null) return { until: 'always', words: 'in a trial whose end was not told', facts, sure: false }
  const words = `in a trial until ${formatInstantShort(end)}`
  return { until: addMs(end, rules.trialLeewayMs), words, facts, sure: true }
}

const BASIS_WORDS = {
  invoice: 'a paid invoice',
  cycle: 'the provider’s count of paid cycles',
  payment: 'a payment',
  free: 'a plan that costs nothing',
  trial: 'the trial; its first invoice is not paid yet',
  provider_period: 'the provider’s period: no payment was seen',
  agreement: 'the agreement: no end was told',
  none: 'nothing',
} as const

function activeTerm(state: SubscriptionState, question: StandingQuestion, rules: PolicyRules): Term {
  const { paid, value, statusFact, paidFact, dueAt, overdueAt } = state
  const facts = [paidFact, statusFact]
  const cancelAt = value.cancel?.at ?? (value.cancel?.atPeriodEnd === true ? paid.through : null)
  if (value.pause?.scope === 'collection') {
    const ends = [paid.through, value.period?.until ?? null].filter((end) => end !== null)
    const end = ends.length === 0 ? 'always' : addMs(ends.reduce(latest), rules.leewayMs)
    return capped({ until: end, words: 'collection is paused, the service is not', facts, sure: true }, cancelAt)
  }
  if (paid.openEnded) {
    const words = `runs on ${BASIS_WORDS[paid.basis]}`
    return capped({ until: 'always', words, facts, sure: paid.sure }, cancelAt)
  }
  if (value.collection === 'manual' && (dueAt !== null || overdueAt !== null)) {
    const due = overdueAt !== null && dueAt !== null ? earliest(overdueAt, dueAt) : (overdueAt ?? dueAt)
    if (due !== null) {
      const end = latest(addMs(due, rules.overdueGraceMs), addMs(paid.through ?? due, rules.leewayMs))
      const words = `paid by hand: an invoice is due on ${formatInstantShort(due)}`
      return capped({ until: end, words, facts, sure: true }, cancelAt)
    }
  }
  const awaited = awaitedTerm(state, question, rules)
  if (awaited !== null) return capped(awaited, cancelAt)
  if (paid.through === null) {
    return { until: 'never', words: 'active, but nothing shows that it is paid', facts, sure: false }
  }
  const vouched = vouchedUntil(state, paid.through)
  if (vouched !== null) {
    const words = `active again, whatever was not paid: served to the end of the cycle that runs, ${formatInstantShort(vouched)}`
    return capped(
      { until: addMs(vouched, rules.leewayMs), words, facts: [statusFact, paidFact], sure: false },
      cancelAt,
    )
  }
  const words = `paid through ${formatInstantShort(paid.through)} by ${BASIS_WORDS[paid.basis]}`
  const term = { until: addMs(paid.through, rules.leewayMs), words, facts, sure: paid.sure }
  return capped(term, cancelAt)
}

/**
 * A payment is on its way, for as long as the provider would retry one: whoever has paid by a bank debit is not locked
 * out while the bank takes its days. Null where what is paid reaches further.
 */
function awaitedTerm(state: SubscriptionState, question: StandingQuestion, rules: PolicyRules): Term | null {
  const since = state.onTheWayAt ?? null
  if (since === null) return null
  const until = addMs(since, graceOf(question, rules))
  if (state.paid.through !== null && addMs(state.paid.through, rules.leewayMs) >= until) return null
  const words = `a payment is on its way since ${formatInstantShort(since)}; waited for until ${formatInstantShort(until)}`
  return { until, words, facts: [state.paidFact, state.statusFact], sure: false }
}

function graceOf({ traits }: StandingQuestion, rules: PolicyRules): number {
  return rules.graceMs ?? traits?.retryWindowMs ?? DEFAULT_RETRY_WINDOW_MS
}

/**
 * The end of the cycle in which a provider made a subscription active again although what was owed is not paid: some charge
 * only the invoices after that. Null where payments say more.
 */
function vouchedUntil({ backAt, value }: SubscriptionState, paidThrough: Instant): Instant | null {
  const { period } = value
  if (backAt === null || period === null || backAt <= paidThrough || period.until <= paidThrough) return null
  return period.from <= backAt && backAt < period.until ? period.until : null
}

/** A cancellation that is planned ends the service at its time, without leeway: nothing more is expected. */
function capped(term: Term, cancelAt: Instant | null): Term {
  if (cancelAt === null || term.until === 'never') return term
  const until = term.until === 'always' ? cancelAt : earliest(term.until, cancelAt)
  return { ...term, until, words: `${term.words}; canceled as of ${formatInstantShort(cancelAt)}` }
}

function pastDueTerm(state: SubscriptionState, question: StandingQuestion, rules: PolicyRules): Term {
  const { failedAt, since, paid, statusFact, paidFact, nextAttemptAt, overdueAt, value } = state
  const from = failedAt ?? since
  // Overdue before any charge failed: nobody retries, the customer has to pay by hand.
  const byHand = value.collection === 'manual' || (overdueAt !== null && from >= overdueAt)
  const grace = byHand ? (rules.graceMs ?? rules.overdueGraceMs) : graceOf(question, rules)
  let end = addMs(from, grace)
  // The provider's own next attempt lies within its retry window, whatever the window is said to be.
  if (rules.graceMs === null && nextAttemptAt !== null) end = latest(end, nextAttemptAt)
  // What is paid stays paid: a failed payment for something else takes nothing away.
  if (paid.through !== null) end = latest(end, paid.through)
  const cause = byHand ? 'an invoice is overdue since' : 'a payment failed on'
  const words = `${cause} ${formatInstantShort(from)}; grace until ${formatInstantShort(end)}`
  const cancelAt = value.cancel?.at ?? null
  return capped({ until: end, words, facts: [statusFact, paidFact], sure: true }, cancelAt)
}

function pausedTerm(state: SubscriptionState, rules: PolicyRules): Term {
  const { paid, statusFact, paidFact, value } = state
  const facts = [statusFact, paidFact]
  if (value.pause?.scope === 'collection') {
    return { until: 'always', words: 'collection is paused, the service is not', facts, sure: true }
  }
  if (rules.paused === 'block') return { until: 'never', words: 'the service is paused', facts, sure: true }
  if (rules.paused === 'grant') return { until: 'always', words: 'paused; the policy serves on', facts, sure: true }
  const words = 'paused; the policy serves to the end of what is paid'
  return { until: paid.through ?? 'never', words, facts, sure: paid.sure }
}

function canceledTerm(state: SubscriptionState): Term {
  const { value, paid, since, statusFact, paidFact } = state
  const facts = [statusFact, paidFact]
  const ended = value.endedAt ?? since
  if (value.cancel?.atPeriodEnd === true && paid.through !== null) {
    const words = 'canceled for the end of the cycle: served to the end of what is paid'
    return { until: latest(paid.through, ended), words, facts, sure: true }
  }
  return { until: ended, words: `canceled on ${formatInstantShort(ended)}`, facts, sure: true }
}

/** The last answer for a day, flagged; of a subscription never told itself, what its invoices prove. */
function unknownTerm(state: SubscriptionState, question: StandingQuestion, rules: PolicyRules): Term {
  const { lastKnown, since, paid, paidFact } = state
  if (lastKnown !== null) {
    const last = termOf({ ...state, status: lastKnown }, question, rules)
    if (last.until === 'never' || rules.levels[lastKnown] === 'none') return { ...last, until: 'never', sure: false }
    const end = addMs(since, rules.unknownMs)
    const until = last.until === 'always' ? end : earliest(last.until, end)
    return { ...last, until, words: `${last.words}; its status is not known since then`, sure: false }
  }
  if (paid.through !== null && (paid.basis === 'invoice' || paid.basis === 'payment' || paid.basis === 'cycle')) {
    const words = `paid through ${formatInstantShort(paid.through)}; the subscription itself was not told yet`
    return { until: addMs(paid.through, rules.leewayMs), words, facts: [paidFact], sure: false }
  }
  return { until: 'never', words: 'nothing is known of its status', facts: [], sure: false }
}

interface Outcome {
  readonly allowed: boolean
  readonly inTime: boolean
  readonly level: AccessLevel
}

function reasonsOf(
  state: SubscriptionState,
  question: StandingQuestion,
  term: Term,
  { allowed, inTime, level }: Outcome,
): readonly Reason[] {
  const facts = term.facts.filter((fact) => fact !== null)
  const end = endOf(term)
  const ended = end === null || inTime ? null : formatInstantShort(end)
  const words = [
    `${state.status}: ${term.words}`,
    ...(ended === null ? [] : [`over since ${ended}`]),
    ...(!allowed && inTime && level === 'none' ? ['the policy gives this status nothing'] : []),
  ].join('; ')
  const about = { source: question.source, subscription: state.id }
  const [first, ...others] = facts
  const main: Reason = {
    fact: first?.kind ?? null,
    key: first?.key ?? (state.lastEvent === '' ? null : state.lastEvent),
    at: first?.at ?? state.since,
    ...about,
    words,
  }
  const more = others
    .filter((fact) => fact.key !== first?.key)
    .map((fact) => ({ fact: fact.kind, key: fact.key, at: fact.at, ...about, words: fact.kind.replaceAll('_', ' ') }))
  return [main, ...more]
}
