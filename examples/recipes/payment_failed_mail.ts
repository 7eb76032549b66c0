/**
 * A payment failed. A temporary decline is tried again by the provider, so the mail says when; a card that can never be
 * charged again needs another one, so the mail asks for it.
 */
import type { CustomerMails, Receiver } from 'billhook/receiver'
import { isNews, usersOf } from './who.ts'

export function paymentFailedMail(receiver: Receiver, mails: CustomerMails): void {
  receiver.on(
    'payment_failed',
    async (reaction) => {
      const { fact, key } = reaction
      if (!isNews(reaction)) return
      const { failure, nextAttemptAt, amount } = fact.detail
      const kind = failure.retryable === 'no' ? 'payment_failed_card' : 'payment_failed'
      const date = nextAttemptAt === null ? null : { at: nextAttemptAt }
      const values = { amount, reason: failure.message ?? failure.code, date }
      for (const user of await usersOf(receiver, reaction)) await mails.send({ kind, user, key, values })
    },
    'payment-failed-mail',
  )
}
