import type { Instant } from '../model/instant.ts'
import { earliest } from '../model/instant.ts'
import type { DueDelivery } from '../ports/delivery_store.ts'
import type { ActiveEndpoints } from './active_endpoints.ts'
import { attempt } from './attempt.ts'
import type { AttemptContext } from './attempt.ts'
import type { Chores } from './chores.ts'
import type { EndpointHealthKeeper } from './health.ts'
import type { DeliveryPorts, Settlement } from './ports.ts'
import type { Finished, ResultWriter } from './results.ts'

/** Deliveries looked at in one round. */
const ROUND_MAX = 500

/** What one call did. */
export interface ClockRun {
  readonly attempts: number
  readonly settlements: readonly Settlement[]
}

/**
 * Delivers for accounts on a test clock: nothing happens by itself, everything that is due up to an instant happens when
 * whoever moves the clock says so, each attempt at its own time. Deliveries to one endpoint are made one after another in
 * the order of their times and events; endpoints do not wait for each other.
 */
export class TestClockRunner {
  readonly #ports: Pick<DeliveryPorts, 'queue' | 'endpoints' | 'logger'>
  readonly #active: ActiveEndpoints
  readonly #context: AttemptContext
  readonly #writer: ResultWriter
  readonly #health: EndpointHealthKeeper
  readonly #chores: Chores

  constructor(
    ports: Pick<DeliveryPorts, 'queue' | 'endpoints' | 'logger'>,
    parts: {
      readonly active: ActiveEndpoints
      readonly context: AttemptContext
      readonly writer: ResultWriter
      readonly health: EndpointHealthKeeper
      readonly chores: Chores
    },
  ) {
    this.#ports = ports
    this.#active = parts.active
    this.#context = parts.context
    this.#writer = parts.writer
    this.#health = parts.health
    this.#chores = parts.chores
  }

  /** When something is due next on the account's clock; null if nothing is. */
  async nextDue(account: string): Promise<Instant | null> {
    const delivery = await this.#ports.queue.testDue(account)
    const check = (await this.#ports.endpoints.healthDueOf(account, null))[0]?.checkAt ?? null
    if (delivery === null || check === null) return delivery ?? check
    return earliest(delivery, check)
  }

  /** Runs everything that is due up to and including `at`, in the order of its time. */
  async runDue(account: string, at: Instant): Promise<ClockRun> {
    while (await this.#chores.replay(account)) {
      // Each step moves on; a replay ends.
    }
    let attempts = 0
    const settlements: Settlement[] = []
    for (let next = await this.nextDue(account); next !== null && next <= at; next = await this.nextDue(account)) {
      const round = await this.#round(account, next)
      attempts += round.attempts
      settlements.push(...round.settlements)
      if (round.stuck) break
    }
    return { attempts, settlements }
  }

  /** Everything due at one time: deliveries first, then the health that they left. */
  async #round(account: string, at: Instant): Promise<ClockRun & { readonly stuck: boolean }> {
    await this.#active.fresh(null, [account])
    const due = await this.#ports.queue.claimTest(account, at, ROUND_MAX)
    const byEndpoint = Map.groupBy(due, ({ endpoint }) => endpoint)
    const finished = await Promise.all([...byEndpoint.values()].map((list) => this.#deliver(list, at)))
    const all = finished.flat()
    const settlements = await this.#writer.write(all)
    const checks = await this.#ports.endpoints.healthDueOf(account, at)
    for (const check of checks) await this.#health.check(check, at, 'test')
    const left = (await this.#ports.queue.claimTest(account, at, 1))[0]
    // Somebody else is at the same deliveries, or a row refuses to move: better to stop than to turn in circles.
    const stuck = left !== undefined && due.some((one) => isSame(one, left)) && settlements.length === 0
    if (stuck) this.#ports.logger.error({ account, event: left.event.id }, 'a delivery of a test clock does not move')
    return { attempts: all.length, settlements, stuck }
  }

  async #deliver(list: readonly DueDelivery[], at: Instant): Promise<readonly Finished[]> {
    const finished: Finished[] = []
    for (const due of list) {
      const active = await this.#active.one(due.event.account, due.endpoint)
      const attempted = await attempt(this.#context, due, active, { now: () => at, signal: null })
      finished.push({ attempted, due, active })
    }
    return finished
  }
}

function isSame(a: DueDelivery, b: DueDelivery): boolean {
  return a.event.id === b.event.id && a.endpoint === b.endpoint && a.made === b.made
}
