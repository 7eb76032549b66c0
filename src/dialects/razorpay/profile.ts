import { DAY_MS } from '../../model/instant.ts'
import type { BillingProfile } from '../../model/profile.ts'

/** Razorpay's billing. */
export const RAZORPAY_PROFILE: BillingProfile = {
  id: 'razorpay',
  // As the printed samples show: the first cycle begins to the second, every later one at midnight in India.
  boundary: { zone: 'Asia/Kolkata', at: 'midnight' },
  draftMs: 0,
  gate: 'none',
  gateLimitMs: 0,
  notices: { trialEndingMs: null, upcomingMs: null, willBeDueMs: null },
  start: {
    firstPayment: 'authorize',
    unpaidStatus: 'pending',
    firstFailure: 'wait',
    incompleteMs: null,
    authorizeMs: null,
    assignsPlan: false,
  },
  trial: { zeroInvoice: false, activates: 'at_end' },
  dunning: {
    retriesMs: [DAY_MS, 2 * DAY_MS, 3 * DAY_MS],
    counted: 'from_first_failure',
    subscription: 'halt',
    invoice: 'leave',
    recovery: 'only_subsequent',
    // The pages disagree on a new card after the last retry: one asks for a charge, one makes the subscription active alone.
    methodChange: { pastDue: 'charge', unpaid: 'activate' },
    cancelsPayment: false,
  },
  pause: {
    from: ['active'],
    cancelsIn: ['authorized'],
    collection: false,
    resumptionMs: null,
    resumption: 'next_cycle',
    customerOnly: true,
  },
  overdue: { dueDays: 30, pastDue: false, exhaustsMs: null, automaticMs: null },
  order: {
    firstCharge: 'activated_then_paid',
    recovery: 'paid_then_activated',
    failure: 'failed_then_past_due',
    renewal: 'cycle_then_drafted',
    change: 'changed_then_items',
  },
  completion: 'on_last_invoice',
  planChange: 'in_place',
  proration: 'create_prorations',
  prorationUnit: 'day',
  pendingChangeMs: DAY_MS,
  checkoutMs: 30 * DAY_MS,
  switches: {},
  source:
    'seed 004; razorpay.com/docs/payments/subscriptions/{states,payment-retries,test,workflow}, razorpay.com/docs/webhooks/subscriptions',
}
