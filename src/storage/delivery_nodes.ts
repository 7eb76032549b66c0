import type { Instant } from '../model/instant.ts'
import type { DeliveryNodes } from '../ports/delivery_store.ts'
import type { Database, Statements } from './database.ts'
import { text } from './rows.ts'

/** Who delivers: heartbeats, and the leases of those that stopped or died. */
export function createDeliveryNodes(database: Database): DeliveryNodes {
  return new SqlDeliveryNodes(database)
}

class SqlDeliveryNodes implements DeliveryNodes {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async register(node: string, now: Instant, oldest: string): Promise<void> {
    await this.#database.run('INSERT INTO delivery_node (id, heartbeat_at, oldest) VALUES (?, ?, ?)', [
      node,
      now,
      oldest,
    ])
  }

  async heartbeat(node: string, now: Instant, oldest: string): Promise<boolean> {
    const changed = await this.#database.run('UPDATE delivery_node SET heartbeat_at = ?, oldest = ? WHERE id = ?', [
      now,
      oldest,
      node,
    ])
    return changed === 1
  }

  async reap(deadline: Instant, now: Instant): Promise<{ readonly nodes: number; readonly returned: number }> {
    const dead = await this.#database.all('SELECT id FROM delivery_node WHERE heartbeat_at < ?', [deadline])
    let returned = 0
    for (const row of dead) returned += await this.#drop(text(row, 'id'), deadline, now)
    return { nodes: dead.length, returned }
  }

  async sweep(oldest: string, now: Instant): Promise<number> {
    return this.#database.run(
      `UPDATE delivery SET lease = NULL, due_at = ? WHERE event >= ? AND lease IS NOT NULL AND due_at IS NULL
         AND state = 'pending' AND lease NOT IN (SELECT id FROM delivery_node)`,
      [now, oldest],
    )
  }

  async leave(node: string, now: Instant): Promise<number> {
    return this.#drop(node, null, now)
  }

  /** Whoever deletes the node's row returns its leases: one transaction, so that a crash in between changes nothing. */
  async #drop(node: string, deadline: Instant | null, now: Instant): Promise<number> {
    return this.#database.transaction(async (transaction) => {
      const statements = this.#database.within(transaction)
      const dead = await statements.all(
        `DELETE FROM delivery_node WHERE id = ?${deadline === null ? '' : ' AND heartbeat_at < ?'} RETURNING oldest`,
        deadline === null ? [node] : [node, deadline],
      )
      const first = dead[0]
      return first === undefined ? 0 : this.#returnLeases(statements, node, text(first, 'oldest'), now)
    })
  }

  async #returnLeases(statements: Statements, node: string, oldest: string, now: Instant): Promise<number> {
    // Fresh leases have no due time and are at most as old as the last heartbeat said; claimed ones come due by themselves,
    // but need not wait for that.
    const fresh = await statements.run(
      `UPDATE delivery SET lease = NULL, due_at = ? WHERE event >= ? AND lease = ? AND due_at IS NULL`,
      [now, oldest, node],
    )
    const claimed = await statements.run(
      `UPDATE delivery SET lease = NULL, due_at = ? WHERE due_at > ? AND lease = ?`,
      [now, now, node],
    )
    return fresh + claimed
  }
}
