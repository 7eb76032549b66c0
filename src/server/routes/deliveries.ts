import { z } from 'zod'
import type { App } from '../../app/create.ts'
import { presentDelivery, readDelivery, requireRaw } from '../../app/present/read_ledger.ts'
import type { ReceivedState } from '../../ports/received_store.ts'
import { noBody, nothing, pageOf, paging, readCursor, route, writeCursor } from '../route.ts'
import type { Route } from '../route.ts'
import { delivery, idText, sourceName } from '../schemas.ts'

const STATES = ['received', 'refused', 'folded', 'reacted', 'dead'] as const satisfies readonly ReceivedState[]

const id = z.object({ delivery: idText })

/** Deliveries that were received: search, the exact bytes, what they say, telling them again. */
export function deliveryRoutes(app: App): readonly Route[] {
  const tag = 'Deliveries'
  return [
    route({
      method: 'GET',
      path: '/v1/deliveries',
      id: 'listDeliveries',
      summary: 'Search deliveries, newest first',
      tag,
      scope: 'read',
      params: nothing,
      query: z.strictObject({
        ...paging,
        source: sourceName.optional(),
        state: z.enum(STATES).optional(),
        eventId: idText.optional(),
        eventType: idText.optional(),
      }),
      body: noBody,
      answer: pageOf(delivery),
      errors: ['invalid_cursor'],
      handle: async ({ query, caller }) => {
        const { limit, cursor, ...filter } = query
        const after = readCursor(z.string(), cursor)
        const page = await app.inbox.store.received.listReceived({ account: caller.account, ...filter, after, limit })
        const last = page.length < limit ? undefined : page.at(-1)
        return { json: { data: page.map(presentDelivery), next: last === undefined ? null : writeCursor(last.id) } }
      },
    }),
    route({
      method: 'GET',
      path: '/v1/deliveries/:delivery',
      id: 'getDelivery',
      summary: 'Read a delivery: verdict, state, and what it says',
      tag,
      scope: 'read',
      params: id,
      query: nothing,
      body: noBody,
      answer: z.object({
        delivery,
        notification: z.record(z.string(), z.unknown()).nullable(),
        observations: z.array(z.unknown()),
        unknown: z.boolean().describe('True if the type is not in the catalogue.'),
        problems: z.array(z.object({ path: z.string(), message: z.string() })),
      }),
      errors: ['not_found'],
      handle: async ({ params, caller }) => ({ json: await readDelivery(app, caller.account, params.delivery) }),
    }),
    route({
      method: 'GET',
      path: '/v1/deliveries/:delivery/raw',
      id: 'getRawDelivery',
      summary: 'The exact bytes of the body',
      tag,
      scope: 'read',
      params: id,
      query: nothing,
      body: noBody,
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        const { body } = await requireRaw(app, caller.account, params.delivery)
        return { bytes: body, contentType: 'application/octet-stream' }
      },
    }),
    route({
      method: 'GET',
      path: '/v1/deliveries/:delivery/headers',
      id: 'getDeliveryHeaders',
      summary: 'The headers as received',
      tag,
      scope: 'read',
      params: id,
      query: nothing,
      body: noBody,
      answer: z.object({ headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])) }),
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        const { headers } = await requireRaw(app, caller.account, params.delivery)
        return { json: { headers } }
      },
    }),
    route({
      method: 'POST',
      path: '/v1/deliveries/:delivery/replay',
      id: 'replayDelivery',
      summary: 'Fold a dead delivery again, or call the handlers again for the facts of a folded one',
      tag,
      scope: 'write',
      params: id,
      query: nothing,
      body: nothing,
      status: 202,
      answer: z.object({ refolded: z.boolean(), facts: z.number() }),
      errors: ['not_found', 'conflict'],
      handle: async ({ params, caller }) => ({
        json: await app.inbox.replay.delivery(caller.account, params.delivery),
      }),
    }),
  ]
}
