import { createTransport } from 'nodemailer'
import { BillhookError, messageOf } from '../model/error.ts'
import type { Mail, Mailer } from '../ports/mail.ts'

/** Where mail goes out, and from whom. */
export interface SmtpOptions {
  /** `smtp://user:password@host:587` or `smtps://host:465`. */
  readonly url: string
  /** Sender of every mail: `Billhook <billhook@example.com>`. */
  readonly from: string
  /** After the @ of a Message-ID. */
  readonly domain: string
}

/** Longer than this no mail server is waited for, in milliseconds. */
const TIMEOUT_MS = 20_000

/** Sends mail by SMTP. Over `smtp:` the connection is encrypted if the server offers it; certificates are verified. */
export class SmtpMailer implements Mailer, AsyncDisposable {
  readonly #options: SmtpOptions
  readonly #transport: ReturnType<typeof createTransport>

  constructor(options: SmtpOptions) {
    this.#options = options
    this.#transport = createTransport({
      url: options.url,
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      // A mail says what we wrote: no part of it may be fetched or read from a file.
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }

  async send(mail: Mail): Promise<void> {
    try {
      await this.#transport.sendMail({
        from: this.#options.from,
        to: mail.to,
        subject: mail.subject,
        text: mail.text,
        ...(mail.html === null ? {} : { html: mail.html }),
        messageId: `<${mail.key.replace(/[^A-Za-z0-9._-]/g, '-')}@${this.#options.domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated', ...mail.headers },
      })
    } catch (error) {
      throw new BillhookError(
        'mail_failed',
        `the mail server did not accept the mail ${mail.key}: ${messageOf(error)}`,
        {
          cause: error,
        },
      )
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#transport.close()
  }
}

/** Sends nothing and says so in the log: for installations without a mail server. */
export function loggingMailer(log: { info(fields: Readonly<Record<string, string>>, message: string): void }): Mailer {
  return {
    send: async (mail) => {
      log.info({ key: mail.key, subject: mail.subject }, 'no mail server is configured: mail not sent')
    },
  }
}
