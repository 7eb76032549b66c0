import { boundary, EXACT_UTC } from '../model/calendar.ts'
import type { BoundaryRule, Interval, Period } from '../model/calendar.ts'
import type { Customer, Invoice, PaymentMethod, Price, Product, Subscription } from '../model/entities.ts'
import { BillhookError } from '../model/error.ts'
import { latest } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { isZero, money, zero } from '../model/money.ts'
import type { Money } from '../model/money.ts'
import type { ProviderWords } from '../dialects/dialect.ts'
import { behaviorOf } from './behavior.ts'
import { StoryFields } from './read_fields.ts'
import type { Scenario } from './scenario.ts'

/** What a story starts from: entities as they are when it begins. */
export interface Given {
  readonly products: readonly Product[]
  readonly prices: readonly Price[]
  readonly customers: readonly Customer[]
  readonly paymentMethods: readonly PaymentMethod[]
  readonly subscriptions: readonly Subscription[]
  readonly invoices: readonly Invoice[]
}

/** How a story's objects are read. */
export interface GivenSettings {
  /** When the story begins. */
  readonly start: Instant
  /** When its objects were made: a moment before. */
  readonly madeAt: Instant
  readonly words: ProviderWords
  readonly boundary: BoundaryRule
}

const MONTH: Interval = { unit: 'month', count: 1 }

/**
 * Builds the objects of a story's `given`. A story names only what matters to it; the rest is what a plain healthy
 * account would have: a customer who can pay, a price, a paid invoice for the running cycle.
 *
 * @throws BillhookError `scenario_invalid`, naming the object and field
 */
export function buildGiven(story: Scenario, settings: GivenSettings): Given {
  const builder = new GivenBuilder(settings)
  for (const [index, entry] of story.given.entries()) {
    for (const [kind, fields] of Object.entries(entry)) {
      builder.add(kind, new StoryFields(fields, `given.${index}.${kind}`))
    }
  }
  for (const { op, with: fields } of story.steps.flatMap(({ when }) => when))
    builder.addReferences(op, new StoryFields(fields, `op ${op}`))
  return builder.build()
}

class GivenBuilder {
  readonly #settings: GivenSettings
  readonly #products = new Map<string, Product>()
  readonly #prices = new Map<string, Price>()
  readonly #customers = new Map<string, Customer>()
  readonly #methods = new Map<string, PaymentMethod>()
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #invoices = new Map<string, Invoice>()

  constructor(settings: GivenSettings) {
    this.#settings = settings
  }

  add(kind: string, fields: StoryFields): void {
    switch (kind) {
      case 'customer':
      case 'billing_customer':
        this.#addCustomer(fields)
        return
      case 'price':
      case 'plan':
        this.#addPrice(fields)
        return
      case 'subscription':
        this.#addSubscription(fields)
        return
      case 'agreement':
        this.#addAgreement(fields)
        return
      case 'invoice':
        this.#addInvoice(fields)
        return
      case 'payment_method':
        this.#addMethod(fields.requiredText('id'), fields.text('customer') ?? this.#customer().id)
        return
      default:
        throw new BillhookError(
          'scenario_invalid',
          `given: ${JSON.stringify(kind)} is not a kind of object; known are customer, billing_customer, price, plan, subscription, agreement, invoice, payment_method`,
        )
    }
  }

  /** Customers and plans that an action names and that the story does not give: they are there all the same. */
  addReferences(op: string, fields: StoryFields): void {
    const customer = textAt(fields, 'customer', 'customer_id', 'billing_customer_id')
    if (customer !== null) this.#customer(customer)
    for (const plan of [textAt(fields, 'price', 'price_id'), textAt(fields, 'plan_id', 'plan_code', 'plan')]) {
      if (plan === null || this.#prices.has(plan)) continue
      const known = [...this.#prices.values()].at(-1)
      const unitAmount = known?.unitAmount ?? null
      // Another plan costs another amount: a change between the two is then seen in money too.
      const amount = unitAmount === null ? 5000 : Number(unitAmount.minor) * 2
      this.#addPrice(
        new StoryFields(
          { id: plan, code: plan, unit_amount: amount, currency: known?.currency ?? 'USD' },
          `plan ${plan}`,
        ),
      )
    }
    // A subscription of nothing in particular still costs something, and has the interval that the action says.
    if (/^(subscription|checkout)\.create$/.test(op) && this.#prices.size === 0) {
      const { recurring, currency } = fields.raw
      this.#addPrice(
        new StoryFields(
          { ...(recurring === undefined ? {} : { recurring }), ...(currency === undefined ? {} : { currency }) },
          op,
        ),
      )
    }
  }

