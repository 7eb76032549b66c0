import { BillhookError } from '../model/error.ts'
import { formatInstantShort } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { DeliveryQuery, EventQuery, LoggedDelivery } from '../ports/delivery_log.ts'
import type { DeliveryKey, StoredEvent } from '../ports/delivery_store.ts'
import type { Endpoint } from '../ports/endpoint_store.ts'
import type { AttemptEntry } from './attempt.ts'
import { passesFilter, typeMatcher } from './event_types.ts'
import type { DeliveryPorts } from './ports.ts'
import { notificationOf } from './seal.ts'

/** A page of a list; `next` is the cursor of the page after it, null if this is the last. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

/** A delivery with its attempts taken apart. */
export interface DeliveryDetail extends Omit<LoggedDelivery, 'attempts'> {
  readonly attempts: readonly AttemptEntry[]
}

/** Why an event did or did not reach an endpoint: a word for programs, a sentence for people. */
export interface Explanation {
  readonly code:
    | 'delivered'
    | 'exhausted'
    | 'waiting_for_retry'
    | 'under_way'
    | 'due'
    | 'held'
    | 'skipped'
    | 'unknown_endpoint'
    | 'other_dialect'
    | 'type_not_asked_for'
    | 'filtered_out'
    | 'not_verified'
    | 'registered_later'
  readonly words: string
}

const PAGE_MAX = 200

type Search<Query> = Partial<Omit<Query, 'account' | 'after' | 'limit'>>

/** Answers questions about events, deliveries and attempts. */
export class Inspection {
  readonly #ports: Pick<DeliveryPorts, 'log' | 'endpoints'>

  constructor(ports: Pick<DeliveryPorts, 'log' | 'endpoints'>) {
    this.#ports = ports
  }

  /** @throws BillhookError `invalid_cursor`, `invalid_request` */
  async events(
    account: string,
    search: Search<EventQuery> = {},
    page: { readonly cursor?: string | null; readonly limit?: number } = {},
  ): Promise<Page<StoredEvent>> {
    const limit = limitOf(page.limit)
    const cursor = page.cursor ?? null
    if (cursor !== null && !/^ev_[0-9A-Z]{22}$/.test(cursor)) throw wrongCursor(cursor)
    const found = await this.#ports.log.events({
      account,
      dialect: null,
      type: null,
      customer: null,
      subject: null,
      fact: null,
      from: null,
      until: null,
      order: 'newest',
      ...search,
      after: cursor,
      limit: limit + 1,
    })
    const items = found.slice(0, limit)
    return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null }
  }

  /** By our id, or by the id that receivers see. @throws BillhookError `not_found` */
  async event(account: string, id: string): Promise<StoredEvent> {
    const event =
      (await this.#ports.log.event(account, id)) ?? (await this.#ports.log.eventsByProviderId(account, id))[0]
    if (event === undefined) throw new BillhookError('not_found', `there is no event ${id}`)
    return event
  }

  /** @throws BillhookError `invalid_cursor`, `invalid_request` */
  async deliveries(
    account: string,
    search: Search<DeliveryQuery> = {},
    page: { readonly cursor?: string | null; readonly limit?: number } = {},
  ): Promise<Page<DeliveryDetail>> {
    const limit = limitOf(page.limit)
    const found = await this.#ports.log.deliveries({
      account,
      event: null,
      endpoint: null,
      state: null,
      type: null,
      customer: null,
      from: null,
      until: null,
      order: 'newest',
      ...search,
      after: afterOf(page.cursor ?? null),
      limit: limit + 1,
    })
    const items = found.slice(0, limit)
    const last = items.at(-1)
    const next = found.length > limit && last !== undefined ? `${last.event}.${last.endpoint}` : null
    return { items: items.map(detailOf), next }
  }

  /** @throws BillhookError `not_found` */
  async delivery(key: DeliveryKey): Promise<DeliveryDetail> {
    const delivery = await this.#ports.log.delivery(key)
    if (delivery === null)
      throw new BillhookError('not_found', `the event ${key.event} has no delivery to ${key.endpoint}`)
    return detailOf(delivery)
  }

  /** Why an event did, or did not, reach an endpoint. @throws BillhookError `not_found` if there is no such event */
  async why(account: string, eventId: string, endpointId: string): Promise<Explanation> {
    const event = await this.event(account, eventId)
    const delivery = await this.#ports.log.delivery({ account, event: event.id, endpoint: endpointId })
    if (delivery !== null) return explainDelivery(detailOf(delivery))
    return explainAbsence(event, endpointId, await this.#ports.endpoints.one(null, account, endpointId))
  }
}

