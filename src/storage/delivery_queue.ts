import { compareText } from '../model/compare.ts'
import type { Instant } from '../model/instant.ts'
import type {
  AttemptResult,
  DeliveryKey,
  DeliveryQueue,
  DueDelivery,
  NewDelivery,
  PublishKey,
  StoredEvent,
} from '../ports/delivery_store.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { Database, SqlRow, SqlValue, Statements } from './database.ts'
import { EVENT_COLUMNS, dueOf, eventValues } from './delivery_rows.ts'
import { insert, text, time, timeOrNull } from './rows.ts'
import { listOf, rowsOf } from './placeholders.ts'

/** Rows of one statement: large enough to make the statement's own cost vanish, small enough to stay short. */
const ROWS_MAX = 256

const DELIVERY_COLUMNS = [
  'account',
  'event',
  'endpoint',
  'state',
  'clock',
  'lease',
  'due_at',
  'test_due_at',
  'order_key',
] as const

/** PostgreSQL types of {@link EVENT_COLUMNS} and {@link DELIVERY_COLUMNS}; what is not named is text. */
const TYPES: Readonly<Record<string, string>> = {
  created_at: 'bigint',
  raw: 'bytea',
  due_at: 'bigint',
  test_due_at: 'bigint',
  made: 'bigint',
  at: 'bigint',
  begun_at: 'bigint',
  status: 'bigint',
  acknowledged_at: 'bigint',
  settled_at: 'bigint',
}

/** Due, leased or waiting rows of a delivery, joined with the event. `due` is on the delivery's own clock. */
const DUE_COLUMNS = `d.endpoint, d.clock, d.lease, d.made, d.first_at, d.order_key,
  COALESCE(d.due_at, d.test_due_at) AS due, ${EVENT_COLUMNS.map((column) => `e.${column}`).join(', ')}`

/** An earlier delivery of the same endpoint and subject is still open. */
const BLOCKED = `EXISTS (SELECT 1 FROM delivery b WHERE b.account = d.account AND b.endpoint = d.endpoint
  AND b.order_key = d.order_key AND b.event < d.event)`

/** The hot tables on either backend. */
export function createDeliveryQueue(database: Database): DeliveryQueue {
  return new SqlDeliveryQueue(database)
}

class SqlDeliveryQueue implements DeliveryQueue {
  readonly #database: Database
  readonly #postgres: boolean

  constructor(database: Database) {
    this.#database = database
    this.#postgres = database.backend === 'postgres'
  }

