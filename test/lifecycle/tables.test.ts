import { describe, expect, it } from 'vitest'
import { FACT_KINDS, RECORD_KINDS } from '../../src/model/facts.ts'
import { isTerminal, SUBSCRIPTION_STATUSES } from '../../src/model/status.ts'
import type { SubscriptionStatus } from '../../src/model/status.ts'
import { moveInvoice, movePayment, moveSubscription, SUBSCRIPTION_TABLE, TABLES } from '../../src/lifecycle/tables.ts'
import type { Row } from '../../src/lifecycle/tables.ts'

const machines: readonly (readonly [string, readonly Row[]])[] = Object.entries(TABLES)

/** The statuses that can be reached from nothing. */
function reachable(rows: readonly Row[]): ReadonlySet<string> {
  const found = new Set<string>()
  const queue: (string | null)[] = [null]
  while (queue.length > 0) {
    const from = queue.pop()
    for (const row of rows) {
      if (row.from !== from || row.to === null || found.has(row.to)) continue
      found.add(row.to)
      queue.push(row.to)
    }
  }
  return found
}

describe.each(machines)('the table of %s', (_name, rows) => {
  it('has one outcome for a trigger in a status', () => {
    const keys = rows.map(({ from, on }) => `${from} ${on}`)
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('has no row that cannot be reached', () => {
    const found = reachable(rows)
    expect(rows.filter(({ from }) => from !== null && !found.has(from))).toEqual([])
  })

  it('tells what exists, and names a source for every row', () => {
    for (const row of rows) {
      expect(row.source).not.toBe('')
      for (const kind of row.emits) expect(kind in FACT_KINDS || kind in RECORD_KINDS).toBe(true)
    }
  })
})

describe('the table of subscriptions', () => {
  const statuses = Object.keys(SUBSCRIPTION_STATUSES).filter(
    (status): status is SubscriptionStatus => status !== 'unknown',
  )

  it('reaches every status, and leaves all but the terminal ones', () => {
    expect([...reachable(SUBSCRIPTION_TABLE)].sort()).toEqual([...statuses].sort())
    for (const status of statuses) {
      const leaves = SUBSCRIPTION_TABLE.some((row) => row.from === status)
      expect(leaves, status).toBe(!isTerminal(status))
    }
  })

  it('lets every status that is not terminal be canceled', () => {
    for (const status of statuses.filter((status) => !isTerminal(status)))
      expect(moveSubscription(status, 'cancel')).toBe('canceled')
  })

  it('refuses a move that it does not have', () => {
    expect(() => moveSubscription('canceled', 'recover')).toThrow('no row for recover in canceled')
    expect(() => moveInvoice('void', 'pay')).toThrow('no row for pay in void')
    expect(() => movePayment('succeeded', 'fail')).toThrow('no row for fail in succeeded')
  })
})
