/** Facts of invoices, payments and checkouts: from their own snapshots, and from happenings that tell of them. */
import { money, subtract } from '../model/money.ts'
import type { Money } from '../model/money.ts'
import { MINUTE_MS } from '../model/instant.ts'
import type { PaymentFailure } from '../model/objects.ts'
import type { Happening } from '../model/observations.ts'
import { factKey } from './fact_set.ts'
import type { FactSet } from './fact_set.ts'
import { invoiceValue } from './sources.ts'
import type { Known, Sources, ToldHappening } from './sources.ts'
import type { Step } from './timeline.ts'

type Failed = Extract<Happening, { readonly what: 'payment_failed' }>

/** A failed charge and the notice of its invoice come within minutes of each other. */
const SAME_FAILURE_MS = 10 * MINUTE_MS

/** Adds what happened to invoices. */
export function addInvoiceFacts(sources: Sources, facts: FactSet): void {
  for (const invoice of sources.known.invoice.values()) {
    let status: Step<'invoice'>['to']['status'] | null = null
    for (const step of invoice.steps) {
      addInvoiceStep(sources, facts, { invoice, step, from: step.told ? (step.from?.status ?? null) : status })
      status = step.to.status
    }
  }
}

interface InvoiceChange {
  readonly invoice: Known<'invoice'>
  readonly step: Step<'invoice'>
  readonly from: Step<'invoice'>['to']['status'] | null
}

function addInvoiceStep(sources: Sources, facts: FactSet, { invoice, step, from }: InvoiceChange): void {
  const { id } = invoice
  const { to } = step
  const subscription = sources.subscriptionOf(id)
  const customer = to.customer ?? (subscription === null ? null : sources.customerOf(subscription))
  const base = { at: step.stamp, customer, subscription, subject: id, evidence: [step.event], sure: step.sure }
  if (step.verb === 'created' || (from === null && to.status === 'draft' && step.status)) {
    facts.add({ kind: 'invoice_drafted', key: factKey(id, 'invoice_drafted'), ...base, detail: { total: to.total } })
  }
  if (from === to.status || !step.status) return
  switch (to.status) {
    case 'draft':
      return
    case 'open': {
      // Seen first with attempts behind it: it was made final some time before.
      if (from === null && (to.attempts ?? 0) > 0) return
      const detail = { total: to.total, number: to.number, dueAt: to.dueAt }
      facts.add({ kind: 'invoice_finalized', key: factKey(id, 'invoice_finalized'), ...base, detail })
      return
    }
    case 'paid': {
      const amount = to.amountPaid ?? to.total
      const detail = { amount, number: to.number, period: to.period, outOfBand: to.paidOutOfBand }
      facts.add({ kind: 'invoice_paid', key: factKey(id, 'invoice_paid'), ...base, detail })
      return
    }
    case 'uncollectible': {
      const detail = { amount: to.amountDue ?? to.total }
      facts.add({ kind: 'invoice_uncollectible', key: factKey(id, 'invoice_uncollectible'), ...base, detail })
      return
    }
    case 'void': {
      const detail = { amount: to.amountDue ?? to.total }
      facts.add({ kind: 'invoice_voided', key: factKey(id, 'invoice_voided'), ...base, detail })
    }
  }
}

/** Adds what happened to payments, told by their objects or one by one: attempts, failures, successes, refunds. */
export function addPaymentFacts(sources: Sources, facts: FactSet): void {
  const failures = sources.happenings.filter(({ happening }) => happening.what === 'payment_failed')
  const matched = new Map<string, PaymentFailure>()
  for (const payment of sources.known.payment.values()) addPaymentObject(sources, facts, { payment, failures, matched })
  for (const told of sources.happenings) {
    const { happening } = told
    if (happening.what === 'payment_failed') addFailure(sources, facts, { told, happening, matched })
    if (happening.what === 'payment_succeeded') addSuccess(sources, facts, told)
    if (happening.what === 'invoice_overdue') addOverdue(sources, facts, told)
  }
  addRefunds(sources, facts)
}

interface PaymentAt {
  readonly payment: Known<'payment'>
  readonly failures: readonly ToldHappening[]
  readonly matched: Map<string, PaymentFailure>
}

function addPaymentObject(sources: Sources, facts: FactSet, at: PaymentAt): void {
  const { payment } = at
  const root = sources.paymentOf(payment.id)
  const invoice = sources.invoiceOf(payment.id)
  let status: Step<'payment'>['to']['status'] | null = null
  let refunded: Money | null = null
  for (const step of payment.steps) {
    const from = step.told ? (step.from?.status ?? null) : status
    const { to } = step
    const base = { ...paymentBase(sources, step, invoice), subject: root }
    const begun = to.status === 'initiated' || to.status === 'processing' || to.status === 'requires_action'
    if (step.verb === 'created' || (from === null && begun)) {
      const detail = { amount: to.amount, invoice }
      facts.add({ kind: 'payment_initiated', key: factKey(root, 'payment_initiated'), ...base, detail })
    }
    if (to.status === 'succeeded' && from !== 'succeeded') {
      const detail = { amount: to.amount, invoice }
      facts.add({ kind: 'payment_succeeded', key: factKey(invoice ?? root, 'payment_succeeded'), ...base, detail })
    }
    if (to.status === 'canceled' && from !== 'canceled') {
      const detail = { amount: to.amount, invoice }
      facts.add({ kind: 'payment_canceled', key: factKey(root, 'payment_canceled'), ...base, detail })
    }
    if (to.status === 'failed' && status !== 'failed') {
      addFailedPayment(sources, facts, { ...at, step, root, invoice })
    }
    if (to.refunded !== null && to.refunded.minor > (refunded?.minor ?? 0n)) {
      addRefund(facts, { base, root, invoice, amount: to.amount, before: refunded, total: to.refunded })
      refunded = to.refunded
    }
    status = to.status
  }
}

