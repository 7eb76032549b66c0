import type { Instant } from '../model/instant.ts'

/** Which kinds of mail a person does not want, and which mails have gone out. */
export interface MailPreferences {
  optedOut(account: string, user: string): Promise<readonly string[]>
  /** Opts out of a kind of mail, or in again. Doing it twice changes nothing. */
  choose(account: string, user: string, kind: string, wanted: boolean): Promise<void>
  wasSent(account: string, key: string): Promise<boolean>
  noteSent(account: string, key: string, at: Instant): Promise<void>
}
