import { boundary, EXACT_UTC } from '../model/calendar.ts'
import type { Customer, Invoice, Meter, PaymentMethod, Price, Product, Subscription } from '../model/entities.ts'
import { BillhookError } from '../model/error.ts'
import { latest } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { JsonObject } from '../model/json.ts'
import { zero } from '../model/money.ts'
import { behaviorOf } from './behavior.ts'
import { GivenCatalog } from './given_catalog.ts'
import { MONTH, paidInvoice, totalOf } from './given_invoices.ts'
import type { GivenSettings } from './given_settings.ts'
import { readSubscription } from './given_subscription.ts'
import { priceName, StoryFields } from './read_fields.ts'
import type { Scenario } from './scenario.ts'

/** What a story starts from: entities as they are when it begins. */
export interface Given {
  readonly products: readonly Product[]
  readonly prices: readonly Price[]
  readonly meters: readonly Meter[]
  readonly customers: readonly Customer[]
  readonly paymentMethods: readonly PaymentMethod[]
  readonly subscriptions: readonly Subscription[]
  readonly invoices: readonly Invoice[]
  /** Fields of its objects that mean nothing here. */
  readonly notes: readonly string[]
}

/**
 * Builds the objects of a story's `given`. A story names only what matters to it; the rest is what a plain healthy
 * account would have: a customer who can pay, a price, a paid invoice for the running cycle.
 *
 * @throws BillhookError `scenario_invalid`, naming the object and field
 */
export function buildGiven(story: Scenario, settings: GivenSettings): Given {
  const builder = new GivenBuilder(settings)
  const notes: string[] = []
  for (const [index, entry] of story.given.entries()) {
    for (const [kind, fields] of Object.entries(entry)) {
      const read = new StoryFields(fields, `given.${index}.${kind}`)
      builder.add(kind, read)
      notes.push(...read.unread())
    }
  }
  for (const { op, with: fields } of story.steps.flatMap(({ when }) => when))
    builder.addReferences(op, new StoryFields(fields, `op ${op}`))
  return { ...builder.build(), notes }
}

class GivenBuilder {
  readonly #settings: GivenSettings
  readonly #catalog: GivenCatalog
  readonly #customers = new Map<string, Customer>()
  readonly #methods = new Map<string, PaymentMethod>()
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #invoices = new Map<string, Invoice>()

  constructor(settings: GivenSettings) {
    this.#settings = settings
    this.#catalog = new GivenCatalog(settings)
  }

  add(kind: string, fields: StoryFields): void {
    switch (kind) {
      case 'customer':
      case 'billing_customer':
      case 'user':
      case 'organization':
        this.#addCustomer(fields, kind === 'organization' ? 'organization' : 'user')
        return
      case 'product':
        this.#catalog.addProduct(fields)
        return
      case 'price':
      case 'plan':
        this.#catalog.addPrice(fields)
        return
      case 'meter':
      case 'feature':
        this.#catalog.addMeter(fields)
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
      case 'payment_source':
        this.#addMethod(fields.requiredText('id'), fields.text('customer') ?? this.#customer().id)
        return
      case 'endpoint':
      case 'webhook_endpoint':
        // Read with the settings.
        for (const key of Object.keys(fields.raw)) fields.has(key)
        return
      default:
        throw new BillhookError(
          'scenario_invalid',
          `given: ${JSON.stringify(kind)} is not a kind of object; known are customer, billing_customer, user, organization, product, price, plan, meter, subscription, agreement, invoice, payment_method, webhook_endpoint`,
        )
    }
  }

