/** What the clock will do, and when: read off the state, never stored. */
import type { Checkout, Invoice, Subscription } from '../model/entities.ts'
import { addMs, latest } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { isTerminal } from '../model/status.ts'
import type { CustomerState, DueContext } from './state.ts'
import { lookup } from './step.ts'

/**
 * What can fall due, in the order in which things of one instant are done: pauses end and notices go out before anything is
 * billed; a subscription ends before it would be renewed or retried; retries come before the next renewal.
 */
const DUE_KINDS = [
  'pause_end',
  'trial_ending',
  'renewal_upcoming',
  'expire',
  'change_expired',
  'resumption_expired',
  'cancel',
  'start',
  'retry',
  'trial_end',
  'period_end',
  'finalize',
  'due_soon',
  'overdue',
  'overdue_end',
  'checkout_expired',
] as const

/** One of {@link DUE_KINDS}. */
export type DueKind = (typeof DUE_KINDS)[number]

/** One thing that falls due. `id` is that of the subscription, invoice or checkout. */
export interface DueItem {
  readonly at: Instant
  readonly kind: DueKind
  readonly id: string
  /** When the thing was made: the older one goes first. */
  readonly madeAt: Instant
}

/** When the engine has something to do next; null: not before a command. */
export function due(state: CustomerState, context: DueContext): Instant | null {
  let first: Instant | null = null
  for (const item of dueItems(state, context)) if (first === null || item.at < first) first = item.at
  return first
}

/** The first thing that is due at `at`, or null. */
export function firstDue(state: CustomerState, context: DueContext, at: Instant): DueItem | null {
  let first: DueItem | null = null
  for (const item of dueItems(state, context)) {
    if (item.at <= at && (first === null || isBefore(item, first))) first = item
  }
  return first
}

function isBefore(a: DueItem, b: DueItem): boolean {
  if (a.at !== b.at) return a.at < b.at
  if (a.kind !== b.kind) return DUE_KINDS.indexOf(a.kind) < DUE_KINDS.indexOf(b.kind)
  return a.madeAt === b.madeAt ? a.id < b.id : a.madeAt < b.madeAt
}

/** All that will fall due as things stand, in no order. */
export function dueItems(state: CustomerState, context: DueContext): readonly DueItem[] {
  const items: DueItem[] = []
  for (const subscription of Object.values(state.subscriptions)) {
    if (isTerminal(subscription.status)) continue
    const add = (kind: DueKind, at: Instant | null): void => {
      if (at !== null) items.push({ at, kind, id: subscription.id, madeAt: subscription.createdAt })
    }
    dueOfSubscription(state, context, subscription, add)
  }
  for (const invoice of Object.values(state.invoices)) {
    const add = (kind: DueKind, at: Instant | null): void => {
      if (at !== null) items.push({ at, kind, id: invoice.id, madeAt: invoice.createdAt })
    }
    dueOfInvoice(state, context, invoice, add)
  }
  for (const checkout of Object.values(state.checkouts)) {
    if (checkout.status === 'open') items.push(dueOfCheckout(checkout))
  }
  return items
}

function dueOfCheckout(checkout: Checkout): DueItem {
  return { at: checkout.expiresAt, kind: 'checkout_expired', id: checkout.id, madeAt: checkout.createdAt }
}

type Add = (kind: DueKind, at: Instant | null) => void

function dueOfSubscription(state: CustomerState, context: DueContext, subscription: Subscription, add: Add): void {
  const { profile } = context
  const { status, trial, period, cancel, pause } = subscription
  add('pause_end', pause?.resumesAt ?? null)
  add('change_expired', unlessInFlight(state, subscription.pendingChange ?? null))
  add('resumption_expired', unlessInFlight(state, subscription.resumption ?? null))
  // At the end of a cycle the cancellation is part of that end.
  const atEnd = (status === 'active' || status === 'past_due' || status === 'unpaid') && cancel?.at === period?.until
  if (cancel !== null && !atEnd) add('cancel', cancel.at)
  add('trial_ending', trialNotice(context, subscription))
  add('renewal_upcoming', renewalNotice(context, subscription))
  switch (status) {
    case 'pending':
      if (profile.start.firstPayment === 'authorize')
        add('expire', isProcessing(state, subscription.latestInvoice) ? null : offerEnd(subscription))
      else if (subscription.cycle === null) add('start', subscription.startAt)
      else add('expire', firstPaymentEnd(state, context, subscription))
      return
    case 'incomplete':
      add('expire', firstPaymentEnd(state, context, subscription))
      return
    case 'authorized':
      add('start', subscription.startAt)
      return
    case 'trialing':
      // Where the first payment ends the trial, the cycle has begun before the status changes.
      if (trial !== null && (period === null || period.from < trial.until)) add('trial_end', trial.until)
      else if (period !== null) add('period_end', period.until)
      return
    case 'active':
    case 'past_due':
    case 'unpaid':
      add('period_end', period?.until ?? null)
      return
    case 'paused':
    case 'canceled':
    case 'completed':
    case 'expired':
    case 'unknown':
      return
  }
}

