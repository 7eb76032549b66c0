import { z } from 'zod'
import { ERRORS } from '../model/error.ts'
import type { ErrorCode } from '../model/error.ts'
import type { Json, JsonObject } from '../model/json.ts'
import { isObject } from '../model/json.ts'
import { hoist } from './definitions.ts'
import type { Route } from './route.ts'

/** Codes that every route with a key may answer. */
const COMMON: readonly ErrorCode[] = ['invalid_request', 'unauthorized', 'forbidden']

/** Codes of every route that takes a body, and of every one that takes an idempotency key. */
const WITH_BODY: readonly ErrorCode[] = ['invalid_json', 'payload_too_large', 'unsupported_media_type']
const WITH_KEY: readonly ErrorCode[] = ['conflict', 'idempotency_conflict']

function takesKey({ method, scope, keepsAnswer }: Route): boolean {
  return method === 'POST' && scope !== null && keepsAnswer
}

/** The OpenAPI 3.1 document of the routes, made from the schemas that check requests. */
export function openApi(routes: readonly Route[], version: string): JsonObject {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) }
  }
  const hoisted = hoist(paths)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Billhook',
      version,
      description:
        'Subscription-billing webhooks, both ends. Instants are ISO 8601; amounts are whole minor units as text.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths: hoisted.value,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key.' } },
      schemas: { Error: ERROR_SCHEMA, ...hoisted.schemas },
    },
  }
}

const ERROR_SCHEMA: JsonObject = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'details'],
      properties: {
        code: { type: 'string', enum: Object.keys(ERRORS) },
        message: { type: 'string' },
        details: { type: 'object' },
      },
    },
  },
}

function operation(route: Route): JsonObject {
  const { id, summary, tag, scope, body } = route
  return {
    operationId: id,
    summary,
    tags: [tag],
    ...(scope === null ? { security: [] } : { security: [{ key: [] }], 'x-scope': scope }),
    parameters: [
      ...parameters(route.params, 'path'),
      ...parameters(route.query, 'query'),
      ...(takesKey(route) ? [IDEMPOTENCY] : []),
    ],
    ...(body === null
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: responses(route),
  }
}

const IDEMPOTENCY: JsonObject = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same request gets the same answer, and the work is done once.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

function parameters(schema: z.ZodType, place: 'path' | 'query'): readonly JsonObject[] {
  const { properties, required } = schemaOf(schema, 'input')
  if (!isObject(properties)) return []
  const needed = Array.isArray(required) ? required : []
  return Object.entries(properties).map(([name, member]) => ({
    name,
    in: place,
    required: place === 'path' || needed.includes(name),
    schema: member,
  }))
}

function responses(route: Route): JsonObject {
  const codes = [
    ...new Set<ErrorCode>([
      ...(route.scope === null ? [] : COMMON),
      ...(route.body === null ? [] : WITH_BODY),
      ...(takesKey(route) ? WITH_KEY : []),
      ...route.errors,
    ]),
  ]
  const statuses = [...new Set(codes.map((code) => ERRORS[code].status))].sort((a, b) => a - b)
  return {
    [String(route.status)]: success(route),
    ...Object.fromEntries(
      statuses.map((status) => [
        String(status),
        {
          description: codes.filter((code) => ERRORS[code].status === status).join(', '),
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      ]),
    ),
  }
}

function success(route: Route): JsonObject {
  if (route.status === 204) return { description: 'Done.' }
  if (route.answer === null) return { description: 'The raw content.', content: { '*/*': {} } }
  return {
    description: 'Success.',
    content: { 'application/json': { schema: schemaOf(route.answer, 'output') } },
  }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
  const made: unknown = JSON.parse(
    JSON.stringify(z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' })),
  )
  if (!isObject(made)) return {}
  const { $schema: _left, ...rest } = made
  return rest
}
