/**
 * Rule 3: a register per object. The join is commutative, associative and idempotent, so that observations may arrive in
 * any order, repeated, and at several nodes at once. Registers are plain data: `writeModel` and `readModel` keep them.
 */
import { isObject } from '../model/json.ts'
import type { ObjectKind, ObjectValues } from '../model/objects.ts'
import type { Observation, Patch, Rank, Snapshot, Stamp } from '../model/observations.ts'
import { orderOf, select, textOf, VERBS } from './select.ts'
import type { Entry } from './select.ts'
import { EMPTY, isFinal, isSaid, progressOf, STICKY } from './values.ts'

/** One word about one field. */
interface FieldWord {
  readonly value: unknown
  readonly verb: Rank['verb']
  readonly event: string
  /** True if a patch said it; false for a field of a snapshot that a later null may not erase. */
  readonly patch: boolean
}

/** The newest words about one field: all with the stamp `t`. */
interface FieldRegister {
  readonly t: Stamp
  readonly set: readonly FieldWord[]
}

/** What is known of one object: the state of the join. */
export interface Register<K extends ObjectKind = ObjectKind> {
  readonly kind: K
  readonly id: string
  /** The greatest stamp of a snapshot; null while only patches came. */
  readonly t: Stamp | null
  /** The snapshots with that stamp, sorted. */
  readonly set: readonly Entry<ObjectValues[K]>[]
  /** Per field: the newest patch, and for fields that a null never erases the newest value said. */
  readonly fields: Readonly<Record<string, FieldRegister>>
  /** The first final state, kept forever: all entries with the smallest stamp. Null while there is none. */
  readonly terminal: {
    readonly t: Stamp
    readonly set: readonly Entry<Partial<ObjectValues[K]>>[]
  } | null
}

/** The value of a register, and whether what was received leaves no other reading. */
export interface Valued<K extends ObjectKind = ObjectKind> {
  readonly value: ObjectValues[K]
  readonly sure: boolean
  /** The stamp of the newest word that counts; null while nothing was said. */
  readonly stamp: Stamp | null
}

/** A register that nothing has been joined to. */
export function emptyRegister<K extends ObjectKind>(kind: K, id: string): Register<K> {
  return { kind, id, t: null, set: [], fields: {}, terminal: null }
}

/**
 * Joins an observation of the same object to a register; happenings belong to no register and leave it as it is.
 * The same register is returned if nothing changed.
 */
export function join(register: Register | null, observation: Snapshot | Patch): Register {
  const before = register ?? emptyRegister<ObjectKind>(observation.object, observation.id)
  return observation.kind === 'snapshot' ? joinSnapshot(before, observation) : joinPatch(before, observation)
}

/** Joins two registers of one object: what two nodes have seen apart becomes what one would have seen. */
export function joinRegisters(a: Register, b: Register): Register {
  let fields = a.fields
  for (const [name, register] of Object.entries(b.fields)) fields = withField(fields, name, register)
  return {
    kind: a.kind,
    id: a.id,
    ...newest(a, b),
    fields,
    terminal: firstOf(a.terminal, b.terminal),
  }
}

/** The key of a register in a {@link Registers}. */
export function registerKey(kind: ObjectKind, id: string): string {
  return `${kind}:${id}`
}

/** Registers by {@link registerKey}. */
export type Registers = ReadonlyMap<string, Register>

/** Joins any number of observations of any objects, in whatever order. */
export function joinMany(registers: Registers, observations: readonly Observation[]): Registers {
  const joined = new Map(registers)
  for (const observation of observations) {
    if (observation.kind === 'happening') continue
    const key = registerKey(observation.object, observation.id)
    joined.set(key, join(joined.get(key) ?? null, observation))
  }
  return joined
}

