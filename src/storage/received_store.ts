import { BillhookError } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import { REFUSALS } from '../model/verdict.ts'
import type { Refusal } from '../model/verdict.ts'
import type { Transaction } from '../ports/transaction.ts'
import type {
  FoldedEvent,
  RawDelivery,
  Received,
  ReceivedChange,
  ReceivedQuery,
  ReceivedStore,
  ReceivedWithRaw,
} from '../ports/received_store.ts'
import type { Headers } from '../wire/headers.ts'
import type { Database, SqlRow, SqlValue } from './database.ts'
import { listOf, rowsOf } from './placeholders.ts'
import { bytes, count, insert, oneOf, padded, parts, text, textOrNull, time, timeOrNull, using } from './rows.ts'

const COLUMNS = [
  'account',
  'id',
  'source',
  'received_at',
  'size',
  'sha256',
  'verdict',
  'detail',
  'dedupe',
  'event_id',
  'event_type',
  'sent_at',
  'state',
  'reason',
  'folded_at',
  'reacted_at',
  'dead_at',
] as const
const DELIVERY = `received (${COLUMNS.join(', ')})`
const RAW = 'received_raw (account, id, headers, body)'
/** Each number of rows is a statement of its own that each connection prepares. */
const MAX_AT_ONCE = 128
const STATES = ['received', 'refused', 'folded', 'reacted', 'dead'] as const
const WITH_RAW = `SELECT ${COLUMNS.map((column) => `d.${column}`).join(', ')}, r.headers, r.body
  FROM received d JOIN received_raw r ON r.account = d.account AND r.id = d.id`

/** What was received, on either backend. */
export function createReceivedStore(database: Database): ReceivedStore {
  return new SqlReceivedStore(database)
}

class SqlReceivedStore implements ReceivedStore {
  readonly #database: Database
  readonly #postgres: boolean

  constructor(database: Database) {
    this.#database = database
    this.#postgres = database.backend === 'postgres'
  }

