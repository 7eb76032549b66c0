import { cycleAt } from '../model/calendar.ts'
import type { Period } from '../model/calendar.ts'
import type { UsageAnswer } from '../model/access.ts'
import { compareText } from '../model/compare.ts'
import type { Instant } from '../model/instant.ts'
import { scale } from '../model/money.ts'
import type { ObservedSubscription, PlanRef } from '../model/objects.ts'
import { planPolicyOf } from '../model/policy.ts'
import type { LimitPolicy, Policy } from '../model/policy.ts'
import { addDecimals, excessOf, fractionOf, percentOf } from './decimal.ts'
import { factKey } from './fact_set.ts'
import type { FactSet } from './fact_set.ts'
import type { Sources, ToldHappening } from './sources.ts'
import type { SubjectState, UsageState } from './state.ts'

/** Usage laid on its cycles: totals replace, deltas add; thresholds of the policy are told once per cycle. */
export function deriveUsage(sources: Sources, facts: FactSet, policy: Policy | null): readonly UsageState[] {
  const states = new Map<string, UsageState>()
  for (const told of sources.happenings) {
    const { happening, subscription } = told
    if (happening.what !== 'usage') continue
    const { meter, stamp: at } = happening
    const customer = happening.customer ?? (subscription === null ? null : sources.customerOf(subscription))
    const period = subscription === null ? null : periodAt(sources, subscription, at)
    const key = `${subscription ?? customer ?? ''}\n${meter}\n${period?.from ?? ''}`
    const before = states.get(key)?.quantity ?? '0'
    const quantity =
      happening.mode === 'total' ? addDecimals(happening.quantity, '0') : addDecimals(before, happening.quantity)
    const state: UsageState = { customer, subscription, meter, period, quantity, at }
    states.set(key, state)
    addUpdated(facts, told, state)
    const plan = subscription === null ? null : planAt(sources, subscription)
    for (const limit of limitsOf(policy, plan, meter)) addThresholds(facts, told, state, limit)
  }
  return [...states].sort(([a], [b]) => compareText(a, b)).map(([, state]) => state)
}

function limitsOf(policy: Policy | null, plan: PlanRef | null, meter: string): readonly LimitPolicy[] {
  if (policy === null) return []
  return (planPolicyOf(policy, plan)?.limits ?? []).filter((limit) => limit.meter === meter)
}

function planAt(sources: Sources, subscription: string): PlanRef | null {
  return sources.known.subscription.get(subscription)?.valued.value.plan ?? null
}

/** The cycle that contains `at`: one that the provider has shown, else the computed one. */
function periodAt(sources: Sources, subscription: string, at: Instant): Period | null {
  const known = sources.known.subscription.get(subscription)
  if (known === undefined) return null
  const shown = known.steps.findLast(({ to }) => to.period !== null && to.period.from <= at && at < to.period.until)
  return shown?.to.period ?? cycleOf(known.valued.value, at)
}

/** The cycle that contains `at`: as the provider shows it, else computed from anchor and interval; null if neither can. */
function cycleOf(value: ObservedSubscription, at: Instant): Period | null {
  const { period, anchor, startedAt, interval } = value
  if (period !== null && period.from <= at && at < period.until) return period
  const start = anchor ?? startedAt
  if (interval === null || start === null) return null
  return cycleAt(start, interval, at)
}

function addUpdated(facts: FactSet, told: ToldHappening, state: UsageState): void {
  const subject = state.subscription ?? state.customer ?? told.happening.key
  facts.add({
    kind: 'usage_updated',
    key: factKey(subject, 'usage_updated', told.happening.key),
    at: state.at,
    customer: state.customer,
    subscription: state.subscription,
    subject,
    evidence: told.events,
    sure: told.sure,
    detail: { meter: state.meter, quantity: state.quantity, period: state.period },
  })
}

function addThresholds(facts: FactSet, told: ToldHappening, state: UsageState, limit: LimitPolicy): void {
  const { meter, period, quantity } = state
  const percent = percentOf(quantity, limit.included)
  const subject = state.subscription ?? state.customer ?? told.happening.key
  const cycle = period === null ? 'all' : period.from
  for (const threshold of limit.thresholds.filter((each) => percent >= each)) {
    facts.add({
      kind: 'usage_threshold_reached',
      key: factKey(state.customer ?? subject, 'usage_threshold_reached', meter, cycle, String(threshold)),
      at: state.at,
      customer: state.customer,
      subscription: state.subscription,
      subject,
      evidence: told.events,
      sure: told.sure,
      detail: { meter, quantity, included: limit.included, threshold, period },
    })
  }
}

/** How much is used of each meter in the cycle that contains `at`, and what is beyond the plan. */
export function usageOf(asked: {
  readonly source: string
  readonly state: SubjectState
  readonly policy: Policy
  readonly at: Instant
}): readonly UsageAnswer[] {
  const { source, state, policy, at } = asked
  const current = state.usage.filter(({ period }) => period === null || (period.from <= at && at < period.until))
  return current.map((usage) => {
    const plan = state.subscriptions.find((each) => each.id === usage.subscription)?.value.plan ?? null
    const [limit] = limitsOf(policy, plan, usage.meter)
    return { source, ...withoutStamp(usage), ...measure(usage.quantity, limit) }
  })
}

function withoutStamp({ customer, subscription, meter, period, quantity }: UsageState) {
  return { customer, subscription, meter, period, quantity }
}

function measure(quantity: string, limit: LimitPolicy | undefined) {
  if (limit === undefined) return { included: null, overage: null, overageAmount: null, percent: null }
  const overage = excessOf(quantity, limit.included)
  const { numerator, denominator } = fractionOf(overage)
  return {
    included: limit.included,
    overage,
    overageAmount: limit.unitPrice === null ? null : scale(limit.unitPrice, numerator, denominator, 'half_up'),
    percent: percentOf(quantity, limit.included),
  }
}
