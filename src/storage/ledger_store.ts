import { FACT_KINDS } from '../model/facts.ts'
import type { FactKind } from '../model/facts.ts'
import type { Instant } from '../model/instant.ts'
import type { ObjectKind } from '../model/objects.ts'
import type {
  AccessRow,
  FactQuery,
  FactRow,
  GroupContents,
  GroupRow,
  LedgerChange,
  LedgerStore,
  ObjectQuery,
  ObjectRow,
  ObservationRow,
  SourceRef,
} from '../ports/ledger_store.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { Database, SqlRow, SqlValue, Statements } from './database.ts'
import { customersOf, GROUP_COLUMNS, lockGroups, readGroup, uniteGroups } from './groups.ts'
import type { GroupContext } from './groups.ts'
import { dropLedger, replaceLedger } from './ledger_replace.ts'
import { listOf } from './placeholders.ts'
import { count, insert, on, oneOf, padded, parts, text, textOrNull, time, timeOrNull, using } from './rows.ts'

const OBJECT_KINDS: readonly ObjectKind[] = [
  'subscription',
  'invoice',
  'payment',
  'payment_link',
  'checkout',
  'customer',
]
const KINDS: readonly FactKind[] = Object.keys(FACT_KINDS).filter(isFactKind)
const FACT_COLUMNS = 'fact_key, subject_group, kind, at, customer, subscription, data, delivery, told_at, retracted_at'
const ACCESS_COLUMNS = 'customer, subject_group, number, summary, turns_at'

/** The ledger's tables on either backend. */
export function createLedgerStore(database: Database): LedgerStore {
  return new SqlLedgerStore(database)
}

