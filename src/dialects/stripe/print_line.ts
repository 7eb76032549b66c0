import type { Invoice, InvoiceLine } from '../../model/entities.ts'
import { secondsOf } from '../../model/instant.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Money } from '../../model/money.ts'
import { amountOf } from './amounts.ts'
import { printId, printIdOrNull } from './ids.ts'
import { newer, older, printCurrency } from './print.ts'
import type { Printing } from './print.ts'
import { printPlan, printPrice } from './print_price.ts'

interface LineSurroundings {
  readonly invoice: Invoice
  /** The invoice's printed id; null on a preview. */
  readonly printed: string | null
  readonly printing: Printing
}

/** One line of an invoice. Only lines of a subscription's own items are subscription lines; all others are items. */
export function printLine(line: InvoiceLine, { invoice, printed, printing }: LineSurroundings): JsonObject {
  const recurring = line.kind === 'subscription' || line.kind === 'usage'
  const amount = amountOf(line.amount)
  const decimal = unitDecimal(line.amount, line.quantity)
  const subscription = printIdOrNull('subscription', invoice.subscription)
  return {
    id: printId('invoice_line', line.id),
    object: 'line_item',
    amount,
    currency: printCurrency(line.amount.currency),
    description: line.description,
    discount_amounts: [],
    discountable: line.kind !== 'proration',
    discounts: [],
    invoice: printed,
    livemode: printing.view.livemode,
    metadata: {},
    period: { end: secondsOf(line.period.until), start: secondsOf(line.period.from) },
    pretax_credit_amounts: [],
    quantity: line.quantity,
    subscription: line.kind === 'one_off' ? null : subscription,
    ...older(printing, {
      amount_excluding_tax: amount,
      ...(recurring ? {} : { invoice_item: invoiceItemOf(line) }),
      ...printLinePrice(line, printing),
      proration: line.kind === 'proration',
      proration_details: { credited_items: null },
      ...(line.subscriptionItem === null
        ? {}
        : { subscription_item: printId('subscription_item', line.subscriptionItem) }),
      tax_amounts: [],
      tax_rates: [],
      type: recurring ? 'subscription' : 'invoiceitem',
      unit_amount_excluding_tax: decimal,
    }),
    ...newer(printing, {
      parent: recurring ? subscriptionParent(line, subscription) : itemParent(line, subscription),
      pricing: printPricing(line, printing),
      quantity_decimal: String(line.quantity),
      subtotal: amount,
      taxes: [],
    }),
  }
}

/** What one unit costs, in the smallest unit of the currency, as decimal text. */
export function unitDecimal(amount: Money, quantity: number): string {
  const value = amountOf(amount)
  return String(quantity === 0 ? 0 : Number((value / quantity).toFixed(12)))
}

/** The invoice item that a line came from; a line that Billhook wrote directly has one that follows from it. */
function invoiceItemOf(line: InvoiceLine): string {
  return printId('invoice_item', line.invoiceItem ?? line.id)
}

function printLinePrice(line: InvoiceLine, printing: Printing): JsonObject {
  const price = line.price === null ? undefined : printing.view.prices[line.price]
  if (price === undefined) return { plan: null, price: null }
  return { plan: printPlan(price, printing), price: printPrice(price, printing) }
}

function printPricing(line: InvoiceLine, printing: Printing): JsonObject {
  const price = line.price === null ? undefined : printing.view.prices[line.price]
  return {
    ...(price === undefined
      ? {}
      : { price_details: { price: printId('price', price.id), product: printId('product', price.product) } }),
    type: 'price_details',
    unit_amount_decimal: unitDecimal(line.amount, line.quantity),
  }
}

function subscriptionParent(line: InvoiceLine, subscription: string | null): JsonObject {
  return {
    invoice_item_details: null,
    subscription_item_details: {
      invoice_item: null,
      proration: false,
      proration_details: { credited_items: null },
      subscription,
      subscription_item: printId('subscription_item', line.subscriptionItem ?? line.id),
    },
    type: 'subscription_item_details',
  }
}

function itemParent(line: InvoiceLine, subscription: string | null): JsonObject {
  return {
    invoice_item_details: {
      invoice_item: invoiceItemOf(line),
      proration: line.kind === 'proration',
      proration_details: { credited_items: null },
      subscription: line.kind === 'one_off' ? null : subscription,
    },
    subscription_item_details: null,
    type: 'invoice_item_details',
  }
}
