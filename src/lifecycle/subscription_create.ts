/** A new subscription. */
import type { ItemInput, SubscriptionCreate } from '../model/commands.ts'
import type { Interval, Period } from '../model/calendar.ts'
import type { Currency } from '../model/currency.ts'
import type { Price, Subscription, SubscriptionItem } from '../model/entities.ts'
import { addMs, DAY_MS, formatInstantShort } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { begun, billFirst, billTrial, firstCycle } from './first.ts'
import { requireCustomer, requirePrice } from './lookup.ts'
import { nextCharge } from './moves.ts'
import { lookup, planOf, put, refuse, tell, tellShowing } from './step.ts'
import type { Step } from './step.ts'
import { moveSubscription } from './tables.ts'

/** More items than this in one subscription are nobody's plan; every invoice has a line for each. */
const MAX_ITEMS = 100
/** No provider takes a larger quantity. */
const MAX_QUANTITY = 1_000_000_000
const MAX_CYCLES = 10_000
const MAX_TRIAL_DAYS = 730

/** Creates a subscription, tells it, and starts what is to start now. */
export function createSubscription(step: Step, command: SubscriptionCreate): Subscription {
  const { profile } = step.context
  if (step.state.customer !== null || profile.start.firstPayment === 'charge') requireCustomer(step)
  const subscription = build(step, command)
  assignCurrency(step, subscription.currency)
  if (profile.start.assignsPlan) tellAssigned(step, subscription)
  open(step, subscription, command)
  return lookup(step.state.subscriptions, subscription.id) ?? subscription
}

/** Tells that the customer was put on the plan. */
function tellAssigned(step: Step, subscription: Subscription): void {
  const plan = planOf(step.context, subscription.items)
  tellShowing(step, { kind: 'plan_assigned', subject: step.state.id, detail: { plan } }, {}, { subscription })
}

function open(step: Step, subscription: Subscription, command: SubscriptionCreate): void {
  const { profile } = step.context
  const { status, trial } = subscription
  if (trial !== null && status === 'trialing') {
    const id = profile.trial.zeroInvoice ? step.context.mint('invoice') : null
    const made = { ...subscription, latestInvoice: id }
    tellCreated(step, made)
    const detail = { plan: planOf(step.context, made.items), trial }
    tell(step, { kind: 'subscription_trial_started', subject: made.id, detail }, { subscription: made })
    if (id !== null) billTrial(step, made, trial, id)
    return
  }
  const waits = subscription.startAt > step.context.at || profile.start.firstPayment === 'authorize'
  if (waits) return tellCreated(step, subscription)
  const cycle = firstCycle(step, subscription, subscription.startAt)
  const id = step.context.mint('invoice')
  const made = { ...subscription, ...begun(subscription, cycle, id) }
  const planned = { ...made, nextChargeAt: nextCharge(step, made) }
  tellCreated(step, planned)
  if (status === 'active') {
    const detail = { recovered: false, plan: planOf(step.context, made.items) }
    tell(step, { kind: 'subscription_activated', subject: made.id, detail }, { subscription: planned })
  }
  billFirst(step, planned, { id, cycle, extra: [], charge: command.paymentBehavior !== 'default_incomplete' })
}

function tellCreated(step: Step, subscription: Subscription): void {
  const detail = { status: subscription.status, plan: planOf(step.context, subscription.items) }
  tell(step, { kind: 'subscription_created', subject: subscription.id, detail }, { subscription })
}

