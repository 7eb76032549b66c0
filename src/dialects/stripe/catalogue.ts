import type { FactKind } from '../../model/facts.ts'
import type { CatalogueEntry } from '../dialect.ts'

/** What a whole subscription can show by its difference to the one before. */
const SUBSCRIPTION = [
  'subscription_trial_started',
  'subscription_trial_ended',
  'subscription_activated',
  'subscription_changed',
  'subscription_past_due',
  'subscription_unpaid',
  'subscription_paused',
  'subscription_resumed',
  'subscription_cancel_scheduled',
  'subscription_cancel_unscheduled',
  'subscription_canceled',
  'subscription_expired',
] as const satisfies readonly FactKind[]

const PAID = ['invoice_paid', 'subscription_renewed'] as const satisfies readonly FactKind[]

const NOTHING: readonly FactKind[] = []

type Row = readonly [type: string, carries: readonly FactKind[], meaning: string]

const SUBSCRIPTION_ROWS: readonly Row[] = [
  [
    'customer.subscription.created',
    ['subscription_created', 'subscription_trial_started', 'subscription_activated'],
    'A subscription was created: incomplete, trialing or active.',
  ],
  ['customer.subscription.updated', SUBSCRIPTION, 'Anything of a subscription changed; the old values are told.'],
  ['customer.subscription.deleted', ['subscription_canceled'], 'A subscription ended: its status is canceled.'],
  [
    'customer.subscription.trial_will_end',
    ['subscription_trial_ending'],
    'The trial ends in three days, or ends now if it was cut short.',
  ],
  ['customer.subscription.paused', ['subscription_paused'], 'The status became paused; not for paused collection.'],
  ['customer.subscription.resumed', ['subscription_resumed'], 'A paused subscription is active again.'],
  [
    'customer.subscription.pending_update_applied',
    ['subscription_changed'],
    'A change that waited for its payment took effect.',
  ],
  ['customer.subscription.pending_update_expired', NOTHING, 'A change that waited for its payment was dropped.'],
  ['subscription_schedule.created', NOTHING, 'A schedule of phases was created.'],
  ['subscription_schedule.updated', NOTHING, 'A schedule of phases changed.'],
  ['subscription_schedule.canceled', NOTHING, 'A schedule was canceled with its subscription.'],
  ['subscription_schedule.completed', NOTHING, 'A schedule ran to its end.'],
  ['subscription_schedule.released', NOTHING, 'A schedule let go of its subscription.'],
  ['subscription_schedule.aborted', NOTHING, 'A schedule was stopped because its subscription was not paid.'],
  ['subscription_schedule.expiring', NOTHING, 'A schedule ends in seven days.'],
]

const INVOICE_ROWS: readonly Row[] = [
  ['invoice.upcoming', ['subscription_renewal_upcoming'], 'A renewal will be charged some days from now; no id.'],
  ['invoice.created', ['invoice_drafted'], 'A draft was made. The payment waits for this to be acknowledged.'],
  ['invoice.updated', ['invoice_finalized', ...PAID], 'Anything of an invoice changed, attempts among it.'],
  ['invoice.finalized', ['invoice_finalized'], 'A draft became an open invoice with a number.'],
  ['invoice.finalization_failed', NOTHING, 'A draft could not be finalized and stays a draft.'],
  [
    'invoice.payment_succeeded',
    ['payment_succeeded', ...PAID],
    'A payment of the invoice succeeded; sent besides invoice.paid.',
  ],
  ['invoice.paid', PAID, 'An invoice was paid, by a charge or outside of the provider.'],
  [
    'invoice.payment_failed',
    ['invoice_payment_failed', 'payment_failed'],
    'An attempt to collect the invoice failed; the next attempt is told.',
  ],
  ['invoice.payment_action_required', NOTHING, 'The customer must confirm the payment.'],
  ['invoice.payment_attempt_required', NOTHING, 'A custom payment method must be collected outside of the provider.'],
  ['invoice.sent', ['invoice_finalized'], 'The invoice was mailed to be paid by hand.'],
  ['invoice.will_be_due', NOTHING, 'The due date is some days away.'],
  ['invoice.overdue', ['invoice_overdue'], 'The due date passed without a payment.'],
  ['invoice.overpaid', NOTHING, 'More was paid than was due.'],
  ['invoice.voided', ['invoice_voided'], 'The invoice was declared void.'],
  ['invoice.marked_uncollectible', ['invoice_uncollectible'], 'The invoice was written off as bad debt.'],
  ['invoice.deleted', NOTHING, 'A draft was deleted.'],
  ['invoice_payment.paid', ['payment_succeeded'], 'A payment was applied to an invoice: links the two.'],
  ['invoiceitem.created', NOTHING, 'An amount was put aside for the next invoice.'],
  ['invoiceitem.deleted', NOTHING, 'An amount put aside was taken back.'],
  ['credit_note.created', NOTHING, 'A credit note was issued.'],
  ['credit_note.updated', NOTHING, 'A credit note changed.'],
  ['credit_note.voided', NOTHING, 'A credit note was declared void.'],
  ['quote.created', NOTHING, 'A quote was created.'],
  ['quote.finalized', NOTHING, 'A quote is final.'],
  ['quote.accepted', NOTHING, 'A quote was accepted.'],
  ['quote.canceled', NOTHING, 'A quote was canceled.'],
]

