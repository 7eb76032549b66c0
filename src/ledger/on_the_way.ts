/** Money on its way is neither paid nor failed: a bank debit is decided days after it began. */
import { addMs, latest, MINUTE_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Account } from './paid_through.ts'
import type { Known, Sources } from './sources.ts'

/** A payment may be made a moment before its invoice is told. */
const AHEAD_MS = MINUTE_MS

/** Since when the newest payment of an open invoice is on its way; null if none is. */
export function onTheWayAt(sources: Sources, { invoices }: Account): Instant | null {
  const open = invoices.filter(({ valued }) => valued.value.status === 'open')
  if (open.length === 0) return null
  const begun = [...sources.known.payment.values()].flatMap((payment) => {
    const at = payment.steps.find((step) => step.to.status === 'processing')?.stamp
    const pays = isUndecided(sources, payment) && open.some((invoice) => isFor(sources, payment, invoice))
    return at !== undefined && pays ? [at] : []
  })
  return begun.length === 0 ? null : begun.reduce(latest)
}

/** A payment is told by several objects (intent and charge): what one of them says of the end counts for all. */
function isUndecided(sources: Sources, payment: Known<'payment'>): boolean {
  if (payment.valued.value.status !== 'processing') return false
  const root = sources.paymentOf(payment.id)
  return [...sources.known.payment.values()].every((other) => {
    if (sources.paymentOf(other.id) !== root) return true
    const { status } = other.valued.value
    if (status === 'succeeded' || status === 'canceled') return false
    return status !== 'failed' || lastAt(other) < lastAt(payment)
  })
}

function lastAt({ steps }: Known<'payment'>): number {
  return steps.at(-1)?.stamp ?? 0
}

/** As told; where no object links the two, by customer, amount and time. */
function isFor(sources: Sources, payment: Known<'payment'>, invoice: Known<'invoice'>): boolean {
  const told = sources.invoiceOf(payment.id)
  if (told !== null) return told === invoice.id
  const { invoice: named, customer, amount, createdAt } = payment.valued.value
  const { value } = invoice.valued
  const due = value.amountDue ?? value.total
  if (named !== 'unknown' || customer === null || customer !== value.customer) return false
  if (amount === null || due === null || amount.minor !== due.minor || amount.currency !== due.currency) return false
  return createdAt === null || value.createdAt === null || createdAt >= addMs(value.createdAt, -AHEAD_MS)
}
