import { createSending } from '../../src/app/sending/create_sending.ts'
import type { Sending } from '../../src/app/sending/create_sending.ts'
import { dialectOf } from '../../src/dialects/registry.ts'
import { instant } from '../../src/model/instant.ts'
import type { Instant } from '../../src/model/instant.ts'
import { money } from '../../src/model/money.ts'
import type { Command } from '../../src/model/commands.ts'
import type { HttpClient, HttpRequest } from '../../src/ports/http.ts'
import type { Payments } from '../../src/ports/payments.ts'
import { createManualClock } from '../../src/runtime/manual_clock.ts'
import { createSandboxPayments } from '../../src/runtime/payments_sandbox.ts'
import { createSecretBox } from '../../src/runtime/secret_box.ts'
import { createSeededRandom } from '../../src/runtime/system_random.ts'
import type { Database } from '../../src/storage/database.ts'

export const START = instant(Date.UTC(2026, 0, 1))
export const ACCOUNT = 'acct'

const ignore = () => undefined
const TIMING = { connectMs: 0, firstByteMs: 0, totalMs: 0 }

/** An endpoint's server in this process: keeps what it is sent and answers with a status of the test's choice. */
export class Sink implements HttpClient {
  status = 200
  readonly requests: HttpRequest[] = []

  send(request: HttpRequest) {
    this.requests.push(request)
    return Promise.resolve({
      ok: true as const,
      status: this.status,
      headers: {},
      body: new Uint8Array(),
      truncated: false,
      timing: TIMING,
    })
  }

  get bodies(): readonly string[] {
    return this.requests.map(({ body }) => Buffer.from(body ?? []).toString())
  }
}

export function sendingOn(
  database: Database,
  parts: { http?: HttpClient; payments?: Payments; seed?: string; now?: Instant } = {},
): Sending {
  return createSending({
    database,
    clock: createManualClock(parts.now ?? START),
    random: createSeededRandom(parts.seed ?? 'billing'),
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    metrics: { count: ignore, gauge: ignore, observe: ignore },
    secretBox: createSecretBox(new Uint8Array(32).fill(7)),
    guard: { check: () => Promise.resolve({ ok: true }) },
    http: parts.http ?? new Sink(),
    dialect: (id) => dialectOf(id),
    mailer: { send: () => Promise.resolve() },
    payments: parts.payments ?? createSandboxPayments(),
  })
}

export const NO_KEY = { idempotencyKey: null, requestId: null }

/** An account on a test clock with one monthly price `basic` of 50 EUR, and a customer who can pay. */
export async function monthlyAccount(sending: Sending, dialect = 'stripe@2025-02-24.acacia'): Promise<string> {
  const { billing } = sending
  await billing.createAccount({
    id: ACCOUNT,
    name: 'Test',
    dialect,
    clock: { name: null, now: START },
    seed: 'fixed',
    profile: {},
  })
  await billing.executeCatalog(
    ACCOUNT,
    { kind: 'product.create', id: 'prod', name: 'Product', description: null, features: [] },
    NO_KEY,
  )
  await billing.executeCatalog(
    ACCOUNT,
    {
      kind: 'price.create',
      id: 'basic',
      product: 'prod',
      code: 'basic',
      name: 'Basic',
      group: null,
      currency: 'EUR',
      interval: { unit: 'month', count: 1 },
      scheme: 'per_unit',
      unitAmount: money(5000, 'EUR'),
      tiers: [],
      usage: 'licensed',
      meter: null,
      billed: null,
    },
    NO_KEY,
  )
  const { customer } = await billing.execute(
    ACCOUNT,
    {
      kind: 'customer.create',
      fields: { name: 'Ada', email: 'ada@customers.example', user: 'user_1' },
      method: {
        id: null,
        type: 'card',
        brand: 'visa',
        last4: '4242',
        expMonth: 12,
        expYear: 2034,
        behavior: 'pays',
        script: [],
      },
    },
    { ...NO_KEY, customer: null },
  )
  return customer
}

export const SUBSCRIBE: Command = {
  kind: 'subscription.create',
  id: 'sub',
  items: [{ price: 'basic', quantity: 1 }],
}

/** Types of all events of the account's own dialect, oldest first. */
export async function eventTypes(sending: Sending): Promise<readonly string[]> {
  const types: string[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<Sending['delivery']['inspection']['events']>> =
      await sending.delivery.inspection.events(ACCOUNT, { order: 'oldest' }, { cursor, limit: 200 })
    types.push(...page.items.map(({ type }) => type))
    cursor = page.next
  } while (cursor !== null)
  return types
}
