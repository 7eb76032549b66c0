import type { Instant } from '../model/instant.ts'
import type { JsonObject } from '../model/json.ts'
import type { NewDelivery, StoredEvent } from '../ports/delivery_store.ts'
import type { EndpointState } from '../ports/endpoint_store.ts'
import type { ActiveEndpoint } from './active_endpoints.ts'
import { passesFilter } from './event_types.ts'

/** How the deliveries of an event begin. */
export interface FanOut {
  readonly clock: 'real' | 'test'
  /** When they are due, on that clock. */
  readonly at: Instant
  /** The node that keeps a delivery to this endpoint in memory; null: it waits in the store. */
  readonly lease: (endpoint: ActiveEndpoint) => string | null
  /** Only this endpoint, whatever it asks for; null: all that ask for the event. */
  readonly only: string | null
  /** Not this endpoint: it is the one that the event is about. */
  readonly except: string | null
}

/** Whether an endpoint is told of an event. `body` null: bytes that are not looked into. */
function asksFor(active: ActiveEndpoint, event: StoredEvent, body: JsonObject | null): boolean {
  const { endpoint } = active
  if (endpoint.dialect !== event.dialect || !active.wants(event.type)) return false
  return endpoint.payloadFilter.length === 0 || (body !== null && passesFilter(endpoint.payloadFilter, body))
}

const BEGINS_AS: Readonly<Record<EndpointState, NewDelivery['state'] | null>> = {
  enabled: 'pending',
  paused: 'held',
  disabled: 'skipped',
  // It has never been enabled: it has missed nothing.
  pending_verification: null,
}

/** The deliveries of one event, by endpoint. */
export function fanOut(
  event: StoredEvent,
  body: JsonObject | null,
  endpoints: ReadonlyMap<string, ActiveEndpoint>,
  how: FanOut,
): readonly NewDelivery[] {
  const deliveries: NewDelivery[] = []
  for (const active of endpoints.values()) {
    const { endpoint } = active
    const state = BEGINS_AS[endpoint.state]
    if (state === null || endpoint.id === how.except) continue
    if (how.only === null ? !asksFor(active, event, body) : endpoint.id !== how.only) continue
    const orderKey = state === 'pending' && endpoint.ordered ? (event.subject ?? event.customer) : null
    const pending = state === 'pending'
    // Whose turn it is among deliveries of one subject only the store knows: it may be in flight on another node.
    const lease = pending && how.clock === 'real' && orderKey === null ? how.lease(active) : null
    deliveries.push({
      account: event.account,
      event: event.id,
      endpoint: endpoint.id,
      state,
      clock: how.clock,
      lease,
      dueAt: pending && lease === null ? how.at : null,
      orderKey,
    })
  }
  return deliveries
}
