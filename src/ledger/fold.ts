/**
 * The whole ledger of a subject: registers, facts and state, as a pure function of the set of its observations. Order,
 * repetition and lateness of deliveries make no difference once the set is the same (rule 5).
 */
import type { Instant } from '../model/instant.ts'
import type { Observation } from '../model/observations.ts'
import { isTerminal } from '../model/status.ts'
import { factKey, FactSet } from './fact_set.ts'
import { addHappeningFacts, addRenewals } from './happening_facts.ts'
import { addCheckoutFacts, addInvoiceFacts, addPaymentFacts } from './invoice_facts.ts'
import { onTheWayAt } from './on_the_way.ts'
import { dueAtOf, gapsOf, invoicesOf, paidCyclesOf, paidOf } from './paid_through.ts'
import type { Account, PaidCycle } from './paid_through.ts'
import { sourcesOf, subscriptionValue } from './sources.ts'
import type { Sources, ToldHappening } from './sources.ts'
import type { CustomerState, FactRef, Folded, FoldOptions, Gap, Paid, SubscriptionState } from './state.ts'
import { walkSubscription } from './subscription_walk.ts'
import type { Succession, Walked } from './subscription_walk.ts'
import { deriveUsage } from './usage.ts'
import { EMPTY } from './values.ts'

const NO_POLICY: FoldOptions = { policy: null }

/**
 * Folds the observations of one source: those of one connected group (see `referencesOf`), or of several at once.
 *
 * @param observations all of them, in any order, repeated or not
 */
export function fold(observations: readonly Observation[], options: FoldOptions = NO_POLICY): Folded {
  const sources = sourcesOf(observations)
  const facts = new FactSet()
  const successions = successionsOf(sources)
  const unclear = new Set([...successions].flatMap(([id, { by, sure }]) => (sure ? [] : [id, by])))
  const bySubscription = happeningsBySubscription(sources)
  addInvoiceFacts(sources, facts)
  addPaymentFacts(sources, facts)
  addCheckoutFacts(sources, facts)
  const subscriptions = sources.subscriptions.flatMap((id) =>
    foldSubscription(sources, facts, {
      id,
      happenings: bySubscription.get(id) ?? [],
      successor: successions.get(id) ?? null,
      clear: !unclear.has(id),
    }),
  )
  const usage = deriveUsage(sources, facts, options.policy)
  const customers = foldCustomers(sources)
  addHappeningFacts(sources, facts)
  return {
    registers: sources.registers,
    objects: sources.objects,
    facts: facts.all(),
    state: { customers, subscriptions, usage },
  }
}

/** What was known at an instant: the observations that had happened by then. */
export function asOf(observations: readonly Observation[], at: Instant): readonly Observation[] {
  return observations.filter((observation) => observation.stamp <= at)
}

function happeningsBySubscription(sources: Sources): ReadonlyMap<string, readonly ToldHappening[]> {
  const groups = new Map<string, ToldHappening[]>()
  for (const told of sources.happenings) {
    if (told.subscription === null) continue
    const group = groups.get(told.subscription)
    if (group === undefined) groups.set(told.subscription, [told])
    else group.push(told)
  }
  return groups
}

/** Which agreement a newer one of the same customer and plan group has replaced, where a customer holds only one. */
function successionsOf(sources: Sources): ReadonlyMap<string, Succession> {
  const held = [...sources.known.subscription.values()]
    .filter(({ valued }) => valued.value.exclusive === true)
    .map(({ id, valued, steps }) => ({
      id,
      customer: sources.customerOf(id),
      group: valued.value.plan?.group ?? null,
      at: steps.find((step) => step.verb === 'created')?.stamp ?? null,
      firstAt: steps[0]?.stamp ?? 0,
      ended: isTerminal(valued.value.status) ? 0 : 1,
    }))
    // Of two made at one instant, the one that has ended is the older.
    .sort((a, b) => (a.at ?? 0) - (b.at ?? 0) || a.ended - b.ended || (a.id < b.id ? -1 : 1))
  const successions = new Map<string, Succession>()
  held.forEach((older, index) => {
    const newer = held.slice(index + 1).find(
      (each) =>
        each.at !== null &&
        each.customer === older.customer &&
        each.group === older.group &&
        // Its creation was not told, and it outlived the other: nothing says that it is the older.
        !(older.at === null && older.ended === 1 && each.ended === 0 && older.firstAt > each.at),
    )
    if (newer !== undefined && newer.at !== null && older.customer !== null) {
      successions.set(older.id, { by: newer.id, at: newer.at, sure: newer.at !== older.at })
    }
  })
  return successions
}

