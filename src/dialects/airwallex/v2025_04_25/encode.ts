import type { View } from '../../../model/entities.ts'
import { isRecord } from '../../../model/facts.ts'
import type { BillingRecord, Fact, FactKind, Told } from '../../../model/facts.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { Notification, Origin } from '../../dialect.ts'
import { hasChanged } from '../shared/has_changed.ts'
import { notificationsOf } from '../shared/notify.ts'
import type { Draft, Envelope } from '../shared/notify.ts'
import { invoiceObject, subscriptionObject, subscriptionStatus } from './objects.ts'

/**
 * The switches of an account's profile that this generation knows, beside those of both. `updated_on_renewal`: `on` sends
 * `subscription.updated` when a renewal is paid. By default it is not sent: the status is the same, and the invoice says what
 * was paid for.
 */
type Switch = 'updated_on_renewal'

const NOTHING: readonly Draft[] = []

const ENVELOPE: Envelope = (event, object) => ({
  id: event.id,
  name: event.name,
  source_id: object['id'] ?? null,
  account_id: event.accountId,
  created_at: event.createdAt,
  data: { object },
})

/** The notifications of one change: the seven events of the seed. */
export function encode(told: Told, view: View, origin: Origin): readonly Notification[] {
  const drafts = isRecord(told) ? recordDrafts(told, view) : factDrafts(told, view)
  return notificationsOf(drafts, 'airwallex@2025-04-25', ENVELOPE, { view, origin })
}

/** How one kind of fact is told. */
type Tell<K extends FactKind> = (view: View, fact: Fact<K>) => readonly Draft[]

const silent = (): readonly Draft[] => NOTHING

/** Which fact gives which event: the whole of it, so that no fact is passed over by accident. */
const TELLS: { readonly [K in FactKind]: Tell<K> } = {
  subscription_created: (view) => subscriptionDrafts('subscription.created', view),
  subscription_authorized: silent,
  // At its creation a trial is told by `subscription.created`.
  subscription_trial_started: updatedByStatus,
  subscription_trial_ending: silent,
  subscription_trial_ended: updatedByStatus,
  subscription_activated: updatedByStatus,
  subscription_renewal_upcoming: silent,
  subscription_renewed: (view) =>
    view.switches['updated_on_renewal' satisfies Switch] === 'on' ? updated(view) : NOTHING,
  subscription_changed: updated,
  subscription_past_due: updatedByStatus,
  subscription_unpaid: updatedByStatus,
  subscription_paused: silent,
  subscription_resumed: silent,
  subscription_cancel_scheduled: updated,
  subscription_cancel_unscheduled: updated,
  subscription_canceled: (view) => subscriptionDrafts('subscription.cancelled', view),
  subscription_completed: (view) => subscriptionDrafts('subscription.cancelled', view),
  subscription_expired: (view) => subscriptionDrafts('subscription.cancelled', view),
  // Drafts are not shown.
  invoice_drafted: silent,
  invoice_finalized: (view) => invoiceDrafts('invoice.sent', view),
  invoice_paid: (view) => invoiceDrafts('invoice.paid', view),
  invoice_payment_failed: (view) => invoiceDrafts('invoice.payment_attempt_failed', view),
  invoice_overdue: silent,
  // "Payment failed" is bad debt here, and no single attempt.
  invoice_uncollectible: (view) => invoiceDrafts('invoice.payment_failed', view),
  invoice_voided: silent,
  // Payments have events of their own only in another product of the provider.
  payment_initiated: silent,
  payment_succeeded: silent,
  payment_failed: silent,
  payment_canceled: silent,
  payment_refunded: silent,
  checkout_opened: silent,
  checkout_completed: silent,
  checkout_canceled: silent,
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
  if (record.kind !== 'subscription_updated' && record.kind !== 'subscription_change_applied') return NOTHING
  return isChanged(view) ? updated(view) : NOTHING
}

function subscriptionDrafts(type: string, view: View): readonly Draft[] {
  const { subscription } = view.after
  return subscription === null ? NOTHING : [{ type, object: subscriptionObject(subscription, view) }]
}

function invoiceDrafts(type: string, view: View): readonly Draft[] {
  const { invoice } = view.after
  const object: JsonObject | null = invoice === null ? null : invoiceObject(invoice, view)
  return object === null ? NOTHING : [{ type, object }]
}

function updated(view: View): readonly Draft[] {
  return subscriptionDrafts('subscription.updated', view)
}

/** Only if the printed status is another: an activation at the creation changes nothing that this generation can say. */
function updatedByStatus(view: View): readonly Draft[] {
  const { before, after } = view
  if (before.subscription === null || after.subscription === null) return NOTHING
  return subscriptionStatus(before.subscription) === subscriptionStatus(after.subscription) ? NOTHING : updated(view)
}

/** Fields that move with the cycle or with every write: their change alone is no update. */
const MOVING = new Set([
  'updated_at',
  'latest_invoice_id',
  'current_period_start_at',
  'current_period_end_at',
  'next_billing_at',
  'remaining_billing_cycles',
])

function isChanged(view: View): boolean {
  return hasChanged(view, (subscription) => subscriptionObject(subscription, view), MOVING)
}
