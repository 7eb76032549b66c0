import { NO_ENTITIES } from '../../../src/model/entities.ts'
import type {
  Checkout,
  Customer,
  Entities,
  Invoice,
  InvoiceItem,
  InvoiceLine,
  Meter,
  Payment,
  PaymentMethod,
  Price,
  Product,
  Refund,
  Subscription,
  View,
} from '../../../src/model/entities.ts'
import type { Fact, FactDetails, FactKind, RecordKind, BillingRecord } from '../../../src/model/facts.ts'
import { money } from '../../../src/model/money.ts'
import type { Origin } from '../../../src/dialects/dialect.ts'
import { at } from './support.ts'

/** The entities of the stories, as the engine would keep them. Each test changes what its story changes. */
const START = at('2026-01-01T00:00:00Z')

export const customer: Customer = {
  id: 'bhcus_0123456789abcdefghijklmn',
  type: 'user',
  name: 'Jenny Rosen',
  email: 'jenny@example.com',
  phone: null,
  user: '42',
  currency: 'EUR',
  defaultPaymentMethod: 'pm_card_visa',
  metadata: { plan: 'pro' },
  invoiceCount: 1,
  createdAt: START,
  updatedAt: START,
  deletedAt: null,
}

export const method: PaymentMethod = {
  id: 'pm_card_visa',
  customer: customer.id,
  type: 'card',
  brand: 'visa',
  last4: '4242',
  expMonth: 12,
  expYear: 2034,
  behavior: 'pays',
  script: [],
  createdAt: START,
  detachedAt: null,
}

export const debit: PaymentMethod = { ...method, id: 'pm_debit', type: 'bank_debit', brand: null, last4: '3000' }

export const product: Product = {
  id: 'prod_basic',
  name: 'Basic',
  description: null,
  active: true,
  features: ['export'],
  metadata: {},
  createdAt: START,
  updatedAt: START,
}

export const price: Price = {
  id: 'price_basic',
  product: product.id,
  code: 'basic_monthly',
  name: null,
  group: null,
  currency: 'EUR',
  interval: { unit: 'month', count: 1 },
  scheme: 'per_unit',
  unitAmount: money(5000, 'EUR'),
  tiers: [],
  usage: 'licensed',
  meter: null,
  billed: 'advance',
  active: true,
  metadata: {},
  createdAt: START,
  updatedAt: START,
}

export const premium: Price = { ...price, id: 'price_premium', code: 'premium', unitAmount: money(10_000, 'EUR') }

export const tiered: Price = {
  ...price,
  id: 'price_tiered',
  scheme: 'graduated',
  unitAmount: null,
  tiers: [
    { upTo: 10, unitAmount: money(100, 'EUR'), flatAmount: null },
    { upTo: null, unitAmount: money(50, 'EUR'), flatAmount: money(500, 'EUR') },
  ],
}

export const metered: Price = {
  ...price,
  id: 'price_metered',
  usage: 'metered',
  meter: 'bhmtr_0123456789abcdefghijklmn',
}

export const oneOff: Price = { ...price, id: 'price_once', interval: null }

export const january = { from: START, until: at('2026-02-01T00:00:00Z') }
export const february = { from: january.until, until: at('2026-03-01T00:00:00Z') }

export const subscription: Subscription = {
  id: 'sub_1',
  customer: customer.id,
  status: 'active',
  items: [{ id: 'bhsi_0123456789abcdefghijklmn', price: price.id, quantity: 1, createdAt: START }],
  currency: 'EUR',
  collection: 'automatic',
  daysUntilDue: null,
  defaultPaymentMethod: null,
  startAt: START,
  startedAt: START,
  anchor: START,
  interval: { unit: 'month', count: 1 },
  cycle: 0,
  period: january,
  trial: null,
  trialEndBehavior: 'invoice',
  cycles: { total: null, invoiced: 1, paid: 1 },
  authorization: null,
  cancel: null,
  endedAt: null,
  pause: null,
  scheduledChange: null,
  latestInvoice: 'bhinv_0123456789abcdefghijklmn',
  failedAttempts: 0,
  nextChargeAt: null,
  replaces: null,
  checkout: null,
  metadata: { account_id: '42' },
  createdAt: START,
  updatedAt: START,
}

const line: InvoiceLine = {
  id: 'bhil_0123456789abcdefghijklmn',
  kind: 'subscription',
  description: '1 × Basic',
  amount: money(5000, 'EUR'),
  price: price.id,
  quantity: 1,
  period: february,
  subscriptionItem: 'bhsi_0123456789abcdefghijklmn',
  invoiceItem: null,
}

export const prorationLine: InvoiceLine = {
  ...line,
  id: 'bhil_0123456789abcdefghijklmo',
  kind: 'proration',
  amount: money(-2581, 'EUR'),
  period: { from: at('2026-01-16T00:00:00Z'), until: january.until },
  invoiceItem: 'bhii_0123456789abcdefghijklmn',
}

