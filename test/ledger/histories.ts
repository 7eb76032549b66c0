/**
 * Random billing histories from four small models of a provider, each with what is true after every step: the oracle of
 * the property tests and of the long run in bench/. Deterministic: a seed gives a history.
 */
import { addMs, DAY_MS, HOUR_MS, instant, latest, MINUTE_MS, SECOND_MS } from '../../src/model/instant.ts'
import type { Instant } from '../../src/model/instant.ts'
import { boundary } from '../../src/model/calendar.ts'
import type { Interval, Period } from '../../src/model/calendar.ts'
import { money } from '../../src/model/money.ts'
import type { ObservedInvoice, ObservedSubscription, PlanRef } from '../../src/model/objects.ts'
import type { Happening, Observation, Rank } from '../../src/model/observations.ts'
import { EMPTY } from '../../src/ledger/values.ts'

/** How a model tells its changes. */
type Flavor = 'previous' | 'counted' | 'stamped' | 'patches'
const FLAVORS: readonly Flavor[] = ['previous', 'counted', 'stamped', 'patches']
export const RETRY_WINDOW_MS = 14 * DAY_MS
const LEEWAY_MS = DAY_MS

/** What is true after a step. */
interface Truth {
  readonly at: Instant
  readonly status: ObservedSubscription['status']
  readonly allowed: (now: Instant) => boolean
}

export interface History {
  readonly flavor: Flavor
  /** In the order in which they happened. */
  readonly observations: readonly Observation[]
  /** By time; within one instant the last counts. */
  readonly truths: readonly Truth[]
}

export function randomOf(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

export function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const copy = [...items]
  for (let index = copy.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1))
    ;[copy[index], copy[other]] = [copy[other] as T, copy[index] as T]
  }
  return copy
}

const MONTH: Interval = { unit: 'month', count: 1 }
const PLANS: readonly PlanRef[] = ['basic', 'pro', 'team'].map((id) => ({ id, name: null, group: null, product: null }))
const START = instant(Date.UTC(2026, 0, 31, 10, 0, 0))
const WHOLE = money(5000, 'EUR')

class Model {
  readonly observations: Observation[] = []
  readonly truths: Truth[] = []
  readonly flavor: Flavor
  readonly random: () => number
  now: Instant = START
  value: ObservedSubscription
  told: ObservedSubscription | null = null
  cycle = 0
  paidCount = 0
  paidThrough: Instant | null = null
  openEnded = false
  failedAt: Instant | null = null
  attempts = 0
  invoice: { id: string; value: ObservedInvoice; told: ObservedInvoice | null } | null = null
  invoices = 0
  events = 0

  constructor(flavor: Flavor, random: () => number) {
    this.flavor = flavor
    this.random = random
    this.value = {
      ...EMPTY.subscription,
      customer: 'cus_1',
      plan: PLANS[0] ?? null,
      collection: 'automatic',
      interval: MONTH,
      anchor: START,
      startedAt: START,
      createdAt: START,
      status: 'incomplete',
    }
  }

  chance(share: number): boolean {
    return this.random() < share
  }

  event(): string {
    this.events += 1
    return `evt_${Math.floor(this.random() * 36 ** 6).toString(36)}${this.events}`
  }

  cycleAt(n: number): Period {
    return { from: boundary(START, MONTH, n), until: boundary(START, MONTH, n + 1) }
  }

  set(fields: Partial<ObservedSubscription>): void {
    this.value = { ...this.value, ...fields }
  }

  rank(verb: Rank['verb'], event: string): Rank {
    const version = this.flavor === 'counted' ? [this.paidCount, this.value.period?.until ?? 0] : null
    return { version, verb, event }
  }

