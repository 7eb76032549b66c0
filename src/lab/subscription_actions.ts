import type { ItemInput, MethodChoice, SubscriptionCreate, SubscriptionUpdate } from '../model/commands.ts'
import { isObject } from '../model/json.ts'
import { money, sum } from '../model/money.ts'
import type { Money } from '../model/money.ts'
import type { Actor } from '../model/status.ts'
import { command, customerOf, methodOf, named, otherMethod, outcomeOf } from './effects.ts'
import type { ActionContext, ActionReader, Effect } from './effects.ts'
import { areChanges, mergedItems } from './item_actions.ts'
import { trialEndBehavior } from './read_fields.ts'
import type { StoryFields } from './read_fields.ts'

const ACTORS: Readonly<Record<string, Actor>> = {
  customer: 'customer',
  user: 'customer',
  admin: 'admin',
  merchant: 'admin',
  self: 'admin',
  api: 'admin',
  system: 'system',
  unknown: 'unknown',
}

/** Actions on subscriptions, agreements and usage. */
export const subscriptionActions: Readonly<Record<string, ActionReader>> = {
  'subscription.create': createSubscription,
  'subscription.update': updateSubscription,
  'subscription.cancel': (fields, context) =>
    command({
      kind: 'subscription.cancel',
      id: named(fields, context, 'subscription', 'id', 'subscription'),
      when: atPeriodEnd(fields) ? 'period_end' : 'now',
      by: actorOf(fields),
      reason: fields.text('reason', 'comment'),
      prorate: fields.boolean('prorate') ?? fields.text('proration_behavior') === 'PRORATED',
      invoiceNow: fields.boolean('invoice_now') ?? false,
    }),
  'subscription.pause': (fields, context) =>
    onlyNow(fields, 'pause_at') &&
    command({
      kind: 'subscription.pause',
      id: named(fields, context, 'subscription', 'id', 'subscription'),
      by: actorOf(fields, 'admin'),
      resumesAt: fields.instant('resumes_at'),
    }),
  'subscription.resume': (fields, context) =>
    onlyNow(fields, 'resume_at') &&
    command({
      kind: 'subscription.resume',
      id: named(fields, context, 'subscription', 'id', 'subscription'),
      by: actorOf(fields, 'admin'),
      anchor: fields.text('billing_cycle_anchor', 'anchor') === 'now' ? 'now' : 'unchanged',
    }),
  'checkout.authenticate': (fields, context) =>
    command({
      kind: 'subscription.authorize',
      id: named(fields, context, 'subscription', 'subscription', 'id'),
      outcome: outcomeOf(fields),
      method: authorizedMethod(fields, context),
    }),
  'subscription.retry': (fields, context) =>
    command({
      kind: 'subscription.retry',
      id: named(fields, context, 'subscription', 'id', 'subscription'),
      method: fields.has('payment_method') ? methodOf(fields.requiredText('payment_method'), context) : null,
    }),
  'subscription.change_payment_method': (fields, context) =>
    command({
      kind: 'subscription.change_payment_method',
      id: named(fields, context, 'subscription', 'id', 'subscription'),
      method: otherMethod(
        fields.text('payment_method', 'card') ?? `pm_new_${fields.text('outcome') ?? 'pays'}`,
        context,
      ),
    }),
  'agreement.create': (fields, context) =>
    command(
      {
        kind: 'agreement.create',
        id: fields.text('id'),
        plan: fields.requiredText('plan_code', 'plan'),
        invoiceNow: fields.boolean('is_invoice_now', 'invoice_now') ?? false,
        prorate: fields.boolean('is_prorate', 'prorate') ?? false,
        ...(fields.has('collection_method') ? { collection: isManual(fields) ? 'manual' : 'automatic' } : {}),
        daysUntilDue: fields.integer('days_until_due'),
      },
      customerOf(fields, context),
    ),
  'agreement.cancel': (fields, context) =>
    command(
      {
        kind: 'agreement.cancel',
        id: fields.text('id', 'agreement'),
        by: actorOf(fields),
        reason: fields.text('reason'),
      },
      customerOf(fields, context),
    ),
  'usage.report': (fields, context) =>
    command({
      kind: 'usage.report',
      subscription: usedBy(fields, context),
      meter: fields.requiredText('meter', 'feature', 'feature_code', 'billing_feature_code', 'event_name', 'meter_id'),
      quantity: quantityOf(fields),
      mode: modeOf(fields),
    }),
}

/** What was used: of the subscription that the report names, or of the customer's. */
function usedBy(fields: StoryFields, context: ActionContext): string {
  const names = ['subscription', 'agreement', 'agreement_id', 'customer_agreement_id', 'id'] as const
  // A meter's event names a customer, some with the provider's own key: the story's newest subscription is meant.
  fields.pass((key) => key === 'customer' || key.endsWith('customer_id'))
  return named(fields, context, 'subscription', ...names)
}