interface About {
  readonly id: string
  readonly happenings: readonly ToldHappening[]
  readonly successor: Succession | null
  /** False if it cannot be told which of two agreements is the newer. */
  readonly clear: boolean
}

function foldSubscription(sources: Sources, facts: FactSet, about: About): readonly SubscriptionState[] {
  const { id, happenings, successor } = about
  const invoices = invoicesOf(sources, id)
  const walked = walkSubscription(sources, facts, { ...about, invoices })
  const valued = subscriptionValue(sources, id)
  const known =
    walked ??
    stubWalk(
      sources,
      id,
      invoices.map((invoice) => invoice.steps[0]?.stamp ?? null),
    )
  if (known === null) return []
  const failedAt = failedAtOf(known, happenings, invoices)
  const account: Account = { id, value: valued.value, status: known.status, failedAt, happenings, invoices }
  const everPaid = paidCyclesOf(sources, account)
  addRenewals(sources, facts, { account, cycles: everPaid, startedAt: known.startedAt })
  const cycles = everPaid.filter((cycle) => !cycle.refunded)
  const paid = paidOf(sources, account, cycles)
  const gaps = gapsOf(sources, account)
  return [
    {
      id,
      customer: sources.customerOf(id),
      value: valued.value,
      status: known.status,
      since: known.since,
      backAt: known.backAt,
      lastKnown: known.lastKnown,
      startedAt: known.startedAt,
      paid: gaps.some((gap) => isDoubtful(paid, gap)) ? { ...paid, sure: false } : paid,
      failedAt,
      nextAttemptAt: nextAttemptOf(happenings, invoices, failedAt),
      onTheWayAt: onTheWayAt(sources, account),
      dueAt: dueAtOf(account),
      overdueAt: overdueAtOf(happenings, cycles),
      supersededBy: successor?.by ?? null,
      supersededAt: successor?.at ?? null,
      statusFact: known.statusFact,
      paidFact: paidFactOf(facts, id, cycles),
      sure: valued.sure && known.sure && about.clear,
      gaps,
      lastEvent: known.lastEvent,
    },
  ]
}

/** What was missed leaves unsure how far it is paid; cycles that were missed do not, once a later one is proved paid. */
function isDoubtful({ through }: Paid, gap: Gap): boolean {
  return gap.kind === 'latest_invoice' || through === null || through <= gap.at
}

/** A subscription that only its invoices name. */
function stubWalk(sources: Sources, id: string, stamps: readonly (Instant | null)[]): Walked | null {
  const since = stamps.filter((stamp) => stamp !== null).reduce<Instant | null>(earlier, null)
  if (since === null) return null
  const event = [...sources.known.invoice.values()].find((invoice) => sources.subscriptionOf(invoice.id) === id)
  return {
    status: 'unknown',
    since,
    backAt: null,
    lastKnown: null,
    startedAt: since,
    statusFact: null,
    pastDueAt: [],
    sure: true,
    lastEvent: event?.steps[0]?.event ?? '',
  }
}

function earlier(a: Instant | null, b: Instant): Instant {
  return a === null || b < a ? b : a
}