  /** Tells the subscription as it is now, in the model's way. */
  tell(verb: Rank['verb'] = 'updated', event: string = this.event()): string {
    const { value } = this
    const common = { object: 'subscription', id: 'sub_1', stamp: this.now, rank: this.rank(verb, event) } as const
    if (this.flavor === 'patches') {
      const { status, plan, customer, endedAt, startedAt, createdAt } = value
      const fields = verb === 'created' ? { status, plan, customer, startedAt, createdAt } : { status, endedAt }
      this.observations.push({ kind: 'patch', ...common, fields: { ...fields, exclusive: true } })
    } else {
      const shown =
        this.flavor === 'counted'
          ? { ...value, cycles: { total: 24, paid: this.paidCount, remaining: 1 }, paidThrough: this.paidThrough }
          : value
      this.observations.push({
        kind: 'snapshot',
        ...common,
        value: shown,
        previous: this.flavor === 'previous' && verb === 'updated' ? this.told : null,
      })
      this.told = shown
    }
    return event
  }

  tellInvoice(fields: Partial<ObservedInvoice>, verb: Rank['verb'] = 'updated'): void {
    const { invoice } = this
    if (invoice === null) return
    invoice.value = { ...invoice.value, ...fields }
    if (this.flavor === 'counted' || this.flavor === 'patches') return
    this.observations.push({
      kind: 'snapshot',
      object: 'invoice',
      id: invoice.id,
      stamp: this.now,
      value: invoice.value,
      previous: this.flavor === 'previous' && verb === 'updated' ? invoice.told : null,
      rank: { version: null, verb, event: this.event() },
    })
    invoice.told = invoice.value
  }

  happen(what: Partial<Happening> & { readonly what: Happening['what'] }, event: string = this.event()): void {
    const about = this.flavor === 'patches' && this.chance(0.5) ? null : 'sub_1'
    this.observations.push({
      kind: 'happening',
      stamp: this.now,
      key: `${what.what}|${event}`,
      event,
      customer: 'cus_1',
      subscription: about,
      ...what,
    } as Happening)
  }

  newInvoice(reason: ObservedInvoice['reason'], period: Period): void {
    this.invoices += 1
    const dated = this.flavor === 'previous'
    const value: ObservedInvoice = {
      ...EMPTY.invoice,
      customer: 'cus_1',
      subscription: 'sub_1',
      status: 'draft',
      reason: dated ? reason : 'unknown',
      total: WHOLE,
      amountDue: WHOLE,
      period: dated ? period : null,
      createdAt: this.now,
      attempts: 0,
    }
    this.invoice = { id: `in_${this.invoices}`, value, told: null }
    this.tellInvoice({}, 'created')
    this.attempts = 0
  }

  pay(): void {
    const { period } = this.value
    this.paidCount += 1
    if (this.flavor === 'patches') this.openEnded = true
    else if (period !== null) this.paidThrough = latest(this.paidThrough ?? period.until, period.until)
    this.failedAt = null
    const before = this.value.status
    this.set({ status: 'active' })
    if (this.flavor === 'previous' && this.chance(0.5)) this.tellInvoice({ status: 'open' })
    this.tellInvoice({ status: 'paid', amountPaid: WHOLE, paidAt: this.now, attempts: this.attempts + 1 })
    const telling = { what: 'payment_succeeded', amount: WHOLE, invoice: null } as const
    if (this.flavor === 'counted') {
      // The charge and the change of state are two events, in either order.
      const event = this.tell()
      this.happen({ ...telling, paidThrough: this.paidThrough, activates: true }, event)
      if (before !== 'active' || this.chance(0.2)) this.tell()
    } else if (this.flavor === 'patches') {
      this.happen({ ...telling, paidThrough: null, activates: true })
    } else if (before !== 'active') this.tell()
  }

