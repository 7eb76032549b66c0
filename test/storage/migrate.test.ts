import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadMigrations, migrate, readMigration } from '../../src/storage/migrate.ts'
import { describeOnBackends, openPlace } from '../support/backends.ts'

const STEP = readMigration(
  '9001_later.sql',
  '-- A note; with a semicolon.\nCREATE TABLE later (id TEXT);\nCREATE INDEX later_id ON later (id);\n',
)

describe('A migration file', () => {
  it('is taken apart into statements, without its comments', () => {
    expect(STEP).toMatchObject({ version: 9001, name: 'later', breaking: false })
    expect(STEP.statements).toEqual(['CREATE TABLE later (id TEXT)', 'CREATE INDEX later_id ON later (id)'])
    expect(readMigration('9002_gone.sql', '--! breaking\nDROP TABLE later;').breaking).toBe(true)
  })

  it('exists for both backends with the same number and name', () => {
    const folder = new URL('../../src/storage/migrations/', import.meta.url)
    const [embedded, postgres] = ['sqlite', 'postgres'].map((name) => readdirSync(new URL(name, folder)).sort())
    expect(embedded).toEqual(postgres)
  })
})

describeOnBackends('Migrating', (open, backend) => {
  it('makes each step once', async () => {
    const database = await open()
    const all = await loadMigrations(database.backend)
    expect(await migrate(database, all)).toEqual([])
    expect(await migrate(database, [...all, STEP])).toEqual([STEP])
    expect(await migrate(database, [...all, STEP])).toEqual([])
  })

  it('lets an older version work on after a step that is not breaking, and refuses it after one that is', async () => {
    const database = await open()
    const all = await loadMigrations(database.backend)
    await migrate(database, [...all, STEP])
    expect(await migrate(database, all)).toEqual([])
    await migrate(database, [...all, STEP, readMigration('9002_gone.sql', '--! breaking\nDROP TABLE later;')])
    await expect(migrate(database, all)).rejects.toMatchObject({ code: 'store_newer' })
  })

  it('leaves nothing of a step that fails', async () => {
    const database = await open()
    const all = await loadMigrations(database.backend)
    const bad = readMigration('9003_bad.sql', 'CREATE TABLE half (id TEXT);\nCREATE TABLE half (id TEXT);\n')
    await expect(migrate(database, [...all, bad])).rejects.toThrow()
    await expect(database.all('SELECT id FROM half')).rejects.toThrow()
    expect(await database.first('SELECT name FROM schema_version WHERE version = ?', [9003])).toBeNull()
  })

  it('is safe for several nodes that start at once', async () => {
    if (backend.backend === 'embedded') return
    const place = backend.place()
    const nodes = await Promise.all([1, 2, 3, 4].map(() => openPlace(place)))
    const versions = await nodes[0]?.all('SELECT version FROM schema_version')
    expect(versions?.length).toBe((await loadMigrations('postgres')).length)
    await Promise.all(nodes.map((node) => node.close()))
  })
})
