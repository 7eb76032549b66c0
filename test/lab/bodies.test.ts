/** What the stories emit, member by member, against the reference: encoders are tested on views made by hand elsewhere. */
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Emission } from '../../src/lab/emissions.ts'
import { plainMode } from '../../src/lab/modes.ts'
import { runStory } from '../../src/lab/run_story.ts'
import { isObject } from '../../src/model/json.ts'
import type { Json, JsonObject } from '../../src/model/json.ts'
import { faultsOf } from '../dialects/stripe/shapes.ts'
import { GIVEN, OWN } from './play.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures')
/** Stories are told in the older shapes where they name none: here they are told in the newer ones. */
const NEWER: Readonly<Record<string, string>> = { stripe: '2026-10-28.endive' }

interface Told extends Emission {
  readonly provider: string
  readonly version: string
}

const told: Told[] = []
beforeAll(async () => {
  for (const story of [...GIVEN, ...OWN]) {
    const version = NEWER[story.provider] ?? story.dialect?.api_version ?? ''
    const dialect = version === '' ? undefined : { api_version: version }
    const backend = { databaseUrl: null, temporaryFolder: tmpdir() }
    await runStory({ ...story, dialect }, plainMode('bodies'), backend, (_at, emitted) => {
      told.push(...emitted.map((one) => ({ ...one, provider: story.provider, version })))
    })
  }
}, 120_000)

const of = (provider: string) => told.filter((one) => one.provider === provider)
const json = (...path: readonly string[]): JsonObject =>
  JSON.parse(readFileSync(join(FIXTURES, ...path), 'utf8')) as JsonObject
const object = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})

/** Members named like ids that name nothing. */
function emptyIds(value: Json, path = ''): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((one: Json, index) => emptyIds(one, `${path}.${index}`))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([key, one]) =>
    one === '' && /(^|_)(id|item|invoice|subscription|customer)$/.test(key)
      ? [`${path}.${key}`]
      : emptyIds(one, `${path}.${key}`),
  )
}

/** What members an object has that no sample has, and lacks that every sample has. */
function differences(ours: JsonObject, samples: readonly JsonObject[]): readonly string[] {
  const known = new Set(samples.flatMap((one) => Object.keys(one)))
  const always = [...known].filter((key) => samples.every((one) => Object.hasOwn(one, key)))
  return [
    ...Object.keys(ours).flatMap((key) => (known.has(key) ? [] : [`${key} is invented`])),
    ...always.flatMap((key) => (Object.hasOwn(ours, key) ? [] : [`${key} is missing`])),
  ]
}

/** Faults of many bodies, each once. */
function once(faults: readonly string[]): readonly string[] {
  return [...new Set(faults)].sort()
}

const samplesIn = (...folder: readonly string[]): readonly JsonObject[] =>
  readdirSync(join(FIXTURES, ...folder))
    .filter((name) => name.endsWith('.json') && name !== 'index.json')
    .map((name) => json(...folder, name))

describe('the bodies of the stories', () => {
  it('are many, of every provider', () => {
    for (const provider of ['stripe', 'razorpay', 'airwallex', 'kinde'])
      expect(of(provider).length, provider).toBeGreaterThan(20)
  })

  it('have no id that is empty', () => {
    expect(once(told.flatMap(({ type, body }) => emptyIds(body).map((path) => `${type}${path}`)))).toEqual([])
    expect(emptyIds({ a: [{ id: '' }] })).toEqual(['.a.0.id'])
  })

  it('are the whole objects of the newer shapes, and nothing else', () => {
    const faults = of('stripe').flatMap(({ type, body }) => {
      const inside = object(object(body['data'])['object'])
      // The preview of a renewal is an invoice without an id.
      return faultsOf(type === 'invoice.upcoming' ? { id: 'in_1', ...inside } : inside, 'endive')
    })
    expect(once(faults)).toEqual([])
  })

  it('have the entities of the printed subscription events, with all their members', () => {
    const samples = samplesIn('razorpay', 'events').filter(
      ({ event }) => typeof event === 'string' && event.startsWith('subscription.'),
    )
    for (const name of ['subscription', 'payment']) {
      const printed = samples.flatMap(({ payload }) => {
        const entity = object(object(object(payload)[name])['entity'])
        return Object.keys(entity).length === 0 ? [] : [entity]
      })
      const all = [Object.assign({}, ...printed) as JsonObject]
      const ours = of('razorpay').flatMap(({ body }) => {
        const part = object(body['payload'])[name]
        return part === undefined ? [] : [object(object(part)['entity'])]
      })
      const faults = ours.flatMap((entity) => differences(entity, all))
      // A wallet has no card.
      expect(once(faults), name).toEqual([])
    }
  })

  it.each(['2025-04-25', '2025-06-16'])('have the resources of the samples of %s', (version) => {
    const samples = samplesIn('airwallex', version, 'events')
    const resource = ({ data }: JsonObject) => object(object(data)['object'] ?? data)
    const family = (name: Json | undefined) => (typeof name === 'string' ? name : '').split('.')[0]
    // Optional in the reference, or there where a subscription has it.
    const optional =
      /^(billing_cycle_anchor_at|duration|invoice_id|latest_invoice_id|payment_source_id|billing_customer_id|subscription_data|success_url|subscription_id|ends_at|trial_(starts|ends)_at) /
    const ours = of('airwallex').filter((one) => one.version === version)
    expect(ours.length).toBeGreaterThan(10)
    const faults = ours.flatMap(({ type, body }) =>
      differences(resource(body), samples.filter(({ name }) => family(name) === family(type)).map(resource))
        .filter((fault) => !optional.test(fault))
        .map((fault) => `${String(family(type))}.${fault}`),
    )
    expect(once(faults)).toEqual([])
  })

  it('say of a customer, an agreement and a plan what the samples say', () => {
    const samples = samplesIn('kinde', 'events')
    const known = new Set(samples.flatMap(({ data }) => Object.keys(object(data))))
    const faults = of('kinde').flatMap(({ type, body }) =>
      Object.keys(object(body['data'])).flatMap((key) => (known.has(key) ? [] : [`${type}.${key} is invented`])),
    )
    expect(once(faults)).toEqual([])
    for (const { body } of of('kinde'))
      expect(Object.keys(body)).toEqual(['data', 'event_id', 'event_timestamp', 'source', 'timestamp', 'type'])
  })

  it('are found wrong where a member is left out or made up', () => {
    expect(differences({ a: 1, c: 2 }, [{ a: 1, b: 2 }, { b: 1 }])).toEqual(['c is invented', 'b is missing'])
  })
})