/** All observations of one object: what {@link registerOf} joins at once. */
export interface Told<K extends ObjectKind> {
  readonly id: string
  /** By stamp, the smallest first. */
  readonly snapshots: readonly Entry<ObjectValues[K]>[]
  readonly patches: readonly { readonly stamp: Stamp; readonly fields: Partial<ObjectValues[K]>; readonly rank: Rank }[]
}

/** The same register that {@link join} makes one by one, made at once: older words are not even looked at. */
export function registerOf<K extends ObjectKind>(kind: K, told: Told<K>): Register<K> {
  const { id, snapshots, patches } = told
  const t = snapshots.at(-1)?.stamp ?? null
  const last = snapshots.slice(snapshots.findLastIndex((entry) => entry.stamp !== t) + 1)
  const fields = new Map<string, FieldRegister>()
  addStickyWords(kind, snapshots, fields)
  for (const { stamp, fields: value, rank } of patches) {
    for (const [name, word] of patchWords(kind, value)) {
      const said = { t: stamp, set: [{ value: word, verb: rank.verb, event: rank.event, patch: true }] }
      const before = fields.get(name)
      fields.set(name, before === undefined ? said : newerField(before, said))
    }
  }
  return {
    kind,
    id,
    t,
    set: merged(last, entryText),
    fields: Object.fromEntries(fields),
    terminal: terminalOf(kind, told),
  }
}

function addStickyWords(
  kind: ObjectKind,
  snapshots: readonly Entry<object>[],
  fields: Map<string, FieldRegister>,
): void {
  let open: readonly string[] = STICKY[kind]
  for (let index = snapshots.length - 1; index >= 0 && open.length > 0; index -= 1) {
    const entry = snapshots[index]
    if (entry === undefined) return
    const { stamp, value, rank } = entry
    open = open.filter((name) => {
      const before = fields.get(name)
      // A newer snapshot said it.
      if (before !== undefined && before.t > stamp) return false
      const member: unknown = Reflect.get(value, name)
      if (!isSaid(member)) return true
      const word: FieldWord = { value: member, verb: rank.verb, event: rank.event, patch: false }
      fields.set(name, { t: stamp, set: [...(before?.set ?? []), word] })
      return true
    })
  }
  for (const [name, field] of fields)
    if (field.set.length > 1) fields.set(name, { ...field, set: merged(field.set, fieldText) })
}

function terminalOf<K extends ObjectKind>(kind: K, { snapshots, patches }: Told<K>): Register<K>['terminal'] {
  const finals: Entry<Partial<ObjectValues[K]>>[] = [
    ...snapshots.filter(({ value }) => isFinal(kind, value)),
    ...patches
      .filter(({ fields }) => isFinal(kind, fields))
      .map(({ stamp, fields: value, rank }) => ({ stamp, value, previous: null, rank })),
  ]
  const [first] = finals
  if (first === undefined) return null
  const t = finals.reduce((least, { stamp }) => (stamp < least ? stamp : least), first.stamp)
  return {
    t,
    set: merged(
      finals.filter(({ stamp }) => stamp === t),
      entryText,
    ),
  }
}

/** The value that a register stands for: rule 4 for the snapshots, newer patches and fields that stay known upon it. */
export function valueOf<K extends ObjectKind>(register: Register<K>): Valued<K> {
  const { kind, terminal } = register
  if (terminal !== null) {
    const order = orderOf(kind, terminal.set)
    const base: object = { ...EMPTY[kind], ...baseUnder(register), ...order.entries[0]?.value }
    return layFields(register, base, { t: terminal.t, sure: order.sure, verb: 3 })
  }
  const selected = select(kind, register.set)
  if (selected === null) return layFields(register, EMPTY[kind], { t: null, sure: true, verb: 0 })
  const { entry, sure } = selected
  return layFields(register, entry.value, { t: entry.stamp, sure, verb: VERBS[entry.rank.verb] })
}

/** Under a final state that a patch told lies the newest snapshot, if there is one. */
function baseUnder<K extends ObjectKind>(register: Register<K>): object {
  return select(register.kind, register.set)?.entry.value ?? {}
}

