/**
 * A payment came: confirm it to the customer. Some providers tell of a paid invoice, some of a payment, some of both; the
 * invoice is the mail's key, so that one receipt goes out.
 */
import type { CustomerMails, Receiver } from 'billhook/receiver'
import { isNews, usersOf } from './who.ts'

export function receipt(receiver: Receiver, mails: CustomerMails): void {
  receiver
    .on(
      'invoice_paid',
      async (reaction) => {
        const { fact, source } = reaction
        const { amount, number, period } = fact.detail
        // Nothing was paid: a free plan or a trial is invoiced too.
        if (!isNews(reaction) || amount?.minor === 0n) return
        const values = { amount, invoice: number ?? fact.subject, period }
        for (const user of await usersOf(receiver, reaction))
          await mails.send({ kind: 'receipt', user, key: `${source}:${fact.subject}`, values })
      },
      'receipt-for-invoice',
    )
    .on(
      'payment_succeeded',
      async (reaction) => {
        const { fact, source } = reaction
        const { amount, invoice } = fact.detail
        if (!isNews(reaction) || amount?.minor === 0n) return
        const values = { amount, invoice }
        for (const user of await usersOf(receiver, reaction))
          await mails.send({ kind: 'receipt', user, key: `${source}:${invoice ?? fact.subject}`, values })
      },
      'receipt-for-payment',
    )
}
