import type { AccessStore } from './access_store.ts'
import type { LedgerStore } from './ledger_store.ts'
import type { ReactionStore } from './reaction_store.ts'
import type { ReceivedStore } from './received_store.ts'
import type { SourceStore } from './source_store.ts'
import type { Transactions } from './transaction.ts'

/** The receiving end's persistence: its parts lie in one store, so that one transaction can hold a change of them all. */
export interface InboxStore extends Transactions {
  readonly sources: SourceStore
  readonly received: ReceivedStore
  readonly ledger: LedgerStore
  readonly reactions: ReactionStore
  readonly access: AccessStore
}
