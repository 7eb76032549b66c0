/** Endpoints: where an account's events are sent. */
import { z } from 'zod'
import type { SendingService } from '../../app/sending/sending_service.ts'
import type { ErrorCode } from '../../model/error.ts'
import type { Json, JsonObject } from '../../model/json.ts'
import { isObject } from '../../model/json.ts'
import type { Endpoint } from '../../ports/endpoint_store.ts'
import { publishedEvent } from '../billing_answers.ts'
import { ACCOUNT_PATH } from './billing_command_route.ts'
import { camel, snake } from '../billing_names.ts'
import { inAccount, inAccountWithId } from '../billing_schemas.ts'
import { endpointChangeIn, endpointIn, endpointOut, endpointWithSecretOut } from '../delivery_schemas.ts'
import { noBody, nothing, pageOf, route } from '../route.ts'
import type { Route } from '../route.ts'

const TAG = 'Endpoints'
const COLLECTION = `${ACCOUNT_PATH}/endpoints`
const ONE = `${COLLECTION}/:id`

/** Registering, reading and changing endpoints. */
export function endpointRoutes(service: SendingService): readonly Route[] {
  const { endpoints } = service.delivery
  return [
    route({
      method: 'POST',
      path: COLLECTION,
      id: 'createEndpoint',
      summary: 'Register an endpoint; its secret is shown once, in this answer',
      tag: TAG,
      scope: 'write',
      params: inAccount,
      query: nothing,
      body: endpointIn,
      status: 201,
      answer: endpointWithSecretOut,
      errors: ['not_found', 'unknown_dialect', 'endpoint_refused', 'conflict'],
      handle: async ({ params, body, caller }) => {
        service.requireAccount(caller, params.account)
        const { id, ...input } = camel(body)
        const made = await endpoints.create(params.account, input, id)
        return { json: { ...shown(made.endpoint), secret: made.secret } }
      },
    }),
    route({
      method: 'GET',
      path: COLLECTION,
      id: 'listEndpoints',
      summary: 'List endpoints',
      tag: TAG,
      scope: 'read',
      params: inAccount,
      query: nothing,
      body: noBody,
      answer: pageOf(endpointOut),
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        service.requireAccount(caller, params.account)
        await service.billing.account(params.account)
        return { json: { data: (await endpoints.list(params.account)).map(shown), next: null } }
      },
    }),
    route({
      method: 'GET',
      path: ONE,
      id: 'getEndpoint',
      summary: 'Read an endpoint, with its health',
      tag: TAG,
      scope: 'read',
      params: inAccountWithId,
      query: nothing,
      body: noBody,
      answer: endpointOut,
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        service.requireAccount(caller, params.account)
        return { json: shown(await endpoints.one(params.account, params.id)) }
      },
    }),
    route({
      method: 'PATCH',
      path: ONE,
      id: 'updateEndpoint',
      summary: 'Change an endpoint; its dialect and version are fixed',
      tag: TAG,
      scope: 'write',
      params: inAccountWithId,
      query: nothing,
      body: endpointChangeIn,
      answer: endpointOut,
      errors: ['not_found', 'endpoint_refused', 'conflict'],
      handle: async ({ params, body, caller }) => {
        service.requireAccount(caller, params.account)
        return { json: shown(await endpoints.update(params.account, params.id, camel(body))) }
      },
    }),
    route({
      method: 'DELETE',
      path: ONE,
      id: 'deleteEndpoint',
      summary: 'Remove an endpoint; what it has not been sent yet is not sent',
      tag: TAG,
      scope: 'write',
      params: inAccountWithId,
      query: nothing,
      body: noBody,
      status: 204,
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        service.requireAccount(caller, params.account)
        await endpoints.remove(params.account, params.id)
        return { json: {} }
      },
    }),
  ]
}

/** Switches and checks of an endpoint. */
export function endpointActionRoutes(service: SendingService): readonly Route[] {
  const { endpoints } = service.delivery
  return [
    stateRoute(service, 'enable', 'Let events through again; what was held meanwhile is delivered', (...of) =>
      endpoints.enable(...of),
    ),
    stateRoute(service, 'disable', 'Stop deliveries; what comes meanwhile is kept as skipped', (...of) =>
      endpoints.disable(...of),
    ),
    stateRoute(service, 'pause', 'Hold deliveries back until it is enabled again', (...of) => endpoints.pause(...of)),
    route({
      method: 'POST',
      path: `${ONE}/rotate_secret`,
      id: 'rotateEndpointSecret',
      summary: 'Create a new secret, shown once; the previous one stays in use as the dialect’s rule says',
      tag: TAG,
      scope: 'admin',
      params: inAccountWithId,
      query: nothing,
      body: z.strictObject({ secret: z.string().min(1).max(500).nullable().default(null) }),
      answer: endpointWithSecretOut,
      errors: ['not_found', 'conflict'],
      handle: async ({ params, body, caller }) => {
        service.requireAccount(caller, params.account)
        const { endpoint, secret } = await endpoints.rotateSecret(params.account, params.id, body.secret)
        return { json: { ...shown(endpoint), secret } }
      },
    }),
    route({
      method: 'POST',
      path: `${ONE}/verify`,
      id: 'verifyEndpoint',
      summary: 'Send the signed challenge; an endpoint that answers it is enabled',
      tag: TAG,
      scope: 'write',
      params: inAccountWithId,
      query: nothing,
      body: nothing,
      answer: z.strictObject({ ok: z.boolean(), detail: z.string().nullable() }),
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        service.requireAccount(caller, params.account)
        return { json: await endpoints.verify(params.account, params.id) }
      },
    }),
    route({
      method: 'POST',
      path: `${ONE}/test`,
      id: 'testEndpoint',
      summary: 'Send a test event: a sample of the type, in the endpoint’s dialect',
      tag: TAG,
      scope: 'write',
      params: inAccountWithId,
      query: nothing,
      body: z.strictObject({
        type: z.string().min(1).max(255).nullable().default(null).describe('Null: one of the endpoint’s own types.'),
      }),
      status: 201,
      answer: publishedEvent,
      errors: ['not_found'],
      handle: async ({ params, body, caller }) => {
        service.requireAccount(caller, params.account)
        return { json: await service.sendTest(params.account, params.id, body.type) }
      },
    }),
  ]
}

type Change = (account: string, id: string) => Promise<Endpoint>

function stateRoute(
  service: SendingService,
  action: 'enable' | 'disable' | 'pause',
  summary: string,
  change: Change,
): Route {
  const errors: readonly ErrorCode[] = ['not_found', 'invalid_transition', 'conflict']
  return route({
    method: 'POST',
    path: `${ONE}/${action}`,
    id: `${action}Endpoint`,
    summary,
    tag: TAG,
    scope: 'write',
    params: inAccountWithId,
    query: nothing,
    body: nothing,
    answer: endpointOut,
    errors,
    handle: async ({ params, caller }) => {
      service.requireAccount(caller, params.account)
      return { json: shown(await change(params.account, params.id)) }
    },
  })
}

/** Without what is secret: secrets, custom headers. */
function shown({ account: _account, lockedHeaders, secrets, ...endpoint }: Endpoint): JsonObject {
  const times: Json = secrets.map(({ from, until }) => snake({ from, until }))
  const members = snake(endpoint)
  return { ...(isObject(members) ? members : {}), has_headers: lockedHeaders !== null, secrets: times }
}
