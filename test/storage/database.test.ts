import { expect, it } from 'vitest'
import { describeOnBackends } from '../support/backends.ts'

describeOnBackends('A database', (open) => {
  it('gives whole numbers, texts, bytes and null back as they were written', async () => {
    const database = await open()
    await database.run(
      database.backend === 'embedded'
        ? 'CREATE TABLE thing (id INTEGER PRIMARY KEY, at INTEGER, name TEXT, raw BLOB) STRICT'
        : 'CREATE TABLE thing (id BIGINT PRIMARY KEY, at BIGINT, name TEXT, raw BYTEA)',
    )
    const raw = new Uint8Array([0, 1, 39, 63, 92, 255])
    await database.run('INSERT INTO thing (id, at, name, raw) VALUES (?, ?, ?, ?)', [
      1,
      1_790_000_000_123,
      'Zoë ?',
      raw,
    ])
    await database.run('INSERT INTO thing (id, at, name, raw) VALUES (?, ?, ?, ?)', [2, null, null, null])
    const rows = await database.all('SELECT id, at, name, raw FROM thing ORDER BY id')
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { id: 1, at: 1_790_000_000_123, name: 'Zoë ?', raw },
      { id: 2, at: null, name: null, raw: null },
    ])
    const counts = await database.first('SELECT COUNT(*) AS n, SUM(at) AS total, (1 = 1) AS yes FROM thing')
    expect({ ...counts }).toEqual({ n: 2, total: 1_790_000_000_123, yes: 1 })
  })

  it('commits what a transaction did when it resolves, and nothing of it when it throws', async () => {
    const database = await open()
    const write = async (name: string, fail: boolean): Promise<void> =>
      database.transaction(async (transaction) => {
        await database
          .within(transaction)
          .run('INSERT INTO setting (account, name, value) VALUES (?, ?, ?)', ['a', name, 'x'])
        if (fail) throw new Error('no')
      })
    await write('kept', false)
    await expect(write('dropped', true)).rejects.toThrow('no')
    expect((await database.all('SELECT name FROM setting')).map((row) => row['name'])).toEqual(['kept'])
  })

  it('shows nothing of a transaction to others before it is committed', async () => {
    const database = await open()
    await database.transaction(async (transaction) => {
      await database
        .within(transaction)
        .run('INSERT INTO setting (account, name, value) VALUES (?, ?, ?)', ['a', 'b', 'c'])
      expect(await database.first('SELECT name FROM setting')).toBeNull()
      expect(await database.within(transaction).first('SELECT name FROM setting')).not.toBeNull()
    })
    expect(await database.first('SELECT name FROM setting')).not.toBeNull()
  })

  it('refuses a transaction that is over', async () => {
    const database = await open()
    const over = await database.transaction(async (transaction) => transaction)
    expect(() => database.within(over)).toThrow(expect.objectContaining({ code: 'internal_invariant' }))
  })

  it('keeps counts right when many transactions add to the same row at once', async () => {
    const database = await open()
    await database.run('INSERT INTO setting (account, name, value) VALUES (?, ?, ?)', ['a', 'n', '0'])
    await Promise.all(
      Array.from({ length: 40 }, () =>
        database.transaction(async (transaction) => {
          const on = database.within(transaction)
          const suffix = database.backend === 'postgres' ? ' FOR UPDATE' : ''
          const row = await on.first(`SELECT value FROM setting WHERE account = ? AND name = ?${suffix}`, ['a', 'n'])
          await on.run('UPDATE setting SET value = ? WHERE account = ? AND name = ?', [
            String(Number(row?.['value']) + 1),
            'a',
            'n',
          ])
        }),
      ),
    )
    expect((await database.first('SELECT value FROM setting'))?.['value']).toBe('40')
  })

  it('refuses a statement whose places and values differ in number', async () => {
    const database = await open()
    await expect(database.all('SELECT value FROM setting WHERE account = ?', [])).rejects.toThrow()
  })

  it('takes no transaction after it was closed', async () => {
    const database = await open()
    await database.close()
    await expect(database.transaction(async () => 1)).rejects.toMatchObject({ code: 'shutting_down' })
  })
})
