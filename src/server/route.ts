import { z } from 'zod'
import type { Caller } from '../app/api_keys.ts'
import { BillhookError } from '../model/error.ts'
import type { ErrorCode } from '../model/error.ts'
import type { Scope } from '../ports/api_store.ts'

/** HTTP methods of the API. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What a route is given, unchecked. */
export interface RawInput {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
  /** May be omitted: then there is nothing to know. */
  readonly request?: RequestFacts
}

/** The request behind an input, for the few routes that must know it. */
interface RequestFacts {
  readonly idempotencyKey: string | null
  readonly headers: Readonly<Record<string, string>>
  /** The body's exact bytes; empty without one. */
  readonly bytes: Uint8Array
}

const NO_REQUEST: RequestFacts = { idempotencyKey: null, headers: {}, bytes: new Uint8Array() }

/** A successful answer: JSON data, or bytes as they are. */
export type Answer =
  | { readonly json: unknown }
  | { readonly bytes: Uint8Array; readonly contentType: string }
  | { readonly text: string; readonly contentType: string }

/** One route of the REST API, as the router and the OpenAPI document see it. */
export interface Route {
  readonly method: Method
  /** `/v1/sources/:name` */
  readonly path: string
  readonly id: string
  readonly summary: string
  readonly tag: string
  /** Null: open to everybody. */
  readonly scope: Scope | null
  readonly params: z.ZodType
  readonly query: z.ZodType
  /** Null: the request has no body. */
  readonly body: z.ZodType | null
  readonly status: 200 | 201 | 202 | 204
  /** Null: the answer is not JSON. */
  readonly answer: z.ZodType | null
  readonly errors: readonly ErrorCode[]
  /** False: the answer holds a secret and is not kept for an idempotency key, which the route then refuses. */
  readonly keepsAnswer: boolean
  run(input: RawInput, caller: Caller): Promise<Answer>
}

/** What a route is made of. */
export interface RouteSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> extends Omit<
  Route,
  'params' | 'query' | 'body' | 'run' | 'status' | 'errors' | 'answer' | 'keepsAnswer'
> {
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly status?: Route['status']
  readonly answer?: z.ZodType | null
  readonly errors?: readonly ErrorCode[]
  readonly keepsAnswer?: boolean
  readonly handle: (input: {
    readonly params: z.output<P>
    readonly query: z.output<Q>
    readonly body: z.output<B>
    readonly caller: Caller
    readonly request: RequestFacts
  }) => Promise<Answer>
}

/** For the parts of a request that a route does not take. */
export const nothing = z.strictObject({})

/** For routes without a body. */
export const noBody = z.undefined()

/** A route whose input is checked before its handler sees it. */
export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(spec: RouteSpec<P, Q, B>): Route {
  const { handle, status = 200, errors = [], answer = null, keepsAnswer = true, ...rest } = spec
  return {
    ...rest,
    body: spec.body instanceof z.ZodUndefined ? null : spec.body,
    status,
    errors,
    answer,
    keepsAnswer,
    run: (input, caller) =>
      handle({
        params: check(spec.params, input.params, 'path'),
        query: check(spec.query, input.query, 'query'),
        body: check(spec.body, input.body, 'body'),
        caller,
        request: input.request ?? NO_REQUEST,
      }),
  }
}

/** A page of a list. */
export function pageOf(item: z.ZodType): z.ZodType {
  return z.object({
    data: z.array(item),
    next: z.string().nullable().describe('Cursor of the next page; null at the end.'),
  })
}

/** Most items of one page. */
const LIMIT_MAX = 200

/** The query members of every list. */
export const paging = {
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(50).describe('Items per page.'),
  cursor: z.string().max(2000).optional().describe('`next` of the page before.'),
}

/** A cursor's text: opaque to callers, so that its inside may change. */
export function writeCursor(inside: unknown): string {
  return Buffer.from(JSON.stringify(inside)).toString('base64url')
}

/** @throws BillhookError `invalid_cursor` */
export function readCursor<T extends z.ZodType>(schema: T, text: string | undefined): z.output<T> | undefined {
  if (text === undefined) return undefined
  try {
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
  } catch (cause) {
    throw new BillhookError('invalid_cursor', 'the cursor does not belong to this list; start again without one', {
      cause,
    })
  }
}

function check<T extends z.ZodType>(schema: T, value: unknown, part: string): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issues = result.error.issues.map((issue) => ({ field: fieldOf(issue), message: issue.message }))
  const [first] = issues
  const field = first?.field ?? ''
  throw new BillhookError(
    'invalid_request',
    `${part}${field === '' ? '' : `: ${field}`}: ${first?.message ?? 'has a wrong value'}`,
    { details: { field, in: part, issues: issues.map((issue) => `${issue.field}: ${issue.message}`) } },
  )
}

/** The field that an issue is about, as a path: `secrets[0]`, `settings.jwksUrl`. */
function fieldOf(issue: z.core.$ZodIssue): string {
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  )
}
