import { BillhookError } from '../model/error.ts'
import type { SqlValue } from './database.ts'

/** Texts come from our own code, so their number is bounded; the bound guards against a text with values in it. */
const MAX_TEXTS = 5_000
const known = new Map<string, { readonly text: string; readonly count: number }>()

/**
 * A statement with `?` for each value, written with `$1`, `$2`, … A `?` anywhere else (in a text, in an operator) is not
 * possible: it is counted as a value, and the numbers must agree.
 *
 * @throws BillhookError `internal_invariant` if the statement does not have one `?` for each value
 */
export function numbered(sql: string, values: number): string {
  let entry = known.get(sql)
  if (entry === undefined) {
    let count = 0
    const text = sql.replaceAll('?', () => `$${(count += 1)}`)
    entry = { text, count }
    if (known.size < MAX_TEXTS) known.set(sql, entry)
  }
  if (entry.count !== values)
    throw new BillhookError('internal_invariant', `a statement with ${entry.count} places was given ${values} values`)
  return entry.text
}

/**
 * Values as both backends can keep them: a NUL in a text, which a sender may well have written, becomes U+FFFD.
 * PostgreSQL refuses it, SQLite would cut the text there.
 */
export function storable(values: readonly SqlValue[]): readonly SqlValue[] {
  return values.some(hasNul) ? values.map(withoutNul) : values
}

function hasNul(value: SqlValue): boolean {
  return typeof value === 'string' && value.includes('\0')
}

function withoutNul(value: SqlValue): SqlValue {
  return typeof value === 'string' ? value.replaceAll('\0', '\uFFFD') : value
}

/** `(?, ?), (?, ?)`: the values of a multi-row insert. */
export function rowsOf(rows: number, columns: number): string {
  const key = rows * 100 + columns
  const made = rowTexts.get(key)
  if (made !== undefined) return made
  const row = `(${Array.from({ length: columns }, () => '?').join(', ')})`
  const text = Array.from({ length: rows }, () => row).join(', ')
  rowTexts.set(key, text)
  return text
}

/** Few: numbers of rows are powers of two or bounded, and there are few widths. */
const rowTexts = new Map<number, string>()

/** `?, ?, ?`: the members of an `IN` list. */
export function listOf(members: number): string {
  return Array.from({ length: members }, () => '?').join(', ')
}
