/** One object's observations laid in order: rule 4 within a stamp, later stamps after. */
import { compareText } from '../model/compare.ts'
import type { ObjectKind, ObjectValues } from '../model/objects.ts'
import type { Patch, Rank, Snapshot, Stamp } from '../model/observations.ts'
import { orderOf, VERBS } from './select.ts'
import type { Entry } from './select.ts'
import { EMPTY, isFinal, isSaid, progressOf, STICKY } from './values.ts'

/** What was told of one object, in the order of arrival or any other. */
export interface Track<K extends ObjectKind = ObjectKind> {
  readonly kind: K
  readonly id: string
  readonly snapshots: Entry<ObjectValues[K]>[]
  readonly patches: { readonly stamp: Stamp; readonly fields: Partial<ObjectValues[K]>; readonly rank: Rank }[]
}

/** One change of an object. */
export interface Step<K extends ObjectKind = ObjectKind> {
  readonly stamp: Stamp
  /** The value before: what the event itself tells, else what was known; null at the first word. */
  readonly from: ObjectValues[K] | null
  readonly to: ObjectValues[K]
  /** True if the word says the status itself. */
  readonly status: boolean
  /** True if the event itself tells the value before. */
  readonly told: boolean
  readonly verb: Rank['verb']
  readonly version: readonly number[] | null
  readonly event: string
  readonly sure: boolean
}

type Word<K extends ObjectKind> =
  | { readonly kind: 'whole'; readonly entry: Entry<ObjectValues[K]>; readonly sure: boolean }
  | { readonly kind: 'part'; readonly patch: Track<K>['patches'][number] }

/** An empty track. */
export function trackOf<K extends ObjectKind>(kind: K, id: string): Track<K> {
  return { kind, id, snapshots: [], patches: [] }
}

/** Adds an observation to the track of its object. */
export function addToTrack(track: Track, observation: Snapshot | Patch): void {
  const { stamp, rank } = observation
  if (observation.kind === 'patch') track.patches.push({ stamp, fields: observation.fields, rank })
  else track.snapshots.push({ stamp, value: observation.value, previous: observation.previous, rank })
}

/**
 * The changes of one object from first to last. After the first final state nothing follows: what arrives with a later
 * stamp changes no more.
 */
export function stepsOf<K extends ObjectKind>(kind: K, track: Track<K>): readonly Step<K>[] {
  const steps: Step<K>[] = []
  let value: ObjectValues[K] | null = null
  for (const word of wordsOf(kind, track)) {
    const rank = word.kind === 'whole' ? word.entry.rank : word.patch.rank
    const previous = word.kind === 'whole' ? word.entry.previous : null
    const to: ObjectValues[K] =
      word.kind === 'whole'
        ? withKnown(kind, word.entry.value, value)
        : patched(kind, value ?? EMPTY[kind], word.patch.fields)
    steps.push({
      stamp: word.kind === 'whole' ? word.entry.stamp : word.patch.stamp,
      from: previous === null ? value : withKnown(kind, previous, value),
      to,
      status: word.kind === 'whole' || 'status' in word.patch.fields,
      told: previous !== null,
      verb: rank.verb,
      version: rank.version,
      event: rank.event,
      sure: word.kind === 'whole' ? word.sure : true,
    })
    value = to
    if (isFinal(kind, to)) break
  }
  return steps
}

function wordsOf<K extends ObjectKind>(kind: K, track: Track<K>): readonly Word<K>[] {
  const patches = [...track.patches].sort(comparePatches)
  const snapshots = [...track.snapshots].sort((a, b) => a.stamp - b.stamp)
  const words: Word<K>[] = []
  let next = 0
  for (let index = 0; index < snapshots.length;) {
    const stamp = snapshots[index]?.stamp ?? 0
    let end = index + 1
    while (snapshots[end]?.stamp === stamp) end += 1
    for (; next < patches.length && (patches[next]?.stamp ?? 0) < stamp; next += 1) pushPatch(words, patches[next])
    const order = orderOf(kind, snapshots.slice(index, end))
    const equal: Track<K>['patches'] = []
    for (; patches[next]?.stamp === stamp; next += 1) equal.push(...patches.slice(next, next + 1))
    words.push(...mixed(kind, { ...order, patches: equal }))
    index = end
  }
  for (; next < patches.length; next += 1) pushPatch(words, patches[next])
  return words
}

function pushPatch<K extends ObjectKind>(words: Word<K>[], patch: Track<K>['patches'][number] | undefined): void {
  if (patch !== undefined) words.push({ kind: 'part', patch })
}

interface Equal<K extends ObjectKind> {
  readonly entries: readonly Entry<ObjectValues[K]>[]
  readonly sure: boolean
  readonly patches: Track<K>['patches']
}

/**
 * A patch stands after the last snapshot of a lower verb, as in the register: a whole object beats a part of its rank,
 * unless the part is further on a way that goes one way only.
 */
function mixed<K extends ObjectKind>(kind: K, { entries, sure, patches }: Equal<K>): readonly Word<K>[] {
  const last = entries.at(-1)
  const step = last === undefined ? null : progressOf(kind, last.value)
  const placeOf = ({ rank, fields }: Track<K>['patches'][number]): number => {
    if (step !== null && 'status' in fields && (progressOf(kind, fields) ?? -1) > step) return entries.length
    return entries.findLastIndex((entry) => VERBS[entry.rank.verb] < VERBS[rank.verb]) + 1
  }
  return Array.from({ length: entries.length + 1 }, (_, place) => {
    const parts: Word<K>[] = patches
      .filter((patch) => placeOf(patch) === place)
      .map((patch) => ({ kind: 'part', patch }))
    const wholes: Word<K>[] = entries.slice(place, place + 1).map((entry) => ({ kind: 'whole', entry, sure }))
    return [...parts, ...wholes]
  }).flat()
}

function comparePatches<K extends ObjectKind>(a: Track<K>['patches'][number], b: Track<K>['patches'][number]): number {
  if (a.stamp !== b.stamp) return a.stamp - b.stamp
  if (a.rank.verb !== b.rank.verb) return VERBS[a.rank.verb] - VERBS[b.rank.verb]
  return compareText(a.rank.event, b.rank.event)
}

/** `value`, with what it does not say taken from what was known. */
function withKnown<K extends ObjectKind>(kind: K, value: ObjectValues[K], known: ObjectValues[K] | null) {
  if (known === null) return value
  const kept = STICKY[kind].filter((name) => !isSaid(value[name]) && isSaid(known[name]))
  return kept.length === 0 ? value : { ...value, ...Object.fromEntries(kept.map((name) => [name, known[name]])) }
}

function patched<K extends ObjectKind>(kind: K, value: ObjectValues[K], fields: Partial<ObjectValues[K]>) {
  const sticky: readonly string[] = STICKY[kind]
  const said = Object.entries(fields).filter(([name, word]) => isSaid(word) || !sticky.includes(name))
  return { ...value, ...Object.fromEntries(said) }
}
