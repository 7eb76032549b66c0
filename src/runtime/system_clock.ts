import { instant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Clock } from '../ports/clock.ts'

/** The longest wait that Node's timers take (2^31 - 1 ms, about 24 days); longer waits are made of several. */
const LONGEST_TIMER_MS = 2_147_483_647

/** The machine's clock: the only place that reads it. */
export function createSystemClock(): Clock {
  return {
    now: systemNow,
    async until(at, signal) {
      for (let left = at - systemNow(); left > 0; left = at - systemNow()) {
        if (signal?.aborted === true) return
        await sleep(Math.min(left, LONGEST_TIMER_MS), signal)
      }
    },
  }
}

function systemNow(): Instant {
  return instant(Date.now())
}

/** Waits; ends early when the signal aborts. A wait alone does not keep the process alive. */
function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    timer.unref()
    signal?.addEventListener('abort', end)
  })
}
