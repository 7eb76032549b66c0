import { describe, expect, it } from 'vitest'
import { addMs, HOUR_MS, instant, requireInstant, SECOND_MS } from '../../src/model/instant.ts'
import { createManualClock } from '../../src/runtime/manual_clock.ts'
import { createSystemClock } from '../../src/runtime/system_clock.ts'

const START = requireInstant('2026-01-31T00:00:00Z', 'start')

describe('The manual clock', () => {
  it('stands still until it is moved', async () => {
    const clock = createManualClock(START)
    expect(clock.now()).toBe(START)
    await clock.moveBy(SECOND_MS)
    expect(clock.now()).toBe(START + SECOND_MS)
  })

  it('fires timers in the order of their times, each at its own time, and timers that they set', async () => {
    const clock = createManualClock(START)
    const seen: [string, number][] = []
    const wait = async (name: string, ms: number): Promise<void> => {
      await clock.until(addMs(START, ms))
      seen.push([name, clock.now() - START])
    }
    const waits = [wait('late', 3 * SECOND_MS), wait('early', SECOND_MS)]
    const chain = wait('first of two', 2 * SECOND_MS).then(async () => wait('second of two', 2 * SECOND_MS + 1))
    await clock.moveBy(HOUR_MS)
    await Promise.all([...waits, chain])
    expect(seen).toEqual([
      ['early', 1000],
      ['first of two', 2000],
      ['second of two', 2001],
      ['late', 3000],
    ])
    expect(clock.waiting()).toEqual([])
  })

  it('refuses to go back', async () => {
    const clock = createManualClock(START)
    await expect(clock.moveTo(addMs(START, -1))).rejects.toMatchObject({ code: 'clock_backwards' })
  })

  it('ends a wait when its signal aborts', async () => {
    const clock = createManualClock(START)
    const controller = new AbortController()
    const wait = clock.until(addMs(START, 1), controller.signal)
    expect(clock.waiting()).toHaveLength(1)
    controller.abort()
    await wait
    expect(clock.waiting()).toEqual([])
    expect(clock.now()).toBe(START)
  })
})

describe('The system clock', () => {
  it('does not wait for a time that is past, and ends a wait of years when its signal aborts', async () => {
    const clock = createSystemClock()
    await clock.until(instant(0))
    const controller = new AbortController()
    const wait = clock.until(addMs(clock.now(), 10 * 365 * 24 * HOUR_MS), controller.signal)
    controller.abort()
    await wait
    await clock.until(addMs(clock.now(), HOUR_MS), controller.signal)
  })

  it('waits until the time has come', async () => {
    const clock = createSystemClock()
    const at = addMs(clock.now(), 15)
    // The wait does not keep the process alive; the test runner does.
    await clock.until(at)
    expect(clock.now()).toBeGreaterThanOrEqual(at)
  })
})
