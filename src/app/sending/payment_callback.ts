import type { Billing } from '../../billing/create_billing.ts'
import { BillhookError } from '../../model/error.ts'
import { secondsOf } from '../../model/instant.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Clock } from '../../ports/clock.ts'
import { readOutcome } from '../../runtime/payments_http.ts'
import type { Headers } from '../../wire/headers.ts'
import { readJsonBody } from '../../wire/json_body.ts'
import { signingKeyOf, verifyRequest } from '../../wire/signed_request.ts'

/** A request of the user's own payment service, as received. */
interface CallbackRequest {
  readonly headers: Headers
  readonly bytes: Uint8Array
}

/** What takes the payment service's late answers. */
export interface PaymentCallback {
  /**
   * Takes an answer: a charge is settled once, whoever tells it and however often.
   *
   * @throws BillhookError `unauthorized` if it is not signed with the shared secret, `invalid_request`, `not_found`
   */
  take(request: CallbackRequest): Promise<void>
}

/**
 * Takes the callbacks of a payment service: signed as Standard Webhooks sign, judged on raw bytes before anything is read.
 *
 * @param secret the secret that charge requests are signed with too; null: no service is configured
 */
export function createPaymentCallback(billing: Billing, clock: Clock, secret: string | null): PaymentCallback {
  const key = secret === null ? null : signingKeyOf(secret)
  return {
    async take({ headers, bytes }) {
      if (key === null)
        throw new BillhookError('not_found', 'no payment service is configured, so there is nothing to call back about')
      if (!verifyRequest(key, headers, bytes, secondsOf(clock.now())))
        throw new BillhookError(
          'unauthorized',
          'the callback is not signed with the payment service’s secret, or its timestamp is more than five minutes off',
        )
      const read = readJsonBody(bytes)
      if (!read.ok) throw new BillhookError('invalid_json', `body: ${read.detail}`)
      const account = requireText(read.body, 'account')
      const charge = requireText(read.body, 'idempotency_key')
      if (read.body['type'] === 'refund') await tellRefund(billing, account, charge, read.body)
      else await billing.settleCharge(account, charge, outcomeOf(read.body, charge))
    },
  }
}

function outcomeOf(body: JsonObject, idempotencyKey: string): ReturnType<typeof readOutcome> {
  try {
    return readOutcome(body, { idempotencyKey })
  } catch (cause) {
    throw wrong('outcome', 'is not one of succeeded, failed, action_required, later', cause)
  }
}

async function tellRefund(billing: Billing, account: string, refund: string, body: JsonObject): Promise<void> {
  const said = body['outcome']
  if (said !== 'succeeded' && said !== 'failed') throw wrong('outcome', 'of a refund is not one of succeeded, failed')
  const message = typeof body['message'] === 'string' ? body['message'] : 'the refund failed'
  await billing.execute(
    account,
    {
      kind: 'refund.decided',
      refund,
      outcome: said === 'succeeded' ? { outcome: said } : { outcome: said, message },
    },
    { customer: null, idempotencyKey: null, requestId: null },
  )
}

function requireText(body: JsonObject, name: string): string {
  const value = body[name]
  if (typeof value === 'string' && value !== '') return value
  throw wrong(name, 'must be a string')
}

function wrong(field: string, what: string, cause?: unknown): BillhookError {
  return new BillhookError('invalid_request', `body: ${field}: ${what}`, { cause, details: { field } })
}
