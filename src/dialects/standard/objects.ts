import { isZero } from '../../model/money.ts'
import type { Money } from '../../model/money.ts'
import type {
  Cancellation,
  Cycles,
  InvoiceReason,
  ObservedCheckout,
  ObservedCustomer,
  ObservedInvoice,
  ObservedItem,
  ObservedPayment,
  ObservedSubscription,
  Pause,
} from '../../model/objects.ts'
import { SUBSCRIPTION_STATUSES } from '../../model/status.ts'
import type { CheckoutStatus, InvoiceStatus, PaymentStatus, SubscriptionStatus } from '../../model/status.ts'
import type { Fields } from '../../wire/fields.ts'
import { actorOf, failureOf, intervalOf, moneyOf, oneOf, periodOf, planOf } from './values.ts'

const INVOICE_STATUSES: readonly InvoiceStatus[] = ['draft', 'open', 'paid', 'void', 'uncollectible']
const PAYMENT_STATUSES: readonly PaymentStatus[] = [
  'initiated',
  'requires_action',
  'processing',
  'succeeded',
  'failed',
  'canceled',
]
const CHECKOUT_STATUSES: readonly CheckoutStatus[] = ['open', 'completed', 'canceled', 'expired']
const REASONS: readonly InvoiceReason[] = ['first', 'cycle', 'update', 'manual', 'other', 'unknown']
const COLLECTIONS = ['automatic', 'manual'] as const

/** A status of ours; `unknown` with a problem for another word. */
export function subscriptionStatus(fields: Fields, name: string): SubscriptionStatus {
  const word = fields.text(name)
  if (isSubscriptionStatus(word)) return word
  fields.problem(name, 'a status that is not known')
  return 'unknown'
}

function isSubscriptionStatus(word: string | null): word is SubscriptionStatus {
  return word !== null && Object.hasOwn(SUBSCRIPTION_STATUSES, word)
}

/** What a rendered subscription says. It proves no payment: its invoices do. */
export function subscriptionOf(entity: Fields): ObservedSubscription {
  const items = itemsOf(entity)
  const [first] = items
  const chargeable = entity.boolean('has_payment_method')
  return {
    customer: entity.text('customer'),
    status: subscriptionStatus(entity, 'status'),
    providerStatus: entity.text('status'),
    plan: first?.plan ?? null,
    items,
    quantity: first?.quantity ?? null,
    period: periodOf(entity, 'period'),
    trial: periodOf(entity, 'trial'),
    createdAt: entity.iso('created_at'),
    startedAt: entity.iso('started_at'),
    endedAt: entity.iso('ended_at'),
    cancel: cancellationOf(entity),
    pause: pauseOf(entity),
    collection: oneOf(entity, 'collection', COLLECTIONS),
    latestInvoice: entity.text('latest_invoice'),
    cycles: cyclesOf(entity),
    paymentMethod: chargeable === null ? 'unknown' : chargeable ? 'yes' : 'no',
    interval: intervalOf(entity, 'interval'),
    anchor: entity.iso('anchor'),
    paidThrough: null,
    free: entity.boolean('free') ?? false,
    metadata: entity.texts('metadata'),
  }
}

function itemsOf(entity: Fields): readonly ObservedItem[] {
  return entity.objects('items').flatMap((item) => {
    const id = item.text('id')
    const price = item.text('price')
    if (id === null || price === null) return []
    const plan = planOf(item, 'plan') ?? { id: price, name: null, group: null, product: null }
    return [{ id, plan, quantity: item.integer('quantity'), unitAmount: moneyOf(item, 'unit_amount') }]
  })
}

function cancellationOf(entity: Fields): Cancellation | null {
  const cancel = entity.object('cancel')
  if (cancel === null) return null
  return {
    requestedAt: cancel.iso('requested_at'),
    at: cancel.iso('at'),
    atPeriodEnd: cancel.boolean('at_period_end') ?? false,
    by: actorOf(cancel, 'by'),
    reason: cancel.text('reason'),
  }
}

function pauseOf(entity: Fields): Pause | null {
  const pause = entity.object('pause')
  if (pause === null) return null
  return {
    scope: oneOf(pause, 'scope', ['service', 'collection'] as const) ?? 'service',
    from: pause.iso('from'),
    resumesAt: pause.iso('resumes_at'),
    by: actorOf(pause, 'by'),
  }
}

function cyclesOf(entity: Fields): Cycles | null {
  const cycles = entity.object('cycles')
  if (cycles === null) return null
  const total = cycles.integer('total')
  const invoiced = cycles.integer('invoiced')
  return {
    total,
    paid: cycles.integer('paid'),
    remaining: total === null || invoiced === null ? null : Math.max(total - invoiced, 0),
  }
}

/** Reads an invoice. */
export function invoiceOf(entity: Fields): ObservedInvoice {
  const billsCycle = entity.objects('lines').some((line) => line.text('kind') === 'subscription')
  return {
    customer: entity.text('customer'),
    subscription: entity.text('subscription'),
    status: oneOf(entity, 'status', INVOICE_STATUSES) ?? 'open',
    number: entity.text('number'),
    reason: oneOf(entity, 'reason', REASONS) ?? 'unknown',
    total: moneyOf(entity, 'total'),
    amountDue: moneyOf(entity, 'amount_due'),
    amountPaid: moneyOf(entity, 'amount_paid'),
    refunded: nonZero(moneyOf(entity, 'refunded')),
    // Prorations and one-off amounts pay for no cycle.
    period: billsCycle ? periodOf(entity, 'period') : null,
    createdAt: entity.iso('created_at'),
    paidAt: entity.iso('paid_at'),
    dueAt: entity.iso('due_at'),
    attempts: entity.integer('attempts'),
    nextAttemptAt: entity.iso('next_attempt_at'),
    collection: oneOf(entity, 'collection', COLLECTIONS),
    paidOutOfBand: entity.boolean('paid_out_of_band') ?? false,
  }
}

/** Reads a payment. */
export function paymentOf(entity: Fields): ObservedPayment {
  const invoice = entity.text('invoice')
  const status = oneOf(entity, 'status', PAYMENT_STATUSES) ?? 'initiated'
  return {
    customer: entity.text('customer'),
    invoice: invoice === null ? 'none' : { id: invoice },
    subscription: entity.text('subscription'),
    status,
    amount: moneyOf(entity, 'amount'),
    refunded: nonZero(moneyOf(entity, 'refunded')),
    failure: status === 'failed' ? failureOf(entity, 'failure') : null,
    alias: null,
    createdAt: entity.iso('created_at'),
  }
}

/** Reads a checkout. */
export function checkoutOf(entity: Fields): ObservedCheckout {
  return {
    customer: entity.text('customer'),
    subscription: entity.text('subscription'),
    invoice: entity.text('invoice'),
    status: oneOf(entity, 'status', CHECKOUT_STATUSES) ?? 'open',
    reference: entity.text('reference'),
    createdAt: entity.iso('created_at'),
    metadata: entity.texts('metadata'),
  }
}

/** Reads a customer. */
export function customerOf(entity: Fields): ObservedCustomer {
  const user = entity.text('user')
  return {
    users: user === null ? [] : [user],
    email: entity.text('email'),
    name: entity.text('name'),
    paymentMethod: entity.text('default_payment_method') === null ? 'no' : 'yes',
    deleted: entity.text('deleted_at') !== null,
  }
}

function nonZero(amount: Money | null): Money | null {
  return amount === null || isZero(amount) ? null : amount
}
