import type { Command, SubscriptionCommand } from '../model/commands.ts'
import type { Invoice, Subscription } from '../model/entities.ts'
import { BillhookError, isBillhookError } from '../model/error.ts'
import { cancelAgreement, createAgreement } from './agreement.ts'
import { authorize } from './authorize.ts'
import { changeMethod, retryByHand } from './by_hand.ts'
import { cancelSubscription } from './cancel.ts'
import { charge } from './charge.ts'
import { decideCheckout, expireCheckout } from './checkout.ts'
import { decideCustomer } from './customer.ts'
import { firstDue } from './due.ts'
import type { DueItem } from './due.ts'
import { decideGate, passGate } from './gate.ts'
import { voidInvoice } from './invoice.ts'
import { requireCheckout, requireInvoice, requirePayment, requireSubscription } from './lookup.ts'
import { edit, expire } from './moves.ts'
import { decideInvoice } from './one_off.ts'
import { decidePayment } from './outcome.ts'
import { announceDue, becomeOverdue, onOverdueEnd } from './overdue.ts'
import { onPauseEnd, onResumptionExpired, pauseSubscription, resumeSubscription } from './pause.ts'
import { dropScheduled } from './plan_change.ts'
import { askRefund, decideRefund } from './refund.ts'
import { announceRenewal, announceTrialEnd, onCancelDue, onPeriodEnd, onStart, onTrialEnd } from './renewal.ts'
import type { Context, CustomerState, Decision, Refused } from './state.ts'
import { lookup, newStep, refuse, tell } from './step.ts'
import type { Step } from './step.ts'
import { createSubscription } from './subscription_create.ts'
import { can } from './tables.ts'
import { updateSubscription } from './update.ts'
import { reportUsage } from './usage.ts'

export { due } from './due.ts'

/**
 * What a command does to a customer's aggregate, and what is due at the same instant after it. Pure: the same arguments
 * give the same tellings and the same ids. A command that is not possible is refused with a code and changes nothing.
 */
export function decide(command: Command, state: CustomerState, context: Context): Decision {
  const step = newStep(state, context)
  try {
    apply(step, command)
    runDue(step)
  } catch (error) {
    return refusalOf(error)
  }
  return decisionOf(step)
}

/**
 * What the clock does: all that is due at `context.at` or before, in one deterministic order. It stops where a charge must
 * be made; the shell has that decided and asks again while {@link due} is not later than its clock.
 */
export function advance(state: CustomerState, context: Context): Decision & { readonly ok: true } {
  const step = newStep(state, context)
  runDue(step)
  return decisionOf(step)
}

function decisionOf(step: Step): Decision & { readonly ok: true } {
  const { tellings, charges, refunds, state, subject } = step
  return { ok: true, tellings, charges, refunds, state, subject }
}

/** What the engine refuses is answered; a broken invariant is a defect and is thrown on. */
function refusalOf(error: unknown): Refused {
  if (!isBillhookError(error) || error.code === 'internal_invariant') throw error
  const field = error.details['field']
  return { ok: false, code: error.code, message: error.message, field: typeof field === 'string' ? field : null }
}

function apply(step: Step, command: Command): void {
  switch (command.kind) {
    case 'customer.create':
    case 'customer.update':
    case 'customer.delete':
    case 'customer.set_default_payment_method':
    case 'payment_method.attach':
    case 'payment_method.detach':
    case 'payment_method.script':
      return decideCustomer(step, command)
    case 'invoice.create':
    case 'invoice.add_line':
    case 'invoice.finalize':
    case 'invoice.pay':
    case 'invoice.pay_out_of_band':
    case 'invoice.send':
    case 'invoice.void':
    case 'invoice.mark_uncollectible':
    case 'invoice.mark_overdue':
    case 'invoice.delete':
    case 'invoice_item.create':
    case 'invoice_item.delete':
      return decideInvoice(step, command)
    case 'checkout.create':
    case 'checkout.complete':
    case 'checkout.cancel':
    case 'checkout.expire':
      return decideCheckout(step, command)
    case 'usage.report':
      step.subject = { kind: 'subscription', id: command.subscription }
      return reportUsage(step, command)
    case 'payment.decided':
      step.subject = { kind: 'payment', id: command.payment }
      return decidePayment(step, requirePayment(step, command.payment), command.attempt, command.outcome)
    case 'refund.create': {
      const refund = askRefund(step, requirePayment(step, command.payment), command)
      step.subject = { kind: 'refund', id: refund.id }
      return
    }
    case 'refund.decided': {
      const refund = lookup(step.state.refunds, command.refund)
      if (refund === null) return refuse('not_found', `no refund has the id ${command.refund}`, 'refund')
      step.subject = { kind: 'refund', id: refund.id }
      return decideRefund(step, refund, command.outcome)
    }
    case 'gate.acknowledged':
    case 'gate.given_up':
      step.subject = { kind: 'invoice', id: command.invoice }
      return decideGate(step, command)
    case 'subscription.create':
    case 'subscription.update':
    case 'subscription.cancel':
    case 'subscription.pause':
    case 'subscription.resume':
    case 'subscription.authorize':
    case 'subscription.retry':
    case 'subscription.change_payment_method':
    case 'subscription.cancel_scheduled_change':
    case 'agreement.create':
    case 'agreement.cancel':
      return decideSubscription(step, command)
  }
}

