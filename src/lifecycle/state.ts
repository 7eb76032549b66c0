/**
 * What the engine works on: one aggregate per customer, one for the account's catalogue. Both are plain values of the
 * model's entities, so that the shell can keep them in rows.
 */
import type {
  Checkout,
  Customer,
  EntityKind,
  EntityValues,
  Invoice,
  InvoiceItem,
  Meter,
  Payment,
  PaymentMethod,
  Price,
  Product,
  Refund,
  Subscription,
  UsageTotal,
  View,
} from '../model/entities.ts'
import type { ErrorCode } from '../model/error.ts'
import type { Told } from '../model/facts.ts'
import type { Instant } from '../model/instant.ts'
import type { Money } from '../model/money.ts'
import type { BillingProfile } from '../model/profile.ts'

type ById<T> = Readonly<Record<string, T>>

/**
 * All that the engine needs to know of one customer. `id` is the customer's; {@link customer} is null until the customer
 * exists: a hosted checkout or an authorization may come first.
 *
 * Bounded: what {@link settled} lists may leave; {@link withEntity} brings it back when a command names it.
 */
export interface CustomerState {
  readonly id: string
  readonly customer: Customer | null
  readonly paymentMethods: ById<PaymentMethod>
  readonly subscriptions: ById<Subscription>
  readonly invoices: ById<Invoice>
  readonly invoiceItems: ById<InvoiceItem>
  readonly payments: ById<Payment>
  readonly refunds: ById<Refund>
  readonly checkouts: ById<Checkout>
  /** By {@link usageKey}. */
  readonly usage: ById<UsageTotal>
}

/** The account's catalogue. */
export interface Catalog {
  readonly products: ById<Product>
  readonly prices: ById<Price>
  readonly meters: ById<Meter>
}

/** What a step of the engine may look at besides the state. */
export interface Context {
  /** On the account's clock. */
  readonly at: Instant
  readonly account: string
  readonly livemode: boolean
  /** The provider's, with the account's own settings over it. */
  readonly profile: BillingProfile
  readonly catalog: Catalog
  /** A new id: deterministic, one after the other. What a refused command minted is forgotten. */
  readonly mint: (kind: EntityKind) => string
  /** The API call that caused the step; null: the clock did. */
  readonly request: View['request']
  /** True if an enabled endpoint asked for the event that tells an invoice's creation. */
  readonly gatekeepers: boolean
}

/** What {@link due} looks at. */
export type DueContext = Pick<Context, 'profile' | 'catalog'>

/** One thing that the engine tells, with the view of it. */
export interface Telling {
  readonly told: Told
  readonly view: View
}

/** A charge that the shell must ask the payment service for; answered by the command `payment.decided`. */
export interface ChargeIntent {
  readonly paymentId: string
  /** From 1. */
  readonly attempt: number
  readonly amount: Money
  readonly methodId: string | null
  readonly invoiceId: string | null
}

/** A refund that the shell must ask for; answered by the command `refund.decided`. */
export interface RefundIntent {
  readonly refundId: string
  readonly paymentId: string
  readonly amount: Money
}

/** The entity that a command made or was about, for the answer of the API. */
export interface Subject {
  readonly kind: keyof EntityValues
  readonly id: string
}

/** A command that is not possible: nothing changes. */
export interface Refused {
  readonly ok: false
  readonly code: ErrorCode
  readonly message: string
  /** The member of the command that is wrong, if one is. */
  readonly field: string | null
}

/** A step of the engine: what is told, in the order of telling, what is to be asked for, and the new state. */
export type Decision =
  | {
      readonly ok: true
      readonly tellings: readonly Telling[]
      readonly charges: readonly ChargeIntent[]
      readonly refunds: readonly RefundIntent[]
      readonly state: CustomerState
      readonly subject: Subject | null
    }
  | Refused

/** The same for the catalogue. */
export type CatalogDecision =
  | {
      readonly ok: true
      readonly tellings: readonly Telling[]
      readonly catalog: Catalog
      readonly subject: Subject
    }
  | Refused

/** The kinds of entity that a customer's state holds. */
export type StateKind = Exclude<keyof EntityValues, 'product' | 'price' | 'meter' | 'clock'>

/** An entity of a state, with its kind and key. */
export type StateEntity = {
  readonly [K in StateKind]: { readonly kind: K; readonly id: string; readonly value: EntityValues[K] }
}[StateKind]

