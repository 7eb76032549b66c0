import type { FactKind } from '../../model/facts.ts'
import type { CatalogueEntry } from '../dialect.ts'

const SEED = 'seed 004'
const ALL = 'razorpay.com/docs/webhooks/all'
const RECURRING = 'razorpay.com/docs/api/payments/recurring-payments/webhooks'

/** Type, the heading of its sample payload, what a delivery can tell, meaning. */
type SeedRow = readonly [type: string, label: string, carries: readonly FactKind[], meaning: string]

const SUBSCRIPTION: readonly SeedRow[] = [
  [
    'subscription.authenticated',
    'Subscription Authenticated',
    ['subscription_authorized', 'payment_succeeded'],
    'The first payment was made: authorization amount, upfront amount, plan amount or the last two together.',
  ],
  [
    'subscription.activated',
    'Subscription Activated',
    ['subscription_activated', 'payment_succeeded'],
    'It became active, from authenticated, pending or halted. Invoices that exist already are not charged any more.',
  ],
  [
    'subscription.charged',
    'Subscription Charged',
    ['payment_succeeded', 'invoice_paid', 'subscription_renewed', 'subscription_activated'],
    'A charge succeeded.',
  ],
  [
    'subscription.completed',
    'Subscription Completed',
    ['subscription_completed', 'payment_succeeded'],
    'All invoices have been generated. It comes at the start of the last cycle, which still runs.',
  ],
  [
    'subscription.updated',
    'Subscription Updated',
    ['subscription_changed'],
    'It was updated; its state did not change.',
  ],
  [
    'subscription.pending',
    'Subscription Pending',
    ['subscription_past_due', 'invoice_payment_failed', 'payment_failed'],
    'A charge failed and is being retried; sent again for each retry that fails.',
  ],
  [
    'subscription.halted',
    'Subscription Halted',
    ['subscription_unpaid', 'invoice_payment_failed', 'payment_failed'],
    'All retries have failed. The customer must pay by hand or change the card.',
  ],
  [
    'subscription.cancelled',
    'Subscription Cancelled',
    ['subscription_canceled'],
    'It was cancelled, at once or at the end of a cycle.',
  ],
  ['subscription.paused', 'Subscription Paused', ['subscription_paused'], 'It was paused: no service, no charge.'],
  [
    'subscription.resumed',
    'Subscription Resumed',
    ['subscription_resumed'],
    'A pause ended. The page speaks of a resumed state; the status is active.',
  ],
]

/** Other events of a subscription's billing. */
type Row = readonly [type: string, carries: readonly FactKind[], meaning: string]

const BILLING: readonly Row[] = [
  ['payment.authorized', ['payment_initiated'], 'A payment was authorized: the money is reserved, not taken.'],
  ['payment.captured', ['payment_succeeded'], 'A payment was captured: the money was taken.'],
  ['payment.failed', ['payment_failed'], 'A payment failed.'],
  ['payment.dispute.created', [], 'The customer’s bank disputed a payment.'],
  ['payment.dispute.won', [], 'A dispute was decided for the merchant.'],
  ['payment.dispute.lost', ['payment_refunded'], 'A dispute was decided for the customer.'],
  ['payment.dispute.closed', [], 'A dispute was closed.'],
  ['payment.dispute.under_review', [], 'Evidence was handed in and is looked at.'],
  ['payment.dispute.action_required', [], 'The evidence handed in was not enough.'],
  ['payment.downtime.started', [], 'A payment method is down.'],
  ['payment.downtime.updated', [], 'The report of a downtime changed.'],
  ['payment.downtime.resolved', [], 'A payment method works again.'],
  ['order.paid', ['payment_succeeded'], 'An order was paid.'],
  ['invoice.paid', ['invoice_paid', 'payment_succeeded', 'subscription_renewed'], 'An invoice was paid.'],
  ['invoice.partially_paid', ['payment_succeeded'], 'A part of an invoice was paid.'],
  ['invoice.expired', ['invoice_uncollectible'], 'An invoice was not paid in time and cannot be paid any more.'],
  ['refund.created', ['payment_refunded'], 'A refund was asked for.'],
  ['refund.processed', ['payment_refunded'], 'A refund was made.'],
  ['refund.failed', [], 'A refund could not be made.'],
  ['refund.speed_changed', [], 'A refund is made faster or slower than asked for.'],
]

const TOKENS: readonly Row[] = [
  ['token.confirmed', [], 'A mandate (token) may be charged from now on.'],
  ['token.rejected', [], 'The bank did not accept a mandate.'],
  ['token.cancelled', [], 'A mandate was cancelled: it cannot be charged any more.'],
  ['token.paused', [], 'The customer paused a mandate.'],
  ['order.notification.delivered', [], 'The notice that the law asks for before a debit was delivered.'],
  ['order.notification.failed', [], 'The notice before a debit could not be delivered.'],
]

/** Types that have nothing to do with subscription billing: known, so that they are not reported as strange. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  'Transfers to a linked account': ['transfer.processed', 'transfer.failed'],
  'Settlements to the merchant’s bank': ['settlement.processed'],
  'Verification of a linked account': [
    'product.route.under_review',
    'product.route.needs_clarification',
    'product.route.activated',
  ],
  'QR codes': ['qr_code.created', 'qr_code.credited', 'qr_code.closed'],
  'Virtual accounts': ['virtual_account.created', 'virtual_account.credited', 'virtual_account.closed'],
  'Payment links': [
    'payment_link.paid',
    'payment_link.partially_paid',
    'payment_link.cancelled',
    'payment_link.expired',
  ],
  'A partner’s access to an account': ['account.app.authorization_revoked'],
  Payouts: [
    'payout.pending',
    'payout.rejected',
    'payout.queued',
    'payout.initiated',
    'payout.processed',
    'payout.updated',
    'payout.reversed',
    'payout.failed',
    'payout.downtime.started',
    'payout.downtime.resolved',
  ],
  'Checks of a bank account': ['fund_account.validation.completed', 'fund_account.validation.failed'],
  'Payout links': [
    'payout_link.pending',
    'payout_link.issued',
    'payout_link.processing',
    'payout_link.processed',
    'payout_link.attempted',
    'payout_link.cancelled',
    'payout_link.rejected',
    'payout_link.expired',
  ],
  'Transactions of a payout account': ['transaction.created'],
}

function entry(row: Row, source: string): CatalogueEntry {
  const [type, carries, meaning] = row
  return { type, label: null, seed: false, carries, meaning, source }
}

/** All 74 event types that Razorpay lists, the ten of the seed first. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  ...SUBSCRIPTION.map(([type, label, carries, meaning]) => ({
    type,
    label,
    seed: true,
    carries,
    meaning,
    source: SEED,
  })),
  ...BILLING.map((row) => entry(row, ALL)),
  ...TOKENS.map((row) => entry(row, RECURRING)),
  ...Object.entries(BESIDE).flatMap(([subject, types]) =>
    types.map((type) => entry([type, [], `${subject}: ${type.slice(type.lastIndexOf('.') + 1)}.`], ALL)),
  ),
]
