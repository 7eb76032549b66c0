/** Facts that happenings tell by themselves, and renewals. */
import { DAY_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Happening } from '../model/observations.ts'
import { factKey } from './fact_set.ts'
import type { FactSet } from './fact_set.ts'
import type { Account, PaidCycle } from './paid_through.ts'
import type { Sources, ToldHappening } from './sources.ts'

/** Call it last: changes that snapshots show have the better words. */
export function addHappeningFacts(sources: Sources, facts: FactSet): void {
  for (const told of sources.happenings) addHappening(sources, facts, told)
}

function addHappening(sources: Sources, facts: FactSet, told: ToldHappening): void {
  const { happening, subscription, events, sure } = told
  const customer = happening.customer ?? (subscription === null ? null : sources.customerOf(subscription))
  const subject = subscription ?? customer ?? happening.key
  const base = { at: happening.stamp, customer, subscription, subject, evidence: events, sure }
  switch (happening.what) {
    case 'trial_ending': {
      const { trialEndsAt } = happening
      const key = factKey(subject, 'subscription_trial_ending', trialEndsAt ?? happening.stamp)
      const paymentMethod = paymentMethodOf(sources, happening, subscription, customer)
      facts.add({ kind: 'subscription_trial_ending', key, ...base, detail: { trialEndsAt, paymentMethod } })
      return
    }
    case 'renewal_upcoming': {
      const { renewsAt, amount } = happening
      const key = factKey(subject, 'subscription_renewal_upcoming', renewsAt ?? happening.stamp)
      facts.add({ kind: 'subscription_renewal_upcoming', key, ...base, detail: { renewsAt, amount } })
      return
    }
    case 'changed': {
      // The same event's snapshot may be stamped by its own version time: one change, one fact.
      const step = stepOfEvents(sources, subscription, events)
      const at = step?.stamp ?? happening.stamp
      facts.add({
        kind: 'subscription_changed',
        key: factKey(subject, 'subscription_changed', at),
        ...base,
        at,
        detail: { changes: [], plan: happening.plan ?? step?.to.plan ?? null, direction: 'unknown' },
      })
      return
    }
    case 'plan_assigned': {
      const assigned = customer ?? subject
      facts.add({
        kind: 'plan_assigned',
        key: factKey(assigned, 'plan_assigned', happening.key),
        ...base,
        subject: assigned,
        detail: { plan: happening.plan },
      })
      return
    }
    case 'payment_failed':
    case 'payment_succeeded':
    case 'invoice_overdue':
    case 'payment_refunded':
    case 'usage':
      return
  }
}

function stepOfEvents(sources: Sources, subscription: string | null, events: readonly string[]) {
  if (subscription === null) return undefined
  return sources.known.subscription.get(subscription)?.steps.find((step) => events.includes(step.event))
}

/** The customer's default counts where the subscription has none of its own. */
function paymentMethodOf(
  sources: Sources,
  happening: Extract<Happening, { readonly what: 'trial_ending' }>,
  subscription: string | null,
  customer: string | null,
): 'yes' | 'no' | 'unknown' {
  const own = subscription === null ? null : sources.known.subscription.get(subscription)
  const byCustomer = customer === null ? null : sources.known.customer.get(customer)
  const words = [
    happening.paymentMethod,
    own?.valued.value.paymentMethod ?? 'unknown',
    byCustomer?.valued.value.paymentMethod ?? 'unknown',
  ]
  if (words.includes('yes')) return 'yes'
  return words.includes('no') ? 'no' : 'unknown'
}

/** Further cycles that were paid: each invoice once, and each end of a cycle once. */
export function addRenewals(
  sources: Sources,
  facts: FactSet,
  about: { readonly account: Account; readonly cycles: readonly PaidCycle[]; readonly startedAt: Instant },
): void {
  const { account, cycles, startedAt } = about
  const ends = new Set<Instant>()
  cycles.forEach((cycle, index) => {
    const told = cycle.through !== null && ends.has(cycle.through)
    if (cycle.through !== null) ends.add(cycle.through)
    if (told || !isFurther(sources, { account, cycle, first: index === 0, startedAt })) return
    facts.add({
      kind: 'subscription_renewed',
      key: factKey(account.id, 'subscription_renewed', cycle.key),
      at: cycle.at,
      customer: sources.customerOf(account.id),
      subscription: account.id,
      subject: account.id,
      evidence: cycle.events,
      sure: cycle.sure,
      detail: { invoice: cycle.invoice, period: cycle.period },
    })
  })
}

interface Candidate {
  readonly account: Account
  readonly cycle: PaidCycle
  readonly first: boolean
  readonly startedAt: Instant
}

function isFurther(sources: Sources, { account, cycle, first, startedAt }: Candidate): boolean {
  if (cycle.reason === 'cycle') return true
  if (cycle.reason !== 'unknown') return false
  const count = stepOfEvents(sources, account.id, cycle.events)?.to.cycles?.paid ?? null
  if (count !== null) return count > 1
  const { trial } = account.value
  const start = trial?.until ?? account.value.startedAt ?? startedAt
  if (cycle.period !== null) return cycle.period.from > start + DAY_MS
  return !first
}
