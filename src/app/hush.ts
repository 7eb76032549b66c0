import type { Log } from '../ports/log.ts'
import { createLog } from '../runtime/logger.ts'
import type { LogLevel } from '../runtime/logger.ts'

/** A log that holds its warnings back while something is shown on the same terminal. Errors are always written. */
export function createHushedLog(level: LogLevel): {
  readonly log: Log
  readonly hush: (work: () => Promise<void>) => Promise<void>
} {
  const log = createLog(level)
  let isHushed = false
  return {
    log: {
      ...log,
      warn: (fields, message) => (isHushed ? log.debug(fields, message) : log.warn(fields, message)),
    },
    async hush(work) {
      isHushed = true
      try {
        await work()
      } finally {
        isHushed = false
      }
    },
  }
}
