/**
 * The twelve statuses of a subscription, ours. Providers' words are mapped by meaning, never by their letters:
 * one provider's UNPAID is still being retried and is `past_due` here.
 */
export const SUBSCRIPTION_STATUSES = {
  pending: { phase: 'before', terminal: false, meaning: 'Created; nothing has been agreed or paid yet.' },
  incomplete: { phase: 'before', terminal: false, meaning: 'The first payment has not succeeded yet.' },
  authorized: {
    phase: 'before',
    terminal: false,
    meaning: 'The customer agreed to be charged; the service has not started.',
  },
  trialing: { phase: 'live', terminal: false, meaning: 'In a trial.' },
  active: { phase: 'live', terminal: false, meaning: 'Running. No proof that the current cycle is paid.' },
  past_due: {
    phase: 'live',
    terminal: false,
    meaning: 'A payment failed and is still being retried, or an invoice is overdue.',
  },
  unpaid: {
    phase: 'live',
    terminal: false,
    meaning: 'Retries have ended without a payment; the subscription still exists.',
  },
  paused: { phase: 'live', terminal: false, meaning: 'The service is paused.' },
  canceled: { phase: 'after', terminal: true, meaning: 'Ended by the customer, an admin or the system.' },
  completed: {
    phase: 'after',
    terminal: true,
    meaning: 'All its cycles have been invoiced; the last one may still run.',
  },
  expired: {
    phase: 'after',
    terminal: true,
    meaning: 'Never started: the first payment or consent did not come in time.',
  },
  unknown: { phase: 'before', terminal: false, meaning: 'The provider sent a status that Billhook does not know.' },
} as const satisfies Record<
  string,
  { readonly phase: 'before' | 'live' | 'after'; readonly terminal: boolean; readonly meaning: string }
>

/** One of {@link SUBSCRIPTION_STATUSES}. */
export type SubscriptionStatus = keyof typeof SUBSCRIPTION_STATUSES

/** True for a status that a subscription never leaves. */
export function isTerminal(status: SubscriptionStatus): boolean {
  return SUBSCRIPTION_STATUSES[status].terminal
}

/** Status of an invoice. `uncollectible` may still be paid later. */
export type InvoiceStatus = 'draft' | 'open' | 'paid' | 'void' | 'uncollectible'

/** Status of one payment attempt. `processing` is money on the way: neither paid nor failed. */
export type PaymentStatus = 'initiated' | 'requires_action' | 'processing' | 'succeeded' | 'failed' | 'canceled'

/** Status of a hosted checkout. */
export type CheckoutStatus = 'open' | 'completed' | 'canceled' | 'expired'

/** Who ended or paused something. */
export type Actor = 'customer' | 'admin' | 'system' | 'unknown'

/** Whether trying the same charge again may help. */
export type Retryable = 'yes' | 'no' | 'unknown'
