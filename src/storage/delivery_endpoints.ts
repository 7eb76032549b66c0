import { isObject, readModel, writeModel } from '../model/json.ts'
import { BillhookError } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import type { Endpoint, EndpointStore, HealthDue, HealthReport, StoredSigningKey } from '../ports/endpoint_store.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { Database, SqlRow, Statements } from './database.ts'
import { count, text, time, timeOrNull } from './rows.ts'
import { listOf } from './placeholders.ts'

/** Endpoints, their health and signing keys, on either backend. */
export function createEndpointStore(database: Database): EndpointStore {
  return new SqlEndpointStore(database)
}

class SqlEndpointStore implements EndpointStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async insert(transaction: Transaction | null, endpoint: Endpoint): Promise<void> {
    await this.#change(transaction, async (statements) => {
      const made = await statements.run(
        'INSERT INTO delivery_endpoint (account, id, state, revision, data) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
        [endpoint.account, endpoint.id, endpoint.state, endpoint.revision, dataOf(endpoint)],
      )
      if (made === 0)
        throw new BillhookError('conflict', `the account has an endpoint ${endpoint.id} already; choose another id`)
      await bump(statements, endpoint.account)
      return true
    })
  }

  async replace(transaction: Transaction | null, endpoint: Endpoint): Promise<boolean> {
    return this.#change(transaction, async (statements) => {
      const changed = await statements.run(
        'UPDATE delivery_endpoint SET state = ?, revision = ?, data = ? WHERE account = ? AND id = ? AND revision = ?',
        [endpoint.state, endpoint.revision, dataOf(endpoint), endpoint.account, endpoint.id, endpoint.revision - 1],
      )
      if (changed === 1) await bump(statements, endpoint.account)
      return changed === 1
    })
  }

  async remove(transaction: Transaction | null, account: string, id: string): Promise<boolean> {
    return this.#change(transaction, async (statements) => {
      const changed = await statements.run('DELETE FROM delivery_endpoint WHERE account = ? AND id = ?', [account, id])
      if (changed === 1) await bump(statements, account)
      return changed === 1
    })
  }

  async one(transaction: Transaction | null, account: string, id: string): Promise<Endpoint | null> {
    const row = await this.#in(transaction).first('SELECT * FROM delivery_endpoint WHERE account = ? AND id = ?', [
      account,
      id,
    ])
    return row === null ? null : endpointOf(row)
  }

  async all(transaction: Transaction | null, account: string): Promise<readonly Endpoint[]> {
    const rows = await this.#in(transaction).all('SELECT * FROM delivery_endpoint WHERE account = ? ORDER BY id', [
      account,
    ])
    return rows.map(endpointOf)
  }

  async revisions(transaction: Transaction | null, accounts: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#in(transaction).all(
      `SELECT account, revision FROM delivery_revision WHERE account IN (${listOf(accounts.length)})`,
      accounts,
    )
    const known = new Map(rows.map((row) => [text(row, 'account'), count(row, 'revision')]))
    return new Map(accounts.map((account) => [account, known.get(account) ?? 0]))
  }

  async reportHealth(reports: readonly HealthReport[]): Promise<void> {
    if (reports.length === 0) return
    // In one order on every node: two flushes must not wait for each other.
    const sorted = [...reports].sort((a, b) => (a.account + a.endpoint < b.account + b.endpoint ? -1 : 1))
    await this.#database.transaction(async (transaction) => {
      const statements = this.#in(transaction)
      for (const report of sorted) await reportOne(statements, report)
    })
  }

  async healthDue(now: Instant, limit: number): Promise<readonly HealthDue[]> {
    const rows = await this.#database.all(
      `SELECT account, id, check_at FROM delivery_endpoint WHERE check_at <= ? AND clock = 'real' ORDER BY check_at LIMIT ?`,
      [now, limit],
    )
    return rows.map(healthDueOf)
  }

  async healthDueOf(account: string, until: Instant | null): Promise<readonly HealthDue[]> {
    const rows = await this.#database.all(
      `SELECT account, id, check_at FROM delivery_endpoint WHERE account = ? AND check_at IS NOT NULL
         AND clock = 'test'${until === null ? '' : ' AND check_at <= ?'} ORDER BY check_at, id`,
      until === null ? [account] : [account, until],
    )
    return rows.map(healthDueOf)
  }

  async markHealth(
    transaction: Transaction,
    due: HealthDue,
    failingSince: Instant | null,
    next: { readonly checkAt: Instant | null; readonly warnedAt: Instant | null },
  ): Promise<boolean> {
    const since = failingSince === null ? 'failing_since IS NULL' : 'failing_since = ?'
    const changed = await this.#in(transaction).run(
      `UPDATE delivery_endpoint SET check_at = ?, warned_at = ? WHERE account = ? AND id = ? AND check_at = ? AND ${since}`,
      [
        next.checkAt,
        next.warnedAt,
        due.account,
        due.endpoint,
        due.checkAt,
        ...(failingSince === null ? [] : [failingSince]),
      ],
    )
    return changed === 1
  }

  async resetHealth(transaction: Transaction, account: string, endpoint: string): Promise<void> {
    await this.#in(transaction).run(
      'UPDATE delivery_endpoint SET failing_since = NULL, warned_at = NULL, check_at = NULL WHERE account = ? AND id = ?',
      [account, endpoint],
    )
  }

  async insertSigningKey(transaction: Transaction, key: StoredSigningKey): Promise<void> {
    await this.#in(transaction).run(
      'INSERT INTO delivery_signing_key (account, key_id, locked_pem, jwk, created_at, retires_at) VALUES (?, ?, ?, ?, ?, ?)',
      [key.account, key.keyId, key.lockedPem, key.jwk, key.createdAt, key.retiresAt],
    )
  }

  async retireSigningKeys(transaction: Transaction, account: string, at: Instant): Promise<void> {
    await this.#in(transaction).run(
      'UPDATE delivery_signing_key SET retires_at = ? WHERE account = ? AND retires_at IS NULL',
      [at, account],
    )
  }

  async signingKeys(transaction: Transaction | null, account: string): Promise<readonly StoredSigningKey[]> {
    const rows = await this.#in(transaction).all(
      `SELECT account, key_id, locked_pem, jwk, created_at, retires_at FROM delivery_signing_key WHERE account = ?
       ORDER BY CASE WHEN retires_at IS NULL THEN 0 ELSE 1 END, created_at DESC, key_id`,
      [account],
    )
    return rows.map((row) => ({
      account: text(row, 'account'),
      keyId: text(row, 'key_id'),
      lockedPem: text(row, 'locked_pem'),
      jwk: text(row, 'jwk'),
      createdAt: time(row, 'created_at'),
      retiresAt: timeOrNull(row, 'retires_at'),
    }))
  }

  #in(transaction: Transaction | null): Statements {
    return transaction === null ? this.#database : this.#database.within(transaction)
  }

  async #change(transaction: Transaction | null, work: (statements: Statements) => Promise<boolean>): Promise<boolean> {
    if (transaction !== null) return work(this.#in(transaction))
    return this.#database.transaction((transaction) => work(this.#in(transaction)))
  }
}

