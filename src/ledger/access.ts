/**
 * Rule 9: access is computed when it is asked for, from folded state, policy, holds and the clock. A user's customers at
 * all sources and their subscriptions are united: the best answer wins, money is never added up over sources, and what
 * one subscription lacks takes nothing from another.
 */
import type { AccessAnswer, Hold, Reason, Standing } from '../model/access.ts'
import { compareText } from '../model/compare.ts'
import { NO_ACCESS } from '../model/facts.ts'
import type { AccessSummary, Fact } from '../model/facts.ts'
import { earliest } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { planPolicyOf, rulesOf } from '../model/policy.ts'
import type { AccessLevel, LimitPolicy, Policy } from '../model/policy.ts'
import { percentOf } from './decimal.ts'
import { standingOf } from './standing.ts'
import type { SourceTraits } from './standing.ts'
import type { CustomerState, SubjectState } from './state.ts'

/** A user's customer at one source, with the folded state of its subject. */
export interface LinkedState {
  readonly source: string
  /** Null: every customer in `state` is the user's. */
  readonly customer: string | null
  readonly state: SubjectState
  readonly traits: SourceTraits | null
}

/** What access is asked with. */
export interface AccessQuestion {
  readonly links: readonly LinkedState[]
  readonly holds: readonly Hold[]
  readonly policy: Policy
  /** The instant that is asked about; for the past, fold only what had happened by then (`asOf`). */
  readonly at: Instant
  /** Asks whether this feature may be used; null: whether anything may. */
  readonly feature: string | null
}

/** Answers an {@link AccessQuestion}. */
export function accessOf(question: AccessQuestion): AccessAnswer {
  const standings = question.links.flatMap((link) => standingsOf(link, question))
  const { feature, at } = question
  const serving = standings.filter((each) => each.allowed && gives(each, feature))
  const granted = holdsAt(question, 'grant').filter((hold) => hold.features.length === 0 || covers(hold, feature))
  const answer = united(standings, serving, question)
  const withGrants = granted.reduce((sum, hold) => grant(sum, hold), answer)
  const blocks = holdsAt(question, 'block')
  const [block] = blocks
  if (block !== undefined) {
    const why = blocks.map(holdReason)
    return { ...withGrants, allowed: false, level: 'none', features: [], until: null, why, sure: true, at }
  }
  const next = question.holds
    .filter((hold) => hold.kind === 'block' && hold.from !== null && hold.from > at)
    .flatMap((hold) => (hold.from === null ? [] : [hold.from]))
  if (!withGrants.allowed || next.length === 0) return withGrants
  const blockedAt = next.reduce(earliest)
  return { ...withGrants, until: withGrants.until === null ? blockedAt : earliest(withGrants.until, blockedAt) }
}

function gives(standing: Standing, feature: string | null): boolean {
  return feature === null || standing.features.includes(feature)
}

function covers(hold: Hold, feature: string | null): boolean {
  return feature === null || hold.features.includes(feature)
}

function holdsAt({ holds, at }: AccessQuestion, kind: Hold['kind']): readonly Hold[] {
  return holds.filter(
    (hold) => hold.kind === kind && (hold.from === null || hold.from <= at) && (hold.until === null || at < hold.until),
  )
}

function holdReason(hold: Hold): Reason {
  const words = `${hold.kind === 'block' ? 'blocked' : 'granted'} by the application: ${hold.reason}`
  return { fact: 'hold', key: hold.id, at: hold.from, source: null, subscription: null, words }
}

function standingsOf(link: LinkedState, question: AccessQuestion): readonly Standing[] {
  const { source, customer, state, traits } = link
  const { policy, at, feature } = question
  const mine = (id: string | null): boolean => customer === null || id === customer
  const subscriptions = state.subscriptions.filter((each) => mine(each.customer))
  const standings = subscriptions.map((each) => {
    const standing = standingOf(each, { source, policy, traits, at })
    return limited(standing, usedUp(state, each.id, question), feature)
  })
  const assigned = state.customers.filter((each) => mine(each.id)).flatMap((each) => assignedOf(each, link, question))
  return [...standings, ...assigned]
}

/** A plan that the provider assigned, where the customer has no agreement about it and the policy serves that. */
function assignedOf(customer: CustomerState, link: LinkedState, question: AccessQuestion): readonly Standing[] {
  const { assigned } = customer
  if (assigned === null || assigned.at > question.at) return []
  if (link.state.subscriptions.some((each) => each.customer === customer.id)) return []
  const { source } = link
  if (!rulesOf(question.policy, source, assigned.plan).assignedPlanGrants) return []
  return [
    {
      source,
      customer: customer.id,
      subscription: null,
      status: 'active',
      plan: assigned.plan,
      allowed: true,
      level: 'full',
      features: planPolicyOf(question.policy, assigned.plan)?.features ?? [],
      until: null,
      paidThrough: null,
      why: [
        {
          fact: 'plan_assigned',
          key: assigned.fact,
          at: assigned.at,
          source,
          subscription: null,
          words: `the plan ${assigned.plan.id} was assigned, and the policy serves assigned plans`,
        },
      ],
      sure: true,
    },
  ]
}

/** The limits of the plan that are used up in the current cycle. */
function usedUp(state: SubjectState, subscription: string, { policy, at }: AccessQuestion): readonly LimitPolicy[] {
  const plan = state.subscriptions.find((each) => each.id === subscription)?.value.plan ?? null
  const limits = planPolicyOf(policy, plan)?.limits ?? []
  return limits.filter((limit) =>
    state.usage.some(
      ({ subscription: about, meter, period, quantity }) =>
        about === subscription &&
        meter === limit.meter &&
        (period === null || (period.from <= at && at < period.until)) &&
        percentOf(quantity, limit.included) >= 100,
    ),
  )
}

