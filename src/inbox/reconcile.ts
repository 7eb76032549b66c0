import type { Dialect } from '../dialects/dialect.ts'
import type { SourceTraits } from '../ledger/standing.ts'
import type { SubscriptionState } from '../ledger/state.ts'
import { expectedBy, isUnclear, watch } from '../ledger/watch.ts'
import { messageOf } from '../model/error.ts'
import { addMs, formatInstantShort, SECOND_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { ObjectKind } from '../model/objects.ts'
import type { Observation } from '../model/observations.ts'
import type { Clock } from '../ports/clock.ts'
import type { AccessRow, GroupRow, SourceRef } from '../ports/ledger_store.ts'
import type { Log } from '../ports/log.ts'
import type { Metrics } from '../ports/metrics.ts'
import { foldSource } from './fold_source.ts'
import type { FoldPorts } from './fold_source.ts'
import { readState } from './ledger_texts.ts'
import type { PolicyBook } from './policies.ts'
import type { ApiAccess, LiveSource, SourceBook } from './sources.ts'
import { Waker } from './waker.ts'

/** An object to be looked up at the provider. */
export interface Wanted {
  readonly account: string
  readonly source: string
  readonly dialect: Dialect
  /** What opens the provider's API; null: the source has no key. */
  readonly api: ApiAccess | null
  readonly object: ObjectKind
  readonly id: string
}

/**
 * Looks an object up at the provider, where the app has credentials for that. The observations' stamp is the provider's
 * own `Date` at the start of the request, so that two fetches join in the order of what they saw.
 *
 * @returns null if nobody can look this object up
 */
export type Fetcher = (wanted: Wanted) => Promise<readonly Observation[] | null>

/** What looking for what is late needs. */
export interface ReconcilePorts extends FoldPorts {
  readonly sources: SourceBook
  readonly policies: PolicyBook
  readonly traits: (dialect: string) => SourceTraits | null
  /** Null: nothing is fetched, what is late is marked. */
  readonly fetcher: Fetcher | null
  /** Whether objects of this source can be looked up at its provider. */
  readonly looksUp: (source: LiveSource) => boolean
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly folded: () => void
}

/** Groups looked at in one go. */
const BATCH = 50
/** The earliest time is asked for at least this often: another node may have folded something. */
const POLL_MS = 30 * SECOND_MS

/**
 * What time alone changes. Answers that turn because a date has passed are told as `access_changed`; subjects of which
 * something was expected that did not come are fetched or marked as stale, with an alert.
 */
export class Reconciler {
  readonly #ports: ReconcilePorts
  readonly #waker = new Waker()

  constructor(ports: ReconcilePorts) {
    this.#ports = ports
  }

  wake(): void {
    this.#waker.wake()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, store, log } = this.#ports
    while (!signal.aborted) {
      try {
        if ((await this.sweep()) > 0) continue
        const next = [await store.ledger.nextAccessTurn(), await store.ledger.nextWatch()].filter((at) => at !== null)
        const poll = addMs(clock.now(), POLL_MS)
        await this.#waker.sleep(
          clock,
          next.reduce((a, b) => (a < b ? a : b), poll),
          signal,
        )
      } catch (error) {
        log.error({ error: messageOf(error) }, 'the sweep failed; it is tried again')
        await clock.until(addMs(clock.now(), POLL_MS), signal)
      }
    }
  }

  /** Sweeps until nothing is due. @returns the number of subjects looked at */
  async drain(): Promise<number> {
    let total = 0
    for (let looked = await this.sweep(); looked > 0; looked = await this.sweep()) total += looked
    return total
  }

  /** One bounded part of what is due. @returns the number of subjects looked at */
  async sweep(): Promise<number> {
    const { store, clock } = this.#ports
    const at = clock.now()
    const turned = await store.ledger.accessTurned(at, BATCH)
    for (const [of, rows] of bySource(turned)) await this.#turn(of, rows, at)
    const watched = await store.ledger.watched(at, BATCH)
    for (const group of watched) await this.#look(group, at)
    if (turned.length + watched.length > 0) this.#ports.folded()
    return turned.length + watched.length
  }

  async #turn(of: SourceRef, rows: readonly AccessRow[], at: Instant): Promise<void> {
    const { ledger } = this.#ports.store
    const references = new Map(rows.map((row) => [`customer:${row.customer}`, row]))
    const groups = await ledger.groupsOf(null, of, [...references.keys()])
    await this.#foldAgain(of, [...new Set(groups.map(({ id }) => id))], at)
    for (const { reference } of groups) references.delete(reference)
    if (references.size === 0) return
    // Customers that a re-fold does not know any more: nothing will turn their answers.
    const access = [...references.values()].map((row) => ({ ...row, turnsAt: null }))
    await this.#ports.store.transaction((transaction) =>
      ledger.saveLedger(transaction, of, { observations: [], objects: [], facts: [], access, groups: [] }),
    )
  }

  async #look(group: GroupRow & SourceRef, at: Instant): Promise<void> {
    const of = { account: group.account, source: group.source }
    const source = await this.#ports.sources.find(of.account, of.source)
    const { subscriptions } = readState(group.state)
    const late = subscriptions.filter((each) => watch(each, at).overdue.length > 0)
    if (source !== null) {
      const unclear = this.#ports.looksUp(source) ? subscriptions.filter(isUnclear) : []
      const wanted = [...new Set([...late, ...unclear])]
      const fetched = await Promise.all(wanted.map((each) => this.#tryFetch(source, each)))
      // The provider's own word is in the ledger now: whatever it says, nothing is out of date.
      if (wanted.length > 0 && fetched.every(Boolean)) return this.#mark(of, group.id, true, at)
    }
    await this.#mark(of, group.id, false, at)
  }

  /** Marks what is late by now, unless the provider itself was just asked. */
  async #mark(of: SourceRef, group: string, fetched: boolean, at: Instant): Promise<void> {
    const { store, log, metrics } = this.#ports
    const missing = await store.transaction(async (transaction) => {
      const [now] = await store.ledger.lockGroups(transaction, of, [group])
      if (now === undefined) return []
      const { subscriptions } = readState(now.state)
      const words = fetched ? [] : subscriptions.flatMap((each) => lateWords(each, at))
      const stale = words.length === 0 ? null : words.join('; ')
      const groups = [{ ...now, watchAt: expectedBy(subscriptions, at), stale }]
      await store.ledger.saveLedger(transaction, of, { observations: [], objects: [], facts: [], access: [], groups })
      return words
    })
    if (missing.length === 0) return
    metrics.count('billhook_inbox_stale_total', { source: of.source })
    log.warn({ source: of.source, group, missing }, 'something expected did not come')
  }

  async #tryFetch(source: LiveSource, wanted: SubscriptionState): Promise<boolean> {
    try {
      return await this.#fetch(source, 'subscription', wanted.id)
    } catch (error) {
      const fields = { source: source.name, subscription: wanted.id, error: messageOf(error) }
      this.#ports.log.warn(fields, 'an object could not be fetched from the provider')
      return false
    }
  }

  async #fetch(source: LiveSource, object: ObjectKind, id: string): Promise<boolean> {
    const { fetcher, clock, newId } = this.#ports
    const { account, name, dialect, api } = source
    const observations = (await fetcher?.({ account, source: name, dialect, api, object, id })) ?? null
    if (observations === null) return false
    const at = clock.now()
    await this.#fold(source, {
      told: [{ delivery: `fetch-${newId(at)}`, eventId: null, observations }],
      again: [],
      at,
    })
    return true
  }

  async #foldAgain(of: SourceRef, groups: readonly string[], at: Instant): Promise<void> {
    const source = await this.#ports.sources.find(of.account, of.source)
    await this.#fold(source ?? of, { told: [], again: groups, at })
  }

  async #fold(
    source: LiveSource | SourceRef,
    work: Pick<Parameters<typeof foldSource>[2], 'told' | 'again' | 'at'>,
  ): Promise<void> {
    const { store, policies, traits } = this.#ports
    const isLive = 'dialect' in source
    const of = isLive ? { account: source.account, source: source.name } : source
    const policy = await policies.current(of.account)
    await store.transaction((transaction) =>
      foldSource(this.#ports, transaction, {
        ...work,
        of,
        policy,
        // What the provider itself has said is not asked for again.
        looksUp: false,
        traits: isLive ? traits(source.dialect.id) : null,
        settleMs: isLive ? source.settings.settleMs : 0,
        autoLink: isLive && source.settings.autoLink,
      }),
    )
  }
}

function lateWords(state: SubscriptionState, at: Instant): readonly string[] {
  return watch(state, at).overdue.map(
    (expected) => `${expected.kind} of ${state.id} was expected at ${formatInstantShort(expected.at)}`,
  )
}

function bySource<T extends SourceRef>(rows: readonly T[]): readonly (readonly [SourceRef, readonly T[]])[] {
  return [...Map.groupBy(rows, ({ account, source }) => `${account}\n${source}`).values()].flatMap((group) => {
    const [first] = group
    return first === undefined ? [] : [[{ account: first.account, source: first.source }, group] as const]
  })
}
