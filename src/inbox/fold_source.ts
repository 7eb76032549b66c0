/** Folds what one source newly told into the ledger and the outbox of reactions, within one transaction. */
import { nodeKey, referencesOf } from '../ledger/group.ts'
import type { SourceTraits } from '../ledger/standing.ts'
import type { DerivedFact, FactKind } from '../model/facts.ts'
import { addMs } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { writeModel } from '../model/json.ts'
import type { Observation } from '../model/observations.ts'
import type { Policy } from '../model/policy.ts'
import type { Link } from '../ports/access_store.ts'
import type { InboxStore } from '../ports/inbox_store.ts'
import type { AccessRow, FactRow, GroupContents, GroupRow, ObservationRow, SourceRef } from '../ports/ledger_store.ts'
import type { ReactionRow } from '../ports/reaction_store.ts'
import type { Transaction } from '../ports/transaction.ts'
import { foldGroup } from './fold_group.ts'
import type { GroupChange, Telling, Told } from './fold_group.ts'
import { readFact, writeObservations } from './ledger_texts.ts'
import { newReaction } from './reaction_data.ts'
import type { IdSource } from './receipt_ids.ts'
import { turn } from './waker.ts'

/** What a fold needs. */
export interface FoldPorts {
  readonly store: InboxStore
  readonly newId: IdSource
  /** Whether anybody handles facts of this kind: reactions that nobody wants are not written. */
  readonly wants: (kind: FactKind) => boolean
}

/** What is folded of one source. */
export interface SourceWork {
  readonly of: SourceRef
  readonly told: readonly (Told & { readonly delivery: string })[]
  /** Groups that are only looked at again, because time has passed. */
  readonly again: readonly string[]
  readonly policy: Policy
  readonly traits: SourceTraits | null
  /** Whether what stays unclear can be looked up at the provider. */
  readonly looksUp: boolean
  readonly settleMs: number
  readonly autoLink: boolean
  readonly at: Instant
}

/** The outcome of folding a source's deliveries. */
export interface SourceFolded {
  /** Deliveries that a reaction waits for. */
  readonly reacting: ReadonlySet<string>
  /** Number of facts told and taken back. */
  readonly told: number
  readonly retracted: number
}

/** Groups folded at a stretch: a few milliseconds. */
const GROUPS_A_TURN = 16

/** @throws whatever the ledger or the store throw; nothing is changed then */
export async function foldSource(ports: FoldPorts, transaction: Transaction, work: SourceWork): Promise<SourceFolded> {
  const { store } = ports
  const { of, at } = work
  const groups = await groupsOfWork(ports, transaction, work)
  const stored = await store.ledger.contents(
    transaction,
    of,
    // A group that was just made holds nothing.
    groups.filter(({ group }) => group.state !== '').map(({ group }) => group.id),
  )
  const byGroup = contentsByGroup(stored)
  const changes: { readonly change: GroupChange; readonly contents: GroupContents }[] = []
  for (const { group, told } of groups) {
    const { policy, traits, looksUp } = work
    const contents = byGroup.get(group.id) ?? NO_CONTENTS
    changes.push({
      change: foldGroup({ source: of.source, group, stored: contents, told, policy, traits, looksUp, at }),
      contents,
    })
    // A fold of a full batch takes long: requests that came meanwhile are read and answered.
    if (changes.length % GROUPS_A_TURN === 0) await turn()
  }
  const outbox = new OutboxWriter(ports, transaction, work)
  for (const { change, contents } of changes) await outbox.add(change, contents)
  const merged = changes.map(({ change }) => change)
  await store.ledger.saveLedger(transaction, of, {
    observations: groups.flatMap(({ group, told }) => observationRows(group, told)),
    objects: merged.flatMap(({ objects }) => objects),
    facts: [...newestByKey([...merged.flatMap(({ facts }) => facts), ...outbox.facts])],
    access: merged.flatMap(({ access }): readonly AccessRow[] => access),
    groups: merged.map(({ group }) => group),
  })
  await store.reactions.addReactions(transaction, outbox.reactions)
  if (work.autoLink) await addLinks(store, transaction, work)
  return {
    reacting: new Set(outbox.reactions.flatMap(({ delivery }) => (delivery === null ? [] : [delivery]))),
    told: merged.flatMap(({ tellings }) => tellings).filter(({ retracted }) => !retracted).length,
    retracted: merged.flatMap(({ tellings }) => tellings).filter(({ retracted }) => retracted).length,
  }
}