const LEVELS = { none: 0, limited: 1, full: 2 } as const

function lower(a: AccessLevel, b: AccessLevel): AccessLevel {
  return LEVELS[a] <= LEVELS[b] ? a : b
}

function limited(standing: Standing, limits: readonly LimitPolicy[], feature: string | null): Standing {
  const whole = limits.filter((limit) => limit.feature === null || limit.feature === feature)
  const blocked = limits.flatMap((limit) => (limit.feature !== null && limit.beyond === 'none' ? [limit.feature] : []))
  if (!standing.allowed || (whole.length === 0 && blocked.length === 0)) return standing
  const level = whole.reduce((sum, limit) => lower(sum, limit.beyond), standing.level)
  const reasons = whole
    .filter((limit) => limit.beyond !== 'full')
    .map((limit) => ({
      fact: null,
      key: null,
      at: null,
      source: standing.source,
      subscription: standing.subscription,
      words: `the ${limit.included} units of ${limit.meter} that the plan includes are used up`,
    }))
  const features = standing.features.filter((each) => !blocked.includes(each))
  const allowed = level !== 'none'
  return {
    ...standing,
    level,
    allowed,
    features: allowed ? features : [],
    until: allowed ? standing.until : null,
    why: [...standing.why, ...reasons],
  }
}

/** The best first: the higher level, the later end, the surer one, and last the id, so that the order of input never decides. */
function compareStandings(a: Standing, b: Standing): number {
  const level = LEVELS[b.level] - LEVELS[a.level]
  if (level !== 0) return level
  const [left, right] = [a.until ?? Infinity, b.until ?? Infinity]
  if (left !== right) return left > right ? -1 : 1
  if (a.sure !== b.sure) return a.sure ? -1 : 1
  const [first, second] = [`${a.source} ${a.subscription}`, `${b.source} ${b.subscription}`]
  return compareText(first, second)
}

function united(
  standings: readonly Standing[],
  serving: readonly Standing[],
  { at, feature }: AccessQuestion,
): AccessAnswer {
  const [best] = [...serving].sort(compareStandings)
  if (best === undefined) return denied(standings, at, feature)
  const ends = serving.map((each) => each.until)
  const paid = serving.flatMap((each) => (each.paidThrough === null ? [] : [each.paidThrough]))
  return {
    allowed: true,
    level: best.level,
    features: [...new Set(serving.flatMap((each) => each.features))].sort(),
    until: ends.reduce<Instant | null>(laterEnd, best.until),
    paidThrough: best.paidThrough ?? paid.sort((a, b) => a - b).at(-1) ?? null,
    why: [...best.why, ...serving.filter((each) => each !== best).flatMap((each) => each.why)],
    // One sure subscription is enough, whatever is unsure about the others.
    sure: serving.some((each) => each.sure),
    plan: best.plan?.id ?? null,
    at,
    subscriptions: standings,
  }
}

/** Null is never. */
function laterEnd(a: Instant | null, b: Instant | null): Instant | null {
  if (a === null || b === null) return null
  return a >= b ? a : b
}

function denied(standings: readonly Standing[], at: Instant, feature: string | null): AccessAnswer {
  const [nearest] = [...standings].sort((a, b) => (b.paidThrough ?? -Infinity) - (a.paidThrough ?? -Infinity))
  const lacking = standings.filter((each) => each.allowed)
  const why: Reason[] = standings.flatMap((each) => each.why)
  if (feature !== null && lacking.length > 0) {
    why.unshift(bare(`no plan of the user includes ${feature}`))
  } else if (standings.length === 0) why.push(bare('no subscription is known'))
  return {
    allowed: false,
    level: 'none',
    features: [],
    until: null,
    paidThrough: nearest?.paidThrough ?? null,
    why,
    sure: standings.every((each) => each.sure),
    plan: nearest?.plan?.id ?? null,
    at,
    subscriptions: standings,
  }
}

function bare(words: string): Reason {
  return { fact: null, key: null, at: null, source: null, subscription: null, words }
}

function grant(answer: AccessAnswer, hold: Hold): AccessAnswer {
  if (hold.level === 'none') return answer
  const level = LEVELS[hold.level] > LEVELS[answer.level] ? hold.level : answer.level
  const until = answer.allowed ? laterEnd(answer.until, hold.until) : hold.until
  return {
    ...answer,
    allowed: true,
    level,
    features: [...new Set([...answer.features, ...hold.features])].sort(),
    until,
    why: answer.allowed ? [...answer.why, holdReason(hold)] : [holdReason(hold), ...answer.why],
    sure: true,
  }
}

/** The part of an answer that a change is told of. */
export function summaryOf({ allowed, level, plan, features }: AccessAnswer): AccessSummary {
  return { allowed, level, plan: allowed ? plan : null, features }
}

/**
 * The fact that access has changed, from two answers; null if nothing that is told of has. The caller numbers the changes
 * of a customer and gives the fact its key.
 */
export function accessChange(
  before: AccessAnswer | null,
  after: AccessAnswer,
  about: { readonly user: string; readonly at: Instant },
): Fact<'access_changed'> | null {
  const from = before === null ? NO_ACCESS : summaryOf(before)
  const to = summaryOf(after)
  if (
    from.allowed === to.allowed &&
    from.level === to.level &&
    from.plan === to.plan &&
    from.features.join('\n') === to.features.join('\n')
  )
    return null
  return {
    kind: 'access_changed',
    at: about.at,
    customer: about.user,
    subscription: null,
    subject: about.user,
    detail: { from, to, until: after.until, why: after.why.map((reason) => reason.words) },
  }
}