class SqlLedgerStore implements LedgerStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async unite(
    transaction: Transaction,
    of: SourceRef,
    linked: readonly (readonly string[])[],
    newId: () => string,
  ): Promise<readonly GroupRow[]> {
    return linked.length === 0 ? [] : uniteGroups(this.#context(transaction, of), linked, newId)
  }

  async lockGroups(transaction: Transaction, of: SourceRef, ids: readonly string[]): Promise<readonly GroupRow[]> {
    return [...(await lockGroups(this.#context(transaction, of), ids)).values()]
  }

  async contents(transaction: Transaction | null, of: SourceRef, groups: readonly string[]): Promise<GroupContents> {
    const statements = on(this.#database, transaction)
    return {
      observations: await this.observationsOf(transaction, of, groups),
      facts: (await byGroup(statements, of, { from: this.#byGroup('fact'), columns: FACT_COLUMNS, groups })).map(
        readFact,
      ),
      access: await accessOfGroups(statements, of, groups),
    }
  }

  async observationsOf(
    transaction: Transaction | null,
    of: SourceRef,
    groups: readonly string[],
  ): Promise<readonly ObservationRow[]> {
    const columns = 'delivery, place, subject_group, data'
    const from = this.#byGroup('observation')
    const rows = await byGroup(on(this.#database, transaction), of, { from, columns, groups })
    return rows.map(readObservation)
  }

  async saveLedger(transaction: Transaction, of: SourceRef, change: LedgerChange): Promise<void> {
    const statements = this.#database.within(transaction)
    const { backend } = this.#database
    const owner = [of.account, of.source] as const
    await insert(statements, backend, {
      into: 'observation (account, source, delivery, place, subject_group, data)',
      rows: change.observations.map((row) => [...owner, row.delivery, row.place, row.group, row.data]),
      after: 'ON CONFLICT DO NOTHING',
    })
    await insert(statements, backend, {
      into: 'object (account, source, kind, id, data)',
      rows: change.objects.map((row) => [...owner, row.kind, row.id, row.data]),
      after: 'ON CONFLICT (account, source, kind, id) DO UPDATE SET data = excluded.data',
    })
    await insert(statements, backend, {
      into: `fact (account, source, ${FACT_COLUMNS})`,
      rows: change.facts.map((row) => [...owner, ...factRow(row)]),
      after: `ON CONFLICT (account, source, fact_key) DO UPDATE SET subject_group = excluded.subject_group, at = excluded.at,
        customer = excluded.customer, subscription = excluded.subscription, data = excluded.data, retracted_at = excluded.retracted_at`,
    })
    await insert(statements, backend, {
      into: `access_state (account, source, ${ACCESS_COLUMNS})`,
      rows: change.access.map((row) => [...owner, row.customer, row.group, row.number, row.summary, row.turnsAt]),
      after: `ON CONFLICT (account, source, customer) DO UPDATE SET subject_group = excluded.subject_group,
        number = excluded.number, summary = excluded.summary, turns_at = excluded.turns_at`,
    })
    await insert(statements, backend, {
      into: `subject_group (account, source, ${GROUP_COLUMNS})`,
      rows: change.groups.map((row) => [...owner, row.id, row.version, row.watchAt, row.stale, row.state]),
      after: `ON CONFLICT (account, source, id) DO UPDATE SET version = excluded.version,
        watch_at = excluded.watch_at, stale = excluded.stale, state = excluded.state`,
    })
  }

  async groupsOf(
    transaction: Transaction | null,
    of: SourceRef,
    references: readonly string[],
  ): Promise<readonly (GroupRow & { readonly reference: string })[]> {
    const found: (GroupRow & { readonly reference: string })[] = []
    for (const part of parts(references)) {
      const list = padded(part)
      const rows = await on(this.#database, transaction).all(
        `SELECT m.reference, g.id, g.version, g.watch_at, g.stale, g.state FROM membership m
         JOIN subject_group g ON g.account = m.account AND g.source = m.source AND g.id = m.subject_group
         WHERE m.account = ? AND m.source = ? AND m.reference IN (${listOf(list.length)})`,
        [of.account, of.source, ...list],
      )
      found.push(...rows.map((row) => ({ ...readGroup(row), reference: text(row, 'reference') })))
    }
    return found
  }

  async groupIds(of: SourceRef, after: string, limit: number): Promise<readonly string[]> {
    const rows = await this.#database.all(
      'SELECT id FROM subject_group WHERE account = ? AND source = ? AND id > ? ORDER BY id LIMIT ?',
      [of.account, of.source, after, limit],
    )
    return rows.map((row) => text(row, 'id'))
  }

  async object(of: SourceRef, kind: ObjectKind, id: string): Promise<ObjectRow | null> {
    const row = await this.#database.first(
      'SELECT kind, id, data FROM object WHERE account = ? AND source = ? AND kind = ? AND id = ?',
      [of.account, of.source, kind, id],
    )
    return row === null ? null : readObject(row)
  }

  async objects(query: ObjectQuery): Promise<readonly (ObjectRow & SourceRef)[]> {
    const { account, source, kind, after, limit } = query
    const where = ['account = ?', 'kind = ?']
    const values: SqlValue[] = [account, kind]
    if (source !== undefined) {
      where.push('source = ?')
      values.push(source)
    }
    if (after !== undefined) {
      where.push('(source, id) > (?, ?)')
      values.push(after.source, after.id)
    }
    const rows = await this.#database.all(
      `SELECT source, kind, id, data FROM object WHERE ${where.join(' AND ')} ORDER BY source, id LIMIT ?`,
      [...values, limit],
    )
    return rows.map((row) => ({ ...readObject(row), account, source: text(row, 'source') }))
  }

  async fact(of: SourceRef, key: string): Promise<FactRow | null> {
    const row = await this.#database.first(
      `SELECT ${FACT_COLUMNS} FROM fact WHERE account = ? AND source = ? AND fact_key = ?`,
      [of.account, of.source, key],
    )
    return row === null ? null : readFact(row)
  }

  async facts(query: FactQuery): Promise<readonly (FactRow & SourceRef)[]> {
    const groups = await this.#groupsAsked(query)
    const pages =
      groups === null
        ? [await this.#factPage(query, null)]
        : await Promise.all(groups.map((group) => this.#factPage(query, group)))
    return pages.flat().sort(newestFirst).slice(0, query.limit)
  }

  /** The groups in which the facts of a customer or a delivery are; null: neither is asked for. */
  async #groupsAsked({ account, source, customer, delivery }: FactQuery): Promise<readonly AskedGroup[] | null> {
    if (customer !== undefined) {
      const rows = await this.#database.all(
        `SELECT m.source, m.subject_group FROM source s JOIN membership m ON m.account = s.account AND m.source = s.name
         WHERE s.account = ? AND m.reference = ?`,
        [account, `customer:${customer}`],
      )
      return rows.map(readAsked).filter((group) => source === undefined || group.source === source)
    }
    if (delivery === undefined || source === undefined) return null
    const rows = await this.#database.all(
      'SELECT DISTINCT source, subject_group FROM observation WHERE account = ? AND source = ? AND delivery = ?',
      [account, source, delivery],
    )
    return rows.map(readAsked)
  }

  async #factPage(query: FactQuery, group: AskedGroup | null): Promise<readonly (FactRow & SourceRef)[]> {
    const { account, customer, kind, retracted, key, delivery, after, limit } = query
    const source = group?.source ?? query.source
    const where = ['account = ?']
    const values: SqlValue[] = [account]
    const add = (sql: string, ...more: SqlValue[]): void => {
      where.push(sql)
      values.push(...more)
    }
    if (source !== undefined) add('source = ?', source)
    if (group !== null) add('subject_group = ?', group.group)
    if (customer !== undefined) add('customer = ?', customer)
    if (kind !== undefined) add('kind = ?', kind)
    if (key !== undefined) add('fact_key = ?', key)
    if (delivery !== undefined) add('delivery = ?', delivery)
    if (retracted !== undefined) add(retracted ? 'retracted_at IS NOT NULL' : 'retracted_at IS NULL')
    if (after !== undefined) add('(at, source, fact_key) < (?, ?, ?)', after.at, after.source, after.key)
    const rows = await this.#database.all(
      `SELECT source, ${FACT_COLUMNS} FROM ${group === null ? 'fact' : this.#byGroup('fact')}
       WHERE ${where.join(' AND ')} ORDER BY at DESC, source DESC, fact_key DESC LIMIT ?`,
      [...values, limit],
    )
    return rows.map((row) => ({ ...readFact(row), account, source: text(row, 'source') }))
  }

  async accessTurned(at: Instant, limit: number): Promise<readonly (AccessRow & SourceRef)[]> {
    const rows = await this.#database.all(
      `SELECT account, source, ${ACCESS_COLUMNS} FROM access_state WHERE turns_at <= ? ORDER BY turns_at LIMIT ?`,
      [at, limit],
    )
    return rows.map((row) => ({ ...readAccess(row), ...readOwner(row) }))
  }

  async nextAccessTurn(): Promise<Instant | null> {
    const row = await this.#database.first('SELECT MIN(turns_at) AS at FROM access_state WHERE turns_at IS NOT NULL')
    return row === null ? null : timeOrNull(row, 'at')
  }

  async turnAccess(account: string, at: Instant): Promise<void> {
    await this.#database.run('UPDATE access_state SET turns_at = ? WHERE account = ?', [at, account])
  }

  async watched(at: Instant, limit: number): Promise<readonly (GroupRow & SourceRef)[]> {
    const rows = await this.#database.all(
      `SELECT account, source, ${GROUP_COLUMNS} FROM subject_group WHERE watch_at <= ? ORDER BY watch_at LIMIT ?`,
      [at, limit],
    )
    return rows.map((row) => ({ ...readGroup(row), ...readOwner(row) }))
  }

  async nextWatch(): Promise<Instant | null> {
    const row = await this.#database.first('SELECT MIN(watch_at) AS at FROM subject_group WHERE watch_at IS NOT NULL')
    return row === null ? null : timeOrNull(row, 'at')
  }

  async derivedFacts(of: SourceRef, after: string, limit: number): Promise<readonly FactRow[]> {
    const rows = await this.#database.all(
      `SELECT ${FACT_COLUMNS} FROM fact WHERE account = ? AND source = ? AND fact_key > ? AND retracted_at IS NULL
         AND kind <> 'access_changed' ORDER BY fact_key LIMIT ?`,
      [of.account, of.source, after, limit],
    )
    return rows.map(readFact)
  }

  async looseObservations(
    of: SourceRef,
    after: { readonly delivery: string; readonly place: number },
    limit: number,
  ): Promise<readonly ObservationRow[]> {
    const rows = await this.#database.all(
      `SELECT o.delivery, o.place, o.subject_group, o.data FROM observation o
       WHERE o.account = ? AND o.source = ? AND (o.delivery, o.place) > (?, ?)
         AND NOT EXISTS (SELECT 1 FROM received r WHERE r.account = o.account AND r.id = o.delivery)
       ORDER BY o.delivery, o.place LIMIT ?`,
      [of.account, of.source, after.delivery, after.place, limit],
    )
    return rows.map(readObservation)
  }

  async dropLedger(transaction: Transaction, of: SourceRef): Promise<void> {
    await dropLedger(this.#database.within(transaction), of)
  }

  async replaceLedger(transaction: Transaction, of: SourceRef, shadow: SourceRef, at: Instant): Promise<void> {
    await replaceLedger(this.#database.within(transaction), of, shadow, at)
  }

  #byGroup(table: 'fact' | 'observation'): string {
    return using(this.#database.backend, table, `${table}_group`)
  }

  #context(transaction: Transaction, of: SourceRef): GroupContext {
    return { statements: this.#database.within(transaction), backend: this.#database.backend, of }
  }
}

interface AskedGroup {
  readonly source: string
  readonly group: string
}

function readAsked(row: SqlRow): AskedGroup {
  return { source: text(row, 'source'), group: text(row, 'subject_group') }
}

function newestFirst(a: FactRow & SourceRef, b: FactRow & SourceRef): number {
  if (a.at !== b.at) return b.at - a.at
  if (a.source !== b.source) return a.source < b.source ? 1 : -1
  return a.key < b.key ? 1 : -1
}

async function byGroup(
  statements: Statements,
  of: SourceRef,
  what: { readonly from: string; readonly columns: string; readonly groups: readonly string[] },
): Promise<readonly SqlRow[]> {
  const found: SqlRow[] = []
  for (const part of parts(what.groups)) {
    const list = padded(part)
    found.push(
      ...(await statements.all(
        `SELECT ${what.columns} FROM ${what.from} WHERE account = ? AND source = ? AND subject_group IN (${listOf(list.length)})`,
        [of.account, of.source, ...list],
      )),
    )
  }
  return found
}

/** By the customers that belong to the groups: one index less to keep for each customer. */
async function accessOfGroups(
  statements: Statements,
  of: SourceRef,
  groups: readonly string[],
): Promise<readonly AccessRow[]> {
  const found: AccessRow[] = []
  for (const part of parts(groups)) {
    const list = padded(part)
    const rows = await statements.all(
      `SELECT ${ACCESS_COLUMNS} FROM access_state WHERE account = ? AND source = ? AND customer IN (${customersOf(list.length)})`,
      [of.account, of.source, of.account, of.source, ...list],
    )
    found.push(...rows.map(readAccess))
  }
  return found
}

function factRow(row: FactRow): readonly SqlValue[] {
  const { key, group, kind, at, customer, subscription, data, delivery, toldAt, retractedAt } = row
  return [key, group, kind, at, customer, subscription, data, delivery, toldAt, retractedAt]
}

function readFact(row: SqlRow): FactRow {
  return {
    key: text(row, 'fact_key'),
    group: text(row, 'subject_group'),
    kind: oneOf(row, 'kind', KINDS),
    at: time(row, 'at'),
    customer: textOrNull(row, 'customer'),
    subscription: textOrNull(row, 'subscription'),
    data: text(row, 'data'),
    delivery: textOrNull(row, 'delivery'),
    toldAt: time(row, 'told_at'),
    retractedAt: timeOrNull(row, 'retracted_at'),
  }
}

function isFactKind(kind: string): kind is FactKind {
  return Object.hasOwn(FACT_KINDS, kind)
}

function readObservation(row: SqlRow): ObservationRow {
  return {
    delivery: text(row, 'delivery'),
    place: count(row, 'place'),
    group: text(row, 'subject_group'),
    data: text(row, 'data'),
  }
}

function readObject(row: SqlRow): ObjectRow {
  return {
    kind: oneOf(row, 'kind', OBJECT_KINDS),
    id: text(row, 'id'),
    data: text(row, 'data'),
  }
}

function readAccess(row: SqlRow): AccessRow {
  return {
    customer: text(row, 'customer'),
    group: text(row, 'subject_group'),
    number: count(row, 'number'),
    summary: text(row, 'summary'),
    turnsAt: timeOrNull(row, 'turns_at'),
  }
}

function readOwner(row: SqlRow): SourceRef {
  return { account: text(row, 'account'), source: text(row, 'source') }
}
