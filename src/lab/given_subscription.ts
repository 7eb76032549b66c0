import { boundary, EXACT_UTC } from '../model/calendar.ts'
import type { Interval, Period } from '../model/calendar.ts'
import type { Price, Subscription } from '../model/entities.ts'
import type { Instant } from '../model/instant.ts'
import { MONTH } from './given_invoices.ts'
import type { GivenSettings } from './given_settings.ts'
import { trialEndBehavior } from './read_fields.ts'
import type { StoryFields } from './read_fields.ts'

/** Whose subscription it is, and of what. */
export interface GivenTerms {
  readonly customer: string
  /** Its id where the story names none. */
  readonly id: string
  readonly items: readonly { readonly id?: string | null; readonly price: Price; readonly quantity: number }[]
}

const NOT_STARTED: readonly Subscription['status'][] = ['pending', 'incomplete', 'authorized']

/**
 * A subscription of a story as it is when the story begins.
 *
 * @throws BillhookError `scenario_invalid`, naming the field
 */
export function readSubscription(fields: StoryFields, settings: GivenSettings, terms: GivenTerms): Subscription {
  const { start, madeAt } = settings
  const status = statusOf(fields, settings)
  const interval = terms.items[0]?.price.interval ?? MONTH
  const started = !NOT_STARTED.includes(status)
  const trial = trialOf(fields, status, settings)
  const period = trial ?? (started ? periodOf(fields, interval, settings) : null)
  const startAt = fields.instant('start_at', 'starts_at') ?? period?.from ?? start
  const pastDue = status === 'past_due' || status === 'unpaid'
  const paid = fields.integer('paid_count') ?? (started && trial === null ? 1 : 0)
  const id = fields.text('id', 'agreement_id') ?? terms.id
  const cancel = cancelOf(fields, period, settings)
  return {
    id,
    customer: terms.customer,
    status,
    items: terms.items.map(({ id: itemId, price, quantity }, index) => ({
      id: itemId ?? (index === 0 ? `si_${id}` : `si_${id}_${index}`),
      price: price.id,
      quantity,
      createdAt: madeAt,
    })),
    currency: terms.items[0]?.price.currency ?? 'USD',
    collection: /^(send_invoice|out_of_band)$/i.test(fields.text('collection_method') ?? '') ? 'manual' : 'automatic',
    daysUntilDue: fields.integer('days_until_due'),
    defaultPaymentMethod: null,
    startAt,
    startedAt: started ? (period?.from ?? start) : null,
    anchor: trial?.until ?? (period === null ? startAt : anchorOf(period, interval, settings)),
    interval,
    cycle: period === null || trial !== null ? null : paid === 0 ? 0 : paid - (pastDue ? 0 : 1),
    period,
    trial,
    trialEndBehavior: trialEndBehavior(fields),
    cycles: {
      total: fields.integer('total_count', 'total_billing_cycles', 'total_cycles'),
      invoiced: paid + (pastDue ? 1 : 0),
      paid,
    },
    authorization: status === 'authorized' ? { upfront: null, expiresAt: null, authorizedAt: madeAt } : null,
    cancel,
    endedAt: null,
    pause: pauseOf(fields, status, settings),
    scheduledChange: null,
    latestInvoice: null,
    failedAttempts: status === 'unpaid' ? settings.attempts : 0,
    nextChargeAt: cancel === null && status !== 'paused' ? (period?.until ?? null) : null,
    replaces: null,
    checkout: null,
    metadata: fields.metadata(),
    createdAt: madeAt,
    updatedAt: madeAt,
  }
}

function statusOf(fields: StoryFields, { words }: GivenSettings): Subscription['status'] {
  const word = fields.text('status')
  const status = word === null ? 'active' : words.subscriptionStatuses[word]
  if (status === undefined) throw fields.fault('status', 'a status of this provider')
  return status
}

function trialOf(fields: StoryFields, status: Subscription['status'], { start }: GivenSettings): Period | null {
  if (status !== 'trialing') return null
  const until = fields.instant('trial_end', 'trial_ends_at', 'trial_end_at', 'current_period_end')
  if (until === null) throw fields.fault('trial_end', 'the end of the trial')
  const from = fields.instant('trial_start', 'trial_starts_at', 'trial_start_at') ?? start
  return { from, until }
}

function cancelOf(fields: StoryFields, period: Period | null, { madeAt }: GivenSettings): Subscription['cancel'] {
  const named = fields.instant('cancel_at', 'ends_at')
  const atEnd = fields.boolean('cancel_at_period_end', 'cancel_at_cycle_end') === true
  const at = named ?? (atEnd ? (period?.until ?? null) : null)
  if (at === null) return null
  return { requestedAt: madeAt, at, atPeriodEnd: atEnd || at === period?.until, by: 'customer', reason: null }
}

function pauseOf(
  fields: StoryFields,
  status: Subscription['status'],
  { madeAt }: GivenSettings,
): Subscription['pause'] {
  const collection = fields.object('pause_collection')
  if (collection !== null) {
    const invoices = collection.text('behavior') ?? 'void'
    if (invoices !== 'void' && invoices !== 'keep_as_draft' && invoices !== 'mark_uncollectible')
      throw collection.fault('behavior', 'void, keep_as_draft or mark_uncollectible')
    return { scope: 'collection', invoices, from: madeAt, resumesAt: collection.instant('resumes_at'), by: 'admin' }
  }
  if (status !== 'paused') return null
  return { scope: 'service', invoices: 'void', from: madeAt, resumesAt: null, by: 'admin' }
}

/** The running cycle: from what the story says of it, else the one that begins with the story. */
function periodOf(fields: StoryFields, interval: Interval, { start, boundary: rule }: GivenSettings): Period {
  const from = fields.instant('current_period_start', 'current_start', 'current_period_starts_at')
  const until = fields.instant(
    'current_period_end',
    'current_end',
    'charge_at',
    'next_billing_at',
    'current_period_ends_at',
    'current_period_end_at',
  )
  if (from !== null) return { from, until: until ?? boundary(from, interval, 1, rule) }
  if (until !== null) return { from: boundary(until, interval, -1, EXACT_UTC), until }
  return { from: start, until: boundary(start, interval, 1, rule) }
}

/** The latest start from which cycles of this interval fall on both ends of the period. */
function anchorOf(period: Period, interval: Interval, { boundary: rule }: GivenSettings): Instant {
  const candidates = [0, -1, -2, -3].map((n) => boundary(period.until, interval, n - 1, EXACT_UTC))
  const fits = candidates.find((anchor, n) => boundary(anchor, interval, n + 1, rule) === period.until)
  return fits ?? period.from
}
