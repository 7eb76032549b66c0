import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseConfig } from '../app/config.ts'
import type { Config } from '../app/config.ts'
import { createApp } from '../app/create.ts'
import { BillhookError, isBillhookError, messageOf } from '../model/error.ts'
import { isObject } from '../model/json.ts'
import type { JsonObject } from '../model/json.ts'
import { createLocalApi } from '../server/server.ts'
import { ApiRefusal, shown, UsageError } from './io.ts'
import type { CliIo } from './io.ts'

/** Asks the REST API. */
export type CallApi = (
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: JsonObject,
) => Promise<JsonObject>

/** Where a server that has the data folder notes how it is reached. */
const URL_FILE = 'server_url'

/** Notes how this server is reached, for commands that find the store in use. */
export function noteUrl(config: Config, url: string): void {
  mkdirSync(config.dataFolder, { recursive: true, mode: 0o700 })
  writeFileSync(join(config.dataFolder, URL_FILE), `${url}\n`)
}

/** Removes that note: this server no longer has the data folder. */
export function forgetUrl(config: Config): void {
  rmSync(join(config.dataFolder, URL_FILE), { force: true })
}

/**
 * Does something with the API: of a server, if BILLHOOK_URL names one or one has the data folder in use, else inside this
 * process.
 *
 * @throws ApiRefusal what the API refuses
 * @throws BillhookError `store_locked` if another process has the data folder and did not note its URL;
 *   `server_unreachable`
 */
export async function withApi<T>(io: CliIo, work: (call: CallApi) => Promise<T>): Promise<T> {
  const config = parseConfig(io.env)
  const url = io.env['BILLHOOK_URL']?.trim() ?? ''
  if (url !== '') return work(remote(url, requireKey(io, config)))
  try {
    const app = await createApp(config)
    try {
      const api = createLocalApi(app)
      return await work((method, path, body) => ask(api, { method, path, body }))
    } finally {
      await app.close()
    }
  } catch (error) {
    if (!isBillhookError(error) || error.code !== 'store_locked') throw error
    const running = readOwn(config, URL_FILE)
    if (running === null) throw error
    return work(remote(running, requireKey(io, config)))
  }
}

/** Asks the API inside this process. */
export async function ask(
  api: (request: Request) => Promise<Response>,
  asked: { readonly method: string; readonly path: string; readonly body: JsonObject | undefined },
): Promise<JsonObject> {
  return readAnswer(await api(requestOf('http://127.0.0.1', { ...asked, key: 'operator' })))
}

function remote(url: string, key: string): CallApi {
  return async (method, path, body) => {
    let response: Response
    try {
      response = await fetch(requestOf(url, { method, path, body, key }))
    } catch (cause) {
      throw new BillhookError('server_unreachable', `the server at ${url} cannot be reached: ${messageOf(cause)}`, {
        cause,
      })
    }
    return readAnswer(response)
  }
}

function requestOf(
  url: string,
  ask: { readonly method: string; readonly path: string; readonly body: JsonObject | undefined; readonly key: string },
): Request {
  return new Request(new URL(ask.path, url), {
    method: ask.method,
    headers: {
      authorization: `Bearer ${ask.key}`,
      ...(ask.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(ask.body === undefined ? {} : { body: JSON.stringify(ask.body) }),
  })
}

async function readAnswer(response: Response): Promise<JsonObject> {
  if (response.status === 204) return {}
  const answer: unknown = await response.json()
  if (response.ok && isObject(answer)) return answer
  const error = isObject(answer) && isObject(answer['error']) ? answer['error'] : {}
  throw new ApiRefusal(shown(error['code'] ?? response.status), shown(error['message'] ?? 'no reason was given'))
}

function requireKey(io: CliIo, config: Config): string {
  const given = io.env['BILLHOOK_API_KEY']?.trim() ?? ''
  const key = given === '' ? readOwn(config, 'api_key') : given
  if (key === null) throw new UsageError('set BILLHOOK_API_KEY: the server at BILLHOOK_URL needs it')
  return key
}

function readOwn(config: Config, file: string): string | null {
  try {
    return readFileSync(join(config.dataFolder, file), 'utf8').trim()
  } catch {
    return null
  }
}
