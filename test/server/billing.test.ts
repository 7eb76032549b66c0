import { describe, expect, it } from 'vitest'
import { requireInstant } from '../../src/model/instant.ts'
import { describeOnBackends } from '../support/backends.ts'
import type { StorePlace } from '../support/backends.ts'
import { serve } from '../support/served.ts'
import type { Served } from '../support/served.ts'

const START = '2026-01-01T00:00:00.000Z'
const NOW = requireInstant(START, 'start')

/** A process with one account on a test clock, a plan of 10 EUR a month, and a customer who pays. */
async function billed(options: { place?: StorePlace; dialect?: string; env?: Record<string, string> } = {}): Promise<
  Served & {
    post: (path: string, body?: unknown, headers?: Record<string, string>) => ReturnType<Served['api']>
    get: (path: string) => ReturnType<Served['api']>
  }
> {
  const served = await serve({
    at: NOW,
    env: { BILLHOOK_SENDING: 'true', BILLHOOK_ALLOW_PRIVATE_ADDRESSES: 'true', ...options.env },
    ...(options.place === undefined ? {} : { place: options.place }),
  })
  const post = (path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
    served.api('POST', `/v1/accounts/acme${path}`, body, headers)
  const get = (path: string) => served.api('GET', `/v1/accounts/acme${path}`)
  const made = await served.api('POST', '/v1/accounts', {
    id: 'acme',
    name: 'Acme',
    dialect: options.dialect ?? 'standard',
    clock: { now: START },
    seed: 'tests',
  })
  expect([made.status, made.body]).toMatchObject([201, { id: 'acme', clock: { now: START } }])
  expect((await post('/products', { id: 'pro', name: 'Pro', features: ['export'] })).body).toMatchObject({
    kind: 'product',
    id: 'pro',
    customer: null,
    object: { features: ['export'], created_at: START },
    events: [{ type: 'product.created' }],
  })
  const price = await post('/prices', {
    id: 'monthly',
    product: 'pro',
    code: 'pro_monthly',
    currency: 'eur',
    interval: { unit: 'month' },
    unit_amount: { minor: 1000, currency: 'EUR' },
  })
  expect([price.status, price.body]).toMatchObject([201, { object: { unit_amount: { minor: '1000', currency: 'EUR' } } }])
  const customer = await post('/customers', {
    id: 'ada',
    name: 'Ada',
    metadata: { createdAt: 'as it is', user_id: '7' },
    payment_method: { id: 'pm', behavior: 'pays' },
  })
  expect([customer.status, customer.body]).toMatchObject([
    201,
    { kind: 'customer', id: 'ada', object: { default_payment_method: 'pm', metadata: { createdAt: 'as it is' } } },
  ])
  return { ...served, post, get, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() }
}

describeOnBackends('Billing over HTTP', (_open, backend) => {
  it('bills a year on a test clock in one advance, and says before each step what comes next', async () => {
    await using served = await billed({ place: backend.place() })
    const { post, get } = served
    const made = await post('/subscriptions', { customer: 'ada', id: 'sub', items: [{ price: 'pro_monthly' }] })
    expect([made.status, made.body]).toMatchObject([
      201,
      { kind: 'subscription', id: 'sub', customer: 'ada', object: { status: 'active', items: [{ price: 'monthly' }] } },
    ])
    const clock = await get('/clock')
    expect(clock.body).toMatchObject({ id: 'clock_acme', now: START, status: 'ready' })
    expect(clock.body.next.what.length).toBeGreaterThan(0)

    const moved = await post('/clock/advance', { next: true })
    expect([moved.status, moved.body.now]).toEqual([200, clock.body.next.at])

    const year = await post('/clock/advance', { to: '2027-01-01T00:00:00Z' })
    expect([year.status, year.body]).toMatchObject([200, { now: '2027-01-01T00:00:00.000Z', status: 'ready' }])
    const invoices = await get('/invoices?limit=200')
    expect(invoices.body.data.filter(({ status }: { status: string }) => status === 'paid')).toHaveLength(13)
  })
})

describe('Billing over HTTP', () => {
  it('is there', async () => {
    await using served = await billed()
    expect((await served.get('')).status).toBe(200)
  })
})
