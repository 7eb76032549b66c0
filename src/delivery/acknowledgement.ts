import type { Instant } from '../model/instant.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { DeliveryPorts } from './ports.ts'

/** How far the telling of a fact has come, over all endpoints that count for a payment gate. */
export interface Acknowledgement {
  /** Still to be answered, paused endpoints included: they will be told. */
  readonly pending: number
  readonly acknowledged: number
  /** Given up without an acknowledgement. */
  readonly exhausted: number
  /** When the last of them was decided, on the account's clock; null if none was. */
  readonly lastAt: Instant | null
}

/**
 * Read from the rows each time, so it is the same after any restart. Every endpoint that asked for the event counts, those
 * of connected applications too; one that is disabled or gone does not hold anything up.
 */
export async function acknowledgementOf(
  ports: Pick<DeliveryPorts, 'log' | 'endpoints'>,
  transaction: Transaction | null,
  account: string,
  fact: string,
): Promise<Acknowledgement> {
  const deliveries = await ports.log.deliveriesOfFact(transaction, account, fact)
  if (deliveries.length === 0) return { pending: 0, acknowledged: 0, exhausted: 0, lastAt: null }
  const endpoints = await ports.endpoints.all(transaction, account)
  const counting = new Set(
    endpoints.filter(({ state }) => state === 'enabled' || state === 'paused').map(({ id }) => id),
  )
  let [pending, acknowledged, exhausted] = [0, 0, 0]
  let lastAt: Instant | null = null
  for (const delivery of deliveries) {
    const decided = delivery.acknowledgedAt ?? (delivery.state === 'exhausted' ? delivery.settledAt : null)
    if (delivery.acknowledgedAt !== null) acknowledged += 1
    else if (delivery.state === 'exhausted') exhausted += 1
    else if (delivery.state !== 'skipped' && counting.has(delivery.endpoint)) pending += 1
    if (decided !== null && (lastAt === null || decided > lastAt)) lastAt = decided
  }
  return { pending, acknowledged, exhausted, lastAt }
}
