/**
 * One step of the engine as it is made: what has been told so far and the state after it. The step is the engine's only
 * changing thing and never leaves the room; every change of the state is made by telling something ({@link tell}), or is
 * one that nobody is told of ({@link put}).
 */
import { NO_ENTITIES } from '../model/entities.ts'
import type { Entities, EntityValues, Payment, Price, Product, View } from '../model/entities.ts'
import { BillhookError } from '../model/error.ts'
import type { ErrorCode } from '../model/error.ts'
import { RECORD_KINDS } from '../model/facts.ts'
import type { Told } from '../model/facts.ts'
import type { PlanRef } from '../model/objects.ts'
import { usageKey, withEntity } from './state.ts'
import type { ChargeIntent, Context, CustomerState, RefundIntent, StateKind, Subject, Telling } from './state.ts'

/** A step of the engine while it is made: the state so far, and what was emitted. */
export interface Step {
  state: CustomerState
  subject: Subject | null
  readonly context: Context
  readonly tellings: Telling[]
  readonly charges: ChargeIntent[]
  readonly refunds: RefundIntent[]
}

/** Begins a step from a state. */
export function newStep(state: CustomerState, context: Context): Step {
  return { state, context, subject: null, tellings: [], charges: [], refunds: [] }
}

type Unsaid<T> = T extends Told ? Omit<T, 'at' | 'customer' | 'subscription'> : never

/** What is told, without what follows from the step. */
export type Saying = Unsaid<Told>

/** Entities as they are after the telling: new, changed, or given so that the view shows them. */
export type Touched = { readonly [K in StateKind]?: EntityValues[K] }

/** Tells something: the entities are taken into the state, and the view shows them before and after. */
export function tell(step: Step, saying: Saying, touched: Touched = {}): void {
  const before = step.state
  const all = related(before, touched)
  const after = Object.values(entitiesFrom(touched)).reduce(
    (state, entity) => (entity === undefined ? state : withEntity(state, entity)),
    before,
  )
  step.state = after
  push(step, saying, { before: entitiesAt(before, all), after: { ...NO_ENTITIES, ...all } })
}

/** Tells that something is gone: a draft, a pending amount. */
export function tellRemoval(step: Step, saying: Saying, gone: Pick<Touched, 'invoice' | 'invoice_item'>): void {
  const before = step.state
  const all = related(before, gone)
  const { invoice, invoice_item: item } = gone
  if (invoice !== undefined) step.state = { ...step.state, invoices: without(step.state.invoices, invoice.id) }
  if (item !== undefined) step.state = { ...step.state, invoiceItems: without(step.state.invoiceItems, item.id) }
  const after = {
    ...NO_ENTITIES,
    ...all,
    invoice: invoice === undefined ? (all.invoice ?? null) : null,
    invoice_item: null,
  }
  push(step, saying, { before: entitiesAt(before, all), after })
}

/**
 * Tells something with entities that are shown after it, but not taken into the state: the next invoice before it exists, an
 * agreement before it is told, a meter of the catalogue.
 */
export function tellShowing(step: Step, saying: Saying, touched: Touched, shown: Partial<Entities>): void {
  tell(step, saying, touched)
  const last = step.tellings.pop()
  if (last === undefined) return
  const { view, told } = last
  const after = { ...view.after, ...shown }
  const subscription = told.subscription ?? shown.subscription?.id ?? null
  step.tellings.push({
    told: { ...told, subscription },
    view: { ...view, after, ...catalogFor(step.context, view.before, after) },
  })
}

/** A change that nobody is told of. */
export function put(step: Step, touched: Touched): void {
  for (const entity of Object.values(entitiesFrom(touched)))
    if (entity !== undefined) step.state = withEntity(step.state, entity)
}

/**
 * Stops a command that is not possible. What was told before is forgotten with the step.
 *
 * @throws BillhookError always, with `details.field`
 */
export function refuse(code: ErrorCode, message: string, field: string | null = null): never {
  throw new BillhookError(code, message, { details: field === null ? {} : { field } })
}

/** How facts name the plan of these items: by the price's code, else its id. */
export function planOf(
  context: Pick<Context, 'catalog'>,
  items: readonly { readonly price: string }[],
): PlanRef | null {
  const first = items[0]
  if (first === undefined) return null
  const price = lookup(context.catalog.prices, first.price)
  if (price === null) return { id: first.price, name: null, group: null, product: null }
  return { id: price.code ?? price.id, name: price.name, group: price.group, product: price.product }
}

function push(step: Step, saying: Saying, shown: Pick<View, 'before' | 'after'>): void {
  const { context, state } = step
  const { at, account, livemode, request, profile } = context
  const { before, after } = shown
  const subscription = after.subscription ?? before.subscription
  const told: Told = {
    ...saying,
    at,
    customer: state.id,
    subscription: aboutCatalog(saying) ? null : (subscription?.id ?? null),
  }
  const attempted = latestAttempt(state, subscription?.id ?? null)
  const view: View = {
    account,
    livemode,
    before,
    after,
    ...catalogFor(context, before, after),
    paymentMethods: state.paymentMethods,
    attempted,
    attemptedInvoice:
      attempted === null || attempted.invoice === null ? null : (state.invoices[attempted.invoice] ?? null),
    request,
    switches: profile.switches,
  }
  step.tellings.push({ told, view })
}

