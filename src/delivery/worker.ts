import { messageOf } from '../model/error.ts'
import { addMs } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { DeliveryKey, DueDelivery } from '../ports/delivery_store.ts'
import type { ActiveEndpoint, ActiveEndpoints } from './active_endpoints.ts'
import { attempt } from './attempt.ts'
import type { AttemptContext } from './attempt.ts'
import { firstEventId } from './event_id.ts'
import { FairQueue } from './fair_queue.ts'
import { CLAIM_MS, IN_FLIGHT_DEFAULT } from './limits.ts'
import type { DeliveryOptions } from './limits.ts'
import type { DeliveryPorts } from './ports.ts'
import type { Finished, ResultWriter } from './results.ts'

/** How far back a fresh lease may lie that is not in memory yet: its statement is under way. */
const STORING_MS = 60_000

/** Results in memory beyond which no new attempt begins: the store does not take them. */
const UNWRITTEN_MAX = 5_000

/** How long the last results may take to be written when the node stops. */
const WRITING_MS = 5_000

/**
 * Delivers what this node has leased, from memory.
 *
 * Modes: stopped (before `begin` and after `end`; nothing is leased to it), running, and lost (the node was taken for dead:
 * what is in memory is dropped, for others have it, and the caller begins again under another name).
 */
export class DeliveryWorker {
  readonly #ports: DeliveryPorts
  readonly #options: DeliveryOptions
  readonly #active: ActiveEndpoints
  readonly #context: AttemptContext
  readonly #writer: ResultWriter
  readonly #onSettledOrdered: () => void
  #queue = new FairQueue<DueDelivery>()
  /** Every delivery in memory, waiting or under way, by name. */
  #held = new Map<string, DueDelivery>()
  #finished: Finished[] = []
  #writing: Promise<void> | null = null
  #lingering = false
  /** True while results cannot be written: what would be sent now might have to be sent again. */
  #blocked = false
  #node: string | null = null
  #abort = new AbortController()
  #idle: (() => void)[] = []

  constructor(
    ports: DeliveryPorts,
    options: DeliveryOptions,
    parts: {
      readonly active: ActiveEndpoints
      readonly context: AttemptContext
      readonly writer: ResultWriter
      /** An ordered delivery is over: the next one of its subject can be claimed. */
      readonly onSettledOrdered: () => void
    },
  ) {
    this.#ports = ports
    this.#options = options
    this.#active = parts.active
    this.#context = parts.context
    this.#writer = parts.writer
    this.#onSettledOrdered = parts.onSettledOrdered
  }

  /** Leases are taken under this name from now on. */
  begin(node: string): void {
    this.#node = node
    this.#abort = new AbortController()
  }

