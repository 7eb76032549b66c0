import type { BillingProfile } from '../model/profile.ts'
import type { Account, BillingStore } from '../ports/billing_store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Outbox } from '../ports/outbox.ts'
import type { Payments } from '../ports/payments.ts'
import type { Random } from '../ports/random.ts'
import type { Transaction, Transactions } from '../ports/transaction.ts'

/** What the billing system works with. */
export interface BillingPorts {
  readonly store: BillingStore
  readonly transactions: Transactions
  /** Where facts leave for the endpoints, in the same transaction. */
  readonly outbox: Outbox
  readonly payments: Payments
  /** The real clock: for accounts that have no test clock. */
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The profile that an account is billed by: its dialect's, with the account's own settings over it. */
  readonly profileOf: (account: Account) => BillingProfile
  /** True if an enabled endpoint of the account asked for the event that tells an invoice's creation. */
  readonly gatekeepers: (transaction: Transaction, account: string) => Promise<boolean>
}
