import { absurd } from '../model/absurd.ts'
import type { Instant } from '../model/instant.ts'
import type { AttemptResult, DueDelivery } from '../ports/delivery_store.ts'
import type { HttpOutcome } from '../ports/http.ts'
import { optionalHeader } from '../wire/headers.ts'
import type { Headers } from '../wire/headers.ts'
import { textOf } from '../wire/bytes.ts'
import type { ActiveEndpoint } from './active_endpoints.ts'
import type { DeliveryOptions } from './limits.ts'
import type { DeliveryPorts } from './ports.ts'
import { acknowledges, nextAttempt, retryAfterOf } from './retry_plan.ts'
import { sealFor } from './seal.ts'
import type { SealedRequest } from './seal.ts'
import type { SigningKeys } from './signing_keys.ts'

/** One attempt as it is kept and shown. */
export interface AttemptEntry {
  readonly at: Instant
  readonly url: string
  /** What was sent; values of the endpoint's own headers are hidden. */
  readonly request: Readonly<Record<string, string>>
  readonly bytes: number
  /** Null if no complete answer came. */
  readonly status: number | null
  /** Why no answer counts: a reason of the HTTP client, or `status`. Null if acknowledged. */
  readonly problem: string | null
  readonly detail: string | null
  readonly response: Readonly<Record<string, string>>
  /** The first bytes of the answer as text; bytes that are no text are written in base64. */
  readonly body: string | null
  readonly truncated: boolean
  readonly connectMs: number | null
  readonly firstByteMs: number | null
  readonly totalMs: number
  readonly traceparent: string | null
}

/** What came of an attempt. */
export interface Attempted {
  readonly result: AttemptResult
  readonly outcome: 'acknowledged' | 'failed' | 'gone' | 'not_attempted'
}

/** What an attempt is made with. */
export interface AttemptContext {
  readonly ports: Pick<DeliveryPorts, 'http' | 'random' | 'tracing' | 'metrics' | 'clock'>
  readonly keys: SigningKeys
  readonly options: DeliveryOptions
}

/** Values of headers that say nothing are cut here; a header that is longer tells nobody anything. */
const HEADER_KEPT = 256
const HEADERS_KEPT = 40

/**
 * Makes one attempt, on the clock that `now` comes from. Never throws for what the endpoint does.
 *
 * @param active null if the endpoint is gone
 */
export async function attempt(
  context: AttemptContext,
  due: DueDelivery,
  active: ActiveEndpoint | null,
  run: { readonly now: () => Instant; readonly signal: AbortSignal | null },
): Promise<Attempted> {
  const begun = run.now()
  const state = active?.endpoint.state ?? 'disabled'
  if (active === null || state !== 'enabled') {
    const next = state === 'paused' ? 'held' : 'skipped'
    return {
      result: resultOf(due, { state: next, dueAt: null, at: begun, begunAt: begun, status: null, entry: null }),
      outcome: 'not_attempted',
    }
  }
  const firstAt = due.firstAt ?? begun
  const times = { now: begun, firstAt: due.firstAt, sentAt: context.ports.clock.now() }
  const sealed = await sealFor(active, due.event, context.keys, times)
  const { outcome, traceparent } = await send(context, due, { active, sealed }, run.signal)
  const now = run.now()
  const problem = judge(active, outcome)
  const entry = entryOf({ begun, active, sealed, outcome, problem, traceparent })
  const status = outcome.ok ? outcome.status : null
  const made = { at: now, begunAt: begun, status, entry: JSON.stringify(entry) }
  if (problem === null)
    return { result: resultOf(due, { ...made, state: 'delivered', dueAt: null }), outcome: 'acknowledged' }
  if (outcome.ok && outcome.status === 410 && active.policy.goneDisables)
    return { result: resultOf(due, { ...made, state: 'exhausted', dueAt: null }), outcome: 'gone' }
  // A shutdown of ours is not the endpoint's failure: the same attempt is due again.
  if (!outcome.ok && outcome.reason === 'canceled')
    return {
      result: resultOf(due, { state: 'pending', dueAt: now, at: now, begunAt: begun, status: null, entry: null }),
      outcome: 'not_attempted',
    }
  const dueAt = nextAttempt({
    policy: active.policy,
    firstAt,
    made: due.made + 1,
    now,
    fraction: context.ports.random.fraction(),
    retryAfterMs: outcome.ok ? retryAfterOf(outcome.headers, now) : null,
  })
  return {
    result: resultOf(due, { ...made, state: dueAt === null ? 'exhausted' : 'pending', dueAt }),
    outcome: 'failed',
  }
}

