import type { ProviderWords } from '../dialect.ts'

/** Kinde's agreements have no status field: these are the words that people use for them. @source seed 000 */
export const WORDS: ProviderWords = {
  amounts: 'minor',
  subscriptionStatuses: {
    active: 'active',
    overdue: 'past_due',
    past_due: 'past_due',
    cancelled: 'canceled',
  },
  invoiceStatuses: { open: 'open', paid: 'paid', overdue: 'open', void: 'void' },
}
