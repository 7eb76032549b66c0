import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { razorpay } from '../../../src/dialects/razorpay/index.ts'
import type { JsonObject } from '../../../src/model/json.ts'
import type { SubscriptionStatus } from '../../../src/model/status.ts'
import { instantFromSeconds } from '../../../src/model/instant.ts'
import { decoded, opened, snapshotOf, WIRE_NAMES } from './fixtures.ts'

const at = (seconds: number) => instantFromSeconds(seconds)

describe('razorpay decode of the printed samples', () => {
  const cases: readonly (readonly [string, SubscriptionStatus, number | null])[] = [
    ['subscription.authenticated', 'authorized', null],
    ['subscription.activated.future-start', 'active', null],
    ['subscription.activated', 'active', 1572892200],
    ['subscription.activated.immediate-start.as-printed', 'active', 1572892200],
    ['subscription.charged', 'active', 1572892200],
    ['subscription.completed', 'completed', 1601836200],
    ['subscription.updated', 'active', 1570213800],
    ['subscription.pending', 'past_due', null],
    ['subscription.pending.with-payment', 'past_due', null],
    ['subscription.halted', 'unpaid', null],
    ['subscription.cancelled', 'canceled', 1568831400],
    ['subscription.paused', 'paused', 1602959400],
    ['subscription.resumed', 'active', 1602959400],
  ]
  for (const [name, status, paidThrough] of cases) {
    test(`${name} is ${status} and proves ${paidThrough === null ? 'no payment' : 'its cycle to be paid'}`, async () => {
      const { observations, problems, unknown } = await decoded(name)
      expect({ problems, unknown }).toEqual({ problems: [], unknown: false })
      const { value, stamp } = snapshotOf(observations, 'subscription')
      expect(value.status).toBe(status)
      expect(value.paidThrough).toBe(paidThrough === null ? null : at(paidThrough))
      expect(stamp).toBe((await opened(name)).createdAt)
    })
  }

  test('every printed body decodes without a problem', async () => {
    for (const name of WIRE_NAMES) expect((await decoded(name)).problems, name).toEqual([])
  })

  test('a charge tells the subscription, its payment, the invoice it paid and the customer', async () => {
    const { observations } = await decoded('subscription.charged')
    expect(observations.map((o) => `${o.kind} ${'object' in o ? o.object : o.what}`)).toEqual([
      'snapshot subscription',
      'snapshot payment',
      'patch customer',
      'patch invoice',
    ])
    const { value, rank } = snapshotOf(observations, 'subscription')
    expect(rank.version).toEqual([1, 1572892200])
    expect(value).toMatchObject({
      customer: 'cust_C0WlbKhp3aLA7W',
      plan: { id: 'plan_BvrFKjSxauOH7N' },
      cycles: { total: 12, paid: 1, remaining: 11 },
      latestInvoice: 'inv_DEXFWVuM6rPqlK',
      metadata: { Important: 'Notes for Internal Reference' },
    })
    expect(snapshotOf(observations, 'payment').value).toMatchObject({
      status: 'succeeded',
      subscription: 'sub_DEX6xcJ1HSW4CR',
      invoice: { id: 'inv_DEXFWVuM6rPqlK' },
      amount: { minor: 100000n, currency: 'INR' },
    })
    expect(observations[3]).toMatchObject({
      id: 'inv_DEXFWVuM6rPqlK',
      fields: { status: 'paid', subscription: 'sub_DEX6xcJ1HSW4CR', period: { until: at(1572892200) } },
    })
  })

  test('a failed charge counts its attempt, with or without a payment beside it', async () => {
    const bare = (await decoded('subscription.pending')).observations.find((o) => o.kind === 'happening')
    const full = (await decoded('subscription.pending.with-payment')).observations.find((o) => o.kind === 'happening')
    expect(bare).toMatchObject({ what: 'payment_failed', attempt: 1, nextAttemptAt: at(1572978600), invoice: null })
    expect(full).toMatchObject({
      attempt: 1,
      invoice: 'inv_DEXkYmFDy966lT',
      failure: { code: 'payment_failed', message: 'Payment failed', retryable: 'unknown' },
    })
    expect(full?.kind === 'happening' && full.key).toBe(bare?.kind === 'happening' && bare.key)
  })

  test('a halted subscription plans no further attempt', async () => {
    const { observations } = await decoded('subscription.halted')
    expect(observations.find((o) => o.kind === 'happening')).toMatchObject({ attempt: 4, nextAttemptAt: null })
  })

  test('a pause stops the service and names who made it', async () => {
    const { observations } = await decoded('subscription.paused')
    expect(snapshotOf(observations, 'subscription').value.pause).toEqual({
      scope: 'service',
      from: at(1600416473),
      resumesAt: null,
      by: 'admin',
    })
  })

  test('a cancellation before the cycle is over took effect at once', async () => {
    const { observations } = await decoded('subscription.cancelled')
    expect(snapshotOf(observations, 'subscription').value).toMatchObject({
      endedAt: at(1567692729),
      cancel: { at: at(1567692729), atPeriodEnd: false, by: 'unknown' },
    })
  })

  test('the status of a payment wins over its captured flag', async () => {
    const { observations } = await decoded('payment.failed')
    expect(snapshotOf(observations, 'payment').value).toMatchObject({ status: 'failed', invoice: 'none' })
  })

  test('a paid invoice tells itself and its payment, a refund how much was given back', async () => {
    const paid = (await decoded('invoice.paid')).observations
    expect(snapshotOf(paid, 'invoice').value).toMatchObject({ status: 'paid', number: '16', subscription: null })
    expect(snapshotOf(paid, 'payment').value).toMatchObject({ invoice: { id: 'inv_DEWIP9zGRk1Col' } })
    const refunded = (await decoded('refund.processed')).observations
    expect(snapshotOf(refunded, 'payment').value.refunded).toEqual({ minor: 190000n, currency: 'INR' })
  })
})