async function send(
  context: AttemptContext,
  due: DueDelivery,
  what: { readonly active: ActiveEndpoint; readonly sealed: SealedRequest },
  signal: AbortSignal | null,
): Promise<{ readonly outcome: HttpOutcome; readonly traceparent: string | null }> {
  const { ports, options } = context
  const { active, sealed } = what
  const { endpoint } = active
  const span = ports.tracing.start('billhook.delivery.attempt', {
    'billhook.account': endpoint.account,
    'billhook.endpoint': endpoint.id,
    'billhook.event': due.event.id,
    'billhook.attempt': due.made + 1,
  })
  const traced = options.sendsTraceparent && span.traceparent !== null
  const outcome = await ports.http.send(
    {
      method: 'POST',
      url: endpoint.url,
      headers: traced ? { ...sealed.headers, traceparent: span.traceparent } : sealed.headers,
      body: sealed.body,
      timeoutMs: active.timeoutMs,
      maxResponseBytes: options.responseKeptBytes,
    },
    signal ?? undefined,
  )
  const problem = judge(active, outcome)
  span.end(outcome.ok ? { 'http.response.status_code': outcome.status } : { 'error.type': outcome.reason }, problem)
  ports.metrics.count('billhook_delivery_attempts_total', { outcome: outcomeLabel(outcome, problem) })
  ports.metrics.observe('billhook_delivery_attempt_seconds', outcome.timing.totalMs / 1000)
  return { outcome, traceparent: span.traceparent }
}

function outcomeLabel(outcome: HttpOutcome, problem: string | null): string {
  if (!outcome.ok) return outcome.reason
  return problem === null ? 'acknowledged' : 'refused'
}

/** Null if the answer is an acknowledgement. */
function judge(active: ActiveEndpoint, outcome: HttpOutcome): string | null {
  if (!outcome.ok) return outcome.reason
  return acknowledges(active.policy, outcome.status) ? null : 'status'
}

function resultOf(
  due: DueDelivery,
  made: Pick<AttemptResult, 'state' | 'dueAt' | 'at' | 'begunAt' | 'status' | 'entry'>,
): AttemptResult {
  const { event, endpoint, lease, clock } = due
  return { account: event.account, event: event.id, endpoint, lease, made: due.made, clock, ...made }
}

function entryOf(made: {
  readonly begun: Instant
  readonly active: ActiveEndpoint
  readonly sealed: SealedRequest
  readonly outcome: HttpOutcome
  readonly problem: string | null
  readonly traceparent: string | null
}): AttemptEntry {
  const { begun, active, sealed, outcome, problem } = made
  const request: Record<string, string> = { ...sealed.headers }
  for (const name of sealed.hidden) if (!(name.toLowerCase() in SHOWN)) request[name.toLowerCase()] = '(hidden)'
  const { connectMs, firstByteMs, totalMs } = outcome.timing
  const common = { at: begun, url: active.endpoint.url, request, bytes: sealed.body.length, problem }
  const timing = { connectMs, firstByteMs, totalMs, traceparent: made.traceparent }
  if (!outcome.ok)
    return { ...common, status: null, detail: outcome.detail, response: {}, body: null, truncated: false, ...timing }
  return {
    ...common,
    status: outcome.status,
    detail: problem === null ? null : detailOf(outcome.status, outcome.headers),
    response: keptHeaders(outcome.headers),
    body: shown(outcome.body),
    truncated: outcome.truncated,
    ...timing,
  }
}

/** Of an endpoint's own headers nothing is shown; what the dialect sets is not secret. */
const SHOWN: Readonly<Record<string, true>> = { 'content-type': true }

function detailOf(status: number, headers: Headers): string {
  if (status >= 300 && status < 400)
    return `redirects are not followed (location: ${optionalHeader(headers, 'location') ?? 'none'})`
  return `status ${status} is not an acknowledgement`
}

function keptHeaders(headers: Headers): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers).slice(0, HEADERS_KEPT)) {
    // Cookies are somebody's session.
    const text = typeof value === 'string' ? value : value.join(', ')
    kept[name] = name === 'set-cookie' ? '(hidden)' : text.slice(0, HEADER_KEPT)
  }
  return kept
}

function shown(body: Uint8Array): string {
  // A cut in the middle of a character must not turn the whole text into base64.
  for (let end = body.length; end >= Math.max(0, body.length - 3); end -= 1) {
    const text = textOf(body.subarray(0, end))
    if (text !== null) return text
  }
  return `base64:${Buffer.from(body).toString('base64')}`
}

/** Which settled states a result can have, for those who are told. */
export function settledAs(state: AttemptResult['state']): 'delivered' | 'exhausted' | 'skipped' | null {
  switch (state) {
    case 'delivered':
    case 'exhausted':
    case 'skipped':
      return state
    case 'pending':
    case 'held':
      return null
    default:
      return absurd(state, 'delivery state')
  }
}