  fail(): void {
    this.attempts += 1
    const began = this.value.status !== 'past_due'
    this.failedAt ??= this.now
    this.set({ status: 'past_due' })
    const event = this.event()
    this.happen(
      {
        what: 'payment_failed',
        invoice: this.flavor === 'previous' ? (this.invoice?.id ?? null) : null,
        attempt: this.attempts,
        nextAttemptAt: null,
        amount: WHOLE,
        failure: { code: null, message: null, retryable: 'unknown' },
        pastDue: this.flavor === 'counted' || this.flavor === 'patches',
        cycle: null,
      },
      event,
    )
    this.tellInvoice({ status: 'open', attempts: this.attempts })
    if (this.flavor === 'counted') this.tell('updated', event)
    else if (this.flavor !== 'patches' && began) this.tell()
  }

  mark(): void {
    const { value, paidThrough, failedAt, openEnded, now } = this
    const cancelAt = value.cancel?.at ?? null
    const cap = (end: Instant | null): Instant | null =>
      cancelAt === null || (end !== null && end < cancelAt) ? end : cancelAt
    const endOf = (): Instant | null | 'never' => {
      if (value.status === 'trialing') return value.trial?.until ?? 'never'
      if (value.status === 'active') {
        if (value.pause !== null) {
          const ends = [paidThrough, value.period?.until ?? null].filter((end) => end !== null)
          return cap(addMs(ends.reduce(latest), LEEWAY_MS))
        }
        if (openEnded || this.flavor === 'patches') return cap(null)
        return cap(addMs(latest(paidThrough ?? START, value.trial?.until ?? START), LEEWAY_MS))
      }
      if (value.status !== 'past_due') return 'never'
      const end = addMs(failedAt ?? now, RETRY_WINDOW_MS)
      return cap(paidThrough === null ? end : latest(end, paidThrough))
    }
    const end = endOf()
    const allowed = (at: Instant): boolean => end !== 'never' && (end === null || at < end)
    this.truths.push({ at: now, status: value.status, allowed })
  }

  advance(ms: number): void {
    if (ms > 0) this.now = addMs(this.now, ms)
  }
}

/** A history of up to two years. */
export function historyOf(seed: number): History {
  const random = randomOf(seed)
  const flavor = FLAVORS[Math.floor(random() * FLAVORS.length)] ?? 'previous'
  const model = new Model(flavor, random)
  begin(model)
  model.mark()
  const cycles = 1 + Math.floor(random() * 8)
  for (let cycle = 0; cycle < cycles && !isOver(model); cycle += 1) {
    within(model)
    if (!isOver(model)) renew(model)
  }
  if (!isOver(model)) within(model)
  return { flavor, observations: model.observations, truths: model.truths }
}

function isOver({ value }: Model): boolean {
  return value.status === 'canceled' || value.status === 'expired' || value.status === 'completed'
}

function begin(model: Model): void {
  const { flavor } = model
  const first = model.cycleAt(0)
  if (flavor === 'patches') {
    model.set({ status: 'active' })
    model.tell('created')
    if (model.chance(0.8)) model.pay()
    return
  }
  if (flavor === 'counted') {
    if (model.chance(0.3)) {
      model.set({ status: 'authorized' })
      model.tell()
      model.mark()
      model.advance(model.chance(0.5) ? 0 : MINUTE_MS)
    }
    model.set({ period: first })
    model.pay()
    return
  }
  if (model.chance(0.3)) {
    const trial = { from: START, until: addMs(START, 7 * DAY_MS) }
    model.set({ status: 'trialing', trial, period: trial })
    model.tell('created')
    model.mark()
    model.now = trial.until
    model.set({ status: 'active', anchor: trial.until })
    const period = { from: trial.until, until: boundary(trial.until, MONTH, 1) }
    model.set({ period })
    model.tell()
    model.newInvoice('cycle', period)
    model.mark()
    model.advance(HOUR_MS)
    model.pay()
    return
  }
  model.set({ status: 'incomplete', period: first })
  if (flavor === 'previous') {
    model.tell('created')
    model.newInvoice('first', first)
    model.pay()
  } else {
    model.set({ status: 'active' })
    model.tell('created')
    model.newInvoice('first', first)
    model.pay()
  }
}

