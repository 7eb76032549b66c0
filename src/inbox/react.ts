import { BillhookError, isBillhookError, messageOf } from '../model/error.ts'
import { FACT_KINDS } from '../model/facts.ts'
import type { DerivedFact } from '../model/facts.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../model/instant.ts'
import type { Clock } from '../ports/clock.ts'
import type { InboxStore } from '../ports/inbox_store.ts'
import type { Log } from '../ports/log.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { Random } from '../ports/random.ts'
import type { LeasedReaction } from '../ports/reaction_store.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { HandlerBook, NamedHandler, Reaction } from './handlers.ts'
import { readFact, readKnown } from './ledger_texts.ts'
import { readReactionData } from './reaction_data.ts'
import type { ReactionData } from './reaction_data.ts'
import { turn, Waker } from './waker.ts'

/** What calling handlers needs. */
export interface ReactPorts {
  readonly store: InboxStore
  readonly handlers: HandlerBook
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

/** How handlers are called. */
export interface ReactOptions {
  /** Waits between attempts; after the last one the reaction is dead. */
  readonly backOffMs: readonly number[]
  /** A random share that each wait is longer by at most. */
  readonly jitter: number
  /** A handler that takes longer has failed. */
  readonly handlerTimeoutMs: number
  /** Reactions that are told at the same time, each of another subject. */
  readonly concurrency: number
}

const REACT_DEFAULTS: ReactOptions = {
  backOffMs: [
    5 * SECOND_MS,
    30 * SECOND_MS,
    2 * MINUTE_MS,
    10 * MINUTE_MS,
    30 * MINUTE_MS,
    2 * HOUR_MS,
    6 * HOUR_MS,
    DAY_MS,
  ],
  jitter: 0.2,
  handlerTimeoutMs: 30 * SECOND_MS,
  concurrency: 16,
}

/** A handler's time, and then some: after that another process may take the reaction over. */
const LEASE_MARGIN_MS = 30 * SECOND_MS
/** What is due elsewhere, or blocked by an earlier one of its subject, is looked for again after this time. */
const POLL_MS = 5 * SECOND_MS
const BLOCKED_MS = SECOND_MS
const BACK_OFF_MS = SECOND_MS
/** Longer error texts are cut. */
const MAX_ERROR = 2_000

/**
 * Tells facts to the application's handlers, from the outbox: at least once each, in the order of one subject, several
 * subjects side by side. A handler that fails is tried again with growing waits, and holds up its own subject only.
 */
export class Reactor {
  readonly #ports: ReactPorts
  readonly #options: ReactOptions
  readonly #waker = new Waker()

  constructor(ports: ReactPorts, options: Partial<ReactOptions> = {}) {
    this.#ports = ports
    this.#options = { ...REACT_DEFAULTS, ...options }
  }

  /** Something was put into the outbox. */
  wake(): void {
    this.#waker.wake()
  }

  /** Tells until the signal ends it; handlers that were begun are told by their own signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, store, log } = this.#ports
    while (!signal.aborted) {
      try {
        // Asked first: most folds leave nothing to be told, and a lease is a transaction.
        const next = await store.reactions.nextReaction()
        const isDue = next !== null && next <= clock.now()
        if (isDue && (await this.tellBatch(false, signal)) > 0) {
          await turn()
          continue
        }
        const poll = addMs(clock.now(), isDue ? BLOCKED_MS : POLL_MS)
        await this.#waker.sleep(clock, isDue || next === null || next > poll ? poll : next, signal)
      } catch (error) {
        log.error({ error: messageOf(error) }, 'telling reactions failed; it is tried again')
        await clock.until(addMs(clock.now(), BACK_OFF_MS), signal)
      }
    }
  }

  /** Tells everything that is due; with `settling` also what still waits for the rest of its burst. */
  async drain(settling: boolean): Promise<number> {
    let total = 0
    const { signal } = new AbortController()
    for (let told = await this.tellBatch(settling, signal); told > 0; told = await this.tellBatch(settling, signal)) {
      total += told
    }
    return total
  }

