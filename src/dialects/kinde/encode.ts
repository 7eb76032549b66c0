import type { View } from '../../model/entities.ts'
import { isRecord } from '../../model/facts.ts'
import type { BillingRecord, Fact, FactKind, Told } from '../../model/facts.ts'
import { formatInstant } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { Json, JsonObject } from '../../model/json.ts'
import type { Actor } from '../../model/status.ts'
import type { Notification, Origin } from '../dialect.ts'
import { applyEventTypeSchema } from './event_types.ts'
import type { EventTypeSchemas } from './event_types.ts'
import { eventId } from './ids.ts'
import { dictionaryOf, knownOf, planObject } from './known.ts'
import type { Known, Subject } from './known.ts'

/**
 * The switches of an account's profile that this dialect knows. `data_shape`: `nested` names customer and agreement as
 * objects with an `id`, as one of the two first-party components reads them. `cancelled_on_change`: `on` also tells the end of
 * an agreement that a plan change replaced; whether Kinde does is not documented.
 */
type Switch = 'data_shape' | 'cancelled_on_change'

/** Values of the claim `source`. Which one billing events have is not published: these are those of the samples. */
type Source = 'user' | 'admin' | 'api'

/** One event before its envelope. */
interface Draft {
  readonly type: string
  readonly source: Source
  readonly fields: readonly Field[]
  /** See {@link Known.dueOn}. */
  readonly dueOn: Instant | null
}

/** Parts of `data`, in the flat shape of the reference. */
type Field = 'customer' | 'agreement' | 'plan' | 'next_billing_date' | 'invoice_due_on' | 'usage'

const AGREEMENT: readonly Field[] = ['customer', 'agreement', 'plan']
const BILLED: readonly Field[] = [...AGREEMENT, 'next_billing_date']
const INVOICED: readonly Field[] = [...AGREEMENT, 'invoice_due_on']

/**
 * The notifications of one change.
 *
 * @param schemas an account's own schemas of `data`; types without one have the shape of the reference
 */
export function encode(
  told: Told,
  view: View,
  origin: Origin,
  schemas: EventTypeSchemas = new Map(),
): readonly Notification[] {
  const draft = isRecord(told) ? recordDraft(told) : factDraft(told, view)
  if (draft === null) return []
  const known = knownOf(subjectOf(told), view, draft.dueOn)
  const schema = schemas.get(draft.type)
  const data =
    schema === undefined ? dataOf(draft, known, view) : applyEventTypeSchema(schema, dictionaryOf(known, view))
  return [notificationOf(draft, data, origin)]
}

function recordDraft(record: BillingRecord): Draft | null {
  return record.kind === 'price_created'
    ? { type: 'customer.plan_created', source: 'admin', fields: ['plan'], dueOn: null }
    : null
}

/** How one kind of fact is told. */
type Tell<K extends FactKind> = (fact: Fact<K>, view: View) => Draft | null

const silent = (): null => null

