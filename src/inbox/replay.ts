import { BillhookError } from '../model/error.ts'
import type { FactKind } from '../model/facts.ts'
import type { Clock } from '../ports/clock.ts'
import type { InboxStore } from '../ports/inbox_store.ts'
import type { FactRow, SourceRef } from '../ports/ledger_store.ts'
import { newReaction } from './reaction_data.ts'
import type { IdSource } from './receipt_ids.ts'

/** What replaying needs. */
export interface ReplayPorts {
  readonly store: InboxStore
  readonly clock: Clock
  readonly newId: IdSource
  readonly wants: (kind: FactKind) => boolean
  /** Called when there is something to fold or to tell. */
  readonly queued: () => void
}

/** Which facts to tell again. */
export interface ReplayQuery {
  readonly account: string
  readonly source?: string | undefined
  readonly customer?: string | undefined
  readonly kind?: FactKind | undefined
  /** One fact alone; needs the source. */
  readonly key?: string | undefined
  /** Facts of this delivery alone. */
  readonly delivery?: string | undefined
}

/** How much was replayed. */
export interface Replayed {
  /** True if the delivery was dead and is folded again. */
  readonly refolded: boolean
  /** Facts that are told again, with `replay` set. */
  readonly facts: number
}

const PAGE = 200

/** Has things told again that were told before. Nothing in the ledger changes by it. */
export class Replayer {
  readonly #ports: ReplayPorts

  constructor(ports: ReplayPorts) {
    this.#ports = ports
  }

  /**
   * A dead delivery is folded again; of a folded one, the facts that followed from it are told again.
   *
   * @throws BillhookError `not_found`, `conflict` if it was refused
   */
  async delivery(account: string, id: string): Promise<Replayed> {
    const { store } = this.#ports
    const delivery = await store.received.received(account, id)
    if (delivery === null) throw new BillhookError('not_found', `no delivery has the id ${id}`)
    if (delivery.state === 'refused')
      throw new BillhookError('conflict', `the delivery ${id} was refused (${delivery.verdict}): it is never folded`)
    if (delivery.state === 'dead') await store.reactions.reviveReactionsOf(account, id, this.#ports.clock.now())
    const refolded = delivery.foldedAt === null && (await store.received.requeue(account, id))
    const facts = refolded ? 0 : await this.facts({ account, source: delivery.source, delivery: id })
    this.#ports.queued()
    return { refolded, facts }
  }

  /** Tells facts again that were not taken back, oldest last. @returns how many */
  async facts(query: ReplayQuery): Promise<number> {
    const { store } = this.#ports
    let told = 0
    let after: { readonly at: FactRow['at']; readonly source: string; readonly key: string } | undefined
    for (;;) {
      const page = await store.ledger.facts({ ...query, retracted: false, after, limit: PAGE })
      const wanted = page.filter((row) => this.#ports.wants(row.kind))
      if (wanted.length > 0) await this.#tell(wanted)
      told += wanted.length
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) break
      after = { at: last.at, source: last.source, key: last.key }
    }
    if (told > 0) this.#ports.queued()
    return told
  }

  async #tell(rows: readonly (FactRow & SourceRef)[]): Promise<void> {
    const { store, clock, newId } = this.#ports
    const at = clock.now()
    await store.transaction((transaction) =>
      store.reactions.addReactions(
        transaction,
        // The page has the newest first; a handler should see them as they happened.
        [...rows].reverse().map((row) =>
          newReaction({
            account: row.account,
            source: row.source,
            id: newId(at),
            subject: row.subscription ?? row.customer ?? row.key,
            factKey: row.key,
            kind: row.kind,
            delivery: null,
            createdAt: at,
            dueAt: at,
            data: { retracted: false, replay: true, before: null, after: null, objectBefore: null },
          }),
        ),
      ),
    )
  }
}
