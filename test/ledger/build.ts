/** Observations for tests, written short: instants as text, fields that do not matter left out. */
import type { AccessAnswer, Hold } from '../../src/model/access.ts'
import type { Interval, Period } from '../../src/model/calendar.ts'
import type { DerivedFact } from '../../src/model/facts.ts'
import { requireInstant } from '../../src/model/instant.ts'
import type { Instant } from '../../src/model/instant.ts'
import { money } from '../../src/model/money.ts'
import type { Money } from '../../src/model/money.ts'
import type { ObjectKind, ObjectValues, PlanRef } from '../../src/model/objects.ts'
import type { Happening, Observation, Rank } from '../../src/model/observations.ts'
import { DEFAULT_POLICY } from '../../src/model/policy.ts'
import type { Policy } from '../../src/model/policy.ts'
import { accessOf } from '../../src/ledger/access.ts'
import { fold } from '../../src/ledger/fold.ts'
import type { SourceTraits } from '../../src/ledger/standing.ts'
import { EMPTY } from '../../src/ledger/values.ts'

export const DAY = 24 * 60 * 60 * 1000
export const MONTH: Interval = { unit: 'month', count: 1 }
export const CUSTOMER = 'cus_1'
export const SUBSCRIPTION = 'sub_1'

/** `2026-01-01` or `2026-01-01T10:00` or with seconds; always UTC. */
export function t(text: string): Instant {
  if (text.length === 10) return requireInstant(`${text}T00:00:00Z`, 'test')
  return requireInstant(text.length === 16 ? `${text}:00Z` : `${text}Z`, 'test')
}

export function period(from: string, until: string): Period {
  return { from: t(from), until: t(until) }
}

export function eur(minor: number): Money {
  return money(minor, 'EUR')
}

export function plan(id: string, group: string | null = null): PlanRef {
  return { id, name: null, group, product: null }
}

let events = 0

/** A new event id: later ids are not greater, so that no test leans on them. */
function eventId(): string {
  events += 1
  return `evt_${((events * 7919) % 10007).toString(36)}_${events}`
}

export interface Telling {
  readonly verb?: Rank['verb']
  readonly event?: string
  readonly version?: readonly number[] | null
}

function rank({ verb = 'updated', event = eventId(), version = null }: Telling): Rank {
  return { verb, event, version }
}

export interface Told<K extends ObjectKind> extends Telling {
  readonly id?: string
  readonly previous?: Partial<ObjectValues[K]>
}

export function snapshot<K extends ObjectKind>(
  object: K,
  at: string | Instant,
  value: Partial<ObjectValues[K]>,
  told: Told<K> & { readonly id: string },
): Observation {
  const whole = { ...EMPTY[object], ...value }
  return {
    kind: 'snapshot',
    object,
    id: told.id,
    stamp: typeof at === 'string' ? t(at) : at,
    value: whole,
    previous: told.previous === undefined ? null : { ...whole, ...told.previous },
    rank: rank(told),
  } as Observation
}

export function patch<K extends ObjectKind>(
  object: K,
  at: string | Instant,
  fields: Partial<ObjectValues[K]>,
  told: Telling & { readonly id: string },
): Observation {
  const stamp = typeof at === 'string' ? t(at) : at
  return { kind: 'patch', object, id: told.id, stamp, fields, rank: rank(told) } as unknown as Observation
}

export function subscription(
  at: string | Instant,
  value: Partial<ObjectValues['subscription']>,
  told: Told<'subscription'> = {},
): Observation {
  const base = { customer: CUSTOMER, plan: plan('basic'), collection: 'automatic' } as const
  return snapshot('subscription', at, { ...base, ...value }, { id: SUBSCRIPTION, ...told })
}

export function invoice(
  at: string | Instant,
  value: Partial<ObjectValues['invoice']>,
  told: Told<'invoice'> = {},
): Observation {
  const base = { customer: CUSTOMER, subscription: SUBSCRIPTION, total: eur(5000), amountDue: eur(5000) }
  const amountPaid = value.status === 'paid' ? (value.total ?? eur(5000)) : null
  return snapshot('invoice', at, { ...base, amountPaid, ...value }, { id: 'in_1', ...told })
}

