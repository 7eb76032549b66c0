/**
 * Every code that Billhook throws or answers with, the HTTP status it is answered with, and what to do about it.
 * `docs/errors.md` is generated from this table and a test compares the two.
 */
export const ERRORS = {
  invalid_request: {
    status: 400,
    meaning: 'A field of the request is missing or has a wrong value.',
    remedy: 'Correct the field that the message names.',
  },
  invalid_json: {
    status: 400,
    meaning: 'The request body is not JSON, or is not a JSON object.',
    remedy: 'Send one JSON object, encoded as UTF-8.',
  },
  invalid_cursor: {
    status: 400,
    meaning: 'The page cursor does not belong to this list.',
    remedy: 'Start again without a cursor.',
  },
  invalid_instant: {
    status: 400,
    meaning: 'A point in time could not be parsed.',
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
    meaning: 'Amounts in different currencies were combined.',
    remedy: 'Use one currency for a customer’s subscription and its invoices.',
  },
  unauthorized: {
    status: 401,
    meaning: 'The API key is missing, unknown or revoked.',
    remedy: 'Send Authorization: Bearer <key>; `billhook keys create` makes one.',
  },
  forbidden: {
    status: 403,
    meaning: 'The API key does not permit this.',
    remedy: 'Use a key with the scope that the message names.',
  },
  not_found: {
    status: 404,
    meaning: 'Nothing has this id or path.',
    remedy: 'Check the id; listing objects of this kind shows what exists.',
  },
  method_not_allowed: {
    status: 405,
    meaning: 'The path exists, but not with this method.',
    remedy: 'Use a method that the Allow header names.',
  },
  conflict: {
    status: 409,
    meaning: 'The object has changed in the meantime, or already exists with different content.',
    remedy: 'Read it again, then decide whether to repeat the request.',
  },
  idempotency_conflict: {
    status: 409,
    meaning: 'The idempotency key was already used for a different request.',
    remedy: 'Use a new key for a new request.',
  },
  payload_too_large: {
    status: 413,
    meaning: 'The request body is larger than the limit.',
    remedy: 'Send less, or raise the limit in the configuration.',
  },
  request_timeout: { status: 408, meaning: 'The request did not arrive completely in time.', remedy: 'Send it again.' },
  unsupported_media_type: {
    status: 415,
    meaning: 'This route does not accept the content type.',
    remedy: 'Send the content type that the message names.',
  },
  delivery_refused: {
    status: 400,
    meaning: 'A webhook did not open. It was recorded and changes nothing.',
    remedy: 'Look up its reason in docs/verdicts.md.',
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
    meaning: 'The command is not possible in the object’s current state. Nothing was changed.',
    remedy: 'Read the object’s status; docs/lifecycle.md shows what each status allows.',
  },
  clock_backwards: {
    status: 409,
    meaning: 'A test clock cannot go backwards.',
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
    meaning: 'Another process is using this data folder.',
    remedy: 'Stop that process, use another folder, or use PostgreSQL for several processes.',
  },
  store_unavailable: {
    status: 503,
    meaning: 'The database does not answer.',
    remedy: 'Check the database. Nothing was accepted, so the sender will retry.',
  },
  store_newer: {
    status: 503,
    meaning: 'The database was migrated by a newer Billhook that this version cannot work with.',
    remedy: 'Run the newer version.',
  },
  server_unreachable: {
    status: 503,
    meaning: 'A command cannot reach the server.',
    remedy: 'Start the server, or correct BILLHOOK_URL.',
  },
  shutting_down: {
    status: 503,
    meaning: 'This process is shutting down and accepts no new work.',
    remedy: 'Send it again; another process or the restarted one will accept it.',
  },
  rate_limited: {
    status: 429,
    meaning: 'Too many requests of this kind.',
    remedy: 'Wait as long as the Retry-After header says.',
  },
  config_invalid: {
    status: 500,
    meaning: 'The configuration is not valid.',
    remedy: 'Correct the setting that the message names; `billhook config` prints them all.',
  },
  secret_key_missing: {
    status: 500,
    meaning: 'The key that encrypts secrets at rest is missing or wrong.',
    remedy: 'Restore the key file or the BILLHOOK_SECRET_KEY that this store was created with.',
  },
  scenario_invalid: {
    status: 400,
    meaning: 'A scenario file cannot be read.',
    remedy: 'Correct the line that the message names; see scenarios/FORMAT.md.',
  },
  payment_port_failed: {
    status: 502,
    meaning: 'The payment service gave no usable answer.',
    remedy: 'Nothing to do: the attempt is repeated with the same key, so nothing is charged twice.',
  },
  provider_unavailable: {
    status: 502,
    meaning: 'A provider’s API did not answer as it should when an object was looked up.',
    remedy: 'Check the API key of the source; the object is looked up again when the next thing about it is late.',
  },
  mail_failed: {
    status: 502,
    meaning: 'The mail server did not accept a message.',
    remedy: 'Check the mail settings; sending is retried.',
  },
  internal_invariant: {
    status: 500,
    meaning: 'A rule that Billhook relies on was broken. This is a bug.',
    remedy: 'Report it, with the message.',
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