  /** @returns the number of reactions that were tried */
  async tellBatch(settling: boolean, signal: AbortSignal): Promise<number> {
    const { store, clock, random } = this.#ports
    const at = clock.now()
    const leased = await store.reactions.leaseReactions({
      at,
      until: addMs(at, this.#options.handlerTimeoutMs + LEASE_MARGIN_MS),
      lease: Buffer.from(random.bytes(12)).toString('hex'),
      limit: this.#options.concurrency,
      settling,
    })
    await Promise.all(leased.map((row) => this.#tell(row, signal)))
    return leased.length
  }

  async #tell(row: LeasedReaction, signal: AbortSignal): Promise<void> {
    const { store, handlers } = this.#ports
    const of = { account: row.account, source: row.source }
    const factRow = await store.ledger.fact(of, row.factKey)
    if (factRow === null) return this.#finish(row, { state: 'dropped', error: 'the fact is gone' })
    const fact = readFact(factRow.data)
    const object = await this.#objectOf(row, fact)
    const data = readReactionData(row)
    const done = new Set(row.done)
    const failures: { readonly handler: string; readonly error: unknown; readonly reaction: Reaction }[] = []
    for (const handler of handlers.handlersOf(row.kind)) {
      if (done.has(handler.name)) continue
      const told = await this.#run({ row, handler, done, fact, object, data, signal })
      if (told.ok) done.add(handler.name)
      else failures.push({ handler: handler.name, error: told.error, reaction: told.reaction })
    }
    const [failure] = failures
    if (failure === undefined) return this.#finish(row, { state: 'done', error: null, done })
    const wait = this.#options.backOffMs[row.attempts - 1]
    const isDead = wait === undefined
    await this.#reportAll(failures, isDead)
    const error = `${failure.handler}: ${messageOf(failure.error)}`.slice(0, MAX_ERROR)
    if (isDead) return this.#finish(row, { state: 'dead', error, done })
    const spread = wait * this.#options.jitter * this.#ports.random.fraction()
    return this.#finish(row, { state: 'waiting', error, done, waitMs: Math.round(wait + spread) })
  }

  async #run(work: {
    readonly row: LeasedReaction
    readonly handler: NamedHandler
    readonly done: ReadonlySet<string>
    readonly fact: DerivedFact
    readonly object: Reaction['object']
    readonly data: ReactionData
    readonly signal: AbortSignal
  }): Promise<{ readonly ok: true } | { readonly ok: false; readonly error: unknown; readonly reaction: Reaction }> {
    const { row, handler, done, fact, object, data } = work
    const { store, clock, metrics } = this.#ports
    const over = new AbortController()
    let noted = false
    const reaction: Reaction = {
      account: row.account,
      source: row.source,
      fact,
      key: keyOf(row, data),
      ...data,
      attempt: row.attempts,
      object,
      signal: AbortSignal.any([over.signal, work.signal]),
      transaction: async (inner) => {
        const result = await store.transaction(async (transaction) => {
          const value = await inner(transaction)
          await this.#note(transaction, row, [...done, handler.name])
          return value
        })
        noted = true
        return result
      },
    }
    try {
      const limit = addMs(clock.now(), this.#options.handlerTimeoutMs)
      await Promise.race([
        Promise.resolve(handler.handle(reaction)),
        clock.until(limit, over.signal).then(() => refuseLate(over.signal, this.#options.handlerTimeoutMs)),
      ])
      metrics.count('billhook_reactions_total', { kind: row.kind, outcome: 'done' })
      return { ok: true }
    } catch (error) {
      metrics.count('billhook_reactions_total', { kind: row.kind, outcome: 'failed' })
      // What it wrote in its transaction is done and must not be done again, whatever it threw afterwards.
      return noted ? { ok: true } : { ok: false, error, reaction }
    } finally {
      over.abort()
    }
  }

  async #note(transaction: Transaction, row: LeasedReaction, done: readonly string[]): Promise<void> {
    if (await this.#ports.store.reactions.noteDone(transaction, row, done)) return
    throw new BillhookError('conflict', `another process has taken over the reaction ${row.id}; nothing was written`)
  }

  async #objectOf(row: LeasedReaction, fact: DerivedFact): Promise<Reaction['object']> {
    const of = { account: row.account, source: row.source }
    const known = await this.#ports.store.ledger.object(of, FACT_KINDS[fact.kind].about, fact.subject)
    return known === null ? null : readKnown(known.data).value
  }

  async #reportAll(
    failures: readonly { readonly handler: string; readonly error: unknown; readonly reaction: Reaction }[],
    isDead: boolean,
  ): Promise<void> {
    const { log, handlers } = this.#ports
    for (const { handler, error, reaction } of failures) {
      const { source, key, attempt } = reaction
      const fields = { source, fact: key, handler, attempt, dead: isDead, error: messageOf(error) }
      log.error(fields, isDead ? 'a reaction was given up' : 'a reaction failed and is tried again')
      for (const report of handlers.errorHandlers()) {
        try {
          await report(error, reaction, { handler, dead: isDead })
        } catch (own) {
          log.error({ handler, error: messageOf(own) }, 'an error handler failed')
        }
      }
    }
  }

  async #finish(
    row: LeasedReaction,
    outcome: {
      readonly state: 'waiting' | 'done' | 'dropped' | 'dead'
      readonly error: string | null
      readonly done?: ReadonlySet<string>
      readonly waitMs?: number
    },
  ): Promise<void> {
    const { store, clock, log } = this.#ports
    const { state, error, done, waitMs = 0 } = outcome
    const at = clock.now()
    const finishedAt = state === 'waiting' ? null : at
    try {
      await store.transaction(async (transaction) => {
        if (done !== undefined && state !== 'done') await this.#note(transaction, row, [...done])
        const end = { state, dueAt: addMs(at, waitMs), error, finishedAt }
        if (!(await store.reactions.finishReaction(transaction, row, end)) || finishedAt === null) return
        await this.#close(transaction, row)
      })
    } catch (failure) {
      // Nothing is lost: the lease runs out and the reaction is told again.
      if (!isBillhookError(failure)) throw failure
      log.warn({ reaction: row.id, error: failure.message }, 'the end of a reaction could not be noted')
    }
  }

  /** The last reaction to a delivery ends the delivery too. */
  async #close(transaction: Transaction, row: LeasedReaction): Promise<void> {
    const { store, clock } = this.#ports
    const { account, delivery } = row
    if (delivery === null) return
    const left = await store.reactions.leftOf(transaction, account, delivery)
    if (left.waiting > 0) return
    const state = left.dead > 0 ? 'dead' : 'reacted'
    const reason = left.dead > 0 ? `${left.dead} reactions were given up` : null
    await store.received.change(transaction, [{ account, id: delivery, state, reason, at: clock.now() }])
  }
}

function refuseLate(over: AbortSignal, timeoutMs: number): void {
  if (!over.aborted) throw new BillhookError('request_timeout', `the handler took longer than ${timeoutMs} ms`)
}

function keyOf(row: LeasedReaction, data: ReactionData): string {
  return `${row.source}:${row.factKey}${data.retracted ? ':retracted' : ''}`
}
