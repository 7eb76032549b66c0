/** Invoices that are to be paid by hand, as their due date comes near and passes. */
import type { Invoice } from '../model/entities.ts'
import { exhaust } from './dunning.ts'
import { becomePastDue } from './moves.ts'
import { lookup, put, tell } from './step.ts'
import type { Step } from './step.ts'

/** The due date passed without a payment. */
export function becomeOverdue(step: Step, invoice: Invoice): void {
  const { at, profile } = step.context
  const next: Invoice = { ...invoice, overdueAt: at, updatedAt: at }
  const detail = { amount: next.amountDue, dueAt: next.dueAt }
  tell(step, { kind: 'invoice_overdue', subject: next.id, detail }, { invoice: next })
  const subscription = lookup(step.state.subscriptions, next.subscription)
  if (subscription !== null && subscription.status === 'active' && profile.overdue.pastDue)
    becomePastDue(step, subscription, next, 'overdue')
}

/** It will be due soon. */
export function announceDue(step: Step, invoice: Invoice): void {
  const next: Invoice = { ...invoice, dueAnnouncedAt: step.context.at }
  tell(step, { kind: 'invoice_will_be_due', subject: next.id }, { invoice: next })
}

/** It has been overdue for as long as the profile allows: the subscription ends as if retries had failed. */
export function onOverdueEnd(step: Step, invoice: Invoice): void {
  put(step, { invoice: { ...invoice, autoAdvance: false } })
  exhaust(step, { ...invoice, autoAdvance: false })
}
