/** Puts the outcome of a re-fold, kept under a name of its own, in the place of what a source had before. */
import type { Instant } from '../model/instant.ts'
import type { SourceRef } from '../ports/ledger_store.ts'
import type { SqlValue, Statements } from './database.ts'

const TABLES = ['membership', 'observation', 'object', 'subject_group'] as const

/** Removes everything that the ledger keeps of a source. */
export async function dropLedger(statements: Statements, of: SourceRef): Promise<void> {
  for (const table of [...TABLES, 'fact', 'access_state']) {
    await statements.run(`DELETE FROM ${table} WHERE account = ? AND source = ?`, [of.account, of.source])
  }
}

/**
 * Facts keep the time and the delivery that they were first told with; those that the re-fold does not know are taken
 * back, not removed. Changes of access are no outcome of a fold: they stay, and each answer is looked at again at `at`.
 */
export async function replaceLedger(
  statements: Statements,
  of: SourceRef,
  shadow: SourceRef,
  at: Instant,
): Promise<void> {
  const own: readonly SqlValue[] = [of.account, of.source]
  const other: readonly SqlValue[] = [shadow.account, shadow.source]
  const twin = `SELECT 1 FROM fact t WHERE t.account = ? AND t.source = ? AND t.fact_key = fact.fact_key`
  const derived = `account = ? AND source = ? AND kind <> 'access_changed'`
  await statements.run(
    `UPDATE fact SET retracted_at = ? WHERE ${derived} AND retracted_at IS NULL AND NOT EXISTS (${twin})`,
    [at, ...own, ...other],
  )
  await statements.run(
    `UPDATE fact SET told_at = ${told('told_at')}, delivery = ${told('delivery')} WHERE ${derived}`,
    [...own, ...own, ...other],
  )
  await statements.run(`DELETE FROM fact WHERE ${derived} AND EXISTS (${twin})`, [...own, ...other])
  for (const table of TABLES) {
    await statements.run(`DELETE FROM ${table} WHERE account = ? AND source = ?`, own)
    await statements.run(`UPDATE ${table} SET source = ? WHERE account = ? AND source = ?`, [of.source, ...other])
  }
  await statements.run(`UPDATE fact SET source = ? WHERE ${derived}`, [of.source, ...other])
  await dropLedger(statements, shadow)
  await mendGroups(statements, of, at)
}

/** What stayed belongs to the groups that its subjects are in now. */
async function mendGroups(statements: Statements, of: SourceRef, at: Instant): Promise<void> {
  const own: readonly SqlValue[] = [of.account, of.source]
  await statements.run(
    `UPDATE fact SET subject_group = COALESCE(${groupOf('fact', `'subscription:' || fact.subscription`)},
       ${groupOf('fact', `'customer:' || fact.customer`)}, '')
     WHERE account = ? AND source = ? AND NOT EXISTS (SELECT 1 FROM subject_group g
       WHERE g.account = fact.account AND g.source = fact.source AND g.id = fact.subject_group)`,
    own,
  )
  await statements.run(
    `UPDATE access_state SET subject_group = COALESCE(${groupOf('access_state', `'customer:' || access_state.customer`)}, ''),
       turns_at = ? WHERE account = ? AND source = ?`,
    [at, ...own],
  )
}

/** A column as the fact with the same key in another source has it. */
function told(column: string): string {
  return `COALESCE((SELECT t.${column} FROM fact t WHERE t.account = ? AND t.source = ? AND t.fact_key = fact.fact_key), ${column})`
}

function groupOf(table: string, reference: string): string {
  return `(SELECT m.subject_group FROM membership m WHERE m.account = ${table}.account AND m.source = ${table}.source AND m.reference = ${reference})`
}
