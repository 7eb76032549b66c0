import { parseCurrency } from '../model/currency.ts'
import type { Currency } from '../model/currency.ts'
import { instantFromSeconds, parseInstant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { Json, JsonObject } from '../model/json.ts'
import { money, parseDecimal } from '../model/money.ts'
import type { Money } from '../model/money.ts'
import type { Problem } from '../model/observations.ts'

/** More problems than this in one body say no more: the rest are dropped, so that a hostile body cannot fill a store. */
const MAX_PROBLEMS = 50

/**
 * One object of a verified body, read field by field with checked types. Nothing throws: a field that is absent, null
 * or an empty text gives null and says nothing; one with a wrong shape gives null and adds a problem with its path.
 * Only the object's own fields are seen, so `__proto__` and `constructor` are ordinary names.
 */
export class Fields {
  /** The object as received. */
  readonly raw: JsonObject
  /** Where it stands in the body, for example `data.object`; empty for the body itself. */
  readonly path: string
  readonly #problems: Problem[]

  /** @param problems the list that problems are added to; shared by all objects of one body */
  constructor(raw: JsonObject, problems: Problem[], path = '') {
    this.raw = raw
    this.#problems = problems
    this.path = path
  }

  /** The field as received; undefined if the object has none of this name. */
  get(key: string): Json | undefined {
    return Object.hasOwn(this.raw, key) ? this.raw[key] : undefined
  }

  /** True if the object has a field of this name, whatever its value. */
  has(key: string): boolean {
    return Object.hasOwn(this.raw, key)
  }

  /** Adds a problem about a field of this object. */
  problem(key: string, message: string): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push({ path: this.pathOf(key), message })
  }

  pathOf(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`
  }

  text(key: string): string | null {
    const value = this.#given(key)
    if (value === null || value === '') return null
    if (typeof value === 'string') return value
    return this.#wrong(key, 'text', value)
  }

  boolean(key: string): boolean | null {
    const value = this.#given(key)
    if (value === null || typeof value === 'boolean') return value
    return this.#wrong(key, 'true or false', value)
  }

  /** A whole number that JavaScript holds exactly. */
  integer(key: string): number | null {
    const value = this.#given(key)
    if (value === null) return null
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value
    return this.#wrong(key, 'a whole number', value)
  }

  /** Unix seconds. */
  seconds(key: string): Instant | null {
    const value = this.#given(key)
    if (value === null) return null
    return instantFromSeconds(value) ?? this.#wrong(key, 'Unix seconds', value)
  }

  /** ISO 8601 text with an offset. */
  iso(key: string): Instant | null {
    const value = this.#given(key)
    if (value === null || value === '') return null
    return parseInstant(value) ?? this.#wrong(key, 'an ISO 8601 time', value)
  }

  currency(key: string): Currency | null {
    const value = this.#given(key)
    if (value === null || value === '') return null
    return parseCurrency(value) ?? this.#wrong(key, 'a currency code in use', value)
  }

  /** An amount in minor units as a JSON number. Null without a problem if the currency is not known: that was one already. */
  minor(key: string, currency: Currency | null): Money | null {
    const value = this.integer(key)
    if (value === null || currency === null) return null
    try {
      return money(value, currency)
    } catch {
      return this.#wrong(key, 'an amount in range', value)
    }
  }

  /**
   * An amount in major units, as a JSON number or a decimal text. A number is read through its shortest decimal text,
   * never multiplied: `1.15` is 115 cents although `1.15 * 100` is not.
   */
  major(key: string, currency: Currency | null): Money | null {
    const value = this.#given(key)
    if (value === null || value === '') return null
    if (typeof value !== 'number' && typeof value !== 'string') return this.#wrong(key, 'an amount', value)
    if (currency === null) return null
    return parseDecimal(String(value), currency) ?? this.#wrong(key, `an amount of ${currency}`, value)
  }

  object(key: string): Fields | null {
    const value = this.#given(key)
    if (value === null) return null
    if (isObject(value)) return new Fields(value, this.#problems, this.pathOf(key))
    return this.#wrong(key, 'an object', value)
  }

  /** The objects of a list; empty if there is no list. Members that are no objects are left out, each with a problem. */
  objects(key: string): readonly Fields[] {
    return this.list(key).flatMap((value, index) => {
      if (isObject(value)) return [new Fields(value, this.#problems, this.pathOf(`${key}.${index}`))]
      this.#wrong(`${key}.${index}`, 'an object', value)
      return []
    })
  }

  list(key: string): readonly Json[] {
    const value = this.#given(key)
    if (value === null) return []
    if (Array.isArray(value)) return value
    this.#wrong(key, 'a list', value)
    return []
  }

  /** The id that a field refers to: a text, or an object with its own `id` where the provider expanded it. */
  reference(key: string): string | null {
    const value = this.#given(key)
    if (value === null || value === '') return null
    if (typeof value === 'string') return value
    if (isObject(value)) return new Fields(value, this.#problems, this.pathOf(key)).text('id')
    return this.#wrong(key, 'an id', value)
  }

  /** Free fields of the app (metadata, notes) as texts: numbers and booleans are written out, anything deeper left out. */
  texts(key: string): Readonly<Record<string, string>> {
    const value = this.#given(key)
    // An empty list stands for "no fields" where a provider's own server cannot tell the two apart.
    if (value === null || (Array.isArray(value) && value.length === 0)) return {}
    if (!isObject(value)) {
      this.#wrong(key, 'an object', value)
      return {}
    }
    const texts = Object.entries(value).flatMap(([name, inner]) =>
      typeof inner === 'string' || typeof inner === 'number' || typeof inner === 'boolean'
        ? [[name, String(inner)] as const]
        : [],
    )
    return Object.fromEntries(texts)
  }

  #given(key: string): Json {
    return this.get(key) ?? null
  }

  #wrong(key: string, expected: string, value: Json): null {
    this.problem(key, `expected ${expected}, found ${kindOf(value)}`)
    return null
  }
}

/** An object's own field if it is a text that is not empty, else null: for the few fields that are read before the others. */
export function ownText(object: JsonObject, key: string): string | null {
  const value = Object.hasOwn(object, key) ? object[key] : null
  return typeof value === 'string' && value !== '' ? value : null
}

/** What kind of JSON value it is, in words; never the value itself, which may be personal. */
function kindOf(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'another text'
  if (typeof value === 'number') return 'another number'
  return typeof value === 'boolean' ? 'true or false' : 'an object'
}
