import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../model/instant.ts'

/** Bounds of the engine, each with its reason; {@link DELIVERY_DEFAULTS} can be set by the operator. */
export interface DeliveryOptions {
  /** Requests in flight at once, over all endpoints. Sockets and memory of this process set the bound. */
  readonly concurrency: number
  /** Deliveries kept in memory; what is published beyond waits in the store, where any node takes it. */
  readonly memoryMax: number
  /** Events stored by one statement. */
  readonly batchMax: number
  /**
   * Publishing statements in flight at once. Those that are written while a sync runs share the next: with two in flight an
   * event waits for up to three syncs, with four for up to two.
   */
  readonly flushesMax: number
  /** Results gather for so long before they are written. */
  readonly lingerMs: number
  /** Deliveries claimed by one statement. */
  readonly claimMax: number
  /** How often the store is asked for what is due. */
  readonly pollMs: number
  readonly heartbeatMs: number
  /** A node silent for longer is dead, and its leases are returned. */
  readonly deadAfterMs: number
  /** First bytes of an answer that are kept. */
  readonly responseKeptBytes: number
  /** Send a `traceparent` header with each attempt. */
  readonly sendsTraceparent: boolean
  /** Events, deliveries and attempts older than this are dropped. */
  readonly retentionMs: number
}

/** What the delivery engine does unless its caller says otherwise. */
export const DELIVERY_DEFAULTS: DeliveryOptions = {
  concurrency: 512,
  memoryMax: 20_000,
  batchMax: 256,
  flushesMax: 4,
  lingerMs: 25,
  claimMax: 100,
  pollMs: SECOND_MS,
  heartbeatMs: 3 * SECOND_MS,
  deadAfterMs: 15 * SECOND_MS,
  responseKeptBytes: 1_024,
  sendsTraceparent: false,
  retentionMs: 90 * DAY_MS,
}

/** A claimed delivery belongs to its node for so long; the heartbeat moves it on while it waits in memory. */
export const CLAIM_MS = 30 * SECOND_MS

/** An endpoint's requests in flight at once, unless it says otherwise. */
export const IN_FLIGHT_DEFAULT = 16
/** The largest number of requests in flight that an endpoint may ask for. */
export const IN_FLIGHT_MAX = 256

/** After so many failures in a row an endpoint has only {@link FAILING_CAP} requests in flight, until one succeeds. */
export const FAILING_AFTER = 3
/** Requests in flight to an endpoint that fails. */
export const FAILING_CAP = 2

/** However little memory is left, this many deliveries of an endpoint fit. */
export const LANE_MIN = 4

/** A body that an operator publishes; providers' own stay far below. */
export const BODY_MAX_BYTES = 256 * 1024

/** Endpoints of one account: above this the account is misused as an address book. */
export const ENDPOINTS_MAX = 1_000

/** A success is written to an endpoint's health at most so often while all is well. */
export const SUCCESS_REPORT_MS = 10 * SECOND_MS

/** Mails that the server does not take are tried again after this time, and given up after {@link NOTICE_TRIES_MAX}. */
export const NOTICE_RETRY_MS = 5 * MINUTE_MS
/** How often a mail about an endpoint is tried. */
export const NOTICE_TRIES_MAX = 50

/** Partitions and retention are looked at so often. */
export const STORAGE_CHORE_MS = HOUR_MS

/** Deliveries that one step of a replay makes due. */
export const REPLAY_STEP = 200
