import { messageOf } from '../model/error.ts'
import { formatInstant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { JsonObject } from '../model/json.ts'
import type { StoredEvent } from '../ports/delivery_store.ts'
import type { Notice } from '../ports/delivery_chores.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { ActiveEndpoints } from './active_endpoints.ts'
import { fanOut } from './fan_out.ts'
import type { DeliveryPorts } from './ports.ts'

/** What the engine itself tells the operator, as events of the standard dialect. */
export const OPERATOR_EVENT_TYPES = {
  'endpoint.failing': 'Deliveries to an endpoint have failed for longer than its policy tolerates without a word.',
  'endpoint.disabled': 'An endpoint was disabled: its deliveries kept failing, or it answered 410.',
  'message.exhausted': 'A delivery was given up after its last attempt.',
} as const satisfies Record<string, string>

/** One of {@link OPERATOR_EVENT_TYPES}. */
export type OperatorEventType = keyof typeof OPERATOR_EVENT_TYPES

/** The dialect that operator events, and events of any type, are told in. */
export const STANDARD = 'standard'

/** An event for the operator, before it is published. */
export interface OperatorEvent {
  readonly account: string
  readonly type: OperatorEventType
  readonly endpoint: string
  readonly clock: 'real' | 'test'
  readonly at: Instant
  readonly data: JsonObject
}

/** An event of the standard dialect. Its id is what receivers see. */
export function standardEvent(event: {
  readonly account: string
  readonly id: string
  readonly type: string
  readonly at: Instant
  readonly data: JsonObject
  readonly customer: string | null
  readonly subject: string | null
}): { readonly stored: StoredEvent; readonly body: JsonObject } {
  const { account, id, type, at, data, customer, subject } = event
  const body = { type, timestamp: formatInstant(at), data }
  const stored: StoredEvent = {
    account,
    id,
    dialect: STANDARD,
    type,
    providerId: id,
    providerAccount: null,
    fact: null,
    subject,
    customer,
    createdAt: at,
    body: JSON.stringify(body),
    raw: null,
    contentType: null,
  }
  return { stored, body }
}

/** Stores operator events, and the mails that go with them, in the transaction of what they tell. */
export class OperatorEvents {
  readonly #ports: Pick<DeliveryPorts, 'queue' | 'chores' | 'clock' | 'account' | 'logger'>
  readonly #endpoints: ActiveEndpoints
  readonly #nextId: (now: Instant) => string

  constructor(
    ports: Pick<DeliveryPorts, 'queue' | 'chores' | 'clock' | 'account' | 'logger'>,
    endpoints: ActiveEndpoints,
    nextId: (now: Instant) => string,
  ) {
    this.#ports = ports
    this.#endpoints = endpoints
    this.#nextId = nextId
  }

  async store(transaction: Transaction, events: readonly OperatorEvent[]): Promise<void> {
    if (events.length === 0) return
    const accounts = [...new Set(events.map(({ account }) => account))]
    const endpoints = await this.#endpoints.fresh(transaction, accounts)
    const now = this.#ports.clock.now()
    const made = events.map((event) => {
      const { stored, body } = standardEvent({
        ...event,
        id: this.#nextId(now),
        data: { endpoint: event.endpoint, ...event.data },
        customer: null,
        subject: event.endpoint,
      })
      const deliveries = fanOut(stored, body, endpoints.get(event.account) ?? new Map(), {
        clock: event.clock,
        at: event.at,
        lease: () => null,
        only: null,
        except: event.endpoint,
      })
      return { stored, deliveries }
    })
    await this.#ports.queue.store(
      transaction,
      made.map(({ stored }) => stored),
      made.flatMap(({ deliveries }) => deliveries),
    )
  }

  /** Leaves a mail for the endpoint's owner, or else the account's; without either there is nobody to tell. */
  async mail(
    transaction: Transaction,
    about: { readonly account: string; readonly ownerMail: string | null },
    mail: Pick<Notice, 'key' | 'subject' | 'text'>,
  ): Promise<void> {
    const to = about.ownerMail ?? (await this.#accountMail(about.account, transaction))
    if (to === null) return
    const notice: Notice = { ...mail, account: about.account, to, tries: 0 }
    await this.#ports.chores.insertNotice(transaction, notice, this.#ports.clock.now())
  }

  async #accountMail(account: string, transaction: Transaction): Promise<string | null> {
    try {
      return (await this.#ports.account(account, transaction))?.ownerMail ?? null
    } catch (error) {
      this.#ports.logger.warn({ account, error: messageOf(error) }, 'the owner of an account could not be looked up')
      return null
    }
  }
}
