/**
 * An open transaction of the store. Handed from room to room so that changes of several concerns are committed together;
 * its inside is the storage room's business.
 */
export interface Transaction {
  readonly backend: 'embedded' | 'postgres'
  /**
   * The driver's own handle (a `pg` client, or a `node:sqlite` database): for handlers of the user that write their own
   * tables in the same transaction.
   */
  readonly native: unknown
}

/** Opens transactions. */
export interface Transactions {
  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it throws. On the embedded backend
   * transactions run one after another. PostgreSQL: read committed; serialization failures and deadlocks are tried again.
   *
   * @param options `durable` false: the commit need not reach the disk by itself. It survives the death of this process; a
   *   power failure may take it back together with what was committed after it, never without that. Default: true
   * @throws BillhookError `store_unavailable` if the database does not answer; whatever `work` throws
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>, options?: { readonly durable: boolean }): Promise<T>
}
