import { randomBytes } from 'node:crypto'
import { createDelivery } from '../../src/delivery/create_delivery.ts'
import type { Delivery } from '../../src/delivery/create_delivery.ts'
import type { DeliveryOptions } from '../../src/delivery/limits.ts'
import type { DeliveryPorts, OnSettled, Settlement } from '../../src/delivery/ports.ts'
import type { NewEvent } from '../../src/delivery/publisher.ts'
import { findDialect } from './dialects.ts'
import { instant } from '../../src/model/instant.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { DeliveryAccount } from '../../src/ports/delivery_accounts.ts'
import type { Mail } from '../../src/ports/mail.ts'
import { NO_TRACING } from '../../src/ports/tracing.ts'
import { UndiciHttpClient } from '../../src/runtime/http_client.ts'
import { createSecretBox } from '../../src/runtime/secret_box.ts'
import { GUARD_DEFAULTS, Guard } from '../../src/runtime/ssrf.ts'
import { createSystemClock } from '../../src/runtime/system_clock.ts'
import { createSystemRandom } from '../../src/runtime/system_random.ts'
import type { Database } from '../../src/storage/database.ts'
import { createDeliveryStores } from '../../src/storage/delivery_store.ts'

export const NOON = instant(Date.UTC(2026, 0, 1, 12))

/** An engine with everything it needs, over a real store and real HTTP. */
export interface Rig extends AsyncDisposable {
  readonly delivery: Delivery
  readonly ports: DeliveryPorts
  readonly settled: Settlement[]
  readonly mails: Mail[]
  /** Lines of the log, as JSON. */
  readonly logged: string[]
  /** Accounts by id; tests change them. */
  readonly accounts: Map<string, DeliveryAccount>
}

export const LOCK_KEY = new Uint8Array(32).fill(7)

export function realAccount(change: Partial<DeliveryAccount> = {}): DeliveryAccount {
  return {
    id: 'acme',
    dialect: 'standard',
    livemode: true,
    clock: { kind: 'real' },
    ownerMail: 'owner@example.com',
    verifiesOwnership: false,
    ...change,
  }
}

export function makeRig(
  database: Database,
  settings: {
    readonly accounts?: readonly DeliveryAccount[]
    readonly clock?: Clock
    readonly options?: Partial<DeliveryOptions>
    readonly onSettled?: OnSettled
    readonly ports?: Partial<DeliveryPorts>
  } = {},
): Rig {
  const accounts = new Map((settings.accounts ?? [realAccount()]).map((account) => [account.id, account]))
  const settled: Settlement[] = []
  const mails: Mail[] = []
  const logged: string[] = []
  const line = (fields: unknown, message: string) => void logged.push(JSON.stringify({ fields, message }))
  const guard = new Guard({ ...GUARD_DEFAULTS, allowLoopback: true })
  const http = new UndiciHttpClient(guard)
  const ports: DeliveryPorts = {
    transactions: database,
    ...createDeliveryStores(database),
    clock: settings.clock ?? createSystemClock(),
    random: createSystemRandom(),
    http,
    guard,
    secretBox: createSecretBox(LOCK_KEY),
    mailer: { send: async (mail) => void mails.push(mail) },
    logger: { debug: line, info: line, warn: line, error: line },
    metrics: { count: () => undefined, gauge: () => undefined, observe: () => undefined },
    tracing: NO_TRACING,
    dialect: findDialect,
    account: async (id) => accounts.get(id) ?? null,
    ...settings.ports,
  }
  const delivery = createDelivery(ports, {
    options: { pollMs: 20, heartbeatMs: 50, deadAfterMs: 500, ...settings.options },
    onSettled: async (settlements) => {
      settled.push(...settlements)
      await settings.onSettled?.(settlements)
    },
  })
  return {
    delivery,
    ports,
    settled,
    mails,
    logged,
    accounts,
    async [Symbol.asyncDispose]() {
      await delivery.stop(500)
      await http[Symbol.asyncDispose]()
    },
  }
}

export function event(
  type: string,
  data: Readonly<Record<string, string | number>> = {},
  change: Partial<NewEvent> = {},
): NewEvent {
  return {
    content: { kind: 'standard', type, data },
    key: null,
    subject: null,
    customer: null,
    endpoint: null,
    ...change,
  }
}

/** Waits for a condition that real I/O brings about; never a fixed time. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 20_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`it did not happen: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export function newKey(): string {
  return randomBytes(8).toString('hex')
}