/** Which fact gives which event: the whole of it, so that no fact is passed over by accident. */
const TELLS: { readonly [K in FactKind]: Tell<K> } = {
  subscription_created: (fact) => (isRunning(fact.detail.status) ? created() : null),
  subscription_authorized: silent,
  subscription_trial_started: silent,
  subscription_trial_ending: silent,
  subscription_trial_ended: silent,
  // An agreement that ran from its creation, or runs again, was told before.
  subscription_activated: (_fact, view) => (isRunning(view.before.subscription?.status ?? 'active') ? null : created()),
  subscription_renewal_upcoming: silent,
  // Told by the payment.
  subscription_renewed: silent,
  subscription_changed: () => ({ type: 'customer.plan_changed', source: 'user', fields: BILLED, dueOn: null }),
  // Told by the payment that failed or the invoice that is overdue.
  subscription_past_due: silent,
  subscription_unpaid: silent,
  subscription_paused: silent,
  subscription_resumed: silent,
  // An agreement has no status: that it will end is told when it has ended.
  subscription_cancel_scheduled: silent,
  subscription_cancel_unscheduled: silent,
  subscription_canceled: (fact, view) =>
    fact.detail.superseded && view.switches['cancelled_on_change' satisfies Switch] !== 'on'
      ? null
      : cancelled(fact.detail.by),
  subscription_completed: () => cancelled('system'),
  // Never told to have begun.
  subscription_expired: silent,
  invoice_drafted: silent,
  invoice_finalized: silent,
  // Told by its payment; an invoice of nothing has none. One that was paid elsewhere has no other event to be told by, and
  // until it is told the customer counts as overdue.
  invoice_paid: (fact) =>
    fact.detail.outOfBand
      ? {
          type: 'customer.payment_succeeded',
          source: 'admin',
          fields: INVOICED,
          dueOn: fact.detail.period?.until ?? null,
        }
      : null,
  invoice_payment_failed: silent,
  invoice_overdue: (fact) => ({
    type: 'customer.invoice_overdue',
    source: 'api',
    fields: INVOICED,
    dueOn: fact.detail.dueAt,
  }),
  invoice_uncollectible: silent,
  invoice_voided: silent,
  payment_initiated: silent,
  payment_succeeded: (_fact, view) => ({
    type: 'customer.payment_succeeded',
    source: 'api',
    fields: INVOICED,
    // What it paid to: the samples print the end of the cycle here.
    dueOn: view.after.invoice?.period.until ?? null,
  }),
  payment_failed: (_fact, view) => ({
    type: 'customer.payment_failed',
    source: 'api',
    fields: INVOICED,
    dueOn: view.after.invoice?.dueAt ?? view.after.invoice?.period.from ?? null,
  }),
  payment_canceled: silent,
  payment_refunded: silent,
  checkout_opened: silent,
  checkout_completed: silent,
  checkout_canceled: silent,
  checkout_expired: silent,
  usage_updated: () => ({
    type: 'customer.meter_usage_updated',
    source: 'api',
    fields: ['customer', 'agreement', 'usage'],
    dueOn: null,
  }),
  usage_threshold_reached: silent,
  // A plan change has an event of its own.
  plan_assigned: (_fact, view) =>
    (view.after.subscription?.replaces ?? null) === null
      ? { type: 'customer.plan_assigned', source: 'user', fields: BILLED, dueOn: null }
      : null,
  access_changed: silent,
}

function factDraft<K extends FactKind>(fact: Fact<K>, view: View): Draft | null {
  return TELLS[fact.kind](fact, view)
}

/** True in the statuses in which the customer is served: Kinde knows no agreement that waits for its first payment. */
function isRunning(status: string): boolean {
  return status === 'active' || status === 'trialing' || status === 'past_due' || status === 'unpaid'
}

function created(): Draft {
  return { type: 'customer.agreement_created', source: 'user', fields: BILLED, dueOn: null }
}

function cancelled(by: Actor): Draft {
  return { type: 'customer.agreement_cancelled', source: sourceOf(by), fields: AGREEMENT, dueOn: null }
}

function sourceOf(actor: Actor): Source {
  if (actor === 'customer') return 'user'
  return actor === 'admin' ? 'admin' : 'api'
}

function subjectOf(told: Told): Subject {
  return { customer: told.customer, subscription: told.subscription }
}

function dataOf(draft: Draft, known: Known, view: View): JsonObject {
  const isNested = view.switches['data_shape' satisfies Switch] === 'nested'
  const dictionary = dictionaryOf(known, view)
  const pick = (...names: readonly string[]): Record<string, Json> =>
    Object.fromEntries(Object.entries(dictionary).filter(([name]) => names.includes(name)))
  const parts: Readonly<Record<Field, () => JsonObject>> = {
    customer: () => ({
      ...(isNested ? idObject('customer', known.customerId) : pick('customer_id')),
      ...pick('user_id', 'org_code'),
    }),
    agreement: () => (isNested ? idObject('agreement', known.agreementId) : pick('agreement_id')),
    plan: () => planPart(draft, known, view),
    next_billing_date: () => pick('next_billing_date'),
    invoice_due_on: () => pick('invoice_due_on'),
    usage: () => pick('meter_id', 'quantity'),
  }
  return Object.assign({}, ...draft.fields.map((field) => parts[field]()))
}

function planPart(draft: Draft, known: Known, view: View): JsonObject {
  if (known.plan === null) return {}
  const plan = planObject(known.plan, view)
  return draft.type === 'customer.plan_created' ? { plan: { ...plan, key: plan['code'] ?? null } } : { plan }
}

function idObject(name: string, id: string | null): JsonObject {
  return id === null ? {} : { [name]: { id } }
}

function notificationOf(draft: Draft, data: JsonObject, origin: Origin): Notification {
  const id = eventId(`${origin.fact}/${draft.type}`, origin.at)
  const timestamp = formatInstant(origin.at)
  return {
    id,
    type: draft.type,
    createdAt: origin.at,
    account: null,
    body: {
      data,
      event_id: id,
      event_timestamp: timestamp,
      source: draft.source,
      timestamp,
      type: draft.type,
    },
  }
}
