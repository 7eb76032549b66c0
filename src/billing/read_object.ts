import { newStep, tell } from '../lifecycle/step.ts'
import type { Touched } from '../lifecycle/step.ts'
import { withEntity } from '../lifecycle/state.ts'
import type { CustomerState } from '../lifecycle/state.ts'
import type { Entities, EntityValues, View } from '../model/entities.ts'
import { BillhookError } from '../model/error.ts'
import { nowOf, requireAccount } from './accounts.ts'
import { catalogOf, isOfState, stateOf } from './aggregate.ts'
import type { BillingPorts } from './ports.ts'
import { CATALOG } from '../ports/billing_store.ts'
import type { StoredEntity } from '../ports/billing_store.ts'

/** An entity, and the view that a dialect renders it in. */
export interface ObjectInView {
  readonly stored: StoredEntity
  readonly view: View
}

/**
 * An entity as it is now, with all that it refers to: what a provider's Retrieve call answers from.
 *
 * @throws BillhookError `not_found`
 */
export async function readObject(
  ports: BillingPorts,
  accountId: string,
  kind: keyof EntityValues,
  id: string,
): Promise<ObjectInView> {
  const account = await requireAccount(ports, accountId)
  const stored = kind === 'clock' ? null : await ports.store.entity(accountId, kind, id)
  if (stored === null || kind === 'clock')
    throw new BillhookError('not_found', `no ${kind} in this account has the id ${JSON.stringify(id)}`)
  const owner = (await ports.store.ownerOf(null, accountId, kind, id)) ?? CATALOG
  const catalog = catalogOf(await ports.store.peek(null, accountId, CATALOG))
  const loaded = stateOf(owner, owner === CATALOG ? null : await ports.store.peek(null, accountId, owner))
  const state = await withReferences(ports, accountId, isOfState(stored) ? withEntity(loaded, stored) : loaded, stored)
  const step = newStep(state, {
    at: nowOf(ports, account),
    account: accountId,
    livemode: account.livemode,
    profile: ports.profileOf(account),
    catalog,
    mint: () => '',
    request: null,
    gatekeepers: false,
  })
  tell(step, { kind: 'customer_updated', subject: owner }, touchedBy(stored))
  const view = step.tellings[0]?.view
  if (view === undefined) throw new BillhookError('internal_invariant', `${kind} ${id} has no view`)
  return { stored, view: { ...view, prices: catalog.prices, products: catalog.products, after: shown(view, stored) } }
}

/** The entities that left the state but that this one refers to: its invoice, payment, subscription. */
async function withReferences(
  ports: BillingPorts,
  account: string,
  state: CustomerState,
  stored: StoredEntity,
): Promise<CustomerState> {
  let full = state
  for (const [kind, id] of referencesOf(stored)) {
    const entity = id === null ? null : await ports.store.entity(account, kind, id)
    if (entity !== null && isOfState(entity)) full = withEntity(full, entity)
  }
  return full
}

type Reference = readonly ['subscription' | 'invoice' | 'payment', string | null]

function referencesOf({ kind, value }: StoredEntity): readonly Reference[] {
  switch (kind) {
    case 'invoice':
      return [
        ['subscription', value.subscription],
        ['payment', value.payment],
      ]
    case 'payment':
      return [
        ['subscription', value.subscription],
        ['invoice', value.invoice],
      ]
    case 'refund':
      return [
        ['payment', value.payment],
        ['invoice', value.invoice],
      ]
    case 'subscription':
      return [['invoice', value.latestInvoice]]
    case 'checkout':
      return [
        ['subscription', value.subscription],
        ['invoice', value.invoice],
      ]
    case 'customer':
    case 'product':
    case 'price':
    case 'payment_method':
    case 'invoice_item':
    case 'meter':
    case 'usage':
    case 'clock':
      return []
  }
}

function touchedBy(stored: StoredEntity): Touched {
  return isOfState(stored) ? { [stored.kind]: stored.value } : {}
}

function shown(view: View, stored: StoredEntity): Entities {
  return { ...view.after, [stored.kind]: stored.value }
}
