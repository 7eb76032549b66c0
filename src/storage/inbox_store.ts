import type { InboxStore } from '../ports/inbox_store.ts'
import { createAccessStore } from './access_store.ts'
import type { Database } from './database.ts'
import { createLedgerStore } from './ledger_store.ts'
import { createReactionStore } from './reaction_store.ts'
import { createReceivedStore } from './received_store.ts'
import { createSourceStore } from './source_store.ts'

/** The receiving end's persistence on either backend. */
export function createInboxStore(database: Database): InboxStore {
  return {
    transaction: (work, options) => database.transaction(work, options),
    sources: createSourceStore(database),
    received: createReceivedStore(database),
    ledger: createLedgerStore(database),
    reactions: createReactionStore(database),
    access: createAccessStore(database),
  }
}
