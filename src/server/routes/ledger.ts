import { z } from 'zod'
import type { App } from '../../app/create.ts'
import { present } from '../../app/present/present.ts'
import { listFacts, listObjects, readObject, readOneFact } from '../../app/present/read_ledger.ts'
import { BillhookError } from '../../model/error.ts'
import { instant } from '../../model/instant.ts'
import type { Json } from '../../model/json.ts'
import type { ObjectKind } from '../../model/objects.ts'
import type { ReactionRow } from '../../ports/reaction_store.ts'
import { noBody, nothing, pageOf, paging, readCursor, route, writeCursor } from '../route.ts'
import type { Route } from '../route.ts'
import { fact, factKind, idText, ledgerObject, reaction, sourceName } from '../schemas.ts'

const OBJECTS = [
  'subscription',
  'invoice',
  'payment',
  'payment_link',
  'checkout',
  'customer',
] as const satisfies readonly ObjectKind[]

const trueOrFalse = z.enum(['true', 'false']).transform((text) => text === 'true')

/** What the ledger knows: objects and facts. */
export function ledgerRoutes(app: App): readonly Route[] {
  return [...objectRoutes(app), ...factRoutes(app), ...reactionRoutes(app)]
}

function objectRoutes(app: App): readonly Route[] {
  const tag = 'Objects'
  return [
    route({
      method: 'GET',
      path: '/v1/objects/:kind',
      id: 'listObjects',
      summary: 'List objects of one kind',
      tag,
      scope: 'read',
      params: z.object({ kind: z.enum(OBJECTS) }),
      query: z.strictObject({ ...paging, source: sourceName.optional() }),
      body: noBody,
      answer: pageOf(ledgerObject),
      errors: ['invalid_cursor'],
      handle: async ({ params, query, caller }) => {
        const { limit, cursor, source } = query
        const after = readCursor(z.strictObject({ source: z.string(), id: z.string() }), cursor)
        const page = await listObjects(app, { account: caller.account, source, kind: params.kind, after, limit })
        const last = page.length < limit ? undefined : page.at(-1)
        const next = last === undefined ? null : writeCursor({ source: last['source'], id: last['id'] })
        return { json: { data: page, next } }
      },
    }),
    route({
      method: 'GET',
      path: '/v1/objects/:kind/:source/:id',
      id: 'getObject',
      summary: 'Read an object',
      tag,
      scope: 'read',
      params: z.object({ kind: z.enum(OBJECTS), source: sourceName, id: idText }),
      query: nothing,
      body: noBody,
      answer: ledgerObject,
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        const of = { account: caller.account, source: params.source }
        return { json: await readObject(app, of, params.kind, params.id) }
      },
    }),
  ]
}

const factCursor = z.strictObject({ at: z.number(), source: z.string(), key: z.string() })

function factRoutes(app: App): readonly Route[] {
  const tag = 'Facts'
  return [
    route({
      method: 'GET',
      path: '/v1/facts',
      id: 'listFacts',
      summary: 'Search facts, newest first',
      tag,
      scope: 'read',
      params: nothing,
      query: z.strictObject({
        ...paging,
        source: sourceName.optional(),
        customer: idText.optional(),
        kind: factKind.optional(),
        retracted: trueOrFalse.optional().describe('True: only facts that were retracted; false: only the others.'),
      }),
      body: noBody,
      answer: pageOf(fact),
      errors: ['invalid_cursor'],
      handle: async ({ query, caller }) => {
        const { limit, cursor, ...filter } = query
        const given = readCursor(factCursor, cursor)
        const after = given === undefined ? undefined : { ...given, at: instant(given.at) }
        const page = await listFacts(app, { account: caller.account, ...filter, after, limit })
        const last = page.length < limit ? undefined : page.at(-1)?.row
        const next = last === undefined ? null : writeCursor({ at: last.at, source: last.source, key: last.key })
        return { json: { data: page.map(({ shown }) => shown), next } }
      },
    }),
    route({
      method: 'GET',
      path: '/v1/facts/:source/:key',
      id: 'getFact',
      summary: 'Read a fact',
      tag,
      scope: 'read',
      params: z.object({ source: sourceName, key: idText }),
      query: nothing,
      body: noBody,
      answer: fact,
      errors: ['not_found'],
      handle: async ({ params, caller }) => ({
        json: await readOneFact(app, { account: caller.account, source: params.source }, params.key),
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/replay',
      id: 'replayFacts',
      summary: 'Call the handlers again for facts',
      tag,
      scope: 'write',
      params: nothing,
      query: nothing,
      body: z
        .strictObject({
          source: sourceName.optional(),
          customer: idText.optional(),
          kind: factKind.optional(),
          key: idText.optional().describe('Only this fact; needs `source`.'),
        })
        .refine(({ key, source }) => key === undefined || source !== undefined, {
          path: ['source'],
          message: 'is needed with a key',
        }),
      status: 202,
      answer: z.object({ facts: z.number() }),
      handle: async ({ body, caller }) => ({
        json: { facts: await app.inbox.replay.facts({ account: caller.account, ...body }) },
      }),
    }),
  ]
}

function reactionRoutes(app: App): readonly Route[] {
  const tag = 'Reactions'
  const { reactions } = app.inbox.store
  return [
    route({
      method: 'GET',
      path: '/v1/reactions',
      id: 'listReactions',
      summary: 'Search handler calls, newest first',
      tag,
      scope: 'read',
      params: nothing,
      query: z.strictObject({
        ...paging,
        source: sourceName.optional(),
        state: z.enum(['waiting', 'done', 'dropped', 'dead']).optional(),
        factKey: idText.optional(),
      }),
      body: noBody,
      answer: pageOf(reaction),
      errors: ['invalid_cursor'],
      handle: async ({ query, caller }) => {
        const { limit, cursor, ...filter } = query
        const after = readCursor(z.string(), cursor)
        const page = await reactions.reactions({ account: caller.account, ...filter, after, limit })
        const last = page.length < limit ? undefined : page.at(-1)
        return { json: { data: page.map(showReaction), next: last === undefined ? null : writeCursor(last.id) } }
      },
    }),
    route({
      method: 'POST',
      path: '/v1/reactions/:reaction/retry',
      id: 'retryReaction',
      summary: 'Give a dead handler call a new series of attempts',
      tag,
      scope: 'write',
      params: z.object({ reaction: idText }),
      query: nothing,
      body: nothing,
      status: 202,
      answer: reaction,
      errors: ['not_found', 'conflict'],
      handle: async ({ params, caller }) => {
        const id = params.reaction
        if ((await reactions.reaction(caller.account, id)) === null)
          throw new BillhookError('not_found', `no reaction has the id ${id}`)
        if ((await reactions.reviveReactions(caller.account, [id], app.core.clock.now())) === 0)
          throw new BillhookError('conflict', `the reaction ${id} is not dead`)
        app.inbox.reactor.wake()
        const revived = await reactions.reaction(caller.account, id)
        return { json: revived === null ? null : showReaction(revived) }
      },
    }),
  ]
}

/** What the handlers are given (`data`) is the text of the model, for this program alone. */
function showReaction({ account: _account, data: _data, ...shown }: ReactionRow): Json {
  return present(shown)
}