  async store(
    transaction: Transaction | null,
    events: readonly StoredEvent[],
    deliveries: readonly NewDelivery[],
  ): Promise<void> {
    if (events.length === 0) return
    if (transaction === null && (!this.#postgres || events.length > ROWS_MAX || deliveries.length > ROWS_MAX)) {
      return this.#database.transaction((transaction) => this.store(transaction, events, deliveries))
    }
    const statements = transaction === null ? this.#database : this.#database.within(transaction)
    if (this.#postgres) return storeInPostgres(statements, events, deliveries)
    const { backend } = this.#database
    await insert(statements, backend, {
      into: `delivery_event (${EVENT_COLUMNS.join(', ')})`,
      rows: events.map(eventValues),
    })
    await insert(statements, backend, {
      into: `delivery (${DELIVERY_COLUMNS.join(', ')})`,
      rows: deliveries.map(deliveryValues),
    })
  }

  async takeKeys(transaction: Transaction, keys: readonly PublishKey[]): Promise<readonly PublishKey[]> {
    if (keys.length === 0) return []
    const statements = this.#database.within(transaction)
    const taken: PublishKey[] = []
    // Always in the same order, so that two batches with the same keys wait for each other and never forever.
    const sorted = [...keys].sort((a, b) => compareText(a.account, b.account) || compareText(a.key, b.key))
    for (const part of chunks(sorted)) {
      const values = part.flatMap((key) => [key.account, key.key, key.fingerprint, key.answer, key.storedAt])
      const fresh = await statements.all(
        `INSERT INTO delivery_key (account, key, fingerprint, answer, stored_at) VALUES ${rowsOf(part.length, 5)}
         ON CONFLICT (account, key) DO NOTHING RETURNING account, key`,
        values,
      )
      const made = new Set(fresh.map((row) => `${text(row, 'account')}\n${text(row, 'key')}`))
      const old = part.filter((key) => !made.has(`${key.account}\n${key.key}`))
      if (old.length === 0) continue
      const rows = await statements.all(
        `SELECT account, key, fingerprint, answer, stored_at FROM delivery_key WHERE (account, key) IN (VALUES ${rowsOf(old.length, 2)})`,
        old.flatMap((key) => [key.account, key.key]),
      )
      taken.push(...rows.map(keyOf))
    }
    return taken
  }

  async claim(claim: Parameters<DeliveryQueue['claim']>[0]): Promise<readonly DueDelivery[]> {
    const { node, now, until, limit, except } = claim
    const excluded = except.length === 0 ? '' : ` AND d.endpoint NOT IN (${listOf(except.length)})`
    const due = `SELECT d.account, d.event, d.endpoint FROM delivery d WHERE d.due_at <= ?${excluded}
      AND (d.order_key IS NULL OR NOT ${BLOCKED}) ORDER BY d.due_at, d.event LIMIT ?`
    const values = [now, ...except, limit]
    if (this.#postgres) {
      const rows = await this.#database.all(
        `WITH c AS MATERIALIZED (${due} FOR UPDATE OF d SKIP LOCKED)
         UPDATE delivery d SET lease = ?, due_at = ? FROM c, delivery_event e
         WHERE d.account = c.account AND d.event = c.event AND d.endpoint = c.endpoint
           AND e.account = c.account AND e.id = c.event RETURNING ${DUE_COLUMNS}`,
        [...values, node, until],
      )
      return rows.map(dueOf).sort((a, b) => compareText(a.event.id, b.event.id))
    }
    const waiting = await this.#database.first('SELECT 1 AS one FROM delivery WHERE due_at <= ? LIMIT 1', [now])
    if (waiting === null) return []
    return this.#database.transaction(async (transaction) => {
      const statements = this.#database.within(transaction)
      const rows = await statements.all(
        `SELECT ${DUE_COLUMNS} FROM (${due}) c JOIN delivery d ON d.account = c.account AND d.event = c.event
           AND d.endpoint = c.endpoint JOIN delivery_event e ON e.account = d.account AND e.id = d.event`,
        values,
      )
      const claimed = rows.map((row) => ({ ...dueOf(row), lease: node }))
      await statements.runEach(
        'UPDATE delivery SET lease = ?, due_at = ? WHERE account = ? AND event = ? AND endpoint = ?',
        claimed.map(({ event, endpoint }) => [node, until, event.account, event.id, endpoint]),
      )
      return claimed
    })
  }

  async extend(node: string, keys: readonly DeliveryKey[], until: Instant): Promise<void> {
    await this.#eachKey(keys, 'due_at = ?', [until], node)
  }

  async release(node: string, keys: readonly DeliveryKey[], now: Instant): Promise<void> {
    await this.#eachKey(keys, 'due_at = ?, lease = NULL', [now], node)
  }

  async #eachKey(keys: readonly DeliveryKey[], set: string, values: readonly SqlValue[], node: string): Promise<void> {
    if (keys.length === 0) return
    await this.#database.transaction(async (transaction) => {
      for (const part of chunks(keys)) {
        await this.#database
          .within(transaction)
          .run(
            `UPDATE delivery SET ${set} WHERE (account, event, endpoint) IN (VALUES ${rowsOf(part.length, 3)}) AND lease = ?`,
            [...values, ...part.flatMap(({ account, event, endpoint }) => [account, event, endpoint]), node],
          )
      }
    })
  }

  async defer(endpoints: readonly string[], now: Instant, until: Instant, limit: number): Promise<number> {
    if (endpoints.length === 0) return 0
    const due = `SELECT account, event, endpoint FROM delivery WHERE due_at <= ?
      AND endpoint IN (${listOf(endpoints.length)}) ORDER BY due_at LIMIT ?`
    const values = [now, ...endpoints, limit, until]
    if (this.#postgres)
      return this.#database.run(
        `WITH c AS MATERIALIZED (${due} FOR UPDATE SKIP LOCKED) UPDATE delivery d SET due_at = ? FROM c
         WHERE d.account = c.account AND d.event = c.event AND d.endpoint = c.endpoint`,
        values,
      )
    const late = await this.#database.first('SELECT 1 AS one FROM delivery WHERE due_at <= ? LIMIT 1', [now])
    if (late === null) return 0
    return this.#database.run(
      `UPDATE delivery SET due_at = v.until FROM (SELECT c.*, ? AS until FROM (${due}) c) v WHERE delivery.account = v.account
         AND delivery.event = v.event AND delivery.endpoint = v.endpoint`,
      [until, now, ...endpoints, limit],
    )
  }

  async settle(transaction: Transaction | null, results: readonly AttemptResult[]): Promise<readonly DeliveryKey[]> {
    if (results.length === 0) return []
    // A result that a power failure takes back is an attempt made once more: not worth a flush of its own. Whatever is
    // committed because of it comes after it and takes it to the disk.
    if (transaction === null)
      return this.#database.transaction((transaction) => this.settle(transaction, results), { durable: false })
    const statements = this.#database.within(transaction)
    const settled: DeliveryKey[] = []
    if (this.#postgres) {
      // In one order on every node: two batches that share rows must not wait for each other.
      const sorted = [...results].sort((a, b) => compareText(a.event, b.event) || compareText(a.endpoint, b.endpoint))
      for (const part of chunks(sorted)) {
        const { sql, values } = settleStatement(part)
        settled.push(...(await statements.all(sql, values)).map(deliveryKeyOf))
      }
      return settled
    }
    for (const result of results) {
      if ((await statements.run(SETTLE_ONE.sql, settleOneValues(result))) === 1)
        settled.push({ account: result.account, event: result.event, endpoint: result.endpoint })
    }
    return settled
  }

  async testDue(account: string): Promise<Instant | null> {
    const row = await this.#database.first(
      'SELECT MIN(test_due_at) AS due FROM delivery WHERE account = ? AND test_due_at IS NOT NULL',
      [account],
    )
    return row === null ? null : timeOrNull(row, 'due')
  }

  async claimTest(account: string, until: Instant, limit: number): Promise<readonly DueDelivery[]> {
    const rows = await this.#database.all(
      `SELECT ${DUE_COLUMNS} FROM delivery d JOIN delivery_event e ON e.account = d.account AND e.id = d.event
       WHERE d.account = ? AND d.test_due_at <= ? AND (d.order_key IS NULL OR NOT ${BLOCKED})
       ORDER BY d.test_due_at, d.event, d.endpoint LIMIT ?`,
      [account, until, limit],
    )
    return rows.map(dueOf)
  }

  async releaseHeld(account: string, endpoint: string, clock: 'real' | 'test', now: Instant): Promise<number> {
    return this.#database.run(
      `UPDATE delivery SET state = 'pending', ${clock === 'test' ? 'test_due_at' : 'due_at'} = ?
       WHERE account = ? AND endpoint = ? AND state = 'held'`,
      [now, account, endpoint],
    )
  }
}

