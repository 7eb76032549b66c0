import type { CheckoutCommand } from '../model/commands.ts'
import type { Currency } from '../model/currency.ts'
import { command, customerOf, named, methodOf, outcomeOf } from './effects.ts'
import type { ActionContext, ActionReader, Effect } from './effects.ts'
import type { StoryFields } from './read_fields.ts'

/** Actions on invoices, payments and hosted checkouts. */
export const invoiceActions: Readonly<Record<string, ActionReader>> = {
  'invoiceitem.create': (fields, context) => {
    const currency = fields.currency() ?? context.currency
    const amount = fields.amount(currency, context.words.amounts, 'amount', 'unit_amount')
    if (amount === null) throw fields.fault('amount', 'an amount')
    return command(
      {
        kind: 'invoice_item.create',
        id: fields.text('id'),
        amount,
        description: fields.text('description') ?? 'One-off item',
        subscription: fields.text('subscription'),
      },
      customerOf(fields, context),
    )
  },
  'invoiceitem.delete': (fields) => command({ kind: 'invoice_item.delete', id: fields.requiredText('id') }),
  'invoice.create': createInvoice,
  'invoice.finalize': (fields, context) => command({ kind: 'invoice.finalize', id: invoiceOf(fields, context) }),
  'invoice.pay': (fields, context) =>
    fields.boolean('paid_out_of_band') === true
      ? command({ kind: 'invoice.pay_out_of_band', id: invoiceOf(fields, context) })
      : command({
          kind: 'invoice.pay',
          id: invoiceOf(fields, context),
          method: fields.has('payment_method') ? methodOf(fields.requiredText('payment_method'), context) : null,
        }),
  'invoice.mark_as_paid': (fields, context) =>
    command({ kind: 'invoice.pay_out_of_band', id: invoiceOf(fields, context) }),
  'invoice.send': (fields, context) => command({ kind: 'invoice.send', id: invoiceOf(fields, context) }),
  'invoice.void': (fields, context) => command({ kind: 'invoice.void', id: invoiceOf(fields, context) }),
  'invoice.mark_uncollectible': (fields, context) =>
    command({ kind: 'invoice.mark_uncollectible', id: invoiceOf(fields, context) }),
  'invoice.mark_overdue': (fields, context) =>
    command({ kind: 'invoice.mark_overdue', id: invoiceOf(fields, context) }),
  'invoice.delete': (fields, context) => command({ kind: 'invoice.delete', id: invoiceOf(fields, context) }),
  'refund.create': (fields, context) =>
    command({
      kind: 'refund.create',
      id: fields.text('id'),
      payment: named(fields, context, 'payment', 'payment', 'charge', 'payment_intent', 'payment_id'),
      amount: fields.amount(context.currency, context.words.amounts, 'amount'),
      reason: fields.text('reason'),
    }),
  'payment.confirm': (fields, context) =>
    command({
      kind: 'payment.decided',
      payment: named(fields, context, 'payment', 'payment', 'payment_intent', 'id'),
      attempt: fields.integer('attempt') ?? 1,
      outcome: outcomeOf(fields) ?? { outcome: 'succeeded', reference: null },
    }),
  'checkout.create': createCheckout,
  'checkout.complete': (fields, context) =>
    command({
      kind: 'checkout.complete',
      id: named(fields, context, 'checkout', 'id', 'checkout'),
      method: methodOf(fields.text('payment_method') ?? `pm_checkout_${fields.text('outcome') ?? 'success'}`, context),
      outcome: outcomeOf(fields),
    }),
  'checkout.cancel': (fields, context) =>
    command({ kind: 'checkout.cancel', id: named(fields, context, 'checkout', 'id', 'checkout') }),
  'checkout.expire': (fields, context) =>
    command({ kind: 'checkout.expire', id: named(fields, context, 'checkout', 'id', 'checkout') }),
}

function invoiceOf(fields: StoryFields, context: ActionContext): string {
  return named(fields, context, 'invoice', 'id', 'invoice')
}

function createInvoice(fields: StoryFields, context: ActionContext): readonly Effect[] {
  const currency: Currency = fields.currency() ?? context.currency
  const amount = fields.amount(currency, context.words.amounts, 'amount', 'total', 'total_amount')
  const manual = fields.text('collection_method') === 'send_invoice'
  return command(
    {
      kind: 'invoice.create',
      id: fields.text('id'),
      currency: fields.currency(),
      lines:
        amount === null
          ? []
          : [{ amount, description: fields.text('description') ?? 'One-off item', price: null, quantity: 1 }],
      pendingItems: fields.text('pending_invoice_items_behavior') === 'exclude' ? 'exclude' : 'include',
      autoAdvance: fields.boolean('auto_advance') ?? false,
      collection: manual ? 'manual' : 'automatic',
      daysUntilDue: fields.integer('days_until_due'),
      metadata: fields.metadata(),
    },
    customerOf(fields, context),
  )
}

const MODES = { PAYMENT: 'payment', SUBSCRIPTION: 'subscription', SETUP: 'setup' } as const satisfies Record<
  string,
  Extract<CheckoutCommand, { kind: 'checkout.create' }>['mode']
>

function createCheckout(fields: StoryFields, context: ActionContext): readonly Effect[] {
  const word = (fields.text('mode') ?? 'subscription').toUpperCase()
  const mode = Object.entries(MODES).find(([name]) => name === word)?.[1]
  if (mode === undefined) throw fields.fault('mode', 'payment, subscription or setup')
  const price = fields.price('price', 'price_id', 'plan') ?? context.anyPrice
  const items = fields.objects('items', 'line_items').map((item) => ({
    price: item.requiredPrice('price', 'price_id'),
    quantity: item.integer('quantity') ?? 1,
  }))
  const single =
    price === null ? [] : [{ price: context.price(price) ?? price, quantity: fields.integer('quantity') ?? 1 }]
  return command(
    {
      kind: 'checkout.create',
      id: fields.text('id'),
      mode,
      items: items.length > 0 ? items : single,
      currency: fields.currency(),
      trialDays: fields.integer('trial_period_days', 'trial_days'),
      reference: fields.text('client_reference_id', 'reference'),
      successUrl: fields.text('success_url'),
      expiresAt: fields.instant('expires_at'),
      metadata: fields.metadata(),
    },
    fields.text('customer', 'billing_customer_id') ?? context.customer,
  )
}
