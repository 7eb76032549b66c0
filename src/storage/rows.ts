import { BillhookError } from '../model/error.ts'
import { instant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { Database, SqlRow, SqlValue, Statements } from './database.ts'
import { rowsOf } from './placeholders.ts'

/** The statements of the transaction, or those outside any. */
export function on(database: Database, transaction: Transaction | null): Statements {
  return transaction === null ? database : database.within(transaction)
}

/**
 * A table with the index to be used. The embedded planner knows nothing of how much an account holds, takes it for little,
 * and would read all of it by the primary key; PostgreSQL counts.
 */
export function using(backend: Database['backend'], table: string, index: string): string {
  return backend === 'embedded' ? `${table} INDEXED BY ${index}` : table
}

/** A column that holds a text. @throws BillhookError `internal_invariant` if it does not */
export function text(row: SqlRow, column: string): string {
  const value = row[column]
  return typeof value === 'string' ? value : wrong(row, column)
}

/** A text column that may be null. @throws BillhookError `internal_invariant` */
export function textOrNull(row: SqlRow, column: string): string | null {
  return row[column] === null ? null : text(row, column)
}

/** A column that holds a whole number. @throws BillhookError `internal_invariant` if it does not */
export function count(row: SqlRow, column: string): number {
  const value = row[column]
  return typeof value === 'number' ? value : wrong(row, column)
}

/** A column that holds milliseconds since the epoch. */
export function time(row: SqlRow, column: string): Instant {
  return instant(count(row, column))
}

/** A time column that may be null. @throws BillhookError `internal_invariant` */
export function timeOrNull(row: SqlRow, column: string): Instant | null {
  return row[column] === null ? null : time(row, column)
}

/** A column of bytes. @throws BillhookError `internal_invariant` */
export function bytes(row: SqlRow, column: string): Uint8Array {
  const value = row[column]
  return value instanceof Uint8Array ? value : wrong(row, column)
}

/** A column that holds one of `members`. @throws BillhookError `internal_invariant` if it does not */
export function oneOf<T extends string>(row: SqlRow, column: string, members: readonly T[]): T {
  return members.find((member) => member === row[column]) ?? wrong(row, column)
}

function wrong(row: SqlRow, column: string): never {
  const value = row[column]
  throw new BillhookError(
    'internal_invariant',
    `the store's column ${column} holds ${value === undefined ? 'nothing' : typeof value}, which does not belong there`,
  )
}

/** Rows of one insert. */
export interface Insert {
  /** `table (column, column)` */
  readonly into: string
  readonly rows: readonly (readonly SqlValue[])[]
  /** What follows the values, such as `ON CONFLICT DO NOTHING`. */
  readonly after?: string
}

/**
 * Inserts any number of rows. On PostgreSQL in few statements of many rows, whose number of rows is a power of two so
 * that few texts are prepared; on the embedded backend one prepared statement is run for each row, which is as fast.
 *
 * @returns how many rows were inserted or changed
 */
export async function insert(statements: Statements, backend: Database['backend'], what: Insert): Promise<number> {
  const { into, rows, after = '' } = what
  const columns = rows[0]?.length ?? 0
  let changed = 0
  if (backend === 'embedded') {
    // One text for all rows: looking its statement up by a text that was joined again costs as much as running it.
    const sql = `INSERT INTO ${into} VALUES ${rowsOf(1, columns)} ${after}`
    return statements.runEach(sql, rows)
  }
  for (let from = 0; from < rows.length;) {
    const size = powerOfTwo(Math.min(rows.length - from, MAX_ROWS))
    const values = rows.slice(from, from + size).flat()
    changed += await statements.run(`INSERT INTO ${into} VALUES ${rowsOf(size, columns)} ${after}`, values)
    from += size
  }
  return changed
}

/** With the widest row here a statement stays far below the 65,535 values that PostgreSQL takes. */
const MAX_ROWS = 128

/** The largest power of two that is not larger than `n`. */
function powerOfTwo(n: number): number {
  return 2 ** Math.floor(Math.log2(n))
}

/**
 * Values for an `IN` list, made up to a power of two by repeating the last, so that few texts are prepared.
 */
export function padded<T extends SqlValue>(values: readonly T[]): readonly T[] {
  const last = values.at(-1)
  if (last === undefined) return values
  const size = 2 ** Math.ceil(Math.log2(values.length))
  return [...values, ...Array.from({ length: size - values.length }, () => last)]
}

/** Most members of one `IN` list; longer lists are asked for in parts. */
const MAX_MEMBERS = 256

/** `values` in parts that one statement takes. */
export function parts<T>(values: readonly T[]): readonly (readonly T[])[] {
  const all: T[][] = []
  for (let from = 0; from < values.length; from += MAX_MEMBERS) all.push(values.slice(from, from + MAX_MEMBERS))
  return all
}
