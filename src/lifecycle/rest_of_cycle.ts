/** What the rest of a running cycle is worth: credited when it is not used, charged when it is used newly. */
import type { InvoiceItem, Subscription } from '../model/entities.ts'
import type { Money } from '../model/money.ts'
import { cycleAmount } from './lines.ts'
import { shareLeft, shareOf } from './proration.ts'
import { lookup } from './step.ts'
import type { Step } from './step.ts'

/** How one item's share is written down. `name` is the quantity and the price, for people. */
type Entry = (share: Money, name: string) => Pick<InvoiceItem, 'amount' | 'description'>

/** Entries for the rest of the cycle, one per item that is paid in advance; none while no cycle runs. */
export function shareOfRest(step: Step, subscription: Subscription, entry: Entry): readonly InvoiceItem[] {
  const { at, profile } = step.context
  const { period } = subscription
  if (period === null) return []
  const share = shareLeft(period, at, profile.prorationUnit)
  return subscription.items.flatMap((item) => {
    const price = lookup(step.context.catalog.prices, item.price)
    const whole = cycleAmount(step, item)
    if (price === null || price.billed === 'arrears' || whole === null || whole.minor === 0n) return []
    return [
      {
        id: step.context.mint('invoice_item'),
        customer: step.state.id,
        subscription: subscription.id,
        invoice: null,
        ...entry(shareOf(whole, share), `${item.quantity} × ${price.name ?? price.id}`),
        proration: true,
        price: item.price,
        subscriptionItem: item.id,
        quantity: item.quantity,
        period: { from: at, until: period.until },
        metadata: {},
        createdAt: at,
      },
    ]
  })
}
