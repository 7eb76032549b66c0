import type { Entities, Invoice, View } from '../../model/entities.ts'
import { isRecord } from '../../model/facts.ts'
import type { Told } from '../../model/facts.ts'
import { secondsOf } from '../../model/instant.ts'
import type { JsonObject } from '../../model/json.ts'
import type { CatalogueEntry, Notification, Origin } from '../dialect.ts'
import { EVENTS } from './events.ts'
import type { EventObject, EventStep } from './events.ts'
import { eventId, requestId } from './ids.ts'
import { differenceOf } from './print.ts'
import type { Printing } from './print.ts'
import { printCheckout, printCustomer, printMeter, printPaymentMethod, printTestClock } from './print_customer.ts'
import { isFreeInvoice, printInvoice, printInvoiceItem, printInvoicePayment, printUpcoming } from './print_invoice.ts'
import { printCharge, printPaymentIntent, printRefund } from './print_payment.ts'
import { printPlan, printPrice, printProduct } from './print_price.ts'
import { printSubscription } from './print_subscription.ts'
import { upcomingInvoice } from './upcoming.ts'

/** What differs between the versions of the API when events are made. */
export interface EncodingVersion {
  readonly apiVersion: string
  readonly generation: Printing['generation']
  readonly catalogue: readonly CatalogueEntry[]
}

/** The events by which this provider tells a change, in the order of {@link EVENTS}. */
export function encodeTold(
  told: Told,
  { view, origin, version }: { readonly view: View; readonly origin: Origin; readonly version: EncodingVersion },
): readonly Notification[] {
  const printing: Printing = { generation: version.generation, view }
  const objects = { before: printer(view.before, { told, printing }), after: printer(view.after, { told, printing }) }
  const types = typesOf(version)
  const seedOnly = view.switches['catalogue'] === 'seed'
  return EVENTS[told.kind].flatMap((step, index) => {
    if (!types.has(step.type) || (seedOnly && !SEED_TYPES.has(step.type))) return []
    const data = holds(step, told, view) ? dataOf(step, objects) : null
    if (data === null) return []
    return [notificationOf(step.type, data, { view, origin, version, index })]
  })
}

/**
 * The events of subscriptions that the seed document knows, by name or by the change of state it describes. The switch
 * `catalogue: seed` tells an account's changes by these alone, as an account of that time saw them.
 *
 * @source seed 002
 */
const SEED_TYPES: ReadonlySet<string> = new Set([
  'invoice.upcoming',
  'invoice.created',
  'invoice.payment_succeeded',
  'invoice.payment_failed',
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
  'customer.subscription.trial_will_end',
])

const TYPES = new WeakMap<EncodingVersion, ReadonlySet<string>>()

/** The types of a version's catalogue. */
function typesOf(version: EncodingVersion): ReadonlySet<string> {
  const known = TYPES.get(version) ?? new Set(version.catalogue.map((entry) => entry.type))
  TYPES.set(version, known)
  return known
}

interface Envelope {
  readonly view: View
  readonly origin: Origin
  readonly version: EncodingVersion
  readonly index: number
}

function notificationOf(type: string, data: JsonObject, { view, origin, version, index }: Envelope): Notification {
  const id = eventId(origin.fact, type, index)
  const { request } = view
  return {
    id,
    type,
    createdAt: origin.at,
    account: null,
    body: {
      id,
      object: 'event',
      api_version: version.apiVersion,
      created: secondsOf(origin.at),
      data,
      livemode: view.livemode,
      pending_webhooks: 1,
      // Without an id: the billing engine, or an advancing test clock.
      request: {
        id: request === null ? null : requestId(request.id),
        idempotency_key: request?.idempotencyKey ?? null,
      },
      type,
    },
  }
}

/** Prints the objects of one side of a view, each once: several events of a fact carry the same object. */
type ObjectPrinter = (of: EventObject) => JsonObject | null

function printer(entities: Entities, surroundings: Surroundings): ObjectPrinter {
  const printed = new Map<EventObject, JsonObject | null>()
  return (of) => {
    const known = printed.get(of)
    if (known !== undefined) return known
    const object = printObject(of, entities, surroundings)
    printed.set(of, object)
    return object
  }
}

/** `data` of an event, or null if its object is not in the view, or if it tells a change and there is none. */
function dataOf(
  step: EventStep,
  { before, after }: { readonly before: ObjectPrinter; readonly after: ObjectPrinter },
): JsonObject | null {
  // What a deletion is about may be gone after it.
  const object = after(step.of) ?? before(step.of)
  if (object === null) return null
  if (!tellsOldValues(step)) return { object }
  const old = before(step.of)
  const previous = old === null ? null : differenceOf(old, object)
  if (previous === null) return ON_CHANGE.has(step.when) ? null : { object }
  if (step.when === 'changed_beyond_gate' && Object.keys(previous).every((key) => GATE_MEMBERS.has(key))) return null
  return { object, previous_attributes: previous }
}