export function payment(
  at: string | Instant,
  value: Partial<ObjectValues['payment']>,
  told: Told<'payment'> = {},
): Observation {
  return snapshot('payment', at, { customer: CUSTOMER, amount: eur(5000), ...value }, { id: 'pay_1', ...told })
}

type WithoutShared<H> = H extends unknown
  ? Omit<H, 'kind' | 'stamp' | 'key' | 'event' | 'customer' | 'subscription'>
  : never

export function happening(
  at: string | Instant,
  what: WithoutShared<Happening>,
  told: {
    readonly key?: string
    readonly event?: string
    readonly customer?: string | null
    readonly subscription?: string | null
  } = {},
): Observation {
  const event = told.event ?? eventId()
  return {
    kind: 'happening',
    stamp: typeof at === 'string' ? t(at) : at,
    key: told.key ?? `${what.what}|${event}`,
    event,
    customer: told.customer === undefined ? CUSTOMER : told.customer,
    subscription: told.subscription === undefined ? SUBSCRIPTION : told.subscription,
    ...what,
  }
}

export function failed(
  at: string | Instant,
  fields: Partial<Extract<Happening, { what: 'payment_failed' }>> = {},
): Observation {
  const { subscription: about, customer, key, event, ...rest } = fields
  return happening(
    at,
    {
      what: 'payment_failed',
      invoice: null,
      attempt: null,
      nextAttemptAt: null,
      amount: eur(5000),
      failure: { code: null, message: null, retryable: 'unknown' },
      pastDue: false,
      cycle: null,
      ...rest,
    },
    {
      ...(about === undefined ? {} : { subscription: about }),
      ...(customer === undefined ? {} : { customer }),
      ...(key === undefined ? {} : { key }),
      ...(event === undefined ? {} : { event }),
    },
  )
}

export function succeeded(
  at: string | Instant,
  fields: Partial<Extract<Happening, { what: 'payment_succeeded' }>> = {},
): Observation {
  const { subscription: about, customer, key, event, ...rest } = fields
  return happening(
    at,
    { what: 'payment_succeeded', invoice: null, amount: eur(5000), paidThrough: null, activates: false, ...rest },
    {
      ...(about === undefined ? {} : { subscription: about }),
      ...(customer === undefined ? {} : { customer }),
      ...(key === undefined ? {} : { key }),
      ...(event === undefined ? {} : { event }),
    },
  )
}

export interface Asked {
  readonly policy?: Policy
  readonly traits?: SourceTraits | null
  readonly holds?: readonly Hold[]
  readonly feature?: string | null
}

/** Access of the one customer at an instant. */
export function access(observations: readonly Observation[], at: string | Instant, asked: Asked = {}): AccessAnswer {
  const { state } = fold(observations)
  return accessOf({
    links: [{ source: 'main', customer: null, state, traits: asked.traits ?? null }],
    holds: asked.holds ?? [],
    policy: asked.policy ?? DEFAULT_POLICY,
    at: typeof at === 'string' ? t(at) : at,
    feature: asked.feature ?? null,
  })
}

export function kinds(observations: readonly Observation[]): readonly string[] {
  return fold(observations).facts.map((fact) => fact.kind)
}

export function factOf<K extends DerivedFact['kind']>(observations: readonly Observation[], kind: K): DerivedFact<K> {
  const found = fold(observations).facts.filter((fact) => fact.kind === kind)
  if (found.length !== 1 || found[0] === undefined) {
    throw new Error(`${found.length} facts of kind ${kind} among ${kinds(observations).join(', ')}`)
  }
  return found[0] as unknown as DerivedFact<K>
}

/** Deterministic shuffles, for tests that need some orders and no generator. */
export function shuffles<T>(items: readonly T[], count: number): readonly (readonly T[])[] {
  let seed = 12345
  const random = (): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed / 2147483648
  }
  return Array.from({ length: count }, () => {
    const copy = [...items]
    for (let index = copy.length - 1; index > 0; index -= 1) {
      const other = Math.floor(random() * (index + 1))
      ;[copy[index], copy[other]] = [copy[other] as T, copy[index] as T]
    }
    return copy
  })
}
