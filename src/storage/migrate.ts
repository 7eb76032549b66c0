import { readFile, readdir } from 'node:fs/promises'
import { BillhookError } from '../model/error.ts'
import type { Database } from './database.ts'

/** One numbered step of the schema, forward only. */
export interface Migration {
  readonly version: number
  readonly name: string
  /** True if its first line is `--! breaking`: an older Billhook cannot work with what it makes. */
  readonly breaking: boolean
  readonly statements: readonly string[]
}

/** What each backend's folder is called beside this file. */
const FOLDERS = { embedded: 'sqlite', postgres: 'postgres' } as const

/**
 * The migrations of a backend, in order: files `NNNN_name.sql`.
 *
 * @throws BillhookError `internal_invariant` if two have the same number
 */
export async function loadMigrations(backend: Database['backend']): Promise<readonly Migration[]> {
  const folder = new URL(`./migrations/${FOLDERS[backend]}/`, import.meta.url)
  const files = (await readdir(folder)).filter((file) => /^\d{4}_[a-z0-9_]+\.sql$/.test(file)).sort()
  const migrations = await Promise.all(
    files.map(async (file) => readMigration(file, await readFile(new URL(file, folder), 'utf8'))),
  )
  const versions = new Set(migrations.map(({ version }) => version))
  if (versions.size !== migrations.length)
    throw new BillhookError('internal_invariant', `two migrations have the same number among ${files.join(', ')}`)
  return migrations
}

/** Takes a file apart. A statement ends with a semicolon at the end of a line; comments are whole lines. */
export function readMigration(file: string, text: string): Migration {
  const lines = text.split('\n')
  return {
    version: Number(file.slice(0, 4)),
    name: file.slice(5, -'.sql'.length),
    breaking: lines[0]?.trim() === '--! breaking',
    statements: lines
      .filter((line) => !line.trimStart().startsWith('--'))
      .join('\n')
      .split(/;[ \t]*(?:\n|$)/)
      .map((statement) => statement.trim())
      .filter((statement) => statement !== ''),
  }
}

/**
 * Brings the schema up to date. Several nodes may do so at once: each step takes a lock, writes its version row first,
 * and is left out by whoever finds the row there. Steps that a newer node has made are left alone, unless one is breaking.
 *
 * @returns the steps that this call made
 * @throws BillhookError `store_newer` if a newer Billhook made a breaking step
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<readonly Migration[]> {
  const applied = await prepare(database, migrations)
  const made: Migration[] = []
  for (const migration of migrations) {
    if (!applied.has(migration.version) && (await apply(database, migration))) made.push(migration)
  }
  return made
}

/** Two nodes must not alter the same schema at once; the lock is dropped with the transaction. */
async function lock(database: Database, run: (sql: string) => Promise<unknown>): Promise<void> {
  if (database.backend === 'embedded') return
  await run('SET LOCAL statement_timeout = 0')
  await run(`SELECT pg_advisory_xact_lock(hashtext('billhook migrations in ' || current_schema()))`)
}

async function prepare(database: Database, migrations: readonly Migration[]): Promise<ReadonlySet<number>> {
  const rows = await database.transaction(async (transaction) => {
    const statements = database.within(transaction)
    await lock(database, (sql) => statements.run(sql))
    await statements.run(
      'CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, breaking BIGINT NOT NULL)',
    )
    return statements.all('SELECT version, name, breaking FROM schema_version ORDER BY version')
  })
  const known = new Set(migrations.map(({ version }) => version))
  const newer = rows.find((row) => row['breaking'] === 1 && !known.has(Number(row['version'])))
  if (newer !== undefined)
    throw new BillhookError(
      'store_newer',
      `a newer Billhook changed this store (step ${newer['version']}, ${newer['name']}) in a way that this version cannot work with; run the newer version`,
    )
  return new Set(rows.map((row) => Number(row['version'])))
}

async function apply(database: Database, migration: Migration): Promise<boolean> {
  return database.transaction(async (transaction) => {
    const statements = database.within(transaction)
    await lock(database, (sql) => statements.run(sql))
    const first = await statements.run(
      'INSERT INTO schema_version (version, name, breaking) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      [migration.version, migration.name, migration.breaking ? 1 : 0],
    )
    if (first === 0) return false
    for (const statement of migration.statements) await statements.run(statement)
    return true
  })
}
