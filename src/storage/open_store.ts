import { BillhookError } from '../model/error.ts'
import type { Database } from './database.ts'
import { loadMigrations, migrate } from './migrate.ts'
import { POSTGRES_DEFAULTS, PostgresDatabase } from './postgres_database.ts'
import { SqliteDatabase } from './sqlite_database.ts'

/** Where the store is: a folder of this machine, or a PostgreSQL database. */
export type StoreLocation =
  | {
      /** Null: a temporary folder that is removed on closing, made in `temporaryFolder`. */
      readonly dataFolder: string | null
      readonly temporaryFolder?: string
    }
  | {
      readonly databaseUrl: string
      /** Made if it is not there. */
      readonly schema?: string
      readonly maxConnections?: number
      readonly statementTimeoutMs?: number
    }

/**
 * Opens the store and brings its schema up to date.
 *
 * @throws BillhookError `store_locked` (embedded: in use), `store_unavailable`, `store_newer`, `config_invalid`
 */
export async function openDatabase(location: StoreLocation): Promise<Database> {
  const database = 'databaseUrl' in location ? openPostgres(location) : openSqlite(location)
  try {
    if ('databaseUrl' in location && location.schema !== undefined) await createSchema(database, location.schema)
    await migrate(database, await loadMigrations(database.backend))
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

/** Two nodes that make the same schema at once would trip over each other in spite of `IF NOT EXISTS`. */
async function createSchema(database: Database, schema: string): Promise<void> {
  await database.transaction(async (transaction) => {
    const statements = database.within(transaction)
    await statements.run(`SELECT pg_advisory_xact_lock(hashtext('billhook schemas'))`)
    await statements.run(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
  })
}

function openPostgres(location: Extract<StoreLocation, { databaseUrl: string }>): Database {
  return new PostgresDatabase({
    databaseUrl: location.databaseUrl,
    schema: location.schema ?? null,
    maxConnections: location.maxConnections ?? POSTGRES_DEFAULTS.maxConnections,
    statementTimeoutMs: location.statementTimeoutMs ?? POSTGRES_DEFAULTS.statementTimeoutMs,
  })
}

function openSqlite(location: Exclude<StoreLocation, { databaseUrl: string }>): Database {
  const { dataFolder, temporaryFolder } = location
  if (dataFolder === null && temporaryFolder === undefined)
    throw new BillhookError('config_invalid', 'a temporary store needs a folder to be made in: give temporaryFolder')
  return new SqliteDatabase({ dataFolder, temporaryFolder: temporaryFolder ?? '' })
}
