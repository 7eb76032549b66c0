import type { ItemInput } from '../model/commands.ts'
import { command, named } from './effects.ts'
import type { ActionContext, ActionReader, HeldItem } from './effects.ts'
import type { StoryFields } from './read_fields.ts'

/** Actions on one item of a subscription: the others stay. */
export const itemActions: Readonly<Record<string, ActionReader>> = {
  'subscription_item.create': (fields, context) => {
    const subscription = named(fields, context, 'subscription', 'subscription')
    return change(fields, subscription, mergedItems([fields], context.held(subscription), context))
  },
  'subscription_item.update': (fields, context) => {
    const { subscription, held } = holderOf(fields, context)
    return change(fields, subscription, mergedItems([fields], held, context))
  },
  'subscription_item.delete': (fields, context) => {
    const { subscription, held } = holderOf(fields, context)
    const id = fields.text('id')
    return change(
      fields,
      subscription,
      held.filter((item) => item.id !== id),
    )
  },
}

/** True if the items that an update names are changes of those that there are, and not the whole list. */
export function areChanges(listed: readonly StoryFields[]): boolean {
  return listed.some((item) => item.has('id') || item.has('deleted'))
}

/** The items of a subscription with some of them changed by id, deleted, or added. @throws BillhookError `scenario_invalid` */
export function mergedItems(
  listed: readonly StoryFields[],
  held: readonly HeldItem[],
  context: ActionContext,
): readonly ItemInput[] {
  const items = new Map(held.map((item) => [item.id, { price: item.price, quantity: item.quantity }]))
  for (const [index, fields] of listed.entries()) {
    const id = fields.text('id')
    const before = id === null ? undefined : items.get(id)
    if (id !== null && before === undefined)
      throw fields.fault('id', `one of the items ${[...items.keys()].join(', ')}`)
    if (id !== null && fields.boolean('deleted') === true) {
      items.delete(id)
      continue
    }
    const name = fields.price('price', 'plan', 'plan_id', 'price_id')
    const price = name === null ? before?.price : (context.price(name) ?? name)
    if (price === undefined) throw fields.fault('price', 'a price')
    items.set(id ?? `new ${index}`, { price, quantity: fields.integer('quantity') ?? before?.quantity ?? 1 })
  }
  return [...items.values()]
}

function holderOf(fields: StoryFields, context: ActionContext) {
  const id = fields.requiredText('id')
  const subscription = context.holderOf(id)
  if (subscription === null) throw fields.fault('id', 'an item of a subscription')
  return { subscription, held: context.held(subscription) }
}

function change(fields: StoryFields, id: string, items: readonly ItemInput[]) {
  const proration = fields.text('proration_behavior')
  const known = proration === 'create_prorations' || proration === 'always_invoice' || proration === 'none'
  const plain = items.map(({ price, quantity }) => ({ price, quantity }))
  return command({ kind: 'subscription.update', id, items: plain, ...(known ? { proration } : {}) })
}
