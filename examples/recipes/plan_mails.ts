/** A plan was assigned, or another one took its place: mail the customer, update the profile, tell the team. */
import type { CustomerMails, Receiver } from 'billhook/receiver'
import { isNews, usersOf } from './who.ts'

export interface Plans {
  /** The plan that the app shows in the customer's profile. */
  setPlan(user: string, plan: string): Promise<void>
  tellTeam(text: string): Promise<void>
}

export function planMails(receiver: Receiver, mails: CustomerMails, app: Plans): void {
  receiver.on(
    'plan_assigned',
    async (reaction) => {
      const { plan } = reaction.fact.detail
      if (plan === null || !isNews(reaction)) return
      for (const user of await usersOf(receiver, reaction)) {
        await app.setPlan(user, plan.id)
        await mails.send({ kind: 'plan_activated', user, key: reaction.key, values: { plan: plan.name ?? plan.id } })
      }
    },
    'plan-activated',
  )

  receiver.on(
    'subscription_changed',
    async (reaction) => {
      const { plan, changes, direction } = reaction.fact.detail
      const change = changes.find(({ field }) => field === 'plan')
      if (plan === null || change === undefined || !isNews(reaction)) return
      for (const user of await usersOf(receiver, reaction)) {
        await app.setPlan(user, plan.id)
        const values = { plan: plan.name ?? plan.id, before: change.from }
        await mails.send({ kind: 'plan_changed', user, key: reaction.key, values })
        await app.tellTeam(`${user}: ${change.from ?? '?'} → ${plan.id} (${direction})`)
      }
    },
    'plan-changed',
  )
}
