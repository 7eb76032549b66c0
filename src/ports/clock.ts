import type { Instant } from '../model/instant.ts'

/**
 * Time for everything that is not pure. Only `runtime/` reads a real clock; a test clock stands still until it is moved,
 * and moves every timer with it.
 */
export interface Clock {
  now(): Instant
  /**
   * Resolves when {@link now} has reached `at`, or at once if it has already.
   *
   * @param signal ends the wait early; the promise then resolves too, and the caller looks at the signal
   */
  until(at: Instant, signal?: AbortSignal): Promise<void>
}
