/** Sending again, and the keys that tokens are signed with. */
import { z } from 'zod'
import type { SendingService } from '../../app/sending/sending_service.ts'
import type { Json } from '../../model/json.ts'
import type { Replay } from '../../ports/delivery_chores.ts'
import { ACCOUNT_PATH } from './billing_command_route.ts'
import { camel, snake } from '../billing_names.ts'
import { accountIn, idText, inAccount, inAccountWithId } from '../billing_schemas.ts'
import { eventTypeIn, keySetOut, replayOut, stateIn } from '../delivery_schemas.ts'
import { noBody, nothing, pageOf, route } from '../route.ts'
import type { Route } from '../route.ts'
import { instantText } from '../schemas.ts'

const TAG = 'Replays'
const COLLECTION = `${ACCOUNT_PATH}/replays`

/** Replays: durable jobs with progress. */
export function replayRoutes(service: SendingService): readonly Route[] {
  const { replays, inspection } = service.delivery
  return [
    route({
      method: 'POST',
      path: COLLECTION,
      id: 'createReplay',
      summary: 'Send deliveries again: those of an event, of an endpoint, or all since an instant',
      tag: TAG,
      scope: 'write',
      params: inAccount,
      query: nothing,
      body: z.strictObject({
        endpoint: idText.optional(),
        event: idText.optional(),
        states: z
          .array(stateIn)
          .min(1)
          .optional()
          .describe('Default: what did not arrive (`exhausted` and `skipped`).'),
        type: eventTypeIn.optional(),
        customer: idText.optional(),
        from: instantText.optional().describe('On the account’s clock, inclusive.'),
        until: instantText.optional().describe('Exclusive.'),
      }),
      status: 201,
      answer: replayOut,
      errors: ['not_found'],
      handle: async ({ params, body, caller }) => {
        service.requireAccount(caller, params.account)
        return { json: shown(await replays.create(params.account, camel(body))) }
      },
    }),
    route({
      method: 'POST',
      path: `${ACCOUNT_PATH}/events/:id/deliveries/:endpoint/replay`,
      id: 'replayOutgoingDelivery',
      summary: 'Send one delivery again, whatever became of it',
      tag: TAG,
      scope: 'write',
      params: z.strictObject({ account: accountIn, id: idText, endpoint: idText }),
      query: nothing,
      body: nothing,
      status: 201,
      answer: replayOut,
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        service.requireAccount(caller, params.account)
        const { account, id, endpoint } = params
        const event = await inspection.event(account, id)
        return { json: shown(await replays.one({ account, event: event.id, endpoint })) }
      },
    }),
    route({
      method: 'GET',
      path: COLLECTION,
      id: 'listReplays',
      summary: 'List the latest replays, newest first',
      tag: TAG,
      scope: 'read',
      params: inAccount,
      query: nothing,
      body: noBody,
      answer: pageOf(replayOut),
      handle: async ({ params, caller }) => {
        service.requireAccount(caller, params.account)
        return { json: { data: (await replays.list(params.account)).map(shown), next: null } }
      },
    }),
    route({
      method: 'GET',
      path: `${COLLECTION}/:id`,
      id: 'getReplay',
      summary: 'Read a replay and its progress',
      tag: TAG,
      scope: 'read',
      params: inAccountWithId,
      query: nothing,
      body: noBody,
      answer: replayOut,
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        service.requireAccount(caller, params.account)
        return { json: shown(await replays.get(params.account, params.id)) }
      },
    }),
    route({
      method: 'POST',
      path: `${COLLECTION}/:id/cancel`,
      id: 'cancelReplay',
      summary: 'Stop a replay; deliveries that it has already scheduled are still made',
      tag: TAG,
      scope: 'write',
      params: inAccountWithId,
      query: nothing,
      body: nothing,
      answer: replayOut,
      errors: ['not_found', 'invalid_transition'],
      handle: async ({ params, caller }) => {
        service.requireAccount(caller, params.account)
        return { json: shown(await replays.cancel(params.account, params.id)) }
      },
    }),
  ]
}

/** Where receivers of tokens look for the public keys: both spellings that libraries ask for. */
const WELL_KNOWN = ['jwks', 'jwks.json'] as const

/** Key sets, public, and their rotation. */
export function signingKeyRoutes(service: SendingService): readonly Route[] {
  const tag = 'Signing keys'
  const set = async (account: string): Promise<{ readonly json: unknown }> => ({ json: await service.keySet(account) })
  return [
    ...WELL_KNOWN.map((name) =>
      route({
        method: 'GET',
        path: `/.well-known/${name}`,
        id: name === 'jwks' ? 'getMainKeySet' : 'getMainKeySetJson',
        summary: 'Public keys of the main account, as a JSON Web Key Set',
        tag,
        scope: null,
        params: nothing,
        query: nothing,
        body: noBody,
        answer: keySetOut,
        handle: () => set(service.operatorAccount),
      }),
    ),
    ...WELL_KNOWN.map((name) =>
      route({
        method: 'GET',
        path: `/accounts/:account/.well-known/${name}`,
        id: name === 'jwks' ? 'getKeySet' : 'getKeySetJson',
        summary: 'Public keys of an account, as a JSON Web Key Set',
        tag,
        scope: null,
        params: inAccount,
        query: nothing,
        body: noBody,
        answer: keySetOut,
        errors: ['not_found'],
        handle: ({ params }) => set(params.account),
      }),
    ),
    route({
      method: 'POST',
      path: `${ACCOUNT_PATH}/signing_keys/rotate`,
      id: 'rotateSigningKey',
      summary: 'Create the next signing key; the previous one stays published for the overlap',
      tag,
      scope: 'admin',
      params: inAccount,
      query: nothing,
      body: nothing,
      answer: z.strictObject({ key_id: z.string(), ...keySetOut.shape }),
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        service.requireAccount(caller, params.account)
        const keyId = await service.rotateSigningKey(params.account)
        return { json: { key_id: keyId, ...(await service.keySet(params.account)) } }
      },
    }),
  ]
}

function shown({ account: _account, cursor: _cursor, ...replay }: Replay): Json {
  return snake(replay)
}
