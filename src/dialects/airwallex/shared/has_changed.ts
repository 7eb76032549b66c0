import type { Subscription, View } from '../../../model/entities.ts'
import { canonicalJson } from '../../../model/json.ts'
import type { JsonObject } from '../../../model/json.ts'

/**
 * True if a subscription was changed: as it is printed, or in its items, which not every generation prints.
 *
 * @param moving names of fields whose change alone is no change, because they move with the cycle or with every write
 */
export function hasChanged(
  view: View,
  print: (subscription: Subscription) => JsonObject,
  moving: ReadonlySet<string>,
): boolean {
  const { before, after } = view
  if (before.subscription === null || after.subscription === null) return false
  const still = (subscription: Subscription): string =>
    canonicalJson(Object.entries(print(subscription)).filter(([name]) => !moving.has(name)))
  return (
    still(before.subscription) !== still(after.subscription) ||
    canonicalJson(before.subscription.items) !== canonicalJson(after.subscription.items)
  )
}
