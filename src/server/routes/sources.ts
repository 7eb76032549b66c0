import { z } from 'zod'
import type { App } from '../../app/create.ts'
import { present, presentInstant } from '../../app/present/present.ts'
import { formatDuration } from '../../model/duration.ts'
import type { Json } from '../../model/json.ts'
import { noBody, nothing, pageOf, route } from '../route.ts'
import type { Route } from '../route.ts'
import { durationText, idText, source, sourceName } from '../schemas.ts'

type Source = Awaited<ReturnType<App['inbox']['sources']['list']>>[number]

const name = z.object({ source: sourceName })

const settings = z
  .strictObject({
    tolerance: durationText.nullable().optional().describe('How far a signed time may lie from the clock.'),
    jwksUrl: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .nullable()
      .optional()
      .describe('Where the provider publishes its keys.'),
    settle: durationText.optional().describe('How long handlers are held back for the rest of a burst.'),
    autoLink: z
      .boolean()
      .optional()
      .describe('Whether ids of your app in the provider’s data link users to customers automatically.'),
  })
  .transform(({ tolerance, jwksUrl, settle, autoLink }) => ({
    ...(tolerance === undefined ? {} : { toleranceMs: tolerance }),
    ...(jwksUrl === undefined ? {} : { jwksUrl }),
    ...(settle === undefined ? {} : { settleMs: settle }),
    ...(autoLink === undefined ? {} : { autoLink }),
  }))

/** Providers' keys are short; a token that is pasted instead is not. */
const api = z
  .strictObject({
    key: z.string().min(1).max(4096).describe('A key of the provider’s API. It is encrypted at rest and never shown.'),
    url: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional()
      .describe('Another address than the provider’s own.'),
  })
  .transform(({ key, url = null }) => ({ key, url }))
  .nullable()
  .describe('Opens the provider’s API: what is late or unclear is looked up there. Null: nothing is looked up.')

const secretText = z.string().min(1).max(4096)

/** Most secrets of one source: a rotation needs two. */
const SECRETS_MAX = 20

/** Sources: one webhook URL for each account of a provider, with the secrets that open its deliveries. */
export function sourceRoutes(app: App, publicUrl: () => string): readonly Route[] {
  const { sources } = app.inbox
  const show = (found: Source): Json => showSource(found, publicUrl())
  const tag = 'Sources'
  return [
    route({
      method: 'GET',
      path: '/v1/sources',
      id: 'listSources',
      summary: 'List sources',
      tag,
      scope: 'read',
      params: nothing,
      query: nothing,
      body: noBody,
      answer: pageOf(source),
      handle: async ({ caller }) => {
        const found = await sources.list(caller.account)
        return { json: { data: found.map(show), next: null } }
      },
    }),
    route({
      method: 'POST',
      path: '/v1/sources',
      id: 'createSource',
      summary: 'Create a source',
      tag,
      scope: 'write',
      params: nothing,
      query: nothing,
      body: z.strictObject({
        name: sourceName,
        dialect: z.string().min(1).max(100).describe('A dialect’s id, or a provider with an API version.'),
        secrets: z.array(secretText).max(SECRETS_MAX).default([]),
        settings: settings.optional(),
        api: api.default(null),
      }),
      status: 201,
      answer: source,
      errors: ['unknown_dialect', 'conflict'],
      handle: async ({ body, caller }) => {
        const { settings: chosen = {}, ...rest } = body
        const all = { settleMs: app.config.settleMs, ...chosen }
        return { json: show(await sources.create({ account: caller.account, ...rest, settings: all })) }
      },
    }),
    route({
      method: 'GET',
      path: '/v1/sources/:source',
      id: 'getSource',
      summary: 'Read a source',
      tag,
      scope: 'read',
      params: name,
      query: nothing,
      body: noBody,
      answer: source,
      errors: ['unknown_source'],
      handle: async ({ params, caller }) => ({ json: show(await sources.require(caller.account, params.source)) }),
    }),
    route({
      method: 'PATCH',
      path: '/v1/sources/:source',
      id: 'updateSource',
      summary: 'Change a source’s dialect, settings or API key',
      tag,
      scope: 'write',
      params: name,
      query: nothing,
      body: z.strictObject({
        dialect: z.string().min(1).max(100).optional(),
        settings: settings.optional(),
        api: api.optional(),
      }),
      answer: source,
      errors: ['unknown_source', 'unknown_dialect'],
      handle: async ({ params, body, caller }) => {
        const change = {
          ...(body.dialect === undefined ? {} : { dialect: body.dialect }),
          ...(body.settings === undefined ? {} : { settings: body.settings }),
          ...(body.api === undefined ? {} : { api: body.api }),
        }
        return { json: show(await sources.update(caller.account, params.source, change)) }
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/sources/:source',
      id: 'deleteSource',
      summary: 'Delete a source; what it delivered is kept',
      tag,
      scope: 'admin',
      params: name,
      query: nothing,
      body: noBody,
      status: 204,
      errors: ['unknown_source'],
      handle: async ({ params, caller }) => {
        await sources.remove(caller.account, params.source)
        return { json: null }
      },
    }),
    ...secretRoutes(app, show),
  ]
}

function secretRoutes(app: App, show: (found: Source) => Json): readonly Route[] {
  const { sources } = app.inbox
  const tag = 'Sources'
  return [
    route({
      method: 'POST',
      path: '/v1/sources/:source/secrets',
      id: 'addSecret',
      summary: 'Add a secret; older ones stay valid for the overlap',
      tag,
      scope: 'admin',
      params: name,
      query: nothing,
      body: z.strictObject({
        secret: secretText,
        overlap: durationText
          .nullable()
          .default(null)
          .describe('How long the previous secrets still open deliveries; null: until they are removed.'),
      }),
      status: 201,
      answer: source,
      errors: ['unknown_source'],
      handle: async ({ params, body, caller }) => ({
        json: show(await sources.addSecret(caller.account, params.source, body.secret, body.overlap)),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/v1/sources/:source/secrets/:secret',
      id: 'removeSecret',
      summary: 'Remove a secret at once',
      tag,
      scope: 'admin',
      params: z.object({ source: sourceName, secret: idText }),
      query: nothing,
      body: noBody,
      answer: source,
      errors: ['unknown_source', 'not_found'],
      handle: async ({ params, caller }) => ({
        json: show(await sources.removeSecret(caller.account, params.source, params.secret)),
      }),
    }),
  ]
}

function showSource(found: Source, publicUrl: string): Json {
  const { toleranceMs, jwksUrl, settleMs, autoLink } = found.settings
  return {
    name: found.name,
    dialect: found.dialect.id,
    url: `${publicUrl}/in/${found.name}`,
    secrets: present(found.secrets),
    settings: {
      tolerance: toleranceMs === null ? null : formatDuration(toleranceMs),
      jwksUrl,
      settle: formatDuration(settleMs),
      autoLink,
    },
    api: found.api === null ? null : { url: found.api.url ?? found.dialect.retrieval?.baseUrl ?? null },
    createdAt: presentInstant(found.createdAt),
  }
}
