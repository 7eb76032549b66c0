/** A change of price or quantity: now or at the end of the cycle, with or without proration. */
import type { ItemInput, ProrationBehavior, SubscriptionUpdate } from '../model/commands.ts'
import type { InvoiceItem, Price, Subscription, SubscriptionItem } from '../model/entities.ts'
import { addMs } from '../model/instant.ts'
import { changesOf, tellChanged } from './changed.ts'
import { restOf } from './cancel.ts'
import { draftInvoice, finalizeInvoice, lineOfItem } from './invoice.ts'
import { linesOf } from './lines.ts'
import { cycleFor } from './lookup.ts'
import { edit, nextCharge } from './moves.ts'
import { shareOfRest } from './rest_of_cycle.ts'
import { lookup, refuse, tell } from './step.ts'
import type { Step } from './step.ts'
import { readItems, sharedTerms } from './subscription_create.ts'

type ItemsUpdate = SubscriptionUpdate & { readonly items: readonly ItemInput[] }

/** @throws BillhookError `invalid_request`, `not_found`, `currency_mismatch`, `invalid_transition` */
export function changeItems(step: Step, subscription: Subscription, command: ItemsUpdate): void {
  const { items, prices } = readItems(step, command.items, subscription.items)
  const { currency, interval } = sharedTerms(prices)
  if (currency !== subscription.currency)
    refuse(
      'currency_mismatch',
      `subscription ${subscription.id} is in ${subscription.currency}, not in ${currency}`,
      'items',
    )
  const next = edit(step, subscription, { items, interval })
  if (changesOf(step, subscription, next).length === 0) return
  if (command.when === 'cycle_end') return schedule(step, subscription, items)
  const { period } = subscription
  const isRunning = subscription.status === 'active' || subscription.status === 'past_due'
  if (period === null || !isRunning) return applyPlainly(step, subscription, next)
  const resets = command.resetAnchor === true || intervalOf(subscription) !== intervalOf(next)
  const behavior = command.proration ?? step.context.profile.proration
  if (command.ifUnpaid === 'pending' && !resets) return applyWhenPaid(step, subscription, items)
  if (resets) return restart(step, subscription, { next, behavior })
  prorate(step, subscription, { next, prices, behavior })
}

/** Before the first cycle, in a trial, or while nothing is collected: there is nothing to prorate. */
function applyPlainly(step: Step, subscription: Subscription, next: Subscription): void {
  tellChanged(step, subscription, { ...next, scheduledChange: null })
}

/** The change waits for the end of the cycle. */
function schedule(step: Step, subscription: Subscription, items: readonly SubscriptionItem[]): void {
  const { period, id, status } = subscription
  const at = status === 'trialing' ? (subscription.trial?.until ?? null) : (period?.until ?? null)
  if (at === null)
    return refuse('invalid_transition', `subscription ${id} has no cycle at whose end it could change`, 'when')
  const wanted = items.map(({ price, quantity }) => ({ price, quantity }))
  const next = edit(step, subscription, { scheduledChange: { at, items: wanted } })
  tell(step, { kind: 'subscription_updated', subject: id }, { subscription: next })
}

/** Drops a change that waits for the end of the cycle. @throws BillhookError `invalid_transition` */
export function dropScheduled(step: Step, subscription: Subscription): void {
  if (subscription.scheduledChange === null)
    refuse('invalid_transition', `subscription ${subscription.id} has no change that waits`, 'id')
  const next = edit(step, subscription, { scheduledChange: null })
  tell(step, { kind: 'subscription_updated', subject: next.id }, { subscription: next })
}

interface Proration {
  readonly next: Subscription
  readonly prices: readonly Price[]
  readonly behavior: ProrationBehavior
}

/** Credits the rest of the old terms and bills the rest of the new ones, on the next invoice or on one of their own. */
function prorate(step: Step, subscription: Subscription, { next, behavior }: Proration): void {
  const changed = { ...next, scheduledChange: null }
  const items = behavior === 'none' ? [] : prorationItems(step, subscription, next)
  const id = behavior === 'always_invoice' && items.length > 0 ? step.context.mint('invoice') : null
  const latestInvoice = id ?? subscription.latestInvoice
  const planned = { ...changed, latestInvoice, nextChargeAt: subscription.nextChargeAt }
  const itemsFirst = step.context.profile.order.change === 'items_then_changed'
  if (!itemsFirst) tellChanged(step, subscription, planned)
  for (const item of items) tell(step, { kind: 'invoice_item_created', subject: item.id }, { invoice_item: item })
  if (itemsFirst) tellChanged(step, subscription, planned)
  if (id !== null) billChange(step, planned, id)
}

