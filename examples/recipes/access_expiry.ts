/**
 * The app keeps “access until” in its own table, as people do who check it on every request. Written in the transaction
 * that notes the reaction as done, each change is there exactly once: never lost, never older than a newer one.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Receiver } from 'billhook/receiver'
import { usersOf } from './who.ts'

/** In the receiver's own database; here the embedded one. On PostgreSQL `native` is a `pg` client. */
export const TABLE = 'CREATE TABLE IF NOT EXISTS app_access (app_user TEXT PRIMARY KEY, access_until INTEGER) STRICT'

/** A change of access without an end is kept as this: the year 9999. */
const NO_END = 253_402_300_799_999

export function accessExpiry(receiver: Receiver): void {
  receiver.on(
    'access_changed',
    async (reaction) => {
      const users = await usersOf(receiver, reaction)
      // What counts is what is known now, not what the fact said when it was told.
      const answers = await Promise.all(users.map(async (user) => ({ user, access: await receiver.access(user) })))
      await reaction.transaction(async ({ native }) => {
        if (!isSqlite(native)) throw new TypeError('this recipe writes into the embedded store')
        native.exec(TABLE)
        const write = native.prepare('INSERT OR REPLACE INTO app_access (app_user, access_until) VALUES (?, ?)')
        for (const { user, access } of answers) write.run(user, access.allowed ? (access.until ?? NO_END) : 0)
      })
    },
    'access-expiry',
  )
}

function isSqlite(native: unknown): native is DatabaseSync {
  return typeof native === 'object' && native !== null && 'prepare' in native && 'exec' in native
}
