/** Invoices on command: made, changed, paid, sent, given up. */
import type { InvoiceCommand, LineInput } from '../model/commands.ts'
import type { Invoice, InvoiceItem, InvoiceLine } from '../model/entities.ts'
import { addMs, DAY_MS } from '../model/instant.ts'
import type { Currency } from '../model/currency.ts'
import { requireCurrency } from '../model/currency.ts'
import { sum, zero } from '../model/money.ts'
import { charge, cancelPayment } from './charge.ts'
import { takeMethod } from './customer.ts'
import { draftInvoice, finalizeInvoice, send, voidInvoice, writeOff } from './invoice.ts'
import { paymentInFlight, requireCustomer, requireInvoice, requireInvoiceItem, requirePrice } from './lookup.ts'
import { becomeOverdue } from './overdue.ts'
import { forgive, markPaid } from './settle.ts'
import { lookup, put, refuse, tell, tellRemoval } from './step.ts'
import type { Step } from './step.ts'
import { assignCurrency } from './subscription_create.ts'
import { can } from './tables.ts'
import type { Trigger } from './tables.ts'

/** More lines than this on one invoice are nobody's order. */
const MAX_LINES = 250

/** @throws BillhookError `not_found`, `invalid_transition`, `invalid_request`, `currency_mismatch`, `conflict` */
export function decideInvoice(step: Step, command: InvoiceCommand): void {
  switch (command.kind) {
    case 'invoice.create':
      step.subject = { kind: 'invoice', id: create(step, command).id }
      return
    case 'invoice_item.create':
      step.subject = { kind: 'invoice_item', id: createItem(step, command).id }
      return
    case 'invoice_item.delete':
      deleteItem(step, requireInvoiceItem(step, command.id))
      return
    case 'invoice.add_line':
    case 'invoice.finalize':
    case 'invoice.pay':
    case 'invoice.pay_out_of_band':
    case 'invoice.send':
    case 'invoice.void':
    case 'invoice.mark_uncollectible':
    case 'invoice.mark_overdue':
    case 'invoice.delete':
      change(step, command, requireInvoice(step, command.id))
      step.subject = { kind: 'invoice', id: command.id }
  }
}

type Change = Exclude<
  InvoiceCommand,
  { readonly kind: 'invoice.create' | 'invoice_item.create' | 'invoice_item.delete' }
>

function change(step: Step, command: Change, invoice: Invoice): void {
  switch (command.kind) {
    case 'invoice.add_line':
      return addLine(step, invoice, command.line)
    case 'invoice.finalize':
      allow(invoice, 'finalize')
      return finalizeInvoice(step, invoice)
    case 'invoice.pay':
      return pay(step, invoice, command)
    case 'invoice.pay_out_of_band':
      return payOutOfBand(step, invoice)
    case 'invoice.send':
      if (invoice.collection !== 'manual') refuse('invalid_transition', `invoice ${invoice.id} is collected by itself`)
      return sendByHand(step, invoice)
    case 'invoice.void':
      allow(invoice, 'void')
      forbidInFlight(step, invoice)
      voidInvoice(step, invoice)
      return forgive(step, invoice)
    case 'invoice.mark_uncollectible':
      allow(invoice, 'write_off')
      writeOff(step, invoice)
      return forgive(step, invoice)
    case 'invoice.mark_overdue':
      if (invoice.status !== 'open' || invoice.overdueAt !== null)
        refuse('invalid_transition', `invoice ${invoice.id} is ${invoice.status}: it cannot become overdue`)
      return becomeOverdue(step, invoice)
    case 'invoice.delete':
      return deleteDraft(step, invoice)
  }
}

function allow(invoice: Invoice, on: Trigger<'invoice'>): void {
  if (!can('invoice', invoice.status, on))
    refuse('invalid_transition', `invoice ${invoice.id} is ${invoice.status}: ${on} is not possible`, 'id')
}

/** An invoice whose charge is on its way can be neither paid again nor voided. */
function forbidInFlight(step: Step, invoice: Invoice): void {
  if (paymentInFlight(step, invoice) !== null)
    refuse('invalid_transition', `a charge of invoice ${invoice.id} is on its way: wait for its outcome`, 'id')
}

function create(step: Step, command: Extract<InvoiceCommand, { kind: 'invoice.create' }>): Invoice {
  const customer = requireCustomer(step)
  const { at } = step.context
  const waiting = Object.values(step.state.invoiceItems).find((item) => item.invoice === null)
  const currency =
    command.currency ?? command.lines[0]?.amount.currency ?? customer.currency ?? waiting?.amount.currency
  if (currency === undefined) return refuse('invalid_request', 'the invoice needs a currency', 'currency')
  assignCurrency(step, requireCurrency(currency), 'currency')
  if (command.lines.length > MAX_LINES) refuse('invalid_request', `an invoice has at most ${MAX_LINES} lines`, 'lines')
  const id = command.id ?? step.context.mint('invoice')
  if (lookup(step.state.invoices, id) !== null) refuse('conflict', `invoice ${id} already exists`, 'id')
  const { collection, daysUntilDue } = command
  return draftInvoice(step, {
    id,
    subscription: null,
    reason: 'manual',
    currency,
    lines: command.lines.map((line) => lineOf(step, line, currency)),
    period: { from: at, until: at },
    collection,
    dueAt: collection === 'manual' ? addMs(at, (daysUntilDue ?? step.context.profile.overdue.dueDays) * DAY_MS) : null,
    finalize: command.autoAdvance ? 'later' : 'never',
    autoAdvance: command.autoAdvance,
    pendingItems: command.pendingItems === 'include',
    metadata: command.metadata ?? {},
  })
}

