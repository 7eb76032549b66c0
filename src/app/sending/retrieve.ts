import type { Dialect } from '../../dialects/dialect.ts'
import { resolveDialect } from '../../dialects/registry.ts'
import { NO_ENTITIES, NO_VIEW } from '../../model/entities.ts'
import type { EntityValues, View } from '../../model/entities.ts'
import { BillhookError } from '../../model/error.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Account, StoredEntity } from '../../ports/billing_store.ts'
import type { Sending } from './create_sending.ts'

/** An entity in the words of one provider. */
export interface Retrieved {
  readonly dialect: string
  readonly kind: keyof EntityValues
  readonly id: string
  /** What that provider's Retrieve API of that version answers: exactly what stands in its webhooks. */
  readonly object: JsonObject
}

/** Kinds that can be retrieved. */
export const RETRIEVABLE = [
  'customer',
  'product',
  'price',
  'payment_method',
  'subscription',
  'invoice',
  'invoice_item',
  'payment',
  'refund',
  'checkout',
  'meter',
  'usage',
  'clock',
] as const satisfies readonly (keyof EntityValues)[]

/**
 * An entity as a provider's Retrieve API answers it.
 *
 * @param dialectText a dialect's id, or a provider with an API version; null: the account's own
 * @throws BillhookError `not_found` (account, entity, or the provider has no such object), `unknown_dialect`
 */
export async function retrieve(
  sending: Pick<Sending, 'billing' | 'read'>,
  accountId: string,
  { kind, id }: { readonly kind: keyof EntityValues; readonly id: string },
  dialectText: string | null,
): Promise<Retrieved> {
  const account = await sending.billing.account(accountId)
  const dialect = resolveDialect(dialectText ?? account.dialect)
  const { stored, view } = kind === 'clock' ? clockInView(account, id) : await sending.read(accountId, kind, id)
  const object = render(dialect, stored, view)
  if (object === null) throw new BillhookError('not_found', `${dialect.id} has no object for a ${kind}`)
  return { dialect: dialect.id, kind, id, object }
}

function clockInView(account: Account, id: string): { readonly stored: StoredEntity; readonly view: View } {
  const { clock, createdAt, livemode, switches } = account
  if (clock === null || clock.id !== id)
    throw new BillhookError('not_found', `no clock in this account has the id ${JSON.stringify(id)}`)
  const status = clock.target === null ? 'ready' : 'advancing'
  const value = { id, name: clock.name, now: clock.now, status, createdAt } as const
  const entities = { ...NO_ENTITIES, clock: value }
  return {
    stored: { kind: 'clock', id, live: true, value },
    view: { ...NO_VIEW, account: account.id, livemode, before: entities, after: entities, switches },
  }
}

/** The kind decides the type of the value: spelled out, because the compiler does not follow the pair. */
function render(dialect: Dialect, { kind, value }: StoredEntity, view: View): JsonObject | null {
  switch (kind) {
    case 'customer':
      return dialect.render(kind, value, view)
    case 'product':
      return dialect.render(kind, value, view)
    case 'price':
      return dialect.render(kind, value, view)
    case 'payment_method':
      return dialect.render(kind, value, view)
    case 'subscription':
      return dialect.render(kind, value, view)
    case 'invoice':
      return dialect.render(kind, value, view)
    case 'invoice_item':
      return dialect.render(kind, value, view)
    case 'payment':
      return dialect.render(kind, value, view)
    case 'refund':
      return dialect.render(kind, value, view)
    case 'checkout':
      return dialect.render(kind, value, view)
    case 'meter':
      return dialect.render(kind, value, view)
    case 'usage':
      return dialect.render(kind, value, view)
    case 'clock':
      return dialect.render(kind, value, view)
  }
}
