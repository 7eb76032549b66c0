/** Entities and views written by hand: a customer on a monthly plan, paid by card. */
import { NO_ENTITIES } from '../../../src/model/entities.ts'
import type {
  Checkout,
  Customer,
  Entities,
  Invoice,
  Payment,
  Price,
  Product,
  Refund,
  Subscription,
  UsageTotal,
  View,
} from '../../../src/model/entities.ts'
import type { BillingRecord, Fact, FactDetails, FactKind, RecordKind } from '../../../src/model/facts.ts'
import { requireInstant } from '../../../src/model/instant.ts'
import type { Instant } from '../../../src/model/instant.ts'
import { money, zero } from '../../../src/model/money.ts'

export const time = (text: string): Instant => requireInstant(text, 'test')

export const START = time('2026-01-01T00:00:00Z')
export const SECOND_CYCLE = time('2026-02-01T00:00:00Z')
export const THIRD_CYCLE = time('2026-03-01T00:00:00Z')

const minted = (prefix: string): string => `${prefix}_0123456789abcdefghijklmn`

export const customer: Customer = {
  id: minted('bhcus'),
  type: 'user',
  name: 'Ada Lovelace',
  email: 'ada@example.com',
  phone: null,
  user: 'kp_1',
  currency: 'USD',
  defaultPaymentMethod: minted('bhpm'),
  metadata: {},
  invoiceCount: 1,
  createdAt: START,
  updatedAt: START,
  deletedAt: null,
}

export const product: Product = {
  id: minted('bhprd'),
  name: 'Platform',
  description: null,
  active: true,
  features: ['sso', 'api'],
  metadata: {},
  createdAt: START,
  updatedAt: START,
}

export const price: Price = {
  id: minted('bhpri'),
  product: product.id,
  code: 'pro',
  name: 'Pro',
  group: 'plans',
  currency: 'USD',
  interval: { unit: 'month', count: 1 },
  scheme: 'flat',
  unitAmount: money(2000, 'USD'),
  tiers: [],
  usage: 'licensed',
  meter: null,
  billed: 'advance',
  active: true,
  metadata: {},
  createdAt: START,
  updatedAt: START,
}

export const subscription: Subscription = {
  id: minted('bhsub'),
  customer: customer.id,
  status: 'active',
  items: [{ id: minted('bhsi'), price: price.id, quantity: 1, createdAt: START }],
  currency: 'USD',
  collection: 'automatic',
  daysUntilDue: null,
  defaultPaymentMethod: minted('bhpm'),
  startAt: START,
  startedAt: START,
  anchor: START,
  interval: { unit: 'month', count: 1 },
  cycle: 0,
  period: { from: START, until: SECOND_CYCLE },
  trial: null,
  trialEndBehavior: 'invoice',
  cycles: { total: null, invoiced: 1, paid: 1 },
  authorization: null,
  cancel: null,
  endedAt: null,
  pause: null,
  scheduledChange: null,
  latestInvoice: minted('bhinv'),
  failedAttempts: 0,
  nextChargeAt: SECOND_CYCLE,
  replaces: null,
  checkout: null,
  metadata: { order: 'order-1001' },
  createdAt: START,
  updatedAt: START,
}

export const invoice: Invoice = {
  id: minted('bhinv'),
  customer: customer.id,
  subscription: subscription.id,
  number: 'INV-0001',
  status: 'open',
  reason: 'first',
  collection: 'automatic',
  autoAdvance: true,
  currency: 'USD',
  lines: [
    {
      id: minted('bhil'),
      kind: 'subscription',
      description: 'Pro',
      amount: money(2000, 'USD'),
      price: price.id,
      quantity: 1,
      period: { from: START, until: SECOND_CYCLE },
      subscriptionItem: minted('bhsi'),
      invoiceItem: null,
    },
  ],
  total: money(2000, 'USD'),
  amountDue: money(2000, 'USD'),
  amountPaid: zero('USD'),
  refunded: zero('USD'),
  period: { from: START, until: SECOND_CYCLE },
  defaultPaymentMethod: minted('bhpm'),
  attempts: 0,
  nextAttemptAt: null,
  finalizesAt: null,
  gate: { state: 'open', deliveredAt: null, latestAt: null },
  payment: null,
  paidOutOfBand: false,
  createdAt: START,
  updatedAt: START,
  finalizedAt: START,
  sentAt: START,
  dueAt: null,
  overdueAt: null,
  paidAt: null,
  voidedAt: null,
  uncollectibleAt: null,
  metadata: {},
}

export const paidInvoice: Invoice = {
  ...invoice,
  status: 'paid',
  amountPaid: money(2000, 'USD'),
  attempts: 1,
  paidAt: START,
  payment: minted('bhpay'),
}

export const payment: Payment = {
  id: minted('bhpay'),
  customer: customer.id,
  invoice: invoice.id,
  subscription: subscription.id,
  amount: money(2000, 'USD'),
  status: 'succeeded',
  method: minted('bhpm'),
  attempt: 1,
  failure: null,
  refunded: zero('USD'),
  createdAt: START,
  updatedAt: START,
  decidedAt: START,
}

export const refund: Refund = {
  id: minted('bhref'),
  payment: payment.id,
  invoice: invoice.id,
  customer: customer.id,
  amount: money(500, 'USD'),
  status: 'succeeded',
  reason: null,
  createdAt: START,
}

export const checkout: Checkout = {
  id: minted('bhco'),
  mode: 'subscription',
  status: 'open',
  customer: customer.id,
  items: [{ price: price.id, quantity: 1 }],
  trialDays: null,
  reference: 'order-1001',
  successUrl: 'https://merchant.example/return',
  subscription: null,
  invoice: null,
  currency: 'USD',
  total: money(2000, 'USD'),
  metadata: { order: 'order-1001' },
  createdAt: START,
  updatedAt: START,
  expiresAt: time('2026-01-31T00:00:00Z'),
  completedAt: null,
  canceledAt: null,
}

export const usage: UsageTotal = {
  subscription: subscription.id,
  meter: 'api_calls',
  period: { from: START, until: SECOND_CYCLE },
  quantity: '125',
  reported: '25',
  mode: 'delta',
  updatedAt: START,
}

/** A view in which the customer is always there; `before` has nothing unless given. */
export function viewOf(after: Partial<Entities>, before: Partial<Entities> = {}, more: Partial<View> = {}): View {
  return {
    account: 'default',
    livemode: false,
    before: { ...NO_ENTITIES, ...before },
    after: { ...NO_ENTITIES, customer, ...after },
    prices: { [price.id]: price },
    products: { [product.id]: product },
    paymentMethods: {},
    attempted: null,
    attemptedInvoice: null,
    request: null,
    switches: {},
    ...more,
  }
}

export function fact<K extends FactKind>(kind: K, detail: FactDetails[K], at: Instant = START): Fact {
  return {
    kind,
    at,
    customer: customer.id,
    subscription: subscription.id,
    subject: subscription.id,
    detail,
  } as unknown as Fact
}

export function record(kind: RecordKind, subject: string, at: Instant = START): BillingRecord {
  return { kind, at, customer: customer.id, subscription: subscription.id, subject }
}

export const origin = (at: Instant = START, id = 'bhfct_0123456789abcdefghijklmn') => ({ fact: id, at })
