import type { Happening } from '../../model/observations.ts'
import type { FactKind } from '../../model/facts.ts'
import type { ToldFact } from './facts.ts'
import { failureOf, moneyOf, oneOf, planOf } from './values.ts'

/** A fact with what a happening is keyed by. */
export interface Telling extends ToldFact {
  /** The id of the object that the fact is about. */
  readonly subject: string
  /** The signed id of the event. */
  readonly event: string
}

type HappeningOf = (fact: Telling) => Happening | null

type Base = Pick<Happening, 'stamp' | 'key' | 'event' | 'customer' | 'subscription'> & { readonly kind: 'happening' }

function base(fact: Telling, key: string): Base {
  const { at, event, customer, subscription } = fact
  return { kind: 'happening', stamp: at, key, event, customer, subscription }
}

/** Facts that no snapshot of an object shows. */
export const HAPPENINGS: Partial<Record<FactKind, HappeningOf>> = {
  subscription_trial_ending: (fact) => ({
    ...base(fact, `${fact.subject}/trial_ending/${fact.detail.text('trial_ends_at') ?? fact.event}`),
    what: 'trial_ending',
    trialEndsAt: fact.detail.iso('trial_ends_at'),
    paymentMethod: oneOf(fact.detail, 'payment_method', ['yes', 'no', 'unknown'] as const) ?? 'unknown',
  }),
  subscription_renewal_upcoming: (fact) => ({
    ...base(fact, `${fact.subject}/renewal_upcoming/${fact.detail.text('renews_at') ?? fact.event}`),
    what: 'renewal_upcoming',
    renewsAt: fact.detail.iso('renews_at'),
    amount: moneyOf(fact.detail, 'amount'),
  }),
  invoice_payment_failed: (fact) => ({
    ...base(fact, `${fact.subject}/attempt/${fact.detail.integer('attempt') ?? fact.event}`),
    what: 'payment_failed',
    invoice: fact.subject,
    attempt: fact.detail.integer('attempt'),
    nextAttemptAt: fact.detail.iso('next_attempt_at'),
    amount: moneyOf(fact.detail, 'amount'),
    failure: failureOf(fact.detail, 'failure') ?? { code: null, message: null, retryable: 'unknown' },
    // The subscription's own fact says whether it is past due.
    pastDue: false,
    cycle: null,
  }),
  invoice_overdue: (fact) => ({
    ...base(fact, `${fact.subject}/overdue`),
    what: 'invoice_overdue',
    invoice: fact.subject,
    dueAt: fact.detail.iso('due_at'),
    pastDue: false,
  }),
  plan_assigned: (fact) => ({ ...base(fact, fact.event), what: 'plan_assigned', plan: planOf(fact.detail, 'plan') }),
  usage_updated: usage,
}

/** The total of a cycle, told again at each report. */
function usage(fact: Telling): Happening | null {
  const meter = fact.detail.text('meter')
  const quantity = fact.detail.text('quantity')
  if (meter === null || quantity === null) {
    fact.detail.problem(meter === null ? 'meter' : 'quantity', 'expected text, found none')
    return null
  }
  return { ...base(fact, fact.event), what: 'usage', meter, quantity, mode: 'total' }
}
