import { formatInstant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { JsonObject } from '../model/json.ts'
import type { HttpOutcome } from '../ports/http.ts'
import { textOf } from '../wire/bytes.ts'
import { readJsonText } from '../wire/json_body.ts'
import type { ActiveEndpoint } from './active_endpoints.ts'
import type { DeliveryPorts } from './ports.ts'
import { sealFor } from './seal.ts'
import type { SigningKeys } from './signing_keys.ts'

/** The type of the request by which an endpoint proves that it knows us. */
const CHALLENGE_TYPE = 'endpoint.challenge'

/** Long enough for a person's deployment to wake up. */
const TIMEOUT_MS = 15_000
const ANSWER_MAX_BYTES = 4_096

/** Whether an endpoint answered its challenge, and why not. */
export type ChallengeAnswer = { readonly ok: true } | { readonly ok: false; readonly detail: string }

/**
 * Sends a challenge, signed like every delivery of the endpoint, and reads its answer: status 200 and the challenge, as
 * plain text or as `{"challenge": "…"}`. Whoever only swallows requests does not pass.
 */
export async function challengeEndpoint(
  ports: Pick<DeliveryPorts, 'http' | 'random' | 'clock'>,
  keys: SigningKeys,
  active: ActiveEndpoint,
  now: Instant,
): Promise<ChallengeAnswer> {
  const challenge = Buffer.from(ports.random.bytes(24)).toString('base64url')
  const body: JsonObject = { type: CHALLENGE_TYPE, timestamp: formatInstant(now), data: { challenge } }
  const id = `challenge_${challenge}`
  const sealed = await sealFor(
    active,
    {
      account: active.endpoint.account,
      id,
      dialect: active.endpoint.dialect,
      type: CHALLENGE_TYPE,
      providerId: id,
      providerAccount: null,
      fact: null,
      subject: null,
      customer: null,
      createdAt: now,
      body: JSON.stringify(body),
      raw: null,
      contentType: null,
    },
    keys,
    { now, firstAt: null, sentAt: ports.clock.now() },
  )
  const outcome = await ports.http.send({
    method: 'POST',
    url: active.endpoint.url,
    headers: sealed.headers,
    body: sealed.body,
    timeoutMs: TIMEOUT_MS,
    maxResponseBytes: ANSWER_MAX_BYTES,
  })
  return judge(outcome, challenge)
}

function judge(outcome: HttpOutcome, challenge: string): ChallengeAnswer {
  if (!outcome.ok) return { ok: false, detail: `no answer: ${outcome.reason}, ${outcome.detail}` }
  if (outcome.status !== 200) return { ok: false, detail: `it answered ${outcome.status} and not 200` }
  const text = textOf(outcome.body)?.trim() ?? ''
  if (text === challenge || text === JSON.stringify(challenge)) return { ok: true }
  const json = readJsonText(text)
  const answered = json.ok && isObject(json.body) ? json.body['challenge'] : undefined
  return answered === challenge ? { ok: true } : { ok: false, detail: 'its answer is not the challenge' }
}
