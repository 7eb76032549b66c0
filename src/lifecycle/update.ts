/** Changing a subscription. */
import type { SubscriptionUpdate } from '../model/commands.ts'
import type { Subscription } from '../model/entities.ts'
import { formatInstantShort } from '../model/instant.ts'
import { isTerminal } from '../model/status.ts'
import { replaceAgreement } from './agreement.ts'
import { periodEnd, scheduleCancel, unscheduleCancel } from './cancel.ts'
import { tellChanged } from './changed.ts'
import { requireMethod } from './customer.ts'
import { requireSubscription } from './lookup.ts'
import { edit, nextCharge } from './moves.ts'
import { pauseCollection, resumeCollection } from './pause.ts'
import { changeItems } from './plan_change.ts'
import { onTrialEnd, announceTrialEnd } from './renewal.ts'
import { lookup, refuse, tell } from './step.ts'
import type { Step } from './step.ts'

/** @throws BillhookError `not_found`, `invalid_transition`, `invalid_request`, `currency_mismatch` */
export function updateSubscription(step: Step, command: SubscriptionUpdate): void {
  const subscription = requireSubscription(step, command.id)
  if (isTerminal(subscription.status))
    refuse(
      'invalid_transition',
      `subscription ${subscription.id} is ${subscription.status} and cannot be changed`,
      'id',
    )
  const again = (): Subscription => lookup(step.state.subscriptions, command.id) ?? subscription
  updateTerms(step, again(), command)
  if (again() !== subscription && isTerminal(again().status)) return
  updateFields(step, again(), command)
  updatePause(step, again(), command)
  updateEnd(step, again(), command)
  updateTrial(step, again(), command)
}

/** Items, quantity, collection and number of cycles. */
function updateTerms(step: Step, subscription: Subscription, command: SubscriptionUpdate): void {
  const { quantity } = command
  const items =
    command.items ?? (quantity === undefined ? undefined : subscription.items.map(({ price }) => ({ price, quantity })))
  if (items !== undefined) {
    if (step.context.profile.planChange === 'replace')
      replaceAgreement(step, subscription, { items, prorate: command.proration !== 'none' })
    else changeItems(step, subscription, { ...command, items })
  }
  const now = lookup(step.state.subscriptions, subscription.id) ?? subscription
  const total = command.totalCycles
  if (total !== undefined && total !== null && (!Number.isInteger(total) || total < Math.max(1, now.cycles.invoiced)))
    refuse(
      'invalid_request',
      `totalCycles ${total} is not a whole number from ${now.cycles.invoiced} on`,
      'totalCycles',
    )
  const next = edit(step, now, {
    collection: command.collection ?? now.collection,
    daysUntilDue: command.daysUntilDue === undefined ? now.daysUntilDue : command.daysUntilDue,
    cycles: total === undefined ? now.cycles : { ...now.cycles, total },
  })
  if (next.collection !== now.collection || next.cycles.total !== now.cycles.total)
    tellChanged(step, now, { ...next, nextChargeAt: nextCharge(step, next) })
}

/** What has no fact of its own. */
function updateFields(step: Step, subscription: Subscription, command: SubscriptionUpdate): void {
  const { metadata, defaultPaymentMethod } = command
  if (metadata === undefined && defaultPaymentMethod === undefined) return
  if (defaultPaymentMethod !== undefined && defaultPaymentMethod !== null) requireMethod(step, defaultPaymentMethod)
  const next = edit(step, subscription, {
    metadata: metadata ?? subscription.metadata,
    defaultPaymentMethod: defaultPaymentMethod === undefined ? subscription.defaultPaymentMethod : defaultPaymentMethod,
  })
  tell(step, { kind: 'subscription_updated', subject: next.id }, { subscription: next })
}

function updatePause(step: Step, subscription: Subscription, command: SubscriptionUpdate): void {
  const { pauseCollection: wanted } = command
  if (wanted === undefined) return
  if (wanted === null) resumeCollection(step, subscription)
  else pauseCollection(step, subscription, wanted)
}

function updateEnd(step: Step, subscription: Subscription, command: SubscriptionUpdate): void {
  const { cancelAtPeriodEnd, cancelAt } = command
  const by = command.by ?? 'customer'
  const reason = command.cancelReason ?? null
  if (cancelAt !== undefined && cancelAt !== null) {
    const atPeriodEnd = cancelAt === periodEnd(subscription)
    scheduleCancel(step, subscription, { at: cancelAt, atPeriodEnd, by, reason })
    return
  }
  if (cancelAtPeriodEnd === true) {
    const at = periodEnd(subscription)
    if (at === null)
      return refuse('invalid_transition', `subscription ${subscription.id} has no cycle that ends`, 'cancelAtPeriodEnd')
    if (subscription.cancel?.atPeriodEnd === true) return
    scheduleCancel(step, subscription, { at, atPeriodEnd: true, by, reason })
    return
  }
  if (cancelAtPeriodEnd === false || cancelAt === null) unscheduleCancel(step, subscription)
}

/** Ends a trial now, or moves its end. */
function updateTrial(step: Step, subscription: Subscription, command: SubscriptionUpdate): void {
  const { trialEnd } = command
  if (trialEnd === undefined) return
  const { trial, status, id } = subscription
  if (status !== 'trialing' || trial === null)
    return refuse('invalid_transition', `subscription ${id} is ${status}: it has no trial that could end`, 'trialEnd')
  const { at } = step.context
  if (trialEnd !== 'now' && trialEnd <= at)
    return refuse('invalid_request', `trialEnd ${formatInstantShort(trialEnd)} does not lie after now`, 'trialEnd')
  const until = trialEnd === 'now' ? at : trialEnd
  const moved = edit(step, subscription, {
    trial: { from: trial.from, until },
    anchor: until,
    period: { from: trial.from, until },
    nextChargeAt: until,
  })
  if (trialEnd !== 'now') {
    tell(step, { kind: 'subscription_updated', subject: id }, { subscription: moved })
    return
  }
  // The change of the trial is seen in the activation that follows at once.
  const ending = { ...subscription, trial: moved.trial, anchor: at }
  announceTrialEnd(step, ending)
  onTrialEnd(step, lookup(step.state.subscriptions, id) ?? ending, false)
}
