import { BillhookError, messageOf } from '../model/error.ts'
import { addMs, DAY_MS, HOUR_MS } from '../model/instant.ts'
import type { Clock } from '../ports/clock.ts'
import type { InboxStore } from '../ports/inbox_store.ts'
import type { Log } from '../ports/log.ts'
import { idsFrom } from './receipt_ids.ts'

/** How long received deliveries are kept. */
export interface RetentionOptions {
  /** How long deliveries are kept with their bytes, once nothing is left to do for them; null: forever. Milliseconds. */
  readonly deliveriesMs: number | null
  /** How long reactions are kept that were told; null: forever. Milliseconds. */
  readonly reactionsMs: number | null
}

const RETENTION_DEFAULTS: RetentionOptions = { deliveriesMs: null, reactionsMs: 90 * DAY_MS }

/** Longer than any provider repeats a delivery: so long an event must be known again. */
const MIN_DELIVERIES_MS = 7 * DAY_MS
const EVERY_MS = HOUR_MS
/** Rows of one transaction. */
const BATCH = 500
/** Transactions of one round: the rest has its turn in the next. */
const MAX_BATCHES = 200

/** How much was removed. */
export interface Pruned {
  readonly deliveries: number
  readonly reactions: number
}

/**
 * Removes what is older than it has to be kept. Registers, observations and facts stay: they are the ledger, and a
 * re-fold takes the observations of removed deliveries over as they are.
 */
export class Retention {
  readonly #store: InboxStore
  readonly #clock: Clock
  readonly #log: Log
  readonly #options: RetentionOptions

  /** @throws BillhookError `config_invalid` if deliveries are kept for less than {@link MIN_DELIVERIES_MS} */
  constructor(
    ports: { readonly store: InboxStore; readonly clock: Clock; readonly log: Log },
    options: Partial<RetentionOptions> = {},
  ) {
    this.#store = ports.store
    this.#clock = ports.clock
    this.#log = ports.log
    this.#options = { ...RETENTION_DEFAULTS, ...options }
    const { deliveriesMs } = this.#options
    if (deliveriesMs !== null && deliveriesMs < MIN_DELIVERIES_MS)
      throw new BillhookError('config_invalid', `deliveries kept for ${deliveriesMs} ms: keep them for 7 days at least`)
  }

  /** A round every hour until the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.until(addMs(this.#clock.now(), EVERY_MS), signal)
      if (signal.aborted) return
      try {
        const pruned = await this.prune()
        if (pruned.deliveries + pruned.reactions > 0) this.#log.info({ ...pruned }, 'old rows removed')
      } catch (error) {
        this.#log.error({ error: messageOf(error) }, 'old rows could not be removed; it is tried again')
      }
    }
  }

  /** One round. */
  async prune(): Promise<Pruned> {
    const { deliveriesMs, reactionsMs } = this.#options
    const { received, reactions } = this.#store
    const now = this.#clock.now()
    const before = (ms: number) => addMs(now, -ms)
    return {
      deliveries:
        deliveriesMs === null ? 0 : await repeat((limit) => received.prune(idsFrom(before(deliveriesMs)), limit)),
      reactions:
        reactionsMs === null ? 0 : await repeat((limit) => reactions.pruneReactions(before(reactionsMs), limit)),
    }
  }
}

async function repeat(remove: (limit: number) => Promise<number>): Promise<number> {
  let total = 0
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const removed = await remove(BATCH)
    total += removed
    if (removed < BATCH) break
  }
  return total
}
