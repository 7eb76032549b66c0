import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { StatementSync } from 'node:sqlite'
import { BillhookError, messageOf } from '../model/error.ts'
import type { Transaction } from '../ports/transaction.ts'
import { Checkpointer } from './checkpointer.ts'
import type { Database, SqlRow, SqlValue, Statements } from './database.ts'
import { FileSync } from './file_sync.ts'
import { numbered, storable } from './placeholders.ts'

/** How the embedded backend is opened. */
export interface SqliteOptions {
  /** Folder of the database, made if it is not there. Null: a temporary folder, removed on closing. */
  readonly dataFolder: string | null
  /** Where temporary folders are made; only for `dataFolder: null`. */
  readonly temporaryFolder: string
}

/** Prepared statements that are kept; texts come from our own code and multi-row batches, so their number is bounded. */
const MAX_STATEMENTS = 500

/** Result codes of SQLite (primary part) that mean: the file cannot be used now, whoever asks. @source sqlite.org/rescode.html */
const UNAVAILABLE = new Set([5, 6, 7, 8, 10, 11, 13, 14, 23, 26])

/**
 * The embedded backend: `node:sqlite` with a write-ahead log. One connection writes, its transactions run one after
 * another in the order in which they were asked for; another one serves reads outside transactions, which see what was
 * last committed. Work inside a transaction must not ask this database for another transaction: it would wait for itself.
 *
 * SQLite itself does not sync when it commits (`synchronous = NORMAL`: the log stays consistent, and is synced before
 * anything of it is copied into the database file). A durable transaction resolves when the log was synced after its
 * commit, off this thread: meanwhile requests are served and the next transactions run, and those that end during one
 * sync share the next.
 *
 * One process at a time: a second lock database is held open exclusively. The operating system drops that lock when the
 * process dies, however it dies.
 *
 * @throws BillhookError `store_locked` if another process, or another part of this one, uses the folder
 */
export class SqliteDatabase implements Database {
  readonly backend = 'embedded'
  readonly #folder: string
  readonly #temporary: boolean
  readonly #lock: DatabaseSync
  readonly #writer: Connection
  readonly #reader: Connection
  readonly #open = new WeakMap<Transaction, Statements>()
  /** Syncs the write-ahead log; null for a temporary store, of which nothing outlives it. */
  readonly #log: FileSync | null
  /** Copies the log into the file; null for a temporary store, whose commits wait for no disk. */
  readonly #checkpointer: Checkpointer | null
  #tail: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | null = null

  constructor(options: SqliteOptions) {
    this.#temporary = options.dataFolder === null
    this.#folder = folderOf(options)
    this.#lock = lockFolder(this.#folder)
    try {
      const file = join(this.#folder, 'billhook.db')
      makePrivate(file)
      this.#writer = new Connection(new DatabaseSync(file, { timeout: 0 }))
      this.#writer.native.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 32000',
      )
      if (this.#temporary) this.#writer.native.exec('PRAGMA synchronous = OFF')
      this.#reader = new Connection(new DatabaseSync(file, { readOnly: true, timeout: 0 }))
      this.#reader.native.exec('PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY')
      // Opened for writing, though nothing is written: Windows syncs no other.
      this.#log = this.#temporary ? null : new FileSync(() => open(`${file}-wal`, 'r+'))
      this.#checkpointer = this.#temporary ? null : new Checkpointer(file, (work) => this.#alone(work))
    } catch (error) {
      this.#lock.close()
      throw meaningOf(error)
    }
  }

  async all(sql: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    if (reads(sql)) return this.#reader.all(sql, values)
    return this.transaction((transaction) => this.within(transaction).all(sql, values))
  }

  async first(sql: string, values: readonly SqlValue[] = []): Promise<SqlRow | null> {
    if (reads(sql)) return this.#reader.first(sql, values)
    return this.transaction((transaction) => this.within(transaction).first(sql, values))
  }

  async run(sql: string, values: readonly SqlValue[] = []): Promise<number> {
    return this.transaction((transaction) => this.within(transaction).run(sql, values))
  }

  async runEach(sql: string, rows: readonly (readonly SqlValue[])[]): Promise<number> {
    return this.transaction((transaction) => this.within(transaction).runEach(sql, rows))
  }

  async transaction<T>(
    work: (transaction: Transaction) => Promise<T>,
    options: { readonly durable: boolean } = { durable: true },
  ): Promise<T> {
    if (this.#closing !== null)
      throw new BillhookError('shutting_down', 'the store is closed and accepts no transactions')
    const turn = this.#tail.then(() => this.#runTransaction(work))
    // The next one runs whatever became of this one; its caller alone is told of a failure.
    this.#tail = turn.catch(() => null)
    const result = await turn
    if (options.durable) await this.#log?.sync()
    return result
  }

  within(transaction: Transaction): Statements {
    const statements = this.#open.get(transaction)
    if (statements === undefined)
      throw new BillhookError('internal_invariant', 'a transaction was used after its end, or with another store')
    return statements
  }

  /** Waits for the transactions that were asked for before, then lets the folder go. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    await this.#tail
    await this.#checkpointer?.close()
    await this.#log?.close()
    this.#reader.native.close()
    this.#writer.native.close()
    this.#lock.close()
    if (this.#temporary) rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Runs work in its turn among the transactions, while none is open. */
  #alone(work: () => Promise<unknown>): Promise<unknown> {
    const turn = this.#tail.then(work)
    this.#tail = turn.catch(() => null)
    return turn
  }

  async #runTransaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const { native } = this.#writer
    const transaction: Transaction = { backend: 'embedded', native }
    this.#writer.run('BEGIN IMMEDIATE', [])
    this.#open.set(transaction, asStatements(this.#writer))
    try {
      const result = await work(transaction)
      this.#writer.run('COMMIT', [])
      this.#checkpointer?.committed()
      return result
    } catch (error) {
      // A full disk or a constraint may have ended the transaction already.
      if (native.isTransaction) this.#writer.run('ROLLBACK', [])
      throw error
    } finally {
      this.#open.delete(transaction)
    }
  }
}

