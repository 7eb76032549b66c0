import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, inject } from 'vitest'
import type { Database } from '../../src/storage/database.ts'
import { loadMigrations } from '../../src/storage/migrate.ts'
import { openDatabase } from '../../src/storage/open_store.ts'

/** A store of its own for one test: a new folder, or a new schema. It is closed and removed when the test ends. */
export type OpenStore = (again?: StorePlace) => Promise<Database>

/** Where a store is, so that a second "process" can open the same one. */
export type StorePlace =
  | { readonly backend: 'embedded'; readonly dataFolder: string }
  | { readonly backend: 'postgres'; readonly databaseUrl: string; readonly schema: string }

export interface Backend {
  readonly backend: 'embedded' | 'postgres'
  /** A new place, with nothing in it. */
  place(): StorePlace
  /** Opens a store: in a new place, or in one that is given. */
  open: OpenStore
}

/** Runs a suite on both backends. */
export function describeOnBackends(title: string, suite: (open: OpenStore, backend: Backend) => void): void {
  for (const name of ['embedded', 'postgres'] as const) {
    describe(`${title} [${name}]`, () => {
      const backend = makeBackend(name)
      suite(backend.open, backend)
    })
  }
}

function makeBackend(name: Backend['backend']): Backend {
  const databases = new Set<Database>()
  const folders = new Set<string>()
  const schemas = new SchemaPool()

  afterEach(async () => {
    await Promise.all([...databases].map((database) => database.close()))
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    await schemas.giveBack()
    databases.clear()
    folders.clear()
  })
  afterAll(() => schemas.drop())

  const place = (): StorePlace => {
    if (name === 'embedded') {
      const dataFolder = mkdtempSync(join(tmpdir(), 'billhook-test-'))
      folders.add(dataFolder)
      return { backend: 'embedded', dataFolder }
    }
    return { backend: 'postgres', databaseUrl: inject('postgresUrl'), schema: schemas.take() }
  }

  const open: OpenStore = async (again) => {
    const database = await openPlace(again ?? place())
    databases.add(database)
    return database
  }
  return { backend: name, place, open }
}

/** Opens the store at a place; whoever opens it closes it. */
export async function openPlace(place: StorePlace): Promise<Database> {
  return place.backend === 'embedded'
    ? openDatabase({ dataFolder: place.dataFolder })
    : openDatabase({ databaseUrl: place.databaseUrl, schema: place.schema, maxConnections: 8 })
}

/**
 * Schemas of PostgreSQL, each empty when it is taken. Making the tables takes much longer than emptying them, so a schema
 * is used again, unless a test has changed its tables.
 */
class SchemaPool {
  readonly #free: string[] = []
  readonly #taken = new Set<string>()

  take(): string {
    const schema = this.#free.pop() ?? `test_${randomBytes(8).toString('hex')}`
    this.#taken.add(schema)
    return schema
  }

  async giveBack(): Promise<void> {
    if (this.#taken.size === 0) return
    await withClient(async (run) => {
      for (const schema of this.#taken) {
        if (await this.#empty(run, schema)) this.#free.push(schema)
        else await run(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
      }
    })
    this.#taken.clear()
  }

  async drop(): Promise<void> {
    if (this.#free.length === 0) return
    await withClient(async (run) => {
      for (const schema of this.#free) await run(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
    })
    this.#free.length = 0
  }

  async #empty(run: Run, schema: string): Promise<boolean> {
    const tables = (await run(`SELECT tablename AS name FROM pg_tables WHERE schemaname = '${schema}' ORDER BY 1`)).map(
      ({ name }) => name ?? '',
    )
    if (!tables.includes('schema_version')) return false
    const migrations = await loadMigrations('postgres')
    const versions = await run(`SELECT version::text AS name FROM ${schema}.schema_version`)
    const made = migrations.flatMap(({ statements }) =>
      statements.flatMap((statement) => /^CREATE TABLE (\w+)/.exec(statement)?.[1] ?? []),
    )
    if (versions.length !== migrations.length || tables.join() !== [...made, 'schema_version'].sort().join())
      return false
    const full = tables.filter((table) => table !== 'schema_version')
    await run(full.map((table) => `DELETE FROM ${schema}.${table}`).join('; '))
    return true
  }
}

type Run = (sql: string) => Promise<readonly Readonly<Record<string, string>>[]>

async function withClient(work: (run: Run) => Promise<void>): Promise<void> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: inject('postgresUrl') })
  await client.connect()
  try {
    await work(async (sql) => (await client.query<Record<string, string>>(sql)).rows)
  } finally {
    await client.end()
  }
}
