import type { CustomerState } from '../../lifecycle/state.ts'
import type { CatalogCommand, Command } from '../../model/commands.ts'
import type { SandboxBehavior } from '../../model/entities.ts'
import { requireInstant } from '../../model/instant.ts'
import { money } from '../../model/money.ts'

/** What happens in a life: a command, days that pass, or a command that follows from what there is. */
export type Scene = Command | { readonly days: number } | ((state: CustomerState) => Command | null)

/** When the lives of the samples begin. */
export const SAMPLE_BEGIN = requireInstant('2026-01-05T10:00:00Z', 'the beginning of the samples')

const MONTH = { unit: 'month', count: 1 } as const

function priceOf(id: string, product: string, minor: number): Extract<CatalogCommand, { kind: 'price.create' }> {
  return {
    kind: 'price.create',
    id,
    product,
    code: id,
    name: id,
    group: 'plans',
    currency: 'INR',
    interval: MONTH,
    scheme: 'per_unit',
    unitAmount: money(minor, 'INR'),
    tiers: [],
    usage: 'licensed',
    meter: null,
    billed: null,
  }
}

/** What is sold in the samples. */
export const SAMPLE_CATALOG: readonly CatalogCommand[] = [
  { kind: 'product.create', id: 'sample_product', name: 'Sample', description: null, features: ['reports'] },
  { kind: 'product.update', id: 'sample_product', description: 'A product for samples' },
  { kind: 'meter.create', id: 'sample_meter', code: 'calls', name: 'Calls', aggregation: 'sum' },
  { kind: 'meter.update', id: 'sample_meter', name: 'API calls' },
  priceOf('sample_basic', 'sample_product', 50_000),
  priceOf('sample_pro', 'sample_product', 90_000),
  { kind: 'price.update', id: 'sample_basic', name: 'Basic' },
  {
    ...priceOf('sample_metered', 'sample_product', 10),
    usage: 'metered',
    meter: 'sample_meter',
    billed: 'arrears',
  },
]

function customer(behavior: SandboxBehavior): Command {
  return {
    kind: 'customer.create',
    fields: { name: 'Ada Lovelace', email: 'ada@example.com', user: 'user_1' },
    method: card('sample_card', behavior),
  }
}

function card(id: string, behavior: SandboxBehavior) {
  return {
    id,
    type: 'card',
    brand: 'visa',
    last4: '4242',
    expMonth: 12,
    expYear: 2030,
    behavior,
    script: [],
  } as const
}

function subscribe(price: string, more: Partial<Extract<Command, { kind: 'subscription.create' }>> = {}): Command {
  return { kind: 'subscription.create', id: 'sample_subscription', items: [{ price, quantity: 1 }], ...more }
}

const SUBSCRIPTION = 'sample_subscription'

const PAID = { outcome: 'succeeded', reference: null } as const

function authorize(): Command {
  return {
    kind: 'subscription.authorize',
    id: SUBSCRIPTION,
    outcome: PAID,
    method: { attach: card('sample_authorized', 'pays') },
  }
}

function behave(behavior: SandboxBehavior): Command {
  return { kind: 'payment_method.script', id: null, behavior }
}

/** What a refund gives back: the first payment that was made. */
function refund({ payments }: CustomerState): Command | null {
  const payment = Object.values(payments).find(({ status }) => status === 'succeeded')
  return payment === undefined
    ? null
    : { kind: 'refund.create', id: null, payment: payment.id, amount: null, reason: null }
}

function checkout(id: string): Command {
  return {
    kind: 'checkout.create',
    id,
    mode: 'subscription',
    items: [{ price: 'sample_basic', quantity: 1 }],
    currency: 'INR',
    trialDays: null,
    reference: 'order_1',
    successUrl: 'https://example.com/done',
    expiresAt: null,
  }
}

function oneOff(id: string, collection: 'automatic' | 'manual'): Command {
  return {
    kind: 'invoice.create',
    id,
    currency: 'INR',
    lines: [{ amount: money(25_000, 'INR'), description: 'Setup', price: null, quantity: 1 }],
    pendingItems: 'include',
    autoAdvance: false,
    collection,
    daysUntilDue: collection === 'manual' ? 10 : null,
  }
}

