import type { Instant } from '../model/instant.ts'
import type { Clock } from '../ports/clock.ts'

/**
 * Lets a loop sleep until it is woken, until a time of its clock, or until it is told to end. A wake while nobody sleeps
 * is kept for the next sleep.
 */
export class Waker {
  #awake = false
  #rouse: (() => void) | null = null

  wake(): void {
    this.#awake = true
    this.#rouse?.()
  }

  /** @param until null: until woken */
  async sleep(clock: Clock, until: Instant | null, signal: AbortSignal): Promise<void> {
    if (!this.#awake && !signal.aborted) {
      const woken = new AbortController()
      // With a reason of its own: making the usual one, an error with its stack, costs more than the rest.
      const rouse = (): void => woken.abort('woken')
      this.#rouse = rouse
      signal.addEventListener('abort', rouse, { once: true })
      try {
        await (until === null ? aborted(woken.signal) : clock.until(until, woken.signal))
      } finally {
        woken.abort('over')
        signal.removeEventListener('abort', rouse)
        this.#rouse = null
      }
    }
    this.#awake = false
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Gives the event loop a turn: requests that came meanwhile are served before the next batch. */
export async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve))
}

/**
 * Waits, on the machine's clock also in tests: it is no part of what they look at. Ends early when the signal aborts.
 *
 * @param ms real milliseconds
 */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
