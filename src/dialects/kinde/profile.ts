import { EXACT_UTC } from '../../model/calendar.ts'
import { DAY_MS } from '../../model/instant.ts'
import type { BillingProfile } from '../../model/profile.ts'

/** Kinde’s billing: agreements, whose money another provider collects. What its pages do not say is ours. */
export const KINDE_PROFILE: BillingProfile = {
  id: 'kinde',
  boundary: EXACT_UTC,
  draftMs: 0,
  gate: 'none',
  gateLimitMs: 0,
  notices: { trialEndingMs: null, upcomingMs: null, willBeDueMs: null },
  start: {
    firstPayment: 'charge',
    unpaidStatus: 'active',
    firstFailure: 'dunning',
    incompleteMs: null,
    authorizeMs: null,
    assignsPlan: true,
  },
  trial: { zeroInvoice: false, activates: 'at_end' },
  dunning: {
    retriesMs: [3, 5, 7].map((day) => day * DAY_MS),
    counted: 'from_previous',
    subscription: 'stay_past_due',
    invoice: 'leave',
    recovery: 'open_too',
    methodChange: { pastDue: 'charge', unpaid: 'charge' },
    cancelsPayment: false,
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
  planChange: 'replace',
  proration: 'always_invoice',
  prorationUnit: 'second',
  pendingChangeMs: DAY_MS,
  checkoutMs: DAY_MS,
  switches: {},
  source: 'seed 000; docs.kinde.com/billing, Management API: POST /api/v1/billing/agreements',
}