/** The first failure since the last success, while the status says that a payment fails. */
function failedAtOf(
  walked: Walked,
  happenings: readonly ToldHappening[],
  invoices: Account['invoices'],
): Instant | null {
  if (walked.status === 'active') return silentFailureOf(walked, happenings, invoices)
  if (walked.status !== 'past_due' && walked.status !== 'unpaid') return null
  const began = walked.status === 'past_due' ? walked.since : (walked.pastDueAt.at(-1) ?? walked.since)
  const paid = [
    ...invoices.flatMap(({ steps }) => steps.filter((step) => step.to.status === 'paid').map((step) => step.stamp)),
    ...happenings.filter(({ happening }) => happening.what === 'payment_succeeded').map((told) => told.happening.stamp),
  ]
  const lastPaid = paid.filter((stamp) => stamp <= began).reduce((a, b) => Math.max(a, b), 0)
  return happenings
    .filter(({ happening }) => happening.what === 'payment_failed' || happening.what === 'invoice_overdue')
    .map(({ happening }) => happening.stamp)
    .filter((stamp) => stamp > lastPaid && stamp <= began)
    .reduce(earlier, began)
}

/** The first failure to pay a cycle whose invoice is still open, although the status says nothing of it (yet). */
function silentFailureOf(
  walked: Walked,
  happenings: readonly ToldHappening[],
  invoices: Account['invoices'],
): Instant | null {
  const open = new Set(
    invoices.flatMap(({ id, valued }) => {
      const { status, reason } = valued.value
      const cycle = reason === 'cycle' || reason === 'first' || reason === 'unknown'
      return status === 'open' && cycle ? [id] : []
    }),
  )
  return happenings.reduce<Instant | null>((first, { happening }) => {
    if (happening.what !== 'payment_failed' || happening.invoice === null || !open.has(happening.invoice)) return first
    return happening.stamp < walked.since ? first : earlier(first, happening.stamp)
  }, null)
}

/** When the provider tries again: what the newest failure said, if nothing was paid since. */
function nextAttemptOf(
  happenings: readonly ToldHappening[],
  invoices: Account['invoices'],
  failedAt: Instant | null,
): Instant | null {
  if (failedAt === null) return null
  const told = happenings.findLast(({ happening }) => happening.what === 'payment_failed')?.happening
  const next = told?.what === 'payment_failed' ? told.nextAttemptAt : null
  if (next !== null) return next
  return (
    invoices
      .filter(({ valued }) => valued.value.status === 'open')
      .flatMap(({ valued }) => (valued.value.nextAttemptAt === null ? [] : [valued.value.nextAttemptAt]))
      .sort((a, b) => a - b)
      .at(-1) ?? null
  )
}

function overdueAtOf(happenings: readonly ToldHappening[], cycles: readonly PaidCycle[]): Instant | null {
  const overdue = happenings.findLast(({ happening }) => happening.what === 'invoice_overdue')?.happening
  if (overdue?.what !== 'invoice_overdue') return null
  const settled = cycles.some(
    (cycle) => cycle.at >= overdue.stamp && (overdue.invoice === null || cycle.invoice === overdue.invoice),
  )
  return settled ? null : overdue.stamp
}

function paidFactOf(facts: FactSet, id: string, cycles: readonly PaidCycle[]): FactRef | null {
  const last = cycles.findLast((cycle) => cycle.through !== null) ?? cycles.at(-1)
  if (last === undefined) return null
  const keys = [
    factKey(id, 'subscription_renewed', last.key),
    factKey(last.key, 'invoice_paid'),
    factKey(last.key, 'payment_succeeded'),
  ]
  const fact =
    keys.map((key) => facts.get(key)).find((found) => found !== null) ?? facts.byEvidence('invoice_paid', last.events)
  return fact === null ? null : { kind: fact.kind, key: fact.key, at: fact.at }
}

function foldCustomers(sources: Sources): readonly CustomerState[] {
  const assigned = new Map<string, NonNullable<CustomerState['assigned']>>()
  for (const { happening } of sources.happenings) {
    if (happening.what !== 'plan_assigned' || happening.customer === null || happening.plan === null) continue
    const fact = factKey(happening.customer, 'plan_assigned', happening.key)
    assigned.set(happening.customer, { plan: happening.plan, at: happening.stamp, fact })
  }
  const ids = new Set([...sources.known.customer.keys(), ...assigned.keys()])
  return [...ids].sort().map((id) => ({
    id,
    value: sources.known.customer.get(id)?.valued.value ?? EMPTY.customer,
    assigned: assigned.get(id) ?? null,
  }))
}
