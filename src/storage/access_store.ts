import type { AccessStore, HoldRow, Link, PolicyRow } from '../ports/access_store.ts'
import type { Database, SqlRow } from './database.ts'
import { count, insert, on, oneOf, text, time, timeOrNull, using } from './rows.ts'

const LINK = 'account, app_user, source, customer, origin, created_at'
const HOLD = 'account, id, app_user, data, removed_at'
const POLICY = 'account, version, data, created_at'

/** Links, holds and policies on either backend. */
export function createAccessStore(database: Database): AccessStore {
  return {
    async addLinks(transaction, links) {
      return insert(on(database, transaction), database.backend, {
        into: `link (${LINK})`,
        rows: links.map((link) => [link.account, link.user, link.source, link.customer, link.origin, link.createdAt]),
        after: 'ON CONFLICT DO NOTHING',
      })
    },

    async removeLink({ account, user, source, customer }) {
      const removed = await database.run(
        'DELETE FROM link WHERE account = ? AND app_user = ? AND source = ? AND customer = ?',
        [account, user, source, customer],
      )
      return removed === 1
    },

    async linksOfUser(account, user) {
      const rows = await database.all(
        `SELECT ${LINK} FROM link WHERE account = ? AND app_user = ? ORDER BY source, customer`,
        [account, user],
      )
      return rows.map(readLink)
    },

    async linksOfCustomer(account, source, customer) {
      const rows = await database.all(
        `SELECT ${LINK} FROM ${using(database.backend, 'link', 'link_customer')} WHERE account = ? AND source = ? AND customer = ? ORDER BY app_user`,
        [account, source, customer],
      )
      return rows.map(readLink)
    },

    async addHold({ account, id, user, data, removedAt }) {
      await database.run(`INSERT INTO hold (${HOLD}) VALUES (?, ?, ?, ?, ?)`, [account, id, user, data, removedAt])
    },

    async removeHold(account, id, at) {
      const sql = 'UPDATE hold SET removed_at = ? WHERE account = ? AND id = ? AND removed_at IS NULL'
      return (await database.run(sql, [at, account, id])) === 1
    },

    async holds(account, user) {
      const rows = await database.all(
        `SELECT ${HOLD} FROM ${using(database.backend, 'hold', 'hold_user')} WHERE account = ? AND app_user = ? ORDER BY id`,
        [account, user],
      )
      return rows.map(readHold)
    },

    async addPolicy({ account, version, data, createdAt }) {
      const added = await database.run(`INSERT INTO policy (${POLICY}) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, [
        account,
        version,
        data,
        createdAt,
      ])
      return added === 1
    },

    async policy(account) {
      const row = await database.first(`SELECT ${POLICY} FROM policy WHERE account = ? ORDER BY version DESC LIMIT 1`, [
        account,
      ])
      return row === null ? null : readPolicy(row)
    },

    async policies(account) {
      const rows = await database.all(`SELECT ${POLICY} FROM policy WHERE account = ? ORDER BY version DESC`, [account])
      return rows.map(readPolicy)
    },
  }
}

function readLink(row: SqlRow): Link {
  return {
    account: text(row, 'account'),
    user: text(row, 'app_user'),
    source: text(row, 'source'),
    customer: text(row, 'customer'),
    origin: oneOf(row, 'origin', ['app', 'provider']),
    createdAt: time(row, 'created_at'),
  }
}

function readHold(row: SqlRow): HoldRow {
  return {
    account: text(row, 'account'),
    id: text(row, 'id'),
    user: text(row, 'app_user'),
    data: text(row, 'data'),
    removedAt: timeOrNull(row, 'removed_at'),
  }
}

function readPolicy(row: SqlRow): PolicyRow {
  return {
    account: text(row, 'account'),
    version: count(row, 'version'),
    data: text(row, 'data'),
    createdAt: time(row, 'created_at'),
  }
}
