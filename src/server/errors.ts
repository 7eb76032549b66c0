import { BillhookError, isBillhookError } from '../model/error.ts'
import type { ErrorCode, ErrorDetails } from '../model/error.ts'
import type { Log } from '../ports/log.ts'

/** The body of every error answer. */
export interface ErrorBody {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly details: ErrorDetails }
}

/** What something that was thrown is answered with. What is not ours is logged, and its text stays inside. */
export function errorAnswer(error: unknown, log: Log): { readonly status: number; readonly body: ErrorBody } {
  if (isBillhookError(error)) {
    const { code, message, details, status } = error
    if (status >= 500) log.error({ code, error: message }, 'a request failed')
    return { status, body: { error: { code, message, details } } }
  }
  log.error({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }, 'a request failed')
  return errorAnswer(
    new BillhookError('internal_invariant', 'an internal error occurred; the log has the details'),
    log,
  )
}
