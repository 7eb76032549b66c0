/**
 * The closed loop, without a network: the billing engine tells its changes in a provider's words, the dialect reads them
 * back, and the ledger folds them. What the ledger answers must be what the engine itself knows.
 */
import type { Dialect } from '../../src/dialects/dialect.ts'
import { addMs, DAY_MS, HOUR_MS, latest, SECOND_MS } from '../../src/model/instant.ts'
import type { Instant } from '../../src/model/instant.ts'
import type { Command } from '../../src/model/commands.ts'
import type { FactKind } from '../../src/model/facts.ts'
import type { Invoice, Subscription } from '../../src/model/entities.ts'
import type { Observation } from '../../src/model/observations.ts'
import { money } from '../../src/model/money.ts'
import type { BillingProfile } from '../../src/model/profile.ts'
import { Bench, method } from '../lifecycle/support.ts'
import { RETRY_WINDOW_MS } from './histories.ts'

export class Loop {
  readonly bench: Bench
  readonly dialect: Dialect
  readonly observations: Observation[] = []
  readonly problems: string[] = []
  #told = 0

  constructor(dialect: Dialect, profile: BillingProfile, start: string) {
    this.dialect = dialect
    this.bench = new Bench(profile, start)
    this.bench.price('basic', 5000)
    this.bench.price('pro', 9000)
    if (dialect.family === 'razorpay') return
    this.bench.customer()
    this.hear()
  }

  /** Encodes and decodes what the engine has told since. */
  hear(): void {
    for (const { told, view } of this.bench.fresh.splice(0)) {
      this.#told += 1
      const at = told.at
      for (const notification of this.dialect.encode(told, view, { fact: `fact_${this.#told}`, at })) {
        const decoded = this.dialect.decode(notification)
        this.problems.push(
          ...decoded.problems.map((problem) => `${notification.type} ${problem.path}: ${problem.message}`),
        )
        this.observations.push(...decoded.observations)
      }
    }
  }

  try(command: Command): boolean {
    const { ok } = this.bench.tell(command)
    this.hear()
    return ok
  }

  advance(ms: number): void {
    this.bench.advance(addMs(this.bench.now, ms))
    this.hear()
  }

  subscriptions(): readonly Subscription[] {
    return Object.values(this.bench.state.subscriptions)
  }

  /** What the engine itself says of access at `at`, by the default policy. */
  entitled(at: Instant): boolean {
    return this.subscriptions().some((subscription) => this.#serves(subscription, at))
  }

  #serves(subscription: Subscription, at: Instant): boolean {
    const { status, trial, pause, cancel, endedAt } = subscription
    const through = this.paidThrough(subscription)
    const cap = cancel?.at ?? null
    const before = (end: Instant | null): boolean => end !== null && at < end && (cap === null || at < cap)
    if (status === 'trialing') return trial !== null && at < trial.until
    if (status === 'active') {
      if (pause?.scope === 'collection' || this.dialect.family === 'kinde') return true
      return before(through === null ? null : addMs(through, DAY_MS))
    }
    if (status === 'past_due') {
      const failed = this.#failedAt(subscription)
      return before(latest(addMs(failed, RETRY_WINDOW_MS), through ?? failed))
    }
    if (status === 'completed') return through !== null && at < through
    if (status !== 'canceled' || cancel?.atPeriodEnd !== true) return false
    return through !== null && endedAt !== null && at < latest(through, endedAt)
  }

  invoicesOf(subscription: Subscription): readonly Invoice[] {
    return Object.values(this.bench.state.invoices).filter((invoice) => invoice.subscription === subscription.id)
  }

  paidThrough(subscription: Subscription): Instant | null {
    const paid = this.invoicesOf(subscription).filter(
      (invoice) =>
        invoice.status === 'paid' &&
        invoice.lines.some((line) => line.kind === 'subscription') &&
        !(invoice.refunded.minor > 0n && invoice.refunded.minor >= invoice.amountPaid.minor),
    )
    const ends = paid.map((invoice) => invoice.period.until)
    if (subscription.trial !== null) ends.push(subscription.trial.until)
    return ends.length === 0 ? null : ends.reduce(latest)
  }

  #failedAt(subscription: Subscription): Instant {
    const open = this.invoicesOf(subscription).filter(
      (invoice) => invoice.status === 'open' || invoice.status === 'uncollectible',
    )
    const failed = open.flatMap((invoice) => {
      const { firstFailedAt = null } = invoice
      return firstFailedAt === null ? [] : [firstFailedAt]
    })
    return failed.sort((a, b) => a - b)[0] ?? this.bench.now
  }
}