function build(step: Step, command: SubscriptionCreate): Subscription {
  const { at } = step.context
  const { items, prices } = readItems(step, command.items)
  const { currency, interval } = sharedTerms(prices)
  const wantedStart = command.startAt ?? at
  const offered = trialOf(command, wantedStart)
  // Where the customer authorizes first, a trial is nothing but a later start.
  const authorizes = step.context.profile.start.firstPayment === 'authorize'
  const trial = authorizes ? null : offered
  const startAt = authorizes && offered !== null ? offered.until : wantedStart
  if (startAt < at) refuse('invalid_request', `startAt ${formatInstantShort(startAt)} lies before now`, 'startAt')
  const base: Subscription = {
    id: newId(step, command.id ?? null),
    customer: step.state.id,
    status: statusFor(step, command, { startAt, trial }),
    items,
    currency,
    collection: command.collection ?? 'automatic',
    daysUntilDue: daysOf(command.daysUntilDue ?? null),
    defaultPaymentMethod: methodOf(step, command.defaultPaymentMethod ?? null),
    startAt,
    startedAt: null,
    anchor: anchorOf(command, trial?.until ?? startAt),
    interval,
    cycle: null,
    period: null,
    trial,
    trialEndBehavior: command.trialEndBehavior ?? 'invoice',
    cycles: { total: totalOf(command.totalCycles ?? null), invoiced: 0, paid: 0 },
    authorization: authorizationOf(step, command, startAt),
    cancel: null,
    endedAt: null,
    pause: null,
    scheduledChange: null,
    latestInvoice: null,
    failedAttempts: 0,
    nextChargeAt: null,
    replaces: null,
    checkout: command.checkout ?? null,
    metadata: command.metadata ?? {},
    createdAt: at,
    updatedAt: at,
  }
  const running = base.status === 'trialing' || base.status === 'active'
  const made = {
    ...base,
    startedAt: running ? at : null,
    period: base.status === 'trialing' ? trial : null,
  }
  return { ...made, nextChargeAt: nextCharge(step, made) }
}

function newId(step: Step, wanted: string | null): string {
  const id = wanted ?? step.context.mint('subscription')
  if (lookup(step.state.subscriptions, id) !== null) refuse('conflict', `subscription ${id} already exists`, 'id')
  return id
}

function methodOf(step: Step, method: string | null): string | null {
  if (method !== null && lookup(step.state.paymentMethods, method) === null)
    refuse('not_found', `the customer has no payment method ${method}`, 'defaultPaymentMethod')
  return method
}

function totalOf(total: number | null): number | null {
  if (total !== null && !whole(total, 1, MAX_CYCLES))
    refuse('invalid_request', `totalCycles ${total} is not a whole number from 1 to ${MAX_CYCLES}`, 'totalCycles')
  return total
}

function statusFor(
  step: Step,
  command: SubscriptionCreate,
  { startAt, trial }: { readonly startAt: Instant; readonly trial: Period | null },
): Subscription['status'] {
  const { at, profile } = step.context
  if (profile.start.firstPayment === 'authorize' || startAt > at) return moveSubscription(null, 'create_waiting')
  if (trial !== null) return moveSubscription(null, 'create_trial')
  const free = command.items.every((item) => isFree(requirePrice(step, item.price), item.quantity))
  if (command.collection === 'manual' || free || profile.start.unpaidStatus === 'active')
    return moveSubscription(null, 'create_active')
  return moveSubscription(null, profile.start.unpaidStatus === 'pending' ? 'create_waiting' : 'create_unpaid')
}

/** True if nothing is to be paid for it in advance. */
function isFree(price: Price, quantity: number): boolean {
  if (price.billed === 'arrears') return true
  if (price.unitAmount !== null) return price.unitAmount.minor === 0n || (price.scheme === 'per_unit' && quantity === 0)
  return false
}

function trialOf(command: SubscriptionCreate, startAt: Instant): Period | null {
  const { trialDays, trialEnd } = command
  if (trialDays !== null && trialDays !== undefined) {
    if (trialEnd !== null && trialEnd !== undefined)
      refuse('invalid_request', 'a trial has a number of days or an end, not both', 'trialEnd')
    if (!whole(trialDays, 0, MAX_TRIAL_DAYS))
      refuse('invalid_request', `trialDays ${trialDays} is not a whole number from 0 to ${MAX_TRIAL_DAYS}`, 'trialDays')
    return trialDays === 0 ? null : { from: startAt, until: addMs(startAt, trialDays * DAY_MS) }
  }
  if (trialEnd === null || trialEnd === undefined) return null
  if (trialEnd <= startAt)
    refuse('invalid_request', `trialEnd ${formatInstantShort(trialEnd)} does not lie after the start`, 'trialEnd')
  return { from: startAt, until: trialEnd }
}

