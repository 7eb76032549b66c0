import { NO_ENTITIES } from '../model/entities.ts'
import type { Entities, Invoice, Payment, Subscription, View } from '../model/entities.ts'
import type { Fact, Told } from '../model/facts.ts'
import type { Instant } from '../model/instant.ts'
import { zero } from '../model/money.ts'
import type { Given } from './given.ts'

/** A telling of the lifecycle's form. */
export interface BringUp {
  readonly told: Told
  readonly view: View
}

/** Where the tellings of a story's beginning are told. */
export interface BringUpSettings {
  readonly account: string
  readonly at: Instant
  readonly switches: Readonly<Record<string, string>>
}

/**
 * What endpoints are told of the objects that a story is given, as if they had come about in the usual way: a receiver
 * knows by real deliveries what exists before the story begins.
 */
export function bringUp(given: Given, payments: readonly Payment[], settings: BringUpSettings): readonly BringUp[] {
  return new BringUpTeller(given, payments, settings).all()
}

/** The payments behind the invoices of a story's beginning. */
export function givenPayments(given: Given): readonly Payment[] {
  return given.invoices.flatMap((invoice) => {
    const paid = invoice.status === 'paid'
    if (!paid && invoice.attempts === 0) return []
    const customer = given.customers.find(({ id }) => id === invoice.customer)
    const payment: Payment = {
      id: invoice.payment ?? `pay_${invoice.id}`,
      customer: invoice.customer,
      invoice: invoice.id,
      subscription: invoice.subscription,
      amount: invoice.total,
      status: paid ? 'succeeded' : 'failed',
      method: customer?.defaultPaymentMethod ?? null,
      attempt: Math.max(1, invoice.attempts),
      failure: paid ? null : { code: 'card_declined', message: 'The card was declined.', retryable: 'yes' },
      refunded: zero(invoice.currency),
      createdAt: invoice.createdAt,
      updatedAt: invoice.createdAt,
      decidedAt: invoice.createdAt,
    }
    return [payment]
  })
}

class BringUpTeller {
  readonly #given: Given
  readonly #payments: readonly Payment[]
  readonly #settings: BringUpSettings
  readonly #told: BringUp[] = []
  #attempted: Payment | null = null

  constructor(given: Given, payments: readonly Payment[], settings: BringUpSettings) {
    this.#given = given
    this.#payments = payments
    this.#settings = settings
  }

