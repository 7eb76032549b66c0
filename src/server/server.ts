import type { Caller } from '../app/api_keys.ts'
import type { App } from '../app/create.ts'
import { MAIN_ACCOUNT } from '../app/create.ts'
import { VERSION } from '../app/version.ts'
import { SECOND_MS } from '../model/instant.ts'
import type { JsonObject } from '../model/json.ts'
import { createApi } from './api.ts'
import { sendingRoutes } from './routes/billing_routes.ts'
import { startHttpServer } from './http_server.ts'
import type { HttpServer, Incoming, IngestReply } from './http_server.ts'
import { openApi } from './openapi.ts'
import type { Route } from './route.ts'
import { accessRoutes } from './routes/access.ts'
import { deliveryRoutes } from './routes/deliveries.ts'
import { keyRoutes, mailRoutes } from './routes/keys.ts'
import { ledgerRoutes } from './routes/ledger.ts'
import { metaRoutes } from './routes/meta.ts'
import { refoldRoutes } from './routes/refold.ts'
import { sourceRoutes } from './routes/sources.ts'

/** How a server is started. */
export interface ServerOptions {
  /** True: every answer is compared with its schema. For tests. */
  readonly checkAnswers?: boolean
}

/** All routes of the REST API. */
function routesOf(app: App, publicUrl: () => string): readonly Route[] {
  const routes: Route[] = []
  let document: JsonObject | null = null
  routes.push(
    ...metaRoutes(app, () => (document ??= openApi(routes, VERSION))),
    ...sourceRoutes(app, publicUrl),
    ...refoldRoutes(app),
    ...deliveryRoutes(app),
    ...ledgerRoutes(app),
    ...accessRoutes(app),
    ...keyRoutes(app),
    ...mailRoutes(app),
    ...sendingRoutes(app),
  )
  return routes
}

/**
 * Serves a process: deliveries and the REST API on one port.
 *
 * @throws BillhookError `config_invalid` if the address cannot be listened on
 */
export async function startServer(app: App, options: ServerOptions = {}): Promise<HttpServer> {
  const { config, core } = app
  let ownUrl = ''
  const publicUrl = (): string => config.publicUrl?.replace(/\/+$/, '') ?? ownUrl
  const api = createApi(routesOf(app, publicUrl), {
    keys: app.keys,
    answers: app.answers,
    clock: core.clock,
    log: core.log,
    maxBodyBytes: config.maxBodyBytes,
    checkAnswers: options.checkAnswers ?? false,
  })
  const server = await startHttpServer({
    host: config.host,
    port: config.port,
    maxBodyBytes: config.maxBodyBytes,
    bodyTimeoutMs: config.bodyTimeoutMs,
    log: core.log,
    ingest: (incoming) => takeIn(app, incoming),
    fetch: (request) => api.fetch(request),
  })
  ownUrl = server.url
  return server
}

/**
 * The REST API inside this process, for its own command line: whoever can open the store may do everything.
 */
export function createLocalApi(app: App): (request: Request) => Promise<Response> {
  const url = app.config.publicUrl ?? `http://${app.config.host}:${app.config.port}`
  const api = createApi(
    routesOf(app, () => url),
    {
      keys: { ...app.keys, authenticate: () => Promise.resolve(OPERATOR) },
      answers: app.answers,
      clock: app.core.clock,
      log: app.core.log,
      maxBodyBytes: app.config.maxBodyBytes,
      checkAnswers: false,
    },
  )
  return async (request) => api.fetch(request)
}

const OPERATOR: Caller = { account: MAIN_ACCOUNT, keyId: 'operator', scope: 'admin' }

async function takeIn(app: App, incoming: Incoming): Promise<IngestReply> {
  const { clock, metrics } = app.core
  const began = clock.now()
  const { account, source, headers, body } = incoming
  const answer = await app.inbox.ingest.receive({ account: account ?? MAIN_ACCOUNT, source, headers, body })
  metrics.observe('billhook_ingest_seconds', (clock.now() - began) / SECOND_MS)
  if (answer.ok) return { status: answer.status, body: `{"received":true,"delivery":"${answer.delivery}"}` }
  const { code, message, reason } = answer.error
  const details = { ...(reason === undefined ? {} : { reason }), delivery: answer.delivery }
  return { status: answer.status, body: JSON.stringify({ error: { code, message, details } }) }
}
