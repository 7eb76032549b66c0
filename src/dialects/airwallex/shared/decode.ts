import type { Observation, Problem } from '../../../model/observations.ts'
import { Fields } from '../../../wire/fields.ts'
import { evidenceOf } from '../../dialect.ts'
import type { Decoded, Notification } from '../../dialect.ts'
import { observeCheckout } from './checkout.ts'
import { observeInvoice } from './invoice.ts'
import { KNOWN_TYPES } from './known_types.ts'
import { observeTransaction } from './payment.ts'
import type { Resource } from './resource.ts'
import { observeSubscription } from './subscription.ts'
import { resourceOf } from './wire.ts'

/** Which reader takes an event's resource, by the first word of its name. */
const READERS: Readonly<Record<string, (resource: Resource) => readonly Observation[]>> = {
  subscription: observeSubscription,
  invoice: observeInvoice,
  billing_transaction: observeTransaction,
  billing_checkout: observeCheckout,
}

/**
 * What an Airwallex billing event tells, of whichever generation: the shape of the body decides, never the version that
 * the endpoint was made for.
 */
export function decode(notification: Notification): Decoded {
  const problems: Problem[] = []
  const { type } = notification
  if (!KNOWN_TYPES.has(type)) return { observations: [], unknown: true, problems }
  const reader = READERS[type.slice(0, type.indexOf('.'))]
  if (reader === undefined) return { observations: [], unknown: false, problems }
  const resource = resourceIn(notification, problems)
  const event = evidenceOf(notification)
  const observations = resource === null ? [] : reader({ ...resource, type, event })
  return { observations, unknown: false, problems }
}

function resourceIn(
  notification: Notification,
  problems: Problem[],
): Pick<Resource, 'fields' | 'id' | 'stamp' | 'whole'> | null {
  const envelope = new Fields(notification.body, problems)
  const found = resourceOf(notification.body)
  if (found === null) {
    envelope.problem('data', 'expected an object')
    return null
  }
  const fields = new Fields(found.resource, problems, found.path)
  const own = fields.text('id')
  if (own === null) fields.problem('id', 'the object has no id')
  const id = own ?? envelope.text('source_id')
  const updatedAt = fields.iso('updated_at')
  const stamp = updatedAt ?? envelope.iso('created_at')
  if (stamp === null) envelope.problem('created_at', 'neither the event nor the object has a time')
  if (id === null || stamp === null) return null
  // A slim body has an id, a status and little else; times of its own it has none.
  const whole = fields.has('status') && fields.has('created_at') && updatedAt !== null
  return { fields, id, stamp, whole }
}
