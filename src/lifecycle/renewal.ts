/** What the clock does to a subscription: its start, the end of its trial, its renewals, and what is announced before. */
import type { Period } from '../model/calendar.ts'
import type { Invoice, Subscription } from '../model/entities.ts'
import { addMs } from '../model/instant.ts'
import { zero, sum } from '../model/money.ts'
import { tellChanged } from './changed.ts'
import { billRest, completeNow, endNow } from './end.ts'
import { announced, startCycle } from './first.ts'
import { draftInvoice, finalizeInvoice } from './invoice.ts'
import { linesOf } from './lines.ts'
import { cycleFor, methodFor } from './lookup.ts'
import { activate, complete, edit, endTrial, moved, nextCharge } from './moves.ts'
import { shareLeft } from './proration.ts'
import { lookup, planOf, put, tell, tellShowing } from './step.ts'
import type { Step } from './step.ts'

/** The start that a subscription waited for has come. */
export function onStart(step: Step, subscription: Subscription): void {
  if (subscription.status === 'authorized') {
    // Active from its start, before the charge: a failed charge makes it past due.
    const active = activate(step, subscription, 'start', { nextChargeAt: step.context.at })
    startCycle(step, active)
    return
  }
  if (subscription.trial !== null) {
    const next = moved(step, subscription, 'start_trial', {
      startedAt: step.context.at,
      period: subscription.trial,
    })
    const detail = { plan: planOf(step.context, next.items), trial: next.trial }
    tell(step, { kind: 'subscription_trial_started', subject: next.id, detail }, { subscription: next })
    return
  }
  const waits = step.context.profile.start.unpaidStatus !== 'active' && subscription.collection === 'automatic'
  startCycle(step, waits ? subscription : activate(step, subscription, 'start'))
}

/** The trial is over: it is canceled or paused where there is nothing to charge and it was to be so; else it is billed. */
export function onTrialEnd(step: Step, subscription: Subscription, gated = true): void {
  const method = methodFor(step, null, subscription)
  if (method === null && subscription.collection === 'automatic') {
    if (subscription.trialEndBehavior === 'cancel') {
      endNow(step, subscription, { by: 'system', reason: 'payment_method_missing', superseded: false })
      return
    }
    if (subscription.trialEndBehavior === 'pause') {
      pauseAtTrialEnd(step, subscription)
      return
    }
  }
  // A customer who pays by hand is not served on trial until the invoice is paid.
  if (step.context.profile.trial.activates === 'at_end' || subscription.collection === 'manual') {
    const { index, period } = nextCycle(step, subscription)
    const id = step.context.mint('invoice')
    const { cycles } = subscription
    const next = activate(step, subscription, 'trial_end', {
      cycle: index,
      period,
      latestInvoice: id,
      cycles: { ...cycles, invoiced: cycles.invoiced + 1 },
    })
    bill(step, next, { id, advance: period, arrears: null, gated })
    return
  }
  renew(step, subscription, gated)
}

function pauseAtTrialEnd(step: Step, subscription: Subscription): void {
  endTrial(step, subscription, 'paused')
  const pause: Subscription['pause'] = {
    scope: 'service',
    invoices: 'void',
    from: step.context.at,
    resumesAt: null,
    by: 'system',
  }
  const next = moved(step, subscription, 'pause', { pause })
  const detail = { scope: 'service' as const, resumesAt: null, by: 'system' as const }
  tell(step, { kind: 'subscription_paused', subject: next.id, detail }, { subscription: next })
}

/** The cycle is over: the subscription ends, or goes on into the next one. */
export function onPeriodEnd(step: Step, subscription: Subscription): void {
  if (subscription.status === 'trialing') {
    // Its first payment is on its way since the trial ended, for a whole cycle: it is no trial any more.
    activate(step, subscription, 'trial_end')
    return
  }
  const { cancel, cycles, period } = subscription
  if (cancel !== null && period !== null && cancel.at <= period.until) return onCancelDue(step, subscription)
  if (cycles.total !== null && cycles.invoiced >= cycles.total) return completeNow(step, subscription)
  renew(step, applyScheduled(step, subscription), true)
}

/** A planned cancellation takes effect; what was used is billed first. */
export function onCancelDue(step: Step, subscription: Subscription): void {
  billRest(step, subscription)
  const { cancel } = subscription
  const ending = { by: cancel?.by ?? 'system', reason: cancel?.reason ?? null, superseded: false } as const
  endNow(step, lookup(step.state.subscriptions, subscription.id) ?? subscription, ending)
}

/** A change that waited for the end of the cycle takes effect. */
function applyScheduled(step: Step, subscription: Subscription): Subscription {
  const change = subscription.scheduledChange
  if (change === null || change.at > step.context.at) return subscription
  const items = change.items.map((input, index) => {
    const same = subscription.items.find((item) => item.price === input.price) ?? subscription.items[index]
    const id = same?.id ?? step.context.mint('subscription_item')
    return { id, price: input.price, quantity: input.quantity, createdAt: same?.createdAt ?? step.context.at }
  })
  const first = lookup(step.context.catalog.prices, items[0]?.price ?? null)
  const interval = first?.interval ?? subscription.interval
  const same = interval?.unit === subscription.interval?.unit && interval?.count === subscription.interval?.count
  const anchor = same ? subscription.anchor : (subscription.period?.until ?? step.context.at)
  const next = edit(step, subscription, { items, interval, anchor, scheduledChange: null })
  tellChanged(step, subscription, next)
  put(step, { subscription: next })
  return next
}

