import { randomInt } from 'node:crypto'
import { Pool, TypeOverrides } from 'pg'
import type { ClientBase, QueryResult } from 'pg'
import { BillhookError, messageOf } from '../model/error.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { Database, SqlRow, SqlValue, Statements } from './database.ts'
import { numbered, storable } from './placeholders.ts'

/** How PostgreSQL is reached. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, with the parameters that libpq knows. */
  readonly databaseUrl: string
  /** The schema that the tables live in; null: the user's default. Small letters, digits and `_`. */
  readonly schema: string | null
  /** Most connections at a time. */
  readonly maxConnections: number
  /** A statement that takes longer is ended by the server, in milliseconds. */
  readonly statementTimeoutMs: number
}

/** Bounds unless the caller says otherwise. */
export const POSTGRES_DEFAULTS = { maxConnections: 10, statementTimeoutMs: 30_000 } as const

/** Waiting longer for a connection means that the database does not answer. */
const CONNECT_TIMEOUT_MS = 5_000

/** How often a transaction is begun again after a serialization failure or a deadlock. */
const MAX_TRIES = 8

/** Statements that the server prepares by name; the other texts are sent whole each time. */
const MAX_NAMED = 500

/** SQLSTATE: serialization_failure, deadlock_detected. */
const TRY_AGAIN = new Set(['40001', '40P01'])

/** Codes of Node and classes of SQLSTATE that mean: the database does not answer, whoever asks. */
const UNAVAILABLE =
  /^(ECONN|EPIPE|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOENT|EACCES|08|53|57P|57014|58|25006|28|3D)/

/**
 * The PostgreSQL backend: a pool of connections, `?` written as `$1`, whole numbers read as numbers, truth values as 0
 * and 1, bytes as `Uint8Array`, on both sides as on the embedded backend.
 */
export class PostgresDatabase implements Database {
  readonly backend = 'postgres'
  readonly #pool: Pool
  readonly #open = new WeakMap<Transaction, Statements>()
  readonly #schema: string | null
  readonly #readers = readers()
  #closing: Promise<void> | null = null

