/** Sends on what was received, byte by byte: what the fold needs of whoever does it. */
import type { RawDelivery, Received } from '../ports/received_store.ts'
import type { Transaction } from '../ports/transaction.ts'
import { singleHeader } from '../wire/headers.ts'

/** A delivery to be sent on. */
export interface ForwardedDelivery {
  readonly source: string
  /** What the same delivery told twice has in common. */
  readonly dedupe: string
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

/** A stored delivery as it is sent on. */
export function forwardedOf(delivery: Received, raw: RawDelivery): ForwardedDelivery {
  const contentType = singleHeader(raw.headers, 'content-type')
  return {
    source: delivery.source,
    dedupe: delivery.dedupe ?? delivery.id,
    type: delivery.eventType ?? '',
    bytes: raw.body,
    contentType: contentType.ok ? contentType.value : 'application/octet-stream',
  }
}