/** One `node:sqlite` connection with its prepared statements. */
class Connection {
  readonly native: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(native: DatabaseSync) {
    this.native = native
  }

  all(sql: string, values: readonly SqlValue[]): readonly SqlRow[] {
    return guarded(() => this.#prepare(sql, values.length).all(...storable(values)))
  }

  first(sql: string, values: readonly SqlValue[]): SqlRow | null {
    return guarded(() => this.#prepare(sql, values.length).get(...storable(values)) ?? null)
  }

  run(sql: string, values: readonly SqlValue[]): number {
    return guarded(() => Number(this.#prepare(sql, values.length).run(...storable(values)).changes))
  }

  runEach(sql: string, rows: readonly (readonly SqlValue[])[]): number {
    const [first] = rows
    if (first === undefined) return 0
    return guarded(() => {
      const statement = this.#prepare(sql, first.length)
      let changed = 0
      for (const row of rows) {
        numbered(sql, row.length)
        changed += Number(statement.run(...storable(row)).changes)
      }
      return changed
    })
  }

  #prepare(sql: string, values: number): StatementSync {
    // The driver would take a missing value for null.
    numbered(sql, values)
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    if (this.#statements.size >= MAX_STATEMENTS) {
      const oldest = this.#statements.keys().next()
      if (oldest.done !== true) this.#statements.delete(oldest.value)
    }
    const statement = this.native.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

function asStatements(connection: Connection): Statements {
  return {
    all: async (sql, values = []) => connection.all(sql, values),
    first: async (sql, values = []) => connection.first(sql, values),
    run: async (sql, values = []) => connection.run(sql, values),
    runEach: async (sql, rows) => connection.runEach(sql, rows),
  }
}

/** Only what begins so can be served by the connection that cannot write. */
function reads(sql: string): boolean {
  return /^\s*(select|with|explain)\b/i.test(sql)
}

function folderOf(options: SqliteOptions): string {
  try {
    if (options.dataFolder === null) return mkdtempSync(join(options.temporaryFolder, 'billhook-'))
    mkdirSync(options.dataFolder, { recursive: true, mode: 0o700 })
    return options.dataFolder
  } catch (error) {
    throw new BillhookError('store_unavailable', `the data folder cannot be created: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** A new file is its owner's alone, also in a folder that others may look into. The log gets the same mode. */
function makePrivate(file: string): void {
  try {
    closeSync(openSync(file, 'a', 0o600))
  } catch (error) {
    throw new BillhookError('store_unavailable', `the database file cannot be opened: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function lockFolder(folder: string): DatabaseSync {
  let lock: DatabaseSync | null = null
  try {
    lock = new DatabaseSync(join(folder, 'billhook.lock'), { timeout: 0 })
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock?.close()
    if (codeOf(error) !== 5) throw meaningOf(error)
    throw new BillhookError(
      'store_locked',
      `the data folder ${folder} is in use by another process; stop that one, give this one another folder, or use PostgreSQL`,
      { cause: error, details: { folder } },
    )
  }
}

function guarded<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw meaningOf(error)
  }
}

/** The primary result code of SQLite, or null. */
function codeOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null
  return error.errcode & 0xff
}

function meaningOf(error: unknown): unknown {
  const code = codeOf(error)
  if (code === null || !UNAVAILABLE.has(code)) return error
  return new BillhookError('store_unavailable', `the embedded store cannot be used: ${messageOf(error)}`, {
    cause: error,
    details: { sqlite: code },
  })
}