function renew(step: Step, subscription: Subscription, gated: boolean): void {
  const before = subscription.period
  const { index, period } = nextCycle(step, subscription)
  const id = step.context.mint('invoice')
  const { cycles } = subscription
  const next = edit(step, subscription, {
    cycle: index,
    period,
    latestInvoice: id,
    cycles: { ...cycles, invoiced: cycles.invoiced + 1 },
    failedAttempts: 0,
  })
  const planned = { ...next, nextChargeAt: nextCharge(step, next) }
  const arrears = subscription.status === 'trialing' ? null : before
  const cycleFirst = step.context.profile.order.renewal === 'cycle_then_drafted'
  bill(step, planned, { id, advance: period, arrears, gated, cycleFirst, tellsCycle: true })
}

/** The cycle after the one that ends; for a trial the first one. */
function nextCycle(step: Step, subscription: Subscription): { readonly index: number; readonly period: Period } {
  const { at } = step.context
  const { trial, period, status } = subscription
  const from = status === 'trialing' && trial !== null ? trial.until : (period?.until ?? at)
  const next = cycleFor(step, subscription, from)
  // Cycles that are counted from a later instant begin with a shorter one.
  return { index: next.index, period: { from, until: next.period.until } }
}

interface Bill {
  readonly id: string
  readonly advance: Period
  readonly arrears: Period | null
  readonly gated: boolean
  readonly cycleFirst?: boolean
  readonly tellsCycle?: boolean
}

function bill(step: Step, subscription: Subscription, what: Bill): void {
  const { profile } = step.context
  const whole = cycleFor(step, subscription, what.advance.from).period
  const share = whole.from === what.advance.from ? null : shareLeft(whole, what.advance.from, profile.prorationUnit)
  const lines = linesOf(step, subscription, { advance: what.advance, arrears: what.arrears, share })
  const unpaid = subscription.status === 'unpaid'
  const halted = unpaid && profile.dunning.subscription === 'halt'
  const kept = subscription.pause?.scope === 'collection' && subscription.pause.invoices === 'keep_as_draft'
  const held = (unpaid && !halted) || kept
  const later = profile.draftMs > 0 && what.gated
  const cycleStarted = (): void => {
    if (what.tellsCycle === true)
      tell(step, { kind: 'subscription_cycle_started', subject: subscription.id }, { subscription })
  }
  if (what.cycleFirst === true) cycleStarted()
  const invoice = draftInvoice(step, {
    id: what.id,
    subscription,
    reason: 'cycle',
    currency: subscription.currency,
    lines,
    period: what.advance,
    collection: subscription.collection,
    dueAt: null,
    finalize: held ? 'never' : later ? 'later' : 'now',
    autoAdvance: !held && !halted,
    pendingItems: true,
  })
  if (what.cycleFirst !== true) cycleStarted()
  if (!held && !later) finalizeInvoice(step, invoice)
  if (halted) completeUncharged(step, subscription)
}

/** Nobody will charge the last invoice: no payment completes the subscription, its making does. */
function completeUncharged(step: Step, subscription: Subscription): void {
  const { total, invoiced } = subscription.cycles
  if (total === null || invoiced < total || step.context.profile.completion !== 'on_last_invoice') return
  complete(step, lookup(step.state.subscriptions, subscription.id) ?? subscription)
}

/** The trial will end soon. */
export function announceTrialEnd(step: Step, subscription: Subscription): void {
  const { trial } = subscription
  if (trial === null) return
  const next = announced(step, subscription, { trialEnd: trial.until })
  const paymentMethod = methodFor(step, null, next) === null ? 'no' : 'yes'
  const detail = { trialEndsAt: trial.until, paymentMethod } as const
  tell(step, { kind: 'subscription_trial_ending', subject: next.id, detail }, { subscription: next })
}

/** A renewal will be charged soon: told with the invoice as it would be now. */
export function announceRenewal(step: Step, subscription: Subscription): void {
  const renewsAt =
    subscription.status === 'trialing' ? (subscription.trial?.until ?? null) : (subscription.period?.until ?? null)
  if (renewsAt === null) return
  const next = announced(step, subscription, { renewal: renewsAt })
  const preview = previewOf(step, next, renewsAt)
  const detail = { renewsAt, amount: preview.amountDue }
  tellShowing(
    step,
    { kind: 'subscription_renewal_upcoming', subject: next.id, detail },
    { subscription: next },
    { invoice: preview },
  )
}

function previewOf(step: Step, subscription: Subscription, renewsAt: Subscription['startAt']): Invoice {
  const { at, profile } = step.context
  const change = subscription.scheduledChange
  const { mint } = step.context
  // Lines and items that are not there yet have ids of their own: receivers keep what they are shown by its id.
  const planned = change?.items.map((item) => ({ ...item, id: mint('subscription_item'), createdAt: at }))
  const items = planned ?? subscription.items
  const period = cycleFor(step, subscription, renewsAt).period
  const arrears = subscription.status === 'trialing' ? null : subscription.period
  const scratch: Step = { ...step, tellings: [], charges: [], refunds: [] }
  const draft = draftInvoice(scratch, {
    id: `${subscription.id}_upcoming`,
    subscription,
    reason: 'cycle',
    currency: subscription.currency,
    lines: linesOf(scratch, { ...subscription, items }, { advance: period, arrears }),
    period,
    collection: subscription.collection,
    dueAt: null,
    finalize: 'never',
    autoAdvance: true,
    pendingItems: true,
  })
  const amountDue = draft.lines.length === 0 ? zero(draft.currency) : draft.amountDue
  const total = sum(
    draft.lines.map((line) => line.amount),
    draft.currency,
  )
  return { ...draft, total, amountDue, createdAt: at, nextAttemptAt: addMs(renewsAt, profile.draftMs) }
}
