/** Pausing the service, or the collection alone, and going on. */
import type { SubscriptionCommand, SubscriptionUpdate } from '../model/commands.ts'
import type { Subscription } from '../model/entities.ts'
import { addMs, formatInstantShort } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { isTerminal } from '../model/status.ts'
import { endNow } from './end.ts'
import { draftInvoice, finalizeInvoice, voidInvoice } from './invoice.ts'
import { linesOf } from './lines.ts'
import { cycleFor, requireSubscription } from './lookup.ts'
import { edit, moved, quietly } from './moves.ts'
import { endPause } from './pending.ts'
import { shareLeft } from './proration.ts'
import { lookup, refuse, tell } from './step.ts'
import type { Step } from './step.ts'
import { can } from './tables.ts'

type Pause = Extract<SubscriptionCommand, { kind: 'subscription.pause' }>
type Resume = Extract<SubscriptionCommand, { kind: 'subscription.resume' }>

/** Pauses the service. @throws BillhookError `not_found`, `invalid_transition` */
export function pauseSubscription(step: Step, command: Pause): void {
  const subscription = requireSubscription(step, command.id)
  const rule = step.context.profile.pause
  const { status } = subscription
  if (rule.cancelsIn.includes(status)) {
    endNow(step, subscription, { by: command.by, reason: null, superseded: false })
    return
  }
  if (!rule.from.includes(status) || !can('subscription', status, 'pause'))
    refuse('invalid_transition', `subscription ${subscription.id} is ${status} and cannot be paused`, 'id')
  const resumesAt = laterThanNow(step, command.resumesAt ?? null)
  const pause: Subscription['pause'] = {
    scope: 'service',
    invoices: 'void',
    from: step.context.at,
    resumesAt,
    by: command.by,
  }
  const next = moved(step, subscription, 'pause', { pause })
  const detail = { scope: 'service' as const, resumesAt, by: command.by }
  tell(step, { kind: 'subscription_paused', subject: next.id, detail }, { subscription: next })
}

/** Ends a pause of the service. @throws BillhookError `not_found`, `invalid_transition` */
export function resumeSubscription(step: Step, command: Resume): void {
  const subscription = requireSubscription(step, command.id)
  const { pause, status, id } = subscription
  if (status !== 'paused') refuse('invalid_transition', `subscription ${id} is ${status}, not paused`, 'id')
  if (step.context.profile.pause.customerOnly && pause?.by === 'customer' && command.by !== 'customer')
    refuse('invalid_transition', `the customer paused subscription ${id}: only the customer can resume it`, 'by')
  if (subscription.resumption !== null && subscription.resumption !== undefined)
    refuse('invalid_transition', `subscription ${id} is being resumed: its invoice waits for payment`, 'id')
  resume(step, subscription, command.anchor === 'now' ? step.context.at : subscription.anchor)
}

/** The pause was to end now. */
export function onPauseEnd(step: Step, subscription: Subscription): void {
  if (subscription.pause?.scope === 'collection') resumeCollection(step, subscription)
  else resume(step, subscription, subscription.anchor)
}

function resume(step: Step, subscription: Subscription, anchor: Instant): void {
  const { at, profile } = step.context
  const { period } = subscription
  const paidRest = period !== null && period.until > at && anchor === subscription.anchor
  if (paidRest || profile.pause.resumption === 'next_cycle') {
    endPause(step, subscription, anchor)
    return
  }
  billResumption(step, subscription, anchor)
}

/** The cycle that runs from now on is billed at once; the service goes on when it is paid. */
function billResumption(step: Step, subscription: Subscription, anchor: Instant): void {
  const { at, profile } = step.context
  const { period } = cycleFor(step, { ...subscription, anchor }, at)
  const rest = { from: at, until: period.until }
  const share = period.from === at ? null : shareLeft(period, at, profile.prorationUnit)
  const id = step.context.mint('invoice')
  const window = profile.pause.resumptionMs
  const { cycles } = subscription
  const waiting = quietly(step, subscription, {
    resumption: { invoice: id, anchor, expiresAt: window === null ? null : addMs(at, window) },
    pause: subscription.pause === null ? null : { ...subscription.pause, resumesAt: null },
    latestInvoice: id,
    cycles: { ...cycles, invoiced: cycles.invoiced + 1 },
  })
  const invoice = draftInvoice(step, {
    id,
    subscription: waiting,
    reason: 'cycle',
    currency: waiting.currency,
    lines: linesOf(step, waiting, { advance: rest, arrears: null, share }),
    period: rest,
    collection: waiting.collection,
    dueAt: null,
    finalize: 'now',
    autoAdvance: true,
    pendingItems: true,
  })
  finalizeInvoice(step, invoice)
}

/** The invoice of a resumption was not paid in time: it is void, and the pause goes on. */
export function onResumptionExpired(step: Step, subscription: Subscription): void {
  const invoice = lookup(step.state.invoices, subscription.resumption?.invoice ?? null)
  const { cycles } = subscription
  quietly(step, subscription, {
    resumption: null,
    cycles: { ...cycles, invoiced: Math.max(0, cycles.invoiced - 1) },
  })
  if (invoice !== null && can('invoice', invoice.status, 'void')) voidInvoice(step, invoice)
}

type PauseCollection = NonNullable<SubscriptionUpdate['pauseCollection']>

/** Stops collecting: service and invoices go on. @throws BillhookError `invalid_transition` */
export function pauseCollection(step: Step, subscription: Subscription, wanted: PauseCollection): Subscription {
  if (!step.context.profile.pause.collection)
    refuse('invalid_transition', 'this provider cannot pause the collection alone', 'pauseCollection')
  if (isTerminal(subscription.status) || subscription.status === 'paused')
    refuse('invalid_transition', `subscription ${subscription.id} is ${subscription.status}`, 'pauseCollection')
  const resumesAt = laterThanNow(step, wanted.resumesAt)
  const pause: Subscription['pause'] = {
    scope: 'collection',
    invoices: wanted.invoices,
    from: step.context.at,
    resumesAt,
    by: 'admin',
  }
  const next = edit(step, subscription, { pause })
  const detail = { scope: 'collection' as const, resumesAt, by: 'admin' as const }
  tell(step, { kind: 'subscription_paused', subject: next.id, detail }, { subscription: next })
  return next
}

/** Collects again from the next invoice on. Drafts that were kept are finalized by hand. */
export function resumeCollection(step: Step, subscription: Subscription): Subscription {
  if (subscription.pause?.scope !== 'collection') return subscription
  const next = edit(step, subscription, { pause: null })
  tell(
    step,
    { kind: 'subscription_resumed', subject: next.id, detail: { scope: 'collection' } },
    { subscription: next },
  )
  return next
}

function laterThanNow(step: Step, resumesAt: Instant | null): Instant | null {
  if (resumesAt !== null && resumesAt <= step.context.at)
    refuse('invalid_request', `resumesAt ${formatInstantShort(resumesAt)} does not lie after now`, 'resumesAt')
  return resumesAt
}
