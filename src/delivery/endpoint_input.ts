import { BillhookError } from '../model/error.ts'
import { isObject } from '../model/json.ts'
import type { RetryPolicy } from '../model/retry.ts'
import type { PayloadCondition } from '../ports/endpoint_store.ts'
import { requireEventTypes, requirePayloadFilter } from './event_types.ts'
import { IN_FLIGHT_MAX } from './limits.ts'
import { policyProblem } from './retry_plan.ts'

/** What whoever registers an endpoint may say. What is left out has its default. */
export interface EndpointInput {
  readonly url: string
  readonly dialect: string
  readonly eventTypes: readonly string[]
  readonly description?: string | null
  readonly headers?: Readonly<Record<string, string>>
  readonly secret?: string | null
  readonly retry?: RetryPolicy | null
  readonly timeoutMs?: number | null
  readonly inFlightMax?: number
  readonly ordered?: boolean
  readonly payloadFilter?: readonly PayloadCondition[]
  readonly metadata?: Readonly<Record<string, string>>
  readonly ownerMail?: string | null
  readonly connected?: boolean
}

/** What may change later; dialect and version are pinned. */
export type EndpointChange = Partial<Omit<EndpointInput, 'dialect' | 'secret'>>

const HEADERS_MAX = 20

/**
 * Headers that an endpoint may not bring: those that the request's framing and routing rest on, and those that say who
 * sent it and what was signed. Whatever a dialect signs with is refused by pattern, so that no dialect is forgotten.
 */
const RESERVED = new Set([
  'host',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'user-agent',
  'traceparent',
  'tracestate',
])
const SIGNING = /signature|^(?:webhook|svix)-|event-id$|^x-timestamp$|^x-nonce$/

/**
 * Checks custom headers.
 *
 * @throws BillhookError `invalid_request`, naming the header
 */
export function requireHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(headers)
  if (entries.length > HEADERS_MAX)
    throw new BillhookError('invalid_request', `headers has ${entries.length} entries; at most ${HEADERS_MAX} are sent`)
  for (const [name, value] of entries) {
    const lower = name.toLowerCase()
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/.test(name))
      throw new BillhookError('invalid_request', `headers: ${JSON.stringify(name)} is not a valid header name`)
    if (RESERVED.has(lower) || SIGNING.test(lower))
      throw new BillhookError('invalid_request', `headers: ${name} is set by Billhook and cannot be replaced`)
    if (!/^[\t\x20-\x7e]{0,4096}$/.test(value))
      throw new BillhookError(
        'invalid_request',
        `headers: the value of ${name} contains characters that a header cannot carry`,
      )
  }
  return headers
}

/** Checks everything but the URL, which the guard judges. @throws BillhookError `invalid_request` */
export function requireEndpoint(input: EndpointChange): void {
  if (input.eventTypes !== undefined) requireEventTypes(input.eventTypes)
  if (input.payloadFilter !== undefined) requirePayloadFilter(input.payloadFilter)
  if (input.headers !== undefined) requireHeaders(input.headers)
  const { retry, timeoutMs, inFlightMax, description, ownerMail } = input
  if (retry !== undefined && retry !== null) {
    const problem = policyProblem(retry)
    if (problem !== null) throw new BillhookError('invalid_request', `retry: ${problem}`)
  }
  if (timeoutMs !== undefined && timeoutMs !== null && !isWhole(timeoutMs, 1, 120_000))
    throw new BillhookError('invalid_request', `timeoutMs is ${timeoutMs}; it is a whole number from 1 to 120000`)
  if (inFlightMax !== undefined && !isWhole(inFlightMax, 1, IN_FLIGHT_MAX))
    throw new BillhookError(
      'invalid_request',
      `inFlightMax is ${inFlightMax}; it is a whole number from 1 to ${IN_FLIGHT_MAX}`,
    )
  if (typeof description === 'string' && description.length > 1_000)
    throw new BillhookError('invalid_request', 'description has more than 1000 characters')
  if (typeof ownerMail === 'string' && !/^[^\s@<>]{1,64}@[^\s@<>]{1,255}$/.test(ownerMail))
    throw new BillhookError('invalid_request', `ownerMail: ${JSON.stringify(ownerMail)} is not a mail address`)
  if (input.metadata !== undefined) requireMetadata(input.metadata)
}

function requireMetadata(metadata: Readonly<Record<string, string>>): void {
  const entries = Object.entries(metadata)
  if (
    !isObject(metadata) ||
    entries.length > 50 ||
    entries.some(([name, value]) => name.length > 40 || value.length > 500)
  )
    throw new BillhookError(
      'invalid_request',
      'metadata has at most 50 entries, names of 40 and values of 500 characters',
    )
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}