  build(): Given {
    return {
      products: [...this.#products.values()],
      prices: [...this.#prices.values()],
      customers: [...this.#customers.values()],
      paymentMethods: [...this.#methods.values()],
      subscriptions: [...this.#subscriptions.values()],
      invoices: [...this.#invoices.values()],
    }
  }

  #customer(id: string | null = null): Customer {
    const known = id === null ? this.#customers.values().next().value : this.#customers.get(id)
    return known ?? this.#addCustomer(new StoryFields({ id: id ?? 'cus_1' }, 'given.customer'))
  }

  #addCustomer(fields: StoryFields): Customer {
    const { madeAt } = this.#settings
    const id = fields.text('id') ?? 'cus_1'
    const without = fields.has('default_payment_method') && fields.text('default_payment_method') === null
    const method = without
      ? null
      : this.#addMethod(fields.text('default_payment_method', 'payment_source', 'payment_consent_id') ?? `pm_${id}`, id)
          .id
    const customer: Customer = {
      id,
      type: 'user',
      name: fields.text('name'),
      email: fields.text('email') ?? `${id}@customers.example`,
      phone: null,
      user: fields.text('user', 'user_id') ?? id,
      currency: fields.currency(),
      defaultPaymentMethod: method,
      metadata: fields.metadata(),
      invoiceCount: 0,
      createdAt: madeAt,
      updatedAt: madeAt,
      deletedAt: null,
    }
    this.#customers.set(id, customer)
    return customer
  }

  #addMethod(id: string, customer: string): PaymentMethod {
    const method: PaymentMethod = {
      id,
      customer,
      type: 'card',
      brand: 'visa',
      last4: '4242',
      expMonth: 12,
      expYear: 2034,
      behavior: behaviorOf(id),
      script: [],
      createdAt: this.#settings.madeAt,
      detachedAt: null,
    }
    this.#methods.set(id, method)
    return method
  }

  #addPrice(fields: StoryFields): Price {
    const { madeAt, words } = this.#settings
    const id = fields.text('id', 'code') ?? `price_${this.#prices.size + 1}`
    const currency = fields.currency() ?? 'USD'
    const unit = fields.has('unit_amount') ? 'minor' : words.amounts
    const amount =
      fields.amount(currency, unit, 'unit_amount', 'amount', 'price', 'flat_amount') ?? money(5000, currency)
    const product = fields.text('product', 'product_id') ?? `prod_${id}`
    const metered = fields.text('usage', 'usage_type') === 'metered' || fields.boolean('metered') === true
    const arrears = metered || fields.text('billing_type') === 'IN_ARREARS'
    const price: Price = {
      id,
      product,
      code: fields.text('code') ?? id,
      name: fields.text('name', 'nickname') ?? id,
      group: fields.text('group', 'plan_group') ?? 'given',
      currency,
      interval: fields.text('type') === 'one_time' ? null : (fields.interval() ?? MONTH),
      scheme: 'per_unit',
      unitAmount: amount,
      tiers: [],
      usage: metered ? 'metered' : 'licensed',
      meter: metered ? (fields.text('meter') ?? `meter_${id}`) : null,
      billed: arrears ? 'arrears' : 'advance',
      active: true,
      metadata: fields.metadata(),
      createdAt: madeAt,
      updatedAt: madeAt,
    }
    this.#prices.set(id, price)
    if (!this.#products.has(product)) this.#products.set(product, productOf(product, madeAt))
    return price
  }

  #priceOf(fields: StoryFields): Price {
    const id =
      typeof fields.raw['price'] === 'string' ? fields.text('price') : fields.text('plan_id', 'plan_code', 'plan')
    if (id !== null) {
      const known = this.#prices.get(id)
      return known ?? this.#addPrice(new StoryFields({ id, code: id }, `given.price ${id}`))
    }
    const inline = fields.object('price')
    if (inline !== null) return this.#addPrice(inline)
    if (fields.has('amount')) {
      const { amount, currency } = fields.raw
      return this.#addPrice(new StoryFields({ amount: amount ?? 0, currency: currency ?? 'INR' }, 'given.subscription'))
    }
    return this.#prices.values().next().value ?? this.#addPrice(new StoryFields({}, 'given.price'))
  }

  #addSubscription(fields: StoryFields): void {
    const { start, madeAt, words } = this.#settings
    const price = this.#priceOf(fields)
    const customer = this.#customer(fields.text('customer', 'customer_id', 'billing_customer_id'))
    const word = fields.text('status')
    const status = word === null ? 'active' : words.subscriptionStatuses[word]
    if (status === undefined) throw fields.fault('status', 'a status of this provider')
    const started = status !== 'pending' && status !== 'incomplete' && status !== 'authorized'
    const interval = price.interval ?? MONTH
    const period = started ? this.#periodOf(fields, interval) : null
    const startAt = fields.instant('start_at', 'starts_at') ?? period?.from ?? start
    const total = fields.integer('total_count', 'total_billing_cycles')
    const paid = fields.integer('paid_count') ?? (started ? 1 : 0)
    const trialEnd = fields.instant('trial_end', 'trial_ends_at')
    const id = fields.text('id') ?? 'sub_1'
    const pastDue = status === 'past_due' || status === 'unpaid'
    const subscription: Subscription = {
      id,
      customer: customer.id,
      status,
      items: [{ id: `si_${id}`, price: price.id, quantity: fields.integer('quantity') ?? 1, createdAt: madeAt }],
      currency: price.currency,
      collection: fields.text('collection_method') === 'send_invoice' ? 'manual' : 'automatic',
      daysUntilDue: fields.integer('days_until_due'),
      defaultPaymentMethod: null,
      startAt,
      startedAt: started ? (period?.from ?? start) : null,
      anchor: period === null ? startAt : this.#anchorOf(period, interval),
      interval,
      cycle: period === null ? null : paid === 0 ? 0 : paid - (pastDue ? 0 : 1),
      period,
      trial: status === 'trialing' && trialEnd !== null ? { from: start, until: trialEnd } : null,
      trialEndBehavior: 'invoice',
      cycles: { total, invoiced: paid + (pastDue ? 1 : 0), paid },
      authorization: null,
      cancel: null,
      endedAt: null,
      pause: null,
      scheduledChange: null,
      latestInvoice: null,
      failedAttempts: 0,
      nextChargeAt: period?.until ?? null,
      replaces: null,
      checkout: null,
      metadata: fields.metadata(),
      createdAt: madeAt,
      updatedAt: madeAt,
    }
    this.#subscriptions.set(id, subscription)
    this.#customers.set(customer.id, { ...customer, currency: price.currency, invoiceCount: started ? 1 : 0 })
    if (started && subscription.trial === null) this.#addPaidInvoice(subscription, price, pastDue)
  }

  /** The running cycle: from what the story says of it, else the one that begins with the story. */
  #periodOf(fields: StoryFields, interval: Interval): Period {
    const rule = this.#settings.boundary
    const from = fields.instant('current_period_start', 'current_start', 'current_period_starts_at')
    const until = fields.instant(
      'current_period_end',
      'current_end',
      'charge_at',
      'next_billing_at',
      'current_period_ends_at',
      'current_period_end_at',
      'trial_end',
      'trial_ends_at',
    )
    if (from !== null) return { from, until: until ?? boundary(from, interval, 1, rule) }
    if (until !== null) return { from: boundary(until, interval, -1, EXACT_UTC), until }
    const start = this.#settings.start
    return { from: start, until: boundary(start, interval, 1, rule) }
  }

