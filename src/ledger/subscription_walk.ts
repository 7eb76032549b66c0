/**
 * One subscription's timeline walked from first to last: its facts, and the status that counts at the end. The status is
 * the provider's own where it says one, changed by payments and failures where the provider tells only those.
 */
import type { Period } from '../model/calendar.ts'
import { DAY_MS, earliest, MINUTE_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { ObservedSubscription } from '../model/objects.ts'
import type { Stamp } from '../model/observations.ts'
import { isTerminal } from '../model/status.ts'
import type { SubscriptionStatus } from '../model/status.ts'
import { changesBetween, directionOf } from './changes.ts'
import { factKey } from './fact_set.ts'
import type { FactSet } from './fact_set.ts'
import type { Known, Sources, ToldHappening } from './sources.ts'
import type { FactRef } from './state.ts'
import { statusAfter } from './status_after.ts'
import type { Step } from './timeline.ts'
import { EMPTY } from './values.ts'

/** Where the walk ends. */
export interface Walked {
  readonly status: SubscriptionStatus
  readonly since: Stamp
  /** When it became active again after failed payments or a pause; null unless it is active since. */
  readonly backAt: Stamp | null
  readonly lastKnown: SubscriptionStatus | null
  readonly startedAt: Instant
  readonly statusFact: FactRef | null
  /** When each spell of failing payment began, first to last. */
  readonly pastDueAt: readonly Instant[]
  /** False if the status rests on a payment that may be about another subscription. */
  readonly sure: boolean
  readonly lastEvent: string
}

/** Who takes the place of whom, for the facts of an end. */
export interface Succession {
  readonly by: string
  readonly at: Instant
  /** False if both were made at one instant, so that nothing says which is the newer. */
  readonly sure: boolean
}

interface Walk {
  readonly sources: Sources
  readonly facts: FactSet
  readonly id: string
  readonly customer: string | null
  readonly happenings: readonly ToldHappening[]
  readonly successor: Succession | null
  status: SubscriptionStatus
  since: Stamp
  backAt: Stamp | null
  lastKnown: SubscriptionStatus | null
  value: ObservedSubscription | null
  statusFact: FactRef | null
  pastDueAt: Instant[]
  /** The cycle that the running spell of failing payment is about: its facts, and that of its end, are known by it. */
  spell: Instant | null
  /** The failure that alone made it past due: paying that invoice ends it. Null if the provider's status says it. */
  failure: { readonly invoice: string | null } | null
  sure: boolean
  lastEvent: string
}

type SubscriptionStep = Step<'subscription'>

/** Failure and status are told within minutes of each other. */
const SAME_FAILURE_MS = 5 * MINUTE_MS
/** An agreement and the one it replaces are told this close to each other, in either order. */
const SUCCESSION_MS = DAY_MS

/** What belongs on the timeline of a subscription beside its own observations. */
export interface SubscriptionStory {
  readonly id: string
  readonly happenings: readonly ToldHappening[]
  readonly invoices: readonly Known<'invoice'>[]
  readonly successor: Succession | null
}

/** Walks the timeline of subscription `id`; null if nothing was told that belongs on it. */
export function walkSubscription(sources: Sources, facts: FactSet, about: SubscriptionStory): Walked | null {
  const steps = sources.known.subscription.get(about.id)?.steps ?? []
  const stamps = [...steps.map((step) => step.stamp), ...about.happenings.map((told) => told.happening.stamp)]
  if (stamps.length === 0) return null
  const walk: Walk = {
    sources,
    facts,
    ...about,
    customer: sources.customerOf(about.id),
    status: 'unknown',
    since: stamps.reduce(earliest),
    backAt: null,
    lastKnown: null,
    value: null,
    statusFact: null,
    pastDueAt: [],
    spell: null,
    failure: null,
    sure: true,
    lastEvent: '',
  }
  const startedAt = steps.find((step) => step.verb === 'created')?.stamp ?? steps[0]?.to.createdAt ?? walk.since
  for (const event of merged(steps, about)) {
    if (event.kind === 'step') takeStep(walk, event.step)
    else if (event.kind === 'paid') takePaid(walk, event)
    else takeHappening(walk, event.told, event.silent)
  }
  const { status, since, backAt, lastKnown, statusFact, pastDueAt, sure, lastEvent } = walk
  return { status, since, backAt, lastKnown, startedAt, statusFact, pastDueAt, sure, lastEvent }
}

type Event =
  | { readonly kind: 'step'; readonly step: SubscriptionStep }
  | { readonly kind: 'happening'; readonly told: ToldHappening; readonly silent: boolean }
  | { readonly kind: 'paid'; readonly invoice: string; readonly step: Step<'invoice'>; readonly silent: boolean }

/**
 * Steps and happenings by stamp. With one stamp a happening comes first, and says nothing about the status if a step with
 * that stamp says it: the whole object knows better.
 */
function merged(steps: readonly SubscriptionStep[], { happenings, invoices }: SubscriptionStory): readonly Event[] {
  const said = new Set(steps.filter((step) => step.status).map((step) => step.stamp))
  const events: Event[] = [
    ...happenings.map((told) => ({ kind: 'happening', told, silent: said.has(told.happening.stamp) }) as const),
    ...invoices.flatMap(({ id, steps }) => {
      const paid = steps.find((step) => step.to.status === 'paid')
      if (paid === undefined) return []
      return [{ kind: 'paid', invoice: id, step: paid, silent: said.has(paid.stamp) } as const]
    }),
    ...steps.map((step) => ({ kind: 'step', step }) as const),
  ]
  const stampOf = (event: Event) => (event.kind === 'happening' ? event.told.happening.stamp : event.step.stamp)
  // The sort is stable: happenings stay before steps, and each keep their order.
  return events.sort((a, b) => stampOf(a) - stampOf(b))
}

function takeStep(walk: Walk, step: SubscriptionStep): void {
  const { value, status } = walk
  const at = step.stamp
  walk.lastEvent = step.event
  if (step.verb === 'created') addCreated(walk, step)
  const from = step.told ? (step.from?.status ?? null) : value === null ? null : status
  if (step.status && !isTerminal(status)) {
    changeStatus(walk, step, from)
    walk.failure = null
  }
  if (step.from !== null && !isTerminal(step.to.status)) changeTerms(walk, step, step.from)
  if (!isTerminal(step.to.status)) changePlans(walk, step, step.from)
  walk.value = step.to
  if (step.status) walk.sure = true
  if (walk.status === 'unknown' && step.status && step.to.status !== 'unknown') walk.since = at
}

function addCreated(walk: Walk, step: SubscriptionStep): void {
  walk.facts.add({
    kind: 'subscription_created',
    key: factKey(walk.id, 'subscription_created'),
    ...common(walk, step.stamp, [step.event], step.sure),
    detail: { status: step.to.status, plan: step.to.plan },
  })
}

function changeStatus(walk: Walk, step: SubscriptionStep, told: SubscriptionStatus | null): void {
  const to = step.to.status
  const from = told === 'unknown' && walk.lastKnown !== null ? walk.lastKnown : told
  if (to === 'unknown') {
    if (walk.status !== 'unknown') walk.lastKnown = walk.status
    setStatus(walk, 'unknown', step.stamp)
    return
  }
  if (from === to) {
    setStatus(walk, to, step.stamp)
    return
  }
  const value = step.to
  if (from === 'trialing') addTrialEnded(walk, step, to)
  enterStatus(walk, to, { from, value, at: step.stamp, events: [step.event], sure: step.sure, step })
  setStatus(walk, to, step.stamp)
  // The event tells what it came back from, also where that itself was never told.
  if (isBack(from, to)) walk.backAt = step.stamp
}

function isBack(from: SubscriptionStatus | null, to: SubscriptionStatus): boolean {
  return to === 'active' && (from === 'past_due' || from === 'unpaid' || from === 'paused')
}

function setStatus(walk: Walk, status: SubscriptionStatus, at: Stamp): void {
  if (walk.status === status) return
  walk.backAt = isBack(walk.status, status) ? at : null
  walk.status = status
  walk.since = at
  if (status === 'past_due') walk.pastDueAt.push(at)
}

interface Entering {
  readonly from: SubscriptionStatus | null
  readonly value: ObservedSubscription
  readonly at: Stamp
  readonly events: readonly string[]
  readonly sure: boolean
  readonly step: SubscriptionStep | null
}

function common(walk: Walk, at: Stamp, evidence: readonly string[], sure: boolean) {
  return { at, customer: walk.customer, subscription: walk.id, subject: walk.id, evidence, sure }
}

function enterStatus(walk: Walk, to: SubscriptionStatus, entering: Entering): void {
  const { value, at, events, sure } = entering
  const base = common(walk, at, events, sure)
  switch (to) {
    case 'authorized':
      tell(walk, {
        kind: 'subscription_authorized',
        key: factKey(walk.id, 'subscription_authorized'),
        ...base,
        detail: { plan: value.plan, startsAt: value.startedAt ?? value.anchor },
      })
      return
    case 'trialing':
      tell(walk, {
        kind: 'subscription_trial_started',
        key: factKey(walk.id, 'subscription_trial_started', value.trial?.from ?? at),
        ...base,
        detail: { plan: value.plan, trial: value.trial },
      })
      return
    case 'active':
      enterActive(walk, entering)
      return
    case 'past_due': {
      const cause = causeOf(walk, value, at)
      walk.spell = cause.cycle ?? cycleStart(value, at)
      tell(walk, {
        kind: 'subscription_past_due',
        key: factKey(walk.id, 'subscription_past_due', walk.spell),
        ...base,
        detail: { invoice: cause.invoice, reason: cause.reason },
      })
      return
    }
    case 'unpaid': {
      const cause = causeOf(walk, value, at)
      walk.spell = cause.cycle ?? cycleStart(value, at)
      tell(walk, {
        kind: 'subscription_unpaid',
        key: factKey(walk.id, 'subscription_unpaid', walk.spell),
        ...base,
        detail: { invoice: cause.invoice },
      })
      return
    }
    case 'paused':
      tell(walk, {
        kind: 'subscription_paused',
        key: factKey(walk.id, 'subscription_paused', at),
        ...base,
        detail: { scope: 'service', resumesAt: value.pause?.resumesAt ?? null, by: value.pause?.by ?? 'unknown' },
      })
      return
    case 'canceled':
    case 'completed':
    case 'expired':
      enterEnd(walk, to, entering)
      return
    case 'pending':
    case 'incomplete':
    case 'unknown':
      walk.statusFact = null
  }
}

function enterActive(walk: Walk, entering: Entering): void {
  const { from, value, at, events, sure, step } = entering
  const base = common(walk, at, events, sure)
  if (from === 'paused') {
    tell(walk, {
      kind: 'subscription_resumed',
      key: factKey(walk.id, 'subscription_resumed', at),
      ...base,
      detail: { scope: 'service' },
    })
    return
  }
  // Seen first in mid-life: it is active, but that it became so now is told by nothing.
  if (from === null && step !== null && step.verb !== 'created' && !isYoung(step)) return
  const recovered = from === 'past_due' || from === 'unpaid'
  // By the cycle and not by the time: a word that comes late moves the time, and is no reason to welcome anybody twice.
  const about = recovered ? [walk.spell ?? cycleStart(value, at)] : []
  tell(walk, {
    kind: 'subscription_activated',
    key: factKey(walk.id, 'subscription_activated', ...about),
    ...base,
    detail: { recovered, plan: value.plan },
  })
  walk.spell = null
}

/** The start of the cycle that a payment at `at` was for. Some providers move the period only when it is paid. */
function cycleStart({ period }: ObservedSubscription, at: Instant): Instant {
  if (period === null) return at
  return at < period.until ? period.from : period.until
}

/** True if the first cycle runs: then the first word about an active subscription is that it became active. */
function isYoung(step: SubscriptionStep): boolean {
  const { startedAt, createdAt, period, cycles, trial } = step.to
  if (cycles?.paid !== null && cycles?.paid !== undefined) return cycles.paid <= 1
  const start = trial?.until ?? startedAt ?? createdAt
  if (start === null) return period === null
  if (period !== null) return period.from <= start + DAY_MS
  return step.stamp <= start + DAY_MS
}

function enterEnd(walk: Walk, to: 'canceled' | 'completed' | 'expired', entering: Entering): void {
  const { value, at, events, sure } = entering
  const base = common(walk, at, events, sure)
  if (to === 'completed') {
    const key = factKey(walk.id, 'subscription_completed')
    tell(walk, { kind: 'subscription_completed', key, ...base, detail: { period: value.period } })
  } else if (to === 'expired') {
    tell(walk, { kind: 'subscription_expired', key: factKey(walk.id, 'subscription_expired'), ...base, detail: {} })
  } else {
    const { successor } = walk
    tell(walk, {
      kind: 'subscription_canceled',
      key: factKey(walk.id, 'subscription_canceled'),
      ...base,
      detail: {
        by: value.cancel?.by ?? 'unknown',
        reason: value.cancel?.reason ?? null,
        atPeriodEnd: value.cancel?.atPeriodEnd ?? false,
        superseded: successor !== null && successor.at <= at + SUCCESSION_MS,
      },
    })
  }
}

function tell(walk: Walk, fact: Parameters<FactSet['add']>[0]): void {
  walk.facts.add(fact)
  walk.statusFact = { kind: fact.kind, key: fact.key, at: fact.at }
}

function addTrialEnded(walk: Walk, step: SubscriptionStep, to: SubscriptionStatus): void {
  const trial: Period | null = step.from?.trial ?? step.to.trial
  walk.facts.add({
    kind: 'subscription_trial_ended',
    key: factKey(walk.id, 'subscription_trial_ended', trial?.from ?? walk.since),
    ...common(walk, step.stamp, [step.event], step.sure),
    detail: { to },
  })
}

/** What made it past due: the failure or overdue notice nearest before. */
function causeOf(walk: Walk, value: ObservedSubscription, at: Stamp) {
  const near = walk.happenings
    .map((told) => told.happening)
    .filter((happening) => happening.stamp <= at + SAME_FAILURE_MS && happening.stamp >= walk.since)
  const failure = near.findLast((happening) => happening.what === 'payment_failed')
  const overdue = near.findLast((happening) => happening.what === 'invoice_overdue')
  if (failure?.what === 'payment_failed') {
    return { invoice: failure.invoice ?? value.latestInvoice, reason: 'payment_failed', cycle: failure.cycle } as const
  }
  const invoice = overdue?.what === 'invoice_overdue' ? overdue.invoice : null
  if (overdue !== undefined || value.collection === 'manual') {
    return { invoice: invoice ?? value.latestInvoice, reason: 'overdue', cycle: null } as const
  }
  return { invoice: value.latestInvoice, reason: 'unknown', cycle: null } as const
}

/** Pause of collection, and plan, quantity or other terms. */
function changeTerms(walk: Walk, step: SubscriptionStep, from: ObservedSubscription): void {
  const { to } = step
  const changes = changesBetween(from, to)
  if (changes.length === 0) return
  walk.facts.add({
    kind: 'subscription_changed',
    key: factKey(walk.id, 'subscription_changed', step.stamp),
    ...common(walk, step.stamp, [step.event], step.sure),
    detail: { changes, plan: to.plan, direction: directionOf(from, to) },
  })
}

function changePlans(walk: Walk, step: SubscriptionStep, from: ObservedSubscription | null): void {
  const { to } = step
  const base = common(walk, step.stamp, [step.event], step.sure)
  const paused = from?.pause?.scope === 'collection'
  if (to.pause?.scope === 'collection' && !paused) {
    walk.facts.add({
      kind: 'subscription_paused',
      key: factKey(walk.id, 'subscription_paused', step.stamp),
      ...base,
      detail: { scope: 'collection', resumesAt: to.pause.resumesAt, by: to.pause.by },
    })
  } else if (to.pause === null && paused) {
    const key = factKey(walk.id, 'subscription_resumed', step.stamp)
    walk.facts.add({ kind: 'subscription_resumed', key, ...base, detail: { scope: 'collection' } })
  }
  const [before, after] = [from?.cancel ?? null, to.cancel]
  if (after !== null && (before === null || (before.at !== null && after.at !== null && before.at !== after.at))) {
    walk.facts.add({
      kind: 'subscription_cancel_scheduled',
      key: factKey(walk.id, 'subscription_cancel_scheduled', step.stamp),
      ...base,
      detail: { at: after.at, atPeriodEnd: after.atPeriodEnd, by: after.by },
    })
  } else if (after === null && before !== null) {
    const key = factKey(walk.id, 'subscription_cancel_unscheduled', step.stamp)
    walk.facts.add({ kind: 'subscription_cancel_unscheduled', key, ...base, detail: {} })
  }
}

function takeHappening(walk: Walk, told: ToldHappening, silent: boolean): void {
  const { happening } = told
  const to = statusAfter(happening, walk.status)
  if (to !== null && !silent && to !== walk.status && !isTerminal(walk.status)) {
    const value = walk.value ?? { ...bare(walk), status: to }
    const { stamp: at } = happening
    if (walk.status === 'trialing') endTrialByHappening(walk, told, to)
    const from = walk.status === 'unknown' ? walk.lastKnown : walk.status
    enterStatus(walk, to, { from, value, at, events: told.events, sure: told.sure, step: null })
    setStatus(walk, to, at)
    walk.sure = told.sure
    const invoice = 'invoice' in happening ? happening.invoice : null
    walk.failure = to === 'past_due' ? { invoice } : null
  }
  if (walk.lastEvent === '') walk.lastEvent = happening.event
}

/** The invoice whose failure alone made it past due is paid. */
function takePaid(walk: Walk, event: Extract<Event, { readonly kind: 'paid' }>): void {
  const { invoice, step, silent } = event
  if (silent || walk.status !== 'past_due' || walk.failure === null || walk.failure.invoice !== invoice) return
  const value = walk.value ?? bare(walk)
  const entering = { from: walk.status, value, at: step.stamp, events: [step.event], sure: step.sure, step: null }
  enterStatus(walk, 'active', entering)
  setStatus(walk, 'active', step.stamp)
  walk.failure = null
}

function endTrialByHappening(walk: Walk, told: ToldHappening, to: SubscriptionStatus): void {
  walk.facts.add({
    kind: 'subscription_trial_ended',
    key: factKey(walk.id, 'subscription_trial_ended', walk.value?.trial?.from ?? walk.since),
    ...common(walk, told.happening.stamp, told.events, told.sure),
    detail: { to },
  })
}

function bare(walk: Walk): ObservedSubscription {
  const known = walk.sources.known.subscription.get(walk.id)
  return known?.valued.value ?? EMPTY.subscription
}