function anchorOf(command: SubscriptionCreate, start: Instant): Instant {
  const anchor = command.anchor ?? start
  if (anchor < start)
    refuse('invalid_request', `anchor ${formatInstantShort(anchor)} lies before the first cycle`, 'anchor')
  return anchor
}

function daysOf(days: number | null): number | null {
  if (days !== null && !whole(days, 0, 3650))
    refuse('invalid_request', `daysUntilDue ${days} is not a whole number from 0 to 3650`, 'daysUntilDue')
  return days
}

function authorizationOf(step: Step, command: SubscriptionCreate, startAt: Instant): Subscription['authorization'] {
  const { at, profile } = step.context
  if (profile.start.firstPayment !== 'authorize') return null
  const window = profile.start.authorizeMs
  const offered = command.expiresAt ?? (window === null ? null : addMs(at, window))
  const expiresAt = startAt > at && (offered === null || offered > startAt) ? startAt : offered
  return { upfront: command.upfront ?? null, expiresAt, authorizedAt: null }
}

/** The items of a command as entities. @throws BillhookError `invalid_request`, `not_found` */
export function readItems(
  step: Step,
  inputs: readonly ItemInput[],
  known: readonly SubscriptionItem[] = [],
): { readonly items: readonly SubscriptionItem[]; readonly prices: readonly Price[] } {
  if (inputs.length === 0 || inputs.length > MAX_ITEMS)
    refuse('invalid_request', `a subscription has from 1 to ${MAX_ITEMS} items, not ${inputs.length}`, 'items')
  const prices = inputs.map((input) => requirePrice(step, input.price))
  if (new Set(prices.map((price) => price.id)).size !== prices.length)
    refuse('invalid_request', 'the same price stands in the items twice', 'items')
  const items = inputs.map((input, index): SubscriptionItem => {
    if (!whole(input.quantity, 0, MAX_QUANTITY))
      refuse(
        'invalid_request',
        `quantity ${input.quantity} is not a whole number from 0 to ${MAX_QUANTITY}`,
        'quantity',
      )
    const price = prices[index]?.id ?? input.price
    const same =
      known.find((item) => item.price === price) ?? (inputs.length === known.length ? known[index] : undefined)
    const id = same?.id ?? step.context.mint('subscription_item')
    return { id, price, quantity: input.quantity, createdAt: same?.createdAt ?? step.context.at }
  })
  return { items, prices }
}

/** Currency and interval of recurring prices: they must agree. @throws BillhookError `currency_mismatch`, `invalid_request` */
export function sharedTerms(prices: readonly Price[]): { readonly currency: Currency; readonly interval: Interval } {
  const [first] = prices
  if (first === undefined) return refuse('invalid_request', 'there are no prices', 'items')
  for (const price of prices) {
    if (price.interval === null)
      return refuse('invalid_request', `price ${price.id} is for one-off invoices: it does not recur`, 'items')
    if (price.currency !== first.currency)
      return refuse(
        'currency_mismatch',
        `price ${price.id} is in ${price.currency}, ${first.id} in ${first.currency}`,
        'items',
      )
    if (price.interval.unit !== first.interval?.unit || price.interval.count !== first.interval.count)
      return refuse('invalid_request', `prices ${first.id} and ${price.id} do not recur at the same interval`, 'items')
  }
  if (first.interval === null) return refuse('invalid_request', `price ${first.id} does not recur`, 'items')
  return { currency: first.currency, interval: first.interval }
}

/** The customer is billed in this currency from now on. @throws BillhookError `currency_mismatch` */
export function assignCurrency(step: Step, currency: Currency, field = 'items'): void {
  const { customer } = step.state
  if (customer === null || customer.currency === currency) return
  if (customer.currency !== null)
    refuse('currency_mismatch', `customer ${customer.id} is billed in ${customer.currency}, not in ${currency}`, field)
  put(step, { customer: { ...customer, currency } })
}

function whole(value: number, from: number, to: number): boolean {
  return Number.isInteger(value) && value >= from && value <= to
}
