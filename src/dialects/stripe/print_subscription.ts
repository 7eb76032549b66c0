import { cycle } from '../../model/calendar.ts'
import type { Period } from '../../model/calendar.ts'
import type { Subscription, SubscriptionItem } from '../../model/entities.ts'
import { secondsOf } from '../../model/instant.ts'
import type { JsonObject } from '../../model/json.ts'
import type { SubscriptionStatus } from '../../model/status.ts'
import { printId, printIdOrNull } from './ids.ts'
import { newer, older, printClock, printCurrency, printList, secondsOrNull } from './print.ts'
import type { Printing } from './print.ts'
import { printPlan, printPrice } from './print_price.ts'

/** Our status in this provider's words. What it does not know is printed as what comes closest. */
const STATUS = {
  pending: 'incomplete',
  incomplete: 'incomplete',
  authorized: 'trialing',
  trialing: 'trialing',
  active: 'active',
  past_due: 'past_due',
  unpaid: 'unpaid',
  paused: 'paused',
  canceled: 'canceled',
  completed: 'canceled',
  expired: 'incomplete_expired',
  unknown: 'active',
} as const satisfies Record<SubscriptionStatus, string>

/** A subscription as the API version prints it. */
export function printSubscription(subscription: Subscription, printing: Printing): JsonObject {
  const id = printId('subscription', subscription.id)
  const period = periodOf(subscription)
  return {
    id,
    object: 'subscription',
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: secondsOf(subscription.anchor),
    billing_cycle_anchor_config: null,
    billing_thresholds: null,
    ...printCancellation(subscription, printing),
    collection_method: subscription.collection === 'manual' ? 'send_invoice' : 'charge_automatically',
    created: secondsOf(subscription.createdAt),
    currency: printCurrency(subscription.currency),
    customer: printId('customer', subscription.customer),
    days_until_due: subscription.daysUntilDue,
    default_payment_method: printIdOrNull('payment_method', subscription.defaultPaymentMethod),
    default_source: null,
    default_tax_rates: [],
    description: null,
    discounts: [],
    ended_at: secondsOrNull(subscription.endedAt),
    invoice_settings: {
      account_tax_ids: null,
      ...newer(printing, { custom_fields: null, description: null, footer: null }),
      issuer: { type: 'self' },
    },
    items: printList(
      subscription.items.map((item) => printItem(item, { subscription, period, printing })),
      `/v1/subscription_items?subscription=${id}`,
    ),
    latest_invoice: printIdOrNull('invoice', subscription.latestInvoice),
    livemode: printing.view.livemode,
    metadata: subscription.metadata,
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: printPause(subscription),
    payment_settings: printPaymentSettings(printing),
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: printPendingUpdate(subscription, { subscription, period, printing }),
    ...printSingleItem(subscription, printing),
    schedule: null,
    start_date: secondsOf(subscription.startAt),
    status: STATUS[subscription.status],
    ...printStatusDetails(subscription, printing),
    test_clock: printClock(printing),
    transfer_data: null,
    trial_end: secondsOrNull(subscription.trial?.until ?? null),
    trial_settings: {
      end_behavior: {
        ...newer(printing, { billing_cycle_anchor: null }),
        missing_payment_method:
          subscription.trialEndBehavior === 'invoice' ? 'create_invoice' : subscription.trialEndBehavior,
      },
    },
    trial_start: secondsOrNull(subscription.trial?.from ?? null),
    ...older(printing, { ...printPeriod(period), discount: null }),
    ...newer(printing, {
      billing_mode: { flexible: null, type: 'classic' },
      billing_schedules: [],
      customer_account: null,
      managed_payments: null,
    }),
  }
}

/** The cycle that is shown: this provider always shows one, in a trial the trial itself. */
export function periodOf(subscription: Subscription): Period {
  if (subscription.period !== null) return subscription.period
  if (subscription.trial !== null) return subscription.trial
  if (subscription.interval !== null) return cycle(subscription.anchor, subscription.interval, 0)
  return { from: subscription.startAt, until: subscription.startAt }
}

function printPeriod(period: Period): { readonly current_period_end: number; readonly current_period_start: number } {
  return { current_period_end: secondsOf(period.until), current_period_start: secondsOf(period.from) }
}

interface ItemSurroundings {
  readonly subscription: Subscription
  readonly period: Period
  readonly printing: Printing
}

