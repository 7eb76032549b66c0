import type { MailPreferences } from '../ports/mail_preferences.ts'
import type { Database } from './database.ts'
import { text } from './rows.ts'

/** The kinds of mail that people do not want, on either backend. */
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
  }
}
