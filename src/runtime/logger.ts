import { pino } from 'pino'
import type { DestinationStream } from 'pino'
import type { Log, LogFields } from '../ports/log.ts'

/** How much is logged; `silent` logs nothing. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Fields that must never be written, whoever puts them in by mistake. */
const REDACTED = ['secret', 'secrets', 'apiKey', 'authorization', 'password', 'payload', 'body', 'databaseUrl']

/**
 * Structured log, one JSON object a line: level, time (ISO 8601), msg, and the fields.
 *
 * @param destination where lines go; the process's standard error if left out, so that standard output stays free for
 * what was asked for
 */
export function createLog(level: LogLevel, destination?: DestinationStream): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
  )
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  }
}

/** A log that writes nothing. */
export const NO_LOG: Log = {
  debug: (_fields: LogFields) => undefined,
  info: (_fields: LogFields) => undefined,
  warn: (_fields: LogFields) => undefined,
  error: (_fields: LogFields) => undefined,
}
