import { messageOf } from '../model/error.ts'
import { addMs } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { DeliveryKey, DueDelivery } from '../ports/delivery_store.ts'
import type { ActiveEndpoint, ActiveEndpoints } from './active_endpoints.ts'
import { attempt } from './attempt.ts'
import type { AttemptContext, Attempted } from './attempt.ts'
import { firstEventId } from './event_id.ts'
import { FairQueue } from './fair_queue.ts'
import { CLAIM_MS, FAILING_AFTER, FAILING_CAP, IN_FLIGHT_DEFAULT, LANE_MIN } from './limits.ts'
import type { DeliveryOptions } from './limits.ts'
import type { DeliveryPorts } from './ports.ts'
import type { Finished, ResultWriter } from './results.ts'

/** How far back a fresh lease may lie that is not in memory yet: its statement is in flight. */
const STORING_MS = 60_000

/** Results in memory beyond which no new attempt begins: the store does not take them. */
const UNWRITTEN_MAX = 5_000

/** Endpoints whose failures are counted; beyond, counting starts again. */
const FAILURES_MAX = 100_000

/** Heartbeats in which a delivery of a failed statement is returned. */
const ABANDONED_ROUNDS = 4

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
  #queue: FairQueue<DueDelivery>
  /** Every delivery in memory, waiting or in flight, by name. */
  #held = new Map<string, DueDelivery>()
  #finished: Finished[] = []
  /** Room kept for deliveries that are being stored, by lane and in all. */
  readonly #reserved = new Map<string, number>()
  #reservedAll = 0
  #strays: Stray[] = []
  /** Failures since the last success, by lane. */
  readonly #failures = new Map<string, number>()
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
    this.#queue = new FairQueue(options.concurrency)
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

  /**
   * The name under which a new delivery to this endpoint may be leased, and room for it in memory until {@link vacate}; null
   * if there is none.
   */
  leaseFor(active: ActiveEndpoint): string | null {
    if (this.#node === null || this.room === 0) return null
    const lane = laneOf(active.endpoint)
    const reserved = this.#reserved.get(lane) ?? 0
    if (this.#queue.depth(lane) + reserved >= this.#depthMax(lane)) return null
    this.#reserved.set(lane, reserved + 1)
    this.#reservedAll += 1
    return this.#node
  }

  /** Gives back the room that {@link leaseFor} kept: the deliveries were stored, or were not. */
  vacate(deliveries: readonly { readonly account: string; readonly endpoint: string }[]): void {
    for (const { account, endpoint } of deliveries) {
      const lane = laneOf({ account, id: endpoint })
      const left = (this.#reserved.get(lane) ?? 0) - 1
      if (left > 0) this.#reserved.set(lane, left)
      else this.#reserved.delete(lane)
      this.#reservedAll -= 1
    }
  }

  /** How many more deliveries there is room for. */
  get room(): number {
    return this.#node === null ? 0 : Math.max(0, this.#options.memoryMax - this.#held.size - this.#reservedAll)
  }

  /** Endpoints whose lanes are full, those that only fail and those that are busy. */
  fullLanes(): { readonly failing: readonly string[]; readonly busy: readonly string[] } {
    const full = this.#queue.lanesDeeperThan(LANE_MIN).filter((lane) => this.#queue.depth(lane) >= this.#depthMax(lane))
    return {
      failing: full.filter((lane) => this.#isFailing(lane)).map(endpointOf),
      busy: full.filter((lane) => !this.#isFailing(lane)).map(endpointOf),
    }
  }

  /**
   * How deep a lane may be: half of what is free. However many endpoints are dead, some memory stays free, so a healthy one
   * always finds room; and one that is alone may use half of it all. One that only fails has no need of more than a few.
   */
  #depthMax(lane: string): number {
    return this.#isFailing(lane) ? LANE_MIN : Math.max(LANE_MIN, Math.floor(this.room / 2))
  }

  #isFailing(lane: string): boolean {
    return (this.#failures.get(lane) ?? 0) >= FAILING_AFTER
  }

  /** Takes over deliveries that are leased to this node and committed. */
  accept(deliveries: readonly DueDelivery[]): void {
    const strays: DueDelivery[] = []
    for (const delivery of deliveries) {
      const name = nameOf(delivery)
      if (delivery.lease !== this.#node) {
        strays.push(delivery)
        continue
      }
      // It may still be here from its last attempt: the result is in the store, but this process has not come to forget it.
      this.#held.set(name, delivery)
      const { account } = delivery.event
      this.#queue.push(laneOf({ account, id: delivery.endpoint }), delivery, this.#capOf(account, delivery.endpoint))
    }
    // Leased under a name that this node has lost meanwhile.
    for (const stray of strays) this.#giveBack(keyOf(stray), stray.lease, this.#ports.clock.now())
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

  /** Lets what is in flight end, within `graceMs`; cancels the rest. Answers with what goes back to the store. */
  async end(graceMs: number): Promise<readonly DeliveryKey[]> {
    const back = this.#queue.drain().map(keyOf)
    for (const key of back) this.#held.delete(`${key.account} ${key.event} ${key.endpoint}`)
    const timer = setTimeout(() => this.#abort.abort(), graceMs)
    // A store that does not answer must not keep the process forever: the leases then run out by themselves.
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
    this.#queue = new FairQueue(this.#options.concurrency)
    this.#held = new Map()
    this.#finished = []
    this.#blocked = false
    this.#node = null
    this.#wakeIdle()
  }

  #pump(): void {
    while (!this.#blocked && this.#finished.length < UNWRITTEN_MAX) {
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
      if (this.#held.get(nameOf(due)) === due) this.#finished.push({ attempted, due, active })
      this.#judge(lane, due, attempted.outcome)
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

  /** An endpoint that only fails keeps few requests waiting for their time-outs: the slots belong to the others. */
  #judge(lane: string, due: DueDelivery, outcome: Attempted['outcome']): void {
    if (outcome === 'not_attempted') return
    const before = this.#failures.get(lane) ?? 0
    if (outcome === 'acknowledged') {
      if (before === 0) return
      this.#failures.delete(lane)
    } else {
      if (this.#failures.size > FAILURES_MAX) this.#failures.clear()
      this.#failures.set(lane, before + 1)
    }
    this.#queue.setCap(lane, this.#capOf(due.event.account, due.endpoint))
  }

  #capOf(account: string, id: string): number {
    const cap = this.#active.peek(account, id)?.endpoint.inFlightMax ?? IN_FLIGHT_DEFAULT
    return this.#isFailing(laneOf({ account, id })) ? Math.min(cap, FAILING_CAP) : cap
  }

  #letGo(due: DueDelivery): void {
    const name = nameOf(due)
    if (this.#held.get(name) === due) this.#held.delete(name)
  }

  #putBack(due: DueDelivery): void {
    this.#letGo(due)
    this.#wakeIdle()
    this.#giveBack(keyOf(due), due.lease, addMs(this.#ports.clock.now(), CLAIM_MS))
  }

  #giveBack(key: DeliveryKey, lease: string | null, dueAt: Instant, rounds = 1): void {
    if (lease !== null) this.#strays.push({ key, lease, dueAt, rounds })
  }

  /**
   * Deliveries whose statement failed: whether they are stored nobody can say (the answer may have been lost after the
   * commit), and if they are, they bear this node's name and are not in its memory.
   */
  abandon(deliveries: readonly (DeliveryKey & { readonly lease: string | null })[]): void {
    const now = this.#ports.clock.now()
    for (const { account, event, endpoint, lease } of deliveries)
      this.#giveBack({ account, event, endpoint }, lease, now, ABANDONED_ROUNDS)
  }

  /** Returns to the store what bears this node's name and is not in its memory. What fails is tried again the next time. */
  async returnStrays(): Promise<void> {
    const strays = this.#strays.splice(0).filter(({ key }) => !this.#held.has(keyName(key)))
    try {
      for (const [lease, ofLease] of Map.groupBy(strays, ({ lease }) => lease)) {
        for (const [dueAt, same] of Map.groupBy(ofLease, ({ dueAt }) => dueAt)) {
          const keys = same.map(({ key }) => key)
          await this.#ports.queue.release(lease, keys, dueAt)
        }
      }
      const again = strays.filter(({ rounds }) => rounds > 1)
      this.#strays.push(...again.map((stray) => ({ ...stray, rounds: stray.rounds - 1 })))
    } catch (error) {
      this.#strays.push(...strays)
      throw error
    }
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
    for (const { due } of batch) this.#letGo(due)
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

function endpointOf(lane: string): string {
  return lane.slice(lane.indexOf(' ') + 1)
}

function keyOf({ event, endpoint }: DueDelivery): DeliveryKey {
  return { account: event.account, event: event.id, endpoint }
}

function nameOf(due: DueDelivery): string {
  return keyName(keyOf(due))
}

function keyName({ account, event, endpoint }: DeliveryKey): string {
  return `${account} ${event} ${endpoint}`
}

/** A delivery that may bear this node's name in the store without being in its memory. */
interface Stray {
  readonly key: DeliveryKey
  readonly lease: string
  readonly dueAt: Instant
  /** How often it is still returned: a commit whose answer was lost may come late. */
  readonly rounds: number
}
