import type { Period } from '../../model/calendar.ts'
import { isZero } from '../../model/money.ts'
import type { InvoiceReason, ObservedInvoice } from '../../model/objects.ts'
import type { Observation } from '../../model/observations.ts'
import type { InvoiceStatus } from '../../model/status.ts'
import type { Fields } from '../../wire/fields.ts'
import { readAmount } from './amounts.ts'
import { listed, previousOf, rankOf } from './decode_context.ts'
import type { EventContext } from './decode_context.ts'
import { readInvoicePayment } from './decode_payment.ts'
import { readCollection, readPeriod } from './decode_subscription.ts'

/**
 * How far an invoice has come: it never goes back, so this orders what one second tells. An uncollectible one may still
 * be paid or voided.
 */
const PROGRESS = { draft: 0, open: 1, uncollectible: 2, paid: 3, void: 3 } as const satisfies Record<
  InvoiceStatus,
  number
>

const REASONS: ReadonlyMap<string, InvoiceReason> = new Map([
  ['subscription_create', 'first'],
  ['subscription_cycle', 'cycle'],
  ['subscription_update', 'update'],
  ['manual', 'manual'],
  ['subscription_threshold', 'other'],
  ['automatic_pending_invoice_item_invoice', 'other'],
  ['quote_accept', 'other'],
  ['upcoming', 'other'],
])

/** `invoice.*`: the whole invoice, and what happened to its payment. */
export function decodeInvoice(context: EventContext): readonly Observation[] {
  if (context.type === 'invoice.upcoming') return decodeUpcoming(context)
  const fields = context.object
  const id = fields.text('id')
  const value = readInvoice(fields)
  if (id === null || value === null) {
    if (id === null) fields.problem('id', 'an invoice without an id')
    return []
  }
  const snapshot: Observation = {
    kind: 'snapshot',
    object: 'invoice',
    id,
    stamp: context.stamp,
    value,
    previous: previousOf(context, readInvoice),
    rank: rankOf(context, [PROGRESS[value.status], value.attempts ?? 0]),
  }
  // Only when expanded: deliveries never are, fetched invoices may be.
  const links = listed(fields, 'payments').flatMap((payment) => readInvoicePayment(payment, context))
  return [snapshot, ...happeningsOf(context, id, value), ...links]
}

/** An invoice object of either generation; null if its status is not known. */
function readInvoice(fields: Fields): ObservedInvoice | null {
  const status = statusOf(fields)
  if (status === null) return null
  const currency = fields.currency('currency')
  const transitions = fields.object('status_transitions')
  const offProvider = fields.integer('amount_paid_off_stripe') ?? 0
  return {
    customer: fields.reference('customer'),
    subscription: readInvoiceSubscription(fields),
    status,
    number: fields.text('number'),
    reason: REASONS.get(fields.text('billing_reason') ?? '') ?? 'unknown',
    total: readAmount(fields, 'total', currency),
    amountDue: readAmount(fields, 'amount_due', currency),
    amountPaid: readAmount(fields, 'amount_paid', currency),
    refunded: null,
    period: readServicePeriod(fields),
    createdAt: fields.seconds('created'),
    paidAt: transitions?.seconds('paid_at') ?? null,
    dueAt: fields.seconds('due_date'),
    attempts: fields.integer('attempt_count'),
    nextAttemptAt: fields.seconds('next_payment_attempt'),
    collection: readCollection(fields),
    paidOutOfBand: fields.boolean('paid_out_of_band') ?? offProvider > 0,
  }
}

function statusOf(fields: Fields): InvoiceStatus | null {
  const word = fields.text('status')
  if (word === 'draft' || word === 'open' || word === 'paid' || word === 'void' || word === 'uncollectible') return word
  fields.problem('status', word === null ? 'an invoice without a status' : 'a status that is not known')
  return null
}

function readInvoiceSubscription(fields: Fields): string | null {
  const parent = fields.object('parent')?.object('subscription_details')
  return parent?.reference('subscription') ?? fields.reference('subscription')
}

/**
 * The service period: that of the subscription's own lines. `invoice.period_start` and `_end` are not it (on a renewal
 * they are the cycle before). Prorations and invoice items pay for something else. Of several periods the one that ends
 * last counts: metered lines bill the cycle that is over.
 */
function readServicePeriod(fields: Fields): Period | null {
  let latest: Period | null = null
  for (const line of listed(fields, 'lines')) {
    const span = line.object('period')
    if (span === null || !isSubscriptionLine(line)) continue
    const period = readPeriod(span, 'start', 'end')
    if (period !== null && (latest === null || period.until > latest.until)) latest = period
  }
  return latest
}

function isSubscriptionLine(line: Fields): boolean {
  const parent = line.object('parent')
  if (parent !== null) {
    const details = parent.object('subscription_item_details')
    return parent.text('type') === 'subscription_item_details' && details?.boolean('proration') !== true
  }
  return line.text('type') === 'subscription' && line.boolean('proration') !== true
}

function happeningsOf(context: EventContext, invoice: string, value: ObservedInvoice): readonly Observation[] {
  const base = {
    kind: 'happening',
    stamp: context.stamp,
    event: context.event,
    customer: value.customer,
    subscription: value.subscription,
    invoice,
  } as const
  switch (context.type) {
    case 'invoice.payment_failed':
      return [
        {
          ...base,
          what: 'payment_failed',
          key: `payment_failed|${invoice}|${value.attempts ?? context.event}`,
          attempt: value.attempts,
          nextAttemptAt: value.nextAttemptAt,
          amount: value.amountDue,
          // The reason stands on the charge. A planned attempt means that the issuer did not rule one out.
          failure: { code: null, message: null, retryable: value.nextAttemptAt === null ? 'unknown' : 'yes' },
          pastDue: false,
          cycle: value.period?.from ?? null,
        },
      ]
    case 'invoice.payment_succeeded':
      // Also sent for invoices of nothing, where no payment was made.
      if (value.amountPaid === null || isZero(value.amountPaid)) return []
      return [
        {
          ...base,
          what: 'payment_succeeded',
          key: `payment_succeeded|${invoice}`,
          amount: value.amountPaid,
          paidThrough: value.period?.until ?? null,
          activates: false,
        },
      ]
    case 'invoice.overdue':
      return [
        { ...base, what: 'invoice_overdue', key: `invoice_overdue|${invoice}`, dueAt: value.dueAt, pastDue: false },
      ]
    default:
      return []
  }
}

/** `invoice.upcoming`: a preview without an id, so nothing to keep; the renewal is told by its time. */
function decodeUpcoming(context: EventContext): readonly Observation[] {
  const fields = context.object
  const subscription = readInvoiceSubscription(fields)
  const customer = fields.reference('customer')
  const renewsAt = fields.seconds('period_end') ?? readServicePeriod(fields)?.from ?? fields.seconds('created')
  return [
    {
      kind: 'happening',
      what: 'renewal_upcoming',
      stamp: context.stamp,
      key: `renewal_upcoming|${subscription ?? customer ?? ''}|${renewsAt ?? ''}`,
      event: context.event,
      customer,
      subscription,
      renewsAt,
      amount: readAmount(fields, 'amount_due', fields.currency('currency')),
    },
  ]
}
