/**
 * Rule 8: what is paid is proved by payments, not by the provider's period, which moves before the money comes. All proofs
 * are looked at, and the one that reaches furthest counts.
 */
import { cycleAt } from '../model/calendar.ts'
import type { Period } from '../model/calendar.ts'
import { compareText } from '../model/compare.ts'
import { addMs, DAY_MS, earliest, latest, MINUTE_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { ObservedInvoice, ObservedSubscription } from '../model/objects.ts'
import type { Stamp } from '../model/observations.ts'
import type { SubscriptionStatus } from '../model/status.ts'
import { invoiceValue } from './sources.ts'
import type { Known, Sources, ToldHappening } from './sources.ts'
import type { Gap, Paid } from './state.ts'
import type { Step } from './timeline.ts'

/** What is looked at for one subscription. */
export interface Account {
  readonly id: string
  readonly value: ObservedSubscription
  readonly status: SubscriptionStatus
  readonly failedAt: Instant | null
  readonly happenings: readonly ToldHappening[]
  readonly invoices: readonly Known<'invoice'>[]
}

/** One cycle that was paid. */
export interface PaidCycle {
  readonly invoice: string | null
  /** The happening's key where no invoice is named. */
  readonly key: string
  readonly period: Period | null
  readonly through: Instant | null
  readonly basis: 'invoice' | 'payment'
  readonly reason: ObservedInvoice['reason']
  readonly at: Stamp
  readonly events: readonly string[]
  readonly sure: boolean
  /** True if what was paid was given back in full: it happened, and proves nothing any more. */
  readonly refunded: boolean
}

/** An invoice may be made a moment before the cycle that it bills begins. */
const INVOICE_AHEAD_MS = MINUTE_MS

/** The invoices of a subscription, by id. */
export function invoicesOf(sources: Sources, subscription: string): readonly Known<'invoice'>[] {
  return [...sources.known.invoice.values()]
    .filter((invoice) => sources.subscriptionOf(invoice.id) === subscription)
    .sort((a, b) => compareText(a.id, b.id))
}

/**
 * The cycles that were paid: of invoices (zero amounts too) that are not void, and of payments that name the end of a
 * cycle themselves; also those that were refunded since. By time, each invoice once.
 */
export function paidCyclesOf(sources: Sources, account: Account): readonly PaidCycle[] {
  const cycles = [
    ...account.invoices.flatMap((invoice) => invoiceCycle(sources, account, invoice) ?? []),
    ...account.happenings.flatMap((told) => paymentCycle(sources, account, told) ?? []),
  ]
  return cycles.sort((a, b) => a.at - b.at || compareText(a.key, b.key))
}

/** The cycle that an invoice proves to be paid, by its status or by payments that make up its total; null if none. */
function invoiceCycle(sources: Sources, account: Account, invoice: Known<'invoice'>): PaidCycle | null {
  const { id, steps, valued } = invoice
  const { status, reason } = valued.value
  const period = valued.value.period ?? billedCycle(valued.value, account.value)
  const cycle = { invoice: id, key: id, period, through: period?.until ?? null, reason }
  const paid = steps.find((step) => step.to.status === 'paid')
  if (status === 'paid' && paid !== undefined) {
    const refunded = isRefunded(sources, invoice)
    return { ...cycle, basis: 'invoice', at: paid.stamp, events: [paid.event], sure: valued.sure, refunded }
  }
  const settled = settlementOf(sources, invoice)
  if (settled === null) return null
  return { ...cycle, basis: 'payment', at: settled.stamp, events: [settled.event], sure: false, refunded: false }
}

/** The cycle that a payment told by itself proves to be paid; null if its invoice decides, or it is no payment. */
function paymentCycle(
  sources: Sources,
  account: Account,
  { happening, events, sure }: ToldHappening,
): PaidCycle | null {
  if (happening.what !== 'payment_succeeded') return null
  const { invoice, key, paidThrough: through, stamp: at } = happening
  const known = invoiceValue(sources, invoice)
  if (known?.status === 'void' || known?.status === 'paid') return null
  const reason = known?.reason ?? 'unknown'
  const period = known?.period ?? (through === null ? null : periodUntil(sources, account.id, through))
  const refunded = isHappeningRefunded(sources, events, invoice)
  return { invoice, key: invoice ?? key, period, through, basis: 'payment', reason, at, events, sure, refunded }
}

/** The last of the payments that make up an open invoice's total, although the invoice was not told to be paid (yet). */
function settlementOf(sources: Sources, { id, valued }: Known<'invoice'>): Step<'payment'> | null {
  const { status, total } = valued.value
  if ((status !== 'open' && status !== 'draft') || total === null || total.minor <= 0n) return null
  const seen = new Set<string>()
  let left = total.minor
  let last: Step<'payment'> | null = null
  for (const payment of sources.known.payment.values()) {
    const root = sources.paymentOf(payment.id)
    const { status: outcome, amount } = payment.valued.value
    const paid = payment.steps.find((step) => step.to.status === 'succeeded')
    if (outcome !== 'succeeded' || paid === undefined || seen.has(root) || sources.invoiceOf(root) !== id) continue
    if (amount?.currency !== total.currency) continue
    seen.add(root)
    left -= amount.minor - (sources.refundedOf(root)?.minor ?? 0n)
    if (last === null || paid.stamp > last.stamp) last = paid
  }
  return left <= 0n ? last : null
}

/** The period of that end which the subscription has shown. */
function periodUntil(sources: Sources, subscription: string, until: Instant): Period | null {
  const steps = sources.known.subscription.get(subscription)?.steps ?? []
  return steps.find((step) => step.to.period?.until === until)?.to.period ?? null
}

/** The cycle of its subscription that an invoice without a period bills: the one that contains its creation. */
function billedCycle(invoice: ObservedInvoice, subscription: ObservedSubscription): Period | null {
  const { reason } = invoice
  if (reason === 'update' || reason === 'manual' || reason === 'other') return null
  const created = invoice.createdAt ?? invoice.paidAt
  if (created === null) return null
  const { interval, period, trial } = subscription
  const start = cycleStart(subscription)
  if (interval === null || start === null) {
    return period !== null && period.from <= created + INVOICE_AHEAD_MS && created < period.until ? period : null
  }
  if (trial !== null && created + INVOICE_AHEAD_MS < trial.until) return trial
  return cycleAt(start, interval, latest(start, addMs(created, INVOICE_AHEAD_MS)))
}

/** From where cycles are counted: the anchor, but never from within a trial. */
function cycleStart({ anchor, startedAt, createdAt, trial }: ObservedSubscription): Instant | null {
  const start = anchor ?? startedAt ?? createdAt
  if (trial === null) return start
  return start === null ? trial.until : latest(start, trial.until)
}

function isRefunded(sources: Sources, invoice: Known<'invoice'>): boolean {
  const { refunded, amountPaid, total } = invoice.valued.value
  const paid = amountPaid ?? total
  if (refunded !== null && refunded.minor > 0n && refunded.minor >= (paid?.minor ?? 0n)) return true
  return isInvoiceRefunded(sources, invoice.id, paid?.minor ?? null)
}

/** True if what was given back on the invoice's payments is all that was paid. */
function isInvoiceRefunded(sources: Sources, invoice: string, paid: bigint | null): boolean {
  let given = 0n
  let amount = 0n
  const seen = new Set<string>()
  for (const { id, valued } of sources.known.payment.values()) {
    const root = sources.paymentOf(id)
    if (seen.has(root) || valued.value.status !== 'succeeded' || sources.invoiceOf(id) !== invoice) continue
    seen.add(root)
    given += sources.refundedOf(id)?.minor ?? 0n
    amount += valued.value.amount?.minor ?? 0n
  }
  for (const { happening } of sources.happenings) {
    if (happening.what !== 'payment_refunded') continue
    const { payment } = happening
    if (payment !== null && seen.has(sources.paymentOf(payment))) continue
    const about = happening.invoice ?? (payment === null ? null : sources.invoiceOf(payment))
    if (about === invoice) given += happening.amount?.minor ?? 0n
  }
  return given > 0n && given >= (paid ?? amount)
}

function isHappeningRefunded(sources: Sources, events: readonly string[], invoice: string | null): boolean {
  if (invoice !== null && isInvoiceRefunded(sources, invoice, null)) return true
  const payment = [...sources.known.payment.values()].find(({ steps }) =>
    steps.some((step) => events.includes(step.event)),
  )
  if (payment === undefined) return false
  const given = sources.refundedOf(payment.id)
  const { amount } = payment.valued.value
  return given !== null && given.minor > 0n && given.minor >= (amount?.minor ?? 0n)
}

/** How far a subscription is paid. */
export function paidOf(sources: Sources, account: Account, cycles: readonly PaidCycle[]): Paid {
  const { value } = account
  if (value.free) {
    const through = value.period?.until ?? null
    return { through, openEnded: through === null, basis: 'free', invoice: null, sure: true }
  }
  const proofs: Paid[] = cycles.flatMap(({ through, basis, invoice, sure }) =>
    through === null ? [] : [{ through, openEnded: false, basis, invoice, sure }],
  )
  const givenBack = refundedEnds(sources, account, cycles)
  const shown = shownPaidThrough(sources, account, givenBack)
  if (shown !== null) proofs.push({ through: shown, openEnded: false, basis: 'cycle', invoice: null, sure: true })
  const best = furthest(proofs)
  const undated = cycles.findLast((cycle) => cycle.invoice === null && cycle.through === null)
  const dated = cycles.findLast((cycle) => cycle.through !== null)
  if (undated !== undefined && value.interval === null && (dated === undefined || dated.at < undated.at)) {
    return { through: best?.through ?? null, openEnded: true, basis: 'payment', invoice: null, sure: undated.sure }
  }
  if (best === null) return unproved(account, givenBack.size > 0)
  const trial = value.trial?.until ?? null
  if (trial !== null && best.through !== null && trial > best.through) {
    return { through: trial, openEnded: false, basis: 'trial', invoice: null, sure: true }
  }
  return best
}

function furthest(proofs: readonly Paid[]): Paid | null {
  return proofs.reduce<Paid | null>(
    (best, proof) => (best === null || (proof.through ?? 0) > (best.through ?? 0) ? proof : best),
    null,
  )
}

/** The ends of cycles whose payments were told, and are given back. */
function refundedEnds(sources: Sources, account: Account, cycles: readonly PaidCycle[]): ReadonlySet<Instant> {
  const counted = new Set(cycles.map((cycle) => cycle.through))
  const told = account.happenings.map(({ happening }) =>
    happening.what === 'payment_succeeded' ? happening.paidThrough : null,
  )
  const billed = account.invoices.map((invoice) =>
    isRefunded(sources, invoice) ? (invoice.valued.value.period?.until ?? null) : null,
  )
  return new Set([...told, ...billed].flatMap((end) => (end === null || counted.has(end) ? [] : [end])))
}

/** The furthest end that the subscription's own bodies prove; those of refunded payments do not count. */
function shownPaidThrough(sources: Sources, account: Account, givenBack: ReadonlySet<Instant>): Instant | null {
  const steps = sources.known.subscription.get(account.id)?.steps ?? []
  const shown = [account.value.paidThrough, ...steps.map((step) => step.to.paidThrough)]
  return shown
    .filter((through) => through !== null && !givenBack.has(through))
    .reduce<Instant | null>((a, b) => (a === null || (b !== null && b > a) ? b : a), null)
}

/** Nothing proves a payment: what the provider shows stands in, and is not sure. */
function unproved(account: Account, givenBack: boolean): Paid {
  const { value, status, failedAt, invoices: seen } = account
  const { period, trial } = value
  if (trial !== null && (status === 'trialing' || seen.length > 0)) {
    return { through: trial.until, openEnded: false, basis: 'trial', invoice: null, sure: true }
  }
  const unpaidFrom = seen
    .map(({ valued }) => (valued.value.period ?? billedCycle(valued.value, value))?.from ?? null)
    .filter((from) => from !== null)
  const basis = 'provider_period'
  const [firstFrom] = unpaidFrom
  if (firstFrom !== undefined) {
    return { through: unpaidFrom.reduce(earliest), openEnded: false, basis, invoice: null, sure: false }
  }
  if (period !== null) {
    // A charge that failed early in the period was the one for this period; one that was given back as well.
    const failed = failedAt !== null && failedAt < period.until - DAY_MS
    return {
      through: failed || givenBack ? period.from : period.until,
      openEnded: false,
      basis,
      invoice: null,
      sure: false,
    }
  }
  const openEnded = status === 'active' || status === 'past_due'
  return { through: null, openEnded, basis: openEnded ? 'agreement' : 'none', invoice: null, sure: false }
}

/** What must have been missed: a jump in the count of paid cycles, or a latest invoice that was never told. */
export function gapsOf(sources: Sources, account: Account): readonly Gap[] {
  const gaps: Gap[] = []
  const steps = sources.known.subscription.get(account.id)?.steps ?? []
  let before: number | null = null
  for (const { to, stamp } of steps) {
    const paid = to.cycles?.paid ?? null
    if (before !== null && paid !== null && paid > before + 1) {
      gaps.push({ kind: 'paid_count', at: stamp, words: `paid cycles went from ${before} to ${paid}` })
    }
    before = paid ?? before
  }
  const { latestInvoice } = account.value
  if (latestInvoice !== null && account.invoices.length > 0 && !sources.known.invoice.has(latestInvoice)) {
    const at = steps.at(-1)?.stamp
    if (at !== undefined) gaps.push({ kind: 'latest_invoice', at, words: `invoice ${latestInvoice} was never told` })
  }
  return gaps
}

/** The earliest due date of the open invoices that are paid by hand. */
export function dueAtOf(account: Account): Instant | null {
  const due = account.invoices.flatMap(({ valued }) => {
    const { status, dueAt, collection } = valued.value
    const byHand = (collection ?? account.value.collection) === 'manual'
    return status === 'open' && dueAt !== null && byHand ? [dueAt] : []
  })
  return due.length === 0 ? null : due.reduce(earliest)
}
