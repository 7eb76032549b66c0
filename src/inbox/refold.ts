import type { SourceTraits } from '../ledger/standing.ts'
import { accessOf, summaryOf } from '../ledger/access.ts'
import { compareText } from '../model/compare.ts'
import { BillhookError } from '../model/error.ts'
import { addMs, HOUR_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { canonicalJson } from '../model/json.ts'
import type { AccessSummary, FactKind } from '../model/facts.ts'
import type { Clock } from '../ports/clock.ts'
import type { InboxStore } from '../ports/inbox_store.ts'
import type { FactRow, SourceRef } from '../ports/ledger_store.ts'
import type { ReceivedWithRaw } from '../ports/received_store.ts'
import type { Told } from './fold_group.ts'
import { foldSource } from './fold_source.ts'
import { readObservations, readState } from './ledger_texts.ts'
import type { PolicyBook } from './policies.ts'
import { decodeDelivery } from './process.ts'
import { idsFrom } from './receipt_ids.ts'
import type { IdSource } from './receipt_ids.ts'
import type { LiveSource, SourceBook } from './sources.ts'

/** What folding a source again needs. */
export interface RefoldPorts {
  readonly store: InboxStore
  readonly sources: SourceBook
  readonly policies: PolicyBook
  readonly traits: (dialect: string) => SourceTraits | null
  readonly clock: Clock
  readonly newId: IdSource
  readonly wants: (kind: FactKind) => boolean
  /** Called when answers must be looked at again. */
  readonly replaced: () => void
}

/** A fact that the re-fold sees otherwise, by its key. */
export interface FactDifference {
  readonly key: string
  readonly kind: FactRow['kind']
  readonly customer: string | null
  readonly change: 'added' | 'retracted' | 'changed'
}

/** A user whose access answer would change. */
export interface AccessDifference {
  readonly customer: string
  readonly before: AccessSummary
  readonly after: AccessSummary
}

/** How a re-fold differs from what is in force. */
export interface RefoldReport {
  readonly source: string
  /** Deliveries that were folded again. */
  readonly deliveries: number
  /** Deliveries that could not be read any more, by id; at most {@link MAX_LISTED} of them. */
  readonly unreadable: readonly string[]
  readonly counts: {
    readonly added: number
    readonly retracted: number
    readonly changed: number
    readonly access: number
  }
  /** At most {@link MAX_LISTED} of each. */
  readonly facts: readonly FactDifference[]
  readonly access: readonly AccessDifference[]
}

const MAX_LISTED = 100
const PAGE = 100
/** Deliveries are folded a little out of order; so far back they are looked at again after a switch. */
const OVERLAP_MS = HOUR_MS

/**
 * Folds a source's deliveries again beside what is in force (after a correction of a decoder or a reducer, or of the
 * policy's thresholds), compares the two, and puts the new in the place of the old when asked to. The deliveries are the
 * truth: nothing is lost by it. Facts that a re-fold adds or takes back are not told to handlers; changes of access are.
 */
export class Refolder {
  readonly #ports: RefoldPorts

  constructor(ports: RefoldPorts) {
    this.#ports = ports
  }

  /** Folds everything into a shadow and compares it. @throws BillhookError `unknown_source` */
  async shadow(account: string, name: string): Promise<RefoldReport> {
    const source = await this.#ports.sources.require(account, name)
    await this.discard(account, name)
    const { deliveries, unreadable } = await this.#fold(source, shadowOf(source), '')
    await this.#foldLoose(source)
    return { source: name, deliveries, unreadable, ...(await this.#compare(source)) }
  }

  /**
   * Puts the shadow in force. What was received since it was made is folded into it first and after.
   *
   * @throws BillhookError `unknown_source`, `conflict` if there is no shadow
   */
  async adopt(account: string, name: string): Promise<void> {
    const { store, clock } = this.#ports
    const source = await this.#ports.sources.require(account, name)
    const of = { account, source: name }
    const shadow = shadowOf(source)
    if (
      (await store.ledger.groupIds(shadow, '', 1)).length === 0 &&
      (await store.ledger.groupIds(of, '', 1)).length > 0
    )
      throw new BillhookError('conflict', `no shadow of ${name} was made; make and compare one first`)
    const at = clock.now()
    const since = idsFrom(addMs(at, -OVERLAP_MS))
    await this.#fold(source, shadow, '')
    await this.#foldLoose(source)
    await store.transaction((transaction) => store.ledger.replaceLedger(transaction, of, shadow, at))
    await this.#fold(source, of, since)
    this.#ports.replaced()
  }

  /** Removes the shadow. */
  async discard(account: string, name: string): Promise<void> {
    const source = await this.#ports.sources.require(account, name)
    const { store } = this.#ports
    await store.transaction((transaction) => store.ledger.dropLedger(transaction, shadowOf(source)))
  }

  async #fold(
    source: LiveSource,
    into: SourceRef,
    from: string,
  ): Promise<{ readonly deliveries: number; readonly unreadable: readonly string[] }> {
    const { received } = this.#ports.store
    const unreadable: string[] = []
    let deliveries = 0
    for (let after = from; ;) {
      const page = await received.foldedDeliveries({ account: source.account, source: source.name, after, limit: PAGE })
      const told = page.map((delivery) => readAgain(source, delivery))
      await this.#foldTold(
        source,
        into,
        told.flatMap((each) => each ?? []),
      )
      page.forEach(({ id }, index) => {
        if (told[index] === null && unreadable.length < MAX_LISTED) unreadable.push(id)
      })
      deliveries += page.length
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return { deliveries, unreadable }
      after = last.id
    }
  }

  /** What was fetched, and what came with deliveries that are not kept any more, is taken over as it is. */
  async #foldLoose(source: LiveSource): Promise<void> {
    const of = { account: source.account, source: source.name }
    for (let after = { delivery: '', place: -1 }; ;) {
      const rows = await this.#ports.store.ledger.looseObservations(of, after, PAGE)
      const told = [...Map.groupBy(rows, ({ delivery }) => delivery)].map(([delivery, each]) => {
        const placed = each.flatMap(({ data }) => readObservations(data))
        return {
          delivery,
          eventId: null,
          observations: placed.map(({ observation }) => observation),
          places: placed.map(({ place }) => place),
        }
      })
      await this.#foldTold(source, shadowOf(source), told)
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE) return
      after = { delivery: last.delivery, place: last.place }
    }
  }

  async #foldTold(
    source: LiveSource,
    into: SourceRef,
    told: readonly (Told & { readonly delivery: string })[],
  ): Promise<void> {
    if (told.length === 0) return
    const { store, policies, traits, clock, newId } = this.#ports
    const policy = await policies.current(source.account)
    // Nobody is told of a shadow; what is folded into the ledger in force is told like anything else.
    const isLive = into.source === source.name
    const wants = isLive ? this.#ports.wants : () => false
    await store.transaction((transaction) =>
      foldSource({ store, newId, wants }, transaction, {
        of: into,
        told,
        again: [],
        policy,
        traits: traits(source.dialect.id),
        looksUp: false,
        settleMs: source.settings.settleMs,
        autoLink: isLive && source.settings.autoLink,
        at: clock.now(),
      }),
    )
  }

  async #compare(source: LiveSource): Promise<Pick<RefoldReport, 'counts' | 'facts' | 'access'>> {
    const counts = { added: 0, retracted: 0, changed: 0, access: 0 }
    const facts: FactDifference[] = []
    const of = { account: source.account, source: source.name }
    for await (const difference of this.#factDifferences(of, shadowOf(source))) {
      counts[difference.change] += 1
      if (facts.length < MAX_LISTED) facts.push(difference)
    }
    const access: AccessDifference[] = []
    for await (const difference of this.#accessDifferences(source)) {
      counts.access += 1
      if (access.length < MAX_LISTED) access.push(difference)
    }
    return { counts, facts, access }
  }

  /** Both sides come sorted by key: they are merged as they come. */
  async *#factDifferences(of: SourceRef, shadow: SourceRef): AsyncGenerator<FactDifference> {
    const [left, right] = [this.#facts(of), this.#facts(shadow)]
    let [before, after] = [await left.next(), await right.next()]
    while (before.done !== true || after.done !== true) {
      const [a, b] = [before.done === true ? null : before.value, after.done === true ? null : after.value]
      const order = a === null ? 1 : b === null ? -1 : compareText(a.key, b.key)
      if (order < 0 && a !== null) yield difference(a, 'retracted')
      else if (order > 0 && b !== null) yield difference(b, 'added')
      else if (a !== null && b !== null && a.data !== b.data) yield difference(b, 'changed')
      if (order <= 0) before = await left.next()
      if (order >= 0) after = await right.next()
    }
  }

  async *#facts(of: SourceRef): AsyncGenerator<FactRow> {
    for (let after = ''; ;) {
      const page = await this.#ports.store.ledger.derivedFacts(of, after, PAGE)
      yield* page
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return
      after = last.key
    }
  }

  async *#accessDifferences(source: LiveSource): AsyncGenerator<AccessDifference> {
    const { store, clock } = this.#ports
    const of = { account: source.account, source: source.name }
    const at = clock.now()
    for (let after = ''; ;) {
      const ids = await store.ledger.groupIds(of, after, PAGE)
      const { access } = await store.ledger.contents(null, of, ids)
      for (const { customer } of access) {
        const before = await this.#summary(source, of, customer, at)
        const now = await this.#summary(source, shadowOf(source), customer, at)
        if (canonicalJson(before) !== canonicalJson(now)) yield { customer, before, after: now }
      }
      const last = ids.at(-1)
      if (last === undefined || ids.length < PAGE) return
      after = last
    }
  }

  async #summary(source: LiveSource, of: SourceRef, customer: string, at: Instant): Promise<AccessSummary> {
    const { store, policies, traits } = this.#ports
    const groups = await store.ledger.groupsOf(null, of, [`customer:${customer}`])
    const links = groups.map((group) => ({
      source: source.name,
      customer,
      state: readState(group.state),
      traits: traits(source.dialect.id),
    }))
    const policy = await policies.current(source.account)
    return summaryOf(accessOf({ links, holds: [], policy, at, feature: null }))
  }
}

/** No source can be called so. */
function shadowOf(source: LiveSource): SourceRef {
  return { account: source.account, source: `${source.name}~shadow` }
}

function readAgain(source: LiveSource, delivery: ReceivedWithRaw): (Told & { readonly delivery: string }) | null {
  const { notification, decoded, failure } = decodeDelivery(source, delivery)
  if (failure !== null) return null
  return { delivery: delivery.id, eventId: notification?.id ?? null, observations: decoded.observations }
}

function difference(row: FactRow, change: FactDifference['change']): FactDifference {
  return { key: row.key, kind: row.kind, customer: row.customer, change }
}