function paymentBase(sources: Sources, step: Step<'payment'>, invoice: string | null) {
  const { to } = step
  const subscription = to.subscription ?? (invoice === null ? null : sources.subscriptionOf(invoice))
  const customer =
    to.customer ??
    invoiceValue(sources, invoice)?.customer ??
    (subscription === null ? null : sources.customerOf(subscription))
  const evidence: readonly string[] = [step.event]
  return { at: step.stamp, customer, subscription, evidence, sure: step.sure }
}

interface FailedPayment extends PaymentAt {
  readonly step: Step<'payment'>
  readonly root: string
  readonly invoice: string | null
}

/** A failed payment is the failure that its invoice tells, if one is told at that time; else a fact of its own. */
function addFailedPayment(sources: Sources, facts: FactSet, failed: FailedPayment): void {
  const { step, root, invoice, failures, matched } = failed
  const failure = step.to.failure ?? { code: null, message: null, retryable: 'unknown' }
  const near = failures
    .filter(({ happening, events }) => {
      if (events.includes(step.event)) return true
      const same = invoice !== null && 'invoice' in happening && happening.invoice === invoice
      return same && Math.abs(happening.stamp - step.stamp) <= SAME_FAILURE_MS
    })
    .sort((a, b) => Math.abs(a.happening.stamp - step.stamp) - Math.abs(b.happening.stamp - step.stamp))
  const [notice] = near
  if (notice !== undefined) {
    const known = matched.get(notice.happening.key)
    if (known === undefined || isBetter(failure, known)) matched.set(notice.happening.key, failure)
    return
  }
  facts.add({
    kind: 'payment_failed',
    key: factKey(root, 'payment_failed', step.stamp),
    ...paymentBase(sources, step, invoice),
    subject: root,
    detail: { amount: step.to.amount, invoice, attempt: null, nextAttemptAt: null, failure },
  })
}

/** The more specific reason; by text where both are specific, so that no order decides. */
function isBetter(a: PaymentFailure, b: PaymentFailure): boolean {
  if ((a.code === null) !== (b.code === null)) return b.code === null
  if ((a.retryable === 'unknown') !== (b.retryable === 'unknown')) return b.retryable === 'unknown'
  return `${a.code} ${a.message}` < `${b.code} ${b.message}`
}

interface FailureNotice {
  readonly told: ToldHappening
  readonly happening: Failed
  readonly matched: ReadonlyMap<string, PaymentFailure>
}

function addFailure(sources: Sources, facts: FactSet, { told, happening, matched }: FailureNotice): void {
  const { invoice, attempt, nextAttemptAt, amount, cycle, key } = happening
  const known = matched.get(key)
  const failure =
    known !== undefined && isBetter(known, happening.failure)
      ? { ...known, retryable: known.retryable === 'unknown' ? happening.failure.retryable : known.retryable }
      : happening.failure
  const base = happeningBase(sources, told, invoice)
  const subject = invoice ?? told.subscription ?? happening.customer ?? key
  const parts = [...(invoice === null && cycle !== null ? [cycle] : []), attempt === null ? key : String(attempt)]
  facts.add({
    kind: 'invoice_payment_failed',
    key: factKey(subject, 'invoice_payment_failed', ...parts),
    ...base,
    subject: invoice ?? subject,
    detail: { attempt, nextAttemptAt, amount, failure },
  })
  facts.add({
    kind: 'payment_failed',
    key: factKey(subject, 'payment_failed', ...parts),
    ...base,
    subject,
    detail: { amount, invoice, attempt, nextAttemptAt, failure },
  })
}

function happeningBase(sources: Sources, told: ToldHappening, invoice: string | null) {
  const { happening, subscription, events, sure } = told
  const customer =
    happening.customer ??
    invoiceValue(sources, invoice)?.customer ??
    (subscription === null ? null : sources.customerOf(subscription))
  return { at: happening.stamp, customer, subscription, evidence: events, sure }
}

