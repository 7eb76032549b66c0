/** What mails to customers say. Names in double braces are filled in; a line is left out if all its names are empty. */

/** The kinds of mail to customers: what a person can opt out of. */
export const MAIL_KINDS = {
  welcome: 'The first payment or the trial has begun.',
  plan_activated: 'A plan was assigned.',
  plan_changed: 'The plan has changed.',
  trial_ending: 'The trial will end soon and there is something to charge.',
  trial_ending_no_payment_method: 'The trial will end soon and there is nothing to charge.',
  payment_failed: 'A payment failed, and another attempt may work.',
  payment_failed_card: 'A payment failed, and no further attempt with this card can work.',
  receipt: 'A payment was received.',
  overdue: 'An invoice is overdue.',
  usage: 'The use of a meter approaches or passes what the plan includes.',
  access_ended: 'Access has ended.',
} as const

/** One of {@link MAIL_KINDS}. */
export type MailKind = keyof typeof MAIL_KINDS

/** The text of one kind of mail in one language. */
export interface MailTemplate {
  readonly subject: string
  readonly text: string
}

/** Templates by language (`en`, `de-AT`), then by kind. */
export type MailTemplates = Readonly<Record<string, Partial<Readonly<Record<MailKind, MailTemplate>>>>>

const EN: Readonly<Record<MailKind, MailTemplate>> = {
  welcome: {
    subject: 'Welcome to {{product}}',
    text: 'Hello {{name}},\n\nyour subscription is active.\nPlan: {{plan}}\nPaid until: {{until}}\n\n{{link}}',
  },
  plan_activated: {
    subject: 'Your plan {{plan}} is active',
    text: 'Hello {{name}},\n\nyour plan {{plan}} is active from now on.\n\n{{link}}',
  },
  plan_changed: {
    subject: 'Your plan is now {{plan}}',
    text: 'Hello {{name}},\n\nyour plan was changed.\nBefore: {{before}}\nNow: {{plan}}\n\n{{link}}',
  },
  trial_ending: {
    subject: 'Your trial ends on {{date}}',
    text: 'Hello {{name}},\n\nyour trial ends on {{date}}. After that your payment method is charged; there is nothing to do.\n\n{{link}}',
  },
  trial_ending_no_payment_method: {
    subject: 'Your trial ends on {{date}}: add a payment method',
    text: 'Hello {{name}},\n\nyour trial ends on {{date}}, and we have no payment method to charge. Please add one to keep your access:\n\n{{link}}',
  },
  payment_failed: {
    subject: 'Your payment did not go through',
    text: 'Hello {{name}},\n\nwe could not collect your payment.\nAmount: {{amount}}\nReason: {{reason}}\nNext attempt: {{date}}\n\nThis is often temporary, and we try again by ourselves. You can also pay with another method:\n\n{{link}}',
  },
  payment_failed_card: {
    subject: 'Please update your payment method',
    text: 'Hello {{name}},\n\nwe could not collect your payment, and your payment method can no longer be charged.\nAmount: {{amount}}\nReason: {{reason}}\n\nPlease give us another one:\n\n{{link}}',
  },
  receipt: {
    subject: 'Receipt for {{amount}}',
    text: 'Hello {{name}},\n\nthank you for your payment.\nAmount: {{amount}}\nInvoice: {{invoice}}\nService period: {{period}}\n\n{{link}}',
  },
  overdue: {
    subject: 'An invoice is overdue',
    text: 'Hello {{name}},\n\nan invoice has not been paid in time.\nAmount: {{amount}}\nDue: {{date}}\n\nUntil it is paid, parts of the service are restricted:\n\n{{link}}',
  },
  usage: {
    subject: 'You have used {{percent}} % of {{meter}}',
    text: 'Hello {{name}},\n\nyou have used {{quantity}} of the {{included}} {{meter}} that your plan includes.\n\n{{link}}',
  },
  access_ended: {
    subject: 'Your access to {{product}} has ended',
    text: 'Hello {{name}},\n\nyour access has ended. Your data is kept for now; you can come back at any time:\n\n{{link}}',
  },
}

