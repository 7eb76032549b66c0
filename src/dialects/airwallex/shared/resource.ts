import type { Instant } from '../../../model/instant.ts'
import type { Rank } from '../../../model/observations.ts'
import type { Fields } from '../../../wire/fields.ts'

/** A resource of a body, and what is known of the event that brought it. */
export interface Resource {
  readonly fields: Fields
  readonly id: string
  /** The event's name. */
  readonly type: string
  /** The signed id, or a hash of the body where there is none. */
  readonly event: string
  /** The object's `updated_at`; where it has none, the event's `created_at`. */
  readonly stamp: Instant
  /** False for a slim body, of which only some fields are there. */
  readonly whole: boolean
}

/** Where an observation of this resource stands. `version` orders states of one second that can only follow each other. */
export function rankOf(resource: Resource, version: readonly number[] | null): Rank {
  return { version, verb: verbOf(resource.type), event: resource.event }
}

/** The first of several fields that says something: the generations have different names for the same. */
export function textOf(fields: Fields, ...names: readonly string[]): string | null {
  for (const name of names) {
    const text = fields.text(name)
    if (text !== null) return text
  }
  return null
}

/** The same for times. */
export function timeOf(fields: Fields, ...names: readonly string[]): Instant | null {
  for (const name of names) {
    const at = fields.iso(name)
    if (at !== null) return at
  }
  return null
}

/**
 * The fields of a value that say something: what a slim body patches. What stands for "not said" (null, empty, unknown,
 * false) is left out, so that it replaces nothing.
 */
export function said<T extends object>(value: T): Partial<T> {
  const fields: Partial<T> = {}
  for (const key in value) {
    if (Object.hasOwn(value, key) && saysSomething(value[key])) fields[key] = value[key]
  }
  return fields
}

function saysSomething(value: unknown): boolean {
  if (value === null || value === false || value === 'unknown') return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}

function verbOf(type: string): Rank['verb'] {
  if (type.endsWith('.created')) return 'created'
  return type.endsWith('.cancelled') || type.endsWith('.voided') ? 'deleted' : 'updated'
}
