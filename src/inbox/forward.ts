import type { ForwardedDelivery } from '../ports/delivery_forwarder.ts'
import type { RawDelivery, Received } from '../ports/received_store.ts'
import { singleHeader } from '../wire/headers.ts'

/** A stored delivery as it is sent on. */
export function forwardedOf(delivery: Received, raw: RawDelivery): ForwardedDelivery {
  const contentType = singleHeader(raw.headers, 'content-type')
  return {
    source: delivery.source,
    dedupe: delivery.dedupe ?? delivery.id,
    type: delivery.eventType ?? '',
    bytes: raw.body,
    contentType: contentType.ok ? contentType.value : 'application/octet-stream',
  }
}