/** Until when the customer may authorize: the offer's end, or the start of a service that was to start later. */
function offerEnd(subscription: Subscription): Instant | null {
  const { authorization, startAt, createdAt, cycle } = subscription
  const waitsForStart = cycle === null && startAt > createdAt
  return authorization?.expiresAt ?? (waitsForStart ? startAt : null)
}

/** Until when the first payment may be made; a payment that is on its way is waited for. */
function firstPaymentEnd(state: CustomerState, context: DueContext, subscription: Subscription): Instant | null {
  const { incompleteMs } = context.profile.start
  if (incompleteMs === null || isProcessing(state, subscription.latestInvoice)) return null
  return addMs(subscription.createdAt, incompleteMs)
}

function unlessInFlight(
  state: CustomerState,
  waiting: { readonly invoice: string; readonly expiresAt: Instant | null } | null,
): Instant | null {
  return waiting === null || isProcessing(state, waiting.invoice) ? null : waiting.expiresAt
}

function isProcessing(state: CustomerState, invoiceId: string | null): boolean {
  const payment = lookup(state.payments, lookup(state.invoices, invoiceId)?.payment ?? null)
  return payment !== null && payment.attempt > 0 && (payment.status === 'processing' || payment.status === 'initiated')
}

function trialNotice({ profile }: DueContext, subscription: Subscription): Instant | null {
  const { status, trial, period, announced } = subscription
  const { trialEndingMs } = profile.notices
  if (status !== 'trialing' || trial === null || trialEndingMs === null) return null
  if (announced?.trialEnd === trial.until) return null
  // The first payment has ended the trial: its cycle has begun.
  if (period !== null && period.from >= trial.until) return null
  return addMs(trial.until, -trialEndingMs)
}

function renewalNotice({ profile }: DueContext, subscription: Subscription): Instant | null {
  const { status, trial, period, pause, collection, announced, createdAt } = subscription
  const { upcomingMs } = profile.notices
  if (upcomingMs === null || collection === 'manual' || pause !== null) return null
  if (status !== 'trialing' && status !== 'active') return null
  const renewsAt = (status === 'trialing' ? trial : period)?.until ?? null
  if (renewsAt === null || announced?.renewal === renewsAt || endsBy(subscription, renewsAt)) return null
  const planned = addMs(renewsAt, -upcomingMs)
  // A cycle that is shorter than the notice is announced when it begins.
  return latest(planned, period?.from ?? createdAt)
}

/** Whether there is no renewal at this end of a cycle: it is canceled by then, or this is the last cycle. */
function endsBy({ cancel, cycles }: Subscription, renewsAt: Instant): boolean {
  if (cancel !== null && cancel.at <= renewsAt) return true
  return cycles.total !== null && cycles.invoiced >= cycles.total
}

function dueOfInvoice(state: CustomerState, context: DueContext, invoice: Invoice, add: Add): void {
  const { status, gate, finalizesAt } = invoice
  if (status === 'draft') {
    if (finalizesAt !== null) add('finalize', gate.state === 'waiting' ? gate.latestAt : finalizesAt)
    return
  }
  if (status !== 'open' || isProcessing(state, invoice.id)) return
  if (invoice.autoAdvance) add('retry', invoice.nextAttemptAt)
  if (invoice.overdueAt !== null) {
    add('overdue_end', overdueEnd(state, context, invoice))
    return
  }
  add('due_soon', dueSoon(context, invoice))
  add('overdue', invoice.dueAt ?? unpaidEnd(context, invoice))
}

function dueSoon({ profile }: DueContext, { dueAt, dueAnnouncedAt }: Invoice): Instant | null {
  const { willBeDueMs } = profile.notices
  if (dueAt === null || willBeDueMs === null || (dueAnnouncedAt ?? null) !== null) return null
  return addMs(dueAt, -willBeDueMs)
}

/** When an invoice that is charged automatically, and has no due date, becomes overdue. */
function unpaidEnd({ profile }: DueContext, invoice: Invoice): Instant | null {
  const { automaticMs } = profile.overdue
  if (automaticMs === null || invoice.finalizedAt === null) return null
  return invoice.autoAdvance || invoice.attempts > 0 ? addMs(invoice.finalizedAt, automaticMs) : null
}

/** When an overdue invoice counts as given up. */
function overdueEnd(state: CustomerState, { profile }: DueContext, invoice: Invoice): Instant | null {
  const { exhaustsMs } = profile.overdue
  if (exhaustsMs === null || invoice.dueAt === null || !invoice.autoAdvance) return null
  const isPastDue = lookup(state.subscriptions, invoice.subscription)?.status === 'past_due'
  return isPastDue ? addMs(invoice.dueAt, exhaustsMs) : null
}