/** All goes well: trial, renewals, a change of plan, pauses, a refund, the end. */
const WELL: readonly Scene[] = [
  customer('pays'),
  subscribe('sample_basic', { trialDays: 10 }),
  authorize(),
  { days: 45 },
  { kind: 'subscription.update', id: SUBSCRIPTION, items: [{ price: 'sample_pro', quantity: 2 }], when: 'now' },
  { kind: 'subscription.update', id: SUBSCRIPTION, metadata: { seat: '7' } },
  { kind: 'subscription.pause', id: SUBSCRIPTION, by: 'customer' },
  { days: 2 },
  { kind: 'subscription.resume', id: SUBSCRIPTION, by: 'customer', anchor: 'unchanged' },
  {
    kind: 'subscription.update',
    id: SUBSCRIPTION,
    pauseCollection: { invoices: 'void', resumesAt: null },
  },
  { kind: 'subscription.update', id: SUBSCRIPTION, pauseCollection: null },
  refund,
  { kind: 'subscription.update', id: SUBSCRIPTION, cancelAtPeriodEnd: true },
  { kind: 'subscription.update', id: SUBSCRIPTION, cancelAtPeriodEnd: false },
  { kind: 'subscription.cancel', id: SUBSCRIPTION, when: 'now', by: 'customer', reason: null },
  { kind: 'customer.update', fields: { name: 'Ada King' } },
  { kind: 'payment_method.detach', id: 'sample_card' },
  { kind: 'customer.delete' },
]

/** The card fails until the retries end. */
const BADLY: readonly Scene[] = [
  customer('pays'),
  subscribe('sample_basic'),
  authorize(),
  { days: 20 },
  behave('insufficient_funds'),
  { days: 60 },
  behave('pays'),
  { kind: 'subscription.retry', id: SUBSCRIPTION, method: null },
  { days: 60 },
]

/** A few cycles and no more. */
const SHORTLY: readonly Scene[] = [
  customer('pays'),
  subscribe('sample_basic', { totalCycles: 2 }),
  authorize(),
  { days: 100 },
]

/** The customer must confirm, and does not. */
const HALFWAY: readonly Scene[] = [
  customer('needs_action'),
  subscribe('sample_basic'),
  { days: 3 },
  oneOff('sample_processing', 'automatic'),
  behave('processing_then_pays'),
  { kind: 'invoice.pay', id: 'sample_processing', method: null },
  { days: 10 },
]

/** Invoices without a subscription. */
const ONE_OFF: readonly Scene[] = [
  customer('pays'),
  {
    kind: 'invoice_item.create',
    id: 'sample_item',
    amount: money(1000, 'INR'),
    description: 'Extra',
    subscription: null,
  },
  { kind: 'invoice_item.delete', id: 'sample_item' },
  oneOff('sample_deleted', 'automatic'),
  { kind: 'invoice.delete', id: 'sample_deleted' },
  oneOff('sample_paid', 'automatic'),
  { kind: 'invoice.pay', id: 'sample_paid', method: null },
  oneOff('sample_void', 'automatic'),
  { kind: 'invoice.finalize', id: 'sample_void' },
  { kind: 'invoice.void', id: 'sample_void' },
  oneOff('sample_lost', 'automatic'),
  { kind: 'invoice.finalize', id: 'sample_lost' },
  { kind: 'invoice.mark_uncollectible', id: 'sample_lost' },
  oneOff('sample_sent', 'manual'),
  { kind: 'invoice.finalize', id: 'sample_sent' },
  { kind: 'invoice.send', id: 'sample_sent' },
  { days: 40 },
  { kind: 'invoice.mark_overdue', id: 'sample_sent' },
  { kind: 'invoice.pay_out_of_band', id: 'sample_sent' },
]

/** Hosted pages. */
const HOSTED: readonly Scene[] = [
  customer('pays'),
  checkout('sample_checkout'),
  { kind: 'checkout.complete', id: 'sample_checkout', method: null, outcome: null },
  checkout('sample_canceled'),
  { kind: 'checkout.cancel', id: 'sample_canceled' },
  checkout('sample_expired'),
  { kind: 'checkout.expire', id: 'sample_expired' },
]

/** Agreements and usage. */
const AGREED: readonly Scene[] = [
  customer('pays'),
  { kind: 'agreement.create', id: 'sample_agreement', plan: 'sample_basic' },
  { days: 32 },
  { kind: 'agreement.create', id: 'sample_upgrade', plan: 'sample_pro' },
  { kind: 'agreement.cancel', id: null, by: 'customer', reason: null },
]

const METERED: readonly Scene[] = [
  customer('pays'),
  subscribe('sample_metered'),
  { kind: 'agreement.create', id: null, plan: 'sample_metered' },
  ({ subscriptions }) => {
    const live = Object.values(subscriptions).find(({ endedAt }) => endedAt === null)
    return live === undefined
      ? null
      : { kind: 'usage.report', subscription: live.id, meter: 'calls', quantity: '12', mode: 'delta' }
  },
  { days: 32 },
]

/** Short lives of customers, in which together nearly everything happens. */
export const SAMPLE_LIVES: readonly (readonly Scene[])[] = [
  WELL,
  BADLY,
  SHORTLY,
  HALFWAY,
  ONE_OFF,
  HOSTED,
  AGREED,
  METERED,
]
