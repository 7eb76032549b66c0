import type { MailPreferences } from '../ports/mail_preferences.ts'
import type { Database } from './database.ts'
import { text } from './rows.ts'

/** The kinds of mail that people do not want, and the mails they got, on either backend. */
export function createMailPreferences(database: Database): MailPreferences {
  return {
    async optedOut(account, user) {
      const rows = await database.all(
        'SELECT kind FROM mail_opt_out WHERE account = ? AND app_user = ? ORDER BY kind',
        [account, user],
      )
      return rows.map((row) => text(row, 'kind'))
    },
    async choose(account, user, kind, wanted) {
      await database.run(
        wanted
          ? 'DELETE FROM mail_opt_out WHERE account = ? AND app_user = ? AND kind = ?'
          : 'INSERT INTO mail_opt_out (account, app_user, kind) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
        [account, user, kind],
      )
    },
    async wasSent(account, key) {
      return (
        (await database.first('SELECT 1 AS one FROM mail_sent WHERE account = ? AND key = ?', [account, key])) !== null
      )
    },
    async noteSent(account, key, at) {
      await database.run('INSERT INTO mail_sent (account, key, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', [
        account,
        key,
        at,
      ])
    },
  }
}