function lineOf(step: Step, input: LineInput, currency: Currency): InvoiceLine {
  const { at } = step.context
  if (input.amount.currency !== currency)
    refuse('currency_mismatch', `a line in ${input.amount.currency} on an invoice in ${currency}`, 'amount')
  if (input.price !== null) requirePrice(step, input.price, 'price')
  return {
    id: step.context.mint('invoice_line'),
    kind: 'one_off',
    description: input.description,
    amount: input.amount,
    price: input.price,
    quantity: input.quantity,
    period: { from: at, until: at },
    subscriptionItem: null,
    invoiceItem: null,
  }
}

function addLine(step: Step, invoice: Invoice, input: LineInput): void {
  if (invoice.status !== 'draft')
    refuse('invalid_transition', `invoice ${invoice.id} is ${invoice.status}: only a draft takes lines`, 'id')
  if (invoice.lines.length >= MAX_LINES) refuse('invalid_request', `an invoice has at most ${MAX_LINES} lines`, 'line')
  const lines = [...invoice.lines, lineOf(step, input, invoice.currency)]
  const total = sum(
    lines.map((line) => line.amount),
    invoice.currency,
  )
  const amountDue = total.minor > 0n ? total : zero(invoice.currency)
  const next: Invoice = { ...invoice, lines, total, amountDue, updatedAt: step.context.at }
  tell(step, { kind: 'invoice_updated', subject: next.id }, { invoice: next })
}

function pay(step: Step, invoice: Invoice, command: Extract<InvoiceCommand, { kind: 'invoice.pay' }>): void {
  if (invoice.status === 'draft') finalizeInvoice(step, { ...invoice, autoAdvance: false }, { charge: false })
  const open = lookup(step.state.invoices, invoice.id) ?? invoice
  if (invoice.status === 'draft' && open.status === 'paid') return
  allow(open, 'pay')
  forbidInFlight(step, open)
  const method = command.method === null ? null : takeMethod(step, command.method, false)
  charge(step, open, 'hand', method)
}

function payOutOfBand(step: Step, invoice: Invoice): void {
  if (invoice.status === 'draft') finalizeInvoice(step, { ...invoice, autoAdvance: false }, { charge: false })
  const open = lookup(step.state.invoices, invoice.id) ?? invoice
  if (invoice.status === 'draft' && open.status === 'paid') return
  allow(open, 'pay')
  forbidInFlight(step, open)
  markPaid(step, open, { payment: null, outOfBand: true })
  const paid = lookup(step.state.invoices, invoice.id)
  if (paid !== null) cancelPayment(step, paid)
}

/** A draft is finalized first. One with nothing to pay is paid by that, and is not sent; nor is one sent twice. */
function sendByHand(step: Step, invoice: Invoice): void {
  if (invoice.status === 'draft') finalizeInvoice(step, invoice)
  const open = lookup(step.state.invoices, invoice.id) ?? invoice
  if (invoice.status === 'draft' && (open.status === 'paid' || open.sentAt !== null)) return
  if (open.status !== 'open')
    refuse('invalid_transition', `invoice ${invoice.id} is ${open.status}: it cannot be sent`, 'id')
  send(step, open)
}

/** Deletes a draft; the pending amounts that it billed wait for the next invoice again. */
function deleteDraft(step: Step, invoice: Invoice): void {
  allow(invoice, 'delete')
  if (invoice.subscription !== null)
    refuse('invalid_transition', `invoice ${invoice.id} bills a subscription: void it instead`, 'id')
  for (const item of Object.values(step.state.invoiceItems)) {
    if (item.invoice === invoice.id) put(step, { invoice_item: { ...item, invoice: null } })
  }
  tellRemoval(step, { kind: 'invoice_deleted', subject: invoice.id }, { invoice })
}

function createItem(step: Step, command: Extract<InvoiceCommand, { kind: 'invoice_item.create' }>): InvoiceItem {
  requireCustomer(step)
  const { at } = step.context
  assignCurrency(step, command.amount.currency, 'amount')
  if (command.subscription !== null && lookup(step.state.subscriptions, command.subscription) === null)
    refuse('not_found', `no subscription has the id ${command.subscription}`, 'subscription')
  const id = command.id ?? step.context.mint('invoice_item')
  if (lookup(step.state.invoiceItems, id) !== null) refuse('conflict', `invoice item ${id} already exists`, 'id')
  const item: InvoiceItem = {
    id,
    customer: step.state.id,
    subscription: command.subscription,
    invoice: null,
    amount: command.amount,
    description: command.description,
    proration: false,
    price: null,
    subscriptionItem: null,
    quantity: 1,
    period: { from: at, until: at },
    metadata: command.metadata ?? {},
    createdAt: at,
  }
  tell(step, { kind: 'invoice_item_created', subject: id }, { invoice_item: item })
  return item
}

function deleteItem(step: Step, item: InvoiceItem): void {
  if (item.invoice !== null)
    refuse('invalid_transition', `invoice item ${item.id} is billed on invoice ${item.invoice} already`, 'id')
  tellRemoval(step, { kind: 'invoice_item_deleted', subject: item.id }, { invoice_item: item })
}
