import { BillhookError } from '../model/error.ts'
import type { CatalogueEntry, Dialect } from '../dialects/dialect.ts'
import type { Instant } from '../model/instant.ts'
import type { DeliveryAccount } from '../ports/delivery_accounts.ts'
import type { DisabledReason, Endpoint, EndpointState } from '../ports/endpoint_store.ts'
import type { Transaction } from '../ports/transaction.ts'
import { BASE62, deriveId } from '../wire/ids.ts'
import type { ActiveEndpoints } from './active_endpoints.ts'
import { challengeEndpoint } from './challenge.ts'
import { requireEndpoint } from './endpoint_input.ts'
import type { EndpointChange, EndpointInput } from './endpoint_input.ts'
import { requireEventTypes } from './event_types.ts'
import { ENDPOINTS_MAX, IN_FLIGHT_DEFAULT } from './limits.ts'
import { OPERATOR_EVENT_TYPES, STANDARD } from './operator_events.ts'
import { timeOf } from './ports.ts'
import type { DeliveryPorts } from './ports.ts'
import { rotate } from './rotation.ts'
import type { SigningKeys } from './signing_keys.ts'

/** An endpoint just registered or rotated, with its secret: it is shown once. */
export interface EndpointWithSecret {
  readonly endpoint: Endpoint
  /** Null for dialects that sign with a key pair. */
  readonly secret: string | null
}

const NO_HEALTH = { failingSince: null, lastSuccessAt: null, lastFailureAt: null, warnedAt: null } as const

/** How often a change is tried again that met another one at the same moment. */
const TRIES = 5

/** Registers endpoints and changes them. */
export class Endpoints {
  readonly #ports: DeliveryPorts
  readonly #active: ActiveEndpoints
  readonly #keys: SigningKeys
  readonly #wake: () => void

  constructor(ports: DeliveryPorts, active: ActiveEndpoints, keys: SigningKeys, wake: () => void) {
    this.#ports = ports
    this.#active = active
    this.#keys = keys
    this.#wake = wake
  }