type Loose = Record<string, unknown>

interface Payload {
  subscription: { entity: Loose } | Loose
  payment?: { entity: Loose }
}

describe('razorpay decode of bodies that differ from the samples', () => {
  async function changed(name: string, change: (subscription: Loose, payload: Payload) => void) {
    const notification = await opened(name)
    const body = structuredClone(notification.body) as unknown as {
      payload: Payload & { subscription: { entity: Loose } }
    }
    change(body.payload.subscription.entity, body.payload)
    return razorpay.decode({ ...notification, body: body as unknown as JsonObject })
  }

  test('the word resumed means active', async () => {
    const { observations } = await changed('subscription.resumed', (subscription) => {
      subscription['status'] = 'resumed'
    })
    expect(snapshotOf(observations, 'subscription').value.status).toBe('active')
  })

  test('the authorization payment of a later start proves no cycle', async () => {
    const { observations } = await changed('subscription.activated', (subscription) => {
      subscription['paid_count'] = 0
    })
    expect(snapshotOf(observations, 'subscription').value.paidThrough).toBeNull()
  })

  test('without a payment the counts prove the current cycle: as many are paid as were invoiced', async () => {
    const shown = async (counts: Loose) => {
      const { observations } = await changed('subscription.updated', (subscription) => {
        Object.assign(subscription, { total_count: 12, ...counts })
      })
      return snapshotOf(observations, 'subscription').value.paidThrough
    }
    expect(await shown({ paid_count: 3, remaining_count: 9 })).toBe(at(1570213800))
    expect(await shown({ paid_count: 3, remaining_count: 8 })).toBeNull()
    expect(await shown({ paid_count: 0, remaining_count: 12 })).toBeNull()
    expect(await shown({ paid_count: 3, remaining_count: null })).toBeNull()
    expect(await shown({ paid_count: 3, remaining_count: 9, status: 'pending' })).toBeNull()
  })

  test('completed without a captured payment proves the last cycle only if all are paid', async () => {
    const unpaid = await changed('subscription.completed', (_subscription, payload) => delete payload.payment)
    expect(snapshotOf(unpaid.observations, 'subscription').value.paidThrough).toBeNull()
    const paid = await changed('subscription.completed', (subscription, payload) => {
      delete payload.payment
      subscription['paid_count'] = 12
    })
    expect(snapshotOf(paid.observations, 'subscription').value.paidThrough).toBe(at(1601836200))
  })

  test('an entity that is listed and missing is a problem; one that is there and not listed is none', async () => {
    const { problems } = await changed('subscription.charged', (_subscription, payload) => delete payload.payment)
    expect(problems).toEqual([{ path: 'contains', message: 'payment is listed and not there' }])
    expect((await decoded('subscription.activated.immediate-start.as-printed')).problems).toEqual([])
  })

  test('a payment of a wrong shape is a problem, and the rest is told', async () => {
    for (const wrong of [{ a: 1 }, { entity: 5 }, { entity: [] }, 'pay_1']) {
      const { observations, problems } = await changed('subscription.charged', (_subscription, payload) => {
        Object.assign(payload, { payment: wrong })
      })
      expect(problems).toHaveLength(1)
      expect(problems[0]?.path).toMatch(/^payload\.payment/)
      expect(snapshotOf(observations, 'subscription').value.status).toBe('active')
    }
  })

  test('a status that is not known is a problem and the status unknown', async () => {
    const { observations, problems } = await changed('subscription.updated', (subscription) => {
      subscription['status'] = 'frozen'
    })
    expect(snapshotOf(observations, 'subscription').value).toMatchObject({
      status: 'unknown',
      providerStatus: 'frozen',
    })
    expect(problems).toEqual([{ path: 'payload.subscription.entity.status', message: 'a status that is not known' }])
  })

  test('a status of an invoice or a payment that is not known leaves the known one as it is', async () => {
    const notification = await opened('invoice.paid')
    const told = (status: unknown) => {
      const body = structuredClone(notification.body) as unknown as {
        payload: Payload & { invoice: { entity: Loose } }
      }
      body.payload.invoice.entity['status'] = status
      body.payload.payment!.entity['status'] = status
      return razorpay.decode({ ...notification, body: body as unknown as JsonObject })
    }
    const strange = told('settled')
    expect(strange.problems.map(({ path }) => path)).toEqual([
      'payload.invoice.entity.status',
      'payload.payment.entity.status',
    ])
    expect(strange.observations).toMatchObject([
      { kind: 'patch', object: 'invoice', fields: { number: '16' } },
      { kind: 'patch', object: 'payment', fields: { invoice: { id: 'inv_DEWIP9zGRk1Col' } } },
      {},
      {},
    ])
    for (const one of strange.observations) expect(one.kind === 'patch' && 'status' in one.fields).toBe(false)
    expect(told(null).observations).toMatchObject([
      { kind: 'snapshot', object: 'invoice', value: { status: 'paid' } },
      { kind: 'snapshot', object: 'payment', value: { status: 'succeeded' } },
      {},
      {},
    ])
  })

  test('counts may come as text and entities without their wrapper', async () => {
    const { observations } = await changed('subscription.updated', (subscription, payload) => {
      subscription['remaining_count'] = '52'
      payload.subscription = subscription
    })
    expect(snapshotOf(observations, 'subscription').value.cycles?.remaining).toBe(52)
  })

  test('notes link the app’s own user', async () => {
    const { observations } = await changed('subscription.updated', (subscription) => {
      subscription['notes'] = { user_id: 'u_17', plan: 'pro' }
    })
    expect(observations.at(-1)).toMatchObject({
      object: 'customer',
      id: 'cust_C0WlbKhp3aLA7W',
      fields: { users: ['u_17'] },
    })
  })

  test('a body without a subscription, and one without a time, is a problem', async () => {
    const notification = await opened('subscription.charged')
    const missing = razorpay.decode({ ...notification, body: { ...notification.body, contains: [], payload: {} } })
    expect(missing).toMatchObject({ observations: [], unknown: false, problems: [{ path: 'payload.subscription' }] })
    const timeless = razorpay.decode({ ...notification, createdAt: null })
    expect(timeless).toMatchObject({ observations: [], problems: [{ path: 'created_at' }] })
  })

  test('why a payment failed says whether trying again may help', async () => {
    const failure = async (reason: string | null, code: string) => {
      const { observations } = await changed('subscription.pending.with-payment', (_subscription, payload) => {
        payload.payment!.entity['error_reason'] = reason
        payload.payment!.entity['error_code'] = code
      })
      return snapshotOf(observations, 'payment').value.failure
    }
    expect(await failure('insufficient_funds', 'BAD_REQUEST_ERROR')).toMatchObject({ retryable: 'yes' })
    expect(await failure('card_expired', 'BAD_REQUEST_ERROR')).toMatchObject({ retryable: 'no' })
    expect(await failure(null, 'GATEWAY_ERROR')).toMatchObject({ code: 'GATEWAY_ERROR', retryable: 'yes' })
    expect(await failure('constructor', 'BAD_REQUEST_ERROR')).toMatchObject({ retryable: 'unknown' })
  })
})

test('the catalogue has every type that the provider lists, once, ten of them from the seed', () => {
  const listed: { event: string; seed: boolean }[] = JSON.parse(
    readFileSync(new URL('../../fixtures/razorpay/types.json', import.meta.url), 'utf8'),
  )
  const ours = razorpay.catalogue.map(({ type, seed }) => ({ event: type, seed }))
  const byName = (a: { event: string }, b: { event: string }) => (a.event < b.event ? -1 : 1)
  expect(ours.toSorted(byName)).toEqual(listed.toSorted(byName))
})
