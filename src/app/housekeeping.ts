import { messageOf } from '../model/error.ts'
import { addMs, DAY_MS, HOUR_MS } from '../model/instant.ts'
import type { ApiStore } from '../ports/api_store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'

/** How long the answer to an idempotency key is kept: a caller that repeats a request does so within minutes. */
export const KEEP_ANSWERS_MS = 3 * DAY_MS

/** Removes old answers to idempotency keys, once an hour, until the signal ends it. */
export async function keepHouse(
  { answers, clock, log }: { readonly answers: ApiStore; readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await answers.pruneAnswers(addMs(clock.now(), -KEEP_ANSWERS_MS))
    } catch (error) {
      log.error({ error: messageOf(error) }, 'old answers could not be removed; it is tried again')
    }
    await clock.until(addMs(clock.now(), HOUR_MS), signal)
  }
}
