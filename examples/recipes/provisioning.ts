/**
 * Provision when access begins and deprovision when it ends, whatever the reason: a payment, a trial, a cancellation, a
 * period that ran out. `access_changed` is told for all of them, and with time alone.
 */
import type { CustomerMails, Receiver } from 'billhook/receiver'
import { isNews, usersOf } from './who.ts'

export interface Provisioning {
  /** Both must be safe to repeat: the same key means the same change. */
  provision(user: string, plan: string | null, key: string): Promise<void>
  deprovision(user: string, key: string): Promise<void>
  /** For example `cancelled`, for the CRM. */
  setCrmStatus(user: string, status: 'active' | 'cancelled'): Promise<void>
}

export function provisioning(receiver: Receiver, mails: CustomerMails, app: Provisioning): void {
  receiver.on(
    'access_changed',
    async (reaction) => {
      const { fact, key, retracted } = reaction
      // What is taken back is undone by the change that is told in its place.
      if (retracted) return
      const { from, to, until } = fact.detail
      for (const user of await usersOf(receiver, reaction)) {
        if (to.allowed) {
          await app.provision(user, to.plan, key)
          await app.setCrmStatus(user, 'active')
          const values = { plan: to.plan, until: until === null ? null : { at: until } }
          if (!from.allowed && isNews(reaction)) await mails.send({ kind: 'welcome', user, key, values })
        } else {
          await app.deprovision(user, key)
          await app.setCrmStatus(user, 'cancelled')
          if (isNews(reaction)) await mails.send({ kind: 'access_ended', user, key, values: {} })
        }
      }
    },
    'provisioning',
  )
}