  async add(deliveries: readonly ReceivedWithRaw[]): Promise<void> {
    // One statement is one round trip and one flush.
    if (this.#postgres && deliveries.length <= MAX_AT_ONCE) return this.#addAtOnce(deliveries)
    await this.#database.transaction(async (transaction) => {
      const statements = this.#database.within(transaction)
      const { backend } = this.#database
      await insert(statements, backend, { into: RAW, rows: deliveries.map(rawRow) })
      await insert(statements, backend, { into: DELIVERY, rows: deliveries.map(deliveryRow) })
    })
  }

  async #addAtOnce(deliveries: readonly ReceivedWithRaw[]): Promise<void> {
    const rows = deliveries.length
    await this.#database.run(
      `WITH raw AS (INSERT INTO ${RAW} VALUES ${rowsOf(rows, 4)})
       INSERT INTO ${DELIVERY} VALUES ${rowsOf(rows, COLUMNS.length)}`,
      [...deliveries.flatMap(rawRow), ...deliveries.flatMap(deliveryRow)],
    )
  }

  async received(account: string, id: string): Promise<Received | null> {
    const row = await this.#database.first(`SELECT ${COLUMNS.join(', ')} FROM received WHERE account = ? AND id = ?`, [
      account,
      id,
    ])
    return row === null ? null : readReceived(row)
  }

  async raw(account: string, id: string): Promise<RawDelivery | null> {
    const row = await this.#database.first('SELECT headers, body FROM received_raw WHERE account = ? AND id = ?', [
      account,
      id,
    ])
    return row === null ? null : readRaw(row)
  }

  async listReceived(query: ReceivedQuery): Promise<readonly Received[]> {
    const { account, source, state, eventId, eventType, after, limit } = query
    const wanted: readonly (readonly [string, SqlValue | undefined])[] = [
      ['account = ?', account],
      ['source = ?', source],
      ['state = ?', state],
      ['event_id = ?', eventId],
      ['event_type = ?', eventType],
      ['id < ?', after],
    ]
    const said = wanted.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]))
    const { backend } = this.#database
    const table = eventId === undefined ? 'received' : using(backend, 'received', 'received_event_id')
    const rows = await this.#database.all(
      `SELECT ${COLUMNS.join(', ')} FROM ${table} WHERE ${said.map(({ sql }) => sql).join(' AND ')}
       ORDER BY account, id DESC LIMIT ?`,
      [...said.map(({ value }) => value), limit],
    )
    return rows.map(readReceived)
  }

  async claimReceived(transaction: Transaction, limit: number): Promise<readonly Received[]> {
    const lock = this.#postgres ? ' FOR UPDATE SKIP LOCKED' : ''
    const rows = await this.#database
      .within(transaction)
      .all(`SELECT ${COLUMNS.join(', ')} FROM received WHERE state = 'received' ORDER BY id LIMIT ?${lock}`, [limit])
    return rows.map(readReceived)
  }

  async raws(
    transaction: Transaction,
    deliveries: readonly Pick<Received, 'account' | 'id'>[],
  ): Promise<ReadonlyMap<string, RawDelivery>> {
    const statements = this.#database.within(transaction)
    const found = new Map<string, RawDelivery>()
    for (const [account, own] of Map.groupBy(deliveries, (delivery) => delivery.account)) {
      for (const part of parts(own)) {
        const ids = padded(part.map(({ id }) => id))
        const rows = await statements.all(
          `SELECT id, headers, body FROM received_raw WHERE account = ? AND id IN (${listOf(ids.length)})`,
          [account, ...ids],
        )
        for (const row of rows) found.set(text(row, 'id'), readRaw(row))
      }
    }
    return found
  }

  async foldedDeliveries(query: {
    readonly account: string
    readonly source: string
    readonly after: string
    readonly limit: number
  }): Promise<readonly ReceivedWithRaw[]> {
    const { account, source, after, limit } = query
    const rows = await this.#database.all(
      `${WITH_RAW} JOIN received_event e ON e.account = d.account AND e.source = d.source AND e.dedupe = d.dedupe AND e.delivery = d.id
       WHERE d.account = ? AND d.source = ? AND d.id > ? ORDER BY d.id LIMIT ?`,
      [account, source, after, limit],
    )
    return rows.map((row) => ({ ...readReceived(row), ...readRaw(row) }))
  }

  async claimEvents(
    transaction: Transaction,
    events: readonly FoldedEvent[],
    at: Instant,
  ): Promise<readonly FoldedEvent[]> {
    const statements = this.#database.within(transaction)
    // Always in the same order: two processes that claim the same events wait for each other instead of dying.
    const sorted = [...events].sort((a, b) => compare(keyOf(a), keyOf(b)))
    await insert(statements, this.#database.backend, {
      into: 'received_event (account, source, dedupe, delivery, sha256, at)',
      rows: sorted.map((event) => [event.account, event.source, event.dedupe, event.delivery, event.sha256, at]),
      after: 'ON CONFLICT DO NOTHING',
    })
    const owners = new Map<string, FoldedEvent>()
    for (const group of Map.groupBy(sorted, (event) => `${event.account}\n${event.source}`).values()) {
      for (const part of parts(group)) {
        const keys = padded(part.map(({ dedupe }) => dedupe))
        const rows = await statements.all(
          `SELECT account, source, dedupe, delivery, sha256 FROM received_event WHERE account = ? AND source = ? AND dedupe IN (${listOf(keys.length)})`,
          [part[0]?.account ?? '', part[0]?.source ?? '', ...keys],
        )
        for (const event of rows.map(readEvent)) owners.set(keyOf(event), event)
      }
    }
    return events.map((event) => owners.get(keyOf(event)) ?? event)
  }

  async change(transaction: Transaction, changes: readonly ReceivedChange[]): Promise<void> {
    const statements = this.#database.within(transaction)
    for (const [key, group] of Map.groupBy(
      changes,
      (change) => `${change.state}\n${change.at}\n${change.reason}\n${change.account}`,
    )) {
      const [first] = group
      if (first === undefined) throw new BillhookError('internal_invariant', `an empty group ${key}`)
      for (const part of parts(group)) {
        const ids = padded(part.map(({ id }) => id))
        const { sql, values } = timesOf(first)
        await statements.run(
          `UPDATE received SET state = ?, reason = ?, ${sql} WHERE account = ? AND id IN (${listOf(ids.length)})`,
          [first.state, first.reason, ...values, first.account, ...ids],
        )
      }
    }
  }

  async requeue(account: string, id: string): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE received SET state = 'received', reason = NULL, dead_at = NULL WHERE account = ? AND id = ? AND state = 'dead'`,
      [account, id],
    )
    return changed === 1
  }

  async backlog(): Promise<number> {
    const row = await this.#database.first(`SELECT COUNT(*) AS n FROM received WHERE state = 'received'`)
    return row === null ? 0 : count(row, 'n')
  }

  async capRefused(account: string, source: string, keep: number): Promise<number> {
    const row = await this.#database.first(
      `SELECT id FROM received WHERE account = ? AND source = ? AND state = 'refused' ORDER BY id DESC LIMIT 1 OFFSET ?`,
      [account, source, keep],
    )
    if (row === null) return 0
    return this.#remove(`account = ? AND source = ? AND state = 'refused' AND id <= ?`, [
      account,
      source,
      text(row, 'id'),
    ])
  }

  async prune(beforeId: string, limit: number): Promise<number> {
    const accounts = await this.#database.all('SELECT DISTINCT account FROM source')
    let removed = 0
    for (const account of accounts.map((row) => text(row, 'account'))) {
      const rows = await this.#database.all(
        `SELECT id FROM received WHERE account = ? AND id < ? AND state IN ('refused', 'reacted', 'dead') ORDER BY id LIMIT ?`,
        [account, beforeId, limit],
      )
      for (const part of parts(rows)) {
        const list = padded(part.map((row) => text(row, 'id')))
        removed += await this.#remove(`account = ? AND id IN (${listOf(list.length)})`, [account, ...list])
      }
    }
    return removed
  }

  async #remove(where: string, values: readonly SqlValue[]): Promise<number> {
    return this.#database.transaction(async (transaction) => {
      const statements = this.#database.within(transaction)
      await statements.run(
        `DELETE FROM received_raw WHERE (account, id) IN (SELECT account, id FROM received WHERE ${where})`,
        values,
      )
      await statements.run(
        `DELETE FROM received_event WHERE (account, source, dedupe, delivery) IN (
           SELECT account, source, dedupe, id FROM received WHERE ${where})`,
        values,
      )
      return statements.run(`DELETE FROM received WHERE ${where}`, values)
    })
  }
}

/** The times that a change of state sets: what is reacted to at once was folded at the same time. */
function timesOf({ state, at }: ReceivedChange): { readonly sql: string; readonly values: readonly SqlValue[] } {
  if (state === 'reacted') return { sql: 'reacted_at = ?, folded_at = COALESCE(folded_at, ?)', values: [at, at] }
  return { sql: `${state}_at = ?`, values: [at] }
}

function rawRow(delivery: ReceivedWithRaw): readonly SqlValue[] {
  return [delivery.account, delivery.id, JSON.stringify(delivery.headers), delivery.body]
}

function deliveryRow(delivery: ReceivedWithRaw): readonly SqlValue[] {
  return [
    delivery.account,
    delivery.id,
    delivery.source,
    delivery.receivedAt,
    delivery.size,
    delivery.sha256,
    delivery.verdict,
    delivery.detail,
    delivery.dedupe,
    delivery.eventId,
    delivery.eventType,
    delivery.sentAt,
    delivery.state,
    delivery.reason,
    delivery.foldedAt,
    delivery.reactedAt,
    delivery.deadAt,
  ]
}

function readReceived(row: SqlRow): Received {
  return {
    account: text(row, 'account'),
    id: text(row, 'id'),
    source: text(row, 'source'),
    receivedAt: time(row, 'received_at'),
    size: count(row, 'size'),
    sha256: text(row, 'sha256'),
    verdict: readVerdict(text(row, 'verdict')),
    detail: textOrNull(row, 'detail'),
    dedupe: textOrNull(row, 'dedupe'),
    eventId: textOrNull(row, 'event_id'),
    eventType: textOrNull(row, 'event_type'),
    sentAt: timeOrNull(row, 'sent_at'),
    state: oneOf(row, 'state', STATES),
    reason: textOrNull(row, 'reason'),
    foldedAt: timeOrNull(row, 'folded_at'),
    reactedAt: timeOrNull(row, 'reacted_at'),
    deadAt: timeOrNull(row, 'dead_at'),
  }
}

function readVerdict(verdict: string): 'ok' | Refusal {
  if (verdict === 'ok' || isRefusal(verdict)) return verdict
  throw new BillhookError(
    'internal_invariant',
    `the store holds the verdict ${verdict}, which this version does not know`,
  )
}

function isRefusal(verdict: string): verdict is Refusal {
  return Object.hasOwn(REFUSALS, verdict)
}

function readRaw(row: SqlRow): RawDelivery {
  const headers: unknown = JSON.parse(text(row, 'headers'))
  if (!isHeaders(headers)) throw new BillhookError('internal_invariant', 'the store holds headers that cannot be read')
  return { headers, body: bytes(row, 'body') }
}

function isHeaders(value: unknown): value is Headers {
  return isObject(value) && Object.values(value).every((header) => typeof header === 'string' || Array.isArray(header))
}

function readEvent(row: SqlRow): FoldedEvent {
  return {
    account: text(row, 'account'),
    source: text(row, 'source'),
    dedupe: text(row, 'dedupe'),
    delivery: text(row, 'delivery'),
    sha256: text(row, 'sha256'),
  }
}

function keyOf(event: FoldedEvent): string {
  return `${event.account}\n${event.source}\n${event.dedupe}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