/** What a customer does within a cycle; often several things in one second. */
function within(model: Model): void {
  const { flavor } = model
  const acts = Math.floor(model.random() * 6)
  for (let act = 0; act < acts && !isOver(model); act += 1) {
    if (flavor === 'patches' || !model.chance(0.4)) model.advance(SECOND_MS * Math.floor(1 + model.random() * 3600))
    if (flavor === 'patches') {
      if (model.chance(0.03)) end(model)
      model.mark()
      continue
    }
    const dice = model.random()
    if (dice < 0.45)
      model.set({
        plan: PLANS[Math.floor(model.random() * PLANS.length)] ?? null,
        quantity: Math.floor(model.random() * 9) + 1,
      })
    else if (dice < 0.6 && flavor !== 'counted') toggleCancel(model)
    else if (dice < 0.75 && flavor === 'previous' && model.value.status === 'active') togglePause(model)
    else if (dice < 0.78) {
      end(model)
      model.mark()
      return
    }
    model.tell()
    model.mark()
  }
}

function toggleCancel(model: Model): void {
  const { cancel, period } = model.value
  if (cancel !== null || model.value.status !== 'active' || period === null) model.set({ cancel: null })
  else
    model.set({ cancel: { requestedAt: model.now, at: period.until, atPeriodEnd: true, by: 'customer', reason: null } })
}

function togglePause(model: Model): void {
  const pause = { scope: 'collection', from: model.now, resumesAt: null, by: 'admin' } as const
  model.set({ pause: model.value.pause === null ? pause : null })
}

function end(model: Model): void {
  model.set({ status: 'canceled', endedAt: model.now, cancel: null, pause: null })
  model.tell('deleted')
}

/** The end of a cycle: a planned cancellation, a payment, or dunning to its end. */
function renew(model: Model): void {
  const { flavor } = model
  const { period, cancel, pause } = model.value
  if (flavor === 'patches') {
    model.advance(30 * DAY_MS)
    if (model.chance(0.75)) model.pay()
    else dun(model)
    model.mark()
    return
  }
  if (period === null) return
  model.now = latest(model.now, period.until)
  if (cancel !== null) {
    model.set({ status: 'canceled', endedAt: model.now, pause: null })
    model.tell('deleted')
    model.mark()
    return
  }
  if (flavor !== 'counted') {
    const next = { from: period.until, until: addMonth(period, model.value.anchor ?? START) }
    model.set({ period: next })
    if (model.chance(0.5)) model.newInvoice('cycle', next)
    else {
      model.tell()
      model.newInvoice('cycle', next)
      model.told = model.value
    }
    if (model.told !== model.value) model.tell()
    model.mark()
    model.advance(HOUR_MS)
    if (pause !== null) {
      model.tellInvoice({ status: 'void' })
      model.mark()
      return
    }
  } else {
    model.set({ period: { from: period.until, until: addMonth(period, START) } })
  }
  if (model.chance(0.75)) model.pay()
  else dun(model)
  model.mark()
}

function addMonth(period: Period, anchor: Instant): Instant {
  let n = 0
  while (boundary(anchor, MONTH, n) <= period.until) n += 1
  return boundary(anchor, MONTH, n)
}

function dun(model: Model): void {
  model.fail()
  model.mark()
  for (let retry = 0; retry < 3; retry += 1) {
    model.advance((1 + Math.floor(model.random() * 3)) * DAY_MS)
    if (model.chance(0.4)) {
      model.pay()
      return
    }
    model.fail()
    model.mark()
  }
  if (model.flavor === 'counted') {
    // The last failure and the end of the retries are told in one second.
    model.set({ status: 'unpaid' })
    model.tell()
    model.mark()
    model.advance(DAY_MS)
    model.pay()
    return
  }
  end(model)
}
