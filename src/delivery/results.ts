import { messageOf } from '../model/error.ts'
import type { AttemptResult, DeliveryKey, DueDelivery } from '../ports/delivery_store.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { ActiveEndpoint } from './active_endpoints.ts'
import { settledAs } from './attempt.ts'
import type { Attempted } from './attempt.ts'
import type { EndpointHealthKeeper } from './health.ts'
import { OPERATOR_EVENT_TYPES } from './operator_events.ts'
import type { OperatorEvent, OperatorEvents } from './operator_events.ts'
import type { DeliveryPorts, OnSettled, Settlement } from './ports.ts'

/** An attempt with what it was an attempt of. */
export interface Finished {
  readonly attempted: Attempted
  readonly due: DueDelivery
  readonly active: ActiveEndpoint | null
}

/** Writes results, and what follows from them: operator events, health, disabling, and whoever waits for the outcome. */
export class ResultWriter {
  readonly #ports: Pick<DeliveryPorts, 'queue' | 'transactions' | 'logger' | 'metrics'>
  readonly #operator: OperatorEvents
  readonly #health: EndpointHealthKeeper
  readonly #onSettled: OnSettled

  constructor(
    ports: Pick<DeliveryPorts, 'queue' | 'transactions' | 'logger' | 'metrics'>,
    operator: OperatorEvents,
    health: EndpointHealthKeeper,
    onSettled: OnSettled,
  ) {
    this.#ports = ports
    this.#operator = operator
    this.#health = health
    this.#onSettled = onSettled
  }

  /**
   * @returns the settlements that were accepted; a result whose lease was lost is dropped, for another node has the delivery
   * @throws BillhookError `store_unavailable`: nothing was written, the caller keeps the results and tries again
   */
  async write(finished: readonly Finished[]): Promise<readonly Settlement[]> {
    if (finished.length === 0) return []
    const accepted = new Set((await this.#settle(finished)).map(nameOf))
    const lost = finished.length - accepted.size
    if (lost > 0) {
      this.#ports.logger.warn({ count: lost }, 'results dropped: their leases were lost')
      this.#ports.metrics.count('billhook_delivery_leases_lost_total', {}, lost)
    }
    const kept = finished.filter(({ attempted }) => accepted.has(nameOf(attempted.result)))
    const settlements = kept.flatMap(settlementOf)
    for (const { outcome } of settlements) this.#ports.metrics.count('billhook_deliveries_settled_total', { outcome })
    await this.#follow(kept, settlements)
    return settlements
  }

  async #settle(finished: readonly Finished[]): Promise<readonly DeliveryKey[]> {
    const results = finished.map(({ attempted }) => attempted.result)
    const exhausted = finished.filter(isWorthTelling)
    if (exhausted.length === 0) return this.#ports.queue.settle(null, results)
    // The event that tells of a given-up delivery is stored with it: a crash loses neither or both.
    return this.#ports.transactions.transaction(async (transaction) => {
      const settled = await this.#ports.queue.settle(transaction, results)
      await this.#tell(transaction, exhausted, new Set(settled.map(nameOf)))
      return settled
    })
  }

  async #tell(transaction: Transaction, exhausted: readonly Finished[], accepted: ReadonlySet<string>): Promise<void> {
    const events = exhausted
      .filter(({ attempted }) => accepted.has(nameOf(attempted.result)))
      .map(({ attempted, due }): OperatorEvent => {
        const { account, endpoint, clock, at, status, made } = attempted.result
        const { id, type, providerId, customer } = due.event
        const data = {
          event: id,
          event_type: type,
          message_id: providerId,
          customer,
          attempts: made + 1,
          last_status: status,
        }
        return { account, type: 'message.exhausted', endpoint, clock, at, data }
      })
    await this.#operator.store(transaction, events)
  }

  /** What is not in the transaction: a crash here is made up for by the next result or by the rows themselves. */
  async #follow(kept: readonly Finished[], settlements: readonly Settlement[]): Promise<void> {
    try {
      await this.#health.report(
        kept.flatMap(({ attempted, active }) => {
          if (active === null || attempted.outcome === 'not_attempted') return []
          return [{ result: attempted.result, acknowledged: attempted.outcome === 'acknowledged', active }]
        }),
      )
      for (const { attempted } of kept) {
        const { account, endpoint, at, clock } = attempted.result
        if (attempted.outcome === 'gone') await this.#health.gone(account, endpoint, at, clock)
      }
    } catch (error) {
      this.#ports.logger.error({ error: messageOf(error) }, 'the health of endpoints could not be written')
    }
    if (settlements.length > 0) await this.#onSettled(settlements)
  }
}

/** The engine's own events are not reported: they would report each other forever. */
function isWorthTelling({ attempted, due }: Finished): boolean {
  return attempted.result.state === 'exhausted' && !Object.hasOwn(OPERATOR_EVENT_TYPES, due.event.type)
}

function settlementOf({ attempted, due }: Finished): readonly Settlement[] {
  const { result } = attempted
  const outcome = settledAs(result.state)
  if (outcome === null) return []
  const { id, account, type, fact, subject, customer } = due.event
  return [{ account, event: id, type, fact, subject, customer, endpoint: result.endpoint, outcome, at: result.at }]
}

function nameOf({ account, event, endpoint }: DeliveryKey | AttemptResult): string {
  return `${account} ${event} ${endpoint}`
}
