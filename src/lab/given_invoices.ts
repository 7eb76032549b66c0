import type { Interval, Period } from '../model/calendar.ts'
import type { Invoice, Price, Subscription } from '../model/entities.ts'
import { isZero, money, zero } from '../model/money.ts'
import type { Money } from '../model/money.ts'

/** The interval of what a story does not say more about. */
export const MONTH: Interval = { unit: 'month', count: 1 }

/** What one cycle of a subscription costs. */
export function totalOf(price: Price, subscription: Subscription): Money {
  const quantity = subscription.items[0]?.quantity ?? 1
  return money((price.unitAmount?.minor ?? 0n) * BigInt(quantity), price.currency)
}

/** A paid invoice of a subscription's cycle. */
export function paidInvoice(
  id: string,
  subscription: Subscription,
  price: Price,
  what: { readonly period: Period; readonly total: Money },
): Invoice {
  const { period, total } = what
  const at = period.from
  return {
    id,
    customer: subscription.customer,
    subscription: subscription.id,
    number: `GIVEN-${id}`,
    status: 'paid',
    reason: 'cycle',
    collection: subscription.collection,
    autoAdvance: false,
    currency: total.currency,
    lines: [
      {
        id: `il_${id}`,
        kind: 'subscription',
        description: price.name ?? price.id,
        amount: total,
        price: price.id,
        quantity: subscription.items[0]?.quantity ?? 1,
        period,
        subscriptionItem: subscription.items[0]?.id ?? null,
        invoiceItem: null,
      },
    ],
    total,
    amountDue: zero(total.currency),
    amountPaid: total,
    refunded: zero(total.currency),
    period,
    defaultPaymentMethod: null,
    attempts: isZero(total) ? 0 : 1,
    nextAttemptAt: null,
    finalizesAt: null,
    gate: { state: 'open', deliveredAt: at, latestAt: null },
    payment: null,
    paidOutOfBand: false,
    createdAt: at,
    updatedAt: at,
    finalizedAt: at,
    sentAt: null,
    dueAt: null,
    overdueAt: null,
    paidAt: at,
    voidedAt: null,
    uncollectibleAt: null,
    metadata: {},
  }
}
