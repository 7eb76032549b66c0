/** Agreements: subscriptions of a provider where a change of the plan makes a new one that takes the old one's place. */
import type { ItemInput, SubscriptionCommand } from '../model/commands.ts'
import { compareText } from '../model/compare.ts'
import type { InvoiceItem, Price, Subscription } from '../model/entities.ts'
import { restOf } from './cancel.ts'
import { changesOf, directionOf } from './changed.ts'
import { ensureCustomer } from './customer.ts'
import { billRest, endNow } from './end.ts'
import { begun, billFirst, firstCycle } from './first.ts'
import { isLive, requireCustomer, requirePrice } from './lookup.ts'
import { nextCharge } from './moves.ts'
import { planOf, refuse, tell, tellShowing } from './step.ts'
import type { Step } from './step.ts'
import { createSubscription, readItems, sharedTerms } from './subscription_create.ts'
import { moveSubscription } from './tables.ts'

type Create = Extract<SubscriptionCommand, { kind: 'agreement.create' }>
type CancelAgreement = Extract<SubscriptionCommand, { kind: 'agreement.cancel' }>

/**
 * A new agreement. An agreement that the customer has in the same plan group is replaced: the change of the plan is told,
 * then the new agreement, and the old one is canceled as superseded.
 *
 * @throws BillhookError `not_found`, `currency_mismatch`, `conflict`
 */
export function createAgreement(step: Step, command: Create): Subscription {
  ensureCustomer(step, command.customer ?? {})
  const price = requirePrice(step, command.plan, 'plan')
  const group = price.group ?? price.product
  const old = liveAgreements(step).find((agreement) => groupOf(step, agreement) === group)
  if (old !== undefined) {
    const prorate = command.prorate ?? true
    return replaceAgreement(step, old, {
      items: planItems(step, price),
      prorate,
      billUsage: command.invoiceNow ?? false,
      id: command.id,
      metadata: command.metadata ?? {},
      collection: command.collection ?? old.collection,
    })
  }
  return createSubscription(step, {
    kind: 'subscription.create',
    id: command.id,
    items: planItems(step, price),
    collection: command.collection ?? 'automatic',
    daysUntilDue: command.daysUntilDue ?? null,
    metadata: command.metadata ?? {},
  })
}

/** How an agreement is replaced. */
export interface Replacement {
  readonly items: readonly ItemInput[]
  readonly prorate: boolean
  readonly billUsage?: boolean
  readonly collection?: Subscription['collection']
  readonly id?: string | null
  readonly metadata?: Subscription['metadata']
}

/** Puts a new agreement in the place of an old one. @throws BillhookError `not_found`, `currency_mismatch`, `conflict` */
export function replaceAgreement(step: Step, old: Subscription, replacement: Replacement): Subscription {
  const { at } = step.context
  const { items, prices } = readItems(step, replacement.items)
  const { currency, interval } = sharedTerms(prices)
  if (currency !== old.currency) refuse('currency_mismatch', `agreement ${old.id} is in ${old.currency}`, 'plan')
  const id = replacement.id ?? step.context.mint('subscription')
  if (step.state.subscriptions[id] !== undefined) refuse('conflict', `agreement ${id} exists already`, 'id')
  const invoice = step.context.mint('invoice')
  const base: Subscription = {
    ...old,
    id,
    status: moveSubscription(null, 'create_active'),
    items,
    currency,
    collection: replacement.collection ?? old.collection,
    startAt: at,
    startedAt: at,
    anchor: at,
    interval,
    trial: null,
    cycles: { total: null, invoiced: 0, paid: 0 },
    cancel: null,
    pause: null,
    scheduledChange: null,
    failedAttempts: 0,
    replaces: old.id,
    metadata: replacement.metadata ?? old.metadata,
    createdAt: at,
    updatedAt: at,
  }
  const cycle = firstCycle(step, base, at)
  const started = { ...base, ...begun(base, cycle, invoice) }
  const fresh = { ...started, nextChargeAt: nextCharge(step, started) }
  if (replacement.billUsage === true) billRest(step, old)
  const credits = replacement.prorate ? restOf(step, old) : []
  tellReplacement(step, old, fresh)
  endNow(step, old, { by: 'customer', reason: 'plan_changed', superseded: true })
  for (const credit of credits) takeOver(step, credit, fresh)
  billFirst(step, fresh, { id: invoice, cycle, extra: [], charge: true })
  return step.state.subscriptions[id] ?? fresh
}

/** The change of plan is told of the old agreement, with the new one as what it became; then the new one is told. */
function tellReplacement(step: Step, old: Subscription, fresh: Subscription): void {
  const plan = planOf(step.context, fresh.items)
  const changes = changesOf(step, old, { ...fresh, cycles: old.cycles })
  const direction = directionOf(step, old, fresh)
  const told = { kind: 'subscription_changed', subject: old.id, detail: { changes, plan, direction } } as const
  tellShowing(step, told, { subscription: old }, { subscription: fresh })
  const detail = { status: fresh.status, plan }
  tell(step, { kind: 'subscription_created', subject: fresh.id, detail }, { subscription: fresh })
  const activated = { recovered: false, plan }
  tell(step, { kind: 'subscription_activated', subject: fresh.id, detail: activated }, { subscription: fresh })
}

/** A credit for the old agreement is set against the new one's first invoice. */
function takeOver(step: Step, credit: InvoiceItem, fresh: Subscription): void {
  const item: InvoiceItem = { ...credit, subscription: fresh.id, subscriptionItem: null }
  tell(step, { kind: 'invoice_item_created', subject: item.id }, { invoice_item: item })
}

/** @throws BillhookError `not_found`, `invalid_transition` */
export function cancelAgreement(step: Step, command: CancelAgreement): Subscription {
  requireCustomer(step)
  const live = liveAgreements(step)
  const agreement = command.id === null ? live[0] : live.find(({ id }) => id === command.id)
  if (agreement === undefined) {
    const known = command.id === null ? undefined : step.state.subscriptions[command.id]
    if (known !== undefined) refuse('invalid_transition', `agreement ${known.id} is ${known.status}`, 'id')
    return refuse('not_found', `the customer has no agreement ${command.id ?? ''}`, 'id')
  }
  if (command.id === null && live.length > 1)
    refuse('invalid_request', `the customer has ${live.length} agreements: say which`, 'id')
  return endNow(step, agreement, { by: command.by, reason: command.reason, superseded: false })
}

/** A plan is a price and all that its product counts: an agreement about it has both. */
function planItems(step: Step, plan: Price): readonly ItemInput[] {
  const counted = Object.values(step.context.catalog.prices).filter(
    ({ id, product, usage, active, currency, interval }) =>
      id !== plan.id &&
      product === plan.product &&
      usage === 'metered' &&
      active &&
      currency === plan.currency &&
      interval?.unit === plan.interval?.unit &&
      interval?.count === plan.interval?.count,
  )
  const ids = [plan.id, ...counted.map(({ id }) => id).sort(compareText)]
  return ids.map((price) => ({ price, quantity: 1 }))
}

function liveAgreements(step: Step): readonly Subscription[] {
  return Object.values(step.state.subscriptions)
    .filter(isLive)
    .sort((a, b) => a.createdAt - b.createdAt || compareText(a.id, b.id))
}

function groupOf(step: Step, agreement: Subscription): string | null {
  const plan = planOf(step.context, agreement.items)
  return plan === null ? null : (plan.group ?? plan.product)
}