function addSuccess(sources: Sources, facts: FactSet, told: ToldHappening): void {
  const { happening, events } = told
  if (happening.what !== 'payment_succeeded') return
  const { invoice, amount, key } = happening
  const payment = [...sources.known.payment.values()].find(({ steps }) =>
    steps.some((step) => events.includes(step.event)),
  )
  const root = payment === undefined ? null : sources.paymentOf(payment.id)
  const paid = invoice ?? (root === null ? null : sources.invoiceOf(root))
  const subject = paid ?? root ?? key
  const base = happeningBase(sources, told, paid)
  const detail = { amount, invoice: paid }
  facts.add({
    kind: 'payment_succeeded',
    key: factKey(subject, 'payment_succeeded'),
    ...base,
    subject: root ?? subject,
    detail,
  })
  const known = invoiceValue(sources, paid)
  facts.add({
    kind: 'invoice_paid',
    key: factKey(subject, 'invoice_paid'),
    ...base,
    subject,
    detail: {
      amount,
      number: known?.number ?? null,
      period: known?.period ?? null,
      outOfBand: known?.paidOutOfBand ?? false,
    },
  })
}

function addOverdue(sources: Sources, facts: FactSet, told: ToldHappening): void {
  const { happening } = told
  if (happening.what !== 'invoice_overdue') return
  const { invoice, dueAt, key } = happening
  const subject = invoice ?? key
  facts.add({
    kind: 'invoice_overdue',
    key: factKey(subject, 'invoice_overdue'),
    ...happeningBase(sources, told, invoice),
    subject,
    detail: { amount: invoiceValue(sources, invoice)?.amountDue ?? null, dueAt },
  })
}

interface Refund {
  readonly base: ReturnType<typeof paymentBase>
  readonly root: string
  readonly invoice: string | null
  readonly amount: Money | null
  readonly before: Money | null
  readonly total: Money
}

function addRefund(facts: FactSet, { base, root, invoice, amount, before, total }: Refund): void {
  const given = before === null || before.currency !== total.currency ? total : subtract(total, before)
  facts.add({
    kind: 'payment_refunded',
    key: factKey(root, 'payment_refunded', String(total.minor)),
    ...base,
    subject: root,
    detail: { amount: given, total, full: amount !== null && total.minor >= amount.minor, invoice },
  })
}

/** Refunds that are told one by one: added up per payment, so that they meet what the payment itself shows. */
function addRefunds(sources: Sources, facts: FactSet): void {
  const sums = new Map<string, Money>()
  for (const told of sources.happenings) {
    const { happening } = told
    if (happening.what !== 'payment_refunded') continue
    const root = happening.payment === null ? null : sources.paymentOf(happening.payment)
    const invoice = happening.invoice ?? (root === null ? null : sources.invoiceOf(root))
    const subject = root ?? invoice ?? happening.refund
    const base = happeningBase(sources, told, invoice)
    if (happening.amount === null) {
      const detail = { amount: null, total: null, full: false, invoice }
      const key = factKey(subject, 'payment_refunded', happening.refund)
      facts.add({ kind: 'payment_refunded', key, ...base, subject, detail })
      continue
    }
    const before = sums.get(subject) ?? null
    const { currency } = happening.amount
    const total = money((before?.currency === currency ? before.minor : 0n) + happening.amount.minor, currency)
    sums.set(subject, total)
    const amount = root === null ? null : paidAmount(sources, root)
    const whole = amount ?? invoiceValue(sources, invoice)?.amountPaid ?? null
    addRefund(facts, { base, root: subject, invoice, amount: whole, before, total })
  }
}

function paidAmount(sources: Sources, root: string): Money | null {
  const payment = [...sources.known.payment.values()].find(({ id }) => sources.paymentOf(id) === root)
  return payment?.valued.value.amount ?? null
}

/** Adds what happened to hosted checkouts. */
export function addCheckoutFacts(sources: Sources, facts: FactSet): void {
  for (const { id, steps } of sources.known.checkout.values()) {
    let status: Checkout['status'] | null = null
    for (const step of steps) {
      const before: Checkout['status'] | null = step.told ? (step.from?.status ?? null) : status
      const isNew = step.status && step.to.status !== before
      // A checkout that is first seen after its end was opened anyway.
      if (step.verb === 'created' && !(isNew && step.to.status === 'open')) addCheckoutFact(facts, id, step, 'open')
      if (isNew) addCheckoutFact(facts, id, step, step.to.status)
      if (step.status) status = step.to.status
    }
  }
}

type Checkout = Step<'checkout'>['to']

function addCheckoutFact(facts: FactSet, id: string, step: Step<'checkout'>, status: Checkout['status']): void {
  const { customer, subscription, reference } = step.to
  const base = { at: step.stamp, customer, subscription, subject: id, evidence: [step.event], sure: step.sure }
  const detail = { reference }
  switch (status) {
    case 'open':
      return facts.add({ kind: 'checkout_opened', key: factKey(id, 'checkout_opened'), ...base, detail })
    case 'completed': {
      const completed = { reference, subscription }
      return facts.add({
        kind: 'checkout_completed',
        key: factKey(id, 'checkout_completed'),
        ...base,
        detail: completed,
      })
    }
    case 'canceled':
      return facts.add({ kind: 'checkout_canceled', key: factKey(id, 'checkout_canceled'), ...base, detail })
    case 'expired':
      return facts.add({ kind: 'checkout_expired', key: factKey(id, 'checkout_expired'), ...base, detail })
  }
}
