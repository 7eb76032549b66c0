import type { EntityValues, View } from '../../model/entities.ts'
import type { JsonObject } from '../../model/json.ts'
import { customerEntity, momentOf, planEntity, subscriptionEntity } from './entities.ts'
import { invoiceEntity, methodWord, paymentEntity, refundEntity, tokenEntity } from './money_entities.ts'

type Renderers = {
  readonly [K in keyof EntityValues]: ((entity: EntityValues[K], view: View) => JsonObject) | null
}

/** What this provider has an object for. Products are part of plans, checkouts and meters do not exist, clocks are ours. */
const RENDERERS: Renderers = {
  customer: customerEntity,
  product: null,
  price: (price, view) => planEntity(price, view.products[price.product] ?? null),
  payment_method: (method) => tokenEntity(method, method.detachedAt === null),
  subscription: (subscription, view) =>
    subscriptionEntity(
      subscription,
      momentOf(subscription),
      subscriptionMethod(subscription.defaultPaymentMethod, view),
    ),
  invoice: invoiceEntity,
  invoice_item: null,
  payment: (payment, view) => paymentEntity(payment, view, 'boolean'),
  refund: (refund, view) => refundEntity(refund, view.after.payment),
  checkout: null,
  meter: null,
  usage: null,
  clock: null,
}

/** An entity as the Retrieve API shows it; null if the provider has no such object. */
export function render<K extends keyof EntityValues>(kind: K, entity: EntityValues[K], view: View): JsonObject | null {
  const renderer = RENDERERS[kind]
  return renderer === null ? null : renderer(entity, view)
}

/** How a subscription is charged: by its own method, else by its customer's. */
export function subscriptionMethod(own: string | null, view: View): string {
  const id = own ?? view.after.customer?.defaultPaymentMethod ?? null
  return methodWord(id === null ? null : (view.paymentMethods[id] ?? null))
}
