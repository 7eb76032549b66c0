import type { ProviderWords } from '../dialect.ts'

/** @source razorpay.com/docs/payments/subscriptions/states; invoices entity */
export const WORDS: ProviderWords = {
  amounts: 'minor',
  subscriptionStatuses: {
    created: 'pending',
    authenticated: 'authorized',
    active: 'active',
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
    expired: 'uncollectible',
    deleted: 'void',
  },
}
