import type { FactKind, RecordKind } from '../../model/facts.ts'

/** Which object an event carries. */
export type EventObject =
  | 'subscription'
  | 'upcoming'
  | 'invoice'
  | 'invoice_payment'
  | 'invoice_item'
  | 'payment_intent'
  | 'charge'
  | 'refund'
  | 'customer'
  | 'payment_method'
  | 'product'
  | 'price'
  | 'plan'
  | 'checkout'
  | 'meter'
  | 'clock'

/** Under which condition a step of {@link EVENTS} is told at all. */
type Condition =
  | 'always'
  /** Only if the printed object differs from the one before: then with its old values. */
  | 'changed'
  /** More differs than what the payment gate moves: recorded renewals have no event for the gate. */
  | 'changed_beyond_gate'
  /** The first attempt of a payment: later ones belong to the same payment intent. */
  | 'first_attempt'
  /** The invoice is not about nothing. And if the printed object differs. */
  | 'changed_unless_free'
  /** Money came in through the provider, or there was nothing to pay. */
  | 'paid_here'
  /** A payment of the provider paid the invoice. */
  | 'paid_by_payment'
  /** The status is paused: the service stands still, not just its collection. */
  | 'service'
  /** The change had waited for its payment. */
  | 'was_pending'
  | 'meter_on'
  | 'meter_off'
  | 'meter_edited'
  | 'refund_failed'

/** One event that a fact gives. */
export interface EventStep {
  readonly type: string
  readonly of: EventObject
  readonly when: Condition
}

function step(type: string, of: EventObject, when: Condition = 'always'): EventStep {
  return { type, of, when }
}

/** Every change of a subscription comes with its old values; a fact that changed nothing that is printed says nothing. */
const UPDATED = step('customer.subscription.updated', 'subscription', 'changed')

const NONE: readonly EventStep[] = []

/**
 * Which events tell which fact, in their order. The order within a fact is ours (the provider promises none); it follows
 * recorded bursts. An event that needs an entity which the view does not show is left out.
 */
export const EVENTS: Readonly<Record<FactKind | RecordKind, readonly EventStep[]>> = {
  subscription_created: [step('customer.subscription.created', 'subscription')],
  subscription_authorized: [UPDATED],
  subscription_trial_started: [UPDATED],
  subscription_trial_ending: [step('customer.subscription.trial_will_end', 'subscription')],
  subscription_trial_ended: [UPDATED],
  subscription_activated: [UPDATED],
  subscription_renewal_upcoming: [step('invoice.upcoming', 'upcoming')],
  subscription_renewed: [UPDATED],
  subscription_changed: [UPDATED],
  subscription_past_due: [UPDATED],
  subscription_unpaid: [UPDATED],
  subscription_paused: [UPDATED, step('customer.subscription.paused', 'subscription', 'service')],
  subscription_resumed: [UPDATED, step('customer.subscription.resumed', 'subscription', 'service')],
  subscription_cancel_scheduled: [UPDATED],
  subscription_cancel_unscheduled: [UPDATED],
  subscription_canceled: [step('customer.subscription.deleted', 'subscription')],
  subscription_completed: [step('customer.subscription.deleted', 'subscription')],
  subscription_expired: [UPDATED],
  subscription_cycle_started: [UPDATED],
  subscription_updated: [UPDATED],
  subscription_change_applied: [
    UPDATED,
    step('customer.subscription.pending_update_applied', 'subscription', 'was_pending'),
  ],
  subscription_change_expired: [
    UPDATED,
    step('customer.subscription.pending_update_expired', 'subscription', 'was_pending'),
  ],

  invoice_drafted: [step('invoice.created', 'invoice')],
  invoice_updated: [step('invoice.updated', 'invoice', 'changed_beyond_gate')],
  invoice_finalized: [step('invoice.finalized', 'invoice')],
  invoice_sent: [step('invoice.sent', 'invoice')],
  invoice_will_be_due: [step('invoice.will_be_due', 'invoice')],
  invoice_paid: [
    step('invoice.updated', 'invoice', 'changed_unless_free'),
    step('invoice.paid', 'invoice'),
    step('invoice.payment_succeeded', 'invoice', 'paid_here'),
    step('invoice_payment.paid', 'invoice_payment', 'paid_by_payment'),
  ],
  invoice_payment_failed: [step('invoice.payment_failed', 'invoice'), step('invoice.updated', 'invoice', 'changed')],
  invoice_action_required: [
    step('invoice.payment_action_required', 'invoice'),
    step('invoice.updated', 'invoice', 'changed'),
  ],
  invoice_overdue: [step('invoice.overdue', 'invoice')],
  invoice_uncollectible: [step('invoice.marked_uncollectible', 'invoice')],
  invoice_voided: [step('invoice.voided', 'invoice')],
  invoice_deleted: [step('invoice.deleted', 'invoice')],
  invoice_item_created: [step('invoiceitem.created', 'invoice_item')],
  invoice_item_deleted: [step('invoiceitem.deleted', 'invoice_item')],

  payment_initiated: [step('payment_intent.created', 'payment_intent', 'first_attempt')],
  payment_action_required: [step('payment_intent.requires_action', 'payment_intent')],
  payment_processing: [step('payment_intent.processing', 'payment_intent'), step('charge.pending', 'charge')],
  payment_succeeded: [step('charge.succeeded', 'charge'), step('payment_intent.succeeded', 'payment_intent')],
  payment_failed: [step('charge.failed', 'charge'), step('payment_intent.payment_failed', 'payment_intent')],
  payment_canceled: [step('payment_intent.canceled', 'payment_intent')],
  payment_refunded: [step('charge.refunded', 'charge', 'changed'), step('refund.created', 'refund')],
  refund_updated: [step('refund.updated', 'refund', 'changed'), step('refund.failed', 'refund', 'refund_failed')],

  // A session is made by an answer of the API; the provider has no event for it.
  checkout_opened: NONE,
  checkout_completed: [step('checkout.session.completed', 'checkout')],
  checkout_canceled: [step('checkout.session.expired', 'checkout')],
  checkout_expired: [step('checkout.session.expired', 'checkout')],

  customer_created: [step('customer.created', 'customer')],
  customer_updated: [step('customer.updated', 'customer', 'changed')],
  customer_deleted: [step('customer.deleted', 'customer')],
  payment_method_attached: [step('payment_method.attached', 'payment_method')],
  payment_method_detached: [step('payment_method.detached', 'payment_method', 'changed')],
  product_created: [step('product.created', 'product')],
  product_updated: [step('product.updated', 'product', 'changed')],
  price_created: [step('plan.created', 'plan'), step('price.created', 'price')],
  price_updated: [step('plan.updated', 'plan', 'changed'), step('price.updated', 'price', 'changed')],
  meter_created: [step('billing.meter.created', 'meter')],
  meter_updated: [
    step('billing.meter.updated', 'meter', 'meter_edited'),
    step('billing.meter.deactivated', 'meter', 'meter_off'),
    step('billing.meter.reactivated', 'meter', 'meter_on'),
  ],
  clock_created: [step('test_helpers.test_clock.created', 'clock')],
  clock_advancing: [step('test_helpers.test_clock.advancing', 'clock')],
  clock_ready: [step('test_helpers.test_clock.ready', 'clock')],
  clock_deleted: [step('test_helpers.test_clock.deleted', 'clock')],

  // Usage is reported through the API and told to nobody.
  usage_updated: NONE,
  usage_threshold_reached: NONE,
  plan_assigned: NONE,
  access_changed: NONE,
}
