import type { CatalogueEntry } from '../../dialect.ts'
import { seedEntry } from '../shared/seed_entry.ts'

const DOCS = 'airwallex.com/docs/developer-tools/webhooks/listen-for-webhook-events/billing'

/** The billing events of versions from 2025-06-16: the sixteen of the seed, then those of later pages. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  seedEntry({
    type: 'subscription.created',
    label: 'Subscription -> Created',
    carries: ['subscription_created'],
    meaning: 'A subscription has been created.',
  }),
  seedEntry({
    type: 'subscription.in_trial',
    label: 'Subscription -> In trial',
    carries: ['subscription_trial_started'],
    meaning: 'The subscription transits to IN_TRIAL status.',
  }),
  seedEntry({
    type: 'subscription.active',
    label: 'Subscription -> Active',
    carries: ['subscription_activated', 'subscription_trial_ended', 'subscription_renewed'],
    meaning: 'The subscription transits to ACTIVE status.',
  }),
  seedEntry({
    type: 'subscription.unpaid',
    label: 'Subscription -> Unpaid',
    carries: ['subscription_past_due'],
    meaning: 'The subscription transits to UNPAID status: a payment failed and is still being retried.',
  }),
  seedEntry({
    type: 'subscription.modified',
    label: 'Subscription -> Modified',
    carries: ['subscription_changed', 'subscription_cancel_scheduled', 'subscription_cancel_unscheduled'],
    meaning: 'The subscription is updated.',
  }),
  seedEntry({
    type: 'subscription.cancelled',
    label: 'Subscription -> Cancelled',
    carries: ['subscription_canceled', 'subscription_completed'],
    meaning: 'The subscription has been cancelled.',
  }),
  seedEntry({
    type: 'invoice.created',
    label: 'Invoice -> Created',
    carries: ['invoice_drafted'],
    meaning: 'The invoice has been created.',
  }),
  seedEntry({
    type: 'invoice.finalized',
    label: 'Invoice -> Finalized',
    carries: ['invoice_finalized'],
    meaning: 'The invoice has been finalized.',
  }),
  seedEntry({
    type: 'invoice.voided',
    label: 'Invoice -> Voided',
    carries: ['invoice_voided'],
    meaning: 'The invoice has been voided.',
  }),
  seedEntry({
    type: 'invoice.payment.paid',
    label: 'Invoice -> Paid',
    carries: ['invoice_paid', 'subscription_renewed'],
    meaning: 'The invoice has been paid.',
  }),
  seedEntry({
    type: 'billing_transaction.created',
    label: 'Billing Transaction -> Created',
    carries: ['payment_initiated'],
    meaning: 'The Billing Transaction has been created.',
  }),
  seedEntry({
    type: 'billing_transaction.succeeded',
    label: 'Billing Transaction -> Succeeded',
    carries: ['payment_succeeded', 'payment_refunded'],
    meaning: 'The Billing Transaction has succeeded.',
  }),
  seedEntry({
    type: 'billing_transaction.cancelled',
    label: 'Billing Transaction -> Cancelled',
    carries: ['payment_canceled'],
    meaning: 'The Billing Transaction has been cancelled.',
  }),
  seedEntry({
    type: 'billing_checkout.created',
    label: 'Billing Checkout -> Created',
    carries: ['checkout_opened'],
    meaning: 'The Billing Checkout has been created.',
  }),
  seedEntry({
    type: 'billing_checkout.cancelled',
    label: 'Billing Checkout -> Cancelled',
    carries: ['checkout_canceled'],
    meaning: 'The Billing Checkout has been cancelled.',
  }),
  seedEntry({
    type: 'billing_checkout.completed',
    label: 'Billing Checkout -> Completed',
    carries: ['checkout_completed'],
    meaning: 'The Billing Checkout has completed.',
  }),
  later('invoice.updated', 'The invoice has been updated.'),
  later('credit_note.created', 'A credit note has been created.'),
  later('credit_note.finalized', 'A credit note has been finalized.'),
  later('credit_note.voided', 'A credit note has been voided.'),
  later('usage_event.aggregation_failed', 'Usage events could not be aggregated.'),
]

function later(type: string, meaning: string): CatalogueEntry {
  return { type, label: null, seed: false, carries: [], meaning, source: DOCS }
}
