/**
 * An invoice is overdue: remind the customer, tell accounts receivable, and restrict the service until it is paid. The
 * restriction is policy: the level while a subscription is past due is `limited`, and ends by itself when money comes.
 */
import type { CustomerMails, Receiver } from 'billhook/receiver'
import { isNews, usersOf } from './who.ts'

/** Give this to `createReceiver({ policy })`, and let the app look at `level` in the access answer. */
export const OVERDUE_POLICY = { default: { levels: { past_due: 'limited' }, grace: 'P14D', overdueGrace: 'P14D' } }

export function overdue(
  receiver: Receiver,
  mails: CustomerMails,
  tellAccountsReceivable: (text: string) => Promise<void>,
): void {
  receiver.on(
    'invoice_overdue',
    async (reaction) => {
      const { fact, key } = reaction
      if (!isNews(reaction)) return
      const { amount, dueAt } = fact.detail
      const values = { amount, date: dueAt === null ? null : { at: dueAt } }
      for (const user of await usersOf(receiver, reaction)) await mails.send({ kind: 'overdue', user, key, values })
      await tellAccountsReceivable(`${fact.customer ?? 'somebody'} has not paid ${fact.subject}`)
    },
    'overdue',
  )
}
