/** A message to a person. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string | null
  /** The same message sent twice has the same key: it becomes the Message-ID. */
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
}

/** Sends mail. */
export interface Mailer {
  /** @throws BillhookError `mail_failed`: the caller tries again later. */
  send(mail: Mail): Promise<void>
}
