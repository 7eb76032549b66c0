import { advance } from '../lifecycle/decide.ts'
import type { Instant } from '../model/instant.ts'
import type { Money } from '../model/money.ts'
import { requireAccount } from './accounts.ts'
import { stateOf } from './aggregate.ts'
import { stepSettings } from './execute.ts'
import { createMinter } from './mint.ts'
import type { BillingPorts } from './ports.ts'

/** One thing that the engine will do. */
export interface Foreseen {
  readonly kind: 'fact' | 'charge'
  /** Kind of the fact; `charge` or `refund`. */
  readonly name: string
  readonly customer: string
  readonly subscription: string | null
  /** Id of what it is about; of a charge: the payment. */
  readonly subject: string
  readonly amount: Money | null
}

/**
 * What the engine will do for the first `limit` customers that are due at `at`, if nobody does anything before. It is run
 * on copies that nobody keeps: it says what it will really do, up to the charges whose outcome nobody knows.
 *
 * @throws BillhookError `not_found`
 */
export async function foresee(
  ports: BillingPorts,
  accountId: string,
  at: Instant,
  limit: number,
): Promise<readonly Foreseen[]> {
  const account = await requireAccount(ports, accountId)
  return ports.transactions.transaction(async (transaction) => {
    const settings = await stepSettings(ports, transaction, account, { requestId: null, idempotencyKey: null })
    const foreseen: Foreseen[] = []
    for (const customer of await ports.store.claimDue(transaction, accountId, at, limit)) {
      const aggregate = await ports.store.peek(transaction, accountId, customer)
      const minter = createMinter(account.seed, customer, aggregate?.minted ?? 0)
      const { tellings, charges } = advance(stateOf(customer, aggregate), {
        ...settings,
        at,
        account: accountId,
        livemode: account.livemode,
        mint: (kind) => minter.mint(kind),
      })
      for (const { told } of tellings) {
        const { kind, subscription, subject } = told
        foreseen.push({ kind: 'fact', name: kind, customer, subscription, subject, amount: null })
      }
      for (const { paymentId, amount } of charges)
        foreseen.push({ kind: 'charge', name: 'charge', customer, subscription: null, subject: paymentId, amount })
    }
    for (const { kind, customer, payment } of await ports.store.chargesWanted(accountId, at, limit))
      foreseen.push({ kind: 'charge', name: kind, customer, subscription: null, subject: payment, amount: null })
    return foreseen
  })
}
