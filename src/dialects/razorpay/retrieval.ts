import { secondsOf } from '../../model/instant.ts'
import type { Retrieval } from '../dialect.ts'

/**
 * Subscriptions as the API answers them. They count their charged cycles themselves, so that no invoice is needed beside.
 *
 * @source razorpay.com/docs/api: basic authentication with `key_id:key_secret`
 */
export const RETRIEVAL: Retrieval = {
  baseUrl: 'https://api.razorpay.com',
  keyForm: 'key_id:key_secret',
  request(object, id, key) {
    if (object !== 'subscription') return null
    const authorization = `Basic ${Buffer.from(key, 'utf8').toString('base64')}`
    const headers = { authorization, accept: 'application/json' }
    return { path: `/v1/subscriptions/${encodeURIComponent(id)}`, headers }
  },
  notification(object, answer, at) {
    if (object !== 'subscription') return null
    const type = 'subscription.updated'
    const body = {
      entity: 'event',
      event: type,
      contains: ['subscription'],
      payload: { subscription: { entity: answer } },
      created_at: secondsOf(at),
    }
    return { id: null, type, createdAt: at, account: null, body }
  },
}
