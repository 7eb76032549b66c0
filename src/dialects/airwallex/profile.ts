import { EXACT_UTC } from '../../model/calendar.ts'
import { DAY_MS } from '../../model/instant.ts'
import type { BillingProfile } from '../../model/profile.ts'

/** Airwallex’s billing from version 2025-06-16 on. */
export const AIRWALLEX_PROFILE: BillingProfile = {
  id: 'airwallex',
  boundary: EXACT_UTC,
  draftMs: 0,
  gate: 'none',
  gateLimitMs: 0,
  notices: { trialEndingMs: null, upcomingMs: null, willBeDueMs: null },
  start: {
    firstPayment: 'charge',
    unpaidStatus: 'pending',
    firstFailure: 'dunning',
    incompleteMs: null,
    authorizeMs: null,
    assignsPlan: false,
  },
  trial: { zeroInvoice: false, activates: 'on_payment' },
  dunning: {
    // Read as days after the first failure; they could be days between attempts (`from_previous`).
    retriesMs: [1, 2, 5, 7].map((day) => day * DAY_MS),
    counted: 'from_first_failure',
    subscription: 'cancel',
    invoice: 'uncollectible',
    recovery: 'open_too',
    methodChange: { pastDue: 'wait', unpaid: 'wait' },
    cancelsPayment: true,
  },
  pause: {
    from: [],
    cancelsIn: [],
    collection: false,
    resumptionMs: null,
    resumption: 'invoice',
    customerOnly: false,
  },
  overdue: { dueDays: 30, pastDue: true, exhaustsMs: null, automaticMs: null },
  order: {
    firstCharge: 'paid_then_activated',
    recovery: 'paid_then_activated',
    failure: 'failed_then_past_due',
    renewal: 'drafted_then_cycle',
    change: 'changed_then_items',
  },
  completion: 'end_of_last_cycle',
  planChange: 'in_place',
  // An update says itself when it is charged; deferred is the choice that keeps the cycle and charges nothing now.
  proration: 'create_prorations',
  prorationUnit: 'second',
  pendingChangeMs: DAY_MS,
  checkoutMs: 30 * DAY_MS,
  switches: {},
  source: 'seeds 001 and 003; airwallex.com/docs/api/billing/{subscriptions,billing_transactions,billing_checkouts}',
}

/** Up to version 2025-04-25: there is no status before the first payment, a new subscription is active. */
export const AIRWALLEX_LEGACY_PROFILE: BillingProfile = {
  ...AIRWALLEX_PROFILE,
  id: 'airwallex_legacy',
  start: { ...AIRWALLEX_PROFILE.start, unpaidStatus: 'active' },
  source: 'seeds 001 and 003; airwallex.com/docs/api/2023-10-01/billing/subscriptions',
}
