import { describe, expect, it } from 'vitest'
import { addMs, DAY_MS, HOUR_MS, instant } from '../../src/model/instant.ts'
import type { ChargeOutcome, Payments } from '../../src/ports/payments.ts'
import { BillhookError } from '../../src/model/error.ts'
import { describeOnBackends } from '../support/backends.ts'
import { ACCOUNT, eventTypes, monthlyAccount, NO_KEY, sendingOn, Sink, START, SUBSCRIBE } from './support.ts'

const ENDPOINT = {
  url: 'https://customer.example/hook',
  dialect: 'stripe@2025-02-24.acacia',
  eventTypes: ['*'],
}

describeOnBackends('the billing system', (open) => {
  it('renews a subscription for a year in one advance, each month once and in order', async () => {
    const sending = sendingOn(await open())
    const customer = await monthlyAccount(sending)
    await sending.billing.execute(ACCOUNT, SUBSCRIBE, { ...NO_KEY, customer })
    await sending.advance(ACCOUNT, instant(Date.UTC(2027, 0, 1, 2)))
    const types = await eventTypes(sending)
    expect(types.filter((type) => type === 'invoice.paid')).toHaveLength(13)
    const stored = await sending.billing.store.entity(ACCOUNT, 'subscription', 'sub')
    expect(stored?.value).toMatchObject({ status: 'active', cycles: { paid: 13 } })
    expect((await sending.billing.account(ACCOUNT)).clock).toMatchObject({
      now: instant(Date.UTC(2027, 0, 1, 2)),
      target: null,
    })
  })

  it('gives the same bytes for the same seed and the same commands', async () => {
    const runs = []
    for (let run = 0; run < 2; run += 1) {
      const sink = new Sink()
      const sending = sendingOn(await open(), { http: sink })
      const customer = await monthlyAccount(sending)
      await sending.delivery.endpoints.create(ACCOUNT, { ...ENDPOINT, secret: 'whsec_fixed' })
      await sending.billing.execute(ACCOUNT, SUBSCRIBE, { ...NO_KEY, customer })
      await sending.advance(ACCOUNT, instant(Date.UTC(2026, 2, 1, 2)))
      runs.push(sink.requests.map(({ headers, body }) => [headers, Buffer.from(body ?? []).toString()]))
    }
    expect(runs[0]?.length).toBeGreaterThan(20)
    expect(runs[1]).toEqual(runs[0])
  })

  it('answers a repeated idempotency key with the first answer and acts once', async () => {
    const sending = sendingOn(await open())
    const customer = await monthlyAccount(sending)
    const options = { ...NO_KEY, customer, idempotencyKey: 'key-1' }
    const { kind, items } = SUBSCRIBE as Extract<typeof SUBSCRIBE, { kind: 'subscription.create' }>
    const command = { kind, items, id: null }
    const first = await sending.billing.execute(ACCOUNT, command, options)
    const second = await sending.billing.execute(ACCOUNT, command, options)
    expect(second).toEqual({ ...first, repeated: true })
    const page = await sending.billing.store.entities({
      account: ACCOUNT,
      kind: 'subscription',
      customer: null,
      after: null,
      limit: 10,
    })
    expect(page.entities).toHaveLength(1)
    const other = { ...command, items: [{ price: 'basic', quantity: 2 }] }
    await expect(sending.billing.execute(ACCOUNT, other, options)).rejects.toMatchObject({
      code: 'idempotency_conflict',
    })
  })

  it.each([
    ['to cancel what is canceled', { kind: 'subscription.cancel', id: 'sub', when: 'now', by: 'admin', reason: null }],
    ['to resume what is not paused', { kind: 'subscription.resume', id: 'sub', by: 'admin', anchor: 'now' }],
    ['a plan that does not exist', { kind: 'subscription.create', id: null, items: [{ price: 'gold', quantity: 1 }] }],
    [
      'usage on a price that is not metered',
      { kind: 'usage.report', subscription: 'sub', meter: 'm', quantity: '1', mode: 'total' },
    ],
    [
      'a quantity that is out of range',
      { kind: 'subscription.create', id: null, items: [{ price: 'basic', quantity: -1 }] },
    ],
  ] as const)('refuses %s and changes nothing', async (_what, command) => {
    const sending = sendingOn(await open())
    const customer = await monthlyAccount(sending)
    await sending.billing.execute(ACCOUNT, SUBSCRIBE, { ...NO_KEY, customer })
    const cancel = { kind: 'subscription.cancel', id: 'sub', when: 'now', by: 'admin', reason: null } as const
    await sending.billing.execute(ACCOUNT, cancel, { ...NO_KEY, customer: null })
    const before = [await eventTypes(sending), await sending.billing.store.peek(null, ACCOUNT, customer)]
    await expect(sending.billing.execute(ACCOUNT, command, { ...NO_KEY, customer })).rejects.toBeInstanceOf(
      BillhookError,
    )
    expect([await eventTypes(sending), await sending.billing.store.peek(null, ACCOUNT, customer)]).toEqual(before)
  })

  it('does not let a test clock go back, and leaves it where it was', async () => {
    const sending = sendingOn(await open())
    await monthlyAccount(sending)
    await sending.advance(ACCOUNT, addMs(START, DAY_MS))
    await expect(sending.advance(ACCOUNT, START)).rejects.toMatchObject({ code: 'clock_backwards' })
    const millennium = sending.advance(ACCOUNT, addMs(START, 1000 * 365 * DAY_MS))
    await expect(millennium).rejects.toMatchObject({ code: 'invalid_request', details: { field: 'to' } })
    expect((await sending.billing.account(ACCOUNT)).clock).toMatchObject({ now: addMs(START, DAY_MS), target: null })
  })

  it('says what is due next, and advances to it', async () => {
    const sending = sendingOn(await open())
    const customer = await monthlyAccount(sending)
    await sending.billing.execute(ACCOUNT, SUBSCRIBE, { ...NO_KEY, customer })
    const next = await sending.nextDue(ACCOUNT)
    expect(next).toBeGreaterThan(START)
    await sending.advance(ACCOUNT, null)
    expect((await sending.billing.account(ACCOUNT)).clock?.now).toBe(next)
  })

  it('holds an invoice until its creation is acknowledged, also when the process was another one meanwhile', async () => {
    const database = await open()
    const sink = new Sink()
    const first = sendingOn(database, { http: sink })
    const customer = await monthlyAccount(first)
    await first.delivery.endpoints.create(ACCOUNT, ENDPOINT)
    await first.billing.execute(ACCOUNT, SUBSCRIBE, { ...NO_KEY, customer })
    // An endpoint that had failed for days would be disabled by now, and hold up nothing.
    await first.advance(ACCOUNT, instant(Date.UTC(2026, 0, 31)))
    sink.status = 500
    await first.advance(ACCOUNT, instant(Date.UTC(2026, 1, 1, 3)))
    const paid = async (sending: typeof first) =>
      (await eventTypes(sending)).filter((type) => type === 'invoice.paid').length
    expect(await paid(first)).toBe(1)
    // Another process takes over; the endpoint recovers.
    const second = sendingOn(database, { http: sink, seed: 'another process' })
    sink.status = 200
    await second.advance(ACCOUNT, instant(Date.UTC(2026, 1, 3)))
    expect(await paid(second)).toBe(2)
  })

  it('charges anyway after 72 hours without an acknowledgement', async () => {
    const sink = new Sink()
    const sending = sendingOn(await open(), { http: sink })
    const customer = await monthlyAccount(sending)
    await sending.delivery.endpoints.create(ACCOUNT, ENDPOINT)
    await sending.billing.execute(ACCOUNT, SUBSCRIBE, { ...NO_KEY, customer })
    // An endpoint that had failed for days would be disabled by now, and hold up nothing.
    await sending.advance(ACCOUNT, instant(Date.UTC(2026, 0, 31)))
    sink.status = 500
    await sending.advance(ACCOUNT, addMs(instant(Date.UTC(2026, 1, 1)), 71 * HOUR_MS))
    expect((await eventTypes(sending)).filter((type) => type === 'invoice.paid')).toHaveLength(1)
    await sending.advance(ACCOUNT, addMs(instant(Date.UTC(2026, 1, 1)), 74 * HOUR_MS))
    expect((await eventTypes(sending)).filter((type) => type === 'invoice.paid')).toHaveLength(2)
  })

  describe('with a payment service of the user’s own', () => {
    /** A service that keeps to its promise: one key, one charge. `answers` says what becomes of each request for one. */
    function service(answers: (asked: number) => ChargeOutcome | 'lost') {
      const charges = new Map<string, ChargeOutcome>()
      const asked: string[] = []
      const payments: Payments = {
        local: false,
        charge: (request) => {
          asked.push(request.idempotencyKey)
          const times = asked.filter((key) => key === request.idempotencyKey).length
          const answer = answers(times)
          if (!charges.has(request.idempotencyKey) && answer !== 'lost') charges.set(request.idempotencyKey, answer)
          if (answer === 'lost') {
            // The money moved, and the answer did not arrive.
            charges.set(request.idempotencyKey, { outcome: 'succeeded', reference: 'ch' })
            return Promise.reject(new BillhookError('payment_port_failed', 'no answer'))
          }
          return Promise.resolve(charges.get(request.idempotencyKey) ?? answer)
        },
        refund: () => Promise.resolve({ outcome: 'succeeded' }),
      }
      return { payments, charges, asked }
    }

    it('asks again with the same key when the answer was lost, and charges once', async () => {
      const { payments, charges, asked } = service((times) =>
        times < 3 ? 'lost' : { outcome: 'succeeded', reference: 'ch' },
      )
      const sending = sendingOn(await open(), { payments })
      const customer = await monthlyAccount(sending)
      await sending.billing.execute(ACCOUNT, SUBSCRIBE, { ...NO_KEY, customer })
      await sending.advance(ACCOUNT, addMs(START, HOUR_MS))
      expect(charges.size).toBe(1)
      expect(new Set(asked).size).toBe(1)
      expect(asked).toHaveLength(3)
      expect((await eventTypes(sending)).filter((type) => type === 'invoice.paid')).toHaveLength(1)
    })

    it('waits for an answer that comes later, and takes it once', async () => {
      const { payments } = service(() => ({ outcome: 'later', reference: null, expectedAt: null }))
      const sending = sendingOn(await open(), { payments })
      const customer = await monthlyAccount(sending)
      await sending.billing.execute(ACCOUNT, SUBSCRIBE, { ...NO_KEY, customer })
      await sending.settle(ACCOUNT)
      const paid = async () => (await eventTypes(sending)).filter((type) => type === 'invoice.paid').length
      expect(await paid()).toBe(0)
      const stored = await sending.billing.store.entities({
        account: ACCOUNT,
        kind: 'payment',
        customer,
        after: null,
        limit: 1,
      })
      const key = `${stored.entities[0]?.id}:1`
      await sending.billing.settleCharge(ACCOUNT, key, { outcome: 'succeeded', reference: 'ch' })
      await sending.billing.settleCharge(ACCOUNT, key, { outcome: 'succeeded', reference: 'ch' })
      expect(await paid()).toBe(1)
      const unknown = sending.billing.settleCharge(ACCOUNT, 'pay_unknown:1', { outcome: 'succeeded', reference: null })
      await expect(unknown).rejects.toMatchObject({ code: 'not_found' })
    })
  })
})
