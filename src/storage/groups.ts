/** Which references belong to one subject: a union-find kept in the store. */
import { BillhookError } from '../model/error.ts'
import type { GroupRow, SourceRef } from '../ports/ledger_store.ts'
import type { Database, SqlRow, Statements } from './database.ts'
import { listOf } from './placeholders.ts'
import { count, insert, padded, parts, text, textOrNull, timeOrNull, using } from './rows.ts'

/** Others may unite the same groups at the same time; each turn of the loop locks more of them, so that it ends. */
const MAX_TURNS = 30

/** Tables whose rows belong to a group. */
const GROUPED = ['membership', 'observation', 'fact'] as const

/** The customers that belong to `count` groups, as a subquery whose values are account, source and the groups. */
export function customersOf(count: number): string {
  return `SELECT substr(reference, 10) FROM membership WHERE account = ? AND source = ? AND subject_group IN (${listOf(count)})
    AND reference LIKE 'customer:%'`
}

/** The columns that {@link readGroup} reads. */
export const GROUP_COLUMNS = 'id, version, watch_at, stale, state'

/** What a statement about groups needs to know. */
export interface GroupContext {
  readonly statements: Statements
  readonly backend: Database['backend']
  readonly of: SourceRef
}

/** The group of a row. */
export function readGroup(row: SqlRow): GroupRow {
  return {
    id: text(row, 'id'),
    version: count(row, 'version'),
    watchAt: timeOrNull(row, 'watch_at'),
    stale: textOrNull(row, 'stale'),
    state: text(row, 'state'),
  }
}

/**
 * Puts each list of references into one group and locks the groups. The row of a new group is not written yet: nobody
 * sees its members before the transaction ends.
 *
 * A reference is added to a group only while that group is locked here, and groups are united only while all of them are:
 * so nobody can add to a group that somebody else is taking away.
 */
export async function uniteGroups(
  context: GroupContext,
  linked: readonly (readonly string[])[],
  newId: () => string,
): Promise<readonly GroupRow[]> {
  const references = [...new Set(linked.flat())].sort()
  const made = new Map<string, GroupRow>()
  for (let turn = 0; turn < MAX_TURNS; turn += 1) {
    const known = await membershipsOf(context, references)
    const locked = await lockGroups(context, [...new Set(known.values())])
    if (context.backend === 'postgres' && !(await unchanged(context, references, known))) continue
    for (const id of known.values()) {
      const own = made.get(id)
      if (own !== undefined) locked.set(id, own)
    }
    const union = unionOf(linked, known)
    const missing = references.filter((reference) => !known.has(reference))
    if (!(await addMembers(context, { union, missing, locked, made, newId }))) continue
    return unite(context, { linked, union, locked })
  }
  throw new BillhookError('conflict', `the groups of ${references.length} references changed all the time; try again`)
}

/** Locks groups in the order of their ids; those that are no more are left out. */
export async function lockGroups(context: GroupContext, ids: readonly string[]): Promise<Map<string, GroupRow>> {
  const { statements, of } = context
  const suffix = context.backend === 'postgres' ? ' FOR UPDATE' : ''
  const groups = new Map<string, GroupRow>()
  for (const part of parts([...ids].sort())) {
    const list = padded(part)
    const rows = await statements.all(
      `SELECT ${GROUP_COLUMNS} FROM subject_group WHERE account = ? AND source = ? AND id IN (${listOf(list.length)}) ORDER BY id${suffix}`,
      [of.account, of.source, ...list],
    )
    for (const group of rows.map(readGroup)) groups.set(group.id, group)
  }
  return groups
}

async function membershipsOf(context: GroupContext, references: readonly string[]): Promise<Map<string, string>> {
  const { statements, of } = context
  const known = new Map<string, string>()
  for (const part of parts(references)) {
    const list = padded(part)
    const rows = await statements.all(
      `SELECT reference, subject_group FROM membership WHERE account = ? AND source = ? AND reference IN (${listOf(list.length)})`,
      [of.account, of.source, ...list],
    )
    for (const row of rows) known.set(text(row, 'reference'), text(row, 'subject_group'))
  }
  return known
}

