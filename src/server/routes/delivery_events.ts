/** Events and their deliveries: publish, search, look into, ask why. */
import { z } from 'zod'
import type { SendingService } from '../../app/sending/sending_service.ts'
import type { ErrorCode } from '../../model/error.ts'
import { isObject } from '../../model/json.ts'
import type { Json, JsonObject } from '../../model/json.ts'
import { publishedEvent } from '../billing_answers.ts'
import { ACCOUNT_PATH } from './billing_command_route.ts'
import { camel, snake } from '../billing_names.ts'
import { accountIn, idText, inAccount, inAccountWithId } from '../billing_schemas.ts'
import {
  deliveryOut,
  eventDetailOut,
  eventOut,
  eventTypeIn,
  eventTypeOut,
  newEventIn,
  stateIn,
  whyOut,
} from '../delivery_schemas.ts'
import { noBody, nothing, pageOf, paging, route } from '../route.ts'
import type { Route } from '../route.ts'
import { instantText } from '../schemas.ts'

const TAG = 'Events'
const COLLECTION = `${ACCOUNT_PATH}/events`
const ONE = `${COLLECTION}/:id`

type Delivery = SendingService['delivery']
type NewEvent = Parameters<Delivery['publish']>[1][number]
type StoredEvent = Awaited<ReturnType<Delivery['inspection']['event']>>
type DeliveryDetail = Awaited<ReturnType<Delivery['inspection']['delivery']>>

const PUBLISHING: readonly ErrorCode[] = [
  'not_found',
  'unknown_dialect',
  'payload_too_large',
  'idempotency_conflict',
  'rate_limited',
]

/** Publishing events of any type. */
export function publishRoutes(service: SendingService): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: COLLECTION,
      id: 'publishEvent',
      summary: 'Publish an event, which is durable when this is answered',
      tag: TAG,
      scope: 'write',
      params: inAccount,
      query: nothing,
      body: newEventIn,
      status: 201,
      answer: publishedEvent,
      errors: PUBLISHING,
      handle: async ({ params, body, caller, request }) => {
        service.requireAccount(caller, params.account)
        const event = newEvent(body, request.idempotencyKey)
        const [published] = await service.delivery.publish(params.account, [event])
        return { json: published }
      },
    }),
    route({
      method: 'POST',
      path: `${COLLECTION}/batch`,
      id: 'publishEvents',
      summary: 'Publish many events, all or none',
      tag: TAG,
      scope: 'write',
      params: inAccount,
      query: nothing,
      body: z.strictObject({ events: z.array(newEventIn).min(1).max(1000) }),
      status: 201,
      answer: z.strictObject({ events: z.array(publishedEvent) }),
      errors: PUBLISHING,
      handle: async ({ params, body, caller, request }) => {
        service.requireAccount(caller, params.account)
        const { idempotencyKey: key } = request
        const events = body.events.map((event, i) => newEvent(event, key === null ? null : `${key}:${i}`))
        return { json: { events: await service.delivery.publish(params.account, events) } }
      },
    }),
  ]
}

/** @param key used where the event brings none of its own */
function newEvent(given: z.output<typeof newEventIn>, key: string | null): NewEvent {
  const { type, data, dialect, id, customer, subject, endpoint } = given
  const content =
    dialect === 'standard'
      ? ({ kind: 'standard', type, data } as const)
      : ({
          kind: 'notification',
          dialect,
          notification: { id, type, createdAt: null, account: null, body: data },
        } as const)
  return { content, key: given.key ?? key, customer, subject, endpoint }
}

const order = z.enum(['newest', 'oldest']).default('newest')
const times = {
  from: instantText.optional().describe('On the account’s clock, inclusive.'),
  until: instantText.optional().describe('Exclusive.'),
}