  /**
   * Registers an endpoint, enabled unless the account asks for proof of ownership first.
   *
   * @param id chosen by the caller; null: minted
   * @throws BillhookError `not_found` (account), `unknown_dialect`, `endpoint_refused`, `invalid_request`, `conflict`
   */
  async create(accountId: string, input: EndpointInput, id: string | null = null): Promise<EndpointWithSecret> {
    const account = await this.#account(accountId)
    const dialect = this.#dialect(input.dialect)
    requireEndpoint(input)
    await this.#requireUrl(input.url)
    if ((await this.#ports.endpoints.all(null, accountId)).length >= ENDPOINTS_MAX)
      throw new BillhookError('invalid_request', `the account has ${ENDPOINTS_MAX} endpoints, which is the most`)
    const now = timeOf(account, this.#ports.clock.now())
    const secret = this.#newSecret(dialect, input.secret ?? null)
    const endpoint: Endpoint = {
      account: accountId,
      id: id ?? `ep_${this.#mint()}`,
      url: input.url,
      dialect: dialect.id,
      eventTypes: requireEventTypes(input.eventTypes),
      description: input.description ?? null,
      lockedHeaders: this.#lockHeaders(input.headers ?? {}),
      state: account.verifiesOwnership ? 'pending_verification' : 'enabled',
      disabledReason: null,
      secrets: secret === null ? [] : [{ locked: this.#ports.secretBox.lock(secret), from: now, until: null }],
      retry: input.retry ?? null,
      timeoutMs: input.timeoutMs ?? null,
      inFlightMax: input.inFlightMax ?? IN_FLIGHT_DEFAULT,
      ordered: input.ordered ?? false,
      payloadFilter: input.payloadFilter ?? [],
      metadata: input.metadata ?? {},
      ownerMail: input.ownerMail ?? null,
      connected: input.connected ?? false,
      health: NO_HEALTH,
      createdAt: now,
      updatedAt: now,
      revision: 1,
    }
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(endpoint.id))
      throw new BillhookError(
        'invalid_request',
        `${JSON.stringify(id)} cannot be the id of an endpoint: use A-Z a-z 0-9 _ -`,
      )
    await this.#ports.endpoints.insert(null, endpoint)
    await this.#active.fresh(null, [accountId])
    return { endpoint, secret }
  }

  /** Changes what the input names. @throws BillhookError `not_found`, `endpoint_refused`, `invalid_request`, `conflict` */
  async update(account: string, id: string, change: EndpointChange): Promise<Endpoint> {
    requireEndpoint(change)
    if (change.url !== undefined) await this.#requireUrl(change.url)
    const { headers, ...rest } = change
    const moved = change.url !== undefined && (await this.#account(account)).verifiesOwnership
    return this.#change(account, id, (endpoint) => ({
      ...endpoint,
      ...defined(rest),
      ...(headers === undefined ? {} : { lockedHeaders: this.#lockHeaders(headers) }),
      // Another URL is another place: its owner proves it again.
      ...(moved && change.url !== endpoint.url ? { state: 'pending_verification' as const } : {}),
    }))
  }

  async remove(account: string, id: string): Promise<void> {
    if (!(await this.#ports.endpoints.remove(null, account, id))) throw unknownEndpoint(id)
    await this.#active.fresh(null, [account])
  }

  async one(account: string, id: string): Promise<Endpoint> {
    const endpoint = await this.#ports.endpoints.one(null, account, id)
    if (endpoint === null) throw unknownEndpoint(id)
    return endpoint
  }

  list(account: string): Promise<readonly Endpoint[]> {
    return this.#ports.endpoints.all(null, account)
  }

  /** Lets events through again; what was held while it was paused becomes due. What was skipped stays so until replayed. */
  async enable(account: string, id: string): Promise<Endpoint> {
    const { clock } = await this.#account(account)
    const now = clock.kind === 'test' ? clock.now : this.#ports.clock.now()
    const endpoint = await this.#change(account, id, (endpoint) => {
      if (endpoint.state === 'pending_verification')
        throw new BillhookError('invalid_transition', `${id} has not been verified; answer the challenge first`)
      return { ...endpoint, state: 'enabled', disabledReason: null }
    })
    await this.#ports.transactions.transaction((transaction) =>
      this.#ports.endpoints.resetHealth(transaction, account, id),
    )
    const released = await this.#ports.queue.releaseHeld(account, id, clock.kind, now)
    if (released > 0) this.#wake()
    return endpoint
  }

  disable(account: string, id: string): Promise<Endpoint> {
    return this.#setState(account, id, 'disabled', 'manual')
  }

  pause(account: string, id: string): Promise<Endpoint> {
    return this.#setState(account, id, 'paused', null)
  }

  /**
   * Gives the endpoint a new secret; the one before goes on as the dialect's rule says. For dialects that sign with a key
   * pair, the account's next key begins to sign.
   */
  async rotateSecret(account: string, id: string, given: string | null = null): Promise<EndpointWithSecret> {
    const now = timeOf(await this.#account(account), this.#ports.clock.now())
    const { dialect: dialectId } = await this.one(account, id)
    const dialect = this.#dialect(dialectId)
    if (dialect.rotation.kind === 'key_set') {
      await this.#keys.rotate(account, now, dialect.rotation.overlapMs)
      return { endpoint: await this.one(account, id), secret: null }
    }
    const secret = this.#newSecret(dialect, given) ?? ''
    const fresh = { locked: this.#ports.secretBox.lock(secret), from: now, until: null }
    const endpoint = await this.#change(account, id, (endpoint) => ({
      ...endpoint,
      secrets: rotate(endpoint.secrets, fresh, dialect.rotation),
    }))
    return { endpoint, secret }
  }

  /**
   * Sends the signed challenge; an endpoint that answers it is enabled. Answers with why it did not.
   */
  async verify(account: string, id: string): Promise<{ readonly ok: boolean; readonly detail: string | null }> {
    const found = await this.#account(account)
    const now = timeOf(found, this.#ports.clock.now())
    const active = (await this.#active.fresh(null, [account])).get(account)?.get(id)
    if (active === undefined) throw unknownEndpoint(id)
    const answer = await challengeEndpoint(this.#ports, this.#keys, active, now)
    if (answer.ok && active.endpoint.state === 'pending_verification')
      await this.#change(account, id, (endpoint) => ({ ...endpoint, state: 'enabled', disabledReason: null }))
    return { ok: answer.ok, detail: answer.ok ? null : answer.detail }
  }

  /** The event types of a dialect, with the provider's own labels. */
  catalogue(dialectId: string): readonly CatalogueEntry[] {
    const { catalogue } = this.#dialect(dialectId)
    if (dialectId !== STANDARD) return catalogue
    const own = Object.entries(OPERATOR_EVENT_TYPES).map(([type, meaning]): CatalogueEntry => ({
      type,
      label: null,
      seed: false,
      carries: [],
      meaning,
      source: 'Billhook, docs/delivery.md',
    }))
    return [...catalogue, ...own]
  }

  async #setState(account: string, id: string, state: EndpointState, reason: DisabledReason | null): Promise<Endpoint> {
    return this.#change(account, id, (endpoint) => {
      if (endpoint.state === 'pending_verification' && state === 'paused')
        throw new BillhookError('invalid_transition', `${id} has not been verified: there is nothing to pause`)
      return { ...endpoint, state, disabledReason: reason }
    })
  }

  async #change(account: string, id: string, change: (endpoint: Endpoint) => Endpoint): Promise<Endpoint> {
    const now = timeOf(await this.#account(account), this.#ports.clock.now())
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const endpoint = await this.#ports.transactions.transaction((transaction) =>
        this.#tryChange(transaction, { account, id, now }, change),
      )
      if (endpoint === null) continue
      await this.#active.fresh(null, [account])
      return endpoint
    }
    throw new BillhookError('conflict', `the endpoint ${id} is being changed by others; read it again and decide anew`)
  }