  /** The name under which a new delivery to this endpoint may be leased; null if there is no room for it in memory. */
  leaseFor(active: ActiveEndpoint): string | null {
    if (this.#node === null || this.#held.size >= this.#options.memoryMax) return null
    return this.#queue.depth(laneOf(active.endpoint)) >= this.#options.laneMax ? null : this.#node
  }

  /** How many more deliveries there is room for. */
  get room(): number {
    return this.#node === null ? 0 : Math.max(0, this.#options.memoryMax - this.#held.size)
  }

  /** Endpoints whose lanes are full. */
  fullLanes(): readonly string[] {
    return this.#queue.lanesDeeperThan(this.#options.laneMax).map((lane) => lane.slice(lane.indexOf(' ') + 1))
  }

  /** Takes over deliveries that are leased to this node and committed. */
  accept(deliveries: readonly DueDelivery[]): void {
    const strays: DueDelivery[] = []
    for (const delivery of deliveries) {
      const name = nameOf(delivery)
      if (delivery.lease !== this.#node) strays.push(delivery)
      if (delivery.lease !== this.#node || this.#held.has(name)) continue
      this.#held.set(name, delivery)
      const { account } = delivery.event
      const cap = this.#active.peek(account, delivery.endpoint)?.endpoint.inFlightMax ?? IN_FLIGHT_DEFAULT
      this.#queue.push(laneOf({ account, id: delivery.endpoint }), delivery, cap)
    }
    // Leased under a name that this node has lost meanwhile.
    for (const stray of strays) this.#giveBack(stray, this.#ports.clock.now())
    this.#pump()
  }

  /** No fresh lease of this node belongs to an older event. */
  oldest(now: Instant): string {
    let oldest = firstEventId(addMs(now, -STORING_MS))
    for (const { event } of this.#held.values()) if (event.id < oldest) oldest = event.id
    return oldest
  }

  /** Claimed deliveries in memory: their leases have an end that must be moved. */
  claimed(): readonly DeliveryKey[] {
    return [...this.#held.values()].filter(({ dueAt }) => dueAt !== null).map(keyOf)
  }

  /** Resolves when nothing is in memory and everything is written. */
  async settled(): Promise<void> {
    if (this.#held.size === 0) return
    await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** Lets what is under way end, within `graceMs`; cancels the rest. Answers with what goes back to the store. */
  async end(graceMs: number): Promise<readonly DeliveryKey[]> {
    const back = this.#queue.drain().map(keyOf)
    for (const key of back) this.#held.delete(`${key.account} ${key.event} ${key.endpoint}`)
    const timer = setTimeout(() => this.#abort.abort(), graceMs)
    // A store that does not answer must not keep the process for ever: the leases then run out by themselves.
    const last = new Promise<void>((resolve) =>
      setTimeout(resolve, graceMs + Math.max(1_000, Math.min(graceMs, WRITING_MS))).unref(),
    )
    await Promise.race([this.settled(), last])
    clearTimeout(timer)
    this.forget()
    return back
  }

  /** The node is dead to the others: everything in memory is theirs. */
  forget(): void {
    this.#abort.abort()
    this.#queue = new FairQueue()
    this.#held = new Map()
    this.#finished = []
    this.#blocked = false
    this.#node = null
    this.#wakeIdle()
  }

  #pump(): void {
    while (!this.#blocked && this.#queue.out < this.#options.concurrency && this.#finished.length < UNWRITTEN_MAX) {
      const delivery = this.#queue.take()
      if (delivery === null) return
      void this.#run(delivery, this.#queue)
    }
  }

  async #run(due: DueDelivery, queue: FairQueue<DueDelivery>): Promise<void> {
    const lane = laneOf({ account: due.event.account, id: due.endpoint })
    try {
      const { account } = due.event
      const known = this.#active.peek(account, due.endpoint)
      const active = known === undefined ? await this.#active.one(account, due.endpoint) : known
      const attempted = await attempt(this.#context, due, active, {
        now: () => this.#ports.clock.now(),
        signal: this.#abort.signal,
      })
      if (this.#held.has(nameOf(due))) this.#finished.push({ attempted, due, active })
    } catch (error) {
      // A defect or a broken secret: the delivery goes back at its lease's end and is not lost.
      this.#ports.logger.error(
        { event: due.event.id, endpoint: due.endpoint, error: messageOf(error) },
        'attempt failed',
      )
      this.#putBack(due)
    }
    queue.done(lane)
    if (queue !== this.#queue) return
    this.#write()
    this.#pump()
  }

  #putBack(due: DueDelivery): void {
    this.#held.delete(nameOf(due))
    this.#wakeIdle()
    this.#giveBack(due, addMs(this.#ports.clock.now(), CLAIM_MS))
  }

  /** Should this fail, the sweep finds the delivery. */
  #giveBack(due: DueDelivery, dueAt: Instant): void {
    if (due.lease === null) return
    this.#ports.queue.release(due.lease, [keyOf(due)], dueAt).catch((error: unknown) => {
      this.#ports.logger.error({ error: messageOf(error) }, 'a delivery could not be given back')
    })
  }

  /** Results gather for a moment, then they are written together; while a batch is written, the next one gathers. */
  #write(): void {
    if (this.#writing !== null || this.#finished.length === 0) return
    // Nothing else comes soon, or the next one of a subject waits for this result.
    const urgent = this.#queue.out === 0 || this.#finished.at(-1)?.due.orderKey !== null
    if (urgent || this.#finished.length >= this.#options.batchMax) {
      this.#startWriting()
    } else if (!this.#lingering) {
      this.#lingering = true
      setTimeout(() => {
        this.#lingering = false
        if (this.#writing === null) this.#startWriting()
      }, this.#options.lingerMs)
    }
  }

  #startWriting(): void {
    const batch = this.#finished.splice(0, this.#options.batchMax)
    if (batch.length === 0) return
    this.#writing = this.#writeBatch(batch).finally(() => {
      this.#writing = null
      this.#write()
      this.#pump()
    })
  }

  async #writeBatch(batch: readonly Finished[]): Promise<void> {
    try {
      await this.#writer.write(batch)
      this.#blocked = false
    } catch (error) {
      this.#ports.logger.error({ error: messageOf(error), count: batch.length }, 'results could not be written')
      this.#finished.unshift(...batch)
      this.#blocked = true
      // The store is away: a pause, so that this does not turn in circles.
      await new Promise((resolve) => setTimeout(resolve, 200))
      return
    }
    for (const { due } of batch) this.#held.delete(nameOf(due))
    if (batch.some(({ due }) => due.orderKey !== null)) this.#onSettledOrdered()
    this.#wakeIdle()
  }

  #wakeIdle(): void {
    if (this.#held.size > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

function laneOf({ account, id }: { readonly account: string; readonly id: string }): string {
  return `${account} ${id}`
}

function keyOf({ event, endpoint }: DueDelivery): DeliveryKey {
  return { account: event.account, event: event.id, endpoint }
}

function nameOf({ event, endpoint }: DueDelivery): string {
  return `${event.account} ${event.id} ${endpoint}`
}