interface ToldObservation {
  readonly delivery: string
  readonly eventId: string | null
  readonly place: number
  readonly observation: Observation
}

interface ToldGroup {
  readonly group: GroupRow
  readonly told: readonly (Told & { readonly delivery: string; readonly places: readonly number[] })[]
}

async function groupsOfWork(
  ports: FoldPorts,
  transaction: Transaction,
  work: SourceWork,
): Promise<readonly ToldGroup[]> {
  const { of, told, again, at } = work
  const { ledger } = ports.store
  const all: readonly ToldObservation[] = told.flatMap(({ delivery, eventId, observations, places }) =>
    observations.map((observation, index) => ({ delivery, eventId, place: places?.[index] ?? index, observation })),
  )
  const linked = all.map(({ observation }) => referencesOf(observation).map(nodeKey))
  const groups = await ledger.unite(transaction, of, linked, () => ports.newId(at))
  const members = new Map<string, { readonly group: GroupRow; readonly told: ToldObservation[] }>()
  groups.forEach((group, index) => {
    const each = all[index]
    const member = members.get(group.id) ?? { group, told: [] }
    if (each !== undefined) member.told.push(each)
    members.set(group.id, member)
  })
  const onlyAgain = again.filter((id) => !members.has(id))
  const locked = onlyAgain.length === 0 ? [] : await ledger.lockGroups(transaction, of, onlyAgain)
  return [
    ...[...members.values()].map(({ group, told }) => ({ group, told: byDelivery(told) })),
    ...locked.map((group) => ({ group, told: [] })),
  ]
}

function byDelivery(told: readonly ToldObservation[]): ToldGroup['told'] {
  return [...Map.groupBy(told, ({ delivery }) => delivery)].map(([delivery, each]) => ({
    delivery,
    eventId: each[0]?.eventId ?? null,
    observations: each.map(({ observation }) => observation),
    places: each.map(({ place }) => place),
  }))
}

function observationRows(group: GroupRow, told: ToldGroup['told']): readonly ObservationRow[] {
  return told.map(({ delivery, observations, places }) => {
    const placed = observations.map((observation, index) => ({ place: places[index] ?? index, observation }))
    return { delivery, place: placed[0]?.place ?? 0, group: group.id, data: writeObservations(placed) }
  })
}

const NO_CONTENTS: GroupContents = { observations: [], facts: [], access: [] }

function contentsByGroup(stored: GroupContents): ReadonlyMap<string, GroupContents> {
  const observations = Map.groupBy(stored.observations, ({ group }) => group)
  const facts = Map.groupBy(stored.facts, ({ group }) => group)
  const access = Map.groupBy(stored.access, ({ group }) => group)
  const ids = new Set([...observations.keys(), ...facts.keys(), ...access.keys()])
  return new Map(
    [...ids].map((id) => [
      id,
      { observations: observations.get(id) ?? [], facts: facts.get(id) ?? [], access: access.get(id) ?? [] },
    ]),
  )
}

/** Of rows with the same key the last: one statement cannot write a row twice. */
function newestByKey(rows: readonly FactRow[]): Iterable<FactRow> {
  return new Map(rows.map((row) => [row.key, row])).values()
}

/** Gathers the reactions of a fold. What was not told yet is taken out again if the fold makes it untrue. */
class OutboxWriter {
  readonly reactions: ReactionRow[] = []
  /** Facts that the absorption of bursts has changed. */
  readonly facts: FactRow[] = []
  readonly #ports: FoldPorts
  readonly #transaction: Transaction
  readonly #work: SourceWork

  constructor(ports: FoldPorts, transaction: Transaction, work: SourceWork) {
    this.#ports = ports
    this.#transaction = transaction
    this.#work = work
  }

