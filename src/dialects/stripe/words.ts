import type { ProviderWords } from '../dialect.ts'

/** @source stripe.com/docs/api: Subscription.status, Invoice.status */
export const WORDS: ProviderWords = {
  amounts: 'minor',
  subscriptionStatuses: {
    incomplete: 'incomplete',
    incomplete_expired: 'expired',
    trialing: 'trialing',
    active: 'active',
    past_due: 'past_due',
    canceled: 'canceled',
    unpaid: 'unpaid',
    paused: 'paused',
  },
  invoiceStatuses: { draft: 'draft', open: 'open', paid: 'paid', uncollectible: 'uncollectible', void: 'void' },
}