const ON_CHANGE: ReadonlySet<EventStep['when']> = new Set(['changed', 'changed_unless_free', 'changed_beyond_gate'])

const GATE_MEMBERS: ReadonlySet<string> = new Set([
  'automatically_finalizes_at',
  'next_payment_attempt',
  'webhooks_delivered_at',
])

/** Old values come with every `.updated`, and with three others. @source recorded events */
function tellsOldValues({ type }: EventStep): boolean {
  return (
    type.endsWith('.updated') ||
    type === 'charge.refunded' ||
    type === 'payment_method.detached' ||
    type === 'test_helpers.test_clock.ready'
  )
}

function holds({ when }: EventStep, told: Told, { before, after }: View): boolean {
  const { invoice, payment, meter, refund } = after
  switch (when) {
    case 'always':
    case 'changed':
    case 'changed_beyond_gate':
      return true
    case 'changed_unless_free':
      return invoice !== null && !isFreeInvoice(invoice)
    case 'first_attempt':
      return payment !== null && payment.attempt <= 1
    case 'paid_here':
      return invoice !== null && !invoice.paidOutOfBand
    case 'paid_by_payment':
      return invoice !== null && invoice.payment !== null && !invoice.paidOutOfBand && !isFreeInvoice(invoice)
    case 'service':
      return !isRecord(told) && isServicePause(told)
    case 'was_pending':
      return (before.subscription?.pendingChange ?? null) !== null
    case 'meter_on':
      return before.meter !== null && !before.meter.active && meter?.active === true
    case 'meter_off':
      return before.meter?.active === true && meter !== null && !meter.active
    case 'meter_edited':
      return before.meter !== null && meter !== null && before.meter.active === meter.active
    case 'refund_failed':
      return refund?.status === 'failed'
  }
}

function isServicePause(told: Told): boolean {
  return (
    (told.kind === 'subscription_paused' || told.kind === 'subscription_resumed') && told.detail.scope === 'service'
  )
}

interface Surroundings {
  readonly told: Told
  readonly printing: Printing
}

/** The object of an event as it was in `entities`; null if it was not there. */
function printObject(of: EventObject, entities: Entities, { told, printing }: Surroundings): JsonObject | null {
  switch (of) {
    case 'subscription':
      return entities.subscription && printSubscription(entities.subscription, printing)
    case 'upcoming':
      return printPreview(entities, { told, printing })
    case 'invoice':
      return entities.invoice && printInvoice(entities.invoice, printing)
    case 'invoice_payment':
      return entities.invoice && printPaidLink(entities.invoice, printing)
    case 'invoice_item':
      return entities.invoice_item && printInvoiceItem(entities.invoice_item, printing)
    case 'payment_intent':
      return entities.payment && printPaymentIntent(entities.payment, printing)
    case 'charge':
      return entities.payment && printCharge(entities.payment, printing)
    case 'refund':
      return entities.refund && printRefund(entities.refund, printing)
    case 'customer':
      return entities.customer && printCustomer(entities.customer, printing)
    case 'payment_method':
      return entities.payment_method && printPaymentMethod(entities.payment_method, printing)
    case 'product':
      return entities.product && printProduct(entities.product, printing)
    case 'price':
      return entities.price && printPrice(entities.price, printing)
    case 'plan':
      return entities.price && printPlan(entities.price, printing)
    case 'checkout':
      return entities.checkout && printCheckout(entities.checkout, printing)
    case 'meter':
      return entities.meter && printMeter(entities.meter, printing)
    case 'clock':
      return entities.clock && printTestClock(entities.clock, printing)
  }
}

function printPreview({ subscription }: Entities, { told, printing }: Surroundings): JsonObject | null {
  if (subscription === null || isRecord(told) || told.kind !== 'subscription_renewal_upcoming') return null
  const { before, after } = printing.view
  // An invoice that the view shows after the fact and not before it is the engine's own preview.
  if (after.invoice !== null && after.invoice.id !== before.invoice?.id) return printUpcoming(after.invoice, printing)
  return printUpcoming(upcomingInvoice(told, subscription, printing), printing)
}

function printPaidLink(invoice: Invoice, printing: Printing): JsonObject | null {
  return invoice.payment === null ? null : printInvoicePayment(invoice, invoice.payment, printing)
}
