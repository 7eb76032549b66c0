/** Metered usage. */
import type { UsageReport } from '../model/commands.ts'
import type { Meter, Subscription, UsageTotal } from '../model/entities.ts'
import { isTerminal } from '../model/status.ts'
import { requireMeter, requireSubscription } from './lookup.ts'
import { formatQuantity, parseQuantity, quantityOf } from './quantity.ts'
import type { Quantity } from './quantity.ts'
import { usageKey } from './state.ts'
import { lookup, refuse, tellShowing } from './step.ts'
import type { Step } from './step.ts'

/**
 * Counts what was used in the cycle that runs. `total` says how much it is in all, `delta` adds to it; the meter's
 * aggregation says how reports add up.
 *
 * @throws BillhookError `not_found`, `invalid_transition`, `usage_on_unmetered`, `invalid_request`
 */
export function reportUsage(step: Step, report: UsageReport): void {
  const subscription = requireSubscription(step, report.subscription, 'subscription')
  const { status, id } = subscription
  const { period } = subscription
  if (isTerminal(status) || period === null)
    return refuse('invalid_transition', `subscription ${id} is ${status}: it takes no usage`, 'subscription')
  const meter = meterOf(step, subscription, report.meter)
  const reported = parseQuantity(report.quantity)
  if (report.mode === 'total' && reported < 0n)
    refuse('invalid_request', `a total of ${report.quantity} is less than nothing`, 'quantity')
  const key = usageKey({ subscription: id, meter: meter.id, period })
  const before = parseQuantity(lookup(step.state.usage, key)?.quantity ?? '0')
  const quantity = report.mode === 'total' ? reported : aggregate(meter, before, reported)
  if (quantity < 0n)
    refuse('invalid_request', `a change by ${report.quantity} would leave less than nothing`, 'quantity')
  const usage: UsageTotal = {
    subscription: id,
    meter: meter.id,
    period,
    quantity: formatQuantity(quantity),
    reported: formatQuantity(reported),
    mode: report.mode,
    updatedAt: step.context.at,
  }
  const detail = { meter: meter.code, quantity: usage.quantity, period }
  const told = { kind: 'usage_updated', subject: id, detail } as const
  tellShowing(step, told, { usage, subscription }, { meter })
}

function aggregate(meter: Meter, before: Quantity, reported: Quantity): Quantity {
  switch (meter.aggregation) {
    case 'sum':
      return before + reported
    case 'count':
      return before + quantityOf(1)
    case 'max':
      return reported > before ? reported : before
    case 'last':
      return reported
  }
}

function meterOf(step: Step, subscription: Subscription, wanted: string): Meter {
  const { prices } = step.context.catalog
  const meter = requireMeter(step, wanted)
  const metered = subscription.items
    .map((item) => lookup(prices, item.price))
    .filter((price) => price !== null && price.usage === 'metered')
  if (metered.length === 0)
    return refuse('usage_on_unmetered', `subscription ${subscription.id} has no metered price`, 'subscription')
  if (meter === null) return refuse('not_found', `no meter has the id or code ${wanted}`, 'meter')
  if (!metered.some((price) => price?.meter === meter.id))
    refuse(
      'usage_on_unmetered',
      `no price of subscription ${subscription.id} is billed by meter ${meter.code}`,
      'meter',
    )
  if (!meter.active) refuse('invalid_transition', `meter ${meter.code} is not active`, 'meter')
  return meter
}
