import { BillhookError } from '../model/error.ts'
import { instant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { Json } from '../model/json.ts'
import type { LockedSecret, SourceStore, StoredSource } from '../ports/source_store.ts'
import type { Database, SqlRow } from './database.ts'
import { text, time } from './rows.ts'

const COLUMNS = 'account, name, dialect, secrets, settings, created_at'

/** The sources on either backend. */
export function createSourceStore(database: Database): SourceStore {
  return {
    async createSource(source) {
      const { account, name, dialect, secrets, settings, createdAt } = source
      const made = await database.run(
        `INSERT INTO source (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        [account, name, dialect, JSON.stringify(secrets), JSON.stringify(settings), createdAt],
      )
      return made === 1
    },

    async updateSource(source) {
      const { account, name, dialect, secrets, settings } = source
      const changed = await database.run(
        'UPDATE source SET dialect = ?, secrets = ?, settings = ? WHERE account = ? AND name = ?',
        [dialect, JSON.stringify(secrets), JSON.stringify(settings), account, name],
      )
      return changed === 1
    },

    async source(account, name) {
      const row = await database.first(`SELECT ${COLUMNS} FROM source WHERE account = ? AND name = ?`, [account, name])
      return row === null ? null : readSource(row)
    },

    async sources(account) {
      const rows = await database.all(`SELECT ${COLUMNS} FROM source WHERE account = ? ORDER BY name`, [account])
      return rows.map(readSource)
    },

    async deleteSource(account, name) {
      return (await database.run('DELETE FROM source WHERE account = ? AND name = ?', [account, name])) === 1
    },
  }
}

function readSource(row: SqlRow): StoredSource {
  const settings: Json = JSON.parse(text(row, 'settings'))
  const secrets: Json = JSON.parse(text(row, 'secrets'))
  if (!isObject(settings) || !Array.isArray(secrets))
    throw new BillhookError(
      'internal_invariant',
      `the source ${text(row, 'name')} is stored in a form that cannot be read`,
    )
  return {
    account: text(row, 'account'),
    name: text(row, 'name'),
    dialect: text(row, 'dialect'),
    secrets: secrets.map(readSecret),
    settings,
    createdAt: time(row, 'created_at'),
  }
}

function readSecret(value: unknown): LockedSecret {
  if (isObject(value)) {
    const { id, locked } = value
    if (typeof id === 'string' && typeof locked === 'string')
      return { id, locked, from: readTime(value['from']), until: readTime(value['until']) }
  }
  throw new BillhookError('internal_invariant', 'a secret is stored in a form that cannot be read')
}

function readTime(value: unknown): Instant | null {
  return typeof value === 'number' ? instant(value) : null
}
