import { describe, expect, it } from 'vitest'
import { createCustomerMails } from '../../../src/app/mail/customer_mail.ts'
import type { CustomerMailOptions, Recipient } from '../../../src/app/mail/customer_mail.ts'
import { fill, findTemplate, MAIL_KINDS, MAIL_TEMPLATES } from '../../../src/app/mail/mail_templates.ts'
import type { MailKind } from '../../../src/app/mail/mail_templates.ts'
import { requireInstant } from '../../../src/model/instant.ts'
import { money } from '../../../src/model/money.ts'
import { createManualClock } from '../../../src/runtime/manual_clock.ts'
import type { Mail } from '../../../src/ports/mail.ts'
import { SmtpMailer } from '../../../src/runtime/mailer.ts'
import { createMailPreferences } from '../../../src/storage/mail_preferences.ts'
import { describeOnBackends } from '../../support/backends.ts'
import { openMailbox } from '../../support/mailbox.ts'

const AT = requireInstant('2026-03-05T12:00:00Z', 'at')
const kinds = Object.keys(MAIL_KINDS) as MailKind[]

function memory(recipient: Recipient | null, options: Partial<CustomerMailOptions> = {}) {
  const sent: Mail[] = []
  const out = new Set<string>()
  const gone = new Set<string>()
  const mails = createCustomerMails({
    account: 'main',
    clock: createManualClock(AT),
    mailer: { send: async (mail) => void sent.push(mail) },
    preferences: {
      optedOut: async (_account, user) =>
        [...out].filter((key) => key.startsWith(`${user}:`)).map((key) => key.slice(user.length + 1)),
      choose: async (_account, user, kind, wanted) =>
        void (wanted ? out.delete(`${user}:${kind}`) : out.add(`${user}:${kind}`)),
      wasSent: async (_account, key) => gone.has(key),
      noteSent: async (_account, key) => void gone.add(key),
    },
    recipient: async () => recipient,
    values: { product: 'Atelier', link: 'https://atelier.example/billing' },
    ...options,
  })
  return { mails, sent }
}

const ANNA: Recipient = { email: 'anna@example.com', name: 'Anna', locale: null }

describe('Mails to customers', () => {
  it('are written from a template, amounts and dates as the language writes them', async () => {
    const { mails, sent } = memory(ANNA)
    const values = { amount: money(1999n, 'EUR'), invoice: 'A-1', period: { from: AT, until: AT } }
    expect(await mails.send({ kind: 'receipt', user: 'u1', key: 'in_1', values })).toBe('sent')
    expect(sent).toMatchObject([{ to: 'anna@example.com', subject: 'Receipt for €19.99', key: 'receipt.u1.in_1' }])
    expect(sent[0]!.text).toBe(
      'Hello Anna,\n\nthank you for your payment.\nAmount: €19.99\nInvoice: A-1\nService period: March 5, 2026 – March 5, 2026\n\nhttps://atelier.example/billing',
    )
    expect(sent[0]!.html).toContain('<a href="https://atelier.example/billing">')
  })

  it('take the person’s language, then the default one, then English', async () => {
    const german = memory({ ...ANNA, locale: 'de-AT' })
    await german.mails.send({ kind: 'trial_ending', user: 'u', key: 'k', values: { date: { at: AT } } })
    expect(german.sent[0]!.subject).toBe('Ihre Probezeit endet am 5. März 2026')
    const fallback = memory({ ...ANNA, locale: 'fr' }, { locale: 'de' })
    await fallback.mails.send({ kind: 'welcome', user: 'u', key: 'k', values: {} })
    expect(fallback.sent[0]!.subject).toBe('Willkommen bei Atelier')
    const english = memory({ ...ANNA, locale: 'fr' })
    await english.mails.send({ kind: 'welcome', user: 'u', key: 'k', values: {} })
    expect(english.sent[0]!.subject).toBe('Welcome to Atelier')
  })

  it('say what the application’s own template says, where it has one', async () => {
    const templates = { de: { welcome: { subject: 'Servus {{name}}', text: 'Griaß di.' } } }
    const { mails, sent } = memory({ ...ANNA, locale: 'de' }, { templates })
    await mails.send({ kind: 'welcome', user: 'u', key: 'k', values: {} })
    await mails.send({ kind: 'overdue', user: 'u', key: 'k', values: {} })
    expect(sent.map(({ subject }) => subject)).toEqual(['Servus Anna', 'Eine Rechnung ist überfällig'])
  })

  it('are not sent to who opted out of the kind, and sent again once opted in', async () => {
    const { mails, sent } = memory(ANNA)
    const mail = { kind: 'usage', user: 'u1', key: 'k', values: { percent: 80, meter: 'calls' } } as const
    await mails.choose('u1', 'usage', false)
    expect(await mails.send(mail)).toBe('opted_out')
    expect(await mails.send({ ...mail, kind: 'overdue' })).toBe('sent')
    expect(await mails.optedOut('u1')).toEqual(['usage'])
    await mails.choose('u1', 'usage', true)
    expect(await mails.send(mail)).toBe('sent')
    expect(await mails.send(mail)).toBe('sent_before')
    expect(sent).toHaveLength(2)
    await expect(mails.choose('u1', 'spam', false)).rejects.toMatchObject({ details: { field: 'kind' } })
  })

  it('are not sent to who has no address', async () => {
    const { mails, sent } = memory(null)
    expect(await mails.send({ kind: 'welcome', user: 'u', key: 'k', values: {} })).toBe('no_address')
    expect(sent).toEqual([])
  })

  it('let nobody smuggle markup or headers in by a name', async () => {
    const { mails, sent } = memory({ ...ANNA, name: '<script>x</script>\r\nBcc: all@example.com' })
    await mails.send({ kind: 'welcome', user: 'u', key: 'k', values: { product: 'A\r\nBcc: b@example.com' } })
    expect(sent[0]!.html).not.toContain('<script>')
    expect(sent[0]!.subject).not.toMatch(/[\r\n]/)
  })

  it.each(Object.keys(MAIL_TEMPLATES))('have every kind in %s, and no place stays unfilled', (locale) => {
    for (const kind of kinds) {
      const { template, locale: found } = findTemplate([MAIL_TEMPLATES], kind, [locale])
      expect(found).toBe(locale)
      expect(fill(template.text, {}), kind).not.toMatch(/[{}]/)
      expect(template.text, kind).toContain('{{link}}')
    }
  })

  it('leave a line out that has nothing to say', () => {
    expect(fill('Hello {{name}},\nAmount: {{amount}}\nend', { name: '', amount: '' })).toBe('end')
    expect(fill('Hello {{name}}, of {{city}}.', { name: 'A', city: '' })).toBe('Hello A, of.')
  })
})

