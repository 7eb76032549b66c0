/** Hosted checkouts. */
import type { CheckoutCommand } from '../model/commands.ts'
import { isMintedId } from '../model/entities.ts'
import type { Checkout } from '../model/entities.ts'
import { addMs, formatInstantShort } from '../model/instant.ts'
import { sum } from '../model/money.ts'
import { charge } from './charge.ts'
import { completeCheckout } from './checkout_end.ts'
import { ensureCustomer, takeMethod } from './customer.ts'
import { draftInvoice, finalizeInvoice } from './invoice.ts'
import { nameOf } from './lines.ts'
import { requireCheckout, requirePrice } from './lookup.ts'
import { decideAtOnce } from './outcome.ts'
import { amountFor } from './pricing.ts'
import { quantityOf } from './quantity.ts'
import { lookup, put, refuse, tell } from './step.ts'
import type { Step } from './step.ts'
import { assignCurrency, createSubscription } from './subscription_create.ts'
import { can, moveCheckout } from './tables.ts'

type Create = Extract<CheckoutCommand, { kind: 'checkout.create' }>
type Complete = Extract<CheckoutCommand, { kind: 'checkout.complete' }>

/** @throws BillhookError `not_found`, `invalid_transition`, `invalid_request`, `currency_mismatch`, `conflict` */
export function decideCheckout(step: Step, command: CheckoutCommand): void {
  if (command.kind === 'checkout.create') {
    step.subject = { kind: 'checkout', id: openCheckout(step, command).id }
    return
  }
  const checkout = requireCheckout(step, command.id)
  const on =
    command.kind === 'checkout.complete' ? 'complete' : command.kind === 'checkout.cancel' ? 'cancel' : 'expire'
  if (!can('checkout', checkout.status, on))
    refuse('invalid_transition', `checkout ${checkout.id} is ${checkout.status}: ${on} is not possible`, 'id')
  step.subject = { kind: 'checkout', id: checkout.id }
  if (command.kind === 'checkout.complete') return finish(step, checkout, command)
  if (command.kind === 'checkout.cancel') return cancel(step, checkout)
  return expireCheckout(step, checkout)
}

function openCheckout(step: Step, command: Create): Checkout {
  const { at, profile } = step.context
  // Whoever is new when they complete it has an id that was minted for them.
  if (step.state.customer === null && !isMintedId(step.state.id))
    refuse('not_found', `no customer has the id ${step.state.id}`, 'customer')
  const prices = command.items.map((item) => requirePrice(step, item.price))
  const currency = command.currency ?? prices[0]?.currency ?? step.state.customer?.currency
  if (currency === undefined || currency === null)
    return refuse('invalid_request', 'the checkout needs an item or a currency', 'currency')
  if (command.mode !== 'setup' && prices.length === 0)
    refuse('invalid_request', `a checkout for a ${command.mode} needs an item`, 'items')
  const recurs = prices.some((price) => price.interval !== null)
  if (command.mode === 'payment' && recurs)
    refuse('invalid_request', 'a checkout for one payment takes no recurring price', 'items')
  const expiresAt = command.expiresAt ?? addMs(at, profile.checkoutMs)
  if (expiresAt <= at)
    refuse('invalid_request', `expiresAt ${formatInstantShort(expiresAt)} does not lie after now`, 'expiresAt')
  const id = command.id ?? step.context.mint('checkout')
  if (lookup(step.state.checkouts, id) !== null) refuse('conflict', `checkout ${id} already exists`, 'id')
  const amounts = prices.map((price, index) =>
    price.usage === 'metered'
      ? { minor: 0n, currency: price.currency }
      : amountFor(price, quantityOf(command.items[index]?.quantity ?? 1)),
  )
  const checkout: Checkout = {
    id,
    mode: command.mode,
    status: moveCheckout(null, 'open'),
    customer: step.state.customer?.id ?? null,
    items: prices.map((price, index) => ({ price: price.id, quantity: command.items[index]?.quantity ?? 1 })),
    trialDays: command.trialDays,
    reference: command.reference,
    successUrl: command.successUrl,
    subscription: null,
    invoice: null,
    currency,
    total: sum(amounts, currency),
    metadata: command.metadata ?? {},
    createdAt: at,
    updatedAt: at,
    expiresAt,
    completedAt: null,
    canceledAt: null,
  }
  tell(step, { kind: 'checkout_opened', subject: id, detail: { reference: checkout.reference } }, { checkout })
  return checkout
}