  /** Customers and plans that an action names and that the story does not give: they are there anyway. */
  addReferences(op: string, fields: StoryFields): void {
    const customer = textAt(fields, 'customer', 'customer_id', 'billing_customer_id')
    if (customer !== null) this.#customer(customer)
    for (const price of inlinePrices(fields.raw)) this.#addInline(price)
    for (const plan of [textAt(fields, 'price', 'price_id'), textAt(fields, 'plan_id', 'plan_code', 'plan')]) {
      if (plan === null || this.#catalog.prices.has(plan)) continue
      const known = [...this.#catalog.prices.values()].at(-1)
      const unitAmount = known?.unitAmount ?? null
      // Another plan costs another amount: a change between the two is then seen in money too.
      const amount = unitAmount === null ? 5000 : Number(unitAmount.minor) * 2
      this.#catalog.addPrice(
        new StoryFields(
          { id: plan, code: plan, unit_amount: amount, currency: known?.currency ?? 'USD' },
          `plan ${plan}`,
        ),
      )
    }
    const meter = /(usage|meter)/.test(op)
      ? textAt(fields, 'meter', 'feature', 'feature_code', 'billing_feature_code', 'event_name', 'meter_id')
      : null
    if (meter !== null) this.#catalog.useMeter(meter)
    // A subscription of nothing in particular still costs something, and has the interval that the action says.
    if (/^(subscription|checkout)\.create$/.test(op) && this.#catalog.prices.size === 0) {
      const { recurring, currency } = fields.raw
      this.#catalog.addPrice(
        new StoryFields(
          { ...(recurring === undefined ? {} : { recurring }), ...(currency === undefined ? {} : { currency }) },
          op,
        ),
      )
    }
  }

  /** A price that an action writes out instead of naming it. */
  #addInline(price: JsonObject): void {
    const id = priceName(price)
    if (!this.#catalog.prices.has(id)) this.#catalog.addPrice(new StoryFields({ ...price, id }, `price ${id}`))
  }

