import type { DeliveryKey, StoredEvent } from '../ports/delivery_store.ts'
import type { DeliveryCount, DeliveryLog, DeliveryQuery, EventQuery, LoggedDelivery } from '../ports/delivery_log.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { Database, SqlValue } from './database.ts'
import { eventOf, loggedOf, stateOf } from './delivery_rows.ts'
import { count, text } from './rows.ts'

const LOGGED = `SELECT d.account, d.event, d.endpoint, d.state, d.clock, d.lease, d.due_at, d.test_due_at, d.made, d.first_at,
  d.last_at, d.last_status, d.acknowledged_at, d.settled_at, d.attempts, e.type, e.dialect, e.provider_id, e.fact, e.subject,
  e.customer, e.created_at FROM delivery d JOIN delivery_event e ON e.account = d.account AND e.id = d.event`

/** Questions about events and deliveries, on either backend. */
export function createDeliveryLog(database: Database): DeliveryLog {
  return new SqlDeliveryLog(database)
}

class SqlDeliveryLog implements DeliveryLog {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async event(account: string, id: string): Promise<StoredEvent | null> {
    const row = await this.#database.first('SELECT * FROM delivery_event WHERE account = ? AND id = ?', [account, id])
    return row === null ? null : eventOf(row)
  }

  async eventsByProviderId(account: string, providerId: string): Promise<readonly StoredEvent[]> {
    const rows = await this.#database.all(
      `SELECT * FROM delivery_event WHERE account = ? AND provider_id = ? AND provider_id <> id
       UNION ALL SELECT * FROM delivery_event WHERE account = ? AND id = ? AND provider_id = id`,
      [account, providerId, account, providerId],
    )
    return rows.map(eventOf)
  }

  async events(query: EventQuery): Promise<readonly StoredEvent[]> {
    const where = new Where('e.account = ?', query.account)
    where.equal('e.dialect', query.dialect)
    where.type(query.type)
    where.equal('e.customer', query.customer)
    where.equal('e.subject', query.subject)
    where.equal('e.fact', query.fact)
    where.compare('e.created_at', '>=', query.from)
    where.compare('e.created_at', '<', query.until)
    where.compare('e.id', query.order === 'newest' ? '<' : '>', query.after)
    const rows = await this.#database.all(
      `SELECT e.* FROM delivery_event e WHERE ${where.sql} ORDER BY e.id ${query.order === 'newest' ? 'DESC' : 'ASC'} LIMIT ?`,
      [...where.values, query.limit],
    )
    return rows.map(eventOf)
  }

  async delivery(key: DeliveryKey): Promise<LoggedDelivery | null> {
    const row = await this.#database.first(`${LOGGED} WHERE d.account = ? AND d.event = ? AND d.endpoint = ?`, [
      key.account,
      key.event,
      key.endpoint,
    ])
    return row === null ? null : loggedOf(row)
  }

  async deliveries(query: DeliveryQuery): Promise<readonly LoggedDelivery[]> {
    const where = new Where('d.account = ?', query.account)
    where.equal('d.event', query.event)
    where.equal('d.endpoint', query.endpoint)
    where.equal('d.state', query.state)
    where.type(query.type)
    where.equal('e.customer', query.customer)
    where.compare('e.created_at', '>=', query.from)
    where.compare('e.created_at', '<', query.until)
    const newest = query.order === 'newest'
    if (query.after !== null)
      where.add(`(d.event, d.endpoint) ${newest ? '<' : '>'} (?, ?)`, query.after.event, query.after.endpoint)
    const direction = newest ? 'DESC' : 'ASC'
    const rows = await this.#database.all(
      `${LOGGED} WHERE ${where.sql} ORDER BY d.event ${direction}, d.endpoint ${direction} LIMIT ?`,
      [...where.values, query.limit],
    )
    return rows.map(loggedOf)
  }

  async deliveriesOfFact(
    transaction: Transaction | null,
    account: string,
    fact: string,
  ): Promise<readonly LoggedDelivery[]> {
    const statements = transaction === null ? this.#database : this.#database.within(transaction)
    const rows = await statements.all(`${LOGGED} WHERE e.account = ? AND e.fact = ? ORDER BY d.event, d.endpoint`, [
      account,
      fact,
    ])
    return rows.map(loggedOf)
  }

  async counts(account: string): Promise<readonly DeliveryCount[]> {
    const rows = await this.#database.all(
      'SELECT endpoint, state, COUNT(*) AS n FROM delivery WHERE account = ? GROUP BY endpoint, state ORDER BY endpoint, state',
      [account],
    )
    return rows.map((row) => ({ endpoint: text(row, 'endpoint'), state: stateOf(row), count: count(row, 'n') }))
  }
}

/** Conditions joined by `AND`; those whose value is null are left out. */
class Where {
  #sql: string
  readonly #values: SqlValue[]

  constructor(sql: string, ...values: readonly SqlValue[]) {
    this.#sql = sql
    this.#values = [...values]
  }

  get sql(): string {
    return this.#sql
  }

  get values(): readonly SqlValue[] {
    return this.#values
  }

  add(sql: string, ...values: readonly SqlValue[]): void {
    this.#sql += ` AND ${sql}`
    this.#values.push(...values)
  }

  equal(column: string, value: string | null): void {
    if (value !== null) this.add(`${column} = ?`, value)
  }

  compare(column: string, operator: '<' | '<=' | '>' | '>=', value: string | number | null): void {
    if (value !== null) this.add(`${column} ${operator} ?`, value)
  }

  type(pattern: string | null): void {
    if (pattern === null || pattern === '*') return
    if (!pattern.endsWith('.*')) return this.equal('e.type', pattern)
    this.add('SUBSTR(e.type, 1, ?) = ?', pattern.length - 1, pattern.slice(0, -1))
  }
}
