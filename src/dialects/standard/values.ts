import type { Interval, Period } from '../../model/calendar.ts'
import type { Json } from '../../model/json.ts'
import { parseDecimal } from '../../model/money.ts'
import type { Money } from '../../model/money.ts'
import { exponentOf } from '../../model/currency.ts'
import type { PaymentFailure, PlanRef } from '../../model/objects.ts'
import type { Actor } from '../../model/status.ts'
import { Fields } from '../../wire/fields.ts'

/** `{minor, currency}` with `minor` a whole number as text. */
export function moneyOf(fields: Fields, name: string): Money | null {
  const amount = fields.object(name)
  if (amount === null) return null
  const currency = amount.currency('currency')
  const minor = amount.text('minor')
  if (currency === null || minor === null) return null
  // Read as a decimal without a fraction: the check of range and digits is the same.
  const whole = /^-?\d{1,16}$/.test(minor) ? parseDecimal(`${minor}e-${exponentOf(currency)}`, currency) : null
  if (whole === null) amount.problem('minor', 'expected a whole number as text, in range')
  return whole
}

/** Reads a period; null if there is none. */
export function periodOf(fields: Fields, name: string): Period | null {
  const period = fields.object(name)
  if (period === null) return null
  const from = period.iso('from')
  const until = period.iso('until')
  return from === null || until === null ? null : { from, until }
}

/** Reads a billing interval; null if there is none. */
export function intervalOf(fields: Fields, name: string): Interval | null {
  const interval = fields.object(name)
  if (interval === null) return null
  const unit = oneOf(interval, 'unit', ['day', 'week', 'month', 'year'] as const)
  const count = interval.integer('count')
  return unit === null || count === null || count < 1 ? null : { unit, count }
}

/** Reads the reference to a plan; null if there is none. */
export function planOf(fields: Fields, name: string): PlanRef | null {
  const plan = fields.object(name)
  const id = plan?.text('id') ?? null
  if (plan === null || id === null) return null
  return { id, name: plan.text('name'), group: plan.text('group'), product: plan.text('product') }
}

/** Reads why a payment failed. */
export function failureOf(fields: Fields, name: string): PaymentFailure | null {
  const failure = fields.object(name)
  if (failure === null) return null
  return {
    code: failure.text('code'),
    message: failure.text('message'),
    retryable: oneOf(failure, 'retryable', ['yes', 'no', 'unknown'] as const) ?? 'unknown',
  }
}

/** Reads who did something; `unknown` if it is not said. */
export function actorOf(fields: Fields, name: string): Actor {
  return oneOf(fields, name, ['customer', 'admin', 'system', 'unknown'] as const) ?? 'unknown'
}

/** A word of a closed list; null with a problem for another. */
export function oneOf<T extends string>(fields: Fields, name: string, words: readonly T[]): T | null {
  const text = fields.text(name)
  if (text === null) return null
  const word = words.find((each) => each === text)
  if (word === undefined) fields.problem(name, 'a word that is not known')
  return word ?? null
}

/** The object with some members replaced, read with the same problems. */
export function withMembers(fields: Fields, members: Fields): Fields {
  const merged: Readonly<Record<string, Json>> = { ...fields.raw, ...members.raw }
  return new Fields(merged, [], members.path)
}
