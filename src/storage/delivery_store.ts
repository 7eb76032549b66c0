import type { DeliveryChores } from '../ports/delivery_chores.ts'
import type { DeliveryLog } from '../ports/delivery_log.ts'
import type { DeliveryNodes, DeliveryQueue } from '../ports/delivery_store.ts'
import type { EndpointStore } from '../ports/endpoint_store.ts'
import type { Database } from './database.ts'
import { createDeliveryChores } from './delivery_chores.ts'
import { createEndpointStore } from './delivery_endpoints.ts'
import { createDeliveryLog } from './delivery_log.ts'
import { createDeliveryNodes } from './delivery_nodes.ts'
import { createDeliveryQueue } from './delivery_queue.ts'

/** Everything that the delivery engine keeps in the store. */
export interface DeliveryStores {
  readonly endpoints: EndpointStore
  readonly queue: DeliveryQueue
  readonly nodes: DeliveryNodes
  readonly log: DeliveryLog
  readonly chores: DeliveryChores
}

/** The delivery engine's stores on either backend. */
export function createDeliveryStores(database: Database): DeliveryStores {
  return {
    endpoints: createEndpointStore(database),
    queue: createDeliveryQueue(database),
    nodes: createDeliveryNodes(database),
    log: createDeliveryLog(database),
    chores: createDeliveryChores(database),
  }
}
