import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/storage/open_store.ts'

const HOLDER = fileURLToPath(new URL('../support/hold_store.ts', import.meta.url))

describe('The lock of a data folder', () => {
  it('refuses a second process, and is gone when the first is killed', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'billhook-lock-'))
    const holder = spawn(process.execPath, [HOLDER, dataFolder], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      await new Promise((resolve) => holder.stdout.once('data', resolve))
      await expect(openDatabase({ dataFolder })).rejects.toMatchObject({ code: 'store_locked' })
      const gone = new Promise((resolve) => holder.once('exit', resolve))
      holder.kill('SIGKILL')
      await gone
      const database = await openDatabase({ dataFolder })
      expect(await database.first('SELECT value FROM setting WHERE name = ?', ['held'])).toMatchObject({ value: 'yes' })
      await database.close()
    } finally {
      holder.kill('SIGKILL')
      rmSync(dataFolder, { recursive: true, force: true })
    }
  })

  it('refuses a second opening in the same process, until the first is closed', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'billhook-lock-'))
    const first = await openDatabase({ dataFolder })
    await expect(openDatabase({ dataFolder })).rejects.toMatchObject({ code: 'store_locked' })
    await first.close()
    const second = await openDatabase({ dataFolder })
    await second.close()
    rmSync(dataFolder, { recursive: true, force: true })
  })

  it.skipIf(process.platform === 'win32')('keeps the database to its owner, in whatever folder', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'billhook-lock-'))
    chmodSync(dataFolder, 0o755)
    const database = await openDatabase({ dataFolder })
    for (const name of ['billhook.db', 'billhook.db-wal'])
      expect(statSync(join(dataFolder, name)).mode & 0o077, name).toBe(0)
    await database.close()
    rmSync(dataFolder, { recursive: true, force: true })
  })

  it('says that a folder cannot be used', async () => {
    await expect(openDatabase({ dataFolder: '/dev/null/x' })).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  it('says that PostgreSQL does not answer', async () => {
    const databaseUrl = 'postgres://nobody@127.0.0.1:1/none'
    await expect(openDatabase({ databaseUrl })).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})
