import { FACT_KINDS, RECORD_KINDS } from '../../model/facts.ts'
import type { FactKind, Told } from '../../model/facts.ts'
import type { Instant } from '../../model/instant.ts'
import type { Observation, Problem, Rank } from '../../model/observations.ts'
import { Fields } from '../../wire/fields.ts'
import type { Decoded, Notification } from '../dialect.ts'
import { CHECKOUT_FACTS, INVOICE_FACTS, PAYMENT_FACTS, SUBSCRIPTION_FACTS } from './facts.ts'
import { HAPPENINGS } from './happenings.ts'
import type { Telling } from './happenings.ts'
import { checkoutOf, customerOf, invoiceOf, paymentOf, subscriptionOf } from './objects.ts'
import { isFactKind, kindOf } from './types.ts'
import { withMembers } from './values.ts'

/**
 * What a delivery tells: the object where the sender sent it, else the fields that the fact itself proves; and beside them
 * what no object shows.
 */
export function decode(notification: Notification): Decoded {
  const kind = kindOf(notification.type)
  if (kind === null) return { observations: [], unknown: true, problems: [] }
  const problems: Problem[] = []
  const body = new Fields(notification.body, problems)
  const data = body.object('data')
  const at = notification.createdAt
  const subject = data?.text('subject') ?? null
  if (at === null) body.problem('timestamp', 'expected the time of the event, found none')
  if (data === null || subject === null) body.problem('data.subject', 'expected the id of the object, found none')
  if (at === null || data === null || subject === null) return { observations: [], unknown: false, problems }
  const telling: Telling = {
    at,
    subject,
    event: notification.id ?? '',
    customer: data.text('customer'),
    subscription: data.text('subscription'),
    detail: data.object('detail') ?? new Fields({}, problems, 'data.detail'),
  }
  const observations = [
    ...ofObject(kind, telling, data),
    ...(isFactKind(kind) ? ofHappening(kind, telling) : []),
    ...ofUser(kind, telling, data),
  ]
  return { observations, unknown: false, problems }
}

/** The object of a fact or record as the sender sent it, now and before the change. */
interface Whole {
  readonly object: Fields
  /** Null for a new object, and where the sender does not say. */
  readonly previous: Fields | null
}

function wholeOf(data: Fields): Whole | null {
  const object = data.object('object')
  if (object === null) return null
  const previous = data.object('previous')
  return { object, previous: previous === null ? null : withMembers(object, previous) }
}

/** Facts about usage and access have an object of another kind than the one they are told of. */
const WITHOUT_OBJECT = new Set<Told['kind']>(['usage_updated', 'usage_threshold_reached'])

function ofObject(kind: Told['kind'], telling: Telling, data: Fields): readonly Observation[] {
  if (WITHOUT_OBJECT.has(kind)) return []
  const about = isFactKind(kind) ? FACT_KINDS[kind].about : RECORD_KINDS[kind].about
  const whole = wholeOf(data)
  const base = { id: telling.subject, stamp: telling.at, rank: rankOf(kind, telling, whole) }
  const observation = observationOf(about, kind, { telling, whole, base })
  return observation === null ? [] : [observation]
}

interface Source {
  readonly telling: Telling
  readonly whole: Whole | null
  readonly base: { readonly id: string; readonly stamp: Instant; readonly rank: Rank }
}

function observationOf(about: string, kind: Told['kind'], source: Source): Observation | null {
  switch (about) {
    case 'subscription':
      return ofSubscription(kind, source)
    case 'invoice':
      return ofInvoice(kind, source)
    case 'payment':
      return ofPayment(kind, source)
    case 'checkout':
      return ofCheckout(kind, source)
    case 'customer':
      return ofCustomer(source)
    default:
      return null
  }
}

function rankOf(kind: Told['kind'], telling: Telling, whole: Whole | null): Rank {
  const created = whole === null ? kind.endsWith('_created') : whole.previous === null
  const verb = kind.endsWith('_deleted') ? 'deleted' : created ? 'created' : 'updated'
  // No version: the old values beside each object say which of two came later.
  return { version: null, verb, event: telling.event }
}

function ofSubscription(kind: Told['kind'], { telling, whole, base }: Source): Observation | null {
  if (whole !== null) {
    const previous = whole.previous === null ? null : subscriptionOf(whole.previous)
    return { kind: 'snapshot', object: 'subscription', ...base, value: subscriptionOf(whole.object), previous }
  }
  const fields = isFactKind(kind) ? SUBSCRIPTION_FACTS[kind]?.(telling) : undefined
  if (fields === undefined) return null
  const customer = telling.customer === null ? {} : { customer: telling.customer }
  return { kind: 'patch', object: 'subscription', ...base, fields: { ...customer, ...fields } }
}

function ofInvoice(kind: Told['kind'], { telling, whole, base }: Source): Observation | null {
  if (whole !== null) {
    const previous = whole.previous === null ? null : invoiceOf(whole.previous)
    const value = invoiceOf(whole.object)
    // A draft that was deleted is never paid.
    const gone = kind === 'invoice_deleted' ? ({ status: 'void' } as const) : {}
    return { kind: 'snapshot', object: 'invoice', ...base, value: { ...value, ...gone }, previous }
  }
  const fields = isFactKind(kind) ? INVOICE_FACTS[kind]?.(telling) : undefined
  return fields === undefined ? null : { kind: 'patch', object: 'invoice', ...base, fields }
}

function ofPayment(kind: Told['kind'], { telling, whole, base }: Source): Observation | null {
  if (whole !== null) {
    const previous = whole.previous === null ? null : paymentOf(whole.previous)
    return { kind: 'snapshot', object: 'payment', ...base, value: paymentOf(whole.object), previous }
  }
  const fields = isFactKind(kind) ? PAYMENT_FACTS[kind]?.(telling) : undefined
  return fields === undefined ? null : { kind: 'patch', object: 'payment', ...base, fields }
}

function ofCheckout(kind: Told['kind'], { telling, whole, base }: Source): Observation | null {
  if (whole !== null) {
    const previous = whole.previous === null ? null : checkoutOf(whole.previous)
    return { kind: 'snapshot', object: 'checkout', ...base, value: checkoutOf(whole.object), previous }
  }
  const fields = isFactKind(kind) ? CHECKOUT_FACTS[kind]?.(telling) : undefined
  return fields === undefined ? null : { kind: 'patch', object: 'checkout', ...base, fields }
}

function ofCustomer({ whole, base }: Source): Observation | null {
  if (whole === null) return null
  const previous = whole.previous === null ? null : customerOf(whole.previous)
  return { kind: 'snapshot', object: 'customer', ...base, value: customerOf(whole.object), previous }
}

function ofHappening(kind: FactKind, telling: Telling): readonly Observation[] {
  const happening = HAPPENINGS[kind]?.(telling) ?? null
  return happening === null ? [] : [happening]
}

/** The app's own user stands in every event, so that a receiver knows it whatever it saw before. */
function ofUser(kind: Told['kind'], telling: Telling, data: Fields): readonly Observation[] {
  const user = data.text('user')
  const { customer, at } = telling
  if (customer === null) return []
  const fields = {
    ...(user === null ? {} : { users: [user] }),
    ...(kind === 'payment_method_attached' ? { paymentMethod: 'yes' as const } : {}),
  }
  if (Object.keys(fields).length === 0) return []
  const rank: Rank = { version: null, verb: 'updated', event: telling.event }
  return [{ kind: 'patch', object: 'customer', id: customer, stamp: at, fields, rank }]
}