  build(): Omit<Given, 'notes'> {
    this.#countUsage()
    this.#addOwed()
    return {
      products: [...this.#catalog.products.values()],
      prices: [...this.#catalog.prices.values()],
      meters: [...this.#catalog.meters.values()],
      customers: [...this.#customers.values()],
      paymentMethods: [...this.#methods.values()],
      subscriptions: [...this.#subscriptions.values()],
      invoices: [...this.#invoices.values()],
    }
  }

  /** A subscription that is unpaid owes an invoice, whose retries have ended, also where the story does not show it. */
  #addOwed(): void {
    for (const { id, status, latestInvoice } of this.#subscriptions.values()) {
      if (status !== 'unpaid' || this.#invoices.get(latestInvoice ?? '')?.status === 'open') continue
      const open = { id: `in_${id}_owed`, subscription: id, attempt_count: this.#settings.attempts }
      this.#addInvoice(new StoryFields({ ...open }, 'given.invoice'), 'open')
    }
  }

  /** What a subscription's product counts, the subscription counts: a story that gives one names its price alone. */
  #countUsage(): void {
    const metered = [...this.#catalog.prices.values()].filter(({ usage }) => usage === 'metered')
    for (const subscription of this.#subscriptions.values()) {
      const held = subscription.items.map(({ price }) => price)
      const products = held.map((price) => this.#catalog.prices.get(price)?.product)
      const more = metered.filter(({ id, product }) => products.includes(product) && !held.includes(id))
      const items = more.map(({ id }) => ({
        id: `si_${subscription.id}_${id}`,
        price: id,
        quantity: 1,
        createdAt: this.#settings.madeAt,
      }))
      if (items.length > 0)
        this.#subscriptions.set(subscription.id, { ...subscription, items: [...subscription.items, ...items] })
    }
  }

  #customer(id: string | null = null): Customer {
    const known = id === null ? this.#customers.values().next().value : this.#customers.get(id)
    return known ?? this.#addCustomer(new StoryFields({ id: id ?? 'cus_1' }, 'given.customer'))
  }

  #addCustomer(fields: StoryFields, type: Customer['type'] = 'user'): Customer {
    const { madeAt } = this.#settings
    const id = fields.text('id', 'org_code', 'code') ?? 'cus_1'
    const without = ['default_payment_method', 'payment_source', 'payment_method'].some(
      (key) => fields.has(key) && fields.get(key) === null,
    )
    const method = without
      ? null
      : this.#addMethod(
          fields.text('default_payment_method', 'payment_method', 'payment_source', 'payment_consent_id') ?? `pm_${id}`,
          id,
        ).id
    const customer: Customer = {
      id,
      type: isOrganization(fields) ? 'organization' : type,
      name: fields.text('name'),
      email: fields.text('email') ?? `${id}@customers.example`,
      phone: null,
      user: fields.text('user', 'user_id', 'org_code') ?? id,
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

  #priceOf(fields: StoryFields): Price {
    const id =
      typeof fields.get('price') === 'string' ? fields.text('price') : fields.text('plan_id', 'plan_code', 'plan')
    if (id !== null) {
      const known = this.#catalog.prices.get(id)
      return known ?? this.#catalog.addPrice(new StoryFields({ id, code: id }, `given.price ${id}`))
    }
    const inline = fields.object('price')
    if (inline !== null) return this.#catalog.addPrice(inline)
    if (fields.has('amount')) {
      const [amount, currency] = [fields.get('amount'), fields.get('currency')]
      return this.#catalog.addPrice(
        new StoryFields({ amount: amount ?? 0, currency: currency ?? 'INR' }, 'given.subscription'),
      )
    }
    return this.#catalog.prices.values().next().value ?? this.#catalog.addPrice(new StoryFields({}, 'given.price'))
  }

  #addSubscription(fields: StoryFields, otherwise = { id: 'sub_1', customer: 'cus_1' }): void {
    const price = this.#priceOf(fields)
    const named = fields.text('customer', 'customer_id', 'billing_customer_id')
    const anyone = this.#customers.size === 0 ? otherwise.customer : null
    const customer = this.#customer(named ?? anyone)
    const items = fields.objects('items').map((item) => ({
      id: item.text('id'),
      price: this.#priceOf(item),
      quantity: item.integer('quantity') ?? 1,
    }))
    const single = [{ id: null, price, quantity: fields.integer('quantity') ?? 1 }]
    const held = items.length > 0 ? items : single
    const subscription = readSubscription(fields, this.#settings, {
      customer: customer.id,
      items: held,
      id: otherwise.id,
    })
    const { id, trial, status } = subscription
    this.#subscriptions.set(id, subscription)
    const started = subscription.startedAt !== null
    const count = started ? 1 : 0
    this.#customers.set(customer.id, { ...customer, currency: price.currency, invoiceCount: count })
    const pastDue = status === 'past_due' || status === 'unpaid'
    if (started && trial === null) this.#addPaidInvoice(subscription, held[0]?.price ?? price, pastDue)
  }

  #addAgreement(fields: StoryFields): void {
    fields.requiredText('plan_code', 'plan')
    this.#addSubscription(fields, { id: 'agreement_1', customer: 'customer_1' })
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

  #addInvoice(fields: StoryFields, otherwise: Invoice['status'] | null = null): void {
    const { words } = this.#settings
    const id = fields.text('id') ?? 'in_1'
    const of = fields.text('subscription', 'subscription_id')
    const subscription = of === null ? this.#subscriptions.values().next().value : this.#subscriptions.get(of)
    if (subscription === undefined) throw fields.fault('subscription', 'a subscription given before the invoice')
    const price = this.#catalog.prices.get(subscription.items[0]?.price ?? '')
    const word = fields.text('status') ?? 'open'
    const status = otherwise ?? words.invoiceStatuses[word]
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

/** The prices that an action writes out, of its own and of its items. */
function inlinePrices(action: JsonObject): readonly JsonObject[] {
  const items = [action['items'], action['line_items']].flatMap((list) => (Array.isArray(list) ? list : []))
  return [action, ...items].flatMap((one) => (isObject(one) && isObject(one['price']) ? [one['price']] : []))
}

/** A text under the first of these names that has one; values of other kinds are left alone. */
function textAt(fields: StoryFields, ...keys: readonly string[]): string | null {
  const found = keys.map((key) => fields.raw[key]).find((value) => typeof value === 'string')
  return typeof found === 'string' && found !== 'latest' ? found : null
}

function isOrganization(fields: StoryFields): boolean {
  return fields.text('type') === 'organization' || fields.text('type') === 'org' || fields.has('org_code')
}
