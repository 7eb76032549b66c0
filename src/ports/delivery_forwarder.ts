import type { Transaction } from './transaction.ts'

/** A received delivery, to be sent on byte by byte. */
export interface ForwardedDelivery {
  readonly source: string
  /** What the same delivery told twice has in common. */
  readonly dedupe: string
  /** The provider's type; empty if it names none. */
  readonly type: string
  readonly bytes: Uint8Array
  readonly contentType: string
}

/** Takes deliveries over in the transaction that folds them: each event goes on once, whatever crashes. */
export interface DeliveryForwarder {
  forward(transaction: Transaction, account: string, deliveries: readonly ForwardedDelivery[]): Promise<void>
  /** Called after the transaction was committed. */
  committed(): void
}
