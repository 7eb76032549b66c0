import { describe, expect, it } from 'vitest'
import { createIdSource, idsFrom } from '../../src/inbox/receipt_ids.ts'
import { instant } from '../../src/model/instant.ts'
import { createSystemRandom } from '../../src/runtime/system_random.ts'

describe('Ids of receipts', () => {
  it('sort by time, and within a millisecond by their making, also when the clock is set back', () => {
    const newId = createIdSource(createSystemRandom())
    const times = [5, 5, 5, 6, 4, 4, 1_790_000_000_000, 1_790_000_000_001].map(instant)
    const ids = times.map((at) => newId(at))
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
    const last = ids.at(-1) ?? ''
    expect(idsFrom(instant(1_790_000_000_001)) < last).toBe(true)
    expect(idsFrom(instant(1_790_000_000_002)) > last).toBe(true)
  })

  it('do not meet between processes', () => {
    const sources = Array.from({ length: 50 }, () => createIdSource(createSystemRandom()))
    const ids = sources.flatMap((newId) => Array.from({ length: 100 }, () => newId(instant(1))))
    expect(new Set(ids).size).toBe(ids.length)
  })
})
