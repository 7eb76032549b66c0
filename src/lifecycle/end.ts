/** The end of a subscription, and what is still to be billed then. */
import type { Invoice, Subscription } from '../model/entities.ts'
import { isTerminal } from '../model/status.ts'
import { draftInvoice, finalizeInvoice } from './invoice.ts'
import { linesOf } from './lines.ts'
import { invoicesOf } from './lookup.ts'
import { cancelNow, complete } from './moves.ts'
import type { Ending } from './moves.ts'
import { put } from './step.ts'
import type { Step } from './step.ts'

/** It ends now: nothing of it is collected by itself any more. */
export function endNow(step: Step, subscription: Subscription, ending: Ending): Subscription {
  const ended = cancelNow(step, subscription, ending)
  stopCollecting(step, ended)
  return ended
}

/** It ends because its last cycle is over; usage of that cycle is still billed. */
export function completeNow(step: Step, subscription: Subscription): void {
  billRest(step, subscription)
  complete(step, current(step, subscription))
}

/** A last invoice for what was used and is paid in arrears. Nothing is made if nothing was used. */
export function billRest(step: Step, subscription: Subscription): void {
  if (subscription.period === null || subscription.status === 'trialing') return
  const { at } = step.context
  const used = { from: subscription.period.from, until: subscription.period.until }
  const lines = linesOf(step, subscription, { advance: null, arrears: used }).filter((line) => line.amount.minor !== 0n)
  if (lines.length === 0) return
  const invoice = draftInvoice(step, {
    id: step.context.mint('invoice'),
    subscription,
    reason: 'other',
    currency: subscription.currency,
    lines,
    period: { from: used.from, until: used.until < at ? used.until : at },
    collection: subscription.collection,
    dueAt: null,
    finalize: 'now',
    autoAdvance: true,
    pendingItems: true,
  })
  finalizeInvoice(step, invoice)
}

/** Drafts stay drafts and open invoices are not tried again, whoever still wants to pay them may. */
function stopCollecting(step: Step, subscription: Subscription): void {
  for (const invoice of invoicesOf(step, subscription.id)) {
    if (invoice.status !== 'draft' && invoice.status !== 'open') continue
    if (!invoice.autoAdvance || (invoice.reason === 'other' && isTerminal(subscription.status))) continue
    const stopped: Invoice = { ...invoice, autoAdvance: false, nextAttemptAt: null, finalizesAt: null }
    put(step, { invoice: stopped })
  }
}

function current(step: Step, subscription: Subscription): Subscription {
  return step.state.subscriptions[subscription.id] ?? subscription
}
