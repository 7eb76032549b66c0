import { z } from 'zod'
import type { App } from '../../app/create.ts'
import { present, presentInstant } from '../../app/present/present.ts'
import { BillhookError } from '../../model/error.ts'
import type { Json } from '../../model/json.ts'
import { noBody, nothing, pageOf, route } from '../route.ts'
import type { Route } from '../route.ts'
import { accessAnswer, hold, idText, instantText, link, policyVersion, sourceName, usageAnswer } from '../schemas.ts'

const when = { at: instantText.optional().describe('The instant to answer for; default: now.') }
const user = z.object({ user: idText })
const ofCustomer = { source: sourceName, customer: idText }

/** Who may use what: answers, and what the app itself says about its users. */
export function accessRoutes(app: App): readonly Route[] {
  return [...answerRoutes(app), ...linkRoutes(app), ...holdRoutes(app), ...policyRoutes(app)]
}

function answerRoutes(app: App): readonly Route[] {
  const { access } = app.inbox
  const tag = 'Access'
  return [
    route({
      method: 'GET',
      path: '/v1/access/:user',
      id: 'getAccess',
      summary: 'What a user of the app may use, and why',
      tag,
      scope: 'read',
      params: user,
      query: z.strictObject({ ...when, feature: idText.optional() }),
      body: noBody,
      answer: accessAnswer,
      handle: async ({ params, query, caller }) => ({
        json: present(await access.read(caller.account, { user: params.user }, query)),
      }),
    }),
    route({
      method: 'GET',
      path: '/v1/access',
      id: 'getCustomerAccess',
      summary: 'What one customer of one source may use, and why',
      tag,
      scope: 'read',
      params: nothing,
      query: z.strictObject({ ...ofCustomer, ...when, feature: idText.optional() }),
      body: noBody,
      answer: accessAnswer,
      errors: ['unknown_source'],
      handle: async ({ query, caller }) => {
        const { source, customer, ...options } = query
        return { json: present(await access.read(caller.account, { source, customer }, options)) }
      },
    }),
    route({
      method: 'GET',
      path: '/v1/usage/:user',
      id: 'getUsage',
      summary: 'How much a user has used of each meter in the current cycle',
      tag,
      scope: 'read',
      params: user,
      query: z.strictObject(when),
      body: noBody,
      answer: pageOf(usageAnswer),
      handle: async ({ params, query, caller }) => ({
        json: { data: present(await access.usage(caller.account, { user: params.user }, query.at)), next: null },
      }),
    }),
  ]
}

function linkRoutes(app: App): readonly Route[] {
  const { access } = app.inbox
  const tag = 'Links'
  const links = async (account: string, of: string): Promise<Json> => ({
    data: present((await access.links(account, of)).map(({ account: _own, ...rest }) => rest)),
    next: null,
  })
  return [
    route({
      method: 'GET',
      path: '/v1/links',
      id: 'listLinks',
      summary: 'The customers that a user of the app is linked to',
      tag,
      scope: 'read',
      params: nothing,
      query: z.strictObject({ user: idText }),
      body: noBody,
      answer: pageOf(link),
      handle: async ({ query, caller }) => ({ json: await links(caller.account, query.user) }),
    }),
    route({
      method: 'POST',
      path: '/v1/links',
      id: 'addLink',
      summary: 'Link a user of the app to a customer; repeating it changes nothing',
      tag,
      scope: 'write',
      params: nothing,
      query: nothing,
      body: z.strictObject({ user: idText, ...ofCustomer }),
      status: 201,
      answer: pageOf(link),
      errors: ['unknown_source'],
      handle: async ({ body, caller }) => {
        await access.link(caller.account, body.user, body.source, body.customer)
        return { json: await links(caller.account, body.user) }
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/links',
      id: 'removeLink',
      summary: 'Remove a link',
      tag,
      scope: 'write',
      params: nothing,
      query: z.strictObject({ user: idText, ...ofCustomer }),
      body: noBody,
      status: 204,
      errors: ['not_found'],
      handle: async ({ query, caller }) => {
        if (!(await access.unlink(caller.account, query.user, query.source, query.customer)))
          throw new BillhookError('not_found', `the user ${query.user} is not linked to ${query.customer}`)
        return { json: null }
      },
    }),
  ]
}

function holdRoutes(app: App): readonly Route[] {
  const { access } = app.inbox
  const tag = 'Holds'
  return [
    route({
      method: 'GET',
      path: '/v1/holds',
      id: 'listHolds',
      summary: 'List the holds of a user: the app’s own grants and blocks',
      tag,
      scope: 'read',
      params: nothing,
      query: z.strictObject({ user: idText }),
      body: noBody,
      answer: pageOf(hold),
      handle: async ({ query, caller }) => ({
        json: { data: present(await access.holds(caller.account, query.user)), next: null },
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/holds',
      id: 'addHold',
      summary: 'Grant or block a user, whatever the providers say',
      tag,
      scope: 'write',
      params: nothing,
      query: nothing,
      body: z.strictObject({
        user: idText,
        kind: z.enum(['grant', 'block']),
        reason: z.string().min(1).max(500),
        from: instantText.nullable().default(null),
        until: instantText.nullable().default(null),
        features: z.array(idText).max(500).default([]),
        level: z.enum(['full', 'limited']).default('full'),
      }),
      status: 201,
      answer: hold,
      handle: async ({ body, caller }) => ({
        json: present(await access.hold({ account: caller.account, ...body })),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/v1/holds/:hold',
      id: 'removeHold',
      summary: 'End a hold now',
      tag,
      scope: 'write',
      params: z.object({ hold: idText }),
      query: nothing,
      body: noBody,
      status: 204,
      errors: ['not_found'],
      handle: async ({ params, caller }) => {
        if (!(await access.removeHold(caller.account, params.hold)))
          throw new BillhookError('not_found', `no hold ${params.hold} is in force`)
        return { json: null }
      },
    }),
  ]
}

type PolicyVersion = Awaited<ReturnType<App['inbox']['policies']['newest']>>

function policyRoutes(app: App): readonly Route[] {
  const { policies } = app.inbox
  const tag = 'Policy'
  return [
    route({
      method: 'GET',
      path: '/v1/policy',
      id: 'getPolicy',
      summary: 'The access policy in force',
      tag,
      scope: 'read',
      params: nothing,
      query: nothing,
      body: noBody,
      answer: policyVersion,
      handle: async ({ caller }) => ({ json: showPolicy(await policies.newest(caller.account)) }),
    }),
    route({
      method: 'PUT',
      path: '/v1/policy',
      id: 'writePolicy',
      summary: 'Write a new version of the access policy',
      tag,
      scope: 'write',
      params: nothing,
      query: nothing,
      body: z.record(z.string(), z.json()),
      answer: policyVersion,
      errors: ['conflict'],
      handle: async ({ body, caller }) => ({ json: showPolicy(await policies.write(caller.account, body)) }),
    }),
    route({
      method: 'GET',
      path: '/v1/policy/versions',
      id: 'listPolicies',
      summary: 'List all versions of the access policy',
      tag,
      scope: 'read',
      params: nothing,
      query: nothing,
      body: noBody,
      answer: pageOf(policyVersion),
      handle: async ({ caller }) => ({
        json: { data: (await policies.versions(caller.account)).map(showPolicy), next: null },
      }),
    }),
  ]
}

function showPolicy({ version, json, createdAt }: PolicyVersion): Json {
  return { version, policy: json, createdAt: presentInstant(createdAt) }
}
