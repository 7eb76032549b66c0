import type { Invoice } from '../model/entities.ts'
import { isTerminal } from '../model/status.ts'
import type { CustomerState, StateEntity } from './state.ts'
import { entitiesOf } from './state.ts'
import { lookup } from './step.ts'

/**
 * The entities that no rule needs any more: ended subscriptions, closed invoices with their payments, old usage. They may
 * leave the state (and stay readable in rows of their own); `withEntity` brings one back when a command names it.
 *
 * Kept are, for each subscription that lives, its latest invoice and payment, all that is open, and the usage of its cycle.
 */
export function settled(state: CustomerState): readonly StateEntity[] {
  return entitiesOf(state).filter((entity) => isSettled(state, entity))
}

/** The state without what is settled. */
export function dropSettled(state: CustomerState): CustomerState {
  const gone = new Set(settled(state).map((entity) => `${entity.kind}|${entity.id}`))
  if (gone.size === 0) return state
  const keep = <T>(kind: StateEntity['kind'], map: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
    Object.fromEntries(Object.entries(map).filter(([id]) => !gone.has(`${kind}|${id}`)))
  return {
    ...state,
    paymentMethods: keep('payment_method', state.paymentMethods),
    subscriptions: keep('subscription', state.subscriptions),
    invoices: keep('invoice', state.invoices),
    invoiceItems: keep('invoice_item', state.invoiceItems),
    payments: keep('payment', state.payments),
    refunds: keep('refund', state.refunds),
    checkouts: keep('checkout', state.checkouts),
    usage: keep('usage', state.usage),
  }
}

function isSettled(state: CustomerState, entity: StateEntity): boolean {
  switch (entity.kind) {
    case 'customer':
      return false
    case 'payment_method':
      return entity.value.detachedAt !== null && !isUsed(state, entity.id)
    case 'subscription':
      return (
        isTerminal(entity.value.status) &&
        !Object.values(state.invoices).some((i) => i.subscription === entity.id && isOpen(i))
      )
    case 'invoice':
      return isInvoiceSettled(state, entity.value)
    case 'invoice_item':
      return entity.value.invoice !== null && isClosed(lookup(state.invoices, entity.value.invoice))
    case 'payment': {
      const { status, invoice, subscription } = entity.value
      if (status !== 'succeeded' && status !== 'canceled' && status !== 'failed') return false
      if (hasPendingRefund(state, entity.id)) return false
      const paid = lookup(state.invoices, invoice)
      if (paid !== null && !isInvoiceSettled(state, paid)) return false
      return !isLatestPayment(state, entity.id, subscription)
    }
    case 'refund':
      return entity.value.status !== 'pending'
    case 'checkout':
      return entity.value.status !== 'open'
    case 'usage': {
      const subscription = lookup(state.subscriptions, entity.value.subscription)
      if (subscription === null || isTerminal(subscription.status)) return true
      return subscription.period !== null && entity.value.period.until <= subscription.period.from
    }
  }
}

function isOpen(invoice: Invoice): boolean {
  return invoice.status === 'draft' || invoice.status === 'open'
}

function isClosed(invoice: Invoice | null): boolean {
  return invoice === null || !isOpen(invoice)
}

function isInvoiceSettled(state: CustomerState, invoice: Invoice): boolean {
  if (isOpen(invoice) || invoice.status === 'uncollectible') return false
  const payment = lookup(state.payments, invoice.payment)
  if (payment !== null && (payment.status === 'processing' || payment.status === 'initiated')) return false
  if (payment !== null && hasPendingRefund(state, payment.id)) return false
  const subscription = lookup(state.subscriptions, invoice.subscription)
  return subscription === null || isTerminal(subscription.status) || subscription.latestInvoice !== invoice.id
}

function hasPendingRefund(state: CustomerState, payment: string): boolean {
  return Object.values(state.refunds).some((refund) => refund.payment === payment && refund.status === 'pending')
}

/** The payment that views show as the latest attempt on a living subscription. */
function isLatestPayment(state: CustomerState, id: string, subscriptionId: string | null): boolean {
  const subscription = lookup(state.subscriptions, subscriptionId)
  if (subscription === null || isTerminal(subscription.status)) return false
  const payment = state.payments[id]
  return !Object.values(state.payments).some(
    (other) =>
      other.subscription === subscriptionId &&
      other.id !== id &&
      payment !== undefined &&
      other.updatedAt > payment.updatedAt,
  )
}

function isUsed(state: CustomerState, method: string): boolean {
  return Object.values(state.payments).some(
    (payment) => payment.method === method && (payment.status === 'initiated' || payment.status === 'processing'),
  )
}
