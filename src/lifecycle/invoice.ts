/** Invoices from their creation to the first attempt at collecting them. */
import type { Period } from '../model/calendar.ts'
import { compareText } from '../model/compare.ts'
import type { Currency } from '../model/currency.ts'
import type { Invoice, InvoiceGate, InvoiceItem, InvoiceLine, Metadata, Subscription } from '../model/entities.ts'
import { addMs, DAY_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { money, sum, zero } from '../model/money.ts'
import type { Money } from '../model/money.ts'
import type { InvoiceReason } from '../model/objects.ts'
import { cancelPayment, charge, openPayment } from './charge.ts'
import { lookup, put, tell } from './step.ts'
import type { Step } from './step.ts'
import { markPaid } from './settle.ts'
import { moveInvoice } from './tables.ts'

/** What an invoice is made of. */
export interface Draft {
  readonly id: string
  readonly subscription: Subscription | null
  readonly reason: InvoiceReason
  readonly currency: Currency
  readonly lines: readonly InvoiceLine[]
  readonly period: Period
  readonly collection: 'automatic' | 'manual'
  /** When it must be paid; null: so many days after its finalization as the subscription or the profile says. */
  readonly dueAt: Instant | null
  /**
   * `now`: the caller finalizes it at once. `later`: after the profile's draft time and gate. `never`: it stays a draft until
   * somebody finalizes it.
   */
  readonly finalize: 'now' | 'later' | 'never'
  /** Whether the engine collects it by itself. */
  readonly autoAdvance: boolean
  /** Whether pending amounts of the customer, or of this subscription, are billed with it. */
  readonly pendingItems: boolean
  readonly metadata?: Metadata
}

/** Creates a draft and tells it. */
export function draftInvoice(step: Step, draft: Draft): Invoice {
  const { at, profile } = step.context
  const items = draft.pendingItems ? pendingItems(step, draft) : []
  const lines = [...draft.lines, ...items.map((item) => lineOfItem(step, item))]
  const total = sum(
    lines.map((line) => line.amount),
    draft.currency,
  )
  const finalizesAt = draft.finalize === 'later' ? addMs(at, profile.draftMs) : null
  const invoice: Invoice = {
    id: draft.id,
    customer: step.state.id,
    subscription: draft.subscription?.id ?? null,
    number: null,
    status: moveInvoice(null, 'draft'),
    reason: draft.reason,
    collection: draft.collection,
    autoAdvance: draft.autoAdvance,
    currency: draft.currency,
    lines,
    total,
    amountDue: due(total),
    amountPaid: zero(draft.currency),
    refunded: zero(draft.currency),
    period: draft.period,
    defaultPaymentMethod: null,
    attempts: 0,
    nextAttemptAt: draft.autoAdvance && draft.collection === 'automatic' ? finalizesAt : null,
    finalizesAt,
    gate: gateFor(step, draft),
    payment: null,
    paidOutOfBand: false,
    createdAt: at,
    updatedAt: at,
    finalizedAt: null,
    sentAt: null,
    dueAt: draft.dueAt,
    overdueAt: null,
    paidAt: null,
    voidedAt: null,
    uncollectibleAt: null,
    metadata: draft.metadata ?? {},
  }
  for (const item of items) put(step, { invoice_item: { ...item, invoice: invoice.id } })
  tell(step, { kind: 'invoice_drafted', subject: invoice.id, detail: { total } }, { invoice })
  return invoice
}

/** What is to be paid: a credit is not paid out, it waits for the next invoice. */
function due(total: Money): Money {
  return total.minor > 0n ? total : zero(total.currency)
}

/** The gate holds what the engine collects by itself after the draft time, and nothing else. */
function gateFor(step: Step, draft: Draft): InvoiceGate {
  const { at, profile, gatekeepers } = step.context
  const gated = profile.gate !== 'none' && draft.finalize === 'later' && draft.collection === 'automatic'
  if (!gated) return { state: 'open', deliveredAt: at, latestAt: null }
  const latestAt = addMs(at, profile.gateLimitMs)
  return gatekeepers ? { state: 'waiting', deliveredAt: null, latestAt } : { state: 'open', deliveredAt: at, latestAt }
}

/**
 * Makes a draft final: it gets its number and is collected as it says. Nothing due: it is paid at once. While collection is
 * paused it is voided or written off instead.
 */
export function finalizeInvoice(
  step: Step,
  draft: Invoice,
  how: { readonly charge: boolean } = { charge: true },
): void {
  const invoice = tellFinalized(step, draft, how.charge)
  const subscription = lookup(step.state.subscriptions, invoice.subscription)
  const paused = subscription?.pause?.scope === 'collection' ? subscription.pause.invoices : null
  if (paused === 'void') return voidInvoice(step, invoice)
  if (paused === 'mark_uncollectible') return writeOff(step, invoice)
  if (invoice.amountDue.minor === 0n) {
    keepCredit(step, invoice)
    return markPaid(step, invoice, { payment: null, outOfBand: false })
  }
  // Who finalizes by hand an invoice that does not advance by itself also sends it by hand.
  if (!invoice.autoAdvance) return
  if (invoice.collection === 'manual') return send(step, invoice)
  if (how.charge) charge(step, invoice, 'engine')
  else openPayment(step, invoice)
}

function tellFinalized(step: Step, draft: Invoice, charges: boolean): Invoice {
  const { at } = step.context
  const { customer } = step.state
  const count = (customer?.invoiceCount ?? 0) + 1
  const automatic = draft.collection === 'automatic'
  const invoice: Invoice = {
    ...draft,
    status: moveInvoice(draft.status, 'finalize'),
    number: invoiceNumber(step.state.id, count),
    finalizesAt: null,
    nextAttemptAt: automatic && draft.autoAdvance && charges ? at : null,
    finalizedAt: at,
    billedTo: customer === null ? null : { name: customer.name, email: customer.email, phone: customer.phone },
    dueAt: automatic ? null : (draft.dueAt ?? addMs(at, daysUntilDue(step, draft) * DAY_MS)),
    updatedAt: at,
  }
  const { total, number, dueAt } = invoice
  if (customer !== null) put(step, { customer: { ...customer, invoiceCount: count, currency: invoice.currency } })
  tell(step, { kind: 'invoice_finalized', subject: invoice.id, detail: { total, number, dueAt } }, { invoice })
  return invoice
}

function daysUntilDue(step: Step, invoice: Invoice): number {
  const subscription = lookup(step.state.subscriptions, invoice.subscription)
  return subscription?.daysUntilDue ?? step.context.profile.overdue.dueDays
}

/** Numbers run per customer, as `<the end of the customer's id>-0001`. */
function invoiceNumber(customer: string, count: number): string {
  const tail = customer
    .replace(/[^0-9A-Za-z]/g, '')
    .slice(-8)
    .toUpperCase()
  return `${tail}-${String(count).padStart(4, '0')}`
}

/** A credit that is larger than what it was set against waits for the next invoice. */
function keepCredit(step: Step, invoice: Invoice): void {
  if (invoice.total.minor >= 0n) return
  const item: InvoiceItem = {
    id: step.context.mint('invoice_item'),
    customer: step.state.id,
    subscription: null,
    invoice: null,
    amount: invoice.total,
    description: `Credit from ${invoice.number ?? invoice.id}`,
    proration: false,
    price: null,
    subscriptionItem: null,
    quantity: 1,
    period: invoice.period,
    metadata: {},
    createdAt: step.context.at,
  }
  put(step, { invoice_item: item })
}

/** Sends an open invoice to be paid by hand. */
export function send(step: Step, invoice: Invoice): void {
  const { at } = step.context
  const sent: Invoice = { ...invoice, sentAt: at, updatedAt: at }
  tell(step, { kind: 'invoice_sent', subject: sent.id }, { invoice: sent })
}

/** Declares an invoice void. Its payment is canceled after it. */
export function voidInvoice(step: Step, invoice: Invoice): void {
  const { at } = step.context
  const next: Invoice = {
    ...invoice,
    status: moveInvoice(invoice.status, 'void'),
    autoAdvance: false,
    nextAttemptAt: null,
    voidedAt: at,
    updatedAt: at,
  }
  tell(step, { kind: 'invoice_voided', subject: next.id, detail: { amount: invoice.amountDue } }, { invoice: next })
  cancelPayment(step, next)
}

/** Gives an invoice up as bad debt. It can still be paid. */
export function writeOff(step: Step, invoice: Invoice): void {
  const { at } = step.context
  const next: Invoice = {
    ...invoice,
    status: moveInvoice(invoice.status, 'write_off'),
    autoAdvance: false,
    nextAttemptAt: null,
    uncollectibleAt: at,
    updatedAt: at,
  }
  const detail = { amount: invoice.amountDue }
  tell(step, { kind: 'invoice_uncollectible', subject: next.id, detail }, { invoice: next })
}

/** The amounts that wait for this invoice, oldest first. */
function pendingItems(step: Step, draft: Draft): readonly InvoiceItem[] {
  return Object.values(step.state.invoiceItems)
    .filter((item) => item.invoice === null && item.amount.currency === draft.currency)
    .filter((item) => item.subscription === null || item.subscription === (draft.subscription?.id ?? item.subscription))
    .sort((a, b) => a.createdAt - b.createdAt || compareText(a.id, b.id))
}

/** The invoice line of a pending amount. */
export function lineOfItem(step: Step, item: InvoiceItem): InvoiceLine {
  return {
    id: step.context.mint('invoice_line'),
    kind: item.proration ? 'proration' : 'one_off',
    description: item.description,
    amount: money(item.amount.minor, item.amount.currency),
    price: item.price,
    quantity: item.quantity,
    period: item.period,
    subscriptionItem: item.subscriptionItem,
    invoiceItem: item.id,
  }
}
