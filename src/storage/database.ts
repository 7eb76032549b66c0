import type { Transaction, Transactions } from '../ports/transaction.ts'

/** What a statement takes and gives: text, whole numbers (times as milliseconds), bytes, null. Booleans are 0 and 1. */
export type SqlValue = string | number | bigint | Uint8Array | null

/** A row as the driver gave it: numbers for integers on both backends, `Uint8Array` for bytes. */
export type SqlRow = Readonly<Record<string, SqlValue>>

/**
 * Runs statements. SQL is written once for both backends with `?` for each value; what differs (`FOR UPDATE SKIP LOCKED`,
 * hot multi-row statements) is chosen by {@link Database.backend}.
 */
export interface Statements {
  /** All rows. */
  all(sql: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>
  /** The first row, or null. */
  first(sql: string, values?: readonly SqlValue[]): Promise<SqlRow | null>
  /** Number of rows changed. */
  run(sql: string, values?: readonly SqlValue[]): Promise<number>
  /** Runs one statement for each row of values, in order. Number of rows changed. */
  runEach(sql: string, rows: readonly (readonly SqlValue[])[]): Promise<number>
}

/** One of the two backends. */
export interface Database extends Statements, Transactions, AsyncDisposable {
  readonly backend: 'embedded' | 'postgres'
  /** The statements of an open transaction. @throws BillhookError `internal_invariant` if it is not of this database */
  within(transaction: Transaction): Statements
  close(): Promise<void>
}