function decideSubscription(step: Step, command: SubscriptionCommand): void {
  switch (command.kind) {
    case 'subscription.create':
      step.subject = { kind: 'subscription', id: createSubscription(step, command).id }
      return
    case 'agreement.create':
      step.subject = { kind: 'subscription', id: createAgreement(step, command).id }
      return
    case 'agreement.cancel':
      step.subject = { kind: 'subscription', id: cancelAgreement(step, command).id }
      return
    case 'subscription.update':
      updateSubscription(step, command)
      break
    case 'subscription.cancel':
      cancelSubscription(step, command)
      break
    case 'subscription.pause':
      pauseSubscription(step, command)
      break
    case 'subscription.resume':
      resumeSubscription(step, command)
      break
    case 'subscription.authorize':
      authorize(step, command)
      break
    case 'subscription.retry':
      retryByHand(step, command.id, command.method)
      break
    case 'subscription.change_payment_method':
      changeMethod(step, command.id, command.method)
      break
    case 'subscription.cancel_scheduled_change':
      dropScheduled(step, requireSubscription(step, command.id))
      break
  }
  step.subject = { kind: 'subscription', id: command.id }
}

/** Nothing falls due this often at one instant for one customer: then the engine would be going round in circles. */
const MAX_DUE = 1000

function runDue(step: Step): void {
  for (let count = 0; count < MAX_DUE; count += 1) {
    if (step.charges.length > 0) return
    const item = firstDue(step.state, step.context, step.context.at)
    if (item === null) return
    run(step, item)
  }
  throw new BillhookError(
    'internal_invariant',
    `customer ${step.state.id}: more than ${MAX_DUE} things are due at once`,
  )
}

function run(step: Step, item: DueItem): void {
  const { kind, id } = item
  switch (kind) {
    case 'retry':
    case 'finalize':
    case 'due_soon':
    case 'overdue':
    case 'overdue_end':
      return runInvoice(step, kind, requireInvoice(step, id))
    case 'checkout_expired':
      return expireCheckout(step, requireCheckout(step, id))
    case 'pause_end':
    case 'trial_ending':
    case 'renewal_upcoming':
    case 'expire':
    case 'change_expired':
    case 'resumption_expired':
    case 'cancel':
    case 'start':
    case 'trial_end':
    case 'period_end':
      return runSubscription(step, kind, requireSubscription(step, id))
  }
}

function runInvoice(
  step: Step,
  kind: Extract<DueItem['kind'], 'retry' | 'finalize' | 'due_soon' | 'overdue' | 'overdue_end'>,
  invoice: Invoice,
): void {
  switch (kind) {
    case 'retry':
      return charge(step, invoice, 'engine')
    case 'finalize':
      return passGate(step, invoice)
    case 'due_soon':
      return announceDue(step, invoice)
    case 'overdue':
      return becomeOverdue(step, invoice)
    case 'overdue_end':
      return onOverdueEnd(step, invoice)
  }
}

function runSubscription(
  step: Step,
  kind: Exclude<DueItem['kind'], 'retry' | 'finalize' | 'due_soon' | 'overdue' | 'overdue_end' | 'checkout_expired'>,
  subscription: Subscription,
): void {
  switch (kind) {
    case 'pause_end':
      return onPauseEnd(step, subscription)
    case 'trial_ending':
      return announceTrialEnd(step, subscription)
    case 'renewal_upcoming':
      return announceRenewal(step, subscription)
    case 'expire':
      return onExpire(step, subscription)
    case 'change_expired':
      return onChangeExpired(step, subscription)
    case 'resumption_expired':
      return onResumptionExpired(step, subscription)
    case 'cancel':
      return onCancelDue(step, subscription)
    case 'start':
      return onStart(step, subscription)
    case 'trial_end':
      return onTrialEnd(step, subscription)
    case 'period_end':
      return onPeriodEnd(step, subscription)
  }
}

/** The first payment, or the consent to it, did not come in time: its invoice is void. */
function onExpire(step: Step, subscription: Subscription): void {
  expire(step, subscription)
  const invoice = lookup(step.state.invoices, subscription.latestInvoice)
  if (invoice !== null && can('invoice', invoice.status, 'void')) voidInvoice(step, invoice)
}

/** A pending change was not paid: it is dropped and its invoice is void. */
function onChangeExpired(step: Step, subscription: Subscription): void {
  const invoice = lookup(step.state.invoices, subscription.pendingChange?.invoice ?? null)
  const next = edit(step, subscription, { pendingChange: null })
  tell(step, { kind: 'subscription_change_expired', subject: next.id }, { subscription: next })
  if (invoice !== null && can('invoice', invoice.status, 'void')) voidInvoice(step, invoice)
}
