/** The API writes names with underscores, like the standard dialect's webhooks; the model writes them in camel case. */
import { present } from '../app/present/present.ts'
import { BillhookError, isBillhookError } from '../model/error.ts'
import type { Json } from '../model/json.ts'
import { isObject } from '../model/json.ts'

/** Members whose inside belongs to somebody else: names in it stay as they are. */
const VERBATIM = ['metadata', 'profile', 'switches', 'headers', 'request', 'response', 'data', 'body'] as const

type Verbatim = (typeof VERBATIM)[number]

type CamelName<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelName<Tail>>}` : S

/** A checked request body with the model's names; members that were left out are not there. */
export type Camel<T> = T extends string | number | bigint | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Camel<Item>[]
    : {
        readonly [K in keyof T as K extends string ? CamelName<K> : K]: K extends Verbatim
          ? Exclude<T[K], undefined>
          : Camel<Exclude<T[K], undefined>>
      }

/** The same value with member names in camelCase, at every level. */
export function camel<T>(value: T): Camel<T>
export function camel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => camel(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]: [string, unknown]) =>
      member === undefined ? [] : [[camelName(name), isVerbatim(name) ? member : camel(member)] as const],
    ),
  )
}

/** A value of the model as the API shows it: names with underscores, instants as ISO 8601, amounts as text. */
export function snake(value: unknown): Json {
  return renamed(present(value))
}

/** A refusal with the API's name for the field that it is about, also where the message names it. */
export function inApiNames(error: unknown): unknown {
  // What the schemas refuse is named as the request names it.
  if (!isBillhookError(error) || typeof error.details['field'] !== 'string' || 'in' in error.details) return error
  const { code, message, details, cause } = error
  const field = error.details['field']
  const renamedField = snakeName(field)
  if (renamedField === field) return error
  const words = field.split('.').map((word) => word.replace(/\[.*/, ''))
  const text = words.reduce((all, word) => all.replaceAll(new RegExp(`\\b${word}\\b`, 'g'), snakeName(word)), message)
  return new BillhookError(code, text, { details: { ...details, field: renamedField }, cause })
}

function renamed(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => renamed(item))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [snakeName(name), isVerbatim(name) ? member : renamed(member)]),
  )
}

function isVerbatim(name: string): boolean {
  return VERBATIM.some((verbatim) => verbatim === name)
}

function camelName(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase())
}

function snakeName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