interface Base {
  /** The stamp of what the fields are laid upon; null if that is nothing. */
  readonly t: Stamp | null
  readonly verb: number
  readonly sure: boolean
}

function layFields<K extends ObjectKind>(register: Register<K>, base: object, on: Base): Valued<K> {
  const said = new Map<string, unknown>(Object.entries(base))
  // A part of an object's last state beats the whole of an earlier one, where its kind goes one way only.
  const step = progressOf(register.kind, base)
  const isAhead = (name: string, word: FieldWord): boolean =>
    name === 'status' && step !== null && (progressOf(register.kind, { status: word.value }) ?? -1) > step
  const sticky: readonly string[] = STICKY[register.kind]
  let { sure, t } = on
  for (const [name, field] of Object.entries(register.fields)) {
    const newer = on.t === null || field.t > on.t
    const equal = on.t !== null && field.t === on.t
    const words = field.set.filter((word) => newer || (equal && (VERBS[word.verb] > on.verb || isAhead(name, word))))
    const final = register.terminal !== null
    // A final state takes no later word, but what it does not say itself stays known.
    const mayLay = final ? sticky.includes(name) && !isSaid(said.get(name)) : words.some((word) => word.patch)
    const fills = sticky.includes(name) && !isSaid(said.get(name))
    if (!mayLay && !fills) continue
    const word = lastWord(mayLay && !final ? words.filter((each) => each.patch) : field.set)
    if (word === null) continue
    said.set(name, word.value)
    sure &&= word.sure
    if (!final && (t === null || field.t > t)) t = field.t
  }
  return { value: valued(EMPTY[register.kind], said), sure, stamp: t }
}

/** The members of `empty`, each as said: so that a stored register of an older version still gives a whole value. */
function valued<V extends object>(empty: V, said: ReadonlyMap<string, unknown>): V {
  return { ...empty, ...Object.fromEntries(said) }
}

function lastWord(words: readonly FieldWord[]): { readonly value: unknown; readonly sure: boolean } | null {
  const [first] = words
  if (first === undefined) return null
  const top = Math.max(...words.map((word) => VERBS[word.verb]))
  const last = words.filter((word) => VERBS[word.verb] === top).reduce((a, b) => (compareWords(a, b) < 0 ? b : a))
  const sure = words.every((word) => VERBS[word.verb] < top || textOfWord(word.value) === textOfWord(last.value))
  return { value: last.value, sure }
}

