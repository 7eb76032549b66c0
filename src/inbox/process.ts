import type { Decoded, Notification } from '../dialects/dialect.ts'
import type { SourceTraits } from '../ledger/standing.ts'
import { BillhookError, isBillhookError, messageOf } from '../model/error.ts'
import { addMs, SECOND_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Clock } from '../ports/clock.ts'
import type { DeliveryForwarder } from '../ports/delivery_forwarder.ts'
import type { Log } from '../ports/log.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { FoldedEvent, RawDelivery, Received, ReceivedChange } from '../ports/received_store.ts'
import type { Transaction } from '../ports/transaction.ts'
import { foldSource } from './fold_source.ts'
import type { FoldPorts } from './fold_source.ts'
import { forwardedOf } from './forward.ts'
import type { OpenedDeliveries } from './opened.ts'
import type { PolicyBook } from './policies.ts'
import type { LiveSource, SourceBook } from './sources.ts'
import { pause, turn, Waker } from './waker.ts'

/** What processing received deliveries needs. */
export interface ProcessPorts extends FoldPorts {
  readonly sources: SourceBook
  readonly policies: PolicyBook
  /** What access should know of a provider, by dialect. */
  readonly traits: (dialect: string) => SourceTraits | null
  /** Whether objects of this source can be looked up at its provider. */
  readonly looksUp: (source: LiveSource) => boolean
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly opened: OpenedDeliveries
  /** Null: received deliveries are not sent on. */
  readonly forwarder: DeliveryForwarder | null
  /** Called after a fold was committed. */
  readonly folded: () => void
  /** Whether deliveries are being stored at this moment: more will wait soon. */
  readonly storing: () => boolean
}

/** Deliveries of one transaction: neighbors share the pages they change, and requests wait for it a tenth of a second at most. */
const BATCH = 256
/** So many stored here and not folded are a backlog that answers wait for. */
const FULL = 2 * BATCH
/** Deliveries that another node stored and did not fold are found after this time. */
const POLL_MS = 5 * SECOND_MS
/** After a failure of the store. */
const BACK_OFF_MS = SECOND_MS

/** How received deliveries are processed. */
export interface ProcessOptions {
  /** Batches at a time. On PostgreSQL a second one works while the first waits for the database. */
  readonly loops: number
  /** Real milliseconds from one batch to the next while batches are not full: a stream of deliveries shares its folds. */
  readonly pauseMs: number
  /** Real milliseconds that an answer waits for a backlog at most: its delivery is stored, which is all that it says. */
  readonly maxWaitMs: number
}

const PROCESS_DEFAULTS: ProcessOptions = { loops: 1, pauseMs: 0, maxWaitMs: 250 }

/**
 * Folds what was received, behind the answer: decode, registers, facts, reactions in one transaction. A crash anywhere
 * leaves a delivery either received or folded, so a restart resumes where it stopped.
 *
 * Modes of {@link run}: folding while batches are full; pausing for `pauseMs` after one that was not; asleep until
 * deliveries were stored here and no more are being stored, or until they fill a batch, or for POLL_MS; after a failure
 * of the store asleep for BACK_OFF_MS. A batch that fails for another reason is folded one by one, and the delivery that
 * fails alone is `dead`.
 */
export class Processor {
  readonly #ports: ProcessPorts
  readonly #options: ProcessOptions
  readonly #wakers: readonly Waker[]
  readonly #waiting = new Set<() => void>()
  #isRunning = false
  /** Deliveries to be folded one by one, after a batch has failed. */
  #singly = 0
  /** Deliveries stored here that no batch has claimed, about. */
  #stored = 0

  constructor(ports: ProcessPorts, options: Partial<ProcessOptions> = {}) {
    this.#ports = ports
    this.#options = { ...PROCESS_DEFAULTS, ...options }
    this.#wakers = Array.from({ length: this.#options.loops }, () => new Waker())
  }