const PAYMENT_ROWS: readonly Row[] = [
  ['payment_intent.created', ['payment_initiated'], 'A payment began.'],
  ['payment_intent.processing', NOTHING, 'The money is on its way.'],
  ['payment_intent.requires_action', NOTHING, 'The customer must confirm the payment.'],
  ['payment_intent.amount_capturable_updated', NOTHING, 'An authorised amount can be captured.'],
  ['payment_intent.partially_funded', NOTHING, 'A part of the amount has arrived.'],
  ['payment_intent.payment_failed', ['payment_failed'], 'An attempt of the payment failed; the reason is told.'],
  ['payment_intent.succeeded', ['payment_succeeded'], 'The payment succeeded.'],
  ['payment_intent.canceled', ['payment_canceled'], 'The payment was canceled, for example with its invoice.'],
  ['charge.succeeded', ['payment_succeeded'], 'A charge succeeded.'],
  ['charge.pending', NOTHING, 'A charge is on its way.'],
  ['charge.failed', ['payment_failed'], 'A charge failed; the reason is told.'],
  ['charge.captured', NOTHING, 'An authorised charge was captured.'],
  ['charge.expired', ['payment_canceled'], 'An authorised charge was not captured in time.'],
  ['charge.refunded', ['payment_refunded'], 'A charge was refunded, in whole or in part.'],
  ['charge.updated', NOTHING, 'Description or metadata of a charge changed.'],
  ['charge.refund.updated', ['payment_refunded'], 'A refund changed; older name of refund.updated.'],
  ['refund.created', ['payment_refunded'], 'A refund was made.'],
  ['refund.updated', ['payment_refunded'], 'A refund changed.'],
  ['refund.failed', NOTHING, 'A refund failed: the money came back.'],
  ['charge.dispute.created', NOTHING, 'The customer’s bank disputes a charge.'],
  ['charge.dispute.updated', NOTHING, 'A dispute changed.'],
  ['charge.dispute.closed', NOTHING, 'A dispute was decided.'],
  ['charge.dispute.funds_withdrawn', NOTHING, 'A disputed amount was taken.'],
  ['charge.dispute.funds_reinstated', NOTHING, 'A disputed amount was given back.'],
  ['setup_intent.created', NOTHING, 'The storing of a payment method began.'],
  ['setup_intent.requires_action', NOTHING, 'The customer must confirm the payment method.'],
  ['setup_intent.succeeded', NOTHING, 'A payment method was confirmed.'],
  ['setup_intent.setup_failed', NOTHING, 'A payment method could not be confirmed.'],
  ['setup_intent.canceled', NOTHING, 'The storing of a payment method was canceled.'],
  ['payment_method.attached', NOTHING, 'A payment method was attached to a customer.'],
  ['payment_method.detached', NOTHING, 'A payment method was taken from a customer.'],
  ['payment_method.updated', NOTHING, 'A payment method changed.'],
  ['payment_method.automatically_updated', NOTHING, 'The card network renewed a card.'],
  ['mandate.updated', NOTHING, 'A mandate for debits changed.'],
]

const CUSTOMER_ROWS: readonly Row[] = [
  ['customer.created', NOTHING, 'A customer was created.'],
  ['customer.updated', NOTHING, 'A customer changed: data, default payment method, metadata.'],
  ['customer.deleted', NOTHING, 'A customer was deleted, with its subscriptions.'],
  ['customer.source.created', NOTHING, 'An old-style payment source was added.'],
  ['customer.source.updated', NOTHING, 'An old-style payment source changed.'],
  ['customer.source.deleted', NOTHING, 'An old-style payment source was removed.'],
  ['customer.source.expiring', NOTHING, 'A card expires at the end of the month.'],
  ['customer.discount.created', NOTHING, 'A discount was given.'],
  ['customer.discount.updated', NOTHING, 'A discount was exchanged.'],
  ['customer.discount.deleted', NOTHING, 'A discount ended.'],
  ['customer.tax_id.created', NOTHING, 'A tax number was added.'],
  ['customer.tax_id.updated', NOTHING, 'A tax number was checked.'],
  ['customer.tax_id.deleted', NOTHING, 'A tax number was removed.'],
  ['checkout.session.completed', ['checkout_completed'], 'A hosted checkout was completed: links user and customer.'],
  ['checkout.session.expired', ['checkout_expired'], 'A hosted checkout ran out of time.'],
  ['checkout.session.async_payment_succeeded', ['checkout_completed'], 'The delayed payment of a checkout succeeded.'],
  ['checkout.session.async_payment_failed', NOTHING, 'The delayed payment of a checkout failed.'],
  ['entitlements.active_entitlement_summary.updated', NOTHING, 'The features that a customer may use changed.'],
]

