import { cycleAt } from '../../model/calendar.ts'
import type { Period } from '../../model/calendar.ts'
import type { Invoice, InvoiceLine, Subscription, SubscriptionItem } from '../../model/entities.ts'
import type { Fact } from '../../model/facts.ts'
import { addMs, HOUR_MS } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import { money, sum, zero } from '../../model/money.ts'
import { opaque } from './ids.ts'
import { periodOf } from './print_subscription.ts'
import type { Printing } from './print.ts'
import { costOf } from './print_price.ts'

/** How long a renewal stays a draft before it is charged. @source the provider's "Webhooks and payment attempts" */
const DRAFT_MS = HOUR_MS

/**
 * The invoice that a renewal will make, as the preview shows it: the subscription's prices for the next cycle, and the
 * amount that the fact tells (it also counts what was put aside).
 */
export function upcomingInvoice(
  told: Fact<'subscription_renewal_upcoming'>,
  subscription: Subscription,
  printing: Printing,
): Invoice {
  const renewsAt = told.detail.renewsAt ?? periodOf(subscription).until
  const period =
    subscription.interval === null
      ? { from: renewsAt, until: renewsAt }
      : cycleAt(subscription.anchor, subscription.interval, renewsAt)
  const lines = subscription.items.flatMap((item) => previewLine(item, { subscription, period, printing }))
  const total =
    told.detail.amount ??
    sum(
      lines.map((line) => line.amount),
      subscription.currency,
    )
  return { ...blankInvoice(subscription, renewsAt), lines, total, amountDue: total, period }
}

interface PreviewSurroundings {
  readonly subscription: Subscription
  readonly period: Period
  readonly printing: Printing
}

function previewLine(item: SubscriptionItem, surroundings: PreviewSurroundings): readonly InvoiceLine[] {
  const { subscription, period, printing } = surroundings
  const price = printing.view.prices[item.price]
  if (price === undefined) return []
  const quantity = price.usage === 'metered' ? 0 : item.quantity
  const name = printing.view.products[price.product]?.name ?? price.name ?? price.id
  return [
    {
      // Opaque and the same each time this renewal is announced.
      id: `il_1${opaque(`upcoming|${item.id}|${period.from}`, 23)}`,
      kind: price.usage === 'metered' ? 'usage' : 'subscription',
      description: `${quantity} × ${name}`,
      amount: money(costOf(price, quantity), subscription.currency),
      price: price.id,
      quantity,
      period: price.billed === 'arrears' ? periodOf(subscription) : period,
      subscriptionItem: item.id,
      invoiceItem: null,
    },
  ]
}

function blankInvoice(subscription: Subscription, renewsAt: Instant): Invoice {
  const automatic = subscription.collection === 'automatic'
  const chargedAt = automatic ? addMs(renewsAt, DRAFT_MS) : null
  const nothing = zero(subscription.currency)
  return {
    id: `${subscription.id}|upcoming`,
    customer: subscription.customer,
    subscription: subscription.id,
    number: null,
    status: 'draft',
    reason: 'cycle',
    collection: subscription.collection,
    autoAdvance: true,
    currency: subscription.currency,
    lines: [],
    total: nothing,
    amountDue: nothing,
    amountPaid: nothing,
    refunded: nothing,
    period: { from: renewsAt, until: renewsAt },
    defaultPaymentMethod: null,
    attempts: 0,
    nextAttemptAt: chargedAt,
    finalizesAt: null,
    gate: { state: 'open', deliveredAt: null, latestAt: null },
    payment: null,
    paidOutOfBand: false,
    createdAt: renewsAt,
    updatedAt: renewsAt,
    finalizedAt: null,
    sentAt: null,
    dueAt: null,
    overdueAt: null,
    paidAt: null,
    voidedAt: null,
    uncollectibleAt: null,
    metadata: {},
  }
}
