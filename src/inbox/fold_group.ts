/** What one group becomes when it is told more, or when time has passed: pure, given what is stored of it. */
import { accessOf, summaryOf } from '../ledger/access.ts'
import { fold } from '../ledger/fold.ts'
import { joinMany, registerKey, valueOf } from '../ledger/register.ts'
import type { SourceTraits } from '../ledger/standing.ts'
import type { Folded, SubjectState } from '../ledger/state.ts'
import { expectedBy, isUnclear, watch } from '../ledger/watch.ts'
import type { AccessAnswer } from '../model/access.ts'
import { FACT_KINDS, NO_ACCESS } from '../model/facts.ts'
import type { AccessSummary, DerivedFact } from '../model/facts.ts'
import { addMs, earliest, MINUTE_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { writeModel } from '../model/json.ts'
import type { Observation } from '../model/observations.ts'
import type { Policy } from '../model/policy.ts'
import type { AccessRow, FactRow, GroupContents, GroupRow, ObjectRow } from '../ports/ledger_store.ts'
import { observationsIn, readFact, readState, readSummary } from './ledger_texts.ts'
import type { ReactionData } from './reaction_data.ts'

/** Observations of one delivery (or fetch). */
export interface Told {
  readonly delivery: string | null
  readonly eventId: string | null
  readonly observations: readonly Observation[]
  /** Their places within the delivery; left out: counted from 0. */
  readonly places?: readonly number[]
}

/** A group to be folded again, with what is new. */
export interface GroupWork {
  readonly source: string
  readonly group: GroupRow
  readonly stored: GroupContents
  /** What is new; empty if only time has passed. */
  readonly told: readonly Told[]
  readonly policy: Policy
  readonly traits: SourceTraits | null
  /** Whether what stays unclear can be looked up at the provider. */
  readonly looksUp: boolean
  readonly at: Instant
}

/** A fact to be told, or to be taken back. */
export interface Telling {
  readonly fact: FactRow
  readonly retracted: boolean
  /** What goes with it; made when somebody wants it. */
  readonly data: () => ReactionData
}

/** What a fold changes in the store. */
export interface GroupChange {
  readonly group: GroupRow
  readonly objects: readonly ObjectRow[]
  /** New and changed facts, the retracted among them. */
  readonly facts: readonly FactRow[]
  readonly tellings: readonly Telling[]
  readonly access: readonly AccessRow[]
}

/** The rest of a burst may make it clear; then the provider is asked, once. */
const UNCLEAR_MS = MINUTE_MS

/** Facts of access are numbered here; the fold does not know them and must not take them back. */
const OWN_KIND = 'access_changed'

/** Folds a group again and compares the outcome with what is stored. */
export function foldGroup(work: GroupWork): GroupChange {
  const { group, stored, told, policy } = work
  const before = observationsIn(stored.observations)
  const fresh = told.flatMap(({ observations }) => observations)
  const folded = fold([...before, ...fresh], { policy })
  const answers = { before: once(() => answersIn(work, readState(group.state))), after: answersIn(work, folded.state) }
  const facts = diffRows(work, folded)
  const access = changesOfAccess(work, answers)
  const context: Context = { work, folded, answers, before }
  const derived = facts.filter(isNews(stored)).map((row): Telling => {
    return { fact: row, retracted: row.retractedAt !== null, data: () => reactionDataOf(context, row) }
  })
  const { rows, facts: accessFacts, tellings } = access
  return {
    group: {
      ...group,
      version: group.version + 1,
      ...watchOf(work, folded.state),
      state: writeModel(folded.state),
    },
    objects: objectsOf(folded, fresh),
    facts: [...facts, ...accessFacts],
    tellings: [...derived, ...tellings],
    access: rows,
  }
}

/** What is late and was not marked yet is looked at now; what is marked stays marked until nothing is late any more. */
function watchOf({ group, told, looksUp, at }: GroupWork, state: SubjectState): Pick<GroupRow, 'watchAt' | 'stale'> {
  const next = expectedBy(state.subscriptions, at)
  const late = state.subscriptions.some((each) => watch(each, at).overdue.length > 0)
  if (late) return { watchAt: group.stale === null ? at : next, stale: group.stale }
  if (!looksUp || told.length === 0 || !state.subscriptions.some(isUnclear)) return { watchAt: next, stale: null }
  const soon = addMs(at, UNCLEAR_MS)
  return { watchAt: next === null ? soon : earliest(soon, next), stale: null }
}

/** Only what was touched: the others are as they were. */
function objectsOf(folded: Folded, fresh: readonly Observation[]): readonly ObjectRow[] {
  const rows = new Map<string, ObjectRow>()
  for (const each of fresh) {
    if (each.kind === 'happening') continue
    const key = registerKey(each.object, each.id)
    const known = folded.objects.get(key)
    if (known === undefined || rows.has(key)) continue
    rows.set(key, { kind: each.object, id: each.id, data: writeModel(known) })
  }
  return [...rows.values()]
}

function diffRows({ group, stored, told, at }: GroupWork, folded: Folded): readonly FactRow[] {
  const old = new Map(stored.facts.map((row) => [row.key, row]))
  const now = new Set(folded.facts.map(({ key }) => key))
  const present = folded.facts.flatMap((fact): readonly FactRow[] => {
    const data = writeModel(fact)
    const known = old.get(fact.key)
    if (known !== undefined && known.retractedAt === null && known.data === data && known.group === group.id) return []
    const { key, kind, customer, subscription } = fact
    const first = known === undefined || known.retractedAt !== null
    return [
      {
        key,
        kind,
        at: fact.at,
        customer,
        subscription,
        data,
        group: group.id,
        delivery: first ? deliveryOf(fact, told) : known.delivery,
        toldAt: first ? at : known.toldAt,
        retractedAt: null,
      },
    ]
  })
  const gone = stored.facts.filter((row) => row.kind !== OWN_KIND && row.retractedAt === null && !now.has(row.key))
  const delivery = told.at(-1)?.delivery ?? null
  return [...present, ...gone.map((row) => ({ ...row, group: group.id, delivery, retractedAt: at }))]
}

/** The delivery whose event a fact rests on, of those that are new; else the last of them. */
function deliveryOf(fact: DerivedFact, told: readonly Told[]): string | null {
  const own = told.findLast(({ eventId }) => eventId !== null && fact.evidence.includes(eventId))
  return (own ?? told.at(-1))?.delivery ?? null
}

/** Told again, or taken back; a fact that only has other words or evidence is not told again. */
function isNews(stored: GroupContents): (row: FactRow) => boolean {
  const old = new Map(stored.facts.map((row) => [row.key, row]))
  return (row) => {
    const known = old.get(row.key)
    return known === undefined || (known.retractedAt === null) !== (row.retractedAt === null)
  }
}

type AnswersByCustomer = ReadonlyMap<string, AccessAnswer>

interface Answers {
  readonly before: () => AnswersByCustomer
  readonly after: AnswersByCustomer
}

/** Computes when it is first asked, and never again. */
function once<T extends object>(compute: () => T): () => T {
  let value: T | null = null
  return () => (value ??= compute())
}

function answersIn(work: GroupWork, state: SubjectState): AnswersByCustomer {
  const { source, policy, traits, at } = work
  const customers = new Set([
    ...state.customers.map(({ id }) => id),
    ...state.subscriptions.flatMap(({ customer }) => (customer === null ? [] : [customer])),
  ])
  return new Map(
    [...customers].map((customer) => {
      const links = [{ source, customer, state, traits }]
      return [customer, accessOf({ links, holds: [], policy, at, feature: null })]
    }),
  )
}

interface Context {
  readonly work: GroupWork
  readonly folded: Folded
  readonly answers: Answers
  readonly before: readonly Observation[]
}

function reactionDataOf({ work, folded, answers, before }: Context, row: FactRow): ReactionData {
  const fact = readFact(row.data)
  const about = FACT_KINDS[fact.kind].about
  const own = before.filter((each) => each.kind !== 'happening' && each.object === about && each.id === fact.subject)
  const register = joinMany(new Map(), own).get(registerKey(about, fact.subject))
  const customer = fact.customer ?? customerOf(folded, fact)
  return {
    retracted: row.retractedAt !== null,
    replay: false,
    before: customer === null ? null : (answers.before().get(customer) ?? null),
    after: customer === null ? null : (answers.after.get(customer) ?? null),
    objectBefore: register === undefined || work.stored.observations.length === 0 ? null : valueOf(register).value,
  }
}

function customerOf(folded: Folded, fact: DerivedFact): string | null {
  return folded.state.subscriptions.find(({ id }) => id === fact.subscription)?.customer ?? null
}

interface AccessChanges {
  readonly rows: readonly AccessRow[]
  readonly facts: readonly FactRow[]
  readonly tellings: readonly Telling[]
}

function changesOfAccess(work: GroupWork, answers: Answers): AccessChanges {
  const { group, stored, told, at } = work
  const known = new Map(stored.access.map((row) => [row.customer, row]))
  const rows: AccessRow[] = []
  const facts: FactRow[] = []
  const tellings: Telling[] = []
  for (const [customer, answer] of answers.after) {
    const old = known.get(customer)
    const from = old === undefined ? NO_ACCESS : readSummary(old.summary)
    const to = summaryOf(answer)
    const changed = writeModel(from) !== writeModel(to)
    const number = (old?.number ?? 0) + (changed ? 1 : 0)
    const turnsAt = answer.until !== null && answer.until > at ? answer.until : null
    const row: AccessRow = { customer, group: group.id, number, summary: writeModel(to), turnsAt }
    if (old === undefined || writeModel(old) !== writeModel(row)) rows.push(row)
    if (!changed) continue
    const fact = accessFact(customer, number, { at, from, to, answer })
    const delivery = told.at(-1)?.delivery ?? null
    const factRow = factRowOf(fact, { group: group.id, delivery, at })
    facts.push(factRow)
    tellings.push({
      fact: factRow,
      retracted: false,
      data: () => {
        const before = answers.before().get(customer) ?? null
        return { retracted: false, replay: false, before, after: answer, objectBefore: null }
      },
    })
  }
  return { rows, facts, tellings }
}

function accessFact(
  customer: string,
  number: number,
  change: {
    readonly at: Instant
    readonly from: AccessSummary
    readonly to: AccessSummary
    readonly answer: AccessAnswer
  },
): DerivedFact<'access_changed'> {
  const { at, from, to, answer } = change
  return {
    kind: OWN_KIND,
    at,
    customer,
    subscription: null,
    subject: customer,
    detail: { from, to, until: answer.until, why: answer.why.map(({ words }) => words) },
    key: `${customer}|${OWN_KIND}|${number}`,
    sure: answer.sure,
    evidence: [],
  }
}

function factRowOf(
  fact: DerivedFact,
  where: { readonly group: string; readonly delivery: string | null; readonly at: Instant },
): FactRow {
  const { key, kind, at, customer, subscription } = fact
  const { group, delivery } = where
  const data = writeModel(fact)
  return { key, kind, at, customer, subscription, data, group, delivery, toldAt: where.at, retractedAt: null }
}
