import type { Change } from '../model/facts.ts'
import type { ObservedItem, ObservedSubscription } from '../model/objects.ts'

/** What changed in a subscription's terms; what either side does not say is no change. Renewals change none of these. */
export function changesBetween(from: ObservedSubscription, to: ObservedSubscription): readonly Change[] {
  const sides: readonly (readonly [Change['field'], string | null, string | null])[] = [
    ['plan', from.plan?.id ?? null, to.plan?.id ?? null],
    ['items', itemsText(from.items), itemsText(to.items)],
    ['quantity', numberText(from.quantity), numberText(to.quantity)],
    ['collection', from.collection, to.collection],
    ['cycles', numberText(from.cycles?.total), numberText(to.cycles?.total)],
    ['interval', intervalText(from), intervalText(to)],
  ]
  return sides
    .filter(([, before, after]) => before !== null && after !== null && before !== after)
    .map(([field, before, after]) => ({ field, from: before, to: after }))
}

/** By the sum of the items' prices; unknown where a price is not known or nothing moved. */
export function directionOf(from: ObservedSubscription, to: ObservedSubscription): 'upgrade' | 'downgrade' | 'unknown' {
  const [before, after] = [priceOf(from.items), priceOf(to.items)]
  if (before === null || after === null || before === after) return 'unknown'
  if (intervalText(from) !== intervalText(to)) return 'unknown'
  return after > before ? 'upgrade' : 'downgrade'
}

function priceOf(items: readonly ObservedItem[]): bigint | null {
  let total = 0n
  for (const { unitAmount, quantity } of items) {
    if (unitAmount === null || quantity === null || !Number.isSafeInteger(quantity)) return null
    total += unitAmount.minor * BigInt(quantity)
  }
  return items.length === 0 ? null : total
}

/** Plans and quantities, sorted: providers give a changed item a new id. */
function itemsText(items: readonly ObservedItem[]): string | null {
  if (items.length === 0) return null
  return items
    .map((item) => (item.quantity === null ? item.plan.id : `${item.plan.id} x ${item.quantity}`))
    .sort()
    .join(', ')
}

function numberText(value: number | null | undefined): string | null {
  return value === null || value === undefined ? null : String(value)
}

function intervalText({ interval }: ObservedSubscription): string | null {
  return interval === null ? null : `${interval.count} ${interval.unit}`
}