async function unchanged(
  context: GroupContext,
  references: readonly string[],
  known: ReadonlyMap<string, string>,
): Promise<boolean> {
  const now = await membershipsOf(context, references)
  return now.size === known.size && [...now].every(([reference, group]) => known.get(reference) === group)
}

/** Joins names; the smallest name of each set stands for it. */
class Union {
  readonly #parents = new Map<string, string>()

  find(name: string): string {
    let root = name
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root)) root = parent
    if (root !== name) this.#parents.set(name, root)
    return root
  }

  unite(a: string, b: string): void {
    const [left, right] = [this.find(a), this.find(b)]
    if (left === right) return
    if (left < right) this.#parents.set(right, left)
    else this.#parents.set(left, right)
  }
}

/** Groups begin with `g`, references with `r`: the smallest name of a set with a group is its smallest group. */
function unionOf(linked: readonly (readonly string[])[], known: ReadonlyMap<string, string>): Union {
  const union = new Union()
  for (const [first, ...others] of linked) {
    if (first === undefined) throw new BillhookError('internal_invariant', 'an observation refers to nothing')
    for (const other of others) union.unite(`r${first}`, `r${other}`)
  }
  for (const [reference, group] of known) union.unite(`r${reference}`, `g${group}`)
  return union
}

async function addMembers(
  context: GroupContext,
  work: {
    readonly union: Union
    readonly missing: readonly string[]
    readonly locked: Map<string, GroupRow>
    /** Groups that this call has made; they have no row yet. */
    readonly made: Map<string, GroupRow>
    readonly newId: () => string
  },
): Promise<boolean> {
  const { union, missing, locked, made, newId } = work
  if (missing.length === 0) return true
  const { statements, backend, of } = context
  for (const reference of missing) {
    if (union.find(`r${reference}`).startsWith('g')) continue
    const id = newId()
    union.unite(`r${reference}`, `g${id}`)
    const group = { id, version: 0, watchAt: null, stale: null, state: '' }
    made.set(id, group)
    locked.set(id, group)
  }
  const added = await insert(statements, backend, {
    into: 'membership (account, source, reference, subject_group)',
    rows: missing.map((reference) => [of.account, of.source, reference, union.find(`r${reference}`).slice(1)]),
    after: 'ON CONFLICT DO NOTHING',
  })
  // Fewer: another process has put one of them into a group meanwhile, which is found in the next turn.
  return added === missing.length
}

async function unite(
  context: GroupContext,
  work: {
    readonly linked: readonly (readonly string[])[]
    readonly union: Union
    readonly locked: Map<string, GroupRow>
  },
): Promise<readonly GroupRow[]> {
  const { linked, union, locked } = work
  for (const id of locked.keys()) {
    const winner = union.find(`g${id}`).slice(1)
    if (winner === id) continue
    await absorb(context, winner, id)
    // A new group with a smaller id (another node's clock is behind) takes over what is stored: it is not empty any more.
    const [kept, gone] = [locked.get(winner), locked.get(id)]
    if (kept !== undefined && gone !== undefined && kept.state === '')
      locked.set(winner, { ...kept, state: gone.state })
  }
  return linked.map((references) => {
    const group = locked.get(union.find(`r${references[0] ?? ''}`).slice(1))
    if (group === undefined) throw new BillhookError('internal_invariant', 'a reference has no group after uniting')
    return group
  })
}

async function absorb(context: GroupContext, winner: string, loser: string): Promise<void> {
  const { statements, of } = context
  await statements.run(
    `UPDATE access_state SET subject_group = ? WHERE account = ? AND source = ? AND customer IN (${customersOf(1)})`,
    [winner, of.account, of.source, of.account, of.source, loser],
  )
  for (const table of GROUPED) {
    await statements.run(
      `UPDATE ${using(context.backend, table, `${table}_group`)} SET subject_group = ? WHERE account = ? AND source = ? AND subject_group = ?`,
      [winner, of.account, of.source, loser],
    )
  }
  await statements.run('DELETE FROM subject_group WHERE account = ? AND source = ? AND id = ?', [
    of.account,
    of.source,
    loser,
  ])
}
