import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import type { Sending } from '../../src/app/sending/create_sending.ts'
import { addMs, HOUR_MS, instant } from '../../src/model/instant.ts'
import type { Instant } from '../../src/model/instant.ts'
import { UndiciHttpClient } from '../../src/runtime/http_client.ts'
import { Guard, GUARD_DEFAULTS } from '../../src/runtime/ssrf.ts'
import { stripeSeedRetry } from '../../src/dialects/stripe/retry.ts'
import { describeOnBackends } from '../support/backends.ts'
import { ACCOUNT, eventTypes, monthlyAccount, NO_KEY, sendingOn, SUBSCRIBE } from './support.ts'

const DIALECT = 'stripe@2025-02-24.acacia'
const RENEWAL = instant(Date.UTC(2026, 1, 1))

/** A real server of the user's: `answer` says what becomes of a request; null: it never answers. */
async function listen(answer: (type: string) => number | null) {
  const seen: string[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { type } = JSON.parse(Buffer.concat(parts).toString()) as { type: string }
      seen.push(type)
      const status = answer(type)
      if (status !== null) response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    seen,
    url: `http://127.0.0.1:${port}/hook`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const paidAt = async (sending: Sending): Promise<readonly Instant[]> => {
  const page = await sending.delivery.inspection.events(ACCOUNT, { type: 'invoice.payment_succeeded', order: 'oldest' })
  return page.items.map(({ createdAt }) => createdAt)
}

describeOnBackends('the payment gate of the seed, over real HTTP', (open) => {
  async function renewing(url: string, more: readonly string[] = [], timeoutMs = 10_000) {
    const http = new UndiciHttpClient(new Guard({ ...GUARD_DEFAULTS, allowLoopback: true, allowHttp: true }))
    const sending = sendingOn(await open(), { http })
    const customer = await monthlyAccount(sending, DIALECT)
    await sending.billing.updateAccount(ACCOUNT, { profile: { gate: 'classic' } })
    for (const each of [url, ...more]) {
      await sending.delivery.endpoints.create(ACCOUNT, {
        url: each,
        dialect: DIALECT,
        eventTypes: ['invoice.created'],
        retry: { ...stripeSeedRetry, jitter: 0 },
        timeoutMs,
        connected: each !== url,
      })
    }
    await sending.billing.execute(ACCOUNT, SUBSCRIBE, { ...NO_KEY, customer })
    await sending.advance(ACCOUNT, addMs(RENEWAL, -HOUR_MS))
    return { sending, [Symbol.asyncDispose]: () => http[Symbol.asyncDispose]() }
  }

  it('charges at the acknowledgement when the endpoint fails and recovers hours later', async () => {
    let status = 200
    await using server = await listen(() => status)
    await using end = await renewing(server.url)
    status = 503
    await end.sending.advance(ACCOUNT, addMs(RENEWAL, 4 * HOUR_MS + HOUR_MS / 2))
    expect(await paidAt(end.sending)).toHaveLength(1)
    expect(server.seen.filter((type) => type === 'invoice.created')).toHaveLength(6)
    status = 200
    await end.sending.advance(ACCOUNT, addMs(RENEWAL, 6 * HOUR_MS))
    expect((await paidAt(end.sending)).at(1)).toBe(addMs(RENEWAL, 5 * HOUR_MS))
  })

  it('charges anyway after 72 hours when the endpoint never answers, and not before', async () => {
    let silent = false
    await using server = await listen(() => (silent ? null : 200))
    await using end = await renewing(server.url, [], 100)
    silent = true
    await end.sending.advance(ACCOUNT, addMs(RENEWAL, 71 * HOUR_MS))
    expect(await paidAt(end.sending)).toHaveLength(1)
    await end.sending.advance(ACCOUNT, addMs(RENEWAL, 73 * HOUR_MS))
    expect((await paidAt(end.sending)).at(1)).toBe(addMs(RENEWAL, 72 * HOUR_MS))
  })

  it('waits for the endpoint of a connected application too', async () => {
    let status = 200
    await using ours = await listen(() => 200)
    await using theirs = await listen(() => status)
    await using end = await renewing(ours.url, [theirs.url])
    status = 500
    await end.sending.advance(ACCOUNT, addMs(RENEWAL, 2 * HOUR_MS))
    expect(await paidAt(end.sending)).toHaveLength(1)
    status = 200
    await end.sending.advance(ACCOUNT, addMs(RENEWAL, 3 * HOUR_MS))
    expect((await paidAt(end.sending)).at(1)).toBe(addMs(RENEWAL, 3 * HOUR_MS))
  })

  it('charges about an hour after creation when nobody listens', async () => {
    const sending = sendingOn(await open())
    const customer = await monthlyAccount(sending, DIALECT)
    await sending.billing.updateAccount(ACCOUNT, { profile: { gate: 'classic' } })
    await sending.billing.execute(ACCOUNT, SUBSCRIBE, { ...NO_KEY, customer })
    await sending.advance(ACCOUNT, addMs(RENEWAL, 2 * HOUR_MS))
    expect((await paidAt(sending)).at(1)).toBe(addMs(RENEWAL, HOUR_MS))
    expect((await eventTypes(sending)).filter((type) => type === 'invoice.created')).toHaveLength(2)
  })
})