  /** Something was stored. While more is being stored it waits for it, so that the ingest goes first and batches fill. */
  wake(): void {
    this.#stored += 1
    const isBatch = this.#stored >= BATCH
    if (!isBatch && this.#ports.storing()) return
    // One loop can do with what is less than a batch.
    for (const waker of isBatch ? this.#wakers : this.#wakers.slice(0, 1)) waker.wake()
  }

  /**
   * Null while folding keeps up. Else a promise that resolves when it has caught up, or after `maxWaitMs`: answers that
   * wait for it let the senders go no faster than the folds, so that access does not lag behind.
   */
  room(): Promise<void> | null {
    if (this.#stored < FULL || !this.#isRunning) return null
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(go)
        resolve()
      }
      const timer = setTimeout(go, this.#options.maxWaitMs)
      this.#waiting.add(go)
    })
  }

  /** Folds until the signal ends it; a batch that was begun is finished. */
  async run(signal: AbortSignal): Promise<void> {
    this.#isRunning = true
    try {
      await Promise.all(this.#wakers.map((waker) => this.#loop(waker, signal)))
    } finally {
      this.#isRunning = false
      this.#letGo()
    }
  }

  async #loop(waker: Waker, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    while (!signal.aborted) {
      try {
        const folded = await this.foldBatch()
        if (folded >= BATCH || this.#singly > 0) {
          await turn()
          continue
        }
        if (folded > 0 && this.#options.pauseMs > 0) await pause(this.#options.pauseMs, signal)
        await waker.sleep(clock, addMs(clock.now(), POLL_MS), signal)
      } catch (error) {
        log.error({ error: messageOf(error) }, 'folding failed; it is tried again')
        await clock.until(addMs(clock.now(), BACK_OFF_MS), signal)
      }
    }
  }

  #letGo(): void {
    for (const go of this.#waiting) go()
  }

  /** Folds everything that is there. @returns the number of deliveries */
  async drain(): Promise<number> {
    let total = 0
    for (let folded = await this.foldBatch(); folded > 0; folded = await this.foldBatch()) total += folded
    return total
  }

  /**
   * Folds the oldest deliveries that wait.
   *
   * @returns how many
   * @throws BillhookError `store_unavailable`; nothing was changed
   */
  async foldBatch(): Promise<number> {
    const { store, metrics } = this.#ports
    const limit = this.#singly > 0 ? 1 : BATCH
    if (this.#singly > 0) this.#singly -= 1
    let claimed: readonly Received[] = []
    try {
      // Not durable by itself: if a power failure takes it back, the deliveries are as they were, and are folded again.
      const notes = await store.transaction(
        async (transaction) => {
          claimed = await store.received.claimReceived(transaction, limit)
          this.#stored = claimed.length < limit ? 0 : Math.max(0, this.#stored - claimed.length)
          if (this.#stored < FULL) this.#letGo()
          return claimed.length === 0 ? [] : this.#fold(transaction, claimed)
        },
        { durable: false },
      )
      for (const { id } of claimed) this.#ports.opened.forget(id)
      for (const note of notes) note()
      if (claimed.length > 0) {
        metrics.count('billhook_inbox_folded_total', {}, claimed.length)
        this.#ports.folded()
      }
      return claimed.length
    } catch (error) {
      if (isBillhookError(error) && MAY_PASS.has(error.code)) throw error
      return this.#isolate(claimed, error)
    }
  }

  /** One of these cannot be folded: finds out which, and sets it aside. */
  async #isolate(claimed: readonly Received[], error: unknown): Promise<number> {
    const { store, log, clock, metrics } = this.#ports
    const [only, ...others] = claimed
    if (only === undefined) throw error
    if (others.length > 0) {
      this.#singly = claimed.length
      return claimed.length
    }
    const reason = `could not be folded: ${messageOf(error)}`
    log.error({ source: only.source, delivery: only.id, error: messageOf(error) }, 'a delivery could not be folded')
    metrics.count('billhook_inbox_dead_total', { source: only.source })
    await store.transaction((transaction) =>
      store.received.change(transaction, [
        { account: only.account, id: only.id, state: 'dead', reason, at: clock.now() },
      ]),
    )
    return 1
  }

  async #fold(transaction: Transaction, claimed: readonly Received[]): Promise<readonly (() => void)[]> {
    const at = this.#ports.clock.now()
    const notes: (() => void)[] = []
    const changes: ReceivedChange[] = []
    const owners = await this.#ports.store.received.claimEvents(transaction, claimed.map(eventOf), at)
    const first = claimed.filter((delivery, index) => {
      const owner = owners[index]
      if (owner === undefined || owner.delivery === delivery.id) return true
      changes.push(repeated(delivery, owner, at))
      if (owner.sha256 !== delivery.sha256) notes.push(() => this.#alarm(delivery, owner))
      return false
    })
    const bySource = Map.groupBy(first, ({ account, source }) => `${account}\n${source}`)
    // In the same order in every process: whoever locks groups of several sources waits instead of dying.
    for (const [, deliveries] of [...bySource].sort(([a], [b]) => (a < b ? -1 : 1))) {
      changes.push(...(await this.#foldOne(transaction, deliveries, { at, notes })))
    }
    await this.#forward(transaction, first, notes)
    await this.#ports.store.received.change(transaction, changes)
    return notes
  }

  async #foldOne(
    transaction: Transaction,
    deliveries: readonly Received[],
    { at, notes }: { readonly at: Instant; readonly notes: (() => void)[] },
  ): Promise<readonly ReceivedChange[]> {
    const [{ account, source: name } = { account: '', source: '' }] = deliveries
    const source = await this.#ports.sources.find(account, name)
    if (source === null) return deliveries.map((each) => dead(each, 'its source was removed before it was folded', at))
    const opened = await this.#decode(transaction, source, deliveries)
    const readable = opened.filter(({ failure }) => failure === null)
    for (const { delivery, decoded } of readable) {
      if (decoded.problems.length > 0) notes.push(() => this.#problems(delivery, decoded))
    }
    const policy = await this.#ports.policies.current(account)
    const folded = await foldSource(this.#ports, transaction, {
      of: { account, source: name },
      told: readable.map(({ delivery, notification, decoded }) => ({
        delivery: delivery.id,
        eventId: notification?.id ?? null,
        observations: decoded.observations,
      })),
      again: [],
      policy,
      traits: this.#ports.traits(source.dialect.id),
      looksUp: this.#ports.looksUp(source),
      settleMs: source.settings.settleMs,
      autoLink: source.settings.autoLink,
      at,
    })
    return opened.map(({ delivery, decoded, failure }) => {
      if (failure !== null) return dead(delivery, failure, at)
      const { account, id } = delivery
      if (folded.reacting.has(id)) return { account, id, state: 'folded', reason: null, at }
      return { account, id, state: 'reacted', reason: quiet(decoded), at }
    })
  }

  /** The first delivery of each event, in the transaction that folds it. */
  async #forward(transaction: Transaction, first: readonly Received[], notes: (() => void)[]): Promise<void> {
    const { forwarder, store } = this.#ports
    if (forwarder === null || first.length === 0) return
    const raws = await store.received.raws(transaction, first)
    for (const [account, deliveries] of Map.groupBy(first, (delivery) => delivery.account)) {
      const forwarded = deliveries.flatMap((delivery) => {
        const raw = raws.get(delivery.id)
        return raw === undefined ? [] : [forwardedOf(delivery, raw)]
      })
      await forwarder.forward(transaction, account, forwarded)
    }
    notes.push(() => forwarder.committed())
  }

  async #decode(
    transaction: Transaction,
    source: LiveSource,
    deliveries: readonly Received[],
  ): Promise<readonly (DecodedDelivery & { readonly delivery: Received })[]> {
    const { opened, store } = this.#ports
    const known = new Map(deliveries.map(({ id }) => [id, opened.find(id)]))
    const others = deliveries.filter(({ id }) => known.get(id) === null)
    const raws = others.length === 0 ? new Map<string, RawDelivery>() : await store.received.raws(transaction, others)
    return deliveries.map((delivery) => {
      const notification = known.get(delivery.id) ?? null
      if (notification !== null) return { delivery, ...decodeNotification(source, notification) }
      const raw = raws.get(delivery.id)
      if (raw === undefined)
        throw new BillhookError('internal_invariant', `the store has lost the bytes of the delivery ${delivery.id}`)
      return { delivery, ...decodeDelivery(source, raw) }
    })
  }

  #alarm(delivery: Received, owner: FoldedEvent): void {
    const { log, metrics } = this.#ports
    metrics.count('billhook_inbox_altered_events_total', { source: delivery.source })
    const fields = { source: delivery.source, delivery: delivery.id, first: owner.delivery, event: delivery.eventId }
    log.error(fields, 'an event came again with other bytes; both are kept, the first was folded')
  }

