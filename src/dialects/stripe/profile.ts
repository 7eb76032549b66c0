import { EXACT_UTC } from '../../model/calendar.ts'
import { DAY_MS, HOUR_MS } from '../../model/instant.ts'
import type { BillingProfile } from '../../model/profile.ts'

function days(...list: readonly number[]): readonly number[] {
  return list.map((day) => day * DAY_MS)
}

/** Stripe's billing as its pages describe it today. */
export const STRIPE_PROFILE: BillingProfile = {
  id: 'stripe',
  boundary: EXACT_UTC,
  draftMs: HOUR_MS,
  gate: 'after_ack',
  gateLimitMs: 72 * HOUR_MS,
  // The days before a renewal are a setting of the account: 3, 7, 15, 30 or 45.
  notices: { trialEndingMs: 3 * DAY_MS, upcomingMs: 7 * DAY_MS, willBeDueMs: null },
  start: {
    firstPayment: 'charge',
    unpaidStatus: 'incomplete',
    firstFailure: 'wait',
    incompleteMs: 23 * HOUR_MS,
    authorizeMs: null,
    assignsPlan: false,
  },
  trial: { zeroInvoice: true, activates: 'at_end' },
  dunning: {
    // Eight tries within two weeks is the documented default; on which days is chosen by a model: ours are fixed.
    retriesMs: days(1, 3, 5, 7, 9, 11, 13, 14),
    counted: 'from_first_failure',
    subscription: 'cancel',
    invoice: 'leave',
    recovery: 'open_too',
    methodChange: { pastDue: 'wait', unpaid: 'wait' },
    cancelsPayment: false,
  },
  pause: {
    from: ['active'],
    cancelsIn: [],
    collection: true,
    resumptionMs: 23 * HOUR_MS,
    resumption: 'invoice',
    customerOnly: false,
  },
  overdue: { dueDays: 30, pastDue: true, exhaustsMs: null, automaticMs: null },
  order: {
    firstCharge: 'paid_then_activated',
    recovery: 'paid_then_activated',
    failure: 'failed_then_past_due',
    renewal: 'drafted_then_cycle',
    change: 'items_then_changed',
  },
  completion: 'end_of_last_cycle',
  planChange: 'in_place',
  proration: 'create_prorations',
  prorationUnit: 'second',
  pendingChangeMs: 23 * HOUR_MS,
  checkoutMs: 24 * HOUR_MS,
  switches: {},
  source: 'docs.stripe.com/billing/subscriptions/webhooks, docs.stripe.com/billing/revenue-recovery/smart-retries',
}

/** The payment gate as the seed describes it. @source seed 002, "Webhooks and payment attempts" */
export const STRIPE_CLASSIC_PROFILE: BillingProfile = { ...STRIPE_PROFILE, id: 'stripe_classic', gate: 'classic' }