function carries(dialect: Dialect, kind: FactKind): boolean {
  return dialect.catalogue.some((entry) => entry.carries.includes(kind))
}

/** One random act of a customer, an admin or time. */
export function act(loop: Loop, random: () => number): string {
  const { bench, dialect } = loop
  const live = loop.subscriptions().filter((each) => !['canceled', 'expired', 'completed'].includes(each.status))
  const [first] = live
  const dice = random()
  // Agreements have nothing but their stamp to tell which of two is the newer.
  if (dialect.family === 'kinde') loop.advance(SECOND_MS)
  if (first === undefined || (dice < 0.03 && live.length < 2)) return begin(loop, random)
  const { id } = first
  const acts: (readonly [string, Command])[] = [
    ['decline', { kind: 'payment_method.script', id: null, behavior: 'declines' }],
    ['pay', { kind: 'payment_method.script', id: null, behavior: 'pays' }],
    ['quantity', { kind: 'subscription.update', id, quantity: 1 + Math.floor(random() * 5) }],
    ['plan', { kind: 'subscription.update', id, items: [{ price: random() < 0.5 ? 'basic' : 'pro', quantity: 1 }] }],
    ['cancel later', { kind: 'subscription.cancel', id, when: 'period_end', by: 'customer', reason: null }],
    ['keep', { kind: 'subscription.update', id, cancelAtPeriodEnd: false }],
    ['pause collection', { kind: 'subscription.update', id, pauseCollection: { invoices: 'void', resumesAt: null } }],
    ['resume collection', { kind: 'subscription.update', id, pauseCollection: null }],
    ['pause', { kind: 'subscription.pause', id, by: 'customer' }],
    ['resume', { kind: 'subscription.resume', id, by: 'customer', anchor: 'unchanged' }],
    ['retry', { kind: 'subscription.retry', id, method: null }],
  ]
  if (dialect.family === 'kinde')
    acts.push(['plan change', { kind: 'agreement.create', id: null, plan: random() < 0.5 ? 'basic' : 'pro' }])
  if (dice < 0.5) {
    loop.advance(Math.floor(random() * 20 * DAY_MS))
    return 'time'
  }
  if (dice < 0.6) {
    loop.advance(Math.floor(random() * 3 * HOUR_MS))
    return 'a little time'
  }
  if (dice < 0.62) {
    const payment = Object.values(bench.state.payments).find((each) => each.status === 'succeeded')
    // A provider that does not tell of refunds leaves the ledger with what was paid.
    if (payment === undefined || dialect.family === 'razorpay' || !carries(dialect, 'payment_refunded'))
      return 'nothing'
    loop.try({
      kind: 'refund.create',
      id: null,
      payment: payment.id,
      amount: random() < 0.5 ? null : money(1000, 'EUR'),
      reason: null,
    })
    return 'refund'
  }
  if (dice < 0.64) {
    loop.try(
      dialect.family === 'kinde'
        ? { kind: 'agreement.cancel', id, by: 'admin', reason: null }
        : { kind: 'subscription.cancel', id, when: 'now', by: 'admin', reason: null },
    )
    return 'cancel now'
  }
  // Resumed in a cycle that it was not charged for: its body says that it is paid, and the engine that it is not.
  const ended = first.period !== null && first.period.until <= bench.now
  if (dialect.family === 'razorpay' && first.status === 'paused' && ended) return 'nothing'
  const chosen = acts[Math.floor(random() * acts.length)]
  if (chosen === undefined) return 'nothing'
  return `${chosen[0]}${loop.try(chosen[1]) ? '' : ' (refused)'}`
}

function begin(loop: Loop, random: () => number): string {
  const { family } = loop.dialect
  if (family === 'kinde') {
    loop.try({ kind: 'agreement.create', id: null, plan: 'basic' })
    return 'agreement'
  }
  const items = [{ price: 'basic', quantity: 1 }]
  if (family === 'razorpay') {
    loop.try({ kind: 'subscription.create', id: null, items, totalCycles: random() < 0.5 ? 4 : 24 })
    loop.advance(HOUR_MS)
    const made = loop.subscriptions().findLast((each) => each.status === 'pending')
    if (made !== undefined) {
      loop.try({
        kind: 'subscription.authorize',
        id: made.id,
        outcome: { outcome: 'succeeded', reference: null },
        method: { attach: method(`card_${Math.floor(random() * 1e9)}`) },
      })
    }
    return 'authorized'
  }
  loop.try({ kind: 'subscription.create', id: null, items, ...(random() < 0.3 ? { trialDays: 10 } : {}) })
  return 'subscription'
}