/**
 * Both inserts as one statement, so that they are one round trip and one commit. Rows are filled up to a power of two with
 * rows of nulls that the `WHERE` leaves out: few texts, so each is prepared once.
 */
async function storeInPostgres(
  statements: Statements,
  events: readonly StoredEvent[],
  deliveries: readonly NewDelivery[],
): Promise<void> {
  let pending = deliveries
  for (const part of chunks(events)) {
    const last = part.length === 0 || part.at(-1) === events.at(-1)
    const fitting = last && pending.length <= ROWS_MAX ? pending : []
    if (fitting.length > 0) pending = []
    const event = filled(EVENT_COLUMNS, part.map(eventValues))
    const insertEvents = `INSERT INTO delivery_event (${EVENT_COLUMNS.join(', ')}) SELECT * FROM ${event.sql} WHERE v.id IS NOT NULL`
    if (fitting.length === 0) {
      await statements.run(insertEvents, event.values)
      continue
    }
    const delivery = filled(DELIVERY_COLUMNS, fitting.map(deliveryValues))
    await statements.run(
      `WITH e AS (${insertEvents}) INSERT INTO delivery (${DELIVERY_COLUMNS.join(', ')})
       SELECT * FROM ${delivery.sql} WHERE v.event IS NOT NULL`,
      [...event.values, ...delivery.values],
    )
  }
  for (const part of chunks(pending)) {
    const delivery = filled(DELIVERY_COLUMNS, part.map(deliveryValues))
    await statements.run(
      `INSERT INTO delivery (${DELIVERY_COLUMNS.join(', ')}) SELECT * FROM ${delivery.sql} WHERE v.event IS NOT NULL`,
      delivery.values,
    )
  }
}

/** `(VALUES (?::text, …), (?, …)) v (columns)` with its values, filled up to a power of two. */
function filled(
  columns: readonly string[],
  rows: readonly (readonly SqlValue[])[],
): { readonly sql: string; readonly values: readonly SqlValue[] } {
  const size = 2 ** Math.ceil(Math.log2(Math.max(1, rows.length)))
  const values = rows.flat()
  for (let i = rows.length; i < size; i += 1) for (let j = 0; j < columns.length; j += 1) values.push(null)
  return { sql: filledText(columns, size), values }
}

const texts = new Map<string, string>()

function filledText(columns: readonly string[], size: number): string {
  const key = `${size} ${columns[1]} ${columns.length}`
  const known = texts.get(key)
  if (known !== undefined) return known
  const first = columns.map((column) => `?::${TYPES[column] ?? 'text'}`).join(', ')
  const rest = size === 1 ? '' : `, ${rowsOf(size - 1, columns.length)}`
  const text = `(VALUES (${first})${rest}) v (${columns.join(', ')})`
  texts.set(key, text)
  return text
}