  constructor(options: PostgresOptions) {
    this.#schema = options.schema
    if (options.schema !== null && !/^[a-z_][a-z0-9_]{0,62}$/.test(options.schema))
      throw new BillhookError('config_invalid', `${options.schema} cannot be the name of a schema: use a-z, 0-9 and _`)
    this.#pool = new Pool({
      connectionString: options.databaseUrl,
      max: options.maxConnections,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: options.statementTimeoutMs,
      idle_in_transaction_session_timeout: options.statementTimeoutMs,
      application_name: 'billhook',
      keepAlive: true,
      types: this.#readers,
      ...(options.schema === null ? {} : { options: `-c search_path=${options.schema}` }),
    })
    // Without a listener, a connection that breaks while nobody waits for it would end the process. The next statement
    // on it fails and says why.
    this.#pool.on('error', () => undefined)
    this.#pool.on('connect', (client) => client.on('error', () => undefined))
  }

  async all(sql: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return (await query(this.#pool, sql, values)).rows
  }

  async first(sql: string, values: readonly SqlValue[] = []): Promise<SqlRow | null> {
    return (await query(this.#pool, sql, values)).rows[0] ?? null
  }

  async run(sql: string, values: readonly SqlValue[] = []): Promise<number> {
    return (await query(this.#pool, sql, values)).rowCount ?? 0
  }

  async runEach(sql: string, rows: readonly (readonly SqlValue[])[]): Promise<number> {
    return this.transaction((transaction) => this.within(transaction).runEach(sql, rows))
  }

  async transaction<T>(
    work: (transaction: Transaction) => Promise<T>,
    options: { readonly durable: boolean } = { durable: true },
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#runTransaction(work, options.durable)
      } catch (error) {
        if (attempt >= MAX_TRIES || !TRY_AGAIN.has(codeOf(error))) throw meaningOf(error)
        await new Promise((resolve) => setTimeout(resolve, randomInt(1, 5 * 2 ** attempt)))
      }
    }
  }

  within(transaction: Transaction): Statements {
    const statements = this.#open.get(transaction)
    if (statements === undefined)
      throw new BillhookError('internal_invariant', 'a transaction was used after its end, or with another store')
    return statements
  }

  /**
   * Runs `work` inside the transaction that the caller has open on a client of its own: nothing is committed or rolled
   * back here. The client's search path is as it was when `work` ends.
   */
  async join<T>(client: ClientBase, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const transaction: Transaction = { backend: 'postgres', native: client }
    const statements = asStatements(client, this.#readers)
    const path = this.#schema === null ? null : await statements.first(`SELECT current_setting('search_path') AS path`)
    if (path !== null) await statements.run(`SELECT set_config('search_path', ?, true)`, [this.#schema])
    this.#open.set(transaction, statements)
    try {
      return await work(transaction)
    } finally {
      this.#open.delete(transaction)
      // After a failed statement the transaction takes no more, and its rollback restores the path.
      const before = path?.['path'] ?? null
      if (before !== null) await statements.run(`SELECT set_config('search_path', ?, true)`, [before]).catch(() => 0)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#pool.end()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #runTransaction<T>(work: (transaction: Transaction) => Promise<T>, durable: boolean): Promise<T> {
    if (this.#closing !== null)
      throw new BillhookError('shutting_down', 'the store is closed and accepts no transactions')
    const client = await this.#pool.connect()
    const transaction: Transaction = { backend: 'postgres', native: client }
    let broken: Error | undefined
    try {
      await client.query(durable ? 'BEGIN' : 'BEGIN; SET LOCAL synchronous_commit TO off')
      this.#open.set(transaction, asStatements(client))
      const result = await work(transaction)
      await client.query('COMMIT')
      return result
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: unknown) => {
        broken = failure instanceof Error ? failure : new Error(messageOf(failure))
      })
      throw error
    } finally {
      this.#open.delete(transaction)
      // A connection that cannot roll back is closed, not handed to the next one.
      client.release(broken)
    }
  }
}

const names = new Map<string, string>()

/** The name under which a connection keeps the prepared statement of this text. */
function nameOf(text: string): string | undefined {
  const known = names.get(text)
  if (known !== undefined || names.size >= MAX_NAMED) return known
  const name = `billhook_${names.size}`
  names.set(text, name)
  return name
}

async function query(
  on: Pool | ClientBase,
  sql: string,
  values: readonly SqlValue[],
  types: TypeOverrides | null = null,
): Promise<QueryResult<SqlRow>> {
  const text = numbered(sql, values.length)
  const name = nameOf(text)
  try {
    return await on.query<SqlRow>({
      text,
      values: [...storable(values)],
      ...(name === undefined ? {} : { name }),
      ...(types === null ? {} : { types }),
    })
  } catch (error) {
    throw TRY_AGAIN.has(codeOf(error)) ? error : meaningOf(error)
  }
}

/** @param types how the values of a client that is not ours are read; null: the client reads them so itself */
function asStatements(client: ClientBase, types: TypeOverrides | null = null): Statements {
  return {
    all: async (sql, values = []) => (await query(client, sql, values, types)).rows,
    first: async (sql, values = []) => (await query(client, sql, values, types)).rows[0] ?? null,
    run: async (sql, values = []) => (await query(client, sql, values, types)).rowCount ?? 0,
    runEach: async (sql, rows) => {
      let changed = 0
      for (const values of rows) changed += (await query(client, sql, values, types)).rowCount ?? 0
      return changed
    },
  }
}

/** How types are read that differ from the driver's, by their OID: bool, bytea, int8, numeric. @source pg_type.dat */
function readers(): TypeOverrides {
  const types = new TypeOverrides()
  types.setTypeParser(16, (text) => (text === 't' ? 1 : 0))
  types.setTypeParser(17, bytesOf)
  types.setTypeParser(20, wholeNumber)
  types.setTypeParser(1700, wholeNumber)
  return types
}

/** int8, and numeric as sums of int8 are: a number where that is exact; a fraction stays text. */
function wholeNumber(text: string): SqlValue {
  if (!/^-?\d+$/.test(text)) return text
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : BigInt(text)
}

function bytesOf(text: string): Uint8Array {
  const bytes = Buffer.from(text.slice(2), 'hex')
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function meaningOf(error: unknown): unknown {
  const message = messageOf(error)
  const lost = /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered)/.test(message)
  if (error instanceof BillhookError || !(lost || UNAVAILABLE.test(codeOf(error)))) return error
  return new BillhookError('store_unavailable', `PostgreSQL failed: ${message}`, {
    cause: error,
    details: { code: codeOf(error) },
  })
}
