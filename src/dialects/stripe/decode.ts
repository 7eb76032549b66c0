import type { JsonObject } from '../../model/json.ts'
import type { Observation, Problem } from '../../model/observations.ts'
import { Fields } from '../../wire/fields.ts'
import { evidenceOf } from '../dialect.ts'
import type { Decoded, Notification } from '../dialect.ts'
import { ENDIVE_CATALOGUE } from './catalogue.ts'
import { overlay } from './decode_context.ts'
import type { EventContext, ObjectDecoder } from './decode_context.ts'
import { decodeAlert, decodeCheckout, decodeCustomer } from './decode_customer.ts'
import { decodeInvoice } from './decode_invoice.ts'
import { decodeCharge, decodeInvoicePayment, decodePaymentIntent, decodeRefund } from './decode_payment.ts'
import { decodeSubscription } from './decode_subscription.ts'

/** Types that Billhook knows, of both generations: what an endpoint really gets is not always what it was set to. */
const KNOWN: ReadonlySet<string> = new Set(ENDIVE_CATALOGUE.map((entry) => entry.type))

/** Types with an object that observations are made of, by the start of their name; the first match counts. */
const DECODERS: readonly (readonly [start: string, object: string, decode: ObjectDecoder])[] = [
  ['customer.subscription.', 'subscription', decodeSubscription],
  ['customer.created', 'customer', decodeCustomer],
  ['customer.updated', 'customer', decodeCustomer],
  ['customer.deleted', 'customer', decodeCustomer],
  ['invoice.', 'invoice', decodeInvoice],
  ['invoice_payment.', 'invoice_payment', decodeInvoicePayment],
  ['payment_intent.', 'payment_intent', decodePaymentIntent],
  ['charge.refund.', 'refund', decodeRefund],
  ['charge.dispute.', 'dispute', () => []],
  ['charge.', 'charge', decodeCharge],
  ['refund.', 'refund', decodeRefund],
  ['checkout.session.', 'checkout.session', decodeCheckout],
  ['billing.alert.', 'billing.alert_triggered', decodeAlert],
]

/**
 * What an event tells. Both generations are read by their shape: an account may pin one version and receive another.
 * Thin events carry no object and are not in the catalogue: unknown, kept. Test clocks, prices and the like are known
 * and tell nothing of a customer.
 */
export function decodeEvent(notification: Notification): Decoded {
  if (!KNOWN.has(notification.type)) return { observations: [], unknown: true, problems: [] }
  const problems: Problem[] = []
  return { observations: observe(notification, problems), unknown: false, problems }
}

function observe(notification: Notification, problems: Problem[]): readonly Observation[] {
  const found = DECODERS.find(([start]) => notification.type.startsWith(start))
  if (found === undefined) return []
  const [, name, decode] = found
  const body = new Fields(notification.body, problems)
  const data = body.object('data')
  const object = data?.object('object') ?? null
  if (data === null || object === null) {
    body.problem('data.object', 'an event without its object')
    return []
  }
  if (object.text('object') !== name) {
    object.problem('object', `expected ${name}`)
    return []
  }
  if (notification.createdAt === null) {
    body.problem('created', 'an event without a time')
    return []
  }
  const context: EventContext = {
    type: notification.type,
    stamp: notification.createdAt,
    event: evidenceOf(notification),
    object,
    before: beforeOf(object.raw, data),
    problems,
  }
  return decode(context)
}

function beforeOf(object: JsonObject, data: Fields): JsonObject | null {
  const previous = data.object('previous_attributes')
  return previous === null ? null : overlay(object, previous.raw)
}
