import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { missing, seenOf, sightings, wanted } from '../../tools/docs/catalogue.ts'
import type { Sighting } from '../../tools/docs/catalogue.ts'
import { tellings } from '../../tools/docs/dialects.ts'
import { catalogueDocument, dialectsDocument } from '../../tools/docs/documents.ts'

describe('the events of the seeds', () => {
  let all: readonly Sighting[] = []
  beforeAll(async () => {
    all = await sightings()
  }, 120_000)

  it('are 45, and three changes of status', () => {
    const [events, states] = [true, false].map((event) => wanted().filter(({ status }) => (status === null) === event))
    expect([events?.length, states?.length]).toEqual([45, 3])
  })

  it('are each emitted by a transition in a story that asserts it', () => {
    expect(missing(all)).toEqual([])
    const unasserted = wanted().filter((one) => seenOf(one, all)[0]?.asserted !== true)
    expect(unasserted.map(({ type }) => type)).toEqual([])
  })

  it('are missed when no story emits one', () => {
    const without = all.filter(({ type }) => type !== 'customer.meter_usage_updated')
    expect(missing(without)).toEqual(['kinde customer.meter_usage_updated'])
    const never = all.filter(({ status }) => status !== 'unpaid')
    expect(missing(never)).toEqual(['stripe@2025-02-24.acacia customer.subscription.updated (unpaid)'])
  })

  it('stand in docs/catalogue.md with the story and the step', () => {
    const path = 'docs/catalogue.md'
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(catalogueDocument(all))
  })
})

describe('one course of events', () => {
  it('stands in docs/dialects.md as every dialect tells it', async () => {
    const path = 'docs/dialects.md'
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(dialectsDocument(await tellings()))
  })
})
