import type { Dialect } from '../dialects/dialect.ts'
import { isObject } from '../model/json.ts'
import type { RetryPolicy } from '../model/retry.ts'
import type { Instant } from '../model/instant.ts'
import type { Endpoint } from '../ports/endpoint_store.ts'
import type { Transaction } from '../ports/transaction.ts'
import { typeMatcher } from './event_types.ts'
import type { DeliveryPorts } from './ports.ts'

/** An endpoint ready for use: patterns compiled, secrets and headers decrypted, policy resolved. */
export interface ActiveEndpoint {
  readonly endpoint: Endpoint
  readonly dialect: Dialect
  readonly policy: RetryPolicy
  readonly timeoutMs: number
  readonly wants: (type: string) => boolean
  readonly headers: Readonly<Record<string, string>>
  readonly secrets: readonly { readonly text: string; readonly from: Instant; readonly until: Instant | null }[]
}

/** Accounts whose endpoints are kept in memory. */
const ACCOUNTS_MAX = 10_000

/**
 * The endpoints of accounts, in memory. A batch of events compares one number per account with the store and reads the
 * endpoints only if it has changed: what was registered before an event was published, on whatever node, gets the event.
 */
export class ActiveEndpoints {
  readonly #ports: Pick<DeliveryPorts, 'endpoints' | 'dialect' | 'secretBox' | 'logger'>
  readonly #accounts = new Map<string, { revision: number; endpoints: ReadonlyMap<string, ActiveEndpoint> }>()

  constructor(ports: Pick<DeliveryPorts, 'endpoints' | 'dialect' | 'secretBox' | 'logger'>) {
    this.#ports = ports
  }

  /** The endpoints of each account as the store has them now. */
  async fresh(
    transaction: Transaction | null,
    accounts: readonly string[],
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, ActiveEndpoint>>> {
    const revisions = await this.#ports.endpoints.revisions(transaction, accounts)
    const found = new Map<string, ReadonlyMap<string, ActiveEndpoint>>()
    for (const account of accounts) {
      const revision = revisions.get(account) ?? 0
      const known = this.#accounts.get(account)
      if (known?.revision === revision) found.set(account, known.endpoints)
      else found.set(account, await this.#load(transaction, account, revision))
    }
    return found
  }

  /** One endpoint as it was last seen, at most a heartbeat ago; null if it is gone. */
  async one(account: string, id: string): Promise<ActiveEndpoint | null> {
    const known = this.#accounts.get(account)
    if (known !== undefined) return known.endpoints.get(id) ?? null
    return (await this.fresh(null, [account])).get(account)?.get(id) ?? null
  }

  /** The same without asking the store: undefined if the account is not in memory. */
  peek(account: string, id: string): ActiveEndpoint | null | undefined {
    const known = this.#accounts.get(account)
    return known === undefined ? undefined : (known.endpoints.get(id) ?? null)
  }

  /** Compares all accounts in memory with the store. */
  async refresh(): Promise<void> {
    const accounts = [...this.#accounts.keys()]
    for (let i = 0; i < accounts.length; i += 500) await this.fresh(null, accounts.slice(i, i + 500))
  }

  async #load(
    transaction: Transaction | null,
    account: string,
    revision: number,
  ): Promise<ReadonlyMap<string, ActiveEndpoint>> {
    const endpoints = new Map<string, ActiveEndpoint>()
    for (const endpoint of await this.#ports.endpoints.all(transaction, account)) {
      const active = this.#compile(endpoint)
      if (active !== null) endpoints.set(endpoint.id, active)
    }
    // What an open transaction sees may be rolled back: only what is committed is kept.
    if (transaction === null) {
      this.#accounts.delete(account)
      this.#accounts.set(account, { revision, endpoints })
      const oldest = this.#accounts.keys().next()
      if (this.#accounts.size > ACCOUNTS_MAX && oldest.done !== true) this.#accounts.delete(oldest.value)
    }
    return endpoints
  }

  #compile(endpoint: Endpoint): ActiveEndpoint | null {
    const dialect = this.#ports.dialect(endpoint.dialect)
    if (dialect === null) {
      this.#ports.logger.error({ endpoint: endpoint.id, dialect: endpoint.dialect }, 'endpoint of an unknown dialect')
      return null
    }
    const policy = endpoint.retry ?? dialect.retry
    const { secretBox } = this.#ports
    return {
      endpoint,
      dialect,
      policy,
      timeoutMs: endpoint.timeoutMs ?? policy.timeoutMs,
      wants: typeMatcher(endpoint.eventTypes),
      headers: endpoint.lockedHeaders === null ? {} : headersOf(secretBox.unlock(endpoint.lockedHeaders)),
      secrets: endpoint.secrets.map(({ locked, from, until }) => ({ text: secretBox.unlock(locked), from, until })),
    }
  }
}

function headersOf(text: string): Readonly<Record<string, string>> {
  const value: unknown = JSON.parse(text)
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
}
