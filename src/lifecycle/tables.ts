/**
 * The engine's machines as data. A status changes only by a row of these tables: {@link move} refuses any other change.
 * docs/lifecycle.md is generated from them.
 */
import { BillhookError } from '../model/error.ts'
import type { FactKind, RecordKind } from '../model/facts.ts'
import type { CheckoutStatus, InvoiceStatus, PaymentStatus, SubscriptionStatus } from '../model/status.ts'

/** One possible change. `from` null: the thing is created. `to` null: it is deleted. */
export interface Row<Status extends string = string, On extends string = string> {
  readonly from: Status | null
  readonly on: On
  readonly to: Status | null
  /** What tells the change; empty: nothing does, it is seen in what is told next. */
  readonly emits: readonly (FactKind | RecordKind)[]
  /** The document that the row comes from. */
  readonly source: string
}

const S3 = 'docs.stripe.com/api/subscriptions'
const R4 = 'razorpay.com/docs/payments/subscriptions/states'
const A1 = 'airwallex.com/docs/api/billing/subscriptions'
const K0 = 'seed 000'
const OURS = 'ours'

const CANCELED = ['subscription_canceled'] as const
const ACTIVATED = ['subscription_activated'] as const

/** How a subscription's status may change. */
export const SUBSCRIPTION_TABLE = [
  { from: null, on: 'create_waiting', to: 'pending', emits: ['subscription_created'], source: R4 },
  { from: null, on: 'create_unpaid', to: 'incomplete', emits: ['subscription_created'], source: S3 },
  { from: null, on: 'create_trial', to: 'trialing', emits: ['subscription_created'], source: S3 },
  { from: null, on: 'create_active', to: 'active', emits: ['subscription_created'], source: K0 },
  { from: 'pending', on: 'authorize', to: 'authorized', emits: ['subscription_authorized'], source: 'seed 004' },
  { from: 'pending', on: 'start_trial', to: 'trialing', emits: ['subscription_trial_started'], source: A1 },
  { from: 'pending', on: 'start', to: 'active', emits: ACTIVATED, source: A1 },
  { from: 'pending', on: 'paid', to: 'active', emits: ACTIVATED, source: 'seed 004' },
  { from: 'pending', on: 'failed', to: 'past_due', emits: ['subscription_past_due'], source: A1 },
  { from: 'pending', on: 'expire', to: 'expired', emits: ['subscription_expired'], source: R4 },
  { from: 'pending', on: 'cancel', to: 'canceled', emits: CANCELED, source: R4 },
  { from: 'incomplete', on: 'paid', to: 'active', emits: ACTIVATED, source: S3 },
  { from: 'incomplete', on: 'expire', to: 'expired', emits: ['subscription_expired'], source: S3 },
  { from: 'incomplete', on: 'cancel', to: 'canceled', emits: CANCELED, source: S3 },
  { from: 'authorized', on: 'start', to: 'active', emits: ACTIVATED, source: 'seed 004' },
  { from: 'authorized', on: 'cancel', to: 'canceled', emits: CANCELED, source: R4 },
  { from: 'trialing', on: 'trial_end', to: 'active', emits: ACTIVATED, source: S3 },
  { from: 'trialing', on: 'paid', to: 'active', emits: ACTIVATED, source: A1 },
  { from: 'trialing', on: 'failed', to: 'past_due', emits: ['subscription_past_due'], source: A1 },
  { from: 'trialing', on: 'cancel', to: 'canceled', emits: CANCELED, source: S3 },
  { from: 'trialing', on: 'pause', to: 'paused', emits: ['subscription_paused'], source: S3 },
  { from: 'active', on: 'failed', to: 'past_due', emits: ['subscription_past_due'], source: 'seed 004' },
  { from: 'active', on: 'pause', to: 'paused', emits: ['subscription_paused'], source: 'seed 004' },
  { from: 'active', on: 'complete', to: 'completed', emits: ['subscription_completed'], source: 'seed 004' },
  { from: 'active', on: 'cancel', to: 'canceled', emits: CANCELED, source: 'seed 004' },
  { from: 'past_due', on: 'recover', to: 'active', emits: ACTIVATED, source: 'seed 004' },
  { from: 'past_due', on: 'exhaust', to: 'unpaid', emits: ['subscription_unpaid'], source: 'seed 004' },
  { from: 'past_due', on: 'complete', to: 'completed', emits: ['subscription_completed'], source: OURS },
  { from: 'past_due', on: 'cancel', to: 'canceled', emits: CANCELED, source: A1 },
  { from: 'unpaid', on: 'recover', to: 'active', emits: ACTIVATED, source: 'seed 004' },
  { from: 'unpaid', on: 'complete', to: 'completed', emits: ['subscription_completed'], source: R4 },
  { from: 'unpaid', on: 'cancel', to: 'canceled', emits: CANCELED, source: R4 },
  { from: 'paused', on: 'resume', to: 'active', emits: ['subscription_resumed'], source: 'seed 004' },
  { from: 'paused', on: 'cancel', to: 'canceled', emits: CANCELED, source: R4 },
] as const satisfies readonly Row<SubscriptionStatus>[]

