/**
 * A billing profile: one provider's timing and rules as data. The lifecycle takes it as an argument and has no rule of its
 * own that a profile could state. Times are milliseconds on the account's clock.
 */
import type { BoundaryRule } from './calendar.ts'
import type { SubscriptionStatus } from './status.ts'

/**
 * What an invoice that is collected by itself waits for. `none`: nothing. `after_ack`: it is charged {@link
 * BillingProfile.draftMs} after its creation was acknowledged by all endpoints that asked for it. `classic`: with such
 * endpoints, at the acknowledgement; without, after {@link BillingProfile.draftMs}. Both go on after the limit.
 */
export type GateRule = 'none' | 'after_ack' | 'classic'

/** What becomes of a subscription when the last retry failed. `halt`: unpaid, and later invoices are not charged. */
export type ExhaustedSubscription = 'cancel' | 'unpaid' | 'halt' | 'stay_past_due'

/** What becomes of its invoice then. */
export type ExhaustedInvoice = 'leave' | 'uncollectible' | 'void'

/** What happens after a failed payment. */
export interface DunningRule {
  /** The times of the retries, see {@link counted}; empty: the first failure is the last. */
  readonly retriesMs: readonly number[]
  /** Whether each time is counted from the attempt before it, or from the first failure. */
  readonly counted: 'from_previous' | 'from_first_failure'
  readonly subscription: ExhaustedSubscription
  readonly invoice: ExhaustedInvoice
  /**
   * Whether a subscription that comes back from unpaid leaves its older open invoices alone (`only_subsequent`), or goes on
   * collecting them (`open_too`).
   */
  readonly recovery: 'only_subsequent' | 'open_too'
  /**
   * What a new payment method does: `charge` collects the open invoice with it at once, `activate` makes the subscription
   * active and leaves that invoice alone, `wait` leaves it to the next retry.
   */
  readonly methodChange: { readonly pastDue: 'charge' | 'wait'; readonly unpaid: 'charge' | 'activate' | 'wait' }
  /** Whether the payment itself is told as canceled when the retries end. */
  readonly cancelsPayment: boolean
}

/** What is announced ahead of time. */
export interface NoticeRule {
  /** How long before the end of a trial it is announced; at once if the trial is shorter. Null: never. */
  readonly trialEndingMs: number | null
  /** How long before a renewal that will be charged it is announced. Null: never. */
  readonly upcomingMs: number | null
  /** How long before an invoice's due date it is announced. Null: never. */
  readonly willBeDueMs: number | null
}

/** How a subscription starts. */
export interface StartRule {
  /**
   * `charge`: the first invoice is charged when the subscription is created. `authorize`: the subscription waits until the
   * customer has authorized it on a hosted page.
   */
  readonly firstPayment: 'charge' | 'authorize'
  /** The status of a new subscription whose first invoice is not paid yet. */
  readonly unpaidStatus: Extract<SubscriptionStatus, 'incomplete' | 'pending' | 'active'>
  /** What a failed first payment does: wait in that status for {@link incompleteMs}, or start the retries. */
  readonly firstFailure: 'wait' | 'dunning'
  /** How long the first payment may take; then the subscription expires and its invoice is void. Null: forever. */
  readonly incompleteMs: number | null
  /** How long an offer to authorize holds when the subscription starts at once. Null: forever. */
  readonly authorizeMs: number | null
  /** Whether the plan is told as assigned to the customer before the subscription is told. */
  readonly assignsPlan: boolean
}

/** How a trial is billed and how it ends. */
export interface TrialRule {
  /** Whether a trial starts with an invoice of nothing. */
  readonly zeroInvoice: boolean
  /** When the subscription becomes active: at the trial's end, or when the first invoice after it is paid. */
  readonly activates: 'at_end' | 'on_payment'
}

/** What can be paused, when, and how a pause ends. */
export interface PauseRule {
  /** From which statuses the service can be paused; empty: not at all. */
  readonly from: readonly SubscriptionStatus[]
  /** Pausing in these statuses cancels instead. */
  readonly cancelsIn: readonly SubscriptionStatus[]
  /** Whether collection alone can be paused. */
  readonly collection: boolean
  /** How long the invoice of a resumption may stay unpaid; then it is void and the pause goes on. Null: forever. */
  readonly resumptionMs: number | null
  /**
   * What a resumption costs: `invoice` bills the cycle that runs at that time unless it is paid already, `next_cycle` bills
   * nothing before the next cycle begins.
   */
  readonly resumption: 'invoice' | 'next_cycle'
  /** Whether a pause that the customer made can only be ended by the customer. */
  readonly customerOnly: boolean
}

/** When an unpaid invoice is due and overdue, and what follows. */
export interface OverdueRule {
  /** Days from a manual invoice to its due date where the subscription does not say. */
  readonly dueDays: number
  /** Whether an overdue invoice makes its subscription past due. */
  readonly pastDue: boolean
  /** How long after its due date an unpaid manual invoice ends the subscription as retries do. Null: never. */
  readonly exhaustsMs: number | null
  /** How long after finalization an automatic invoice that is not paid is told to be overdue. Null: never. */
  readonly automaticMs: number | null
}

/** The order in which facts of one change are emitted. */
export interface OrderRule {
  /** What is told first when the first charge succeeds. */
  readonly firstCharge: 'paid_then_activated' | 'activated_then_paid'
  /** What is told first when a failed subscription is paid. */
  readonly recovery: 'paid_then_activated' | 'activated_then_paid'
  /** What is told first when a charge fails for the first time. */
  readonly failure: 'failed_then_past_due' | 'past_due_then_failed'
  /** What is told first at a renewal. */
  readonly renewal: 'drafted_then_cycle' | 'cycle_then_drafted'
  /** What is told first at a plan change that puts prorations aside. */
  readonly change: 'items_then_changed' | 'changed_then_items'
}

/** All rules of one provider. */
export interface BillingProfile {
  /** A name for people, and for the configuration. */
  readonly id: string
  readonly boundary: BoundaryRule
  /** How long a renewal's invoice stays a draft. */
  readonly draftMs: number
  readonly gate: GateRule
  /** The gate never holds an invoice for longer. */
  readonly gateLimitMs: number
  readonly notices: NoticeRule
  readonly start: StartRule
  readonly trial: TrialRule
  readonly dunning: DunningRule
  readonly pause: PauseRule
  readonly overdue: OverdueRule
  readonly order: OrderRule
  /** When a subscription with a fixed number of cycles is completed. */
  readonly completion: 'on_last_invoice' | 'end_of_last_cycle'
  /** Whether a plan change alters the subscription, or replaces it by a new one. */
  readonly planChange: 'in_place' | 'replace'
  /** How a change of the plan is billed if the command does not say. */
  readonly proration: 'create_prorations' | 'always_invoice' | 'none'
  /** Prorations count whole days, or seconds. */
  readonly prorationUnit: 'second' | 'day'
  /** How long a pending change waits for its payment. */
  readonly pendingChangeMs: number
  /** How long a hosted checkout is open. */
  readonly checkoutMs: number
  /** Where the provider's documents contradict each other: choices for the dialect, with the defaults. */
  readonly switches: Readonly<Record<string, string>>
  /** Where the rules come from. */
  readonly source: string
}
