/** Changes and resumptions that wait for the payment of their invoice. */
import type { Invoice, Subscription } from '../model/entities.ts'
import { tellChanged } from './changed.ts'
import { cycleFor } from './lookup.ts'
import { edit, moved } from './moves.ts'
import { lookup, tell } from './step.ts'
import type { Step } from './step.ts'

/** The invoice of a pending change was paid: the change takes effect. */
export function applyPendingChange(step: Step, invoice: Invoice): void {
  const subscription = lookup(step.state.subscriptions, invoice.subscription)
  const change = subscription?.pendingChange ?? null
  if (subscription === null || change === null || change.invoice !== invoice.id) return
  // What is told first is the change, then that it waits no more: each is seen by what was before it.
  const changed = edit(step, subscription, { items: change.items })
  tellChanged(step, subscription, changed)
  const next = { ...changed, pendingChange: null }
  tell(step, { kind: 'subscription_change_applied', subject: next.id }, { subscription: next })
}

/** The invoice of a resumption was paid, or nothing was due: the pause is over. */
export function completeResumption(step: Step, invoice: Invoice): void {
  const subscription = lookup(step.state.subscriptions, invoice.subscription)
  const resumption = subscription?.resumption ?? null
  if (subscription === null || resumption === null || resumption.invoice !== invoice.id) return
  endPause(step, subscription, resumption.anchor)
}

/** The service goes on, counted from this anchor, in the cycle that runs now. */
export function endPause(step: Step, subscription: Subscription, anchor: Subscription['anchor']): Subscription {
  const { at } = step.context
  const running = subscription.period !== null && subscription.period.until > at && anchor === subscription.anchor
  const { index, period } = cycleFor(step, { ...subscription, anchor }, at)
  const cycle = running ? {} : { cycle: index, period: { from: anchor === at ? at : period.from, until: period.until } }
  const next = moved(step, subscription, 'resume', {
    ...cycle,
    anchor,
    pause: null,
    resumption: null,
    startedAt: subscription.startedAt ?? at,
  })
  tell(step, { kind: 'subscription_resumed', subject: next.id, detail: { scope: 'service' } }, { subscription: next })
  return next
}
