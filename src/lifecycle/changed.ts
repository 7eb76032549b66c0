/** How a change of plan, quantity or terms is told. */
import { approximateMs } from '../model/calendar.ts'
import type { SubscriptionItem, Subscription } from '../model/entities.ts'
import type { Change } from '../model/facts.ts'
import { amountFor } from './pricing.ts'
import { quantityOf } from './quantity.ts'
import { lookup, planOf, tell } from './step.ts'
import type { Step } from './step.ts'

/** Tells what differs between two states of a subscription; nothing if the terms are the same. */
export function tellChanged(step: Step, before: Subscription, after: Subscription): void {
  const changes = changesOf(step, before, after)
  if (changes.length === 0) return
  const detail = { changes, plan: planOf(step.context, after.items), direction: directionOf(step, before, after) }
  tell(step, { kind: 'subscription_changed', subject: after.id, detail }, { subscription: after })
}

/** The members that facts name, with old and new values as texts. */
export function changesOf(step: Step, before: Subscription, after: Subscription): readonly Change[] {
  const plan = (of: Subscription): string | null => planOf(step.context, of.items)?.id ?? null
  const fields: readonly (readonly [Change['field'], string | null, string | null])[] = [
    ['plan', plan(before), plan(after)],
    ['items', itemsText(before.items), itemsText(after.items)],
    ['quantity', quantityText(before.items), quantityText(after.items)],
    ['collection', before.collection, after.collection],
    ['cycles', textOf(before.cycles.total), textOf(after.cycles.total)],
    ['interval', intervalText(before), intervalText(after)],
  ]
  return fields.filter(([, from, to]) => from !== to).map(([field, from, to]) => ({ field, from, to }))
}

/** Whether the new terms cost more per time than the old ones; usage is left out. */
export function directionOf(
  step: Step,
  before: Subscription,
  after: Subscription,
): 'upgrade' | 'downgrade' | 'unknown' {
  const [from, to] = [perTime(step, before), perTime(step, after)]
  if (from === null || to === null || from === to) return 'unknown'
  return to > from ? 'upgrade' : 'downgrade'
}

function perTime(step: Step, subscription: Subscription): number | null {
  if (subscription.interval === null) return null
  let minor = 0n
  for (const item of subscription.items) {
    const price = lookup(step.context.catalog.prices, item.price)
    if (price === null || price.usage === 'metered') continue
    minor += amountFor(price, quantityOf(item.quantity)).minor
  }
  return Number(minor) / approximateMs(subscription.interval)
}

function itemsText(items: readonly SubscriptionItem[]): string {
  return items.map((item) => item.price).join(',')
}

function quantityText(items: readonly SubscriptionItem[]): string {
  return items.map((item) => item.quantity).join(',')
}

function intervalText({ interval }: Subscription): string | null {
  return interval === null ? null : `${interval.count} ${interval.unit}`
}

function textOf(value: number | null): string | null {
  return value === null ? null : String(value)
}
