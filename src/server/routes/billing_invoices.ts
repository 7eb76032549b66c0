/** The table of commands about invoices, payments, refunds, checkouts and usage. */
import { z } from 'zod'
import {
  currencyIn,
  customerIn,
  idOrMinted,
  idText,
  itemsIn,
  metadataIn,
  methodIn,
  moneyIn,
  nameText,
  outcomeIn,
} from '../billing_schemas.ts'
import { commandRoute } from './billing_command_route.ts'
import type { CommandRoute } from './billing_command_route.ts'
import { noBody, nothing } from '../route.ts'
import { instantText } from '../schemas.ts'

const INVOICES = 'Invoices'
const PAYMENTS = 'Payments'
const CHECKOUTS = 'Checkouts'
const method = methodIn.nullable().default(null)

const lineIn = z.strictObject({
  amount: moneyIn,
  description: nameText,
  price: idText.nullable().default(null),
  quantity: z.number().min(0).default(1),
})

/** Commands about an invoice that say nothing but which. */
const PLAIN = [
  ['finalize', 'finalizeInvoice', 'Make a draft final', 'invoice.finalize'],
  ['pay_out_of_band', 'payInvoiceOutOfBand', 'Note that it was paid elsewhere', 'invoice.pay_out_of_band'],
  ['send', 'sendInvoice', 'Send it to the customer, to be paid by hand', 'invoice.send'],
  ['void', 'voidInvoice', 'Declare it void', 'invoice.void'],
  ['mark_uncollectible', 'markInvoiceUncollectible', 'Give it up as bad debt', 'invoice.mark_uncollectible'],
  ['mark_overdue', 'markInvoiceOverdue', 'Note that it was not paid by its due date', 'invoice.mark_overdue'],
] as const

/** Invoices and amounts that wait for one. */
export const invoiceCommands: readonly CommandRoute[] = [
  commandRoute({
    method: 'POST',
    path: '/invoices',
    id: 'createInvoice',
    summary: 'Create a one-off invoice, as a draft',
    tag: INVOICES,
    body: z.strictObject({
      customer: idText,
      id: idOrMinted,
      currency: currencyIn.nullable().default(null),
      lines: z.array(lineIn).max(250).default([]),
      pending_items: z.enum(['include', 'exclude']).default('include'),
      auto_advance: z.boolean().default(false),
      collection: z.enum(['automatic', 'manual']).default('automatic'),
      days_until_due: z.int().min(0).max(3650).nullable().default(null),
      metadata: metadataIn.optional(),
    }),
    shows: 'invoice',
    command: ({ customer, ...rest }) => ({ command: { kind: 'invoice.create', ...rest }, customer }),
  }),
  commandRoute({
    method: 'POST',
    path: '/invoices/:id/lines',
    id: 'addInvoiceLine',
    summary: 'Add a line to a draft',
    tag: INVOICES,
    body: lineIn,
    shows: 'invoice',
    command: (line, id) => ({ command: { kind: 'invoice.add_line', id, line } }),
  }),
  commandRoute({
    method: 'POST',
    path: '/invoices/:id/pay',
    id: 'payInvoice',
    summary: 'Charge an invoice; a draft is finalized first',
    tag: INVOICES,
    body: z.strictObject({ method }),
    shows: 'invoice',
    command: (body, id) => ({ command: { kind: 'invoice.pay', id, method: body.method } }),
  }),
  ...PLAIN.map(([action, id, summary, kind]) =>
    commandRoute({
      method: 'POST',
      path: `/invoices/:id/${action}`,
      id,
      summary,
      tag: INVOICES,
      body: nothing,
      shows: 'invoice',
      command: (_body, invoice) => ({ command: { kind, id: invoice } }),
    }),
  ),
  commandRoute({
    method: 'DELETE',
    path: '/invoices/:id',
    id: 'deleteInvoice',
    summary: 'Delete a draft',
    tag: INVOICES,
    body: noBody,
    shows: 'invoice',
    command: (_body, id) => ({ command: { kind: 'invoice.delete', id } }),
  }),
  commandRoute({
    method: 'POST',
    path: '/invoice_items',
    id: 'createInvoiceItem',
    summary: 'Add an amount to the customer’s next invoice',
    tag: INVOICES,
    body: z.strictObject({
      customer: idText,
      id: idOrMinted,
      amount: moneyIn,
      description: nameText,
      subscription: idText.nullable().default(null),
      metadata: metadataIn.optional(),
    }),
    shows: 'invoice_item',
    command: ({ customer, ...rest }) => ({ command: { kind: 'invoice_item.create', ...rest }, customer }),
  }),
  commandRoute({
    method: 'DELETE',
    path: '/invoice_items/:id',
    id: 'deleteInvoiceItem',
    summary: 'Remove an amount from the customer’s next invoice',
    tag: INVOICES,
    body: noBody,
    shows: 'invoice_item',
    command: (_body, id) => ({ command: { kind: 'invoice_item.delete', id } }),
  }),
]