const DE: Readonly<Record<MailKind, MailTemplate>> = {
  welcome: {
    subject: 'Willkommen bei {{product}}',
    text: 'Guten Tag {{name}},\n\nIhr Abonnement ist aktiv.\nTarif: {{plan}}\nBezahlt bis: {{until}}\n\n{{link}}',
  },
  plan_activated: {
    subject: 'Ihr Tarif {{plan}} ist aktiv',
    text: 'Guten Tag {{name}},\n\nab jetzt gilt Ihr Tarif {{plan}}.\n\n{{link}}',
  },
  plan_changed: {
    subject: 'Ihr Tarif ist jetzt {{plan}}',
    text: 'Guten Tag {{name}},\n\nIhr Tarif wurde geändert.\nVorher: {{before}}\nJetzt: {{plan}}\n\n{{link}}',
  },
  trial_ending: {
    subject: 'Ihre Probezeit endet am {{date}}',
    text: 'Guten Tag {{name}},\n\nIhre Probezeit endet am {{date}}. Danach wird Ihr Zahlungsmittel belastet; Sie müssen nichts tun.\n\n{{link}}',
  },
  trial_ending_no_payment_method: {
    subject: 'Ihre Probezeit endet am {{date}}: bitte Zahlungsmittel hinterlegen',
    text: 'Guten Tag {{name}},\n\nIhre Probezeit endet am {{date}}, und es ist kein Zahlungsmittel hinterlegt. Bitte hinterlegen Sie eines, damit Ihr Zugang bleibt:\n\n{{link}}',
  },
  payment_failed: {
    subject: 'Ihre Zahlung ist nicht eingegangen',
    text: 'Guten Tag {{name}},\n\nIhre Zahlung konnte nicht eingezogen werden.\nBetrag: {{amount}}\nGrund: {{reason}}\nNächster Versuch: {{date}}\n\nDas ist oft vorübergehend; wir versuchen es von selbst noch einmal. Sie können auch anders zahlen:\n\n{{link}}',
  },
  payment_failed_card: {
    subject: 'Bitte erneuern Sie Ihr Zahlungsmittel',
    text: 'Guten Tag {{name}},\n\nIhre Zahlung konnte nicht eingezogen werden, und Ihr Zahlungsmittel kann nicht mehr belastet werden.\nBetrag: {{amount}}\nGrund: {{reason}}\n\nBitte hinterlegen Sie ein anderes:\n\n{{link}}',
  },
  receipt: {
    subject: 'Beleg über {{amount}}',
    text: 'Guten Tag {{name}},\n\nvielen Dank für Ihre Zahlung.\nBetrag: {{amount}}\nRechnung: {{invoice}}\nLeistungszeitraum: {{period}}\n\n{{link}}',
  },
  overdue: {
    subject: 'Eine Rechnung ist überfällig',
    text: 'Guten Tag {{name}},\n\neine Rechnung wurde nicht rechtzeitig bezahlt.\nBetrag: {{amount}}\nFällig: {{date}}\n\nBis zur Zahlung ist der Dienst eingeschränkt:\n\n{{link}}',
  },
  usage: {
    subject: 'Sie haben {{percent}} % von {{meter}} verbraucht',
    text: 'Guten Tag {{name}},\n\nSie haben {{quantity}} von {{included}} {{meter}} verbraucht, die Ihr Tarif enthält.\n\n{{link}}',
  },
  access_ended: {
    subject: 'Ihr Zugang zu {{product}} ist beendet',
    text: 'Guten Tag {{name}},\n\nIhr Zugang ist beendet. Ihre Daten bleiben vorerst erhalten; Sie können jederzeit zurückkommen:\n\n{{link}}',
  },
}

/** The templates that come with Billhook. An application's own ones take their place, kind by kind. */
export const MAIL_TEMPLATES: MailTemplates = { en: EN, de: DE }

/** The first of several languages (with and without their region) that a template is there in. */
export function findTemplate(
  templates: readonly MailTemplates[],
  kind: MailKind,
  locales: readonly string[],
): { readonly locale: string; readonly template: MailTemplate } {
  for (const locale of [...locales, 'en']) {
    for (const name of new Set([locale, locale.split('-')[0] ?? locale])) {
      for (const own of templates) {
        const template = Object.hasOwn(own, name) ? own[name]?.[kind] : undefined
        if (template !== undefined) return { locale, template }
      }
    }
  }
  return { locale: 'en', template: EN[kind] }
}

/** Fills a template's places in. A line is left out if it has places and all of them are empty. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  const valueOf = (name: string): string => (Object.hasOwn(values, name) ? (values[name] ?? '') : '')
  return text
    .split('\n')
    .filter((line) => {
      const places = [...line.matchAll(PLACE)]
      return places.length === 0 || places.some(([, name = '']) => valueOf(name) !== '')
    })
    .map((line) => line.replaceAll(PLACE, (_all, name: string) => valueOf(name)).replaceAll(/ +(?=[,.]|$)/g, ''))
    .join('\n')
    .trim()
}

const PLACE = /\{\{(\w+)\}\}/g
