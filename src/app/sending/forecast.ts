import type { Instant } from '../../model/instant.ts'
import { earliest, latest } from '../../model/instant.ts'
import type { Money } from '../../model/money.ts'
import type { Account } from '../../ports/billing_store.ts'
import type { Sending } from './create_sending.ts'

/** One thing that will happen. */
interface Coming {
  readonly kind: 'fact' | 'charge' | 'delivery'
  /** Kind of the fact; `charge` or `refund`; type of the event. */
  readonly name: string
  readonly customer: string | null
  readonly subscription: string | null
  /** Id of what it is about; of a delivery: the event. */
  readonly subject: string | null
  readonly endpoint: string | null
  readonly amount: Money | null
}

/** What happens next in an account if nobody does anything. */
export interface Forecast {
  readonly at: Instant
  readonly what: readonly Coming[]
  /** True if there may be more than is listed. */
  readonly more: boolean
}

/** Customers, and deliveries, that one forecast looks at. */
const LOOK_AT_MAX = 100

/**
 * What happens next, and when; null if nothing is planned. Deliveries are foreseen on test clocks only: on the real one
 * they are in flight.
 */
export async function forecast(
  { billing, delivery }: Pick<Sending, 'billing' | 'delivery'>,
  account: Account,
): Promise<Forecast | null> {
  const billed = await billing.nextDue(account.id)
  const sent = account.clock === null ? null : await delivery.testClock.nextDue(account.id)
  const first = billed === null || sent === null ? (billed ?? sent) : earliest(billed, sent)
  if (first === null) return null
  // What has been due for a while happens now.
  const at = latest(first, billing.now(account))
  const facts = billed === null || billed > at ? [] : await billing.foresee(account.id, at, LOOK_AT_MAX)
  const deliveries = sent === null || sent > at ? [] : await dueDeliveries(delivery, account.id, at)
  const what = [...facts.map((fact): Coming => ({ ...fact, endpoint: null })), ...deliveries]
  return { at, what, more: facts.length >= LOOK_AT_MAX || deliveries.length >= LOOK_AT_MAX }
}

async function dueDeliveries(
  { inspection }: Sending['delivery'],
  account: string,
  at: Instant,
): Promise<readonly Coming[]> {
  const search = { state: 'pending', order: 'oldest' } as const
  const page = await inspection.deliveries(account, search, { limit: LOOK_AT_MAX })
  return page.items
    .filter(({ dueAt }) => dueAt !== null && dueAt <= at)
    .map(({ type, customer, event, endpoint }): Coming => ({
      kind: 'delivery',
      name: type,
      customer,
      subscription: null,
      subject: event,
      endpoint,
      amount: null,
    }))
}
