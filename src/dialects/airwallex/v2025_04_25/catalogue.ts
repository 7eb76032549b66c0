import type { CatalogueEntry } from '../../dialect.ts'
import { seedEntry } from '../shared/seed_entry.ts'

/** The billing events of versions up to 2025-04-25: all seven stand in the seed. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  seedEntry({
    type: 'subscription.created',
    label: 'Subscription -> Created',
    carries: ['subscription_created', 'subscription_trial_started', 'subscription_activated'],
    meaning: 'A subscription has been created.',
  }),
  seedEntry({
    type: 'subscription.updated',
    label: 'Subscription -> Updated',
    carries: [
      'subscription_trial_started',
      'subscription_trial_ended',
      'subscription_activated',
      'subscription_past_due',
      'subscription_renewed',
      'subscription_changed',
      'subscription_cancel_scheduled',
      'subscription_cancel_unscheduled',
    ],
    meaning:
      'The subscription has been changed, such as status update, trial start and end, cancel at period end, and so on.',
  }),
  seedEntry({
    type: 'subscription.cancelled',
    label: 'Subscription -> Cancelled',
    carries: ['subscription_canceled', 'subscription_completed'],
    meaning: 'A subscription has been cancelled.',
  }),
  seedEntry({
    type: 'invoice.sent',
    label: 'Invoice -> Sent',
    carries: ['invoice_finalized'],
    meaning: 'The invoice is ready to be paid.',
  }),
  seedEntry({
    type: 'invoice.paid',
    label: 'Invoice -> Paid',
    carries: ['invoice_paid', 'subscription_renewed'],
    meaning: 'The invoice has been paid successfully.',
  }),
  seedEntry({
    type: 'invoice.payment_failed',
    label: 'Invoice -> Payment failed',
    carries: ['invoice_uncollectible'],
    meaning: 'The invoice is marked as PAYMENT_FAILED and should be treated as bad debt in the accounting process.',
  }),
  seedEntry({
    type: 'invoice.payment_attempt_failed',
    label: 'Invoice -> Payment attempt failed',
    carries: ['invoice_payment_failed', 'payment_failed', 'subscription_past_due'],
    meaning: 'A payment attempt on the invoice failed.',
  }),
]
