import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, inject } from 'vitest'
import type { Database } from '../../src/storage/database.ts'
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
  const schemas = new Set<string>()

  afterEach(async () => {
    await Promise.all([...databases].map((database) => database.close()))
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    if (schemas.size > 0) await dropSchemas([...schemas])
    databases.clear()
    folders.clear()
    schemas.clear()
  })

  const place = (): StorePlace => {
    if (name === 'embedded') {
      const dataFolder = mkdtempSync(join(tmpdir(), 'billhook-test-'))
      folders.add(dataFolder)
      return { backend: 'embedded', dataFolder }
    }
    const schema = `test_${randomBytes(8).toString('hex')}`
    schemas.add(schema)
    return { backend: 'postgres', databaseUrl: inject('postgresUrl'), schema }
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

async function dropSchemas(schemas: readonly string[]): Promise<void> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: inject('postgresUrl') })
  await client.connect()
  for (const schema of schemas) await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
  await client.end()
}
