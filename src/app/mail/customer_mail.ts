import type { Period } from '../../model/calendar.ts'
import { BillhookError } from '../../model/error.ts'
import type { Instant } from '../../model/instant.ts'
import { decimalOf } from '../../model/money.ts'
import type { Money } from '../../model/money.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Mailer } from '../../ports/mail.ts'
import type { MailPreferences } from '../../ports/mail_preferences.ts'
import { fill, findTemplate, MAIL_KINDS, MAIL_TEMPLATES } from './mail_templates.ts'
import type { MailKind, MailTemplates } from './mail_templates.ts'

/** Who a mail goes to. */
export interface Recipient {
  readonly email: string
  /** Null: the greeting goes without. */
  readonly name: string | null
  /** `de`, `en-GB`; null: the default. */
  readonly locale: string | null
}

/** What a template's place is filled with; amounts, instants and periods are written as the language does. */
export type MailValue = string | number | Money | Period | { readonly at: Instant } | null

/** A mail to be written. */
export interface CustomerMail {
  readonly kind: MailKind
  readonly user: string
  /** The same key is the same mail, which goes out once: a fact's key, for example. */
  readonly key: string
  readonly values: Readonly<Record<string, MailValue>>
}

/** What became of a mail. */
export type MailOutcome = 'sent' | 'sent_before' | 'opted_out' | 'no_address'

/** Writes to customers. */
export interface CustomerMails {
  /** @throws BillhookError `mail_failed` if the mail server did not take it: try again */
  send(mail: CustomerMail): Promise<MailOutcome>
  /** The kinds of mail that a person does not want. */
  optedOut(user: string): Promise<readonly string[]>
  /** @throws BillhookError `invalid_request` if there is no such kind */
  choose(user: string, kind: string, wanted: boolean): Promise<void>
}

/** What customer mails are sent with: the mail server, the recipients’ addresses, the texts. */
export interface CustomerMailOptions {
  readonly account: string
  readonly mailer: Mailer
  readonly preferences: MailPreferences
  readonly clock: Clock
  /** The address of one of the app's users; null if there is none. */
  readonly recipient: (user: string) => Promise<Recipient | null>
  /** The app's own texts, in place of ours. */
  readonly templates?: MailTemplates
  /** Language of recipients whose own is not known (`de`, `en-GB`); default `en`. */
  readonly locale?: string
  /** Filled in everywhere: `product`, `link`. */
  readonly values?: Readonly<Record<string, string>>
}

/** Mails to customers, by templates, in their language, unless they opted out of the kind. */
export function createCustomerMails(options: CustomerMailOptions): CustomerMails {
  const { account, mailer, preferences } = options
  return {
    async send({ kind, user, key, values }) {
      if ((await preferences.optedOut(account, user)).includes(kind)) return 'opted_out'
      const mailKey = `${kind}.${user}.${key}`
      if (await preferences.wasSent(account, mailKey)) return 'sent_before'
      const recipient = await options.recipient(user)
      if (recipient === null) return 'no_address'
      const wanted = [recipient.locale, options.locale ?? null].filter((locale) => locale !== null)
      const { locale, template } = findTemplate([options.templates ?? {}, MAIL_TEMPLATES], kind, wanted)
      const texts = {
        ...options.values,
        name: recipient.name ?? '',
        ...Object.fromEntries(Object.entries(values).map(([name, value]) => [name, write(value, locale)])),
      }
      const text = fill(template.text, texts)
      await mailer.send({
        to: recipient.email,
        // A header is one line, whatever a name or reason holds.
        subject: fill(template.subject, texts).replaceAll(/\s+/g, ' '),
        text,
        html: html(text, locale),
        key: mailKey,
        headers: {},
      })
      // A crash before this line sends it again, with the same Message-ID.
      await preferences.noteSent(account, mailKey, options.clock.now())
      return 'sent'
    },
    optedOut: (user) => preferences.optedOut(account, user),
    async choose(user, kind, wanted) {
      if (!Object.hasOwn(MAIL_KINDS, kind))
        throw new BillhookError(
          'invalid_request',
          `kind: ${kind} is not one of ${Object.keys(MAIL_KINDS).join(', ')}`,
          {
            details: { field: 'kind' },
          },
        )
      await preferences.choose(account, user, kind, wanted)
    },
  }
}

function write(value: MailValue, locale: string): string {
  if (value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number') return new Intl.NumberFormat(locale).format(value)
  if ('minor' in value)
    return new Intl.NumberFormat(locale, { style: 'currency', currency: value.currency }).format(
      Number(decimalOf(value)),
    )
  if ('at' in value) return day(value.at, locale)
  return `${day(value.from, locale)} – ${day(value.until, locale)}`
}

function day(at: Instant, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' }).format(at)
}

/** The text as HTML: nothing that a customer's name or a provider's message holds is markup. Addresses are links. */
function html(text: string, locale: string): string {
  const escaped = text.replaceAll(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`)
  const paragraphs = escaped
    .split(/\n{2,}/)
    .map(
      (paragraph) =>
        `<p>${paragraph.replaceAll('\n', '<br>').replaceAll(/https:\/\/[^\s<]+/g, '<a href="$&">$&</a>')}</p>`,
    )
  return `<!doctype html><html lang="${locale}"><body>${paragraphs.join('')}</body></html>`
}
