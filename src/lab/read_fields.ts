import { parseCurrency } from '../model/currency.ts'
import type { Currency } from '../model/currency.ts'
import type { Interval } from '../model/calendar.ts'
import { BillhookError } from '../model/error.ts'
import { parseInstant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { Json, JsonObject } from '../model/json.ts'
import { money, parseDecimal } from '../model/money.ts'
import type { Money } from '../model/money.ts'

/** Fields that say something to people. */
const SAID_ANYWAY: ReadonlySet<string> = new Set(['note', 'why', 'comment', 'evidence', 'description'])

/** The fields of an object or action of a story, read with the type that is wanted; faults name the field. */
export class StoryFields {
  readonly raw: JsonObject
  readonly #what: string
  readonly #read = new Set<string>()
  readonly #inner = new Map<string, StoryFields>()

  /** @param what names the object in messages, for example `given.2.subscription` */
  constructor(raw: JsonObject, what: string) {
    this.raw = raw
    this.#what = what
  }

  /** Whether the story writes this field. Counts it as read. */
  has(key: string): boolean {
    this.#read.add(key)
    return Object.hasOwn(this.raw, key)
  }

  /** Fields that were never asked for, by their paths: the story says something that means nothing here. */
  unread(): readonly string[] {
    const own = Object.keys(this.raw).filter((key) => !this.#read.has(key) && !SAID_ANYWAY.has(key))
    return [
      ...own.map((key) => `${this.#what}.${key}`),
      ...[...this.#inner.values()].flatMap((inner) => inner.unread()),
    ]
  }

  /** Counts fields as read whose values make no difference here. */
  pass(isPassed: (key: string) => boolean): void {
    for (const key of Object.keys(this.raw)) if (isPassed(key)) this.#read.add(key)
  }

  /** A field of any kind, as it is written. */
  get(key: string): Json {
    return this.has(key) ? (this.raw[key] ?? null) : null
  }

  /** The first of several names under which stories write the same thing. */
  #value(keys: readonly string[]): Json {
    return keys.map((key) => (this.has(key) ? this.raw[key] : undefined)).find((value) => value !== undefined) ?? null
  }

  /** The name under which the story writes it, for messages. */
  #key(keys: readonly string[]): string {
    return keys.find((key) => Object.hasOwn(this.raw, key)) ?? keys[0] ?? ''
  }

  text(...keys: readonly string[]): string | null {
    const value = this.#value(keys)
    if (value === null) return null
    if (typeof value === 'string') return value
    throw this.fault(this.#key(keys), 'a text')
  }

  requiredText(...keys: readonly string[]): string {
    const value = this.text(...keys)
    if (value === null) throw this.fault(keys.join(' or '), 'a text')
    return value
  }

  /** The name of a price: by its id, or written out. */
  price(...keys: readonly string[]): string | null {
    const value = this.#value(keys)
    return isObject(value) ? priceName(value) : this.text(...keys)
  }

  requiredPrice(...keys: readonly string[]): string {
    const name = this.price(...keys)
    if (name === null) throw this.fault(keys.join(' or '), 'a price')
    return name
  }

  integer(...keys: readonly string[]): number | null {
    const value = this.#value(keys)
    if (value === null) return null
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value
    throw this.fault(this.#key(keys), 'a whole number')
  }

  boolean(...keys: readonly string[]): boolean | null {
    const value = this.#value(keys)
    if (value === null || typeof value === 'boolean') return value
    if (value === 0 || value === 1) return value === 1
    throw this.fault(this.#key(keys), 'true or false')
  }

  instant(...keys: readonly string[]): Instant | null {
    const value = this.#value(keys)
    if (value === null) return null
    const at = parseInstant(value)
    if (at === null) throw this.fault(this.#key(keys), 'a point in time')
    return at
  }

  currency(): Currency | null {
    return parseCurrency(this.#value(['currency']))
  }

  /** @param unit how the story's provider writes amounts */
  amount(currency: Currency, unit: 'minor' | 'major', ...keys: readonly string[]): Money | null {
    const value = this.#value(keys)
    if (value === null) return null
    if (typeof value !== 'number' && typeof value !== 'string') throw this.fault(this.#key(keys), 'an amount')
    const read = unit === 'minor' ? money(Number(value), currency) : parseDecimal(String(value), currency)
    if (read === null) throw this.fault(this.#key(keys), `an amount of ${currency}`)
    return read
  }

  object(...keys: readonly string[]): StoryFields | null {
    const value = this.#value(keys)
    if (value === null) return null
    if (isObject(value)) return this.#within(value, keys[0] ?? '')
    throw this.fault(this.#key(keys), 'an object')
  }

  objects(...keys: readonly string[]): readonly StoryFields[] {
    const value = this.#value(keys)
    if (value === null) return []
    if (!Array.isArray(value)) throw this.fault(this.#key(keys), 'a list')
    return value.map((member, index) => {
      if (isObject(member)) return this.#within(member, `${keys[0] ?? ''}.${index}`)
      throw this.fault(`${keys[0] ?? ''}.${index}`, 'an object')
    })
  }

  /** `interval: month` with `interval_count`, `period: monthly` with a numeric `interval`, `period: P1M`, or `recurring`. */
  interval(): Interval | null {
    const recurring = this.object('recurring')
    if (recurring !== null) {
      const count = recurring.integer('period', 'interval_count') ?? 1
      return intervalOf(recurring.text('period_unit', 'interval') ?? 'month', count)
    }
    const period = this.#value(['period'])
    const interval = this.#value(['interval'])
    if (typeof period === 'string') return intervalOf(period, typeof interval === 'number' ? interval : 1)
    if (typeof interval === 'string') return intervalOf(interval, this.integer('interval_count') ?? 1)
    return null
  }

  metadata(): Readonly<Record<string, string>> {
    const value = this.#value(['metadata', 'notes'])
    if (!isObject(value)) return {}
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, typeof inner === 'string' ? inner : JSON.stringify(inner)]),
    )
  }

  #within(value: JsonObject, path: string): StoryFields {
    const inner = this.#inner.get(path) ?? new StoryFields(value, `${this.#what}.${path}`)
    this.#inner.set(path, inner)
    return inner
  }

  fault(key: string, expected: string): BillhookError {
    return new BillhookError(
      'scenario_invalid',
      `${this.#what}.${key}: expected ${expected}, found ${JSON.stringify(this.raw[key] ?? null)}`,
    )
  }
}

/** What a price is called that an action writes out: its id, or else what it says. */
export function priceName(price: JsonObject): string {
  const named = [price['id'], price['code']].find((value) => typeof value === 'string')
  return typeof named === 'string' ? named : `price_${JSON.stringify(price).replace(/[^0-9a-z]+/gi, '_')}`
}

const TRIAL_ENDS = { cancel: 'cancel', pause: 'pause', create_invoice: 'invoice', invoice: 'invoice' } as const

/** What a trial without a payment method is to come to: `trial_settings.end_behavior.missing_payment_method`, or the word alone. */
export function trialEndBehavior(fields: StoryFields): 'cancel' | 'pause' | 'invoice' {
  const end = fields.object('trial_settings')?.object('end_behavior') ?? fields
  const word = end.text('missing_payment_method', 'trial_end_behavior', 'end_behavior') ?? 'invoice'
  const found = Object.entries(TRIAL_ENDS).find(([name]) => name === word)?.[1]
  if (found === undefined) throw end.fault('missing_payment_method', Object.keys(TRIAL_ENDS).join(', '))
  return found
}

const UNITS = {
  day: 'day',
  daily: 'day',
  week: 'week',
  weekly: 'week',
  month: 'month',
  monthly: 'month',
  quarterly: 'quarter',
  year: 'year',
  yearly: 'year',
  annual: 'year',
} as const satisfies Record<string, Interval['unit'] | 'quarter'>

const ISO_UNITS = { D: 'day', W: 'week', M: 'month', Y: 'year' } as const satisfies Record<string, Interval['unit']>

function intervalOf(text: string, count: number): Interval | null {
  const iso = /^P(\d+)([DWMY])$/.exec(text)
  if (iso?.[1] !== undefined) {
    const unit = Object.entries(ISO_UNITS).find(([letter]) => letter === iso[2])?.[1]
    return unit === undefined ? null : { unit, count: Number(iso[1]) }
  }
  const unit = Object.entries(UNITS).find(([name]) => name === text.toLowerCase())?.[1]
  if (unit === undefined) return null
  return unit === 'quarter' ? { unit: 'month', count: 3 * count } : { unit, count }
}
