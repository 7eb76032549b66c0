import { BillhookError } from '../model/error.ts'
import { instant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { DeliveryState, DueDelivery, StoredEvent } from '../ports/delivery_store.ts'
import type { LoggedDelivery } from '../ports/delivery_log.ts'
import type { SqlRow, SqlValue } from './database.ts'

/** Reads columns of rows that this room wrote itself. A value of another type is a defect, and is named. */
export function textOf(row: SqlRow, column: string): string {
  const value = row[column]
  if (typeof value === 'string') return value
  throw new BillhookError('internal_invariant', `column ${column} holds ${typeof value}, not a text`)
}

export function textOrNull(row: SqlRow, column: string): string | null {
  return row[column] === null || row[column] === undefined ? null : textOf(row, column)
}

export function numberOf(row: SqlRow, column: string): number {
  const value = row[column]
  if (typeof value === 'number') return value
  throw new BillhookError('internal_invariant', `column ${column} holds ${typeof value}, not a number`)
}

function numberOrNull(row: SqlRow, column: string): number | null {
  return row[column] === null || row[column] === undefined ? null : numberOf(row, column)
}

export function instantOf(row: SqlRow, column: string): Instant {
  return instant(numberOf(row, column))
}

export function instantOrNull(row: SqlRow, column: string): Instant | null {
  const value = numberOrNull(row, column)
  return value === null ? null : instant(value)
}

/** `real` or `test`. */
function clockOf(row: SqlRow): 'real' | 'test' {
  return row['clock'] === 'test' ? 'test' : 'real'
}

const STATES = ['pending', 'delivered', 'exhausted', 'skipped', 'held'] as const

export function stateOf(row: SqlRow): DeliveryState {
  const state = STATES.find((state) => state === row['state'])
  if (state === undefined)
    throw new BillhookError('internal_invariant', `a delivery is in the unknown state ${String(row['state'])}`)
  return state
}

/** The columns of an event, in the order of {@link eventValues}. */
export const EVENT_COLUMNS = [
  'account',
  'id',
  'dialect',
  'type',
  'provider_id',
  'provider_account',
  'fact',
  'subject',
  'customer',
  'created_at',
  'body',
  'raw',
  'content_type',
] as const

export function eventValues(event: StoredEvent): readonly SqlValue[] {
  return [
    event.account,
    event.id,
    event.dialect,
    event.type,
    event.providerId,
    event.providerAccount,
    event.fact,
    event.subject,
    event.customer,
    event.createdAt,
    event.body,
    event.raw,
    event.contentType,
  ]
}

export function eventOf(row: SqlRow): StoredEvent {
  const raw = row['raw']
  return {
    account: textOf(row, 'account'),
    id: textOf(row, 'id'),
    dialect: textOf(row, 'dialect'),
    type: textOf(row, 'type'),
    providerId: textOf(row, 'provider_id'),
    providerAccount: textOrNull(row, 'provider_account'),
    fact: textOrNull(row, 'fact'),
    subject: textOrNull(row, 'subject'),
    customer: textOrNull(row, 'customer'),
    createdAt: instantOf(row, 'created_at'),
    body: textOf(row, 'body'),
    raw: raw instanceof Uint8Array ? raw : null,
    contentType: textOrNull(row, 'content_type'),
  }
}

/** A row of a delivery joined with its event. */
export function dueOf(row: SqlRow): DueDelivery {
  return {
    event: eventOf(row),
    endpoint: textOf(row, 'endpoint'),
    clock: clockOf(row),
    lease: textOrNull(row, 'lease'),
    made: numberOf(row, 'made'),
    firstAt: instantOrNull(row, 'first_at'),
    dueAt: instantOrNull(row, 'due'),
    orderKey: textOrNull(row, 'order_key'),
  }
}

/** The same for the log. */
export function loggedOf(row: SqlRow): LoggedDelivery {
  const attempts = textOf(row, 'attempts')
  return {
    account: textOf(row, 'account'),
    event: textOf(row, 'event'),
    endpoint: textOf(row, 'endpoint'),
    type: textOf(row, 'type'),
    dialect: textOf(row, 'dialect'),
    providerId: textOf(row, 'provider_id'),
    fact: textOrNull(row, 'fact'),
    subject: textOrNull(row, 'subject'),
    customer: textOrNull(row, 'customer'),
    createdAt: instantOf(row, 'created_at'),
    state: stateOf(row),
    clock: clockOf(row),
    dueAt: instantOrNull(row, clockOf(row) === 'test' ? 'test_due_at' : 'due_at'),
    lease: textOrNull(row, 'lease'),
    made: numberOf(row, 'made'),
    firstAt: instantOrNull(row, 'first_at'),
    lastAt: instantOrNull(row, 'last_at'),
    lastStatus: numberOrNull(row, 'last_status'),
    acknowledgedAt: instantOrNull(row, 'acknowledged_at'),
    settledAt: instantOrNull(row, 'settled_at'),
    attempts: attempts === '' ? [] : attempts.split('\n'),
  }
}
