import type { ProviderWords } from '../dialect.ts'

/**
 * Razorpay's statuses by meaning: `pending` is being retried, `halted` is out of retries. `resumed` is the word of the
 * seed; bodies say `active`.
 *
 * @source razorpay.com/docs/payments/subscriptions/states; invoices entity
 */
export const WORDS: ProviderWords = {
  amounts: 'minor',
  subscriptionStatuses: {
    created: 'pending',
    authenticated: 'authorized',
    active: 'active',
    resumed: 'active',
    pending: 'past_due',
    halted: 'unpaid',
    paused: 'paused',
    cancelled: 'canceled',
    completed: 'completed',
    expired: 'expired',
  },
  invoiceStatuses: {
    draft: 'draft',
    issued: 'open',
    partially_paid: 'open',
    paid: 'paid',
    cancelled: 'void',
    // Not declared void by anybody: it was not paid in time.
    expired: 'uncollectible',
    deleted: 'void',
  },
}
