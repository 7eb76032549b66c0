import type { Happening } from '../model/observations.ts'
import type { SubscriptionStatus } from '../model/status.ts'

/** What a happening makes of a status; null if nothing. */
export function statusAfter(happening: Happening, status: SubscriptionStatus): SubscriptionStatus | null {
  switch (happening.what) {
    case 'payment_failed':
    case 'invoice_overdue':
      return happening.pastDue && (status === 'active' || status === 'trialing' || status === 'unknown')
        ? 'past_due'
        : null
    case 'payment_succeeded':
      return happening.activates && status !== 'paused' ? 'active' : null
    case 'trial_ending':
    case 'renewal_upcoming':
    case 'changed':
    case 'plan_assigned':
    case 'usage':
    case 'payment_refunded':
      return null
  }
}
