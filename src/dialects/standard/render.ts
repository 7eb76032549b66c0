import type { EntityValues, Price, Subscription, View } from '../../model/entities.ts'
import { isZero } from '../../model/money.ts'
import type { JsonObject } from '../../model/json.ts'
import type { PlanRef } from '../../model/objects.ts'
import { toJsonObject } from '../../wire/snake_json.ts'

/** Bookkeeping of the engine that means nothing to a reader. */
const PRIVATE = new Set(['announced', 'gate', 'firstFailedAt', 'dueAnnouncedAt', 'behavior', 'script', 'invoiceCount'])

/**
 * An entity as it stands in `data.object`: our own entity, whole, with what a reader cannot know from it alone (the plans of
 * a subscription's prices, and whether there is anything to charge).
 */
export function render<K extends keyof EntityValues>(kind: K, entity: EntityValues[K], view: View): JsonObject {
  return RENDERERS[kind](entity, view)
}

type Renderers = { readonly [K in keyof EntityValues]: (entity: EntityValues[K], view: View) => JsonObject }

const RENDERERS: Renderers = {
  customer: plain('customer'),
  product: plain('product'),
  price: plain('price'),
  payment_method: plain('payment_method'),
  subscription: renderSubscription,
  invoice: plain('invoice'),
  invoice_item: plain('invoice_item'),
  payment: plain('payment'),
  refund: plain('refund'),
  checkout: plain('checkout'),
  meter: plain('meter'),
  usage: plain('usage'),
  clock: plain('clock'),
}

function plain(kind: keyof EntityValues): (entity: object) => JsonObject {
  return (entity) => ({ object: kind, ...publicMembers(entity) })
}

function publicMembers(entity: object): JsonObject {
  return toJsonObject(Object.fromEntries(Object.entries(entity).filter(([name]) => !PRIVATE.has(name))))
}

function renderSubscription(subscription: Subscription, view: View): JsonObject {
  const prices = subscription.items.map((item) => view.prices[item.price] ?? null)
  return {
    object: 'subscription',
    ...publicMembers({
      ...subscription,
      items: subscription.items.map((item, index) => {
        const price = prices[index] ?? null
        return { ...item, plan: price === null ? null : planOf(price), unitAmount: price?.unitAmount ?? null }
      }),
    }),
    free: prices.length > 0 && prices.every((price) => price !== null && isFree(price)),
    has_payment_method: hasPaymentMethod(subscription, view),
  }
}

/** The plan that a price stands for, as facts name it: its code where it has one, because policies are written for that. */
function planOf(price: Price): PlanRef {
  return {
    id: price.code ?? price.id,
    name: price.name,
    group: price.group ?? price.product,
    product: price.product,
  }
}

/** True if nothing is ever charged for it, whatever the quantity. */
function isFree(price: Price): boolean {
  return price.unitAmount === null
    ? price.tiers.length > 0 &&
        price.tiers.every((tier) => isZero(tier.unitAmount) && (tier.flatAmount === null || isZero(tier.flatAmount)))
    : isZero(price.unitAmount)
}

/** Null if its customer is not in view: then nobody can say. */
function hasPaymentMethod(subscription: Subscription, view: View): boolean | null {
  if (subscription.defaultPaymentMethod !== null) return true
  return view.after.customer === null ? null : view.after.customer.defaultPaymentMethod !== null
}
