import { createHash } from 'node:crypto'
import { Hono } from 'hono'
import type { Context } from 'hono'
import { requireScope } from '../app/api_keys.ts'
import type { ApiKeys, Caller } from '../app/api_keys.ts'
import { readJsonBody } from '../wire/json_body.ts'
import { BillhookError, ERRORS, isBillhookError } from '../model/error.ts'
import { addMs, MINUTE_MS } from '../model/instant.ts'
import { canonicalJson, writeModel } from '../model/json.ts'
import type { ApiAnswer, ApiStore } from '../ports/api_store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { errorAnswer } from './errors.ts'
import type { Answer, RawInput, Route } from './route.ts'

/** What the API itself needs, beside what its routes do. */
export interface ApiPorts {
  readonly keys: ApiKeys
  readonly answers: ApiStore
  readonly clock: Clock
  readonly log: Log
  /** No JSON body of the API is larger. Bytes. */
  readonly maxBodyBytes: number
  /** True: every answer is compared with its schema. For tests. */
  readonly checkAnswers: boolean
}

/** The key of a request that is still in progress is free again after this time: its process has died. */
const WORKING_MS = MINUTE_MS

const KEY_LENGTH_MAX = 255

const TOO_LARGE = ERRORS.payload_too_large.status

/** The REST API on web-standard requests. */
export function createApi(routes: readonly Route[], ports: ApiPorts): Hono {
  const api = new Hono()
  for (const route of routes) api.on(route.method, route.path, (context) => answer(context, route, ports))
  api.notFound((context) => {
    const path = new URL(context.req.url).pathname
    const allowed = routes.filter((route) => matches(route.path, path)).map(({ method }) => method)
    if (allowed.length === 0) return failure(new BillhookError('not_found', `there is no route ${path}`), ports.log)
    const allow = [...new Set(allowed)].sort().join(', ')
    const error = new BillhookError('method_not_allowed', `${path} takes ${allow}, not ${context.req.method}`)
    return failure(error, ports.log, { allow })
  })
  api.onError((error) => failure(error, ports.log))
  return api
}

async function answer(context: Context, route: Route, ports: ApiPorts): Promise<Response> {
  try {
    const caller = await callerOf(context, route, ports)
    const body = route.body === null ? null : await bytesOf(context, ports)
    const key = context.req.header('idempotency-key')
    if (route.method !== 'POST' || key === undefined || route.scope === null)
      return await respond(route, inputOf(context, body), caller, ports)
    return await once({ context, route, caller, body, key }, ports)
  } catch (error) {
    return failure(error, ports.log)
  }
}

/** Nobody: for routes that are open to everybody. */
const NOBODY: Caller = { account: '', keyId: '', scope: 'read' }

async function callerOf(context: Context, route: Route, { keys }: ApiPorts): Promise<Caller> {
  if (route.scope === null) return NOBODY
  const header = context.req.header('authorization') ?? ''
  const [scheme = '', text = ''] = header.split(' ')
  if (scheme.toLowerCase() !== 'bearer')
    throw new BillhookError('unauthorized', 'send the header Authorization: Bearer <API key>')
  const caller = await keys.authenticate(text)
  requireScope(caller, route.scope)
  return caller
}

