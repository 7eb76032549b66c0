import { isMintedId } from '../../model/entities.ts'
import type { Payment } from '../../model/entities.ts'
import { BASE62, deriveId } from '../../wire/ids.ts'

/** The prefixes of Razorpay's ids; 14 base62 characters follow. Events and webhooks have none. */
const PREFIXES = {
  account: 'acc_',
  customer: 'cust_',
  price: 'plan_',
  item: 'item_',
  subscription: 'sub_',
  invoice: 'inv_',
  line: 'li_',
  payment: 'pay_',
  order: 'order_',
  card: 'card_',
  token: 'token_',
  refund: 'rfnd_',
} as const satisfies Record<string, string>

/** Kinds of entities that have an id of the provider's form. */
export type PrintedKind = keyof typeof PREFIXES

const LENGTH = 14

/** An id in Razorpay's form that follows from `seed`. */
export function derivedId(kind: PrintedKind, seed: string): string {
  return `${PREFIXES[kind]}${deriveId(`${kind}:${seed}`, BASE62, LENGTH)}`
}

/** An id as it is printed: one that Billhook minted in the provider's form, one that the user chose as it is. */
export function printedId(kind: PrintedKind, id: string): string {
  return isMintedId(id) ? derivedId(kind, id) : id
}

/** The merchant's id: a name that is not one of the provider's gets its form. */
export function printedAccount(account: string): string {
  return /^acc_[0-9A-Za-z]{14}$/.test(account) ? account : derivedId('account', account)
}

/** Each attempt is a payment of its own here; the first one may carry an id that the user chose. */
export function paymentId(payment: Payment): string {
  const attempt = Math.max(payment.attempt, 1)
  return attempt === 1 ? printedId('payment', payment.id) : derivedId('payment', `${payment.id}#${attempt}`)
}

/** All attempts at one invoice share an order. */
export function orderId(payment: Pick<Payment, 'id' | 'invoice'>): string {
  return derivedId('order', payment.invoice ?? payment.id)
}

/** The id of an event: the same change gives the same id. */
export function eventId(fact: string, type: string): string {
  return deriveId(`event:${fact}/${type}`, BASE62, LENGTH)
}
