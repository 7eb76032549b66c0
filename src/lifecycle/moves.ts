/** The moves of a subscription's status: each tells what happened and changes nothing else than the subscription. */
import type { Invoice, Subscription } from '../model/entities.ts'
import type { Instant } from '../model/instant.ts'
import type { Actor, SubscriptionStatus } from '../model/status.ts'
import { planOf, put, tell } from './step.ts'
import type { Step } from './step.ts'
import { moveSubscription } from './tables.ts'
import type { Trigger } from './tables.ts'

/** The subscription with these fields, changed now. */
export function edit(step: Step, subscription: Subscription, fields: Partial<Subscription>): Subscription {
  return { ...subscription, ...fields, updatedAt: step.context.at }
}

/** When the engine will charge it next, as far as its own state says; a retry is planned by its invoice. */
export function nextCharge(step: Step, subscription: Subscription): Instant | null {
  const { at } = step.context
  const { status, startAt, trial, period, cycles, cancel } = subscription
  switch (status) {
    case 'pending':
    case 'authorized':
      return startAt > at ? startAt : null
    case 'trialing':
      return cancel !== null && trial !== null && cancel.at <= trial.until ? null : (trial?.until ?? null)
    case 'active':
    case 'past_due':
    case 'unpaid':
      if (period === null) return null
      if (cycles.total !== null && cycles.invoiced >= cycles.total) return null
      return cancel !== null && cancel.at <= period.until ? null : period.until
    case 'incomplete':
    case 'paused':
    case 'canceled':
    case 'completed':
    case 'expired':
    case 'unknown':
      return null
  }
}

/** The subscription in its new status, with the charge that is planned then. */
export function moved(
  step: Step,
  subscription: Subscription,
  on: Trigger<'subscription'>,
  fields: Partial<Subscription> = {},
): Subscription {
  const status: SubscriptionStatus = moveSubscription(subscription.status, on)
  const next = edit(step, subscription, { ...fields, status })
  return { ...next, nextChargeAt: fields.nextChargeAt ?? nextCharge(step, next) }
}

/** It becomes active, for the first time or again. A trial that was running is told to be over first. */
export function activate(
  step: Step,
  subscription: Subscription,
  on: 'paid' | 'recover' | 'trial_end' | 'start',
  fields: Partial<Subscription> = {},
): Subscription {
  endTrial(step, subscription, 'active')
  const next = moved(step, subscription, on, {
    startedAt: subscription.startedAt ?? step.context.at,
    failedAttempts: 0,
    ...fields,
  })
  const detail = { recovered: on === 'recover', plan: planOf(step.context, next.items) }
  tell(step, { kind: 'subscription_activated', subject: next.id, detail }, { subscription: next })
  return next
}

/** The customer agreed to be charged, and paid what was to be paid before the start. */
export function becomeAuthorized(step: Step, subscription: Subscription): Subscription {
  const next = moved(step, subscription, 'authorize')
  const detail = { plan: planOf(step.context, next.items), startsAt: next.startAt }
  tell(step, { kind: 'subscription_authorized', subject: next.id, detail }, { subscription: next })
  return next
}

/** Tells that a trial is over; the status changes with what is told next. */
export function endTrial(step: Step, subscription: Subscription, to: SubscriptionStatus): void {
  if (subscription.status !== 'trialing') return
  tell(step, { kind: 'subscription_trial_ended', subject: subscription.id, detail: { to } }, { subscription })
}

/** A payment failed, or an invoice is overdue. Nothing is told if it is past due already. */
export function becomePastDue(
  step: Step,
  subscription: Subscription,
  invoice: Invoice,
  reason: 'payment_failed' | 'overdue',
): Subscription {
  if (subscription.status === 'past_due') return subscription
  endTrial(step, subscription, 'past_due')
  const next = moved(step, subscription, 'failed', {
    startedAt: subscription.startedAt ?? step.context.at,
    nextChargeAt: invoice.nextAttemptAt,
  })
  const detail = { invoice: invoice.id, reason }
  tell(step, { kind: 'subscription_past_due', subject: next.id, detail }, { subscription: next, invoice })
  return next
}

/** Retries have ended without a payment. */
export function becomeUnpaid(step: Step, subscription: Subscription, invoice: Invoice): Subscription {
  const next = moved(step, subscription, 'exhaust')
  const detail = { invoice: invoice.id }
  tell(step, { kind: 'subscription_unpaid', subject: next.id, detail }, { subscription: next, invoice })
  return next
}

/** All cycles have been invoiced. */
export function complete(step: Step, subscription: Subscription): Subscription {
  const next = moved(step, subscription, 'complete', { endedAt: step.context.at, scheduledChange: null })
  const detail = { period: next.period }
  tell(step, { kind: 'subscription_completed', subject: next.id, detail }, { subscription: next })
  return next
}

/** Neither payment nor consent came in time. */
export function expire(step: Step, subscription: Subscription): Subscription {
  const next = moved(step, subscription, 'expire', { endedAt: step.context.at })
  tell(step, { kind: 'subscription_expired', subject: next.id, detail: {} }, { subscription: next })
  return next
}

/** Why a subscription ends before its time. */
export interface Ending {
  readonly by: Actor
  readonly reason: string | null
  readonly superseded: boolean
}

/** It ends now. A cancellation that was planned for now keeps who asked for it, and when. */
export function cancelNow(step: Step, subscription: Subscription, ending: Ending): Subscription {
  const { at } = step.context
  const planned = subscription.cancel !== null && subscription.cancel.at <= at ? subscription.cancel : null
  const cancel = planned ?? {
    requestedAt: subscription.cancel?.requestedAt ?? at,
    at,
    atPeriodEnd: false,
    by: ending.by,
    reason: ending.reason,
  }
  endTrial(step, subscription, 'canceled')
  const next = moved(step, subscription, 'cancel', {
    cancel,
    endedAt: at,
    scheduledChange: null,
    pendingChange: null,
    resumption: null,
  })
  const { by, reason, atPeriodEnd } = cancel
  const detail = { by, reason, atPeriodEnd, superseded: ending.superseded }
  tell(step, { kind: 'subscription_canceled', subject: next.id, detail }, { subscription: next })
  return next
}

/** Takes a change of a subscription that nobody is told of. */
export function quietly(step: Step, subscription: Subscription, fields: Partial<Subscription>): Subscription {
  const next = { ...subscription, ...fields }
  put(step, { subscription: next })
  return next
}