const I = 'docs.stripe.com/invoicing/overview'
const PAID = ['invoice_paid'] as const

const INVOICE_TABLE = [
  { from: null, on: 'draft', to: 'draft', emits: ['invoice_drafted'], source: 'seed 002' },
  { from: 'draft', on: 'delete', to: null, emits: ['invoice_deleted'], source: I },
  { from: 'draft', on: 'finalize', to: 'open', emits: ['invoice_finalized'], source: 'seed 001' },
  { from: 'open', on: 'pay', to: 'paid', emits: PAID, source: 'seed 001' },
  { from: 'open', on: 'void', to: 'void', emits: ['invoice_voided'], source: 'seed 001' },
  { from: 'open', on: 'write_off', to: 'uncollectible', emits: ['invoice_uncollectible'], source: 'seed 001' },
  { from: 'uncollectible', on: 'pay', to: 'paid', emits: PAID, source: I },
  { from: 'uncollectible', on: 'void', to: 'void', emits: ['invoice_voided'], source: I },
] as const satisfies readonly Row<InvoiceStatus>[]

const P = 'docs.stripe.com/payments/paymentintents/lifecycle'

const PAYMENT_TABLE = [
  { from: null, on: 'initiate', to: 'initiated', emits: ['payment_initiated'], source: 'seed 001' },
  { from: 'initiated', on: 'succeed', to: 'succeeded', emits: ['payment_succeeded'], source: 'seed 001' },
  { from: 'initiated', on: 'fail', to: 'failed', emits: ['payment_failed'], source: 'seed 000' },
  { from: 'initiated', on: 'process', to: 'processing', emits: ['payment_processing'], source: P },
  { from: 'initiated', on: 'ask', to: 'requires_action', emits: ['payment_action_required'], source: P },
  { from: 'initiated', on: 'cancel', to: 'canceled', emits: ['payment_canceled'], source: 'seed 001' },
  { from: 'processing', on: 'succeed', to: 'succeeded', emits: ['payment_succeeded'], source: P },
  { from: 'processing', on: 'fail', to: 'failed', emits: ['payment_failed'], source: P },
  { from: 'requires_action', on: 'succeed', to: 'succeeded', emits: ['payment_succeeded'], source: P },
  { from: 'requires_action', on: 'fail', to: 'failed', emits: ['payment_failed'], source: P },
  { from: 'requires_action', on: 'process', to: 'processing', emits: ['payment_processing'], source: P },
  { from: 'requires_action', on: 'retry', to: 'initiated', emits: [], source: OURS },
  { from: 'requires_action', on: 'cancel', to: 'canceled', emits: ['payment_canceled'], source: P },
  { from: 'failed', on: 'retry', to: 'initiated', emits: [], source: P },
  { from: 'failed', on: 'cancel', to: 'canceled', emits: ['payment_canceled'], source: P },
] as const satisfies readonly Row<PaymentStatus>[]

const C = 'airwallex.com/docs/api/billing/billing_checkouts'