/** The body's bytes; not more than the limit is ever held. */
async function bytesOf(context: Context, { maxBodyBytes }: ApiPorts): Promise<Uint8Array> {
  const type = context.req.header('content-type')?.split(';')[0]?.trim().toLowerCase()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of context.req.raw.body ?? []) {
    size += chunk.byteLength
    if (size > maxBodyBytes)
      throw new BillhookError('payload_too_large', `the body is larger than ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  if (size > 0 && type !== 'application/json')
    throw new BillhookError(
      'unsupported_media_type',
      `the body must be application/json, not ${type ?? 'without a type'}`,
    )
  return Buffer.concat(chunks)
}

function inputOf(context: Context, body: Uint8Array | null): RawInput {
  const query = new URL(context.req.url).searchParams
  for (const name of new Set(query.keys())) {
    if (query.getAll(name).length > 1)
      throw new BillhookError('invalid_request', `query: ${name}: is given more than once`, {
        details: { field: name },
      })
  }
  return {
    params: context.req.param(),
    query: Object.fromEntries(query),
    body: body === null ? undefined : json(body),
    request: {
      idempotencyKey: context.req.header('idempotency-key') ?? null,
      headers: context.req.header(),
      bytes: body ?? new Uint8Array(),
    },
  }
}

function json(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return {}
  const read = readJsonBody(bytes)
  if (!read.ok) throw new BillhookError('invalid_json', `body: ${read.detail}`)
  return read.body
}

async function respond(route: Route, input: RawInput, caller: Caller, ports: ApiPorts): Promise<Response> {
  return toResponse(route, await run(route, input, caller, ports))
}

async function run(route: Route, input: RawInput, caller: Caller, ports: ApiPorts): Promise<Answer> {
  const made = await route.run(input, caller)
  if (ports.checkAnswers && 'json' in made && route.answer !== null) {
    const result = route.answer.safeParse(JSON.parse(writeModel(made.json)))
    const fault = result.success ? moreThan(result.data, JSON.parse(writeModel(made.json))) : result.error.message
    if (fault !== null)
      throw new BillhookError('internal_invariant', `${route.id} does not answer as its schema says: ${fault}`)
  }
  return made
}

/** What an answer has beyond its schema: the document says that there is nothing. */
function moreThan(known: unknown, answered: unknown): string | null {
  const [left, right] = [canonicalJson(known), canonicalJson(answered)]
  return left === right ? null : `it has ${right}, of which the schema knows ${left}`
}

function toResponse(route: Route, made: Answer): Response {
  if (route.status === 204) return new Response(null, { status: 204 })
  if ('bytes' in made)
    return new Response(new Uint8Array(made.bytes), { headers: { 'content-type': made.contentType } })
  if ('text' in made) return new Response(made.text, { headers: { 'content-type': made.contentType } })
  return jsonResponse(route.status, writeModel(made.json))
}

function jsonResponse(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(text, { status, headers: { 'content-type': 'application/json', ...headers } })
}

interface KeyedRequest {
  readonly context: Context
  readonly route: Route
  readonly caller: Caller
  readonly body: Uint8Array | null
  readonly key: string
}

/**
 * Runs a request once for its idempotency key. The key is taken before the work and keeps the answer after it; a request
 * that failed inside frees it. Refusals (4xx) are answers like others: the same request gets the same one again.
 */
async function once(request: KeyedRequest, ports: ApiPorts): Promise<Response> {
  const { context, route, caller, body, key } = request
  if (!route.keepsAnswer)
    throw new BillhookError(
      'invalid_request',
      'header: Idempotency-Key: the answer contains a secret, so it is not stored; send the request without a key',
      {
        details: { field: 'Idempotency-Key' },
      },
    )
  if (key === '' || key.length > KEY_LENGTH_MAX)
    throw new BillhookError('invalid_request', `header: Idempotency-Key: must have 1 to ${KEY_LENGTH_MAX} characters`, {
      details: { field: 'Idempotency-Key' },
    })
  const url = new URL(context.req.url)
  const fingerprint = createHash('sha256')
    .update(`${route.method} ${url.pathname}${url.search}\n`)
    .update(body ?? new Uint8Array())
    .digest('hex')
  const mine: ApiAnswer = { account: caller.account, key, fingerprint, status: 0, answer: '', at: ports.clock.now() }
  const taken = await take(mine, ports)
  if (taken !== null) return replayed(taken, fingerprint)
  try {
    const made = await run(route, inputOf(context, body), caller, ports)
    const text = 'json' in made ? writeModel(made.json) : ''
    await ports.answers.finishAnswer({ ...mine, status: route.status, answer: text, at: ports.clock.now() })
    return toResponse(route, made)
  } catch (error) {
    const refusal = isBillhookError(error) && error.status < 500 ? errorAnswer(error, ports.log) : null
    if (refusal === null) await ports.answers.dropAnswer(caller.account, key)
    else {
      const { status, body: refused } = refusal
      await ports.answers.finishAnswer({ ...mine, status, answer: writeModel(refused), at: ports.clock.now() })
    }
    throw error
  }
}

async function take(mine: ApiAnswer, { answers, clock }: ApiPorts): Promise<ApiAnswer | null> {
  const taken = await answers.takeAnswer(mine)
  if (taken === null || taken.status !== 0 || addMs(taken.at, WORKING_MS) > clock.now()) return taken
  await answers.dropAnswer(mine.account, mine.key)
  return answers.takeAnswer(mine)
}

function replayed(taken: ApiAnswer, fingerprint: string): Response {
  if (taken.fingerprint !== fingerprint)
    throw new BillhookError(
      'idempotency_conflict',
      `the idempotency key ${taken.key} was already used for a different request`,
    )
  if (taken.status === 0)
    throw new BillhookError('conflict', `the request with the idempotency key ${taken.key} is still in progress`)
  if (taken.status === 204) return new Response(null, { status: 204, headers: { 'idempotent-replayed': 'true' } })
  return jsonResponse(taken.status, taken.answer, { 'idempotent-replayed': 'true' })
}

function failure(error: unknown, log: Log, headers: Readonly<Record<string, string>> = {}): Response {
  const { status, body } = errorAnswer(error, log)
  // The rest of the body is not read: what comes next on this connection cannot be told from it.
  const close = status === TOO_LARGE ? { connection: 'close' } : {}
  return jsonResponse(status, writeModel(body), { ...headers, ...close })
}

/** True if a path is one that a route's pattern stands for. */
function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const given = path.split('/')
  return wanted.length === given.length && wanted.every((part, index) => part.startsWith(':') || part === given[index])
}
