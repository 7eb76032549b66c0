import { BillhookError } from '../model/error.ts'
import { DAY_MS, formatInstantShort } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Account, TestClock } from '../ports/billing_store.ts'
import type { BillingPorts } from './ports.ts'

/** Everything on the way is done: a millennium of renewals would keep the account busy for hours. */
const LONGEST_ADVANCE_YEARS = 100
const LONGEST_ADVANCE_MS = LONGEST_ADVANCE_YEARS * 366 * DAY_MS

/**
 * Begins to advance an account's test clock. The target is stored, so that a process that dies on the way is followed by
 * one that goes on.
 *
 * @throws BillhookError `clock_backwards`, `invalid_request` if the account runs on the real clock, `not_found`
 */
export async function beginAdvance(ports: BillingPorts, accountId: string, target: Instant): Promise<Account> {
  return changeClock(ports, accountId, (clock) => {
    const from = clock.target ?? clock.now
    if (target - clock.now > LONGEST_ADVANCE_MS)
      throw new BillhookError(
        'invalid_request',
        `to: ${formatInstantShort(target)} lies more than ${LONGEST_ADVANCE_YEARS} years after ${formatInstantShort(clock.now)}; advance in smaller steps`,
        { details: { field: 'to' } },
      )
    if (target < from)
      throw new BillhookError(
        'clock_backwards',
        `the clock of ${accountId} stands at ${formatInstantShort(from)} and cannot go back to ${formatInstantShort(target)}`,
      )
    return { ...clock, target }
  })
}

/** Moves the clock on its way to its target. A time before its own is left as it is. */
export async function moveClock(ports: BillingPorts, accountId: string, now: Instant): Promise<Account> {
  return changeClock(ports, accountId, (clock) => (now <= clock.now ? clock : { ...clock, now }))
}

/** The clock has reached its target and stands still. */
export async function endAdvance(ports: BillingPorts, accountId: string): Promise<Account> {
  return changeClock(ports, accountId, (clock) => ({ ...clock, now: clock.target ?? clock.now, target: null }))
}

async function changeClock(
  ports: BillingPorts,
  accountId: string,
  change: (clock: TestClock) => TestClock,
): Promise<Account> {
  return ports.transactions.transaction(async (transaction) => {
    const account = await ports.store.account(transaction, accountId, true)
    if (account === null) throw new BillhookError('not_found', `no account has the id ${JSON.stringify(accountId)}`)
    if (account.clock === null)
      throw new BillhookError(
        'invalid_request',
        `account ${accountId} runs on the real clock; only an account made with a test clock can be advanced`,
      )
    const changed: Account = { ...account, clock: change(account.clock) }
    await ports.store.updateAccount(transaction, changed)
    return changed
  })
}
