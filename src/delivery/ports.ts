import type { Dialect } from '../dialects/dialect.ts'
import type { Instant } from '../model/instant.ts'
import type { AddressGuard } from '../ports/address_guard.ts'
import type { Clock } from '../ports/clock.ts'
import type { DeliveryAccount, DeliveryAccounts } from '../ports/delivery_accounts.ts'
import type { DeliveryChores } from '../ports/delivery_chores.ts'
import type { DeliveryLog } from '../ports/delivery_log.ts'
import type { DeliveryNodes, DeliveryQueue } from '../ports/delivery_store.ts'
import type { EndpointStore } from '../ports/endpoint_store.ts'
import type { HttpClient } from '../ports/http.ts'
import type { Log } from '../ports/log.ts'
import type { Mailer } from '../ports/mail.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { Random } from '../ports/random.ts'
import type { SecretBox } from '../ports/secret_box.ts'
import type { Tracing } from '../ports/tracing.ts'
import type { Transactions } from '../ports/transaction.ts'

/** Everything that the delivery engine uses and does not own. */
export interface DeliveryPorts {
  readonly transactions: Transactions
  readonly endpoints: EndpointStore
  readonly queue: DeliveryQueue
  readonly nodes: DeliveryNodes
  readonly log: DeliveryLog
  readonly chores: DeliveryChores
  readonly clock: Clock
  readonly random: Random
  readonly http: HttpClient
  readonly guard: AddressGuard
  readonly secretBox: SecretBox
  readonly mailer: Mailer
  readonly logger: Log
  readonly metrics: Metrics
  readonly tracing: Tracing
  /** The dialect of an id; null if there is none. */
  readonly dialect: (id: string) => Dialect | null
  readonly account: DeliveryAccounts
}

/** A delivery that was decided: what the payment gate and reactions are told. */
export interface Settlement {
  readonly account: string
  readonly event: string
  readonly type: string
  readonly fact: string | null
  readonly subject: string | null
  readonly customer: string | null
  readonly endpoint: string
  readonly outcome: 'delivered' | 'exhausted' | 'skipped'
  /** On the account's clock. */
  readonly at: Instant
}

/** Told of deliveries that were decided, after that is stored. It must not throw. */
export type OnSettled = (settlements: readonly Settlement[]) => Promise<void>

/** What {@link DeliveryPorts.account} says, or a refusal. */
export function timeOf(account: DeliveryAccount, now: Instant): Instant {
  return account.clock.kind === 'test' ? account.clock.now : now
}