function compareWords(a: FieldWord, b: FieldWord): number {
  if (a.event !== b.event) return a.event < b.event ? -1 : 1
  const [left, right] = [wordText(a), wordText(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

function wordText(word: FieldWord): string {
  return `${VERBS[word.verb]}${word.patch ? 'p' : 's'}${textOfWord(word.value)}`
}

function textOfWord(value: unknown): string {
  return typeof value === 'object' && value !== null ? textOf(value) : JSON.stringify(value ?? null)
}

function joinSnapshot(register: Register, snapshot: Snapshot): Register {
  const { stamp, value, previous, rank } = snapshot
  const entry: Entry<ObjectValues[ObjectKind]> = { stamp, value, previous, rank }
  const single = { t: stamp, set: [entry] }
  return {
    kind: register.kind,
    id: register.id,
    ...newest(register, single),
    fields: withFields(register.fields, stickyWords(register.kind, value), { stamp, rank, patch: false }),
    terminal: isFinal(register.kind, value) ? firstOf(register.terminal, single) : register.terminal,
  }
}

function joinPatch(register: Register, patch: Patch): Register {
  const { stamp, fields: value, rank } = patch
  const words = patchWords(register.kind, value)
  const single = { t: stamp, set: [{ stamp, value, previous: null, rank }] }
  return {
    ...register,
    fields: withFields(register.fields, words, { stamp, rank, patch: true }),
    terminal: isFinal(register.kind, value) ? firstOf(register.terminal, single) : register.terminal,
  }
}

function patchWords(kind: ObjectKind, value: object): readonly (readonly [string, unknown])[] {
  const sticky: readonly string[] = STICKY[kind]
  return Object.entries(value).filter(([name, word]) => isSaid(word) || !sticky.includes(name))
}

function stickyWords(kind: ObjectKind, value: object): readonly (readonly [string, unknown])[] {
  const sticky: readonly string[] = STICKY[kind]
  return Object.entries(value).filter(([name, word]) => sticky.includes(name) && isSaid(word))
}

interface Telling {
  readonly stamp: Stamp
  readonly rank: Rank
  readonly patch: boolean
}

function withFields(
  fields: Register['fields'],
  words: readonly (readonly [string, unknown])[],
  telling: Telling,
): Register['fields'] {
  const { stamp, rank, patch } = telling
  const changed = words.flatMap(([name, value]) => {
    const word: FieldWord = { value, verb: rank.verb, event: rank.event, patch }
    const before = fields[name]
    const after = before === undefined ? { t: stamp, set: [word] } : newerField(before, { t: stamp, set: [word] })
    return after === before ? [] : [[name, after] as const]
  })
  return changed.length === 0 ? fields : { ...fields, ...Object.fromEntries(changed) }
}

function withField(fields: Register['fields'], name: string, field: FieldRegister): Register['fields'] {
  const before = fields[name]
  return { ...fields, [name]: before === undefined ? field : newerField(before, field) }
}

function newerField(a: FieldRegister, b: FieldRegister): FieldRegister {
  if (a.t !== b.t) return a.t > b.t ? a : b
  const set = union(a.set, b.set, fieldText)
  return set === a.set ? a : { t: a.t, set }
}

interface Snapshots {
  readonly t: Stamp | null
  readonly set: Register['set']
}

function newest(a: Snapshots, b: Snapshots): Snapshots {
  if (a.t === null) return { t: b.t, set: b.set }
  if (b.t === null || a.t > b.t) return { t: a.t, set: a.set }
  return b.t > a.t ? { t: b.t, set: b.set } : { t: a.t, set: union(a.set, b.set, entryText) }
}

function firstOf(a: Register['terminal'], b: Register['terminal']): Register['terminal'] {
  if (a === null || b === null) return a ?? b
  if (a.t !== b.t) return a.t < b.t ? a : b
  return { t: a.t, set: union(a.set, b.set, entryText) }
}

function entryText(entry: Entry<object>): string {
  const { event, verb, version } = entry.rank
  const previous = entry.previous === null ? '' : textOf(entry.previous)
  return `${event}\n${verb}\n${JSON.stringify(version)}\n${textOf(entry.value)}\n${previous}`
}

function fieldText(word: FieldWord): string {
  return `${word.event}\n${wordText(word)}`
}

/** The union, sorted by text; `a` itself if `b` adds nothing. */
function union<T>(a: readonly T[], b: readonly T[], textOf: (member: T) => string): readonly T[] {
  const both = merged([...a, ...b], textOf)
  return both.length === a.length ? a : both
}

/** Each member once, sorted by text. */
function merged<T>(members: readonly T[], textOf: (member: T) => string): readonly T[] {
  if (members.length < 2) return members
  const known = new Map<string, T>()
  for (const member of members) {
    const text = textOf(member)
    if (!known.has(text)) known.set(text, member)
  }
  return [...known].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, member]) => member)
}

/** True for stored data that has the shape of a register. Its values are trusted: this package wrote them. */
export function isRegister(value: unknown): value is Register {
  return (
    isObject(value) &&
    typeof value['kind'] === 'string' &&
    Object.hasOwn(EMPTY, value['kind']) &&
    typeof value['id'] === 'string' &&
    Array.isArray(value['set']) &&
    isObject(value['fields'])
  )
}
