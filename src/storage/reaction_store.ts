import { compareText } from '../model/compare.ts'
import { FACT_KINDS } from '../model/facts.ts'
import type { FactKind } from '../model/facts.ts'
import type { Instant } from '../model/instant.ts'
import type { SourceRef } from '../ports/ledger_store.ts'
import type {
  LeasedReaction,
  ReactionQuery,
  ReactionRow,
  ReactionState,
  ReactionStore,
} from '../ports/reaction_store.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { Database, SqlRow, SqlValue } from './database.ts'
import { listOf } from './placeholders.ts'
import { count, insert, oneOf, padded, parts, text, textOrNull, time, timeOrNull, using } from './rows.ts'

const COLUMNS =
  'account, id, source, subject, fact_key, kind, data, delivery, state, due_at, attempts, done, lease, error, created_at, finished_at'
const STATES = ['waiting', 'done', 'dropped', 'dead'] as const
const KINDS: readonly FactKind[] = Object.keys(FACT_KINDS).filter(isFactKind)

/** The outbox of reactions on either backend. */
export function createReactionStore(database: Database): ReactionStore {
  return new SqlReactionStore(database)
}

class SqlReactionStore implements ReactionStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async addReactions(transaction: Transaction, reactions: readonly ReactionRow[]): Promise<void> {
    await insert(this.#database.within(transaction), this.#database.backend, {
      into: `reaction (${COLUMNS})`,
      rows: reactions.map(reactionRow),
      after: 'ON CONFLICT DO NOTHING',
    })
  }

  async dropWaiting(transaction: Transaction, of: SourceRef, factKey: string, at: Instant): Promise<number> {
    return this.#database.within(transaction).run(
      `UPDATE ${this.#by('fact')} SET state = 'dropped', finished_at = ? WHERE account = ? AND source = ? AND fact_key = ?
           AND state = 'waiting' AND attempts = 0`,
      [at, of.account, of.source, factKey],
    )
  }

  async leaseReactions(claim: {
    readonly at: Instant
    readonly until: Instant
    readonly lease: string
    readonly limit: number
    readonly settling: boolean
  }): Promise<readonly LeasedReaction[]> {
    const lock = this.#database.backend === 'postgres' ? ' FOR UPDATE OF r SKIP LOCKED' : ''
    const due = claim.settling ? '(r.due_at <= ? OR r.attempts = 0)' : 'r.due_at <= ?'
    const rows = await this.#database.all(
      `UPDATE reaction SET lease = ?, due_at = ?, attempts = attempts + 1 WHERE (account, id) IN (
         SELECT r.account, r.id FROM reaction r WHERE r.state = 'waiting' AND ${due} AND NOT EXISTS (
           SELECT 1 FROM reaction o WHERE o.account = r.account AND o.source = r.source AND o.subject = r.subject
             AND o.state = 'waiting' AND o.id < r.id)
         ORDER BY r.due_at, r.id LIMIT ?${lock})
       RETURNING ${COLUMNS}`,
      [claim.lease, claim.until, claim.at, claim.limit],
    )
    return rows
      .map((row) => ({ ...readReaction(row), lease: text(row, 'lease') }))
      .sort((a, b) => compareText(a.id, b.id))
  }

  async noteDone(transaction: Transaction, reaction: LeasedReaction, done: readonly string[]): Promise<boolean> {
    const changed = await this.#database
      .within(transaction)
      .run(`UPDATE reaction SET done = ? WHERE account = ? AND id = ? AND lease = ? AND state = 'waiting'`, [
        JSON.stringify(done),
        reaction.account,
        reaction.id,
        reaction.lease,
      ])
    return changed === 1
  }

  async finishReaction(
    transaction: Transaction,
    reaction: LeasedReaction,
    outcome: {
      readonly state: ReactionState
      readonly dueAt: Instant
      readonly error: string | null
      readonly finishedAt: Instant | null
    },
  ): Promise<boolean> {
    const { state, dueAt, error, finishedAt } = outcome
    const changed = await this.#database.within(transaction).run(
      `UPDATE reaction SET state = ?, due_at = ?, error = ?, finished_at = ?, lease = NULL
         WHERE account = ? AND id = ? AND lease = ? AND state = 'waiting'`,
      [state, dueAt, error, finishedAt, reaction.account, reaction.id, reaction.lease],
    )
    return changed === 1
  }

  async leftOf(
    transaction: Transaction,
    account: string,
    delivery: string,
  ): Promise<{ readonly waiting: number; readonly dead: number }> {
    const statements = this.#database.within(transaction)
    // Two that end at the same time must not each take the other for unfinished: they take turns.
    if (this.#database.backend === 'postgres')
      await statements.first('SELECT id FROM received WHERE account = ? AND id = ? FOR UPDATE', [account, delivery])
    const row = await statements.first(
      `SELECT COUNT(CASE WHEN state = 'waiting' THEN 1 END) AS waiting, COUNT(CASE WHEN state = 'dead' THEN 1 END) AS dead
         FROM ${this.#by('delivery')} WHERE account = ? AND delivery = ?`,
      [account, delivery],
    )
    return row === null ? { waiting: 0, dead: 0 } : { waiting: count(row, 'waiting'), dead: count(row, 'dead') }
  }

  async reviveReactions(account: string, ids: readonly string[], at: Instant): Promise<number> {
    let revived = 0
    for (const part of parts(ids)) {
      const list = padded(part)
      revived += await this.#database.run(
        `UPDATE reaction SET state = 'waiting', due_at = ?, attempts = 0, lease = NULL, finished_at = NULL
         WHERE account = ? AND state = 'dead' AND id IN (${listOf(list.length)})`,
        [at, account, ...list],
      )
    }
    return revived
  }

  async reviveReactionsOf(account: string, delivery: string, at: Instant): Promise<number> {
    return this.#database.run(
      `UPDATE ${this.#by('delivery')} SET state = 'waiting', due_at = ?, attempts = 0, lease = NULL, finished_at = NULL
       WHERE account = ? AND delivery = ? AND state = 'dead'`,
      [at, account, delivery],
    )
  }

  async reaction(account: string, id: string): Promise<ReactionRow | null> {
    const row = await this.#database.first(`SELECT ${COLUMNS} FROM reaction WHERE account = ? AND id = ?`, [
      account,
      id,
    ])
    return row === null ? null : readReaction(row)
  }

  async reactions(query: ReactionQuery): Promise<readonly ReactionRow[]> {
    const wanted: readonly (readonly [string, SqlValue | undefined])[] = [
      ['account = ?', query.account],
      ['source = ?', query.source],
      ['state = ?', query.state],
      ['fact_key = ?', query.factKey],
      ['id < ?', query.after],
    ]
    const said = wanted.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]))
    const byFact = query.source !== undefined && query.factKey !== undefined
    const rows = await this.#database.all(
      `SELECT ${COLUMNS} FROM ${byFact ? this.#by('fact') : 'reaction'} WHERE ${said.map(({ sql }) => sql).join(' AND ')} ORDER BY id DESC LIMIT ?`,
      [...said.map(({ value }) => value), query.limit],
    )
    return rows.map(readReaction)
  }

  async nextReaction(): Promise<Instant | null> {
    const row = await this.#database.first(`SELECT MIN(due_at) AS at FROM reaction WHERE state = 'waiting'`)
    return row === null ? null : timeOrNull(row, 'at')
  }

  async countWaiting(): Promise<number> {
    const row = await this.#database.first(`SELECT COUNT(*) AS n FROM reaction WHERE state = 'waiting'`)
    return row === null ? 0 : count(row, 'n')
  }

  #by(index: 'fact' | 'delivery'): string {
    return using(this.#database.backend, 'reaction', `reaction_${index}`)
  }

  async pruneReactions(before: Instant, limit: number): Promise<number> {
    return this.#database.run(
      `DELETE FROM reaction WHERE (account, id) IN (
         SELECT account, id FROM reaction WHERE state IN ('done', 'dropped') AND finished_at < ? LIMIT ?)`,
      [before, limit],
    )
  }
}