/** Customers and their payment methods are told without a subscription, whatever the view shows beside them. */
function aboutCatalog(saying: Saying): boolean {
  const { kind } = saying
  if (!(kind in RECORD_KINDS)) return false
  return kind.startsWith('customer_') || kind.startsWith('payment_method_')
}

/** The entities given, and those that they refer to. */
function related(state: CustomerState, touched: Touched): Partial<Entities> {
  const subscriptionId =
    touched.invoice?.subscription ??
    touched.payment?.subscription ??
    touched.usage?.subscription ??
    touched.checkout?.subscription ??
    touched.invoice_item?.subscription ??
    null
  const subscription = touched.subscription ?? lookup(state.subscriptions, subscriptionId)
  const invoice =
    touched.invoice ??
    lookup(state.invoices, touched.payment?.invoice ?? touched.refund?.invoice ?? null) ??
    lookup(state.invoices, touched.payment === undefined ? (subscription?.latestInvoice ?? null) : null)
  const payment = touched.payment ?? lookup(state.payments, touched.refund?.payment ?? invoice?.payment ?? null)
  const checkout = touched.checkout ?? lookup(state.checkouts, subscription?.checkout ?? null)
  const customer = touched.customer ?? state.customer
  const method =
    touched.payment_method ??
    lookup(
      state.paymentMethods,
      payment?.method ?? subscription?.defaultPaymentMethod ?? customer?.defaultPaymentMethod ?? null,
    )
  return {
    customer,
    subscription,
    invoice,
    payment,
    checkout,
    payment_method: method,
    refund: touched.refund ?? null,
    invoice_item: touched.invoice_item ?? null,
    usage: touched.usage ?? null,
  }
}

/** The entity with this id, or null: also for ids such as `__proto__`. */
export function lookup<T>(map: Readonly<Record<string, T>>, id: string | null): T | null {
  return id !== null && Object.hasOwn(map, id) ? (map[id] ?? null) : null
}

function entitiesAt(state: CustomerState, all: Partial<Entities>): Entities {
  return {
    ...NO_ENTITIES,
    customer: state.customer,
    subscription: lookup(state.subscriptions, all.subscription?.id ?? null),
    invoice: lookup(state.invoices, all.invoice?.id ?? null),
    payment: lookup(state.payments, all.payment?.id ?? null),
    checkout: lookup(state.checkouts, all.checkout?.id ?? null),
    payment_method: lookup(state.paymentMethods, all.payment_method?.id ?? null),
    refund: lookup(state.refunds, all.refund?.id ?? null),
    invoice_item: lookup(state.invoiceItems, all.invoice_item?.id ?? null),
    usage: all.usage === null || all.usage === undefined ? null : lookup(state.usage, usageKey(all.usage)),
  }
}

function entitiesFrom(touched: Touched) {
  const { customer, payment_method, subscription, invoice, invoice_item, payment, refund, checkout, usage } = touched
  return {
    customer: customer && ({ kind: 'customer', id: customer.id, value: customer } as const),
    method: payment_method && ({ kind: 'payment_method', id: payment_method.id, value: payment_method } as const),
    subscription: subscription && ({ kind: 'subscription', id: subscription.id, value: subscription } as const),
    invoice: invoice && ({ kind: 'invoice', id: invoice.id, value: invoice } as const),
    item: invoice_item && ({ kind: 'invoice_item', id: invoice_item.id, value: invoice_item } as const),
    payment: payment && ({ kind: 'payment', id: payment.id, value: payment } as const),
    refund: refund && ({ kind: 'refund', id: refund.id, value: refund } as const),
    checkout: checkout && ({ kind: 'checkout', id: checkout.id, value: checkout } as const),
    usage: usage && ({ kind: 'usage', id: usageKey(usage), value: usage } as const),
  }
}

/** The latest payment of a subscription that has been tried; see {@link View.attempted}. */
function latestAttempt(state: CustomerState, subscription: string | null): View['attempted'] {
  if (subscription === null) return null
  let latest: View['attempted'] = null
  for (const payment of Object.values(state.payments)) {
    if (payment.subscription !== subscription) continue
    if (payment.status === 'initiated' && payment.decidedAt === null) continue
    if (latest === null || isLater(payment, latest)) latest = payment
  }
  return latest
}

function isLater(a: Payment, b: Payment): boolean {
  if (a.updatedAt !== b.updatedAt) return a.updatedAt > b.updatedAt
  return a.createdAt === b.createdAt ? a.id > b.id : a.createdAt > b.createdAt
}

/** The prices that the entities name, with their products; also of what was there before, which old values show. */
function catalogFor(context: Context, before: Entities, after: Entities): Pick<View, 'prices' | 'products'> {
  const { subscription, invoice, checkout, invoice_item: item } = after
  const named = [
    ...(before.subscription?.items ?? []),
    ...(subscription?.pendingChange?.items ?? []),
    ...(subscription?.items ?? []),
    ...(subscription?.scheduledChange?.items ?? []),
    ...(invoice?.lines ?? []),
    ...(checkout?.items ?? []),
    ...(item === null ? [] : [item]),
  ]
  const prices: Record<string, Price> = {}
  const products: Record<string, Product> = {}
  for (const { price: id } of named) {
    const price = lookup(context.catalog.prices, id)
    if (price === null) continue
    prices[price.id] = price
    const product = lookup(context.catalog.products, price.product)
    if (product !== null) products[product.id] = product
  }
  return { prices, products }
}

function without<T>(map: Readonly<Record<string, T>>, id: string): Readonly<Record<string, T>> {
  const { [id]: _gone, ...rest } = map
  return rest
}