function printItem(item: SubscriptionItem, { subscription, period, printing }: ItemSurroundings): JsonObject {
  const price = printing.view.prices[item.price]
  return {
    id: printId('subscription_item', item.id),
    object: 'subscription_item',
    billing_thresholds: null,
    created: secondsOf(item.createdAt),
    ...newer(printing, { ...printPeriod(period), current_trial: null }),
    discounts: [],
    metadata: {},
    plan: price === undefined ? null : printPlan(price, printing),
    price: price === undefined ? null : printPrice(price, printing),
    ...(price?.usage === 'metered' ? {} : { quantity: item.quantity }),
    subscription: printId('subscription', subscription.id),
    tax_rates: [],
  }
}

/** A change that waits for its payment: what the items would become. */
function printPendingUpdate({ pendingChange }: Subscription, surroundings: ItemSurroundings): JsonObject | null {
  if (pendingChange === null || pendingChange === undefined) return null
  return {
    billing_cycle_anchor: null,
    ...newer(surroundings.printing, {
      cancel_at_period_end: null,
      discount: null,
      discounts: null,
      metadata: null,
    }),
    expires_at: secondsOf(pendingChange.expiresAt),
    subscription_items: pendingChange.items.map((item) => printItem(item, surroundings)),
    trial_end: null,
    trial_from_plan: null,
  }
}

/** `plan` and `quantity` on the subscription itself: there with exactly one item. */
function printSingleItem(subscription: Subscription, printing: Printing): JsonObject {
  const [item, ...others] = subscription.items
  const price = item === undefined ? undefined : printing.view.prices[item.price]
  if (item === undefined || price === undefined || others.length > 0) return {}
  return {
    plan: printPlan(price, printing),
    ...(price.usage === 'metered' ? {} : { quantity: item.quantity }),
  }
}

const REASONS: ReadonlySet<string> = new Set(['cancellation_requested', 'payment_disputed', 'payment_failed'])

function printCancellation(subscription: Subscription, printing: Printing): JsonObject {
  const { cancel } = subscription
  // A cancellation at once has no planned time: it is over when it is asked for.
  const planned = cancel !== null && (cancel.atPeriodEnd || cancel.at > cancel.requestedAt) ? cancel.at : null
  const reason = reasonOf(subscription)
  return {
    cancel_at: secondsOrNull(planned),
    cancel_at_period_end: cancel?.atPeriodEnd ?? false,
    canceled_at: secondsOrNull(cancel?.requestedAt ?? canceledAt(subscription)),
    cancellation_details: {
      comment: cancel?.by === 'customer' && reason !== cancel.reason ? cancel.reason : null,
      feedback: null,
      ...newer(printing, { feedback_option: null }),
      reason,
    },
  }
}

function canceledAt(subscription: Subscription): Subscription['endedAt'] {
  return subscription.status === 'canceled' || subscription.status === 'completed' ? subscription.endedAt : null
}

function reasonOf({ cancel }: Subscription): string | null {
  if (cancel === null) return null
  if (cancel.reason !== null && REASONS.has(cancel.reason)) return cancel.reason
  return cancel.by === 'system' ? null : 'cancellation_requested'
}

function printPause({ pause }: Subscription): JsonObject | null {
  if (pause?.scope !== 'collection') return null
  return { behavior: pause.invoices, resumes_at: secondsOrNull(pause.resumesAt) }
}

function printStatusDetails({ status, pause }: Subscription, printing: Printing): JsonObject {
  if (status !== 'paused' || pause?.scope !== 'service') return {}
  return newer(printing, {
    status_details: {
      paused: {
        subscription: { type: pause.by === 'system' ? 'trial_end_without_payment_method' : 'pause_requested' },
        transitioned_at: secondsOf(pause.from),
        type: 'subscription',
      },
    },
  })
}

function printPaymentSettings(printing: Printing): JsonObject {
  return {
    payment_method_options: {
      ...printMethodOptions(printing),
      card: { network: null, request_three_d_secure: 'automatic' },
    },
    payment_method_types: null,
    save_default_payment_method: 'off',
  }
}

/** One member for each payment method type that has options; none is set. */
export function printMethodOptions(printing: Printing): JsonObject {
  return {
    acss_debit: null,
    bancontact: null,
    card: { request_three_d_secure: 'automatic' },
    customer_balance: null,
    konbini: null,
    ...newer(printing, { payto: null, pix: null, upi: null }),
    sepa_debit: null,
    us_bank_account: null,
  }
}
