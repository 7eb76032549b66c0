/** The lines of a subscription's invoices. */
import type { Period } from '../model/calendar.ts'
import type { InvoiceLine, Price, Subscription, SubscriptionItem } from '../model/entities.ts'
import type { Money } from '../model/money.ts'
import { heldPrice } from './lookup.ts'
import { amountFor } from './pricing.ts'
import { shareOf } from './proration.ts'
import type { Share } from './proration.ts'
import { parseQuantity, quantityOf } from './quantity.ts'
import { lookup } from './step.ts'
import type { Step } from './step.ts'
import { usageKey } from './state.ts'

/** Which cycles an invoice bills. */
export interface Billed {
  /** Paid in advance for this cycle; null: nothing is. */
  readonly advance: Period | null
  /** Paid in arrears for this cycle; null: nothing is. */
  readonly arrears: Period | null
  /** The part of the cycle that is served, if it is not whole. */
  readonly share?: Share | null
}

/** One line per item and cycle that is billed. */
export function linesOf(step: Step, subscription: Subscription, billed: Billed): readonly InvoiceLine[] {
  return subscription.items.flatMap((item) => {
    const price = heldPrice(step, item.price)
    const period = price.billed === 'advance' ? billed.advance : billed.arrears
    if (period === null) return []
    return [
      price.usage === 'metered'
        ? usageLine(step, { subscription, item, period })
        : itemLine(step, item, period, billed),
    ]
  })
}

/** What an item costs in one whole cycle; nothing for metered prices. */
export function cycleAmount(step: Step, item: { readonly price: string; readonly quantity: number }): Money | null {
  const price = heldPrice(step, item.price)
  return price.usage === 'metered' ? null : amountFor(price, quantityOf(item.quantity))
}

function itemLine(step: Step, item: SubscriptionItem, period: Period, { share }: Billed): InvoiceLine {
  const price = heldPrice(step, item.price)
  const whole = amountFor(price, quantityOf(item.quantity))
  return {
    id: step.context.mint('invoice_line'),
    kind: 'subscription',
    description: `${item.quantity} × ${nameOf(step, price)}`,
    amount: share === null || share === undefined ? whole : shareOf(whole, share),
    price: price.id,
    quantity: item.quantity,
    period,
    subscriptionItem: item.id,
    invoiceItem: null,
  }
}

function usageLine(
  step: Step,
  what: { readonly subscription: Subscription; readonly item: SubscriptionItem; readonly period: Period },
): InvoiceLine {
  const { subscription, item, period } = what
  const price = heldPrice(step, item.price)
  const key = usageKey({ subscription: subscription.id, meter: price.meter ?? '', period })
  const used = lookup(step.state.usage, key)?.quantity ?? '0'
  return {
    id: step.context.mint('invoice_line'),
    kind: 'usage',
    description: `${used} × ${nameOf(step, price)}`,
    amount: amountFor(price, parseQuantity(used)),
    price: price.id,
    quantity: Math.floor(Number(used)),
    period,
    subscriptionItem: item.id,
    invoiceItem: null,
  }
}

/** What a price is called on an invoice. */
export function nameOf(step: Step, price: Price): string {
  return price.name ?? lookup(step.context.catalog.products, price.product)?.name ?? price.code ?? price.id
}
