/**
 * Every code that Billhook throws or answers with, the HTTP status it is answered with, and what to do about it.
 * `docs/errors.md` is generated from this table and a test compares the two.
 */
export const ERRORS = {
  invalid_request: {
    status: 400,
    meaning: 'A field of the request is missing or has a wrong value.',
    remedy: 'Mend the field that the message names.',
  },
  invalid_json: {
    status: 400,
    meaning: 'The request body is not JSON, or is not a JSON object.',
    remedy: 'Send one JSON object, encoded as UTF-8.',
  },
  invalid_cursor: {
    status: 400,
    meaning: 'The page cursor was not made by this list.',
    remedy: 'Start again without a cursor.',
  },
  invalid_instant: {
    status: 400,
    meaning: 'A point in time could not be read.',
    remedy: 'Write ISO 8601 with an offset, for example 2026-01-31T00:00:00Z.',
  },
  invalid_money: {
    status: 400,
    meaning: 'An amount of money is not a whole number of minor units, or is out of range.',
    remedy: 'Write the amount in the currency’s smallest unit.',
  },
  invalid_currency: {
    status: 400,
    meaning: 'The currency is not an ISO 4217 code that Billhook knows.',
    remedy: 'Use the three-letter code.',
  },
  currency_mismatch: {
    status: 409,
    meaning: 'Two amounts of different currencies met.',
    remedy: 'Use one currency for a customer’s subscription and its invoices.',
  },
  unauthorized: {
    status: 401,
    meaning: 'The API key is missing, unknown or revoked.',
    remedy: 'Send Authorization: Bearer <key>; `billhook keys create` makes one.',
  },
  forbidden: {
    status: 403,
    meaning: 'The API key may not do this.',
    remedy: 'Use a key with the scope that the message names.',
  },
  not_found: {
    status: 404,
    meaning: 'Nothing has this id or path.',
    remedy: 'Check the id; the list of the same kind shows what exists.',
  },
  method_not_allowed: {
    status: 405,
    meaning: 'The path exists, but not with this method.',
    remedy: 'Use a method that the Allow header names.',
  },
  conflict: {
    status: 409,
    meaning: 'The thing changed meanwhile, or exists already with another content.',
    remedy: 'Read it again and decide anew.',
  },
  idempotency_conflict: {
    status: 409,
    meaning: 'The idempotency key was used before with another request.',
    remedy: 'Use a new key for a new request.',
  },
  payload_too_large: {
    status: 413,
    meaning: 'The body is larger than the limit.',
    remedy: 'Send less, or raise the limit in the configuration.',
  },
  request_timeout: { status: 408, meaning: 'The request did not arrive completely in time.', remedy: 'Send it again.' },
  unsupported_media_type: {
    status: 415,
    meaning: 'The content type is not one that this route takes.',
    remedy: 'Send the content type that the message names.',
  },
  delivery_refused: {
    status: 400,
    meaning: 'A webhook did not open: the reason says why. It was recorded and changes nothing.',
    remedy: 'See docs/verdicts.md for the reason.',
  },
  unknown_source: {
    status: 404,
    meaning: 'No source has this name.',
    remedy: 'Create the source, or correct the webhook URL at the provider.',
  },
  unknown_dialect: {
    status: 400,
    meaning: 'No dialect has this id.',
    remedy: 'Use one of the ids that the message lists.',
  },
  invalid_transition: {
    status: 409,
    meaning: 'The command is not possible in this state. Nothing was changed.',
    remedy: 'Read the object’s status; docs/lifecycle.md shows what is possible in it.',
  },
  clock_backwards: {
    status: 409,
    meaning: 'A test clock cannot go back.',
    remedy: 'Advance to a later instant, or create a new clock.',
  },
  usage_on_unmetered: {
    status: 409,
    meaning: 'Usage was reported for a price that is not metered.',
    remedy: 'Report usage for a metered item of the subscription.',
  },
  endpoint_refused: {
    status: 400,
    meaning: 'The endpoint’s URL is not allowed.',
    remedy: 'Use https, a public address and no credentials in the URL; see docs/delivery.md.',
  },
  store_locked: {
    status: 503,
    meaning: 'Another process already uses this data folder.',
    remedy: 'Stop it, give this one another folder, or use PostgreSQL for several processes.',
  },
  store_unavailable: {
    status: 503,
    meaning: 'The database does not answer.',
    remedy: 'Nothing was accepted; the sender will retry. Look at the database.',
  },
  store_newer: {
    status: 503,
    meaning: 'The database was migrated by a newer Billhook that this version cannot work with.',
    remedy: 'Run the newer version.',
  },
  shutting_down: {
    status: 503,
    meaning: 'This process is shutting down and takes no new work.',
    remedy: 'Send it again; another process or the restarted one will take it.',
  },
  rate_limited: {
    status: 429,
    meaning: 'Too many requests of this kind.',
    remedy: 'Wait for the time in Retry-After.',
  },
  config_invalid: {
    status: 500,
    meaning: 'The configuration cannot be used.',
    remedy: 'Mend the setting that the message names; `billhook config` prints them all.',
  },
  secret_key_missing: {
    status: 500,
    meaning: 'The key that encrypts secrets at rest is missing or wrong.',
    remedy: 'Restore the key file or BILLHOOK_SECRET_KEY that this store was made with.',
  },
  scenario_invalid: {
    status: 400,
    meaning: 'A scenario file cannot be read.',
    remedy: 'Mend the line that the message names; see scenarios/FORMAT.md.',
  },
  payment_port_failed: {
    status: 502,
    meaning: 'The payment service did not answer in a way that can be understood.',
    remedy: 'Nothing was charged twice: the attempt is repeated with the same key.',
  },
  mail_failed: {
    status: 502,
    meaning: 'The mail server did not take a message.',
    remedy: 'It is tried again later; look at the mail settings.',
  },
  internal_invariant: {
    status: 500,
    meaning: 'A rule that Billhook relies on was broken. This is a defect.',
    remedy: 'Report it with the message.',
  },
} as const satisfies Record<string, { readonly status: number; readonly meaning: string; readonly remedy: string }>

/** The closed set of error codes. */
export type ErrorCode = keyof typeof ERRORS

/** Structured facts about an error: plain data, never a secret and never a payload. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>

/**
 * The one class of error that Billhook throws. The message says what happened, with which value, and what to do;
 * the code is stable and documented in docs/errors.md.
 */
export class BillhookError extends Error {
  override readonly name = 'BillhookError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly details?: ErrorDetails } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.details = options.details ?? {}
  }

  /** The HTTP status that this error is answered with. */
  get status(): number {
    return ERRORS[this.code].status
  }
}

/** True for an error of ours, also one thrown by another copy of this package. */
export function isBillhookError(error: unknown): error is BillhookError {
  return (
    error instanceof Error &&
    error.name === 'BillhookError' &&
    'code' in error &&
    typeof error.code === 'string' &&
    Object.hasOwn(ERRORS, error.code)
  )
}

/** The message of anything that was thrown, for logs and answers. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