  async #tryChange(
    transaction: Transaction,
    what: { readonly account: string; readonly id: string; readonly now: Instant },
    change: (endpoint: Endpoint) => Endpoint,
  ): Promise<Endpoint | null> {
    const endpoint = await this.#ports.endpoints.one(transaction, what.account, what.id)
    if (endpoint === null) throw unknownEndpoint(what.id)
    const next = { ...change(endpoint), updatedAt: what.now, revision: endpoint.revision + 1 }
    return (await this.#ports.endpoints.replace(transaction, next)) ? next : null
  }

  async #account(id: string): Promise<DeliveryAccount> {
    const account = await this.#ports.account(id, null)
    if (account === null) throw new BillhookError('not_found', `there is no account ${id}`)
    return account
  }

  #dialect(id: string): Dialect {
    const dialect = this.#ports.dialect(id)
    if (dialect === null)
      throw new BillhookError(
        'unknown_dialect',
        `dialect: there is no ${JSON.stringify(id)}; /v1/dialects lists those that there are, and a provider may be named with an API version`,
        { details: { field: 'dialect' } },
      )
    return dialect
  }

  async #requireUrl(url: string): Promise<void> {
    const verdict = await this.#ports.guard.check(url)
    if (!verdict.ok)
      throw new BillhookError('endpoint_refused', `the URL cannot be an endpoint: ${verdict.detail}`, {
        details: { field: 'url' },
      })
  }

  #newSecret(dialect: Dialect, given: string | null): string | null {
    const minted = dialect.newSecret(this.#ports.random.bytes(32))
    if (minted === null) {
      if (given !== null)
        throw new BillhookError(
          'invalid_request',
          `${dialect.id} signs with the account’s key pair: it takes no secret`,
        )
      return null
    }
    if (given !== null && (given.trim() === '' || given.length > 500))
      throw new BillhookError('invalid_request', 'secret must have from 1 to 500 characters that are not all blank')
    return given ?? minted
  }

  #lockHeaders(headers: Readonly<Record<string, string>>): string | null {
    return Object.keys(headers).length === 0 ? null : this.#ports.secretBox.lock(JSON.stringify(headers))
  }

  #mint(): string {
    return deriveId(Buffer.from(this.#ports.random.bytes(32)).toString('hex'), BASE62, 24)
  }
}

function unknownEndpoint(id: string): BillhookError {
  return new BillhookError('not_found', `there is no endpoint ${id}`)
}

/** Without the members that are undefined: a spread would write them over what is there. */
function defined(change: Omit<EndpointChange, 'headers'>): Omit<EndpointChange, 'headers'> {
  const kept = { ...change }
  for (const name of Object.keys(kept)) if (Reflect.get(kept, name) === undefined) Reflect.deleteProperty(kept, name)
  return kept
}
