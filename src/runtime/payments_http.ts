import { BillhookError, messageOf } from '../model/error.ts'
import { parseInstant, secondsOf } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { JsonObject } from '../model/json.ts'
import type { PaymentFailure } from '../model/objects.ts'
import type { Clock } from '../ports/clock.ts'
import type { HttpClient } from '../ports/http.ts'
import type { ChargeOutcome, ChargeRequest, Payments, RefundOutcome, RefundRequest } from '../ports/payments.ts'
import { bytesOf } from '../wire/bytes.ts'
import { readJsonBody } from '../wire/json_body.ts'
import { signingKeyOf, signRequest } from '../wire/signed_request.ts'
import { toJsonObject } from '../wire/snake_json.ts'

const ANSWER_LIMIT_BYTES = 64 * 1024

/** Where the user's own payment service is, and the secret that both sides sign with. */
export interface PaymentServiceSettings {
  readonly url: string
  /** `whsec_` and base64, as in Standard Webhooks. */
  readonly secret: string
  readonly timeoutMs: number
}

/**
 * Asks the user's own payment service by HTTP. Each request carries an idempotency key and is signed as Standard Webhooks
 * sign; the answer is JSON with an `outcome`. Whatever goes wrong on the way is `payment_port_failed`: it is not known
 * whether money moved, so the same key is asked again and the service must answer it with the same charge.
 *
 * @throws BillhookError `config_invalid` if the secret is none
 */
export function createHttpPayments(settings: PaymentServiceSettings, http: HttpClient, clock: Clock): Payments {
  const key = signingKeyOf(settings.secret)
  if (key === null)
    throw new BillhookError(
      'config_invalid',
      'the payment service secret is not whsec_ and base64 of at least 16 bytes; make one with `openssl rand -base64 32`',
    )
  const ask = async (idempotencyKey: string, what: JsonObject): Promise<JsonObject> => {
    const body = bytesOf(JSON.stringify(what))
    const outcome = await http.send({
      method: 'POST',
      url: settings.url,
      headers: {
        'content-type': 'application/json',
        'idempotency-key': idempotencyKey,
        ...signRequest(key, idempotencyKey, secondsOf(clock.now()), body),
      },
      body,
      timeoutMs: settings.timeoutMs,
      maxResponseBytes: ANSWER_LIMIT_BYTES,
    })
    if (!outcome.ok) throw failed(idempotencyKey, `${outcome.reason}: ${outcome.detail}`)
    if (outcome.status < 200 || outcome.status > 299) throw failed(idempotencyKey, `status ${outcome.status}`)
    const read = readJsonBody(outcome.body)
    if (!read.ok) throw failed(idempotencyKey, `${read.reason}: ${read.detail}`)
    return read.body
  }
  return {
    local: false,
    charge: async (request) => readOutcome(await ask(request.idempotencyKey, chargeBody(request)), request),
    refund: async (request) => readRefund(await ask(request.idempotencyKey, refundBody(request)), request),
  }
}

function chargeBody(request: ChargeRequest): JsonObject {
  const { account, idempotencyKey, attempt, asked, amount } = request
  return {
    type: 'charge',
    account,
    idempotency_key: idempotencyKey,
    attempt,
    asked,
    amount: { minor: amount.minor.toString(), currency: amount.currency },
    customer: toJsonObject(request.customer),
    payment_method: request.method && toJsonObject(request.method),
    invoice: request.invoice && toJsonObject(request.invoice),
    payment: toJsonObject(request.payment),
  }
}

function refundBody({ account, idempotencyKey, payment, amount }: RefundRequest): JsonObject {
  return {
    type: 'refund',
    account,
    idempotency_key: idempotencyKey,
    amount: { minor: amount.minor.toString(), currency: amount.currency },
    payment: toJsonObject(payment),
  }
}

/**
 * What a payment service says became of a charge; also the body of its later callback.
 *
 * @throws BillhookError `payment_port_failed`
 */
export function readOutcome(body: JsonObject, request: { readonly idempotencyKey: string }): ChargeOutcome {
  const reference = typeof body['reference'] === 'string' ? body['reference'] : null
  const said = body['outcome']
  switch (typeof said === 'string' ? said : '') {
    case 'succeeded':
      return { outcome: 'succeeded', reference }
    case 'failed':
      return { outcome: 'failed', failure: failureOf(body['failure']) }
    case 'action_required':
      return { outcome: 'action_required', reference }
    case 'later':
      return { outcome: 'later', reference, expectedAt: parseInstant(body['expected_at']) }
    default:
      throw failed(
        request.idempotencyKey,
        `outcome ${JSON.stringify(body['outcome'])} is not one of succeeded, failed, action_required, later`,
      )
  }
}

function readRefund(body: JsonObject, request: RefundRequest): RefundOutcome {
  const outcome = body['outcome']
  if (outcome === 'succeeded' || outcome === 'later') return { outcome }
  if (outcome === 'failed') return { outcome, message: failureOf(body['failure']).message ?? 'the refund failed' }
  throw failed(
    request.idempotencyKey,
    `outcome ${JSON.stringify(outcome)} of a refund is not one of succeeded, failed, later`,
  )
}

function failureOf(value: unknown): PaymentFailure {
  if (!isObject(value)) return { code: null, message: null, retryable: 'unknown' }
  const { code, message, retryable } = value
  return {
    code: typeof code === 'string' ? code : null,
    message: typeof message === 'string' ? message : null,
    retryable:
      retryable === true || retryable === 'yes' ? 'yes' : retryable === false || retryable === 'no' ? 'no' : 'unknown',
  }
}

function failed(idempotencyKey: string, what: unknown): BillhookError {
  return new BillhookError(
    'payment_port_failed',
    `the payment service gave no usable answer to ${idempotencyKey} (${typeof what === 'string' ? what : messageOf(what)}); it will be asked again with the same key`,
  )
}
