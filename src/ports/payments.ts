import type { Customer, Invoice, Payment, PaymentMethod } from '../model/entities.ts'
import type { Instant } from '../model/instant.ts'
import type { Money } from '../model/money.ts'
import type { PaymentFailure } from '../model/objects.ts'

/** A charge to be made: the same key means the same charge, however often it is asked for. */
export interface ChargeRequest {
  readonly account: string
  /** One key per attempt: payment id and number of the attempt. */
  readonly idempotencyKey: string
  readonly payment: Payment
  readonly attempt: number
  readonly amount: Money
  readonly customer: Customer
  readonly method: PaymentMethod | null
  readonly invoice: Invoice | null
  /** How often this same charge was asked for before. */
  readonly asked: number
  /** On the account's clock. */
  readonly at: Instant
}

/**
 * What became of a charge. `later`: it is on its way; the service calls back with the outcome, or is asked again at
 * `expectedAt`.
 */
export type ChargeOutcome =
  | { readonly outcome: 'succeeded'; readonly reference: string | null }
  | { readonly outcome: 'failed'; readonly failure: PaymentFailure }
  | { readonly outcome: 'action_required'; readonly reference: string | null }
  | { readonly outcome: 'later'; readonly reference: string | null; readonly expectedAt: Instant | null }

/** A refund to be made: the same key means the same refund. */
export interface RefundRequest {
  readonly account: string
  readonly idempotencyKey: string
  readonly payment: Payment
  readonly amount: Money
  readonly at: Instant
}

/** What the payment service says of a refund. */
export type RefundOutcome =
  { readonly outcome: 'succeeded' | 'later' } | { readonly outcome: 'failed'; readonly message: string }

/** The service that moves money. It must answer the same key with the same charge. */
export interface Payments {
  /** True if it moves no real money and answers from its own arguments: it may be asked inside a transaction. */
  readonly local: boolean
  /** @throws BillhookError `payment_port_failed` if the answer cannot be understood: the same key is tried again. */
  charge(request: ChargeRequest): Promise<ChargeOutcome>
  refund(request: RefundRequest): Promise<RefundOutcome>
}
