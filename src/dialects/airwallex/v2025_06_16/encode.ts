import type { View } from '../../../model/entities.ts'
import { isRecord } from '../../../model/facts.ts'
import type { BillingRecord, Fact, FactKind, Told } from '../../../model/facts.ts'
import type { Notification, Origin } from '../../dialect.ts'
import { hasChanged } from '../shared/has_changed.ts'
import { notificationsOf } from '../shared/notify.ts'
import type { Draft, Envelope } from '../shared/notify.ts'
import {
  checkoutObject,
  invoiceObject,
  paymentObject,
  refundObject,
  subscriptionObject,
  subscriptionStatus,
} from './objects.ts'

/**
 * The switches of an account's profile that this generation knows, beside those of both. `later_events`: `on` also sends the
 * event types of later pages (`invoice.updated`).
 */
type Switch = 'later_events'

const NOTHING: readonly Draft[] = []

const ENVELOPE: Envelope = (event, object) => ({
  id: event.id,
  name: event.name,
  account_id: event.accountId,
  created_at: event.createdAt,
  data: object,
})

/** The notifications of one change: the sixteen events of the seed. */
export function encode(told: Told, view: View, origin: Origin): readonly Notification[] {
  const drafts = isRecord(told) ? recordDrafts(told, view) : factDrafts(told, view)
  return notificationsOf(drafts, 'airwallex@2025-06-16', ENVELOPE, { view, origin })
}

/** How one kind of fact is told. */
type Tell<K extends FactKind> = (view: View, fact: Fact<K>) => readonly Draft[]

const silent = (): readonly Draft[] => NOTHING

/** Which fact gives which event: the whole of it, so that no fact is passed over by accident. */
const TELLS: { readonly [K in FactKind]: Tell<K> } = {
  subscription_created: (view) => subscriptionDrafts('subscription.created', view),
  subscription_authorized: silent,
  subscription_trial_started: (view) => subscriptionDrafts('subscription.in_trial', view),
  subscription_trial_ending: silent,
  // Told by what follows it: active, unpaid or cancelled.
  subscription_trial_ended: silent,
  subscription_activated: (view) => subscriptionDrafts('subscription.active', view),
  subscription_renewal_upcoming: silent,
  // Told by the invoice. The status does not change, so there is no event of the subscription.
  subscription_renewed: silent,
  subscription_changed: (view) => subscriptionDrafts('subscription.modified', view),
  subscription_past_due: (view) => subscriptionDrafts('subscription.unpaid', view),
  // Already told as UNPAID, unless there were no retries.
  subscription_unpaid: (view) => (isNewStatus(view) ? subscriptionDrafts('subscription.unpaid', view) : NOTHING),
  subscription_paused: silent,
  subscription_resumed: silent,
  subscription_cancel_scheduled: (view) => subscriptionDrafts('subscription.modified', view),
  subscription_cancel_unscheduled: (view) => subscriptionDrafts('subscription.modified', view),
  subscription_canceled: (view) => subscriptionDrafts('subscription.cancelled', view),
  subscription_completed: (view) => subscriptionDrafts('subscription.cancelled', view),
  subscription_expired: (view) => subscriptionDrafts('subscription.cancelled', view),
  invoice_drafted: (view) => invoiceDrafts('invoice.created', view),
  invoice_finalized: (view) => invoiceDrafts('invoice.finalized', view),
  invoice_paid: (view) => invoiceDrafts('invoice.payment.paid', view),
  // This generation has no event for a failed attempt, an overdue invoice or bad debt.
  invoice_payment_failed: silent,
  invoice_overdue: silent,
  invoice_uncollectible: silent,
  invoice_voided: (view) => invoiceDrafts('invoice.voided', view),
  payment_initiated: (view) => paymentDrafts('billing_transaction.created', view),
  payment_succeeded: (view) => paymentDrafts('billing_transaction.succeeded', view),
  payment_failed: silent,
  payment_canceled: (view) => paymentDrafts('billing_transaction.cancelled', view),
  payment_refunded: (view, fact) => refundDrafts(view, fact),
  checkout_opened: (view) => checkoutDrafts('billing_checkout.created', view),
  checkout_completed: (view) => checkoutDrafts('billing_checkout.completed', view),
  checkout_canceled: (view) => checkoutDrafts('billing_checkout.cancelled', view),
  // There is no event for a checkout that ran out of time.
  checkout_expired: silent,
  usage_updated: silent,
  usage_threshold_reached: silent,
  plan_assigned: silent,
  access_changed: silent,
}

function factDrafts<K extends FactKind>(fact: Fact<K>, view: View): readonly Draft[] {
  return TELLS[fact.kind](view, fact)
}

function recordDrafts(record: BillingRecord, view: View): readonly Draft[] {
  const { kind } = record
  if (kind === 'subscription_updated' || kind === 'subscription_change_applied')
    return isModified(view) ? subscriptionDrafts('subscription.modified', view) : NOTHING
  if (kind === 'invoice_updated')
    return view.switches['later_events' satisfies Switch] === 'on' ? invoiceDrafts('invoice.updated', view) : NOTHING
  return kind === 'refund_updated' ? decidedRefund(record, view) : NOTHING
}

function subscriptionDrafts(type: string, view: View): readonly Draft[] {
  const { subscription } = view.after
  return subscription === null ? NOTHING : [{ type, object: subscriptionObject(subscription, view) }]
}

function invoiceDrafts(type: string, view: View): readonly Draft[] {
  const { invoice } = view.after
  return invoice === null ? NOTHING : [{ type, object: invoiceObject(invoice, view) }]
}

function paymentDrafts(type: string, view: View): readonly Draft[] {
  const { payment } = view.after
  return payment === null ? NOTHING : [{ type, object: paymentObject(payment, view) }]
}

function checkoutDrafts(type: string, view: View): readonly Draft[] {
  const { checkout } = view.after
  return checkout === null ? NOTHING : [{ type, object: checkoutObject(checkout, view) }]
}

/** Money that goes back is a transaction of its own: it is created, and it succeeds at once or later. */
function refundDrafts(view: View, fact: Fact<'payment_refunded'>): readonly Draft[] {
  const { refund } = view.after
  if (refund === null) return NOTHING
  const created = { ...refund, status: 'pending' } as const
  const opening: Draft = { type: 'billing_transaction.created', object: refundObject(created, view, refund.createdAt) }
  if (refund.status !== 'succeeded') return [opening]
  return [opening, { type: 'billing_transaction.succeeded', object: refundObject(refund, view, fact.at) }]
}

function decidedRefund(record: BillingRecord, view: View): readonly Draft[] {
  const { refund } = view.after
  if (refund?.status !== 'succeeded' || view.before.refund?.status !== 'pending') return NOTHING
  return [{ type: 'billing_transaction.succeeded', object: refundObject(refund, view, record.at) }]
}

function isNewStatus(view: View): boolean {
  const { before, after } = view
  if (before.subscription === null || after.subscription === null) return true
  return subscriptionStatus(before.subscription) !== subscriptionStatus(after.subscription)
}

/** Fields that move with the cycle or with every write: their change alone is no modification. */
const MOVING = new Set([
  'updated_at',
  'latest_invoice_id',
  'current_period_starts_at',
  'current_period_ends_at',
  'next_billing_at',
])

function isModified(view: View): boolean {
  return hasChanged(view, (subscription) => subscriptionObject(subscription, view), MOVING)
}