const CHECKOUT_TABLE = [
  { from: null, on: 'open', to: 'open', emits: ['checkout_opened'], source: 'seed 001' },
  { from: 'open', on: 'complete', to: 'completed', emits: ['checkout_completed'], source: 'seed 001' },
  { from: 'open', on: 'cancel', to: 'canceled', emits: ['checkout_canceled'], source: 'seed 001' },
  { from: 'open', on: 'expire', to: 'expired', emits: ['checkout_expired'], source: C },
] as const satisfies readonly Row<CheckoutStatus>[]

/** Status of a refund. */
export type RefundStatus = 'pending' | 'succeeded' | 'failed'

const F = 'docs.stripe.com/refunds'

const REFUND_TABLE = [
  { from: null, on: 'ask', to: 'pending', emits: [], source: F },
  { from: 'pending', on: 'succeed', to: 'succeeded', emits: ['payment_refunded'], source: F },
  { from: 'pending', on: 'fail', to: 'failed', emits: ['refund_updated'], source: F },
] as const satisfies readonly Row<RefundStatus>[]

/** All machines, by the thing whose status they move. */
export const TABLES = {
  subscription: SUBSCRIPTION_TABLE,
  invoice: INVOICE_TABLE,
  payment: PAYMENT_TABLE,
  checkout: CHECKOUT_TABLE,
  refund: REFUND_TABLE,
} as const satisfies Record<string, readonly Row[]>

/** One of {@link TABLES}. */
export type MachineName = keyof typeof TABLES

type RowOf<M extends MachineName> = (typeof TABLES)[M][number]

/** What can happen to a thing of this kind. */
export type Trigger<M extends MachineName> = RowOf<M>['on']

/** The status after `on`; null if the table has no such row. */
function find(machine: MachineName, from: string | null, on: string): Row | null {
  const rows: readonly Row[] = TABLES[machine]
  return rows.find((row) => row.from === from && row.on === on) ?? null
}

/** True if the machine has a row for `on` in this status. */
export function can<M extends MachineName>(machine: M, from: string | null, on: Trigger<M>): boolean {
  return find(machine, from, on) !== null
}

/** The subscription's status after `on`. @throws BillhookError `internal_invariant` if the table has no such row */
export function moveSubscription(from: SubscriptionStatus | null, on: Trigger<'subscription'>): SubscriptionStatus {
  const row = SUBSCRIPTION_TABLE.find((row) => row.from === from && row.on === on)
  return row?.to ?? missing('subscription', from, on)
}

/** The invoice's status after `on`. @throws BillhookError `internal_invariant` if the table has no such row */
export function moveInvoice(from: InvoiceStatus | null, on: Exclude<Trigger<'invoice'>, 'delete'>): InvoiceStatus {
  const row = INVOICE_TABLE.find((row) => row.from === from && row.on === on)
  return row?.to ?? missing('invoice', from, on)
}

/** The payment's status after `on`. @throws BillhookError `internal_invariant` if the table has no such row */
export function movePayment(from: PaymentStatus | null, on: Trigger<'payment'>): PaymentStatus {
  const row = PAYMENT_TABLE.find((row) => row.from === from && row.on === on)
  return row?.to ?? missing('payment', from, on)
}

/** The checkout's status after `on`. @throws BillhookError `internal_invariant` if the table has no such row */
export function moveCheckout(from: CheckoutStatus | null, on: Trigger<'checkout'>): CheckoutStatus {
  const row = CHECKOUT_TABLE.find((row) => row.from === from && row.on === on)
  return row?.to ?? missing('checkout', from, on)
}

/** The refund's status after `on`. @throws BillhookError `internal_invariant` if the table has no such row */
export function moveRefund(from: RefundStatus | null, on: Trigger<'refund'>): RefundStatus {
  const row = REFUND_TABLE.find((row) => row.from === from && row.on === on)
  return row?.to ?? missing('refund', from, on)
}

function missing(machine: MachineName, from: string | null, on: string): never {
  throw new BillhookError('internal_invariant', `the table of ${machine} has no row for ${on} in ${from ?? 'nothing'}`)
}
