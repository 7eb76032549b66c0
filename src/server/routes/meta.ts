import { z } from 'zod'
import type { App } from '../../app/create.ts'
import { VERSION } from '../../app/version.ts'
import { listDialects } from '../../app/present/list_dialects.ts'
import type { JsonObject } from '../../model/json.ts'
import { noBody, nothing, pageOf, route } from '../route.ts'
import type { Route } from '../route.ts'

const ok = z.object({ status: z.literal('ok'), version: z.string() })

const open = { scope: null, params: nothing, query: nothing, body: noBody, tag: 'Server' } as const

/** What says how the process is, and what the API is. */
export function metaRoutes(app: App, document: () => JsonObject): readonly Route[] {
  return [
    route({
      ...open,
      method: 'GET',
      path: '/health',
      id: 'health',
      summary: 'Whether the process is alive',
      answer: ok,
      handle: () => Promise.resolve({ json: { status: 'ok', version: VERSION } }),
    }),
    route({
      ...open,
      method: 'GET',
      path: '/ready',
      id: 'ready',
      summary: 'Whether the database answers and requests can be served',
      answer: ok,
      errors: ['store_unavailable', 'shutting_down'],
      handle: async () => {
        await app.ready()
        return { json: { status: 'ok', version: VERSION } }
      },
    }),
    route({
      ...open,
      method: 'GET',
      path: '/metrics',
      id: 'metrics',
      summary: 'Metrics in the Prometheus text format',
      handle: async () => {
        const { store } = app.inbox
        app.core.metrics.gauge('billhook_inbox_backlog', await store.received.backlog())
        app.core.metrics.gauge('billhook_reactions_waiting', await store.reactions.countWaiting())
        return { text: app.core.metrics.print(), contentType: 'text/plain; version=0.0.4; charset=utf-8' }
      },
    }),
    route({
      ...open,
      method: 'GET',
      path: '/openapi.json',
      id: 'openApi',
      summary: 'This document',
      answer: z.record(z.string(), z.unknown()),
      handle: () => Promise.resolve({ json: document() }),
    }),
    route({
      ...open,
      scope: 'read',
      method: 'GET',
      path: '/v1/dialects',
      id: 'listDialects',
      summary: 'The dialects and their catalogues',
      answer: pageOf(
        z.object({
          id: z.string(),
          family: z.string(),
          catalogue: z.array(z.record(z.string(), z.unknown())),
        }),
      ),
      handle: () => Promise.resolve({ json: { data: listDialects(), next: null } }),
    }),
  ]
}
