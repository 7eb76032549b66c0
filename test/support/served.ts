import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseConfig } from '../../src/app/config.ts'
import { createApp } from '../../src/app/create.ts'
import type { App } from '../../src/app/create.ts'
import type { Instant } from '../../src/model/instant.ts'
import { requireInstant } from '../../src/model/instant.ts'
import { NO_LOG } from '../../src/runtime/logger.ts'
import { createManualClock } from '../../src/runtime/manual_clock.ts'
import type { ManualClock } from '../../src/runtime/manual_clock.ts'
import type { HttpServer } from '../../src/server/http_server.ts'
import { startServer } from '../../src/server/server.ts'
import type { StorePlace } from './backends.ts'

/** A whole process inside this one: server, store, a clock that is moved by hand. */
export interface Served extends AsyncDisposable {
  readonly app: App
  readonly server: HttpServer
  readonly clock: ManualClock
  readonly key: string
  /** Asks the API; the answer's JSON, or its text where it is none. */
  readonly api: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answered>
  /** Waits until nothing is left to fold, and tells what waits. */
  settle(): Promise<void>
  /** Sends a captured body to a source, signed as Razorpay signs (a plain HMAC of the body). */
  readonly deliver: (source: string, body: string | Buffer, secret?: string) => Promise<Answered>
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  /** JSON as it came: tests look into it. */
  readonly body: ReturnType<typeof JSON.parse>
}

/** Soon after the captured samples were made. */
export const SAMPLE_TIME = requireInstant('2019-09-10T00:00:00Z', 'sample time')

export const SECRET = 'a-secret-of-ours'

export function sample(name: string): Buffer {
  return readFileSync(fileURLToPath(new URL(`../fixtures/razorpay/wire/${name}.body`, import.meta.url)))
}

export async function serve(
  options: {
    readonly place?: StorePlace
    readonly at?: Instant
    readonly env?: Record<string, string>
    readonly begin?: boolean
  } = {},
): Promise<Served> {
  const own = options.place === undefined || options.place.backend === 'postgres'
  const folder = own ? mkdtempSync(join(tmpdir(), 'billhook-served-')) : options.place.dataFolder
  const clock = createManualClock(options.at ?? SAMPLE_TIME)
  const database: Record<string, string> =
    options.place?.backend === 'postgres'
      ? { DATABASE_URL: options.place.databaseUrl, BILLHOOK_DATABASE_SCHEMA: options.place.schema }
      : {}
  const config = parseConfig({
    BILLHOOK_DATA_FOLDER: folder,
    BILLHOOK_PORT: '0',
    BILLHOOK_DEMO: 'false',
    // Its loops look around every few milliseconds of a clock that is moved by days here.
    BILLHOOK_SENDING: 'false',
    BILLHOOK_SHUTDOWN_TIMEOUT: 'PT2S',
    ...database,
    ...options.env,
  })
  const app = await createApp(config, { clock, log: NO_LOG })
  const server = await startServer(app, { checkAnswers: true })
  if (options.begin !== false) await app.start()
  const { text: key } = await app.keys.create({ account: 'main', name: 'tests', scope: 'admin' })
  const read = async (response: Response): Promise<Answered> => {
    const text = await response.text()
    const json = response.headers.get('content-type')?.includes('json') === true
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text }
  }
  return {
    app,
    server,
    clock,
    key,
    api: async (method, path, body, headers = {}) =>
      read(
        await fetch(server.url + path, {
          method,
          headers: {
            authorization: `Bearer ${key}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        }),
      ),
    deliver: async (source, body, secret = SECRET) =>
      read(
        await fetch(`${server.url}/in/${source}`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'x-razorpay-signature': createHmac('sha256', secret).update(body).digest('hex'),
          },
          body: new Uint8Array(Buffer.from(body)),
        }),
      ),
    async settle() {
      // The process itself may be at it: what it has claimed, nobody else sees.
      do await app.inbox.settle()
      while ((await app.inbox.store.received.backlog()) > 0)
    },
    async [Symbol.asyncDispose]() {
      await server.close(1000)
      await app.close()
      if (own) rmSync(folder, { recursive: true })
    },
  }
}
