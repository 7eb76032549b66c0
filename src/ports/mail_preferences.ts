/** Which kinds of mail a person does not want. */
export interface MailPreferences {
  optedOut(account: string, user: string): Promise<readonly string[]>
  /** Opts out of a kind of mail, or in again. Doing it twice changes nothing. */
  choose(account: string, user: string, kind: string, wanted: boolean): Promise<void>
}
