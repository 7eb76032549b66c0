import { messageOf } from '../model/error.ts'
import { addMs, instant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { ActiveEndpoints } from './active_endpoints.ts'
import type { Chores } from './chores.ts'
import { firstEventId } from './event_id.ts'
import { CLAIM_MS } from './limits.ts'
import type { DeliveryOptions } from './limits.ts'
import type { DeliveryPorts } from './ports.ts'
import type { DeliveryWorker } from './worker.ts'
import type { SigningKeys } from './signing_keys.ts'

/** How long a wait is after the store did not answer. */
const STORE_PAUSE_MS = 1_000

/** For so long after a node was taken for dead, leases under its name are looked for among the events of so long. */
const SWEEP_MS = 60_000
const SWEEP_BACK_MS = 120_000

/** What is due for full lanes is put off by this, so that the next claim need not look past it. */
const DEFER_FAILING_MS = 5_000
const DEFER_BUSY_MS = 200
const DEFER_MAX = 1_000

/**
 * Runs a node: claims what is due, keeps its leases alive, returns those of dead nodes, and does the chores.
 *
 * Modes: stopped, running, stopping. A node that was taken for dead drops what it has in memory and goes on under a new
 * name. There is no leader: every node does all of this, and each row is taken by one.
 */
export class DeliveryEngine {
  readonly #ports: DeliveryPorts
  readonly #options: DeliveryOptions
  readonly #active: ActiveEndpoints
  readonly #worker: DeliveryWorker
  readonly #chores: Chores
  readonly #keys: SigningKeys
  #node: string | null = null
  #stopping = new AbortController()
  #wake = new AbortController()
  #loops: Promise<unknown> = Promise.resolve()
  #heartbeatAt: Instant | null = null
  #sweepUntil = instant(0)
  /** What was in memory is gone, but the leases still bear this node's name. */
  #forgot = false

  constructor(
    ports: DeliveryPorts,
    options: DeliveryOptions,
    parts: {
      readonly active: ActiveEndpoints
      readonly worker: DeliveryWorker
      readonly chores: Chores
      readonly keys: SigningKeys
    },
  ) {
    this.#ports = ports
    this.#options = options
    this.#active = parts.active
    this.#worker = parts.worker
    this.#chores = parts.chores
    this.#keys = parts.keys
  }

  /**
   * @param alone true if no other process can be at this store (the embedded backend): all leases are then dead ones
   */
  async start(alone: boolean): Promise<void> {
    if (this.#node !== null) return
    const now = this.#ports.clock.now()
    await this.#ports.chores.prepareStorage(now)
    if (alone) await this.#ports.nodes.reap(addMs(now, 1), now)
    await this.#ports.nodes.sweep(firstEventId(addMs(now, -SWEEP_BACK_MS)), now)
    this.#sweepUntil = addMs(now, SWEEP_MS)
    this.#stopping = new AbortController()
    await this.#register(now)
    this.#loops = Promise.all([
      this.#loop(this.#options.pollMs, () => this.#claim()),
      this.#loop(this.#options.heartbeatMs, () => this.#heartbeat()),
      this.#loop(this.#options.pollMs, () => this.#chores.run()),
    ])
  }

  /** Takes nothing more, lets what is in flight end within `graceMs`, writes results and gives the rest back. */
  async stop(graceMs: number): Promise<void> {
    const node = this.#node
    if (node === null) return
    this.#node = null
    this.#stopping.abort()
    this.#wake.abort()
    await this.#worker.end(graceMs)
    await this.#loops
    try {
      await this.#ports.nodes.leave(node, this.#ports.clock.now())
    } catch (error) {
      // The store is away: the leases are returned when this node is missed.
      this.#ports.logger.error({ error: messageOf(error) }, 'the node could not sign off')
    }
  }

  /** Something may be due: claim now instead of at the next poll. */
  wake(): void {
    this.#wake.abort()
  }

  async #register(now: Instant): Promise<void> {
    const node = `node_${Buffer.from(this.#ports.random.bytes(9)).toString('base64url')}`
    await this.#ports.nodes.register(node, now, this.#worker.oldest(now))
    this.#node = node
    this.#heartbeatAt = now
    this.#forgot = false
    this.#worker.begin(node)
  }

  /** Repeats `work` until the node stops; true means: there is more to do at once. */
  async #loop(everyMs: number, work: () => Promise<boolean>): Promise<void> {
    const stopping = this.#stopping.signal
    while (!stopping.aborted) {
      let pause = everyMs
      try {
        if (await work()) pause = 0
      } catch (error) {
        if (stopping.aborted) return
        this.#ports.logger.error({ error: messageOf(error) }, 'the delivery engine could not work')
        pause = Math.max(everyMs, STORE_PAUSE_MS)
      }
      if (pause === 0) await new Promise((resolve) => setImmediate(resolve))
      else await this.#pause(pause)
    }
  }

  async #pause(ms: number): Promise<void> {
    if (this.#wake.signal.aborted && !this.#stopping.signal.aborted) this.#wake = new AbortController()
    const wait = AbortSignal.any([this.#stopping.signal, this.#wake.signal])
    await this.#ports.clock.until(addMs(this.#ports.clock.now(), ms), wait)
  }

  async #claim(): Promise<boolean> {
    const node = this.#node
    if (node === null) return false
    await this.#active.refresh()
    const limit = Math.min(this.#options.claimMax, this.#worker.room)
    if (limit === 0) return false
    const now = this.#ports.clock.now()
    const { failing, busy } = this.#worker.fullLanes()
    const except = [...failing, ...busy]
    const claimed = await this.#ports.queue.claim({ node, now, until: addMs(now, CLAIM_MS), limit, except })
    this.#worker.accept(claimed)
    await this.#ports.queue.defer(failing, now, addMs(now, DEFER_FAILING_MS), DEFER_MAX)
    await this.#ports.queue.defer(busy, now, addMs(now, DEFER_BUSY_MS), DEFER_MAX)
    this.#ports.metrics.gauge('billhook_delivery_memory', this.#options.memoryMax - this.#worker.room)
    return claimed.length === limit
  }

  async #heartbeat(): Promise<boolean> {
    const node = this.#node
    if (node === null) return false
    const now = this.#ports.clock.now()
    const alive = await this.#beat(node, now)
    if (!alive || this.#forgot) {
      this.#ports.logger.warn({ node }, 'this node was taken for dead; it goes on under a new name')
      this.#worker.forget()
      // If nobody took it for dead yet, what it had leased is returned here.
      await this.#ports.nodes.leave(node, now)
      await this.#register(now)
      return false
    }
    this.#heartbeatAt = now
    await this.#worker.returnStrays()
    await this.#ports.queue.extend(node, this.#worker.claimed(), addMs(now, CLAIM_MS))
    const reaped = await this.#ports.nodes.reap(addMs(now, -this.#options.deadAfterMs), now)
    if (reaped.nodes > 0) this.#sweepUntil = addMs(now, SWEEP_MS)
    const returned = reaped.returned + (await this.#sweep(now))
    if (returned > 0) {
      this.#ports.logger.warn({ count: returned }, 'leases of dead nodes returned')
      this.wake()
    }
    this.#keys.forget()
    return false
  }

  /** A node that was reaped may store leases under its old name until it knows: for a while they are looked for. */
  async #sweep(now: Instant): Promise<number> {
    if (now > this.#sweepUntil) return 0
    return this.#ports.nodes.sweep(firstEventId(addMs(now, -SWEEP_BACK_MS)), now)
  }

  async #beat(node: string, now: Instant): Promise<boolean> {
    try {
      return await this.#ports.nodes.heartbeat(node, now, this.#worker.oldest(now))
    } catch (error) {
      const silentMs = now - (this.#heartbeatAt ?? now)
      // The others have taken its work by now: what it would send, they send.
      if (silentMs > this.#options.deadAfterMs) {
        this.#worker.forget()
        this.#forgot = true
      }
      throw error
    }
  }
}
