import type { Notification, Retrieval } from '../dialects/dialect.ts'
import { BillhookError } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import { instant, SECOND_MS } from '../model/instant.ts'
import type { Observation } from '../model/observations.ts'
import type { Clock } from '../ports/clock.ts'
import type { HttpClient, HttpOutcome } from '../ports/http.ts'
import { singleHeader } from '../wire/headers.ts'
import { readJsonBody } from '../wire/json_body.ts'
import type { Fetcher, Wanted } from './reconcile.ts'
import type { ApiAccess } from './sources.ts'

const TIMEOUT_MS = 10_000
const MAX_BYTES = 1024 * 1024

/**
 * Looks objects up at the API of their provider, for sources that have a key of it. With a subscription comes its latest
 * invoice: what is paid follows from that.
 */
export function createFetcher(http: HttpClient, clock: Clock): Fetcher {
  return async (wanted) => {
    const { api, dialect } = wanted
    if (api === null || dialect.retrieval === null) return null
    const by: Means = { http, clock, api, retrieval: dialect.retrieval }
    const found = await lookUp(wanted, by)
    const invoice = found === null ? null : latestInvoiceIn(found)
    if (found === null || invoice === null) return found
    const more = await lookUp({ ...wanted, object: 'invoice', id: invoice }, by)
    return [...found, ...(more ?? [])]
  }
}

/** What an object is looked up with. */
interface Means {
  readonly http: HttpClient
  readonly clock: Clock
  readonly api: ApiAccess
  readonly retrieval: Retrieval
}

async function lookUp(wanted: Wanted, { http, clock, api, retrieval }: Means): Promise<readonly Observation[] | null> {
  const { object, id, dialect } = wanted
  const request = retrieval.request(object, id, api.key)
  if (request === null) return null
  const outcome = await http.send({
    method: 'GET',
    url: `${(api.url ?? retrieval.baseUrl).replace(/\/+$/, '')}${request.path}`,
    headers: request.headers,
    body: null,
    timeoutMs: TIMEOUT_MS,
    maxResponseBytes: MAX_BYTES,
  })
  const notification = notificationOf(wanted, retrieval, outcome, clock.now())
  const { observations, problems } = dialect.decode(notification)
  if (observations.length > 0) return observations
  const [problem] = problems
  const why = problem === undefined ? '' : `: ${problem.path}: ${problem.message}`
  throw failure(wanted, `answered with something that is no ${object}${why}`)
}

function notificationOf(wanted: Wanted, retrieval: Retrieval, outcome: HttpOutcome, now: Instant): Notification {
  if (!outcome.ok) throw failure(wanted, `did not answer: ${outcome.detail}`)
  // The body of a refusal is not shown: it may repeat parts of the key.
  if (outcome.status !== 200) throw failure(wanted, `answered ${outcome.status}${hintOf(outcome.status, retrieval)}`)
  if (outcome.truncated) throw failure(wanted, `answered with more than ${MAX_BYTES} bytes`)
  const read = readJsonBody(outcome.body)
  if (!read.ok) throw failure(wanted, `answered with something that cannot be read: ${read.detail}`)
  const notification = retrieval.notification(wanted.object, read.body, dateOf(outcome) ?? now)
  if (notification === null) throw failure(wanted, 'answered with an object of another kind')
  return notification
}

function hintOf(status: number, { keyForm }: Retrieval): string {
  if (status === 401 || status === 403) return `: give the source ${keyForm}`
  return status === 404 ? ': it has no such object' : ''
}

function failure({ source, object, id }: Wanted, what: string): BillhookError {
  return new BillhookError(
    'provider_unavailable',
    `the provider of the source ${source}, asked for the ${object} ${id}, ${what}`,
  )
}

/** The provider's own clock, in whole seconds. */
function dateOf(outcome: Extract<HttpOutcome, { ok: true }>): Instant | null {
  const header = singleHeader(outcome.headers, 'date')
  const at = header.ok ? Date.parse(header.value) : Number.NaN
  return Number.isNaN(at) ? null : instant(at - (at % SECOND_MS))
}

function latestInvoiceIn(observations: readonly Observation[]): string | null {
  for (const observation of observations) {
    if (observation.kind === 'snapshot' && observation.object === 'subscription') return observation.value.latestInvoice
  }
  return null
}
