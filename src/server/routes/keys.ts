import { z } from 'zod'
import { MAIL_KINDS } from '../../app/mail/mail_templates.ts'
import type { App } from '../../app/create.ts'
import { present } from '../../app/present/present.ts'
import { BillhookError } from '../../model/error.ts'
import type { ApiKey } from '../../ports/api_store.ts'
import { SCOPES } from '../../ports/api_store.ts'
import { noBody, nothing, pageOf, route } from '../route.ts'
import type { Route } from '../route.ts'
import { apiKey, idText } from '../schemas.ts'

const show = ({ id, name, scope, createdAt, revokedAt }: ApiKey) => present({ id, name, scope, createdAt, revokedAt })

/** API keys. */
export function keyRoutes(app: App): readonly Route[] {
  const tag = 'API keys'
  return [
    route({
      method: 'GET',
      path: '/v1/keys',
      id: 'listKeys',
      summary: 'List API keys',
      tag,
      scope: 'admin',
      params: nothing,
      query: nothing,
      body: noBody,
      answer: pageOf(apiKey),
      handle: async ({ caller }) => ({ json: { data: (await app.keys.list(caller.account)).map(show), next: null } }),
    }),
    route({
      method: 'POST',
      path: '/v1/keys',
      id: 'createKey',
      summary: 'Create an API key; its text is shown once, in this answer',
      tag,
      scope: 'admin',
      params: nothing,
      query: nothing,
      body: z.strictObject({ name: z.string().min(1).max(200), scope: z.enum(SCOPES).default('read') }),
      status: 201,
      answer: z.object({ key: apiKey, text: z.string() }),
      handle: async ({ body, caller }) => {
        const { key, text } = await app.keys.create({ account: caller.account, ...body })
        return { json: { key: show(key), text } }
      },
      // The text of a key must not be kept, so this answer is not.
      keepsAnswer: false,
    }),
    route({
      method: 'DELETE',
      path: '/v1/keys/:key',
      id: 'revokeKey',
      summary: 'Revoke an API key',
      tag,
      scope: 'admin',
      params: z.object({ key: idText }),
      query: nothing,
      body: noBody,
      status: 204,
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        await app.keys.revoke(caller.account, params.key)
        return { json: null }
      },
    }),
  ]
}

const preferences = z.object({ user: z.string(), optedOut: z.array(z.string()), kinds: z.array(z.string()) })

/** Which mails a user of the app does not want. */
export function mailRoutes(app: App): readonly Route[] {
  const tag = 'Mail'
  const kinds = Object.keys(MAIL_KINDS)
  const read = async (account: string, user: string) => ({
    json: { user, optedOut: await app.mailPreferences.optedOut(account, user), kinds },
  })
  return [
    route({
      method: 'GET',
      path: '/v1/users/:user/mail',
      id: 'getMailPreferences',
      summary: 'The kinds of mail that a user has opted out of',
      tag,
      scope: 'read',
      params: z.object({ user: idText }),
      query: nothing,
      body: noBody,
      answer: preferences,
      handle: ({ params, caller }) => read(caller.account, params.user),
    }),
    route({
      method: 'PUT',
      path: '/v1/users/:user/mail/:kind',
      id: 'chooseMail',
      summary: 'Opt a user out of a kind of mail, or in again',
      tag,
      scope: 'write',
      params: z.object({ user: idText, kind: idText }),
      query: nothing,
      body: z.strictObject({ wanted: z.boolean() }),
      answer: preferences,
      handle: async ({ params, body, caller }) => {
        if (!kinds.includes(params.kind))
          throw new BillhookError('invalid_request', `path: kind: ${params.kind} is not one of ${kinds.join(', ')}`, {
            details: { field: 'kind' },
          })
        await app.mailPreferences.choose(caller.account, params.user, params.kind, body.wanted)
        return read(caller.account, params.user)
      },
    }),
  ]
}
