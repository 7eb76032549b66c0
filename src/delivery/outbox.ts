import { BillhookError } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import type { JsonObject } from '../model/json.ts'
import type { Dialect, Notification } from '../dialects/dialect.ts'
import type { NewDelivery, StoredEvent } from '../ports/delivery_store.ts'
import type { DeliveryAccount } from '../ports/delivery_accounts.ts'
import type { Outbox, Publication, PublishedEvent } from '../ports/outbox.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { ActiveEndpoint, ActiveEndpoints } from './active_endpoints.ts'
import { fanOut } from './fan_out.ts'
import type { DeliveryPorts } from './ports.ts'

/**
 * The outbox of the billing system: each fact is told in the dialects of the account's endpoints, and in the account's own
 * dialect even if nobody listens (that is the account's log of events). Events and deliveries are stored in the caller's
 * transaction; nothing is sent before it commits. That a fact is told once is the caller's doing: its id is minted in the
 * transaction that tells it, and the version of the aggregate lets one such transaction commit.
 */
export class DeliveryOutbox implements Outbox {
  readonly #ports: Pick<DeliveryPorts, 'queue' | 'account' | 'dialect' | 'clock' | 'metrics'>
  readonly #active: ActiveEndpoints
  readonly #nextId: (now: Instant) => string
  readonly #onStored: () => void

  constructor(
    ports: Pick<DeliveryPorts, 'queue' | 'account' | 'dialect' | 'clock' | 'metrics'>,
    active: ActiveEndpoints,
    nextId: (now: Instant) => string,
    /** Deliveries of the real clock were stored: look for them soon. */
    onStored: () => void,
  ) {
    this.#ports = ports
    this.#active = active
    this.#nextId = nextId
    this.#onStored = onStored
  }

  async publish(
    transaction: Transaction,
    accountId: string,
    publications: readonly Publication[],
  ): Promise<readonly PublishedEvent[]> {
    if (publications.length === 0) return []
    const account = await this.#ports.account(accountId, transaction)
    if (account === null) throw new BillhookError('not_found', `there is no account ${accountId}`)
    const endpoints = (await this.#active.fresh(transaction, [accountId])).get(accountId) ?? new Map()
    const dialects = this.#dialectsOf(account, endpoints)
    const told = publications.map((publication) => this.#tell(account, publication, dialects, endpoints))
    const deliveries = told.flatMap(({ deliveries }) => deliveries)
    await this.#ports.queue.store(
      transaction,
      told.flatMap(({ events }) => events),
      deliveries,
    )
    this.#ports.metrics.count('billhook_events_published_total', {}, told.length)
    if (account.clock.kind === 'real' && deliveries.length > 0) this.#onStored()
    return told.flatMap(({ answer }) => answer)
  }

  #dialectsOf(account: DeliveryAccount, endpoints: ReadonlyMap<string, ActiveEndpoint>): readonly Dialect[] {
    const own = this.#ports.dialect(account.dialect)
    if (own === null)
      throw new BillhookError('unknown_dialect', `the account ${account.id} has the unknown dialect ${account.dialect}`)
    const dialects = new Map<string, Dialect>([[own.id, own]])
    for (const { dialect, endpoint } of endpoints.values())
      if (endpoint.state !== 'pending_verification') dialects.set(dialect.id, dialect)
    return [...dialects.values()]
  }

  #tell(
    account: DeliveryAccount,
    publication: Publication,
    dialects: readonly Dialect[],
    endpoints: ReadonlyMap<string, ActiveEndpoint>,
  ): {
    readonly events: readonly StoredEvent[]
    readonly deliveries: readonly NewDelivery[]
    readonly answer: readonly PublishedEvent[]
  } {
    const now = this.#ports.clock.now()
    const { fact, told, view, at } = publication
    const events: StoredEvent[] = []
    const deliveries: NewDelivery[] = []
    const answer: PublishedEvent[] = []
    for (const dialect of dialects) {
      for (const notification of dialect.encode(told, view, { fact, at })) {
        const event = eventOf(account.id, dialect.id, this.#nextId(now), { notification, publication })
        const sent = fanOut(event, notification.body, endpoints, {
          clock: account.clock.kind,
          at: account.clock.kind === 'test' ? at : now,
          lease: () => null,
          only: null,
          except: null,
        })
        const own = dialect.id === account.dialect
        if (!own && sent.length === 0) continue
        events.push(event)
        deliveries.push(...sent)
        if (own) answer.push({ event: event.id, type: event.type, deliveries: sent.length })
      }
    }
    return { events, deliveries, answer }
  }
}

function eventOf(
  account: string,
  dialect: string,
  id: string,
  from: { readonly notification: Notification; readonly publication: Publication },
): StoredEvent {
  const { notification, publication } = from
  const { told, fact, at } = publication
  const body: JsonObject = notification.body
  return {
    account,
    id,
    dialect,
    type: notification.type,
    providerId: notification.id ?? id,
    providerAccount: notification.account,
    fact,
    subject: told.subscription ?? told.customer ?? told.subject,
    customer: told.customer,
    createdAt: notification.createdAt ?? at,
    body: JSON.stringify(body),
    raw: null,
    contentType: null,
  }
}
