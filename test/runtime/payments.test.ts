import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Webhook } from 'standardwebhooks'
import type { SandboxBehavior } from '../../src/model/entities.ts'
import { addMs, instant } from '../../src/model/instant.ts'
import { money, zero } from '../../src/model/money.ts'
import type { ChargeRequest } from '../../src/ports/payments.ts'
import type { HttpClient } from '../../src/ports/http.ts'
import { createHttpPayments } from '../../src/runtime/payments_http.ts'
import { createSandboxPayments, SANDBOX_PROCESSING_MS } from '../../src/runtime/payments_sandbox.ts'

const AT = instant(Date.UTC(2026, 0, 1))
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

const request = (behavior: SandboxBehavior | null, over: Partial<ChargeRequest> = {}): ChargeRequest => ({
  account: 'acct_1',
  idempotencyKey: 'pay_1:1',
  attempt: 1,
  asked: 0,
  amount: money(5000, 'EUR'),
  at: AT,
  invoice: null,
  payment: {
    id: 'pay_1',
    customer: 'cus_1',
    invoice: null,
    subscription: null,
    amount: money(5000, 'EUR'),
    status: 'initiated',
    method: 'pm_1',
    attempt: 1,
    failure: null,
    refunded: zero('EUR'),
    createdAt: AT,
    updatedAt: AT,
    decidedAt: null,
  },
  customer: {
    id: 'cus_1',
    type: 'user',
    name: null,
    email: null,
    phone: null,
    user: null,
    currency: 'EUR',
    defaultPaymentMethod: 'pm_1',
    metadata: {},
    invoiceCount: 0,
    createdAt: AT,
    updatedAt: AT,
    deletedAt: null,
  },
  method:
    behavior === null
      ? null
      : {
          id: 'pm_1',
          customer: 'cus_1',
          type: 'card',
          brand: 'visa',
          last4: '4242',
          expMonth: 12,
          expYear: 2034,
          behavior,
          script: [],
          createdAt: AT,
          detachedAt: null,
        },
  ...over,
})

describe('the sandbox payment service', () => {
  const payments = createSandboxPayments()

  it.each([
    ['pays', { outcome: 'succeeded' }],
    ['declines', { outcome: 'failed', failure: { code: 'card_declined', retryable: 'yes' } }],
    ['insufficient_funds', { outcome: 'failed', failure: { code: 'insufficient_funds', retryable: 'yes' } }],
    ['expired', { outcome: 'failed', failure: { code: 'expired_card', retryable: 'no' } }],
    ['needs_action', { outcome: 'action_required' }],
  ] as const)('does what a method that %s does', async (behavior, outcome) => {
    expect(await payments.charge(request(behavior))).toMatchObject(outcome)
  })

  it('cannot charge without a method, and says that trying again is of no use', async () => {
    expect(await payments.charge(request(null))).toMatchObject({ outcome: 'failed', failure: { retryable: 'no' } })
  })

  it('answers late, and then with the outcome', async () => {
    expect(await payments.charge(request('processing_then_fails'))).toMatchObject({
      outcome: 'later',
      expectedAt: addMs(AT, SANDBOX_PROCESSING_MS),
    })
    expect(await payments.charge(request('processing_then_fails', { asked: 1 }))).toMatchObject({ outcome: 'failed' })
    expect(await payments.charge(request('processing_then_pays', { asked: 1 }))).toMatchObject({ outcome: 'succeeded' })
  })

  it('follows a script attempt by attempt, and then the method’s behaviour', async () => {
    const scripted = request('pays')
    const method =
      scripted.method === null ? null : { ...scripted.method, script: ['declines', 'insufficient_funds'] as const }
    const codes = await Promise.all(
      [1, 2, 3].map(async (attempt) => {
        const answer = await payments.charge({ ...scripted, method, attempt })
        return answer.outcome === 'failed' ? answer.failure.code : answer.outcome
      }),
    )
    expect(codes).toEqual(['card_declined', 'insufficient_funds', 'succeeded'])
  })
})

describe('the HTTP payment service', () => {
  let server: Server | null = null
  afterEach(() => {
    server?.close()
    server = null
  })

  /** A service of the user's own that answers with what it is given. */
  async function serve(status: number, answer: string) {
    const seen: { headers: Record<string, string>; body: string }[] = []
    const listening = createServer((incoming, response) => {
      const parts: Buffer[] = []
      incoming.on('data', (part: Buffer) => parts.push(part))
      incoming.on('end', () => {
        seen.push({ headers: incoming.headers as Record<string, string>, body: Buffer.concat(parts).toString() })
        response.writeHead(status, { 'content-type': 'application/json' }).end(answer)
      })
    })
    server = listening
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/charge`
    const clock = { now: () => instant(Date.now()), until: () => Promise.resolve() }
    return { seen, payments: createHttpPayments({ url, secret: SECRET, timeoutMs: 5000 }, plainClient, clock) }
  }

  it('asks with an idempotency key, signed so that the Standard Webhooks library verifies it', async () => {
    const { seen, payments } = await serve(200, '{"outcome":"succeeded","reference":"ch_9"}')
    expect(await payments.charge(request('pays'))).toEqual({ outcome: 'succeeded', reference: 'ch_9' })
    const [asked] = seen
    expect(asked?.headers['idempotency-key']).toBe('pay_1:1')
    expect(new Webhook(SECRET).verify(asked!.body, asked!.headers)).toMatchObject({
      type: 'charge',
      amount: { minor: '5000', currency: 'EUR' },
      attempt: 1,
    })
  })

  it.each([
    ['a status that is no success', 500, '{"outcome":"succeeded"}'],
    ['no JSON', 200, 'yes'],
    ['an outcome that is not known', 200, '{"outcome":"maybe"}'],
  ])('does not guess what became of the money after %s', async (_what, status, answer) => {
    const { payments } = await serve(status, answer)
    await expect(payments.charge(request('pays'))).rejects.toMatchObject({ code: 'payment_port_failed' })
  })

  it('does not guess when nobody answers', async () => {
    const clock = { now: () => AT, until: () => Promise.resolve() }
    const payments = createHttpPayments(
      { url: 'http://127.0.0.1:1/', secret: SECRET, timeoutMs: 500 },
      plainClient,
      clock,
    )
    await expect(payments.charge(request('pays'))).rejects.toMatchObject({ code: 'payment_port_failed' })
  })

  it('refuses a secret that is none', () => {
    const clock = { now: () => AT, until: () => Promise.resolve() }
    expect(() =>
      createHttpPayments({ url: 'http://127.0.0.1:1/', secret: 'hunter2', timeoutMs: 1 }, plainClient, clock),
    ).toThrow(/whsec_/)
  })
})

/** The least that is an HTTP client: the adapter under test needs no more. */
const plainClient: HttpClient = {
  async send({ url, headers, body, timeoutMs }) {
    const timing = { connectMs: null, firstByteMs: null, totalMs: 0 }
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body: body === null ? null : Buffer.from(body),
        signal: AbortSignal.timeout(timeoutMs),
      })
      const bytes = new Uint8Array(await response.arrayBuffer())
      return { ok: true, status: response.status, headers: {}, body: bytes, truncated: false, timing }
    } catch (error) {
      return { ok: false, reason: 'connect', detail: String(error), timing }
    }
  },
}