function explainDelivery(delivery: DeliveryDetail): Explanation {
  const last = delivery.attempts.at(-1)
  const failed = last === undefined ? '' : ` The last attempt failed: ${last.detail ?? last.problem ?? 'unknown'}.`
  const attempts = `${delivery.made} ${delivery.made === 1 ? 'attempt' : 'attempts'}`
  switch (delivery.state) {
    case 'delivered':
      return { code: 'delivered', words: `It was acknowledged at ${shown(delivery.acknowledgedAt)} after ${attempts}.` }
    case 'exhausted':
      return { code: 'exhausted', words: `It was given up at ${shown(delivery.settledAt)} after ${attempts}.${failed}` }
    case 'skipped':
      return { code: 'skipped', words: 'The endpoint was disabled when it was due. Enable it and replay the delivery.' }
    case 'held':
      return { code: 'held', words: 'The endpoint is paused. It is delivered when the endpoint is enabled again.' }
    case 'pending':
      if (delivery.lease !== null)
        return { code: 'under_way', words: `A node is at it now, after ${attempts}.${failed}` }
      if (delivery.made === 0) return { code: 'due', words: `Its first attempt is due at ${shown(delivery.dueAt)}.` }
      return {
        code: 'waiting_for_retry',
        words: `After ${attempts} the next is due at ${shown(delivery.dueAt)}.${failed}`,
      }
  }
}

function explainAbsence(event: StoredEvent, id: string, endpoint: Endpoint | null): Explanation {
  if (endpoint === null) return { code: 'unknown_endpoint', words: `There is no endpoint ${id}, or it was removed.` }
  if (endpoint.dialect !== event.dialect)
    return {
      code: 'other_dialect',
      words: `The event is told in ${event.dialect}, the endpoint is told in ${endpoint.dialect}.`,
    }
  if (!typeMatcher(endpoint.eventTypes)(event.type))
    return {
      code: 'type_not_asked_for',
      words: `The endpoint asks for ${endpoint.eventTypes.join(', ')}, not for ${event.type}.`,
    }
  if (
    endpoint.payloadFilter.length > 0 &&
    (event.raw !== null || !passesFilter(endpoint.payloadFilter, notificationOf(event).body))
  )
    return { code: 'filtered_out', words: 'The endpoint’s payload filter does not let this event through.' }
  if (endpoint.state === 'pending_verification')
    return {
      code: 'not_verified',
      words: 'The endpoint has not answered its challenge yet; until then it gets no events.',
    }
  return {
    code: 'registered_later',
    words: `The endpoint did not ask for it at the time; it was registered or changed later.`,
  }
}

function shown(at: Parameters<typeof formatInstantShort>[0] | null): string {
  return at === null ? 'an unknown time' : formatInstantShort(at)
}

function detailOf(delivery: LoggedDelivery): DeliveryDetail {
  return { ...delivery, attempts: delivery.attempts.flatMap((text) => entryOf(text)) }
}

function entryOf(text: string): readonly AttemptEntry[] {
  const entry: unknown = JSON.parse(text)
  return isEntry(entry) ? [entry] : []
}

/** Written by the engine alone. */
function isEntry(value: unknown): value is AttemptEntry {
  return isObject(value) && typeof value['at'] === 'number' && isObject(value['request'])
}

function limitOf(limit: number | undefined): number {
  const wanted = limit ?? 50
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > PAGE_MAX)
    throw new BillhookError('invalid_request', `limit is ${wanted}; it is a whole number from 1 to ${PAGE_MAX}`)
  return wanted
}

function afterOf(cursor: string | null): Pick<DeliveryKey, 'event' | 'endpoint'> | null {
  if (cursor === null) return null
  const match = /^(ev_[0-9A-Z]{22})\.([A-Za-z0-9_-]{1,64})$/.exec(cursor)
  if (match?.[1] === undefined || match[2] === undefined) throw wrongCursor(cursor)
  return { event: match[1], endpoint: match[2] }
}

function wrongCursor(cursor: string): BillhookError {
  return new BillhookError(
    'invalid_cursor',
    `${JSON.stringify(cursor.slice(0, 80))} is not a cursor of this list; start again without one`,
  )
}