/** Payments and refunds. */
export const paymentCommands: readonly CommandRoute[] = [
  commandRoute({
    method: 'POST',
    path: '/payments/:id/decide',
    id: 'decidePayment',
    summary: 'Report the outcome of an attempt that waits for the customer or the bank',
    tag: PAYMENTS,
    body: z.strictObject({
      attempt: z
        .int()
        .min(1)
        .describe('Number of the attempt; repeated, or given for an older attempt, the report changes nothing.'),
      result: outcomeIn,
    }),
    shows: 'payment',
    command: ({ attempt, result }, id) => ({
      command: { kind: 'payment.decided', payment: id, attempt, outcome: result },
    }),
  }),
  commandRoute({
    method: 'POST',
    path: '/refunds',
    id: 'createRefund',
    summary: 'Refund a payment, in whole or in part',
    tag: PAYMENTS,
    body: z.strictObject({
      id: idOrMinted,
      payment: idText,
      amount: moneyIn.nullable().default(null).describe('Null: everything that is left.'),
      reason: z.string().max(500).nullable().default(null),
    }),
    shows: 'refund',
    command: (rest) => ({ command: { kind: 'refund.create', ...rest } }),
  }),
]

/** Hosted checkouts. */
export const checkoutCommands: readonly CommandRoute[] = [
  commandRoute({
    method: 'POST',
    path: '/checkouts',
    id: 'createCheckout',
    summary: 'Open a hosted checkout',
    tag: CHECKOUTS,
    body: z.strictObject({
      customer: idText
        .nullable()
        .default(null)
        .describe('Null: a new customer, created when the checkout is completed.'),
      id: idOrMinted,
      mode: z.enum(['payment', 'subscription', 'setup']).default('subscription'),
      items: itemsIn.or(z.array(z.never()).length(0)).default([]),
      currency: currencyIn.nullable().default(null),
      trial_days: z.int().min(1).max(3650).nullable().default(null),
      reference: idText.nullable().default(null).describe('Your own reference.'),
      success_url: z.url().max(2000).nullable().default(null),
      expires_at: instantText.nullable().default(null),
      metadata: metadataIn.optional(),
    }),
    shows: 'checkout',
    command: ({ customer, ...rest }) => ({ command: { kind: 'checkout.create', ...rest }, customer }),
  }),
  commandRoute({
    method: 'POST',
    path: '/checkouts/:id/complete',
    id: 'completeCheckout',
    summary: 'Report that the customer completed, or failed, the payment on the hosted page',
    tag: CHECKOUTS,
    body: z.strictObject({
      method,
      outcome: outcomeIn.nullable().default(null).describe('Null: the payment service decides.'),
      customer: customerIn.optional(),
    }),
    shows: 'checkout',
    command: (rest, id) => ({ command: { kind: 'checkout.complete', id, ...rest } }),
  }),
  ...(['cancel', 'expire'] as const).map((action) =>
    commandRoute({
      method: 'POST',
      path: `/checkouts/:id/${action}`,
      id: `${action}Checkout`,
      summary: action === 'cancel' ? 'Tell that the customer went away from the hosted page' : 'End it before its time',
      tag: CHECKOUTS,
      body: nothing,
      shows: 'checkout',
      command: (_body, id) => ({ command: { kind: `checkout.${action}`, id } }),
    }),
  ),
]

/** Metered usage. */
export const usageCommands: readonly CommandRoute[] = [
  commandRoute({
    method: 'POST',
    path: '/usage',
    id: 'reportUsage',
    summary: 'Report usage in the current cycle',
    tag: 'Usage',
    body: z.strictObject({
      subscription: idText,
      meter: idText.describe('Id or code.'),
      quantity: z.string().regex(/^-?\d{1,18}(\.\d{1,9})?$/, 'must be a decimal number as text'),
      mode: z.enum(['total', 'delta']).default('delta'),
    }),
    shows: 'subscription',
    errors: ['usage_on_unmetered'],
    command: (rest) => ({ command: { kind: 'usage.report', ...rest } }),
  }),
]
