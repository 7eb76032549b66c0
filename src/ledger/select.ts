/** Rule 4: the order of what has one stamp, as a pure function of the set. */
import { compareText } from '../model/compare.ts'
import { canonicalJson } from '../model/json.ts'
import type { ObjectKind } from '../model/objects.ts'
import type { Rank, Stamp } from '../model/observations.ts'
import { isFinal, progressOf } from './values.ts'

/** A whole object as one event told it. */
export interface Entry<V extends object> {
  readonly stamp: Stamp
  readonly value: V
  readonly previous: V | null
  readonly rank: Rank
}

/** The last of a set, and whether the set leaves no other reading. */
export interface Selected<V extends object> {
  readonly entry: Entry<V>
  readonly sure: boolean
}

/** More entries of one object with one stamp than any provider sends in a burst; beyond it no chain is looked for. */
const MAX_CHAIN = 48

/** The order of what events say happened to an object. */
export const VERBS = { created: 0, updated: 1, deleted: 2 } as const

/**
 * The last of the entries of one object with one stamp: a final state absorbs; then how far the object has come where
 * its kind goes one way only; then the version inside the object; then the chain of previous values; then created <
 * updated < deleted; then, not surely, the greater event id.
 */
export function select<V extends object>(kind: ObjectKind, set: readonly Entry<V>[]): Selected<V> | null {
  const [first] = set
  if (first === undefined) return null
  if (set.length === 1) return { entry: first, sure: true }
  const stages = [
    (entries: readonly Entry<V>[]) => furthest(entries, (entry) => (isFinal(kind, entry.value) ? 1 : 0)),
    (entries: readonly Entry<V>[]) => furthest(entries, (entry) => progressOf(kind, entry.value)),
    (entries: readonly Entry<V>[]) => furthest(entries, (entry) => paidCountOf(entry.value)),
    latestVersions,
    chainEnds,
    (entries: readonly Entry<V>[]) => furthest(entries, (entry) => VERBS[entry.rank.verb]),
    afterRetries,
  ]
  let left = set
  for (const stage of stages) {
    if (left.length > 1) left = stage(left)
  }
  // What is left cannot be told apart: the likeliest, then the greater event id.
  const entry = furthest(left, likelihoodOf).reduce((a, b) => (compareLast(a, b) < 0 ? b : a))
  return { entry, sure: left.every((other) => textOf(other.value) === textOf(entry.value)) }
}

/** The entries of one stamp from first to last, and whether that order is the only one. */
export function orderOf<V extends object>(
  kind: ObjectKind,
  set: readonly Entry<V>[],
): { readonly entries: readonly Entry<V>[]; readonly sure: boolean } {
  if (set.length < 2) return { entries: set, sure: true }
  const entries: Entry<V>[] = []
  let left = set
  let sure = true
  while (left.length > 0) {
    const last = select(kind, left)
    if (last === null) break
    sure &&= last.sure
    entries.unshift(last.entry)
    left = left.filter((entry) => entry !== last.entry)
  }
  return { entries, sure }
}

/** Cycles that are paid are never fewer than they were. */
function paidCountOf(value: object): number | null {
  const cycles: unknown = Reflect.get(value, 'cycles')
  if (typeof cycles !== 'object' || cycles === null || !('paid' in cycles)) return null
  return typeof cycles.paid === 'number' ? cycles.paid : null
}

/** Greater comes later: the last resort, which no reading of the bodies supports. */
function compareLast<V extends object>(a: Entry<V>, b: Entry<V>): number {
  if (a.rank.event !== b.rank.event) return a.rank.event < b.rank.event ? -1 : 1
  const [left, right] = [textOf(a.value), textOf(b.value)]
  return compareText(left, right)
}

/** Those with the greatest rank; all of them if one has none. */
function furthest<V extends object>(
  entries: readonly Entry<V>[],
  rankOf: (entry: Entry<V>) => number | null,
): readonly Entry<V>[] {
  const ranks = entries.map(rankOf)
  const known = ranks.filter((rank) => rank !== null)
  if (known.length < ranks.length) return entries
  const top = Math.max(...known)
  return entries.filter((_, index) => ranks[index] === top)
}

function latestVersions<V extends object>(entries: readonly Entry<V>[]): readonly Entry<V>[] {
  const versions = entries.map((entry) => entry.rank.version)
  if (versions.includes(null)) return entries
  const top = versions.reduce((a, b) => (compareVersions(a, b) < 0 ? b : a))
  return entries.filter((entry) => compareVersions(entry.rank.version, top) === 0)
}

function compareVersions(a: readonly number[] | null, b: readonly number[] | null): number {
  const [left, right] = [a ?? [], b ?? []]
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/**
 * The ends of the chain of changes: each entry that tells its old value is a step from that value to its own. Values
 * that are left more often than they are entered are not the last; one that is entered more often than left is.
 */
function chainEnds<V extends object>(entries: readonly Entry<V>[]): readonly Entry<V>[] {
  if (entries.length > MAX_CHAIN || entries.every((entry) => entry.previous === null)) return entries
  const entered = new Map<string, number>()
  const steps = new Set<string>()
  for (const entry of entries) {
    const to = textOf(entry.value)
    const from = entry.previous === null ? null : textOf(entry.previous)
    if (from === to || (from === null && entry.rank.verb !== 'created')) continue
    // Two events may tell one change: the same step is counted once.
    const step = `${from ?? ''}\n${to}`
    if (steps.has(step)) continue
    steps.add(step)
    entered.set(to, (entered.get(to) ?? 0) + 1)
    if (from !== null) entered.set(from, (entered.get(from) ?? 0) - 1)
  }
  const balance = (entry: Entry<V>) => entered.get(textOf(entry.value)) ?? 0
  const ends = entries.filter((entry) => balance(entry) > 0)
  if (ends.length > 0) {
    // A value that no step touches (its own change was lost) may be the last as well.
    return [...ends, ...entries.filter((entry) => !entered.has(textOf(entry.value)))]
  }
  const notLeft = entries.filter((entry) => balance(entry) >= 0)
  return notLeft.length > 0 ? notLeft : entries
}

/** Retries end after they began: of `past_due` and `unpaid` alone, `unpaid` is later. */
function afterRetries<V extends object>(entries: readonly Entry<V>[]): readonly Entry<V>[] {
  const statusOf = (entry: Entry<V>): unknown => ('status' in entry.value ? entry.value.status : null)
  if (!entries.every((entry) => statusOf(entry) === 'past_due' || statusOf(entry) === 'unpaid')) return entries
  const ended = entries.filter((entry) => statusOf(entry) === 'unpaid')
  return ended.length > 0 ? ended : entries
}

/** Of the live states that one second tells, which is commonly the last: things go wrong, and are stopped, after they ran. */
const LIKELY: Readonly<Record<string, number>> = { trialing: 0, active: 1, past_due: 2, unpaid: 3, paused: 4 }

function likelihoodOf<V extends object>(entry: Entry<V>): number | null {
  const status: unknown = 'status' in entry.value ? entry.value.status : null
  return typeof status === 'string' ? (LIKELY[status] ?? null) : null
}

const texts = new WeakMap<object, string>()

/** Canonical text of a value; kept as long as the value lives, because a burst compares each value many times. */
export function textOf(value: object): string {
  const known = texts.get(value)
  if (known !== undefined) return known
  const made = canonicalJson(value)
  texts.set(value, made)
  return made
}
