/** The customer's consent on a hosted page, and the first payment that may come with it. */
import type { SubscriptionCommand } from '../model/commands.ts'
import type { InvoiceLine, Payment, Subscription } from '../model/entities.ts'
import { add, zero } from '../model/money.ts'
import type { Money } from '../model/money.ts'
import { charge } from './charge.ts'
import { ensureCustomer, takeMethod } from './customer.ts'
import { begun as begunFields, billFirst, firstCycle } from './first.ts'
import { draftInvoice, finalizeInvoice } from './invoice.ts'
import { openInvoices, requireSubscription } from './lookup.ts'
import { becomeAuthorized, edit } from './moves.ts'
import { decideAtOnce, decidePayment } from './outcome.ts'
import { lookup, put, refuse } from './step.ts'
import type { Step } from './step.ts'

type Authorize = Extract<SubscriptionCommand, { kind: 'subscription.authorize' }>

/**
 * The customer finished or failed the hosted authorization. With a later start the subscription is authorized, and an
 * upfront amount is charged; else the first cycle begins now and its charge makes the subscription active.
 *
 * @throws BillhookError `invalid_transition` if it does not wait for an authorization
 */
export function authorize(step: Step, command: Authorize): void {
  const subscription = requireSubscription(step, command.id)
  const asked = askedPayment(step, subscription)
  // The first charge was refused before: the same invoice is charged again.
  const begun = subscription.status === 'pending' && subscription.cycle !== null
  if (subscription.status === 'incomplete' || asked !== null || begun) return confirm(step, subscription, command)
  const { authorization } = subscription
  if (subscription.status !== 'pending' || step.context.profile.start.firstPayment !== 'authorize')
    refuse(
      'invalid_transition',
      `subscription ${subscription.id} is ${subscription.status}: it waits for no authorisation`,
    )
  if (command.outcome !== null && command.outcome.outcome === 'failed') return
  ensureCustomer(step, command.customer ?? {})
  if (command.method !== null) takeMethod(step, command.method, true)
  const { at } = step.context
  const agreed: Subscription = {
    ...subscription,
    authorization: {
      upfront: authorization?.upfront ?? null,
      expiresAt: authorization?.expiresAt ?? null,
      authorizedAt: at,
    },
  }
  if (subscription.startAt > at) return authorizeLater(step, agreed, command)
  startNow(step, agreed, command)
}

/** The start is still to come: consent now, and the upfront amount if there is one. It is authorized when that is paid. */
function authorizeLater(step: Step, subscription: Subscription, command: Authorize): void {
  const upfront = subscription.authorization?.upfront ?? null
  if (upfront === null || upfront.minor <= 0n) {
    becomeAuthorized(step, subscription)
    return
  }
  put(step, { subscription })
  const owed = openInvoices(step, subscription.id)[0]
  if (owed === undefined) billUpfront(step, subscription, upfront)
  else charge(step, owed, 'hand')
  decideAtOnce(step, command.outcome)
}

/** The first cycle begins with this payment. */
function startNow(step: Step, subscription: Subscription, command: Authorize): void {
  const { at } = step.context
  const started: Subscription = { ...subscription, startAt: at, anchor: anchorAt(subscription, at) }
  const cycle = firstCycle(step, started, at)
  const id = step.context.mint('invoice')
  const next = edit(step, started, begunFields(started, cycle, id))
  put(step, { subscription: next })
  const upfront = next.authorization?.upfront ?? null
  const extra = upfront === null ? [] : [upfrontLine(step, upfront)]
  billFirst(step, next, { id, cycle, extra, charge: true })
  decideAtOnce(step, command.outcome)
}

/** Cycles are counted from the payment unless the anchor was set to a later instant. */
function anchorAt(subscription: Subscription, at: Subscription['anchor']): Subscription['anchor'] {
  return subscription.anchor > at ? subscription.anchor : at
}

/** The payment of the latest invoice, if the customer must confirm it. */
function askedPayment(step: Step, subscription: Subscription): Payment | null {
  const invoice = lookup(step.state.invoices, subscription.latestInvoice)
  const payment = lookup(step.state.payments, invoice?.payment ?? null)
  return payment?.status === 'requires_action' ? payment : null
}

/** The customer confirms a payment, or makes the first one of an incomplete subscription. */
function confirm(step: Step, subscription: Subscription, command: Authorize): void {
  if (command.method !== null) takeMethod(step, command.method, true)
  const invoice = lookup(step.state.invoices, subscription.latestInvoice)
  if (invoice === null || invoice.status !== 'open')
    return refuse('invalid_transition', `subscription ${subscription.id} has no open invoice to be confirmed`)
  const asked = askedPayment(step, subscription)
  if (asked !== null && command.outcome !== null) return decidePayment(step, asked, asked.attempt, command.outcome)
  charge(step, invoice, 'hand')
  decideAtOnce(step, command.outcome)
}

function billUpfront(step: Step, subscription: Subscription, upfront: Money): void {
  const line = upfrontLine(step, upfront)
  const invoice = draftInvoice(step, {
    id: step.context.mint('invoice'),
    subscription,
    reason: 'other',
    currency: subscription.currency,
    lines: [line],
    period: line.period,
    collection: 'automatic',
    dueAt: null,
    finalize: 'now',
    autoAdvance: true,
    pendingItems: false,
  })
  finalizeInvoice(step, invoice)
}

function upfrontLine(step: Step, upfront: Money): InvoiceLine {
  const { at } = step.context
  return {
    id: step.context.mint('invoice_line'),
    kind: 'upfront',
    description: 'Upfront amount',
    amount: add(zero(upfront.currency), upfront),
    price: null,
    quantity: 1,
    period: { from: at, until: at },
    subscriptionItem: null,
    invoiceItem: null,
  }
}
