import type { Log } from '../ports/log.ts'
import { createLog } from '../runtime/logger.ts'
import type { LogLevel } from '../runtime/logger.ts'

/** A log that can hold its warnings back while something is shown on the same terminal. Errors are always written. */
export function createQuietLog(level: LogLevel): {
  readonly log: Log
  readonly quietly: (work: () => Promise<void>) => Promise<void>
} {
  const log = createLog(level)
  let isQuiet = false
  return {
    log: {
      ...log,
      warn: (fields, message) => (isQuiet ? log.debug(fields, message) : log.warn(fields, message)),
    },
    async quietly(work) {
      isQuiet = true
      try {
        await work()
      } finally {
        isQuiet = false
      }
    },
  }
}
