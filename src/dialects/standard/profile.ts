import { EXACT_UTC } from '../../model/calendar.ts'
import { DAY_MS, HOUR_MS } from '../../model/instant.ts'
import type { BillingProfile } from '../../model/profile.ts'

/** Billing by our own rules, for accounts that imitate no provider. */
export const STANDARD_PROFILE: BillingProfile = {
  id: 'standard',
  boundary: EXACT_UTC,
  draftMs: 0,
  gate: 'none',
  gateLimitMs: 72 * HOUR_MS,
  notices: { trialEndingMs: 3 * DAY_MS, upcomingMs: 7 * DAY_MS, willBeDueMs: 3 * DAY_MS },
  start: {
    firstPayment: 'charge',
    unpaidStatus: 'incomplete',
    firstFailure: 'wait',
    incompleteMs: DAY_MS,
    authorizeMs: null,
    assignsPlan: false,
  },
  trial: { zeroInvoice: false, activates: 'at_end' },
  dunning: {
    retriesMs: [1, 3, 5, 7].map((day) => day * DAY_MS),
    counted: 'from_first_failure',
    subscription: 'unpaid',
    invoice: 'leave',
    recovery: 'open_too',
    methodChange: { pastDue: 'charge', unpaid: 'charge' },
    cancelsPayment: false,
  },
  pause: {
    from: ['active'],
    cancelsIn: [],
    collection: true,
    resumptionMs: DAY_MS,
    resumption: 'invoice',
    customerOnly: false,
  },
  overdue: { dueDays: 14, pastDue: true, exhaustsMs: null, automaticMs: null },
  order: {
    firstCharge: 'paid_then_activated',
    recovery: 'paid_then_activated',
    failure: 'failed_then_past_due',
    renewal: 'drafted_then_cycle',
    change: 'changed_then_items',
  },
  completion: 'end_of_last_cycle',
  planChange: 'in_place',
  proration: 'create_prorations',
  prorationUnit: 'second',
  pendingChangeMs: DAY_MS,
  checkoutMs: DAY_MS,
  switches: {},
  source: 'ours',
}