  async add(change: GroupChange, contents: GroupContents): Promise<void> {
    const known = new Map(contents.facts.map((row) => [row.key, row]))
    for (const telling of change.tellings) {
      const { fact, retracted } = telling
      const isKnown = known.has(fact.key)
      if (!this.#ports.wants(fact.kind) && !isKnown) continue
      if (fact.kind === 'access_changed') await this.#addAccess(telling, known)
      else if (!isKnown) this.#push(telling)
      else if ((await this.#drop(fact.key)) === 0 && (!retracted || (await this.#wasTold(fact.key))))
        this.#push(telling)
    }
  }

  /** Changes of access within the settle window become one, from before the first to after the last. */
  async #addAccess(telling: Telling, known: ReadonlyMap<string, FactRow>): Promise<void> {
    const fact = readFact(telling.fact.data)
    const before = previousKey(fact.key)
    const earlier = before === null ? undefined : known.get(before)
    if (earlier === undefined || earlier.retractedAt !== null || (await this.#drop(earlier.key)) === 0) {
      this.#push(telling)
      return
    }
    this.facts.push({ ...earlier, retractedAt: this.#work.at })
    const whole = spanning(readFact(earlier.data), fact)
    if (whole === null) {
      this.facts.push({ ...telling.fact, retractedAt: this.#work.at })
      return
    }
    const row = { ...telling.fact, data: writeModel(whole) }
    this.facts.push(row)
    this.#push({ ...telling, fact: row })
  }

  async #drop(key: string): Promise<number> {
    const { of, at } = this.#work
    return this.#ports.store.reactions.dropWaiting(this.#transaction, of, key, at)
  }

  /** Under the lock of the group nobody else adds reactions to its facts. */
  async #wasTold(factKey: string): Promise<boolean> {
    const { account, source } = this.#work.of
    const told = await this.#ports.store.reactions.reactions({ account, source, factKey, limit: 20 })
    return told.some(({ state }) => state !== 'dropped')
  }

  #push({ fact, data }: Telling): void {
    const { of, at, settleMs } = this.#work
    this.reactions.push(
      newReaction({
        ...of,
        id: this.#ports.newId(at),
        subject: fact.subscription ?? fact.customer ?? fact.key,
        factKey: fact.key,
        kind: fact.kind,
        delivery: fact.delivery,
        createdAt: at,
        dueAt: addMs(at, settleMs),
        data: data(),
      }),
    )
  }
}

/** `customer|access_changed|3` follows `customer|access_changed|2`. */
function previousKey(key: string): string | null {
  const at = key.lastIndexOf('|')
  const number = Number(key.slice(at + 1))
  return number > 1 ? `${key.slice(0, at)}|${number - 1}` : null
}

/** Both changes as one; null if the second takes back the first. */
function spanning(first: DerivedFact, last: DerivedFact): DerivedFact | null {
  if (first.kind !== 'access_changed' || last.kind !== 'access_changed') return last
  const { from } = first.detail
  if (writeModel(from) === writeModel(last.detail.to)) return null
  return { ...last, detail: { ...last.detail, from } }
}

/** Users of the app that the provider's data names, by customer and checkout. */
async function addLinks(store: InboxStore, transaction: Transaction, work: SourceWork): Promise<void> {
  const { of, at } = work
  const links = new Map<string, Link>()
  for (const observation of work.told.flatMap(({ observations }) => observations)) {
    for (const { user, customer } of usersIn(observation)) {
      links.set(`${user}\n${customer}`, { ...of, user, customer, origin: 'provider', createdAt: at })
    }
  }
  const sorted = [...links].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, link]) => link)
  if (sorted.length > 0) await store.access.addLinks(transaction, sorted)
}

function usersIn(observation: Observation): readonly { readonly user: string; readonly customer: string }[] {
  if (observation.kind === 'happening') return []
  const value = observation.kind === 'snapshot' ? observation.value : observation.fields
  if (observation.object === 'customer' && 'users' in value) {
    return (value.users ?? []).map((user) => ({ user, customer: observation.id }))
  }
  if (observation.object === 'checkout' && 'reference' in value) {
    const { reference, customer } = value
    if (typeof reference === 'string' && typeof customer === 'string') return [{ user: reference, customer }]
  }
  return []
}
