import { SUBSCRIPTION_STATUSES } from '../../model/status.ts'
import type { SubscriptionStatus } from '../../model/status.ts'
import type { ProviderWords } from '../dialect.ts'

/** Our own words. */
export const WORDS: ProviderWords = {
  amounts: 'minor',
  subscriptionStatuses: Object.fromEntries(
    Object.keys(SUBSCRIPTION_STATUSES)
      .filter(isStatus)
      .map((status) => [status, status]),
  ),
  invoiceStatuses: { draft: 'draft', open: 'open', paid: 'paid', uncollectible: 'uncollectible', void: 'void' },
}

function isStatus(word: string): word is SubscriptionStatus {
  return word in SUBSCRIPTION_STATUSES
}
