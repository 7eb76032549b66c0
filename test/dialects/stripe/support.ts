import { readdirSync, readFileSync } from 'node:fs'
import { instant } from '../../../src/model/instant.ts'
import type { Instant } from '../../../src/model/instant.ts'
import type { JsonObject } from '../../../src/model/json.ts'
import type { Notification, OpeningKeys, OpeningTime } from '../../../src/dialects/dialect.ts'
import { readEvent } from '../../../src/dialects/stripe/read.ts'

const FIXTURES = new URL('../../fixtures/stripe/', import.meta.url)

export const NO_TIME: OpeningTime = { at: null, toleranceMs: null }

export function seconds(value: number): Instant {
  return instant(value * 1000)
}

export function at(text: string): Instant {
  return instant(Date.parse(text))
}

/** The request bodies of one generation, by the name of the sample. */
export function samples(generation: 'modern' | 'classic'): ReadonlyMap<string, Uint8Array> {
  const folder = new URL(`wire/${generation}/`, FIXTURES)
  return new Map(readdirSync(folder).map((name) => [name.replace(/\.body$/, ''), readFileSync(new URL(name, folder))]))
}

export function thinSamples(): readonly Uint8Array[] {
  const folder = new URL('thin/', FIXTURES)
  return readdirSync(folder).map((name) => readFileSync(new URL(name, folder)))
}

export function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8'))
}

export function keys(...secrets: readonly string[]): OpeningKeys {
  return { secrets: secrets.map((text) => ({ text, from: null, until: null })), publicKey: null }
}

/** A body as the notification that it is read as. */
export function notificationOf(body: Uint8Array): Notification {
  const read = readEvent({ headers: {}, body })
  if (!read.ok) throw new Error(read.reason)
  return read.notification
}

/** A notification around an object, for shapes that no sample has. */
export function eventOf(type: string, object: JsonObject, previous: JsonObject | null = null): Notification {
  const body: JsonObject = {
    id: 'evt_test',
    object: 'event',
    created: 1_771_146_016,
    data: previous === null ? { object } : { object, previous_attributes: previous },
    type,
  }
  return { id: 'evt_test', type, createdAt: seconds(1_771_146_016), account: null, body }
}