  /** The latest start from which cycles of this interval fall on both ends of the period. */
  #anchorOf(period: Period, interval: Interval): Instant {
    const rule = this.#settings.boundary
    const candidates = [0, -1, -2, -3].map((n) => boundary(period.until, interval, n - 1, EXACT_UTC))
    const fits = candidates.find((anchor, n) => boundary(anchor, interval, n + 1, rule) === period.until)
    return fits ?? period.from
  }

  #addAgreement(fields: StoryFields): void {
    const customer = fields.text('customer', 'customer_id') ?? 'customer_1'
    const id = fields.text('id') ?? 'agreement_1'
    const plan = fields.requiredText('plan_code', 'plan')
    this.#addSubscription(new StoryFields({ id, customer, plan_code: plan }, 'given.agreement'))
  }

  /** The paid invoice of the cycle that is paid: the running one, or with a failed payment the one before. */
  #addPaidInvoice(subscription: Subscription, price: Price, pastDue: boolean): void {
    const period = subscription.period
    if (period === null) return
    const paid = pastDue
      ? { from: boundary(period.from, subscription.interval ?? MONTH, -1, EXACT_UTC), until: period.from }
      : period
    const total = totalOf(price, subscription)
    const invoice = paidInvoice(`in_${subscription.id}_given`, subscription, price, { period: paid, total })
    this.#invoices.set(invoice.id, this.#dated(invoice))
    this.#subscriptions.set(subscription.id, { ...subscription, latestInvoice: invoice.id })
  }

  /** The invoice of a cycle is made when the cycle begins, if that was before the story; it must lie in its cycle. */
  #dated(invoice: Invoice): Invoice {
    const createdAt = latest(invoice.period.from, this.#settings.madeAt)
    return { ...invoice, createdAt, updatedAt: this.#settings.madeAt }
  }

  #addInvoice(fields: StoryFields): void {
    const { words } = this.#settings
    const id = fields.text('id') ?? 'in_1'
    const of = fields.text('subscription', 'subscription_id')
    const subscription = of === null ? this.#subscriptions.values().next().value : this.#subscriptions.get(of)
    if (subscription === undefined) throw fields.fault('subscription', 'a subscription given before the invoice')
    const price = this.#prices.get(subscription.items[0]?.price ?? '')
    const word = fields.text('status') ?? 'open'
    const status = words.invoiceStatuses[word]
    if (price === undefined || status === undefined) throw fields.fault('status', 'a status of this provider')
    const total =
      fields.amount(subscription.currency, words.amounts, 'amount_due', 'total', 'amount', 'total_amount') ??
      totalOf(price, subscription)
    const period = subscription.period ?? { from: this.#settings.start, until: this.#settings.start }
    const base = paidInvoice(id, subscription, price, { period, total })
    const attempts = fields.integer('attempt_count', 'past_payment_attempt_count') ?? 0
    const nextAttemptAt = fields.instant('next_payment_attempt', 'next_payment_attempt_at')
    const isPaid = status === 'paid'
    this.#invoices.set(id, {
      ...base,
      status,
      number: status === 'draft' ? null : base.number,
      amountDue: isPaid ? zero(total.currency) : total,
      amountPaid: isPaid ? total : zero(total.currency),
      attempts,
      nextAttemptAt,
      autoAdvance: !isPaid,
      payment: attempts > 0 ? `pay_${id}` : null,
      paidAt: isPaid ? base.paidAt : null,
      createdAt: this.#settings.madeAt,
      updatedAt: this.#settings.madeAt,
    })
    this.#subscriptions.set(subscription.id, {
      ...subscription,
      latestInvoice: id,
      failedAttempts: attempts,
      nextChargeAt: nextAttemptAt ?? subscription.nextChargeAt,
    })
  }
}

