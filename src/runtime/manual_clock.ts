import { BillhookError } from '../model/error.ts'
import { addMs, formatInstant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Clock } from '../ports/clock.ts'

/** A clock that stands still until it is moved, and moves every timer with it. */
export interface ManualClock extends Clock {
  /**
   * Moves to `at`. Timers on the way fire in the order of their times, each at its own time; what they set off has had its
   * turn before the next one fires.
   *
   * @throws BillhookError `clock_backwards`
   */
  moveTo(at: Instant): Promise<void>
  /** {@link moveTo}, `ms` milliseconds from now. */
  moveBy(ms: number): Promise<void>
  /** The times that somebody waits for, earliest first. */
  waiting(): readonly Instant[]
}

interface Timer {
  readonly at: Instant
  readonly order: number
  readonly fire: () => void
}

/** Turns of the event loop that what a timer set off gets before the next timer fires: promise chains and I/O callbacks. */
const TURNS = 3

/** A clock for tests and stories, standing at `start`. */
export function createManualClock(start: Instant): ManualClock {
  let current = start
  let order = 0
  const timers = new Set<Timer>()

  const next = (limit: Instant): Timer | null =>
    [...timers].filter(({ at }) => at <= limit).sort((a, b) => a.at - b.at || a.order - b.order)[0] ?? null

  const moveTo = async (at: Instant): Promise<void> => {
    if (at < current)
      throw new BillhookError(
        'clock_backwards',
        `the clock stands at ${formatInstant(current)} and cannot go back to ${formatInstant(at)}`,
      )
    for (let timer = next(at); timer !== null; timer = next(at)) {
      current = timer.at
      timer.fire()
      await turns()
    }
    current = at
    await turns()
  }

  return {
    now: () => current,
    until: (at, signal) =>
      new Promise((resolve) => {
        if (at <= current || signal?.aborted === true) {
          resolve()
          return
        }
        const fire = (): void => {
          timers.delete(timer)
          signal?.removeEventListener('abort', fire)
          resolve()
        }
        const timer: Timer = { at, order: (order += 1), fire }
        timers.add(timer)
        signal?.addEventListener('abort', fire)
      }),
    moveTo,
    moveBy: (ms) => moveTo(addMs(current, ms)),
    waiting: () => [...timers].map(({ at }) => at).sort((a, b) => a - b),
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