/** Nodes compare this number with that of their copy. */
async function bump(statements: Statements, account: string): Promise<void> {
  await statements.run(
    `INSERT INTO delivery_revision (account, revision) VALUES (?, 1)
     ON CONFLICT (account) DO UPDATE SET revision = delivery_revision.revision + 1`,
    [account],
  )
}

/** A success ends a stretch of failures; a failure begins one, or finds one begun. */
async function reportOne(statements: Statements, report: HealthReport): Promise<void> {
  const { account, endpoint, lastSuccessAt, lastFailureAt, failingSince, checkAt, clock } = report
  const times = [lastSuccessAt, lastFailureAt]
  if (failingSince === null) {
    await statements.run(
      `UPDATE delivery_endpoint SET last_success_at = COALESCE(?, last_success_at), last_failure_at = COALESCE(?, last_failure_at),
         failing_since = NULL, warned_at = NULL, check_at = NULL WHERE account = ? AND id = ?`,
      [...times, account, endpoint],
    )
    return
  }
  const begun = lastSuccessAt === null ? 'failing_since' : 'NULL'
  await statements.run(
    `UPDATE delivery_endpoint SET last_success_at = COALESCE(?, last_success_at), last_failure_at = COALESCE(?, last_failure_at),
       check_at = CASE WHEN ${begun} IS NULL THEN CAST(? AS BIGINT) ELSE check_at END,
       warned_at = CASE WHEN ${begun} IS NULL THEN NULL ELSE warned_at END,
       failing_since = COALESCE(${begun}, CAST(? AS BIGINT)), clock = ? WHERE account = ? AND id = ?`,
    [...times, checkAt, failingSince, clock, account, endpoint],
  )
}

function healthDueOf(row: SqlRow): HealthDue {
  return { account: text(row, 'account'), endpoint: text(row, 'id'), checkAt: time(row, 'check_at') }
}

/** What is kept as JSON: all but the health, which changes on its own. */
function dataOf(endpoint: Endpoint): string {
  const { health: _health, ...data } = endpoint
  return writeModel(data)
}

function endpointOf(row: SqlRow): Endpoint {
  const data = readModel(text(row, 'data'))
  if (!isEndpointData(data))
    throw new BillhookError('internal_invariant', `the stored endpoint ${text(row, 'id')} cannot be read`)
  return {
    ...data,
    health: {
      failingSince: timeOrNull(row, 'failing_since'),
      lastSuccessAt: timeOrNull(row, 'last_success_at'),
      lastFailureAt: timeOrNull(row, 'last_failure_at'),
      warnedAt: timeOrNull(row, 'warned_at'),
    },
  }
}

/** Written by {@link dataOf} alone: the members that decide what it is are looked at, the rest is as it was written. */
function isEndpointData(data: unknown): data is Omit<Endpoint, 'health'> {
  return (
    isObject(data) &&
    typeof data['account'] === 'string' &&
    typeof data['id'] === 'string' &&
    typeof data['url'] === 'string' &&
    typeof data['dialect'] === 'string' &&
    typeof data['state'] === 'string' &&
    typeof data['revision'] === 'number' &&
    Array.isArray(data['eventTypes']) &&
    Array.isArray(data['secrets'])
  )
}
