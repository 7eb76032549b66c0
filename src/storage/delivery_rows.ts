import type { DeliveryState, DueDelivery, StoredEvent } from '../ports/delivery_store.ts'
import type { LoggedDelivery } from '../ports/delivery_log.ts'
import type { SqlRow, SqlValue } from './database.ts'
import { count, oneOf, text, textOrNull, time, timeOrNull } from './rows.ts'

/** `real` or `test`. */
function clockOf(row: SqlRow): 'real' | 'test' {
  return row['clock'] === 'test' ? 'test' : 'real'
}

const STATES = ['pending', 'delivered', 'exhausted', 'skipped', 'held'] as const

/** The state of a delivery's row. */
export function stateOf(row: SqlRow): DeliveryState {
  return oneOf(row, 'state', STATES)
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

/** The values of an event's row, in the order of its columns. */
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

/** The event of a row. */
export function eventOf(row: SqlRow): StoredEvent {
  const raw = row['raw']
  return {
    account: text(row, 'account'),
    id: text(row, 'id'),
    dialect: text(row, 'dialect'),
    type: text(row, 'type'),
    providerId: text(row, 'provider_id'),
    providerAccount: textOrNull(row, 'provider_account'),
    fact: textOrNull(row, 'fact'),
    subject: textOrNull(row, 'subject'),
    customer: textOrNull(row, 'customer'),
    createdAt: time(row, 'created_at'),
    body: text(row, 'body'),
    raw: raw instanceof Uint8Array ? raw : null,
    contentType: textOrNull(row, 'content_type'),
  }
}

/** A row of a delivery joined with its event. */
export function dueOf(row: SqlRow): DueDelivery {
  return {
    event: eventOf(row),
    endpoint: text(row, 'endpoint'),
    clock: clockOf(row),
    lease: textOrNull(row, 'lease'),
    made: count(row, 'made'),
    firstAt: timeOrNull(row, 'first_at'),
    dueAt: timeOrNull(row, 'due'),
    orderKey: textOrNull(row, 'order_key'),
  }
}

/** The same for the log. */
export function loggedOf(row: SqlRow): LoggedDelivery {
  const attempts = text(row, 'attempts')
  return {
    account: text(row, 'account'),
    event: text(row, 'event'),
    endpoint: text(row, 'endpoint'),
    type: text(row, 'type'),
    dialect: text(row, 'dialect'),
    providerId: text(row, 'provider_id'),
    fact: textOrNull(row, 'fact'),
    subject: textOrNull(row, 'subject'),
    customer: textOrNull(row, 'customer'),
    createdAt: time(row, 'created_at'),
    state: stateOf(row),
    clock: clockOf(row),
    dueAt: timeOrNull(row, clockOf(row) === 'test' ? 'test_due_at' : 'due_at'),
    lease: textOrNull(row, 'lease'),
    made: count(row, 'made'),
    firstAt: timeOrNull(row, 'first_at'),
    lastAt: timeOrNull(row, 'last_at'),
    lastStatus: row['last_status'] === null ? null : count(row, 'last_status'),
    acknowledgedAt: timeOrNull(row, 'acknowledged_at'),
    settledAt: timeOrNull(row, 'settled_at'),
    attempts: attempts === '' ? [] : attempts.split('\n'),
  }
}