/** The credits and debits of a change of terms, from now to the end of the cycle: only for items that changed. */
function prorationItems(step: Step, before: Subscription, after: Subscription): readonly InvoiceItem[] {
  const gone = before.items.filter((item) => !isSame(item, after.items))
  const fresh = after.items.filter((item) => !isSame(item, before.items))
  return [...restOf(step, { ...before, items: gone }), ...remaining(step, { ...after, items: fresh })]
}

function isSame(item: SubscriptionItem, others: readonly SubscriptionItem[]): boolean {
  return others.some((other) => other.price === item.price && other.quantity === item.quantity)
}

/** The charges for the rest of the cycle, one per item that is paid in advance. */
function remaining(step: Step, subscription: Subscription): readonly InvoiceItem[] {
  return shareOfRest(step, subscription, (part, name) => ({ amount: part, description: `Remaining time on ${name}` }))
}

/** What a change put aside is billed at once. It waits for no gate. */
function billChange(step: Step, subscription: Subscription, id: string): void {
  const { at } = step.context
  const now = lookup(step.state.subscriptions, subscription.id) ?? subscription
  const invoice = draftInvoice(step, {
    id,
    subscription: now,
    reason: 'update',
    currency: now.currency,
    lines: [],
    period: { from: at, until: now.period?.until ?? at },
    collection: now.collection,
    dueAt: null,
    finalize: 'now',
    autoAdvance: true,
    pendingItems: true,
  })
  finalizeInvoice(step, invoice)
}

/** Another interval: cycles are counted from now on, the rest of the old cycle is credited, the new one billed at once. */
function restart(
  step: Step,
  subscription: Subscription,
  { next, behavior }: { readonly next: Subscription; readonly behavior: ProrationBehavior },
): void {
  const { at } = step.context
  const credits = behavior === 'none' ? [] : restOf(step, subscription)
  const id = step.context.mint('invoice')
  const { index, period } = cycleFor(step, { ...next, anchor: at }, at)
  const { cycles } = subscription
  const moved = {
    ...next,
    anchor: at,
    cycle: index,
    period,
    latestInvoice: id,
    scheduledChange: null,
    cycles: { ...cycles, invoiced: cycles.invoiced + 1 },
  }
  const planned = { ...moved, nextChargeAt: nextCharge(step, moved) }
  for (const item of credits) tell(step, { kind: 'invoice_item_created', subject: item.id }, { invoice_item: item })
  tellChanged(step, subscription, planned)
  const invoice = draftInvoice(step, {
    id,
    subscription: planned,
    reason: 'cycle',
    currency: planned.currency,
    lines: linesOf(step, planned, { advance: period, arrears: null }),
    period,
    collection: planned.collection,
    dueAt: null,
    finalize: 'now',
    autoAdvance: true,
    pendingItems: true,
  })
  finalizeInvoice(step, invoice)
}

/** The change is billed now and takes effect when that is paid. */
function applyWhenPaid(step: Step, subscription: Subscription, items: readonly SubscriptionItem[]): void {
  const { at, profile } = step.context
  const lines = prorationItems(step, subscription, { ...subscription, items }).map((item) => ({
    ...lineOfItem(step, item),
    invoiceItem: null,
  }))
  const id = step.context.mint('invoice')
  const waiting = edit(step, subscription, {
    pendingChange: { items, invoice: id, expiresAt: addMs(at, profile.pendingChangeMs) },
  })
  const invoice = draftInvoice(step, {
    id,
    subscription: waiting,
    reason: 'update',
    currency: waiting.currency,
    lines,
    period: { from: at, until: waiting.period?.until ?? at },
    collection: waiting.collection,
    dueAt: null,
    finalize: 'now',
    autoAdvance: true,
    pendingItems: false,
  })
  tell(step, { kind: 'subscription_updated', subject: waiting.id }, { subscription: waiting, invoice })
  finalizeInvoice(step, invoice)
}

function intervalOf({ interval }: Subscription): string {
  return interval === null ? '' : `${interval.count} ${interval.unit}`
}