/** Nothing known yet of the customer with this id. */
export function emptyState(id: string): CustomerState {
  return {
    id,
    customer: null,
    paymentMethods: {},
    subscriptions: {},
    invoices: {},
    invoiceItems: {},
    payments: {},
    refunds: {},
    checkouts: {},
    usage: {},
  }
}

/** A catalogue with nothing in it. */
export const EMPTY_CATALOG: Catalog = { products: {}, prices: {}, meters: {} }

/** The key of a usage total: subscription, meter, start of the cycle. */
export function usageKey(total: Pick<UsageTotal, 'subscription' | 'meter' | 'period'>): string {
  return `${total.subscription}|${total.meter}|${total.period.from}`
}

/** The state with this entity in it, in place of the one with the same key. */
export function withEntity(state: CustomerState, entity: StateEntity): CustomerState {
  switch (entity.kind) {
    case 'customer':
      return { ...state, customer: entity.value }
    case 'payment_method':
      return { ...state, paymentMethods: { ...state.paymentMethods, [entity.id]: entity.value } }
    case 'subscription':
      return { ...state, subscriptions: { ...state.subscriptions, [entity.id]: entity.value } }
    case 'invoice':
      return { ...state, invoices: { ...state.invoices, [entity.id]: entity.value } }
    case 'invoice_item':
      return { ...state, invoiceItems: { ...state.invoiceItems, [entity.id]: entity.value } }
    case 'payment':
      return { ...state, payments: { ...state.payments, [entity.id]: entity.value } }
    case 'refund':
      return { ...state, refunds: { ...state.refunds, [entity.id]: entity.value } }
    case 'checkout':
      return { ...state, checkouts: { ...state.checkouts, [entity.id]: entity.value } }
    case 'usage':
      return { ...state, usage: { ...state.usage, [entity.id]: entity.value } }
  }
}

/** All entities of a state. */
export function entitiesOf(state: CustomerState): readonly StateEntity[] {
  const { customer } = state
  return [
    ...(customer === null ? [] : [{ kind: 'customer' as const, id: customer.id, value: customer }]),
    ...Object.entries(state.paymentMethods).map(([id, value]) => ({ kind: 'payment_method' as const, id, value })),
    ...Object.entries(state.subscriptions).map(([id, value]) => ({ kind: 'subscription' as const, id, value })),
    ...Object.entries(state.invoices).map(([id, value]) => ({ kind: 'invoice' as const, id, value })),
    ...Object.entries(state.invoiceItems).map(([id, value]) => ({ kind: 'invoice_item' as const, id, value })),
    ...Object.entries(state.payments).map(([id, value]) => ({ kind: 'payment' as const, id, value })),
    ...Object.entries(state.refunds).map(([id, value]) => ({ kind: 'refund' as const, id, value })),
    ...Object.entries(state.checkouts).map(([id, value]) => ({ kind: 'checkout' as const, id, value })),
    ...Object.entries(state.usage).map(([id, value]) => ({ kind: 'usage' as const, id, value })),
  ]
}

/** The entities of `after` that `before` does not have, or has with another value. Deleted ones are in {@link removed}. */
export function changed(before: CustomerState, after: CustomerState): readonly StateEntity[] {
  return entitiesOf(after).filter(({ kind, id, value }) => valueIn(before, kind, id) !== value)
}

/** The entities of `before` that `after` has no more: deleted drafts and amounts that were taken back. */
export function removed(before: CustomerState, after: CustomerState): readonly StateEntity[] {
  return entitiesOf(before).filter(({ kind, id }) => valueIn(after, kind, id) === null)
}

/** An entity's value in a state, null if it is not there. */
function valueIn(state: CustomerState, kind: StateKind, id: string): EntityValues[StateKind] | null {
  if (kind === 'customer') return state.customer?.id === id ? state.customer : null
  const map: Readonly<Record<string, EntityValues[StateKind]>> = state[MAPS[kind]]
  return Object.hasOwn(map, id) ? (map[id] ?? null) : null
}

/** Which member of a state holds the entities of a kind. */
const MAPS = {
  payment_method: 'paymentMethods',
  subscription: 'subscriptions',
  invoice: 'invoices',
  invoice_item: 'invoiceItems',
  payment: 'payments',
  refund: 'refunds',
  checkout: 'checkouts',
  usage: 'usage',
} as const satisfies Record<Exclude<StateKind, 'customer'>, keyof CustomerState>