/** The renewal of February, while it is a draft. */
export const draft: Invoice = {
  id: 'bhinv_1123456789abcdefghijklmn',
  customer: customer.id,
  subscription: subscription.id,
  number: null,
  status: 'draft',
  reason: 'cycle',
  collection: 'automatic',
  autoAdvance: true,
  currency: 'EUR',
  lines: [line],
  total: money(5000, 'EUR'),
  amountDue: money(5000, 'EUR'),
  amountPaid: money(0, 'EUR'),
  refunded: money(0, 'EUR'),
  period: february,
  defaultPaymentMethod: null,
  attempts: 0,
  nextAttemptAt: null,
  finalizesAt: at('2026-02-01T01:00:00Z'),
  gate: { state: 'waiting', deliveredAt: null, latestAt: at('2026-02-04T00:00:00Z') },
  payment: null,
  paidOutOfBand: false,
  createdAt: february.from,
  updatedAt: february.from,
  finalizedAt: null,
  sentAt: null,
  dueAt: null,
  overdueAt: null,
  paidAt: null,
  voidedAt: null,
  uncollectibleAt: null,
  metadata: {},
}

const CHARGED = at('2026-02-01T01:00:00Z')

export const open: Invoice = {
  ...draft,
  status: 'open',
  number: 'ABC-0002',
  finalizesAt: null,
  finalizedAt: CHARGED,
  gate: { state: 'open', deliveredAt: february.from, latestAt: null },
}

export const payment: Payment = {
  id: 'bhpay_0123456789abcdefghijklmn',
  customer: customer.id,
  invoice: draft.id,
  subscription: subscription.id,
  amount: money(5000, 'EUR'),
  status: 'initiated',
  method: method.id,
  attempt: 1,
  failure: null,
  refunded: money(0, 'EUR'),
  createdAt: CHARGED,
  updatedAt: CHARGED,
  decidedAt: null,
}

export const succeeded: Payment = { ...payment, status: 'succeeded', decidedAt: CHARGED }

export const failed: Payment = {
  ...payment,
  status: 'failed',
  decidedAt: CHARGED,
  failure: { code: 'insufficient_funds', message: 'Your card has insufficient funds.', retryable: 'yes' },
}

export const paid: Invoice = {
  ...open,
  status: 'paid',
  amountPaid: money(5000, 'EUR'),
  attempts: 1,
  payment: payment.id,
  paidAt: CHARGED,
}

export const refused: Invoice = {
  ...open,
  attempts: 1,
  payment: payment.id,
  nextAttemptAt: at('2026-02-04T01:00:00Z'),
}

export const item: InvoiceItem = {
  id: 'bhii_0123456789abcdefghijklmn',
  customer: customer.id,
  subscription: subscription.id,
  invoice: null,
  amount: money(-2581, 'EUR'),
  description: 'Unused time on Basic after 16 Jan 2026',
  proration: true,
  price: price.id,
  subscriptionItem: 'bhsi_0123456789abcdefghijklmn',
  quantity: 1,
  period: prorationLine.period,
  metadata: {},
  createdAt: at('2026-01-16T00:00:00Z'),
}

export const refund: Refund = {
  id: 'bhref_0123456789abcdefghijklmn',
  payment: payment.id,
  invoice: draft.id,
  customer: customer.id,
  amount: money(2000, 'EUR'),
  status: 'succeeded',
  reason: 'requested_by_customer',
  createdAt: CHARGED,
}

export const checkout: Checkout = {
  id: 'bhco_0123456789abcdefghijklmn',
  mode: 'subscription',
  status: 'open',
  customer: null,
  items: [{ price: price.id, quantity: 1 }],
  trialDays: null,
  reference: 'user_42',
  successUrl: 'https://shop.example.com/ok',
  subscription: null,
  invoice: null,
  currency: 'EUR',
  total: money(5000, 'EUR'),
  metadata: {},
  createdAt: START,
  updatedAt: START,
  expiresAt: at('2026-01-02T00:00:00Z'),
  completedAt: null,
  canceledAt: null,
}

export const meter: Meter = {
  id: 'bhmtr_0123456789abcdefghijklmn',
  code: 'api_requests',
  name: 'API requests',
  aggregation: 'sum',
  active: true,
  createdAt: START,
  updatedAt: START,
}

export const clock = {
  id: 'bhclk_0123456789abcdefghijklmn',
  name: 'Renewal',
  now: START,
  status: 'ready',
  createdAt: START,
} as const

/** A view of a change: what is the same before and after is given once, in `after`, unless `before` says otherwise. */
export function viewOf(after: Partial<Entities>, before: Partial<Entities> = {}, rest: Partial<View> = {}): View {
  return {
    account: 'acct_1SBE9vBe0ycHroRB',
    livemode: false,
    before: { ...NO_ENTITIES, ...after, ...before },
    after: { ...NO_ENTITIES, ...after },
    prices: Object.fromEntries([price, premium, tiered, metered, oneOff].map((one) => [one.id, one])),
    products: { [product.id]: product },
    paymentMethods: { [method.id]: method, [debit.id]: debit },
    attempted: null,
    attemptedInvoice: null,
    request: null,
    switches: {},
    ...rest,
  }
}

export const ORIGIN: Origin = { fact: 'bhfct_0123456789abcdefghijklmn', at: CHARGED }

export function fact<K extends FactKind>(kind: K, detail: FactDetails[K]): Fact<K> {
  const told = { kind, at: ORIGIN.at, customer: customer.id, subscription: subscription.id, subject: 'x', detail }
  return told
}

export function record(kind: RecordKind): BillingRecord {
  return { kind, at: ORIGIN.at, customer: customer.id, subscription: subscription.id, subject: 'x' }
}
