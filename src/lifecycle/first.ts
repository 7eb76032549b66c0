/** The first invoice of a subscription, and its start. */
import type { Period } from '../model/calendar.ts'
import type { InvoiceLine, Subscription } from '../model/entities.ts'
import { draftInvoice, finalizeInvoice } from './invoice.ts'
import { linesOf } from './lines.ts'
import { cycleFor } from './lookup.ts'
import { edit, quietly } from './moves.ts'
import { shareLeft } from './proration.ts'
import type { Share } from './proration.ts'
import { lookup, tell } from './step.ts'
import type { Step } from './step.ts'

/** The first cycle: a whole one, or the rest of one where cycles are counted from a later instant. */
export interface FirstCycle {
  readonly index: number
  readonly period: Period
  readonly share: Share | null
}

/** The cycle in which a subscription that starts at `from` begins. */
export function firstCycle(
  step: Step,
  subscription: Pick<Subscription, 'anchor' | 'interval'>,
  from: Subscription['startAt'],
): FirstCycle {
  const { index, period } = cycleFor(step, subscription, from)
  if (period.from === from) return { index, period, share: null }
  const rest = { from, until: period.until }
  return { index, period: rest, share: shareLeft(period, from, step.context.profile.prorationUnit) }
}

/** How the first invoice is made and collected. */
export interface FirstInvoice {
  readonly id: string
  readonly cycle: FirstCycle
  readonly extra: readonly InvoiceLine[]
  /** Whether its payment is asked for, or left to the customer. */
  readonly charge: boolean
}

/** Creates, finalizes and collects the first invoice: it waits for no gate. */
export function billFirst(step: Step, subscription: Subscription, first: FirstInvoice): void {
  const { period, share } = first.cycle
  const lines = linesOf(step, subscription, { advance: period, arrears: null, share })
  const invoice = draftInvoice(step, {
    id: first.id,
    subscription,
    reason: 'first',
    currency: subscription.currency,
    lines: [...first.extra, ...lines],
    period,
    collection: subscription.collection,
    dueAt: null,
    finalize: 'now',
    autoAdvance: true,
    pendingItems: true,
  })
  finalizeInvoice(step, invoice, { charge: first.charge })
}

/** The invoice of nothing that a trial starts with. */
export function billTrial(step: Step, subscription: Subscription, trial: Period, id: string): void {
  const lines = subscription.items.map((item): InvoiceLine => ({
    id: step.context.mint('invoice_line'),
    kind: 'subscription',
    description: `Trial of ${lookup(step.context.catalog.prices, item.price)?.name ?? item.price}`,
    amount: { minor: 0n, currency: subscription.currency },
    price: item.price,
    quantity: item.quantity,
    period: trial,
    subscriptionItem: item.id,
    invoiceItem: null,
  }))
  const invoice = draftInvoice(step, {
    id,
    subscription,
    reason: 'first',
    currency: subscription.currency,
    lines,
    period: trial,
    collection: subscription.collection,
    dueAt: null,
    finalize: 'now',
    autoAdvance: true,
    pendingItems: false,
  })
  finalizeInvoice(step, invoice)
}

/** Fields of a subscription whose first cycle has begun, with this invoice. */
export function begun(subscription: Subscription, cycle: FirstCycle, invoice: string): Partial<Subscription> {
  return {
    cycle: cycle.index,
    period: cycle.period,
    latestInvoice: invoice,
    cycles: { ...subscription.cycles, invoiced: subscription.cycles.invoiced + 1 },
  }
}

/**
 * A subscription that waited for its start begins: its first cycle is told to have started, and is billed. Where that is the
 * provider's rule it is active from now, before it is paid.
 */
export function startCycle(step: Step, subscription: Subscription): void {
  const { at } = step.context
  const from = subscription.startAt > at ? at : subscription.startAt
  const cycle = firstCycle(step, subscription, from)
  const id = step.context.mint('invoice')
  const next = edit(step, subscription, begun(subscription, cycle, id))
  tell(step, { kind: 'subscription_cycle_started', subject: next.id }, { subscription: next })
  billFirst(step, next, { id, cycle, extra: [], charge: true })
}

/** Notes an end that was announced, so that it is announced once. */
export function announced(
  step: Step,
  subscription: Subscription,
  what: Partial<NonNullable<Subscription['announced']>>,
): Subscription {
  const before = subscription.announced ?? { trialEnd: null, renewal: null }
  return quietly(step, subscription, { announced: { ...before, ...what } })
}