/** Searching and reading. */
export function eventRoutes(service: SendingService): readonly Route[] {
  const { inspection } = service.delivery
  return [
    route({
      method: 'GET',
      path: COLLECTION,
      id: 'listEvents',
      summary: 'Search events; to search by endpoint or state, use deliveries',
      tag: TAG,
      scope: 'read',
      params: inAccount,
      query: z.strictObject({
        ...paging,
        type: eventTypeIn.optional(),
        dialect: idText.optional(),
        customer: idText.optional(),
        subject: idText.optional(),
        fact: idText.optional(),
        ...times,
        order,
      }),
      body: noBody,
      answer: pageOf(eventOut),
      errors: ['invalid_cursor'],
      handle: async ({ params, query, caller }) => {
        service.requireAccount(caller, params.account)
        const { limit, cursor, ...search } = query
        const page = await inspection.events(params.account, camel(search), { limit, cursor: cursor ?? null })
        return { json: { data: page.items.map(shown), next: page.next } }
      },
    }),
    route({
      method: 'GET',
      path: ONE,
      id: 'getEvent',
      summary: 'Read an event (by our id or the one that receivers see), with its deliveries and attempts',
      tag: TAG,
      scope: 'read',
      params: inAccountWithId,
      query: nothing,
      body: noBody,
      answer: eventDetailOut,
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        service.requireAccount(caller, params.account)
        const event = await inspection.event(params.account, params.id)
        const { items } = await inspection.deliveries(params.account, { event: event.id }, { limit: 200 })
        const { raw, contentType, body } = event
        const detail = {
          body: raw === null ? read(body) : null,
          raw: raw === null ? null : Buffer.from(raw).toString('base64'),
          content_type: contentType,
          deliveries: items.map(shownDelivery),
        }
        return { json: { ...shown(event), ...detail } }
      },
    }),
    route({
      method: 'GET',
      path: `${ONE}/why`,
      id: 'explainEvent',
      summary: 'Why an event did, or did not, reach its endpoints',
      tag: TAG,
      scope: 'read',
      params: inAccountWithId,
      query: z.strictObject({
        endpoint: idText.optional().describe('Only this endpoint; default: all of the account.'),
      }),
      body: noBody,
      answer: pageOf(whyOut),
      errors: ['not_found'],
      handle: async ({ params, query, caller }) => {
        service.requireAccount(caller, params.account)
        const { account, id } = params
        const endpoints =
          query.endpoint === undefined
            ? (await service.delivery.endpoints.list(account)).map((endpoint) => endpoint.id)
            : [query.endpoint]
        const event = await inspection.event(account, id)
        const data: Json[] = []
        for (const endpoint of endpoints) {
          const { code, words } = await inspection.why(account, event.id, endpoint)
          data.push({ endpoint, code, words })
        }
        return { json: { data, next: null } }
      },
    }),
  ]
}

/** Deliveries across events, and the catalogue of types. */
export function deliverySearchRoutes(service: SendingService): readonly Route[] {
  const { inspection } = service.delivery
  return [
    route({
      method: 'GET',
      path: `${ACCOUNT_PATH}/deliveries`,
      id: 'listOutgoingDeliveries',
      summary: 'Search deliveries by endpoint, state, type, customer and time, with their attempts',
      tag: TAG,
      scope: 'read',
      params: inAccount,
      query: z.strictObject({
        ...paging,
        event: idText.optional(),
        endpoint: idText.optional(),
        state: stateIn.optional(),
        type: eventTypeIn.optional(),
        customer: idText.optional(),
        ...times,
        order,
      }),
      body: noBody,
      answer: pageOf(deliveryOut),
      errors: ['invalid_cursor'],
      handle: async ({ params, query, caller }) => {
        service.requireAccount(caller, params.account)
        const { limit, cursor, ...search } = query
        const page = await inspection.deliveries(params.account, camel(search), { limit, cursor: cursor ?? null })
        return { json: { data: page.items.map(shownDelivery), next: page.next } }
      },
    }),
    route({
      method: 'GET',
      path: `${ONE}/deliveries/:endpoint`,
      id: 'getOutgoingDelivery',
      summary: 'Read a delivery with its attempts',
      tag: TAG,
      scope: 'read',
      params: z.strictObject({ account: accountIn, id: idText, endpoint: idText }),
      query: nothing,
      body: noBody,
      answer: deliveryOut,
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        service.requireAccount(caller, params.account)
        const { account, id, endpoint } = params
        const event = await inspection.event(account, id)
        return { json: shownDelivery(await inspection.delivery({ account, event: event.id, endpoint })) }
      },
    }),
    route({
      method: 'GET',
      path: `${ACCOUNT_PATH}/event_types`,
      id: 'listEventTypes',
      summary: 'The event types of a dialect, with the provider’s own labels and samples',
      tag: TAG,
      scope: 'read',
      params: inAccount,
      query: z.strictObject({ dialect: z.string().max(100).optional().describe('Default: the account’s own.') }),
      body: noBody,
      answer: pageOf(eventTypeOut),
      errors: ['not_found', 'unknown_dialect'],
      handle: async ({ params, query, caller }) => {
        service.requireAccount(caller, params.account)
        const { types, samples } = await service.eventTypes(params.account, query.dialect ?? null)
        const data = types.map((entry): JsonObject => ({ ...members(entry), sample: samples.get(entry.type) ?? null }))
        return { json: { data, next: null } }
      },
    }),
  ]
}

/** Written by the engine. */
function read(body: string): unknown {
  return JSON.parse(body)
}

function shown({ account: _account, body: _body, raw: _raw, contentType: _type, ...event }: StoredEvent): JsonObject {
  return members(event)
}

/** `lease` names a node: what a reader wants to know is whether anybody is at it. */
function shownDelivery({ account: _account, lease, ...delivery }: DeliveryDetail): JsonObject {
  return { ...members(delivery), under_way: lease !== null }
}

function members(value: object): JsonObject {
  const shown = snake(value)
  return isObject(shown) ? shown : {}
}
