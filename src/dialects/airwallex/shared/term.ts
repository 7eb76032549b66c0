import { boundary } from '../../../model/calendar.ts'
import type { Subscription } from '../../../model/entities.ts'
import type { Instant } from '../../../model/instant.ts'

/** The end of a subscription's fixed term: where its last cycle ends; null if it has no fixed number of cycles. */
export function termEnd(subscription: Subscription): Instant | null {
  const { cycles, interval, anchor } = subscription
  return cycles.total === null || interval === null ? null : boundary(anchor, interval, cycles.total)
}

/** When the engine charges next, as things stand: nothing after the end. */
export function nextBilling(subscription: Subscription, end: Instant | null): Instant | null {
  const next = nextBoundary(subscription)
  return next === null || (end !== null && next >= end) ? null : next
}

function nextBoundary(subscription: Subscription): Instant | null {
  switch (subscription.status) {
    case 'trialing':
      return subscription.trial?.until ?? subscription.nextChargeAt
    case 'pending':
    case 'incomplete':
    case 'authorized':
      return subscription.nextChargeAt ?? subscription.startAt
    case 'active':
    case 'past_due':
    case 'unpaid':
    case 'paused':
    case 'unknown':
      return subscription.period?.until ?? subscription.nextChargeAt
    case 'canceled':
    case 'completed':
    case 'expired':
      return null
  }
}
