import type { Customer, Invoice, Price, Subscription, UsageTotal, View } from '../../model/entities.ts'
import { cycleAt } from '../../model/calendar.ts'
import { formatInstant, latest } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { Json, JsonObject } from '../../model/json.ts'
import { decimalOf } from '../../model/money.ts'
import { printedId } from './ids.ts'

/** What is known when an event is told; null where there is nothing of the kind. */
export interface Known {
  readonly customer: Customer | null
  readonly customerId: string | null
  readonly agreement: Subscription | null
  readonly agreementId: string | null
  readonly plan: Price | null
  readonly invoice: Invoice | null
  readonly usage: UsageTotal | null
  /** What programs call the meter. */
  readonly meter: string | null
  /** When the invoice that the event speaks of is or was due, or the date that it paid to. */
  readonly dueOn: Instant | null
}

/** What a telling says itself, beside the entities of its view. */
export interface Subject {
  readonly customer: string | null
  readonly subscription: string | null
}

/** What is known of a telling, from its view. */
export function knownOf(subject: Subject, view: View, dueOn: Instant | null): Known {
  const { after } = view
  const agreement = after.subscription
  const customerId = subject.customer ?? after.customer?.id ?? agreement?.customer ?? null
  // A change of the plan is told of the old agreement, and shows the new one that took its place.
  const agreementId = agreement?.id ?? subject.subscription
  return {
    customer: after.customer,
    customerId: customerId === null ? null : printedId('customer', customerId),
    agreement,
    agreementId: agreementId === null ? null : printedId('agreement', agreementId),
    plan: planOf(agreement, view) ?? after.price,
    invoice: after.invoice,
    usage: after.usage,
    meter: after.meter?.code ?? after.usage?.meter ?? null,
    dueOn,
  }
}

/** The price of a subscription's first item: an agreement has one plan. */
export function planOf(agreement: Subscription | null, view: View): Price | null {
  const [item] = agreement?.items ?? []
  return item === undefined ? null : (view.prices[item.price] ?? null)
}

/** What programs call the plan. */
export function planCode(plan: Price): string {
  return plan.code ?? printedId('plan', plan.id)
}

/** What people call it: the price's name, else the product's. */
function planName(plan: Price, view: View): string | null {
  return plan.name ?? view.products[plan.product]?.name ?? null
}

/** When the agreement is billed next; null if it ended. */
function nextBilling(agreement: Subscription | null): Instant | null {
  if (agreement === null || agreement.endedAt !== null) return null
  const trialEnd = agreement.status === 'trialing' ? (agreement.trial?.until ?? null) : null
  return trialEnd ?? agreement.period?.until ?? agreement.nextChargeAt ?? firstCycleEnd(agreement)
}

/** A plan is assigned a moment before its agreement's first cycle begins. */
function firstCycleEnd({ anchor, startAt, interval }: Subscription): Instant | null {
  return interval === null ? null : cycleAt(anchor, interval, latest(anchor, startAt)).until
}

/**
 * A date as Kinde prints it in billing data: to the second, with an offset of two digits, which its own components have to
 * repair before JavaScript reads it.
 *
 * @source kinde-oss/kinde-convex-billing src/client/index.ts; the examples of the Management API
 */
export function printDate(at: Instant): string {
  return `${formatInstant(at).slice(0, 19)}+00`
}

/** A decimal text as JSON number where that says the same, else as it is. */
function printQuantity(text: string): Json {
  const number = Number(text)
  return String(number) === text ? number : text
}

/** The plan as an object. */
export function planObject(plan: Price, view: View): JsonObject {
  const name = planName(plan, view)
  return { code: planCode(plan), ...(name === null ? {} : { name }) }
}

/** Everything that is known, under every name that a schema may ask for. Nothing in it is made up. */
export function dictionaryOf(known: Known, view: View): JsonObject {
  const { customer, agreement, plan, invoice, usage } = known
  const next = nextBilling(agreement)
  const entries: readonly (readonly [string, Json])[] = [
    ['customer_id', known.customerId],
    ['agreement_id', known.agreementId],
    ['customer_agreement_id', known.agreementId],
    ['user_id', customer?.type === 'user' ? customer.user : null],
    ['org_code', customer?.type === 'organization' ? customer.user : null],
    ['customer_type', customer?.type ?? null],
    ['email', customer?.email ?? null],
    ['plan_code', plan === null ? null : planCode(plan)],
    ['plan_key', plan === null ? null : planCode(plan)],
    ['plan_id', plan === null ? null : planCode(plan)],
    ['plan_name', plan === null ? null : planName(plan, view)],
    ['next_billing_date', next === null ? null : printDate(next)],
    ['invoice_due_on', known.dueOn === null ? null : printDate(known.dueOn)],
    ['invoice_id', invoice === null ? null : printedId('invoice', invoice.id)],
    ['amount', invoice === null ? null : Number(decimalOf(invoice.total))],
    ['currency', (invoice?.currency ?? agreement?.currency)?.toLowerCase() ?? null],
    ['meter_id', known.meter],
    ['billing_feature_code', known.meter],
    ['quantity', usage === null ? null : printQuantity(usage.quantity)],
    ['meter_value', usage?.quantity ?? null],
  ]
  return Object.fromEntries(entries.filter(([, value]) => value !== null))
}
