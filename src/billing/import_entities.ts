import { due } from '../lifecycle/decide.ts'
import { emptyState, withEntity } from '../lifecycle/state.ts'
import type { CustomerState, StateEntity, Telling } from '../lifecycle/state.ts'
import { BillhookError } from '../model/error.ts'
import type { AggregateChange, StoredEntity } from '../ports/billing_store.ts'
import { CATALOG } from '../ports/billing_store.ts'
import type { PublishedEvent } from '../ports/outbox.ts'
import { nowOf } from './accounts.ts'
import { wholeChange } from './aggregate.ts'
import { readCatalog } from './execute.ts'
import { createMinter } from './mint.ts'
import type { BillingPorts } from './ports.ts'

/** Entities that already exist elsewhere, with what endpoints are to be told about them. */
export interface ImportedEntities {
  readonly catalog: readonly StoredEntity[]
  /** By id of the customer. */
  readonly customers: Readonly<Record<string, readonly StateEntity[]>>
  readonly tellings: readonly Telling[]
}

/**
 * Takes over entities as they are, for a move from another billing system and for stories that begin in the middle.
 * Nothing is checked against the transition tables; what is due follows from the state.
 *
 * @throws BillhookError `conflict` if a customer already exists, `not_found` for an unknown account
 */
export async function importEntities(
  ports: BillingPorts,
  accountId: string,
  imported: ImportedEntities,
): Promise<readonly PublishedEvent[]> {
  return ports.transactions.transaction(async (transaction) => {
    const account = await ports.store.account(transaction, accountId, true)
    if (account === null) throw new BillhookError('not_found', `no account has the id ${JSON.stringify(accountId)}`)
    const [stored] = await ports.store.load(transaction, accountId, [CATALOG])
    const minter = createMinter(account.seed, CATALOG, stored?.minted ?? 0)
    const publications = imported.tellings.map(({ told, view }) => ({
      fact: minter.mint('fact'),
      told,
      view,
      at: nowOf(ports, account),
    }))
    const catalogChange: AggregateChange = {
      account: accountId,
      customer: CATALOG,
      entities: imported.catalog,
      removed: [],
      minted: minter.count,
      version: stored?.version ?? 0,
      dueAt: null,
    }
    await ports.store.save(transaction, [catalogChange])
    const catalog = await readCatalog(ports, transaction, accountId)
    const profile = ports.profileOf(account)
    const changes = Object.entries(imported.customers).map(([id, entities]) => {
      const state = entities.reduce<CustomerState>(withEntity, emptyState(id))
      return wholeChange({
        account: accountId,
        after: state,
        minted: 0,
        version: 0,
        dueAt: due(state, { profile, catalog }),
      })
    })
    await ports.store.save(transaction, changes)
    await ports.store.log(
      transaction,
      publications.map(({ fact, at, told }) => ({ account: accountId, id: fact, at, told })),
    )
    return ports.outbox.publish(transaction, accountId, publications)
  })
}
