import type { Instant } from '../../../model/instant.ts'
import type { Money } from '../../../model/money.ts'
import { zero } from '../../../model/money.ts'
import type { Period } from '../../../model/calendar.ts'
import type { ObservedInvoice } from '../../../model/objects.ts'
import type { Observation } from '../../../model/observations.ts'
import type { InvoiceStatus } from '../../../model/status.ts'
import type { Fields } from '../../../wire/fields.ts'
import { rankOf, said, textOf } from './resource.ts'
import type { Resource } from './resource.ts'
import { collectionOf, periodOf } from './subscription.ts'

/** What an event's name says of the status, where a slim body does not. */
const STATUS_OF_EVENT: Readonly<Record<string, InvoiceStatus>> = {
  'invoice.created': 'draft',
  'invoice.finalized': 'open',
  'invoice.voided': 'void',
  'invoice.payment.paid': 'paid',
  'invoice.sent': 'open',
  'invoice.paid': 'paid',
  'invoice.payment_failed': 'uncollectible',
  'invoice.payment_attempt_failed': 'open',
}

/** Rises over an invoice's life, so that of two states of one second the later one wins. */
const STAGES: Readonly<Record<InvoiceStatus, number>> = { draft: 0, open: 1, paid: 2, uncollectible: 3, void: 3 }

/** What an invoice of either generation says. */
export function observeInvoice(resource: Resource): readonly Observation[] {
  const { fields, id, stamp } = resource
  const status = statusOf(fields) ?? STATUS_OF_EVENT[resource.type] ?? null
  const attempts = fields.integer('past_payment_attempt_count')
  const rank = rankOf(resource, status === null ? null : [STAGES[status], attempts ?? 0])
  const value = invoiceOf(fields, status ?? 'open', attempts)
  if (resource.whole && status !== null) {
    const snapshot = { kind: 'snapshot', object: 'invoice', id, stamp, value, previous: null, rank } as const
    return [snapshot, ...failedAttempt(resource, value)]
  }
  const { status: defaulted, ...others } = said(value)
  const patched = status === null || defaulted === undefined ? others : { ...others, status: defaulted }
  const patch = { kind: 'patch', object: 'invoice', id, stamp, fields: patched, rank } as const
  return [patch, ...failedAttempt(resource, value)]
}

/**
 * From 2025-06-16 an invoice has two statuses, and none of them is PAID: it stays FINALIZED. Up to 2025-04-25 it has one,
 * in which PAYMENT_FAILED is bad debt and not one failed attempt.
 */
function statusOf(fields: Fields): InvoiceStatus | null {
  const word = fields.text('status')
  switch (word) {
    case null:
      return fields.text('payment_status') === 'PAID' ? 'paid' : null
    case 'DRAFT':
      return 'draft'
    case 'FINALIZED':
      return fields.text('payment_status') === 'PAID' ? 'paid' : 'open'
    case 'VOIDED':
      return 'void'
    case 'SENT':
      return 'open'
    case 'PAID':
      return 'paid'
    case 'PAYMENT_FAILED':
      return 'uncollectible'
    default:
      fields.problem('status', 'expected a status of Airwallex’s documents')
      return null
  }
}

function invoiceOf(fields: Fields, status: InvoiceStatus, attempts: number | null): ObservedInvoice {
  const currency = fields.currency('currency')
  const total = fields.major('total_amount', currency)
  const amountDue = fields.major('amount_due', currency)
  return {
    customer: textOf(fields, 'billing_customer_id', 'customer_id'),
    subscription: fields.text('subscription_id'),
    status,
    number: fields.text('number'),
    reason: 'unknown',
    total,
    amountDue: amountDue ?? (status === 'paid' && currency !== null ? zero(currency) : total),
    amountPaid: amountPaid(status, total),
    refunded: fields.major('credit_note_amount_after_payment', currency),
    period: servicePeriodOf(fields),
    createdAt: fields.iso('created_at'),
    paidAt: fields.iso('paid_at'),
    dueAt: fields.iso('due_at'),
    attempts,
    nextAttemptAt: fields.iso('next_payment_attempt_at'),
    collection: collectionOf(fields),
    paidOutOfBand: fields.boolean('paid_out_of_band') === true,
  }
}

function amountPaid(status: InvoiceStatus, total: Money | null): Money | null {
  if (total === null) return null
  return status === 'paid' ? total : zero(total.currency)
}

/**
 * The period stands on the invoice up to 2025-04-25. From 2025-06-16 it stands on its lines, which the invoice's body
 * leaves out; then the ledger takes the subscription's cycle that contains the invoice's creation.
 */
function servicePeriodOf(fields: Fields): Period | null {
  const own = periodOf(fields.iso('period_start_at'), fields.iso('period_end_at'))
  if (own !== null) return own
  const [line] = fields.objects('line_items')
  return line === undefined ? null : periodOf(line.iso('period_starts_at'), line.iso('period_ends_at'))
}

/** One failed attempt has an event of its own up to 2025-04-25; from 2025-06-16 only the subscription's status shows it. */
function failedAttempt(resource: Resource, invoice: ObservedInvoice): readonly Observation[] {
  if (resource.type !== 'invoice.payment_attempt_failed') return []
  const at: Instant = resource.fields.iso('last_payment_attempt_at') ?? resource.stamp
  return [
    {
      kind: 'happening',
      what: 'payment_failed',
      stamp: at,
      key: `payment_failed|${resource.id}|${invoice.attempts ?? resource.event}`,
      event: resource.event,
      customer: invoice.customer,
      subscription: invoice.subscription,
      invoice: resource.id,
      attempt: invoice.attempts,
      nextAttemptAt: invoice.nextAttemptAt,
      amount: invoice.total,
      failure: { code: null, message: null, retryable: 'unknown' },
      pastDue: true,
      cycle: invoice.period?.from ?? null,
    },
  ]
}
