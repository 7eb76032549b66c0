import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { TABLES } from '../../src/lifecycle/tables.ts'
import type * as Tables from '../../src/lifecycle/tables.ts'
import { missing, seenOf, sightings, wanted } from '../../tools/docs/catalogue.ts'
import type { Sighting } from '../../tools/docs/catalogue.ts'
import { tellings } from '../../tools/docs/dialects.ts'
import { catalogueDocument, dialectsDocument } from '../../tools/docs/documents.ts'

/** The rows that were walked, as `machine from on`. */
const { walked } = vi.hoisted(() => ({ walked: new Set<string>() }))

vi.mock('../../src/lifecycle/tables.ts', async (original) => {
  const tables = await original<typeof Tables>()
  const seen = <A extends string | null, B extends string, R>(machine: string, move: (from: A, on: B) => R) => {
    return (from: A, on: B): R => {
      const to = move(from, on)
      walked.add(`${machine} ${from ?? 'nothing'} ${on}`)
      return to
    }
  }
  return {
    ...tables,
    moveSubscription: seen('subscription', tables.moveSubscription),
    moveInvoice: seen('invoice', tables.moveInvoice),
    movePayment: seen('payment', tables.movePayment),
    moveCheckout: seen('checkout', tables.moveCheckout),
    moveRefund: seen('refund', tables.moveRefund),
  }
})

/** Rows that are not seen here. */
const ELSEWHERE: readonly string[] = [
  // Deleted things have no status to move to: stripe-47 sees the event.
  'invoice draft delete',
  // Refunds of the sandbox never fail: the random walks see it.
  'refund pending fail',
]

let all: readonly Sighting[] = []
beforeAll(async () => {
  all = await sightings()
}, 120_000)

describe('the events of the seeds', () => {
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

describe('the rows of the transition tables', () => {
  it('are walked by a story, each of them', () => {
    const rows = Object.entries(TABLES).flatMap(([machine, list]) =>
      list.map(({ from, on }) => `${machine} ${from ?? 'nothing'} ${on}`),
    )
    expect(rows.filter((row) => !walked.has(row))).toEqual(ELSEWHERE)
  })
})