describe('Over a real mail server', () => {
  it('a mail arrives with both parts and one Message-ID for one key; a refusal is told', async () => {
    await using mailbox = await openMailbox()
    const { arrived } = mailbox
    await using mailer = new SmtpMailer({
      url: mailbox.url,
      from: 'Atelier <billing@atelier.example>',
      domain: 'atelier.example',
    })
    const { mails } = memory(ANNA, { mailer })
    const mail = { kind: 'payment_failed', user: 'u', key: 'in_1|2', values: { reason: 'card_declined' } } as const
    await mails.send(mail)
    // As after a crash: the store does not know that it went out.
    await memory(ANNA, { mailer }).mails.send(mail)
    const ids = arrived.map((text) => /^Message-ID: (.*)$/im.exec(text)?.[1])
    expect(ids).toEqual(['<payment_failed.u.in_1-2@atelier.example>', '<payment_failed.u.in_1-2@atelier.example>'])
    expect(arrived[0]).toContain('Subject: Your payment did not go through')
    expect(arrived[0]).toContain('text/html')
    mailbox.isFull = true
    await expect(mails.send({ ...mail, key: 'in_2' })).rejects.toMatchObject({ code: 'mail_failed' })
  })
})

describeOnBackends('Mail preferences', (open) => {
  it('are kept per account and person', async () => {
    const preferences = createMailPreferences(await open())
    await preferences.choose('main', 'u1', 'usage', false)
    await preferences.choose('main', 'u1', 'usage', false)
    await preferences.choose('main', 'u1', 'receipt', false)
    await preferences.choose('main', 'u2', 'overdue', true)
    expect(await preferences.optedOut('main', 'u1')).toEqual(['receipt', 'usage'])
    expect(await preferences.optedOut('other', 'u1')).toEqual([])
    await preferences.choose('main', 'u1', 'usage', true)
    expect(await preferences.optedOut('main', 'u1')).toEqual(['receipt'])
    expect(await preferences.wasSent('main', 'k')).toBe(false)
    await preferences.noteSent('main', 'k', AT)
    await preferences.noteSent('main', 'k', AT)
    expect([await preferences.wasSent('main', 'k'), await preferences.wasSent('other', 'k')]).toEqual([true, false])
  })
})
