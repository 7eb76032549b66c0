import { BillhookError } from '../model/error.ts'
import { SCOPES } from '../ports/api_store.ts'
import type { ApiAnswer, ApiKey, ApiStore } from '../ports/api_store.ts'
import type { Database, SqlRow } from './database.ts'
import { count, text, time, timeOrNull } from './rows.ts'

const KEY_COLUMNS = 'account, id, name, hash, scope, created_at, revoked_at'
const ANSWER_COLUMNS = 'account, key, fingerprint, status, answer, at'

/** The API's own tables on either backend. */
export function createApiStore(database: Database): ApiStore {
  return {
    async addKey({ account, id, name, hash, scope, createdAt, revokedAt }) {
      const made = await database.run(
        `INSERT INTO api_key (${KEY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        [account, id, name, hash, scope, createdAt, revokedAt],
      )
      return made === 1
    },

    async keyByHash(hash) {
      const row = await database.first(`SELECT ${KEY_COLUMNS} FROM api_key WHERE hash = ?`, [hash])
      return row === null ? null : readKey(row)
    },

    async keys(account) {
      const rows =
        account === null
          ? await database.all(`SELECT ${KEY_COLUMNS} FROM api_key ORDER BY account, created_at, id`)
          : await database.all(`SELECT ${KEY_COLUMNS} FROM api_key WHERE account = ? ORDER BY created_at, id`, [
              account,
            ])
      return rows.map(readKey)
    },

    async revokeKey(account, id, at) {
      const changed = await database.run(
        'UPDATE api_key SET revoked_at = ? WHERE account = ? AND id = ? AND revoked_at IS NULL',
        [at, account, id],
      )
      return changed === 1
    },

    async takeAnswer({ account, key, fingerprint, status, answer, at }) {
      const made = await database.run(
        `INSERT INTO api_answer (${ANSWER_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        [account, key, fingerprint, status, answer, at],
      )
      if (made === 1) return null
      const row = await database.first(`SELECT ${ANSWER_COLUMNS} FROM api_answer WHERE account = ? AND key = ?`, [
        account,
        key,
      ])
      // It was freed between the two statements: whoever had it came to nothing, and the caller asks again.
      return row === null ? this.takeAnswer({ account, key, fingerprint, status, answer, at }) : readAnswer(row)
    },

    async finishAnswer({ account, key, status, answer, at }) {
      await database.run('UPDATE api_answer SET status = ?, answer = ?, at = ? WHERE account = ? AND key = ?', [
        status,
        answer,
        at,
        account,
        key,
      ])
    },

    async dropAnswer(account, key) {
      await database.run('DELETE FROM api_answer WHERE account = ? AND key = ?', [account, key])
    },

    pruneAnswers: (before) => database.run('DELETE FROM api_answer WHERE at < ?', [before]),
  }
}

function readKey(row: SqlRow): ApiKey {
  const scope = SCOPES.find((known) => known === text(row, 'scope'))
  if (scope === undefined)
    throw new BillhookError('internal_invariant', `the API key ${text(row, 'id')} is stored with an unknown scope`)
  return {
    account: text(row, 'account'),
    id: text(row, 'id'),
    name: text(row, 'name'),
    hash: text(row, 'hash'),
    scope,
    createdAt: time(row, 'created_at'),
    revokedAt: timeOrNull(row, 'revoked_at'),
  }
}

function readAnswer(row: SqlRow): ApiAnswer {
  return {
    account: text(row, 'account'),
    key: text(row, 'key'),
    fingerprint: text(row, 'fingerprint'),
    status: count(row, 'status'),
    answer: text(row, 'answer'),
    at: time(row, 'at'),
  }
}
