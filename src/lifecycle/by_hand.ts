/** What a customer can do about a payment that failed: try again, or pay with another method. */
import type { MethodChoice } from '../model/commands.ts'
import type { Invoice, Subscription } from '../model/entities.ts'
import { isTerminal } from '../model/status.ts'
import { charge } from './charge.ts'
import { takeMethod } from './customer.ts'
import { openInvoices, paymentInFlight, requireSubscription } from './lookup.ts'
import { activate, edit } from './moves.ts'
import { lookup, refuse, tell, put } from './step.ts'
import type { Step } from './step.ts'

/** Charges the subscription's open invoice once more. @throws BillhookError `not_found`, `invalid_transition` */
export function retryByHand(step: Step, id: string, choice: MethodChoice | null): void {
  const subscription = requireSubscription(step, id)
  const invoice = owedInvoice(step, subscription)
  if (invoice === null)
    return refuse('invalid_transition', `subscription ${id} has no open invoice that could be charged`, 'id')
  if (paymentInFlight(step, invoice) !== null)
    refuse('invalid_transition', `a charge of invoice ${invoice.id} is on its way: wait for its outcome`, 'id')
  const method = choice === null ? null : takeMethod(step, choice, true)
  charge(step, invoice, 'hand', method)
}

/**
 * Another payment method. What it does to a subscription that is past due or unpaid is the profile's rule: the open invoice
 * is charged with it, or the subscription is active again and that invoice is left alone, or the next retry uses it.
 *
 * @throws BillhookError `not_found`, `invalid_transition`
 */
export function changeMethod(step: Step, id: string, choice: MethodChoice): void {
  const subscription = requireSubscription(step, id)
  if (isTerminal(subscription.status))
    refuse('invalid_transition', `subscription ${id} is ${subscription.status}`, 'id')
  const method = takeMethod(step, choice, true)
  const next = edit(step, subscription, { defaultPaymentMethod: method.id })
  tell(step, { kind: 'subscription_updated', subject: id }, { subscription: next })
  const { methodChange } = step.context.profile.dunning
  const rule =
    next.status === 'past_due' ? methodChange.pastDue : next.status === 'unpaid' ? methodChange.unpaid : 'wait'
  if (rule === 'wait') return
  const invoice = owedInvoice(step, next)
  if (rule === 'charge' && invoice !== null) {
    charge(step, invoice, 'hand', method)
    return
  }
  for (const open of openInvoices(step, id))
    put(step, { invoice: { ...open, autoAdvance: false, nextAttemptAt: null } })
  activate(step, next, 'recover')
}

/** The invoice that is being collected: the latest one that is open. */
function owedInvoice(step: Step, subscription: Subscription): Invoice | null {
  const latest = lookup(step.state.invoices, subscription.latestInvoice)
  if (latest !== null && latest.status === 'open') return latest
  return openInvoices(step, subscription.id).at(-1) ?? null
}