/** Pauses begin and end at once; another time in the story would be passed over. */
function onlyNow(fields: StoryFields, key: string): true {
  const at = fields.text(key)
  if (at !== null && at !== 'now') throw fields.fault(key, 'now')
  return true
}

/** The card that the customer agrees with: one that the story names, the one on file, or any. */
function authorizedMethod(fields: StoryFields, context: ActionContext): MethodChoice | null {
  const name = fields.text('payment_method', 'card')
  if (name === null && context.method !== null) return null
  return methodOf(name ?? 'card_authorized', context)
}

function createSubscription(fields: StoryFields, context: ActionContext): readonly Effect[] {
  // Its price is made of this when the story begins.
  fields.has('recurring')
  const upfront =
    fields.amount(context.currency, context.words.amounts, 'upfront', 'upfront_amount') ?? addonsOf(fields, context)
  const created: SubscriptionCreate = {
    kind: 'subscription.create',
    id: fields.text('id'),
    items: itemsOf(fields, context) ?? anyItem(fields, context),
    trialDays: fields.integer('trial_period_days', 'trial_days'),
    trialEnd: fields.instant('trial_end', 'trial_ends_at', 'trial_end_at'),
    trialEndBehavior: trialEndBehavior(fields),
    startAt: fields.instant('start_at', 'starts_at'),
    anchor: fields.instant('billing_cycle_anchor', 'billing_cycle_anchor_at'),
    totalCycles: fields.integer('total_count', 'total_billing_cycles', 'total_cycles'),
    upfront,
    expiresAt: fields.instant('expire_by'),
    collection: isManual(fields) ? 'manual' : 'automatic',
    daysUntilDue: fields.integer('days_until_due'),
    defaultPaymentMethod: fields.text('default_payment_method'),
    paymentBehavior: fields.text('payment_behavior') === 'default_incomplete' ? 'default_incomplete' : 'charge',
    metadata: fields.metadata(),
  }
  return command(created, customerOf(fields, context))
}

/** What add-ons cost that are paid with the authorization: `addons: [{ item: { amount }, quantity }]`. */
function addonsOf(fields: StoryFields, { currency, words }: ActionContext): Money | null {
  const addons = fields.objects('addons').map((addon) => {
    const item = addon.object('item') ?? addon
    for (const key of ['name', 'currency', 'description']) item.has(key)
    const amount = item.amount(currency, words.amounts, 'amount', 'unit_amount')
    if (amount === null) throw item.fault('amount', 'an amount')
    return money(amount.minor * BigInt(addon.integer('quantity') ?? 1), currency)
  })
  return addons.length === 0 ? null : sum(addons, currency)
}

function updateSubscription(fields: StoryFields, context: ActionContext): readonly Effect[] {
  const id = named(fields, context, 'subscription', 'id', 'subscription')
  const listed = fields.objects('items')
  const items = areChanges(listed) ? mergedItems(listed, context.held(id), context) : itemsOf(fields, context)
  const quantity = fields.integer('quantity')
  const billing = billingActionOf(fields)
  const trialEnd = fields.text('trial_end', 'trial_ends_at')
  const total = fields.integer('total_count', 'total_cycles')
  const manual = fields.text('collection_method')
  const update: SubscriptionUpdate = {
    kind: 'subscription.update',
    id,
    ...(items === null ? {} : { items }),
    ...(quantity === null || items !== null ? {} : { quantity }),
    ...(fields.has('metadata') || fields.has('notes') ? { metadata: fields.metadata() } : {}),
    ...(fields.has('cancel_at_period_end')
      ? { cancelAtPeriodEnd: fields.boolean('cancel_at_period_end') ?? false }
      : {}),
    ...(fields.has('cancel_at') ? { cancelAt: fields.instant('cancel_at') } : {}),
    ...(fields.has('by') ? { by: actorOf(fields) } : {}),
    ...(fields.has('pause_collection') ? { pauseCollection: pauseOf(fields) } : {}),
    ...(fields.has('default_payment_method') ? { defaultPaymentMethod: fields.text('default_payment_method') } : {}),
    ...(manual === null ? {} : { collection: isManual(fields) ? 'manual' : 'automatic' }),
    ...(fields.has('days_until_due') ? { daysUntilDue: fields.integer('days_until_due') } : {}),
    ...(trialEnd === null
      ? {}
      : { trialEnd: /^now$/i.test(trialEnd) ? 'now' : (fields.instant('trial_end') ?? 'now') }),
    ...(total === null ? {} : { totalCycles: total }),
    ...billing,
    ...(isAtPeriodEnd(fields) ? { when: 'cycle_end' } : {}),
    ...(fields.text('payment_behavior') === 'pending_if_incomplete' ? { ifUnpaid: 'pending' } : {}),
    ...(fields.text('billing_cycle_anchor') === 'now' ? { resetAnchor: true } : {}),
  }
  return command(update)
}

