import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { Checkpointer } from '../../src/storage/checkpointer.ts'
import { SqliteDatabase } from '../../src/storage/sqlite_database.ts'

const PAGE = 4096

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'billhook-checkpoint-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A database whose own commits copy nothing. */
function openWriter(file: string): DatabaseSync {
  const writer = new DatabaseSync(file)
  writer.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (data TEXT)')
  return writer
}

const row = (writer: DatabaseSync) => writer.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(3 * PAGE))

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10))
}

it('copies a log into the file once enough was committed, in a thread of its own', () =>
  inFolder(async (folder) => {
    const file = join(folder, 'a.db')
    const writer = openWriter(file)
    const checkpointer = new Checkpointer(file, (work) => work(), 0)
    for (let i = 0; i < 40; i += 1) {
      row(writer)
      checkpointer.committed()
    }
    expect(statSync(file).size).toBeLessThan(10 * PAGE)
    await until(() => statSync(file).size >= 100 * PAGE)
    await checkpointer.close()
    expect(writer.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 40 })
    writer.close()
  }))

it('makes a second pass alone when the log is long, so that it begins anew', () =>
  inFolder(async (folder) => {
    const file = join(folder, 'a.db')
    const writer = openWriter(file)
    let alone = 0
    const checkpointer = new Checkpointer(file, (work) => ((alone += 1), work()), 0)
    writer.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 17000)
      INSERT INTO t SELECT hex(zeroblob(1900)) FROM n`)
    for (let i = 0; i < 20; i += 1) checkpointer.committed()
    await until(() => alone === 1)
    await checkpointer.close()
    const before = statSync(`${file}-wal`).size
    row(writer)
    expect(statSync(`${file}-wal`).size).toBe(before)
    writer.close()
  }))

it('closes whether it ever began or not, and a store with it, and again', () =>
  inFolder(async (folder) => {
    await new Checkpointer(join(folder, 'never.db'), (work) => work(), 0).close()
    for (let times = 0; times < 2; times += 1) {
      const database = new SqliteDatabase({ dataFolder: folder, temporaryFolder: '' })
      await database.run('CREATE TABLE IF NOT EXISTS t (n INTEGER)')
      for (let i = 0; i < 30; i += 1) await database.run('INSERT INTO t VALUES (?)', [i])
      await database.close()
    }
    const database = new SqliteDatabase({ dataFolder: folder, temporaryFolder: '' })
    expect(await database.first('SELECT count(*) AS n FROM t')).toEqual({ n: 60 })
    await database.close()
  }))

it('leaves the copying to SQLite when its thread cannot work', () =>
  inFolder(async (folder) => {
    const checkpointer = new Checkpointer(join(folder, 'no', 'such', 'folder.db'), (work) => work(), 0)
    for (let i = 0; i < 40; i += 1) checkpointer.committed()
    await new Promise((resolve) => setTimeout(resolve, 5))
    for (let i = 0; i < 40; i += 1) checkpointer.committed()
    await checkpointer.close()
  }))