function reactionRow(row: ReactionRow): readonly SqlValue[] {
  const { account, id, source, subject, factKey, kind, data, delivery, state } = row
  const { dueAt, attempts, done, error, createdAt, finishedAt } = row
  const head = [account, id, source, subject, factKey, kind, data, delivery, state]
  return [...head, dueAt, attempts, JSON.stringify(done), null, error, createdAt, finishedAt]
}

function readReaction(row: SqlRow): ReactionRow {
  return {
    account: text(row, 'account'),
    id: text(row, 'id'),
    source: text(row, 'source'),
    subject: text(row, 'subject'),
    factKey: text(row, 'fact_key'),
    kind: oneOf(row, 'kind', KINDS),
    data: text(row, 'data'),
    delivery: textOrNull(row, 'delivery'),
    state: oneOf(row, 'state', STATES),
    dueAt: time(row, 'due_at'),
    attempts: count(row, 'attempts'),
    done: readNames(text(row, 'done')),
    error: textOrNull(row, 'error'),
    createdAt: time(row, 'created_at'),
    finishedAt: timeOrNull(row, 'finished_at'),
  }
}

function readNames(json: string): readonly string[] {
  const names: unknown = JSON.parse(json)
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
}

function isFactKind(kind: string): kind is FactKind {
  return Object.hasOwn(FACT_KINDS, kind)
}
