/** The observations of one subject, without repetitions, in one order, and with what they say of each other resolved. */
import { compareText } from '../model/compare.ts'
import { add } from '../model/money.ts'
import type { Money } from '../model/money.ts'
import { HOUR_MS, MINUTE_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { ObjectKind, ObservedInvoice, ObservedSubscription } from '../model/objects.ts'
import type { Happening, Observation } from '../model/observations.ts'
import { emptyRegister, registerKey, registerOf, valueOf } from './register.ts'
import type { Registers, Valued } from './register.ts'
import { textOf } from './select.ts'
import { addToTrack, stepsOf, trackOf } from './timeline.ts'
import type { Step, Track } from './timeline.ts'

/** A happening, told once or several times. */
export interface ToldHappening {
  readonly happening: Happening
  readonly events: readonly string[]
  /** The subscription it is about, found where it does not say it. */
  readonly subscription: string | null
  /** False if it could be about another subscription too. */
  readonly sure: boolean
}

/** What is known of one object. */
export interface Known<K extends ObjectKind> {
  readonly id: string
  readonly valued: Valued<K>
  readonly steps: readonly Step<K>[]
}

type KnownByKind = { readonly [K in ObjectKind]: ReadonlyMap<string, Known<K>> }

/** Everything that facts and state are derived from. */
export interface Sources {
  readonly registers: Registers
  /** What each register stands for, by the same key. */
  readonly objects: ReadonlyMap<string, Valued>
  readonly known: KnownByKind
  readonly happenings: readonly ToldHappening[]
  /** Subscriptions that are named anywhere, sorted. */
  readonly subscriptions: readonly string[]
  /** The subscription an invoice bills; null if none or not known. */
  readonly subscriptionOf: (invoice: string) => string | null
  /** One id for all ids of a payment. */
  readonly paymentOf: (id: string) => string
  /** The invoice a payment pays, by whichever of its ids. */
  readonly invoiceOf: (payment: string) => string | null
  /** What was given back on a payment, by whichever of its ids. */
  readonly refundedOf: (payment: string) => Money | null
  readonly customerOf: (subscription: string) => string | null
}

/** Payments and the invoices they pay are told within minutes of each other. */
const SAME_PAYMENT_MS = 10 * MINUTE_MS
/** A payment may be told a little before the agreement it pays for. */
const EARLY_MS = HOUR_MS

/** @param observations all observations of the subject, in any order, repeated or not */
export function sourcesOf(observations: readonly Observation[]): Sources {
  const sorted = distinct(observations)
  const tracks = new Map<string, Track>()
  const happenings = new Map<string, { readonly happening: Happening; readonly events: Set<string> }>()
  for (const observation of sorted) {
    if (observation.kind === 'happening') {
      const told = happenings.get(observation.key)
      if (told === undefined) {
        happenings.set(observation.key, { happening: observation, events: new Set([observation.event]) })
      } else told.events.add(observation.event)
      continue
    }
    const key = registerKey(observation.object, observation.id)
    const track = tracks.get(key) ?? trackOf<ObjectKind>(observation.object, observation.id)
    tracks.set(key, track)
    addToTrack(track, observation)
  }
  const registers = new Map([...tracks].map(([key, track]) => [key, registerOf(track.kind, track)] as const))
  const { objects, known } = knownOf(registers, tracks)
  return { registers, objects, ...resolve(known, [...happenings.values()]) }
}

/** The observations sorted by stamp and event, each once. */
function distinct(observations: readonly Observation[]): readonly Observation[] {
  const keyed = observations.map((observation) => ({ observation, key: keyOf(observation) }))
  keyed.sort((a, b) => a.observation.stamp - b.observation.stamp || compareText(a.key, b.key) || compareWhole(a, b))
  return keyed
    .filter(({ observation, key }, index) => {
      const before = keyed[index - 1]
      return before?.key !== key || textOf(before.observation) !== textOf(observation)
    })
    .map(({ observation }) => observation)
}

interface Keyed {
  readonly observation: Observation
  readonly key: string
}

function keyOf(observation: Observation): string {
  if (observation.kind === 'happening') return `${observation.stamp} ${observation.event} h ${observation.key}`
  const { stamp, rank, kind, object, id } = observation
  return `${stamp} ${rank.event} ${kind} ${object} ${id}`
}

function compareWhole(a: Keyed, b: Keyed): number {
  return a.observation === b.observation ? 0 : compareText(textOf(a.observation), textOf(b.observation))
}

function knownOf(
  registers: Registers,
  tracks: ReadonlyMap<string, Track>,
): { readonly objects: ReadonlyMap<string, Valued>; readonly known: KnownByKind } {
  const known = {
    subscription: new Map<string, Known<'subscription'>>(),
    invoice: new Map<string, Known<'invoice'>>(),
    payment: new Map<string, Known<'payment'>>(),
    payment_link: new Map<string, Known<'payment_link'>>(),
    checkout: new Map<string, Known<'checkout'>>(),
    customer: new Map<string, Known<'customer'>>(),
  }
  const objects = new Map<string, Valued>()
  for (const [key, register] of registers) {
    const track = tracks.get(key)
    if (track === undefined) continue
    const valued = valueOf(register)
    objects.set(key, valued)
    addKnown(known, register.kind, { id: register.id, valued, steps: stepsOf(register.kind, track) })
  }
  return { objects, known }
}

type Growing = { readonly [K in ObjectKind]: Map<string, Known<K>> }

function addKnown<K extends ObjectKind>(known: Growing, kind: K, object: Known<K>): void {
  known[kind].set(object.id, object)
}

type Heard = { readonly happening: Happening; readonly events: Set<string> }

function resolve(known: KnownByKind, heard: readonly Heard[]): Omit<Sources, 'registers' | 'objects'> {
  const paymentOf = paymentIds(known)
  const subscriptionOf = invoiceLinks(known, heard)
  const invoiceOf = paymentLinks(known, heard, paymentOf)
  const subscriptions = new Set<string>(known.subscription.keys())
  const customers = new Map<string, string>()
  const link = (subscription: string | null, customer: string | null): void => {
    if (subscription === null) return
    subscriptions.add(subscription)
    if (customer !== null && !customers.has(subscription)) customers.set(subscription, customer)
  }
  for (const { id, valued } of known.subscription.values()) link(id, valued.value.customer)
  for (const { id, valued } of known.invoice.values()) link(subscriptionOf(id), valued.value.customer)
  for (const { valued } of known.payment.values()) link(valued.value.subscription, valued.value.customer)
  for (const { valued } of known.checkout.values()) link(valued.value.subscription, valued.value.customer)
  for (const { happening } of heard) link(happening.subscription, happening.customer)
  const customerOf = (subscription: string): string | null => customers.get(subscription) ?? null
  const lives = livesOf(known, customerOf)
  return {
    known,
    happenings: heard.map(({ happening, events }) => ({
      happening,
      events: [...events].sort(),
      ...aboutOf(happening, subscriptionOf, lives),
    })),
    subscriptions: [...subscriptions].sort(),
    subscriptionOf,
    paymentOf,
    invoiceOf,
    refundedOf: refunds(known, heard, paymentOf),
    customerOf,
  }
}

/** Unites a payment's ids; the smallest stands for all. */
function paymentIds(known: KnownByKind): (id: string) => string {
  const parents = new Map<string, string>()
  const rootOf = (id: string): string => {
    let root = id
    for (let parent = parents.get(root); parent !== undefined; parent = parents.get(root)) root = parent
    return root
  }
  for (const { id, steps } of known.payment.values()) {
    for (const { to } of steps) {
      if (to.alias === null) continue
      const [a, b] = [rootOf(id), rootOf(to.alias)]
      if (a !== b) parents.set(a < b ? b : a, a < b ? a : b)
    }
  }
  return rootOf
}

function invoiceLinks(known: KnownByKind, heard: readonly Heard[]): (invoice: string) => string | null {
  const links = new Map<string, string>()
  for (const { happening } of heard) {
    if ('invoice' in happening && happening.invoice !== null && happening.subscription !== null) {
      links.set(happening.invoice, happening.subscription)
    }
  }
  for (const { valued } of known.checkout.values()) {
    const { invoice, subscription } = valued.value
    if (invoice !== null && subscription !== null) links.set(invoice, subscription)
  }
  for (const { id, valued } of known.invoice.values()) {
    if (valued.value.subscription !== null) links.set(id, valued.value.subscription)
  }
  return (invoice) => links.get(invoice) ?? null
}

/** Which invoice a payment is for: as told by either of them or by a link, else the one invoice that matches it. */
function paymentLinks(
  known: KnownByKind,
  heard: readonly Heard[],
  paymentOf: (id: string) => string,
): (payment: string) => string | null {
  const links = new Map<string, string>()
  for (const { valued } of known.payment_link.values()) {
    const { payment, invoice, status } = valued.value
    if (payment !== '' && invoice !== '' && status !== 'canceled') links.set(paymentOf(payment), invoice)
  }
  const withoutInvoice = new Set<string>()
  for (const { id, valued } of known.payment.values()) {
    const { invoice } = valued.value
    if (typeof invoice === 'object') links.set(paymentOf(id), invoice.id)
    else if (invoice === 'none') withoutInvoice.add(paymentOf(id))
  }
  for (const payment of known.payment.values()) {
    const root = paymentOf(payment.id)
    if (links.has(root) || withoutInvoice.has(root)) continue
    const invoice = matchingInvoice(payment, heard)
    if (invoice !== null) links.set(root, invoice)
  }
  return (payment) => links.get(paymentOf(payment)) ?? null
}

/** The one invoice of the same customer of which the same amount was told at the same time; null if several match. */
function matchingInvoice({ valued, steps }: Known<'payment'>, heard: readonly Heard[]): string | null {
  const { customer, amount } = valued.value
  if (customer === null) return null
  const matching = new Set<string>()
  for (const { happening } of heard) {
    if (happening.what !== 'payment_succeeded' && happening.what !== 'payment_failed') continue
    const { invoice, stamp } = happening
    if (invoice === null || happening.customer !== customer || !sameMoney(happening.amount, amount)) continue
    if (steps.some((step) => Math.abs(step.stamp - stamp) <= SAME_PAYMENT_MS)) matching.add(invoice)
  }
  const [invoice] = matching
  return matching.size === 1 && invoice !== undefined ? invoice : null
}

function sameMoney(a: Money | null, b: Money | null): boolean {
  return a !== null && b !== null && a.minor === b.minor && a.currency === b.currency
}

function refunds(
  known: KnownByKind,
  heard: readonly Heard[],
  paymentOf: (id: string) => string,
): (payment: string) => Money | null {
  const told = new Map<string, Money>()
  for (const { happening } of heard) {
    if (happening.what !== 'payment_refunded' || happening.payment === null || happening.amount === null) continue
    const root = paymentOf(happening.payment)
    const before = told.get(root)
    if (before === undefined) told.set(root, happening.amount)
    else if (before.currency === happening.amount.currency) told.set(root, add(before, happening.amount))
  }
  for (const { id, valued } of known.payment.values()) {
    const root = paymentOf(id)
    const { refunded } = valued.value
    const before = told.get(root)
    if (refunded !== null && refunded.minor > (before?.minor ?? 0n)) told.set(root, refunded)
  }
  return (payment) => told.get(paymentOf(payment)) ?? null
}

/** From when until when a subscription lived. */
interface Life {
  readonly id: string
  readonly customer: string | null
  readonly value: ObservedSubscription
  readonly from: Instant
  readonly until: Instant | null
}

function livesOf(known: KnownByKind, customerOf: (subscription: string) => string | null): readonly Life[] {
  return [...known.subscription.values()].flatMap(({ id, valued, steps }) => {
    const [first] = steps
    const last = steps.at(-1)
    if (first === undefined || last === undefined) return []
    const ended = ['canceled', 'completed', 'expired'].includes(valued.value.status)
    const created = steps.find((step) => step.verb === 'created')?.stamp ?? valued.value.createdAt ?? first.stamp
    return [{ id, customer: customerOf(id), value: valued.value, from: created, until: ended ? last.stamp : null }]
  })
}

/** The subscription a happening is about: what it says, that of its invoice, or the customer's live one at that time. */
function aboutOf(
  happening: Happening,
  subscriptionOf: (invoice: string) => string | null,
  lives: readonly Life[],
): { readonly subscription: string | null; readonly sure: boolean } {
  if (happening.subscription !== null) return { subscription: happening.subscription, sure: true }
  if ('invoice' in happening && happening.invoice !== null) {
    return { subscription: subscriptionOf(happening.invoice), sure: true }
  }
  if (happening.customer === null) return { subscription: null, sure: true }
  const { stamp, customer } = happening
  const own = lives.filter((life) => life.customer === customer && (life.until === null || life.until > stamp))
  const live = own.filter((life) => life.from <= stamp).sort(byStart)
  const [soonest] = own.filter((life) => life.from > stamp && life.from <= stamp + EARLY_MS).sort(byStart)
  const found = live.at(-1) ?? soonest
  const others = live.filter((life) => life !== found && life.value.exclusive !== true)
  return { subscription: found?.id ?? null, sure: others.length === 0 }
}

function byStart(a: Life, b: Life): number {
  return a.from - b.from || compareText(a.id, b.id)
}

/** The invoice with this id; null if nothing was heard of it but its id. */
export function invoiceValue(sources: Sources, id: string | null): ObservedInvoice | null {
  return id === null ? null : (sources.known.invoice.get(id)?.valued.value ?? null)
}

/** The value of a subscription, also of one that is only named. */
export function subscriptionValue(sources: Sources, id: string): Valued<'subscription'> {
  const known = sources.known.subscription.get(id)
  return known?.valued ?? valueOf(emptyRegister('subscription', id))
}
