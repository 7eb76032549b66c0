import type { ProviderWords } from '../dialect.ts'

/** @source airwallex.com/docs/api/billing: Subscription.status, Invoice.status of both generations */
export const WORDS: ProviderWords = {
  amounts: 'major',
  subscriptionStatuses: {
    PENDING: 'pending',
    IN_TRIAL: 'trialing',
    ACTIVE: 'active',
    UNPAID: 'past_due',
    CANCELLED: 'canceled',
  },
  invoiceStatuses: {
    DRAFT: 'draft',
    FINALIZED: 'open',
    SENT: 'open',
    PAID: 'paid',
    PAYMENT_FAILED: 'uncollectible',
    VOIDED: 'void',
  },
}
