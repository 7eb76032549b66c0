import { requireInstant } from '../../src/model/instant.ts'
import type { StorePlace } from './backends.ts'
import { serve } from './served.ts'
import type { Answered, Served } from './served.ts'

/** When the test clock of {@link billed} begins. */
export const START = '2026-01-01T00:00:00.000Z'

/** A process whose sending end runs, with the account `acme` on a test clock, a plan and a customer who pays. */
export interface Billed extends AsyncDisposable {
  readonly served: Served
  /** Under `/v1/accounts/acme`. */
  readonly post: (path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answered>
  readonly patch: (path: string, body: unknown) => Promise<Answered>
  readonly remove: (path: string) => Promise<Answered>
  readonly get: (path: string) => Promise<Answered>
  /** All events of the account’s log, oldest first. */
  readonly events: () => Promise<readonly string[]>
}

export async function billed(
  options: {
    readonly place?: StorePlace
    readonly dialect?: string
    readonly env?: Record<string, string>
    /** False: nothing works in the background; what is due is done when the clock is advanced. */
    readonly begin?: boolean
  } = {},
): Promise<Billed> {
  const served = await serve({
    at: requireInstant(START, 'start'),
    env: { BILLHOOK_SENDING: 'true', BILLHOOK_ALLOW_PRIVATE_ADDRESSES: 'true', ...options.env },
    begin: options.begin ?? true,
    ...(options.place === undefined ? {} : { place: options.place }),
  })
  const { api } = served
  const acme = '/v1/accounts/acme'
  const post: Billed['post'] = (path, body = {}, headers = {}) => api('POST', acme + path, body, headers)
  const get: Billed['get'] = (path) => api('GET', acme + path)
  const dialect = options.dialect ?? 'standard'
  await wanted(api('POST', '/v1/accounts', { id: 'acme', name: 'Acme', dialect, clock: { now: START }, seed: 'tests' }))
  await wanted(post('/products', { id: 'pro', name: 'Pro', features: ['export'] }))
  await wanted(
    post('/prices', {
      id: 'monthly',
      product: 'pro',
      code: 'pro_monthly',
      currency: 'eur',
      interval: { unit: 'month' },
      unit_amount: { minor: 1000, currency: 'EUR' },
    }),
  )
  await wanted(post('/customers', { id: 'ada', name: 'Ada', payment_method: { id: 'pm', behavior: 'pays' } }))
  return {
    served,
    post,
    get,
    patch: (path, body) => api('PATCH', acme + path, body),
    remove: (path) => api('DELETE', acme + path),
    events: async () =>
      (await get('/events?order=oldest&limit=200')).body.data.map(({ type }: { type: string }) => type),
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  }
}

/** The answer of a call that must succeed. */
export async function wanted(answer: Promise<Answered>): Promise<Answered> {
  const { status, headers, body } = await answer
  if (status >= 300) throw new Error(`${status}: ${JSON.stringify(body)}`)
  return { status, headers, body }
}
