/** The trial ends soon: is there a payment source? If not, ask for one; if so, only remind. */
import type { CustomerMails, Receiver } from 'billhook/receiver'
import { isNews, usersOf } from './who.ts'

/** @param hasPaymentMethod looks it up where the delivery does not say it */
export function trialEndReminder(
  receiver: Receiver,
  mails: CustomerMails,
  hasPaymentMethod: (source: string, customer: string) => Promise<boolean>,
): void {
  receiver.on(
    'subscription_trial_ending',
    async (reaction) => {
      const { fact, source, key } = reaction
      if (!isNews(reaction)) return
      const { paymentMethod, trialEndsAt } = fact.detail
      const known = paymentMethod !== 'unknown' || fact.customer === null
      const charged = known ? paymentMethod === 'yes' : await hasPaymentMethod(source, fact.customer ?? '')
      const kind = charged ? 'trial_ending' : 'trial_ending_no_payment_method'
      const values = { date: trialEndsAt === null ? null : { at: trialEndsAt } }
      for (const user of await usersOf(receiver, reaction)) await mails.send({ kind, user, key, values })
    },
    'trial-end-reminder',
  )
}