  all(): readonly BringUp[] {
    for (const customer of this.#given.customers)
      this.#tell({ kind: 'customer_created', subject: customer.id, customer: customer.id }, {}, { customer })
    for (const subscription of this.#given.subscriptions) this.#subscription(subscription)
    return this.#told
  }

  #subscription(now: Subscription): void {
    this.#attempted = null
    const active: Subscription = { ...now, status: 'active', failedAttempts: 0, latestInvoice: null }
    const plan = this.#plan(now)
    if (now.status === 'pending') return
    const first = now.status === 'past_due' || now.status === 'unpaid' ? active : now
    this.#fact('plan_assigned', now, { before: {}, after: { subscription: first } }, { plan })
    const status = first.status
    this.#fact('subscription_created', now, { before: {}, after: { subscription: first } }, { status, plan })
    if (status === 'trialing') this.#fact('subscription_trial_started', now, same(first), { plan, trial: now.trial })
    const invoices = this.#given.invoices.filter((invoice) => invoice.subscription === now.id)
    if (status === 'active') {
      const waiting: Subscription = { ...first, status: 'pending', startedAt: null, period: null }
      this.#fact('subscription_activated', now, change(waiting, first), { recovered: false, plan })
    }
    if (status === 'authorized')
      this.#fact('subscription_authorized', now, same(first), { plan, startsAt: first.startAt })
    if (status === 'paused') {
      const running: Subscription = { ...first, status: 'active', pause: null }
      const detail = { scope: 'service', resumesAt: first.pause?.resumesAt ?? null, by: 'admin' } as const
      this.#fact('subscription_paused', now, change(running, first), detail)
    }
    for (const invoice of invoices.filter((one) => one.status === 'paid')) this.#paid(invoice, first)
    for (const invoice of invoices.filter((one) => one.status !== 'paid')) this.#open(invoice, now, active)
  }

  #paid(invoice: Invoice, subscription: Subscription): void {
    const payment = this.#payments.find((one) => one.invoice === invoice.id) ?? null
    this.#attempted = payment
    const withInvoice = { ...subscription, latestInvoice: invoice.id }
    const open: Invoice = {
      ...invoice,
      status: 'open',
      paidAt: null,
      amountPaid: zero(invoice.currency),
      amountDue: invoice.total,
    }
    const draft: Invoice = { ...open, status: 'draft', number: null, finalizedAt: null }
    const rest = { subscription: withInvoice, payment }
    this.#fact(
      { kind: 'invoice_drafted', subject: invoice.id },
      subscription,
      { before: {}, after: { ...rest, invoice: draft } },
      { total: invoice.total },
    )
    this.#fact(
      { kind: 'invoice_finalized', subject: invoice.id },
      subscription,
      { before: { ...rest, invoice: draft }, after: { ...rest, invoice: open } },
      { total: invoice.total, number: invoice.number, dueAt: null },
    )
    const views = { before: { ...rest, invoice: open }, after: { ...rest, invoice } }
    if (payment !== null)
      this.#fact({ kind: 'payment_succeeded', subject: payment.id }, subscription, views, {
        amount: payment.amount,
        invoice: invoice.id,
      })
    const { amountPaid, number, period } = invoice
    this.#fact({ kind: 'invoice_paid', subject: invoice.id }, subscription, views, {
      amount: amountPaid,
      number,
      period,
      outOfBand: false,
    })
    this.#fact('subscription_renewed', subscription, { before: rest, after: rest }, { invoice: invoice.id, period })
  }

  #open(invoice: Invoice, now: Subscription, active: Subscription): void {
    const payment = this.#payments.find((one) => one.invoice === invoice.id) ?? null
    this.#attempted = payment
    const draft: Invoice = { ...invoice, status: 'draft', number: null, attempts: 0, finalizedAt: null }
    const fresh: Invoice = { ...invoice, attempts: 0, nextAttemptAt: null }
    const rest = { subscription: { ...active, latestInvoice: invoice.id }, payment }
    this.#fact(
      { kind: 'invoice_drafted', subject: invoice.id },
      now,
      { before: {}, after: { ...rest, invoice: draft } },
      { total: invoice.total },
    )
    if (invoice.status === 'draft') return
    this.#fact(
      { kind: 'invoice_finalized', subject: invoice.id },
      now,
      { before: { ...rest, invoice: draft }, after: { ...rest, invoice: fresh } },
      { total: invoice.total, number: invoice.number, dueAt: invoice.dueAt },
    )
    if (payment === null || payment.failure === null) return
    const views = { before: { ...rest, invoice: fresh }, after: { ...rest, invoice } }
    const failed = {
      amount: invoice.amountDue,
      attempt: payment.attempt,
      nextAttemptAt: invoice.nextAttemptAt,
      failure: payment.failure,
    }
    this.#fact({ kind: 'payment_failed', subject: payment.id }, now, views, { ...failed, invoice: invoice.id })
    this.#fact({ kind: 'invoice_payment_failed', subject: invoice.id }, now, views, failed)
    if (now.status === 'past_due')
      this.#fact('subscription_past_due', now, change(rest.subscription, now), {
        invoice: invoice.id,
        reason: 'payment_failed',
      })
    if (now.status === 'unpaid')
      this.#fact('subscription_unpaid', now, change(rest.subscription, now), { invoice: invoice.id })
  }

  #plan(
    subscription: Subscription,
  ): { id: string; name: string | null; group: string | null; product: string | null } | null {
    const price = this.#given.prices.find(({ id }) => id === subscription.items[0]?.price)
    return price === undefined
      ? null
      : { id: price.code ?? price.id, name: price.name, group: price.group, product: price.product }
  }

  /** @param what the kind, with its subject where that is not the subscription */
  #fact<K extends Fact['kind']>(
    what: K | { readonly kind: K; readonly subject: string },
    subscription: Subscription,
    views: { readonly before: Partial<Entities>; readonly after: Partial<Entities> },
    detail: Fact<K>['detail'],
  ): void {
    const { kind, subject } = typeof what === 'string' ? { kind: what, subject: subscription.id } : what
    const told = {
      kind,
      customer: subscription.customer,
      subscription: subscription.id,
      subject,
      at: this.#settings.at,
      detail,
    }
    if (isTold(told)) this.#push(told, views.before, views.after)
  }

  #tell(
    record: { readonly kind: 'customer_created'; readonly subject: string; readonly customer: string },
    before: Partial<Entities>,
    after: Partial<Entities>,
  ): void {
    this.#push({ ...record, subscription: null, at: this.#settings.at }, before, after)
  }

  #push(told: Told, before: Partial<Entities>, after: Partial<Entities>): void {
    const customer = this.#given.customers.find(({ id }) => id === told.customer) ?? null
    const attempted = this.#attempted
    const view: View = {
      account: this.#settings.account,
      livemode: false,
      before: { ...NO_ENTITIES, customer: told.kind === 'customer_created' ? null : customer, ...before },
      after: { ...NO_ENTITIES, customer, ...after },
      prices: Object.fromEntries(this.#given.prices.map((price) => [price.id, price])),
      products: Object.fromEntries(this.#given.products.map((product) => [product.id, product])),
      paymentMethods: Object.fromEntries(this.#given.paymentMethods.map((method) => [method.id, method])),
      attempted,
      attemptedInvoice: this.#given.invoices.find(({ id }) => id === attempted?.invoice) ?? null,
      request: null,
      switches: this.#settings.switches,
    }
    this.#told.push({ told, view })
  }
}

function same(subscription: Subscription): { readonly before: Partial<Entities>; readonly after: Partial<Entities> } {
  return change(subscription, subscription)
}

function change(
  before: Subscription,
  after: Subscription,
): { readonly before: Partial<Entities>; readonly after: Partial<Entities> } {
  return { before: { subscription: before }, after: { subscription: after } }
}

/** The kind and its detail were given together: the compiler cannot see that they still belong together. */
function isTold(value: { readonly kind: Fact['kind'] }): value is Fact {
  return 'detail' in value
}