/**
 * The customer finished the page. What it is for is made and charged; the checkout is completed when that is paid. A page
 * that ends in a refused payment stays open, and nothing is made.
 */
function finish(step: Step, checkout: Checkout, command: Complete): void {
  if (command.outcome?.outcome === 'failed') return
  ensureCustomer(step, command.customer ?? {})
  if (command.method !== null) takeMethod(step, command.method, true)
  const earlier = lookup(step.state.invoices, checkout.invoice)
  if (earlier !== null && earlier.status === 'open') {
    charge(step, earlier, 'hand')
    return decideAtOnce(step, command.outcome)
  }
  const made = make(step, checkout)
  const open = lookup(step.state.checkouts, checkout.id) ?? checkout
  if (open.status !== 'open') return
  const invoice = lookup(step.state.invoices, made.invoice)
  if (invoice === null || invoice.status === 'paid') return completeCheckout(step, open)
  if (invoice.collection === 'manual') return completeCheckout(step, open)
  decideAtOnce(step, command.outcome)
}

function make(step: Step, checkout: Checkout): Checkout {
  switch (checkout.mode) {
    case 'setup':
      return checkout
    case 'payment':
      return makeInvoice(step, checkout)
    case 'subscription': {
      const id = step.context.mint('subscription')
      put(step, { checkout: { ...checkout, customer: step.state.id, subscription: id } })
      const subscription = createSubscription(step, {
        kind: 'subscription.create',
        id,
        items: checkout.items,
        trialDays: checkout.trialDays,
        checkout: checkout.id,
        metadata: checkout.metadata,
      })
      const linked = { ...(lookup(step.state.checkouts, checkout.id) ?? checkout), invoice: subscription.latestInvoice }
      put(step, { checkout: linked })
      return linked
    }
  }
}

function makeInvoice(step: Step, checkout: Checkout): Checkout {
  const { at } = step.context
  assignCurrency(step, checkout.currency, 'currency')
  const id = step.context.mint('invoice')
  const linked = { ...checkout, customer: step.state.id, invoice: id }
  put(step, { checkout: linked })
  const invoice = draftInvoice(step, {
    id,
    subscription: null,
    reason: 'manual',
    currency: checkout.currency,
    lines: checkout.items.map((item) => {
      const price = requirePrice(step, item.price)
      return {
        id: step.context.mint('invoice_line'),
        kind: 'one_off' as const,
        description: `${item.quantity} × ${nameOf(step, price)}`,
        amount: amountFor(price, quantityOf(item.quantity)),
        price: price.id,
        quantity: item.quantity,
        period: { from: at, until: at },
        subscriptionItem: null,
        invoiceItem: null,
      }
    }),
    period: { from: at, until: at },
    collection: 'automatic',
    dueAt: null,
    finalize: 'now',
    autoAdvance: true,
    pendingItems: false,
  })
  finalizeInvoice(step, invoice)
  return linked
}

function cancel(step: Step, checkout: Checkout): void {
  const { at } = step.context
  const next = { ...checkout, status: moveCheckout(checkout.status, 'cancel'), canceledAt: at, updatedAt: at }
  tell(step, { kind: 'checkout_canceled', subject: next.id, detail: { reference: next.reference } }, { checkout: next })
}

/** It ran out of time. */
export function expireCheckout(step: Step, checkout: Checkout): void {
  const next = { ...checkout, status: moveCheckout(checkout.status, 'expire'), updatedAt: step.context.at }
  tell(step, { kind: 'checkout_expired', subject: next.id, detail: { reference: next.reference } }, { checkout: next })
}