const OTHER_ROWS: readonly Row[] = [
  ['product.created', NOTHING, 'A product was created.'],
  ['product.updated', NOTHING, 'A product changed.'],
  ['product.deleted', NOTHING, 'A product was deleted.'],
  ['price.created', NOTHING, 'A price was created.'],
  ['price.updated', NOTHING, 'A price changed.'],
  ['price.deleted', NOTHING, 'A price was deleted.'],
  ['plan.created', NOTHING, 'A price was created, in the older form; sent besides price.created.'],
  ['plan.updated', NOTHING, 'A price changed, in the older form.'],
  ['plan.deleted', NOTHING, 'A price was deleted, in the older form.'],
  ['coupon.created', NOTHING, 'A coupon was created.'],
  ['coupon.updated', NOTHING, 'A coupon changed.'],
  ['coupon.deleted', NOTHING, 'A coupon was deleted.'],
  ['promotion_code.created', NOTHING, 'A promotion code was created.'],
  ['promotion_code.updated', NOTHING, 'A promotion code changed.'],
  ['tax_rate.created', NOTHING, 'A tax rate was created.'],
  ['tax_rate.updated', NOTHING, 'A tax rate changed.'],
  ['billing.meter.created', NOTHING, 'A meter was created.'],
  ['billing.meter.updated', NOTHING, 'A meter changed.'],
  ['billing.meter.deactivated', NOTHING, 'A meter was switched off.'],
  ['billing.meter.reactivated', NOTHING, 'A meter was switched on again.'],
  ['billing.alert.triggered', ['usage_updated'], 'Usage passed the threshold of an alert; its value is told.'],
  ['billing.credit_grant.created', NOTHING, 'Prepaid credit was granted.'],
  ['billing.credit_grant.updated', NOTHING, 'Prepaid credit changed.'],
  ['billing.credit_balance_transaction.created', NOTHING, 'Prepaid credit was used or added.'],
  ['test_helpers.test_clock.created', NOTHING, 'A test clock was created.'],
  ['test_helpers.test_clock.advancing', NOTHING, 'A test clock began to advance.'],
  ['test_helpers.test_clock.ready', NOTHING, 'A test clock stands still again.'],
  ['test_helpers.test_clock.internal_failure', NOTHING, 'A test clock could not be advanced.'],
  ['test_helpers.test_clock.deleted', NOTHING, 'A test clock was deleted with its customers.'],
]

/** Named in seed 002. The status changes that it names travel in `customer.subscription.updated` and `.deleted`. */
const SEED_TYPES: ReadonlySet<string> = new Set([
  'invoice.upcoming',
  'invoice.created',
  'invoice.payment_succeeded',
  'customer.subscription.trial_will_end',
])

/** Snapshot types of the newer generation that the older one does not have. @source type lists of both SDK versions */
const SINCE_BASIL: ReadonlySet<string> = new Set([
  'billing.credit_balance_transaction.created',
  'billing.credit_grant.created',
  'billing.credit_grant.updated',
  'billing.meter.created',
  'billing.meter.updated',
  'billing.meter.deactivated',
  'billing.meter.reactivated',
  'invoice.overpaid',
  'invoice.payment_attempt_required',
  'invoice_payment.paid',
])

/** Every event type of this provider that has to do with billing, in the newer generation. */
export const ENDIVE_CATALOGUE: readonly CatalogueEntry[] = [
  ...SUBSCRIPTION_ROWS,
  ...INVOICE_ROWS,
  ...PAYMENT_ROWS,
  ...CUSTOMER_ROWS,
  ...OTHER_ROWS,
].map(([type, carries, meaning]) => ({
  type,
  label: null,
  seed: SEED_TYPES.has(type),
  carries,
  meaning,
  source: SEED_TYPES.has(type)
    ? 'Seed 002, "Common uses of webhooks with subscriptions"'
    : 'Stripe API reference 2026-10-28.endive, "Types of events"',
}))

/** The same for the older generation. */
export const ACACIA_CATALOGUE: readonly CatalogueEntry[] = ENDIVE_CATALOGUE.filter(
  (entry) => !SINCE_BASIL.has(entry.type),
)