/** A text under the first of these names that has one; values of other kinds are let be. */
function textAt(fields: StoryFields, ...keys: readonly string[]): string | null {
  const found = keys.map((key) => fields.raw[key]).find((value) => typeof value === 'string')
  return typeof found === 'string' && found !== 'latest' ? found : null
}

function productOf(id: string, at: Instant): Product {
  return {
    id,
    name: id,
    description: null,
    active: true,
    features: [],
    metadata: {},
    createdAt: at,
    updatedAt: at,
  }
}

function totalOf(price: Price, subscription: Subscription): Money {
  const quantity = subscription.items[0]?.quantity ?? 1
  return money((price.unitAmount?.minor ?? 0n) * BigInt(quantity), price.currency)
}

function paidInvoice(
  id: string,
  subscription: Subscription,
  price: Price,
  what: { readonly period: Period; readonly total: Money },
): Invoice {
  const { period, total } = what
  const at = period.from
  return {
    id,
    customer: subscription.customer,
    subscription: subscription.id,
    number: `GIVEN-${id}`,
    status: 'paid',
    reason: 'cycle',
    collection: subscription.collection,
    autoAdvance: false,
    currency: total.currency,
    lines: [
      {
        id: `il_${id}`,
        kind: 'subscription',
        description: price.name ?? price.id,
        amount: total,
        price: price.id,
        quantity: subscription.items[0]?.quantity ?? 1,
        period,
        subscriptionItem: subscription.items[0]?.id ?? null,
        invoiceItem: null,
      },
    ],
    total,
    amountDue: zero(total.currency),
    amountPaid: total,
    refunded: zero(total.currency),
    period,
    defaultPaymentMethod: null,
    attempts: isZero(total) ? 0 : 1,
    nextAttemptAt: null,
    finalizesAt: null,
    gate: { state: 'open', deliveredAt: at, latestAt: null },
    payment: null,
    paidOutOfBand: false,
    createdAt: at,
    updatedAt: at,
    finalizedAt: at,
    sentAt: null,
    dueAt: null,
    overdueAt: null,
    paidAt: at,
    voidedAt: null,
    uncollectibleAt: null,
    metadata: {},
  }
}
