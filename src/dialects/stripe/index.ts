import type { Dialect, DialectId } from '../dialect.ts'
import { ACACIA_CATALOGUE, ENDIVE_CATALOGUE } from './catalogue.ts'
import { decodeEvent } from './decode.ts'
import { encodeTold } from './encode.ts'
import type { EncodingVersion } from './encode.ts'
import { readEvent } from './read.ts'
import { renderEntity } from './render.ts'
import { stripeRetrieval } from './retrieval.ts'
import { stripeCurrentRetry } from './retry.ts'
import {
  newStripeSecret,
  sealNotification,
  STRIPE_ROTATION,
  STRIPE_TOLERANCE_MS,
  verifySignature,
} from './signature.ts'

function stripeDialect(id: DialectId, version: EncodingVersion): Dialect {
  const { generation } = version
  return {
    id,
    family: 'stripe',
    catalogue: version.catalogue,
    toleranceMs: STRIPE_TOLERANCE_MS,
    // Any 2xx will do; these are the ones that servers commonly answer.
    acknowledgement: [200, 201, 202, 203, 204],
    verify: verifySignature,
    read: readEvent,
    decode: decodeEvent,
    seal: sealNotification,
    retry: stripeCurrentRetry,
    rotation: STRIPE_ROTATION,
    newSecret: newStripeSecret,
    encode: (told, view, origin) => encodeTold(told, { view, origin, version }),
    render: (kind, entity, view) => renderEntity(kind, entity, { generation, view }),
    retrieval: stripeRetrieval(version.apiVersion),
  }
}

/** Events and objects as API version 2025-02-24.acacia has them: cycles on the subscription, `invoice.subscription`. */
export const stripeAcacia: Dialect = stripeDialect('stripe@2025-02-24.acacia', {
  apiVersion: '2025-02-24.acacia',
  generation: 'acacia',
  catalogue: ACACIA_CATALOGUE,
})

/** As API version 2026-10-28.endive has them: cycles on the items, `invoice.parent`, payments linked by `invoice_payment`. */
export const stripeEndive: Dialect = stripeDialect('stripe@2026-10-28.endive', {
  apiVersion: '2026-10-28.endive',
  generation: 'endive',
  catalogue: ENDIVE_CATALOGUE,
})