/** How a change is billed, in the words of either provider that has some. */
const BILLING_ACTIONS: Readonly<Record<string, Pick<SubscriptionUpdate, 'proration' | 'resetAnchor'>>> = {
  DEFER_CHARGE_AND_KEEP_CYCLE: { proration: 'create_prorations' },
  IMMEDIATE_CHARGE_AND_KEEP_CYCLE: { proration: 'always_invoice' },
  IMMEDIATE_CHARGE_AND_RESET_CYCLE: { proration: 'always_invoice', resetAnchor: true },
}

function billingActionOf(fields: StoryFields): Pick<SubscriptionUpdate, 'proration' | 'resetAnchor'> {
  const word = fields.text('billing_action')
  const action = word === null ? {} : BILLING_ACTIONS[word]
  if (action === undefined) throw fields.fault('billing_action', Object.keys(BILLING_ACTIONS).join(', '))
  const proration = fields.text('proration_behavior', 'proration', 'default_proration_mode')
  if (proration === 'NONE') return { ...action, proration: 'none' }
  if (proration === null || proration === 'PRORATED' || proration === 'ALL') return action
  if (!isProration(proration)) throw fields.fault('proration_behavior', 'create_prorations, always_invoice or none')
  return { ...action, proration }
}

/** `schedule_change_at: cycle_end`, or the same in other words. */
function isAtPeriodEnd(fields: StoryFields): boolean {
  const words = ['schedule_change_at', 'when', 'at', 'effective', 'effective_at'] as const
  const word = fields.text(...words)
  if (word !== null && !/^(now|immediately|cycle_end|period_end|end_of_(period|cycle))$/.test(word))
    throw fields.fault(words.find((key) => fields.has(key)) ?? 'when', 'now or cycle_end')
  const flag = fields.boolean('at_period_end', 'at_cycle_end') === true
  return flag || (word !== null && word !== 'now' && word !== 'immediately')
}

function isProration(word: string | null): word is 'create_prorations' | 'always_invoice' | 'none' {
  return word === 'create_prorations' || word === 'always_invoice' || word === 'none'
}

function pauseOf(fields: StoryFields): (SubscriptionUpdate['pauseCollection'] & {}) | null {
  // An empty text unsets a field in that provider's API.
  if (fields.get('pause_collection') === '') return null
  const pause = fields.object('pause_collection')
  if (pause === null) return null
  const behavior = pause.text('behavior') ?? 'void'
  if (behavior !== 'void' && behavior !== 'keep_as_draft' && behavior !== 'mark_uncollectible')
    throw pause.fault('behavior', 'void, keep_as_draft or mark_uncollectible')
  return { invoices: behavior, resumesAt: pause.instant('resumes_at') }
}

/** `items`, or a single price with its quantity; null if the action names neither. */
function itemsOf(fields: StoryFields, context: ActionContext): readonly ItemInput[] | null {
  const listed = fields.objects('items')
  if (listed.length > 0)
    return listed.map((item) => ({
      price: priceOf(item.requiredPrice('price', 'plan', 'plan_id', 'price_id'), context),
      quantity: item.integer('quantity') ?? 1,
    }))
  const price = fields.price('price', 'plan_id', 'plan', 'plan_code', 'price_id')
  return price === null ? null : [{ price: priceOf(price, context), quantity: fields.integer('quantity') ?? 1 }]
}

function anyItem(fields: StoryFields, context: ActionContext): readonly ItemInput[] {
  if (context.anyPrice === null) throw fields.fault('price', 'a price (the story gives none)')
  return [{ price: context.anyPrice, quantity: fields.integer('quantity') ?? 1 }]
}

function priceOf(name: string, context: ActionContext): string {
  return context.price(name) ?? name
}

function isManual(fields: StoryFields): boolean {
  const method = fields.text('collection_method')
  return method === 'send_invoice' || method === 'OUT_OF_BAND' || method === 'manual'
}

function atPeriodEnd(fields: StoryFields): boolean {
  if (fields.boolean('at_period_end', 'cancel_at_cycle_end', 'cancel_at_period_end') === true) return true
  const when = fields.text('when', 'at')
  return when === 'period_end' || when === 'cycle_end'
}

function actorOf(fields: StoryFields, otherwise: Actor = 'customer'): Actor {
  const by = fields.text('by', 'initiated_by', 'pause_initiated_by', 'cancel_initiated_by')
  if (by === null) return otherwise
  const actor = ACTORS[by]
  if (actor === undefined) throw fields.fault('by', Object.keys(ACTORS).join(', '))
  return actor
}

function quantityOf(fields: StoryFields): string {
  const value = fields.get('quantity') ?? fields.get('value') ?? fields.get('meter_value') ?? fields.get('payload')
  const inner = isObject(value) ? value['value'] : value
  if (typeof inner === 'number' || typeof inner === 'string') return String(inner)
  throw fields.fault('quantity', 'a number')
}

function modeOf(fields: StoryFields): 'total' | 'delta' {
  const mode = fields.text('meter_type_code', 'type', 'action', 'mode')
  return mode === 'delta' || mode === 'increment' ? 'delta' : 'total'
}