function deliveryValues(delivery: NewDelivery): readonly SqlValue[] {
  const { clock, dueAt } = delivery
  return [
    delivery.account,
    delivery.event,
    delivery.endpoint,
    delivery.state,
    clock,
    delivery.lease,
    clock === 'real' ? dueAt : null,
    clock === 'test' ? dueAt : null,
    delivery.orderKey,
  ]
}

const SETTLE_COLUMNS = [
  'account',
  'event',
  'endpoint',
  'lease',
  'made',
  'state',
  'due_at',
  'test_due_at',
  'at',
  'begun_at',
  'status',
  'acknowledged_at',
  'settled_at',
  'entry',
] as const

/** What a result changes; `v` is the result, whether it comes as a row of values or as a row of one. */
const SETTLE_SET = `state = v.state, due_at = v.due_at, test_due_at = v.test_due_at, lease = NULL,
  made = d.made + CASE WHEN v.entry IS NULL THEN 0 ELSE 1 END,
  first_at = CASE WHEN v.entry IS NULL THEN d.first_at ELSE COALESCE(d.first_at, v.begun_at) END,
  last_at = CASE WHEN v.entry IS NULL THEN d.last_at ELSE v.at END,
  last_status = CASE WHEN v.entry IS NULL THEN d.last_status ELSE v.status END,
  acknowledged_at = COALESCE(d.acknowledged_at, v.acknowledged_at), settled_at = v.settled_at,
  order_key = CASE WHEN v.settled_at IS NULL THEN d.order_key END,
  attempts = CASE WHEN v.entry IS NULL THEN d.attempts WHEN d.attempts = '' THEN v.entry
    ELSE d.attempts || chr(10) || v.entry END`

function settleStatement(results: readonly AttemptResult[]): {
  readonly sql: string
  readonly values: readonly SqlValue[]
} {
  const { sql, values } = filled(SETTLE_COLUMNS, results.map(settleValues))
  return {
    sql: `UPDATE delivery d SET ${SETTLE_SET} FROM ${sql}
      WHERE d.account = v.account AND d.event = v.event AND d.endpoint = v.endpoint AND d.state = 'pending'
        AND d.made = v.made AND d.lease IS NOT DISTINCT FROM v.lease RETURNING d.account, d.event, d.endpoint`,
    values,
  }
}

/**
 * The same for one result, on the embedded backend, without a `FROM`: joining a row of values costs as much again as the
 * update itself. A value that {@link SETTLE_SET} names more than once is given more than once.
 */
const SETTLE_ONE = settleOne()

function settleOne(): { readonly sql: string; readonly columns: readonly number[] } {
  const columns: number[] = []
  const text = `UPDATE delivery AS d SET ${SETTLE_SET.replace('chr(10)', 'char(10)')}
    WHERE d.account = v.account AND d.event = v.event AND d.endpoint = v.endpoint AND d.state = 'pending'
      AND d.made = v.made AND d.lease IS v.lease`
  const names: readonly string[] = SETTLE_COLUMNS
  const sql = text.replaceAll(/\bv\.(\w+)/g, (_, name: string) => {
    columns.push(names.indexOf(name))
    return '?'
  })
  return { sql, columns }
}

function settleOneValues(result: AttemptResult): readonly SqlValue[] {
  const values = settleValues(result)
  return SETTLE_ONE.columns.map((column) => values[column] ?? null)
}

function settleValues(result: AttemptResult): readonly SqlValue[] {
  const settled = result.state === 'delivered' || result.state === 'exhausted' || result.state === 'skipped'
  return [
    result.account,
    result.event,
    result.endpoint,
    result.lease,
    result.made,
    result.state,
    result.clock === 'real' ? result.dueAt : null,
    result.clock === 'test' ? result.dueAt : null,
    result.at,
    result.begunAt,
    result.status,
    result.state === 'delivered' ? result.at : null,
    settled ? result.at : null,
    result.entry,
  ]
}

function keyOf(row: SqlRow): PublishKey {
  return {
    account: text(row, 'account'),
    key: text(row, 'key'),
    fingerprint: text(row, 'fingerprint'),
    answer: text(row, 'answer'),
    storedAt: time(row, 'stored_at'),
  }
}

function deliveryKeyOf(row: SqlRow): DeliveryKey {
  return { account: text(row, 'account'), event: text(row, 'event'), endpoint: text(row, 'endpoint') }
}

/** Parts of at most {@link ROWS_MAX}. */
function chunks<T>(items: readonly T[]): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = []
  for (let i = 0; i < items.length; i += ROWS_MAX) parts.push(items.slice(i, i + ROWS_MAX))
  return parts
}