  #problems(delivery: Received, decoded: Decoded): void {
    const { log, metrics } = this.#ports
    metrics.count('billhook_inbox_problems_total', { source: delivery.source }, decoded.problems.length)
    const problems = decoded.problems.slice(0, 10).map(({ path, message }) => `${path}: ${message}`)
    log.warn(
      { source: delivery.source, delivery: delivery.id, type: delivery.eventType, problems },
      'parts of a delivery could not be understood',
    )
  }
}

/** Failures that say nothing against the deliveries. */
const MAY_PASS: ReadonlySet<string> = new Set([
  'store_unavailable',
  'store_locked',
  'store_newer',
  'shutting_down',
  'conflict',
])

const NOTHING: Decoded = { observations: [], unknown: false, problems: [] }

/** A delivery with what it says. */
export interface DecodedDelivery {
  readonly notification: Notification | null
  readonly decoded: Decoded
  /** Why it could not be read; null: it could. */
  readonly failure: string | null
}

/** What a stored delivery says; it was verified when it came. */
export function decodeDelivery(source: LiveSource, raw: RawDelivery): DecodedDelivery {
  try {
    const read = source.dialect.read({ headers: raw.headers, body: raw.body }, { at: null, toleranceMs: null })
    if (!read.ok) return { notification: null, decoded: NOTHING, failure: `${read.reason}: ${read.detail}` }
    return decodeNotification(source, read.notification)
  } catch (error) {
    return { notification: null, decoded: NOTHING, failure: `could not be read: ${messageOf(error)}` }
  }
}

function decodeNotification(source: LiveSource, notification: Notification): DecodedDelivery {
  try {
    return { notification, decoded: source.dialect.decode(notification), failure: null }
  } catch (error) {
    return { notification: null, decoded: NOTHING, failure: `could not be decoded: ${messageOf(error)}` }
  }
}

function eventOf(delivery: Received): FoldedEvent {
  const { account, source, id, sha256 } = delivery
  return { account, source, dedupe: delivery.dedupe ?? id, delivery: id, sha256 }
}

function repeated(delivery: Received, owner: FoldedEvent, at: Instant): ReceivedChange {
  const words = owner.sha256 === delivery.sha256 ? 'a repetition of' : 'an altered repetition of'
  return { account: delivery.account, id: delivery.id, state: 'reacted', reason: `${words} ${owner.delivery}`, at }
}

function dead(delivery: Received, reason: string, at: Instant): ReceivedChange {
  return { account: delivery.account, id: delivery.id, state: 'dead', reason, at }
}

/** Why there is nothing to react to. */
function quiet(decoded: Decoded): string {
  if (decoded.unknown) return 'a type that is not in the catalogue: kept, nothing derived'
  return decoded.observations.length === 0 ? 'says nothing about billing' : 'nothing to react to'
}
