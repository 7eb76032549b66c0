/** Usage nears what the plan includes: one notice per threshold and cycle. And the numbers for the app to show. */
import type { CustomerMails, Receiver } from 'billhook/receiver'
import { isNews, usersOf } from './who.ts'

/** What a plan includes, at which percents it is told, and what more costs: for `createReceiver({ policy })`. */
export const USAGE_POLICY = {
  plans: {
    pro: {
      limits: [
        { meter: 'api_calls', included: '100', thresholds: [80, 100], unitPrice: { minor: '2', currency: 'EUR' } },
      ],
    },
  },
}

export function usageNotice(receiver: Receiver, mails: CustomerMails): void {
  receiver.on(
    'usage_threshold_reached',
    async (reaction) => {
      const { meter, quantity, included, threshold } = reaction.fact.detail
      if (!isNews(reaction)) return
      const values = { meter, quantity, included, percent: threshold }
      for (const user of await usersOf(receiver, reaction))
        await mails.send({ kind: 'usage', user, key: reaction.key, values })
    },
    'usage-notice',
  )
}

/** What the app shows its user: used, included, and what goes beyond costs so far. */
export async function usageStatistics(receiver: Receiver, user: string) {
  const usage = await receiver.usage(user)
  return usage.map(({ meter, quantity, included, percent, overage, overageAmount }) => ({
    meter,
    quantity,
    included,
    percent,
    overage,
    cost: overageAmount === null ? null : `${overageAmount.minor} ${overageAmount.currency}`,
  }))
}
