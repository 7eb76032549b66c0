import type { Dialect, PublicKeyLookup } from '../dialects/dialect.ts'
import type { SourceTraits } from '../ledger/standing.ts'
import type { Clock } from '../ports/clock.ts'
import type { DeliveryForwarder } from '../ports/delivery_forwarder.ts'
import type { HttpClient } from '../ports/http.ts'
import type { InboxStore } from '../ports/inbox_store.ts'
import type { Log } from '../ports/log.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { Random } from '../ports/random.ts'
import type { SecretBox } from '../ports/secret_box.ts'
import { AccessDesk } from './access.ts'
import { createFetcher } from './fetch.ts'
import { HandlerBook } from './handlers.ts'
import { createIngest } from './ingest.ts'
import type { Ingest, IngestOptions } from './ingest.ts'
import { OpenedDeliveries } from './opened.ts'
import { PolicyBook } from './policies.ts'
import { Processor } from './process.ts'
import type { ProcessOptions } from './process.ts'
import { Reactor } from './react.ts'
import type { ReactOptions } from './react.ts'
import { createIdSource } from './receipt_ids.ts'
import { Reconciler } from './reconcile.ts'
import type { Fetcher } from './reconcile.ts'
import { Refolder } from './refold.ts'
import { Replayer } from './replay.ts'
import { Retention } from './retention.ts'
import type { RetentionOptions } from './retention.ts'
import { SourceBook } from './sources.ts'
import type { LiveSource } from './sources.ts'

/** What an inbox is made of. */
export interface InboxPorts {
  readonly store: InboxStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  readonly secretBox: SecretBox
  /** @returns null if there is no such dialect */
  readonly dialect: (id: string) => Dialect | null
  readonly publicKeys: (jwksUrl: string) => PublicKeyLookup
  /** What access should know of a provider, by dialect; null: nothing. */
  readonly traits?: (dialect: string) => SourceTraits | null
  /** Looks objects up at the providers for sources with an API key; left out, with no fetcher: nothing is looked up. */
  readonly http?: HttpClient
  /** Sends received deliveries on; left out: nobody does. */
  readonly forwarder?: DeliveryForwarder
  /** Looks objects up in the app's own way instead. */
  readonly fetcher?: Fetcher
}

/** Options of the parts of an inbox; what is left out keeps its default. */
export interface InboxOptions {
  readonly ingest?: Partial<IngestOptions>
  readonly process?: Partial<ProcessOptions>
  readonly react?: Partial<ReactOptions>
  readonly retention?: Partial<RetentionOptions>
}

/** The receiving end. */
export interface Inbox extends AsyncDisposable {
  readonly ingest: Ingest
  readonly sources: SourceBook
  readonly policies: PolicyBook
  readonly handlers: HandlerBook
  readonly access: AccessDesk
  readonly replay: Replayer
  readonly refold: Refolder
  readonly processor: Processor
  readonly reactor: Reactor
  readonly reconciler: Reconciler
  readonly retention: Retention
  readonly store: InboxStore
  /** Folds, reacts and sweeps behind the answers, until it is stopped. Handlers must be registered before. */
  start(): void
  /** Ends the loops; what was begun is finished. May be called again. */
  stop(): Promise<void>
  /**
   * Folds what was received, sweeps what is due, and tells everything, also what waits for the rest of its burst:
   * afterwards nothing is left to do at this instant. For tests and stories.
   */
  settle(): Promise<void>
}

/** Puts the receiving end together. It does nothing by itself until it is started. */
export function createInbox(ports: InboxPorts, options: InboxOptions = {}): Inbox {
  const { store, clock, random, log, metrics } = ports
  const newId = createIdSource(random)
  const handlers = new HandlerBook()
  const traits = ports.traits ?? (() => null)
  const sources = new SourceBook({ ...ports, store: store.sources })
  const policies = new PolicyBook({ access: store.access, ledger: store.ledger, clock })
  const reactor = new Reactor({ store, handlers, clock, random, log, metrics }, options.react)
  const wants = handlers.wants.bind(handlers)
  const opened = new OpenedDeliveries()
  const { forwarder = null } = ports
  const { fetcher = ports.http === undefined ? null : createFetcher(ports.http, clock) } = ports
  const looksUp = (source: LiveSource): boolean =>
    ports.fetcher !== undefined ||
    (ports.http !== undefined && source.api !== null && source.dialect.retrieval !== null)
  const folding = { store, newId, wants, sources, policies, traits, looksUp, clock, log, metrics }
  const reconciler = new Reconciler({ ...folding, fetcher, folded: () => reactor.wake() })
  const folded = (): void => {
    reactor.wake()
    reconciler.wake()
  }
  const processor = new Processor(
    { ...folding, opened, forwarder, folded, storing: () => ingest.isStoring },
    options.process,
  )
  const queued = (): void => {
    processor.wake()
    reactor.wake()
  }
  const stored = (): void => processor.wake()
  const room = (): Promise<void> | null => processor.room()
  const intake = { sources, store: store.received, clock, log, metrics, newId, opened, stored, room }
  const ingest = createIngest(intake, options.ingest)
  const retention = new Retention({ store, clock, log }, options.retention)
  const parts = [processor, reactor, reconciler, retention]
  const loops = new Loops((signal) => parts.map((part) => part.run(signal)))
  return {
    ingest,
    sources,
    policies,
    handlers,
    access: new AccessDesk({ store, sources, policies, traits, clock, newId }),
    refold: new Refolder({ store, sources, policies, traits, clock, newId, wants, replaced: () => reconciler.wake() }),
    replay: new Replayer({ store, clock, newId, wants, queued }),
    processor,
    reactor,
    reconciler,
    retention,
    store,
    start: () => loops.start(),
    stop: () => loops.stop(),
    [Symbol.asyncDispose]: () => loops.stop(),
    async settle() {
      for (let done = 1; done > 0;) {
        done = (await processor.drain()) + (await reconciler.drain()) + (await reactor.drain(true))
      }
    },
  }
}

/** Loops that run until they are stopped, at most once at a time. */
class Loops {
  readonly #begin: (signal: AbortSignal) => readonly Promise<void>[]
  #running: { readonly control: AbortController; readonly ended: Promise<unknown> } | null = null

  constructor(begin: (signal: AbortSignal) => readonly Promise<void>[]) {
    this.#begin = begin
  }

  start(): void {
    if (this.#running !== null) return
    const control = new AbortController()
    this.#running = { control, ended: Promise.all(this.#begin(control.signal)) }
  }

  async stop(): Promise<void> {
    const running = this.#running
    if (running === null) return
    this.#running = null
    running.control.abort()
    await running.ended
  }
}
