import { z } from 'zod'
import type { App } from '../../app/create.ts'
import { present } from '../../app/present/present.ts'
import { noBody, nothing, route } from '../route.ts'
import type { Route } from '../route.ts'
import { sourceName } from '../schemas.ts'

const params = z.object({ source: sourceName })

const summary = z.object({
  allowed: z.boolean(),
  level: z.string(),
  plan: z.string().nullable(),
  features: z.array(z.string()),
})

const report = z.object({
  source: z.string(),
  deliveries: z.number(),
  unreadable: z.array(z.string()).describe('Ids of deliveries that can no longer be read.'),
  counts: z.object({ added: z.number(), retracted: z.number(), changed: z.number(), access: z.number() }),
  facts: z.array(
    z.object({
      key: z.string(),
      kind: z.string(),
      customer: z.string().nullable(),
      change: z.enum(['added', 'retracted', 'changed']),
    }),
  ),
  access: z.array(z.object({ customer: z.string(), before: summary, after: summary })),
})

/** Folding a source again from what it delivered: first beside what is known, then in its place. */
export function refoldRoutes(app: App): readonly Route[] {
  const { refold } = app.inbox
  const common = { tag: 'Re-fold', params, query: nothing } as const
  return [
    route({
      ...common,
      method: 'POST',
      path: '/v1/sources/:source/refold',
      id: 'shadowRefold',
      summary: 'Fold everything again into a shadow ledger and report what would differ; nothing changes',
      scope: 'admin',
      body: nothing,
      answer: report,
      errors: ['unknown_source'],
      handle: async ({ params: { source }, caller }) => ({
        json: present(await refold.shadow(caller.account, source)),
      }),
    }),
    route({
      ...common,
      method: 'POST',
      path: '/v1/sources/:source/refold/adopt',
      id: 'adoptRefold',
      summary: 'Replace the ledger with the shadow ledger; handlers are called for facts that differ',
      scope: 'admin',
      body: nothing,
      status: 202,
      answer: z.object({ adopted: z.literal(true) }),
      errors: ['unknown_source', 'not_found', 'conflict'],
      handle: async ({ params: { source }, caller }) => {
        await refold.adopt(caller.account, source)
        return { json: { adopted: true } }
      },
    }),
    route({
      ...common,
      method: 'DELETE',
      path: '/v1/sources/:source/refold',
      id: 'discardRefold',
      summary: 'Discard the shadow ledger',
      scope: 'admin',
      body: noBody,
      status: 204,
      errors: ['unknown_source'],
      handle: async ({ params: { source }, caller }) => {
        await refold.discard(caller.account, source)
        return { json: null }
      },
    }),
  ]
}
