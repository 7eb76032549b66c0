import { secondsOf } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { JsonObject } from '../../model/json.ts'
import type { ObjectKind } from '../../model/objects.ts'
import type { Notification, Retrieval } from '../dialect.ts'

/** Where the API has the objects, and the event that would tell one as it is now. */
const OBJECTS: Readonly<Partial<Record<ObjectKind, { path: string; type: (object: JsonObject) => string }>>> = {
  subscription: {
    path: '/v1/subscriptions/',
    type: ({ status }) => (status === 'canceled' ? 'customer.subscription.deleted' : 'customer.subscription.updated'),
  },
  invoice: {
    path: '/v1/invoices/',
    type: ({ status }) => (status === 'paid' ? 'invoice.paid' : 'invoice.updated'),
  },
  customer: { path: '/v1/customers/', type: () => 'customer.updated' },
}

/**
 * Objects as the API of this version answers them: what stands in `data.object` of its events.
 *
 * @source docs.stripe.com/api: bearer authentication, `Stripe-Version`
 */
export function stripeRetrieval(apiVersion: string): Retrieval {
  return {
    baseUrl: 'https://api.stripe.com',
    keyForm: 'a secret or restricted API key that may read subscriptions, invoices and customers',
    request(object, id, key) {
      const known = OBJECTS[object]
      if (known === undefined) return null
      const headers = { authorization: `Bearer ${key}`, 'stripe-version': apiVersion, accept: 'application/json' }
      return { path: `${known.path}${encodeURIComponent(id)}`, headers }
    },
    notification(object, answer, at) {
      const known = OBJECTS[object]
      return known === undefined ? null : asEvent(known.type(answer), answer, at)
    },
  }
}

function asEvent(type: string, object: JsonObject, at: Instant): Notification {
  const body = { object: 'event', type, created: secondsOf(at), data: { object } }
  return { id: null, type, createdAt: at, account: null, body }
}
