/**
 * How a sender repeats a delivery that was not acknowledged: data, one policy per dialect, which an endpoint may
 * override. Times are milliseconds.
 */
export interface RetryPolicy {
  /** Name for people and programs, for example `hourly`. */
  readonly id: string
  /** When the attempts after the first are made, counted from the event's first attempt. Rising. */
  readonly offsetsMs: readonly number[]
  /** After this time from the first attempt nothing is tried any more, whatever the offsets say. */
  readonly giveUpAfterMs: number
  /** A random part of each wait, as a share of it: 0.1 spreads a wait of 60 s over 54 to 66 s. 0: none. */
  readonly jitter: number
  /** What counts as an acknowledgement: a list of statuses, or any status from 200 to 299. */
  readonly acknowledged: readonly number[] | '2xx'
  /** The whole exchange must be over in this time. */
  readonly timeoutMs: number
  /** Whether a `Retry-After` header of the endpoint delays the next attempt. */
  readonly honorsRetryAfter: boolean
  /** Whether status 410 disables the endpoint. */
  readonly goneDisables: boolean
  /** An endpoint whose deliveries have failed for this long without one success is disabled; null: never. */
  readonly disableAfterMs: number | null
  /** An endpoint is reported to its owner as failing after this time without a success; null: only when disabled. */
  readonly warnAfterMs: number | null
  /** True if each attempt is signed again with its own time. */
  readonly freshSignature: boolean
  /** Where the numbers come from. */
  readonly source: string
}
