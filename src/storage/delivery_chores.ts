import type { Instant } from '../model/instant.ts'
import { BillhookError } from '../model/error.ts'
import { isObject } from '../model/json.ts'
import type { DeliveryChores, Notice, Replay, ReplayFilter } from '../ports/delivery_chores.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { Database, SqlRow, SqlValue, Statements } from './database.ts'
import { count, text, textOrNull, time, timeOrNull } from './rows.ts'
import { dropStoredBefore, preparePartitions } from './delivery_partitions.ts'
import { listOf } from './placeholders.ts'

/** Replays, mails and retention, on either backend. */
export function createDeliveryChores(database: Database): DeliveryChores {
  return new SqlDeliveryChores(database)
}

class SqlDeliveryChores implements DeliveryChores {
  readonly #database: Database
  readonly #skipLocked: string

  constructor(database: Database) {
    this.#database = database
    this.#skipLocked = database.backend === 'postgres' ? ' FOR UPDATE SKIP LOCKED' : ''
  }

  async insertReplay(replay: Replay): Promise<void> {
    await this.#database.run(
      'INSERT INTO delivery_replay (account, id, state, filter, replayed, created_at) VALUES (?, ?, ?, ?, ?, ?)',
      [replay.account, replay.id, replay.state, JSON.stringify(replay.filter), replay.replayed, replay.createdAt],
    )
  }

  async replay(account: string, id: string): Promise<Replay | null> {
    const row = await this.#database.first('SELECT * FROM delivery_replay WHERE account = ? AND id = ?', [account, id])
    return row === null ? null : replayOf(row)
  }

  async replays(account: string, limit: number): Promise<readonly Replay[]> {
    const rows = await this.#database.all(
      'SELECT * FROM delivery_replay WHERE account = ? ORDER BY created_at DESC, id DESC LIMIT ?',
      [account, limit],
    )
    return rows.map(replayOf)
  }

  async cancelReplay(account: string, id: string, at: Instant): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE delivery_replay SET state = 'canceled', ended_at = ? WHERE account = ? AND id = ? AND state = 'running'`,
      [at, account, id],
    )
    return changed === 1
  }

  async stepReplay(step: Parameters<DeliveryChores['stepReplay']>[0]): Promise<Replay | null> {
    const one = step.account === null ? '' : ' AND account = ?'
    const found = await this.#database.first(
      `SELECT * FROM delivery_replay WHERE state = 'running'${one} ORDER BY created_at, id LIMIT 1`,
      step.account === null ? [] : [step.account],
    )
    if (found === null) return null
    const { account, id } = replayOf(found)
    // Asked before the transaction: the answer may need the store itself.
    const now = await step.now(account)
    return this.#database.transaction(async (transaction) => {
      const statements = this.#database.within(transaction)
      const row = await statements.first(
        `SELECT * FROM delivery_replay WHERE account = ? AND id = ? AND state = 'running'${this.#skipLocked}`,
        [account, id],
      )
      return row === null ? null : this.#step(statements, replayOf(row), now, step.limit)
    })
  }

  async #step(statements: Statements, replay: Replay, now: Instant, limit: number): Promise<Replay> {
    const { sql, values } = matching(replay)
    // Rows that are in flight are left alone: they are being delivered anyway.
    const rows = await statements.all(
      `SELECT d.event, d.endpoint FROM delivery d JOIN delivery_event e ON e.account = d.account AND e.id = d.event
       WHERE ${sql} ORDER BY d.event, d.endpoint LIMIT ?`,
      [...values, limit],
    )
    for (const row of rows) {
      await statements.run(
        `UPDATE delivery SET state = 'pending', made = 0, first_at = NULL, settled_at = NULL, lease = NULL,
           due_at = CASE WHEN clock = 'real' THEN CAST(? AS BIGINT) END,
           test_due_at = CASE WHEN clock = 'test' THEN CAST(? AS BIGINT) END
         WHERE account = ? AND event = ? AND endpoint = ? AND (state <> 'pending' OR lease IS NULL)`,
        [now, now, replay.account, text(row, 'event'), text(row, 'endpoint')],
      )
    }
    const last = rows.at(-1)
    const done = rows.length < limit || last === undefined
    const next: Replay = {
      ...replay,
      state: done ? 'done' : 'running',
      replayed: replay.replayed + rows.length,
      endedAt: done ? now : null,
      cursor: last === undefined ? replay.cursor : { event: text(last, 'event'), endpoint: text(last, 'endpoint') },
    }
    await statements.run(
      `UPDATE delivery_replay SET state = ?, replayed = ?, ended_at = ?, cursor_event = ?, cursor_endpoint = ?
       WHERE account = ? AND id = ? AND state = 'running'`,
      [
        next.state,
        next.replayed,
        next.endedAt,
        next.cursor?.event ?? null,
        next.cursor?.endpoint ?? null,
        next.account,
        next.id,
      ],
    )
    return next
  }

  async insertNotice(transaction: Transaction, notice: Notice, dueAt: Instant): Promise<void> {
    await this.#database.within(transaction).run(
      `INSERT INTO delivery_notice (key, account, recipient, subject, text, tries, due_at) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (key) DO NOTHING`,
      [notice.key, notice.account, notice.to, notice.subject, notice.text, notice.tries, dueAt],
    )
  }

  async claimNotices(now: Instant, until: Instant, limit: number): Promise<readonly Notice[]> {
    const due = `SELECT * FROM delivery_notice WHERE due_at <= ? ORDER BY due_at LIMIT ?`
    if ((await this.#database.first(due, [now, 1])) === null) return []
    return this.#database.transaction(async (transaction) => {
      const statements = this.#database.within(transaction)
      const rows = await statements.all(`${due}${this.#skipLocked}`, [now, limit])
      for (const row of rows)
        await statements.run('UPDATE delivery_notice SET due_at = ?, tries = tries + 1 WHERE key = ?', [
          until,
          text(row, 'key'),
        ])
      return rows.map(noticeOf)
    })
  }

  async dropNotice(key: string): Promise<void> {
    await this.#database.run('DELETE FROM delivery_notice WHERE key = ?', [key])
  }

  async delayNotice(key: string, until: Instant): Promise<void> {
    await this.#database.run('UPDATE delivery_notice SET due_at = ? WHERE key = ?', [until, key])
  }

  async prepareStorage(now: Instant): Promise<void> {
    if (this.#database.backend === 'postgres') await preparePartitions(this.#database, now)
  }

  async dropBefore(before: Instant): Promise<readonly string[]> {
    return dropStoredBefore(this.#database, before)
  }
}

/** The condition of the deliveries that a replay has still to look at, in the order of its cursor. */
function matching(replay: Replay): { readonly sql: string; readonly values: readonly SqlValue[] } {
  const { filter, account, cursor } = replay
  const parts = [`d.account = ? AND d.state IN (${listOf(filter.states.length)})`]
  const values: SqlValue[] = [account, ...filter.states]
  const add = (sql: string, ...more: readonly SqlValue[]) => {
    parts.push(sql)
    values.push(...more)
  }
  if (filter.endpoint !== null) add('d.endpoint = ?', filter.endpoint)
  if (filter.event !== null) add('d.event = ?', filter.event)
  if (filter.customer !== null) add('e.customer = ?', filter.customer)
  if (filter.from !== null) add('e.created_at >= ?', filter.from)
  if (filter.until !== null) add('e.created_at < ?', filter.until)
  if (filter.type?.endsWith('.*') === true)
    add('SUBSTR(e.type, 1, ?) = ?', filter.type.length - 1, filter.type.slice(0, -1))
  else if (filter.type !== null && filter.type !== '*') add('e.type = ?', filter.type)
  if (cursor !== null) add('(d.event, d.endpoint) > (?, ?)', cursor.event, cursor.endpoint)
  return { sql: parts.join(' AND '), values }
}

function replayOf(row: SqlRow): Replay {
  const filter: unknown = JSON.parse(text(row, 'filter'))
  if (!isFilter(filter)) throw new BillhookError('internal_invariant', `the stored replay ${text(row, 'id')} is broken`)
  const event = textOrNull(row, 'cursor_event')
  const state = text(row, 'state')
  return {
    account: text(row, 'account'),
    id: text(row, 'id'),
    filter,
    state: state === 'done' || state === 'canceled' ? state : 'running',
    replayed: count(row, 'replayed'),
    createdAt: time(row, 'created_at'),
    endedAt: timeOrNull(row, 'ended_at'),
    cursor: event === null ? null : { event, endpoint: text(row, 'cursor_endpoint') },
  }
}

/** Written by this room alone. */
function isFilter(value: unknown): value is ReplayFilter {
  return isObject(value) && Array.isArray(value['states']) && 'endpoint' in value && 'from' in value
}

function noticeOf(row: SqlRow): Notice {
  return {
    key: text(row, 'key'),
    account: text(row, 'account'),
    to: text(row, 'recipient'),
    subject: text(row, 'subject'),
    text: text(row, 'text'),
    tries: count(row, 'tries'),
  }
}
