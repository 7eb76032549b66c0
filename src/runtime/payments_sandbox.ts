import type { SandboxBehavior } from '../model/entities.ts'
import { addMs, DAY_MS } from '../model/instant.ts'
import type { PaymentFailure } from '../model/objects.ts'
import type { ChargeOutcome, ChargeRequest, Payments, RefundOutcome } from '../ports/payments.ts'

/** How long a payment that is "on its way" takes in the sandbox. */
export const SANDBOX_PROCESSING_MS = 3 * DAY_MS

/** What each kind of refusal looks like. */
const FAILURES = {
  declines: { code: 'card_declined', message: 'The card was declined.', retryable: 'yes' },
  insufficient_funds: {
    code: 'insufficient_funds',
    message: 'The card has insufficient funds.',
    retryable: 'yes',
  },
  expired: { code: 'expired_card', message: 'The card has expired.', retryable: 'no' },
  processing_then_fails: {
    code: 'debit_returned',
    message: 'The bank returned the debit.',
    retryable: 'yes',
  },
  none: {
    code: 'payment_method_missing',
    message: 'There is no payment method to charge.',
    retryable: 'no',
  },
} as const satisfies Record<string, PaymentFailure>

/**
 * A payment service that moves no money: the payment method says what happens, attempt by attempt. It answers from its
 * arguments alone, so the same key always gets the same answer.
 */
export function createSandboxPayments(): Payments {
  return {
    local: true,
    charge: (request) => Promise.resolve(sandboxOutcome(request)),
    refund: (): Promise<RefundOutcome> => Promise.resolve({ outcome: 'succeeded' }),
  }
}

function sandboxOutcome(request: ChargeRequest): ChargeOutcome {
  const { method, attempt, asked, at } = request
  const reference = `sandbox_${request.idempotencyKey}`
  if (method === null || method.detachedAt !== null) return { outcome: 'failed', failure: FAILURES.none }
  const behavior: SandboxBehavior = method.script[attempt - 1] ?? method.behavior
  switch (behavior) {
    case 'pays':
      return { outcome: 'succeeded', reference }
    case 'needs_action':
      return { outcome: 'action_required', reference }
    case 'processing_then_pays':
    case 'processing_then_fails':
      if (asked === 0) return { outcome: 'later', reference, expectedAt: addMs(at, SANDBOX_PROCESSING_MS) }
      return behavior === 'processing_then_pays'
        ? { outcome: 'succeeded', reference }
        : { outcome: 'failed', failure: FAILURES[behavior] }
    case 'declines':
    case 'insufficient_funds':
    case 'expired':
      return { outcome: 'failed', failure: FAILURES[behavior] }
  }
}
