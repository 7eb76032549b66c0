import { BillhookError, messageOf } from '../model/error.ts'
import { addMs, earliest, MINUTE_MS, SECOND_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Account, ChargeRow } from '../ports/billing_store.ts'
import { requireAccount } from './accounts.ts'
import { stateOf } from './aggregate.ts'
import { commit, stepSettings } from './execute.ts'
import type { BillingPorts } from './ports.ts'
import { answeredRow, chargeRequest, refundRequest, Step } from './step.ts'

/** Customers that one transaction advances: large enough to share a flush, small enough to hold locks shortly. */
const CUSTOMERS_PER_TRANSACTION = 200
/** Charges asked for at the same time. */
const CHARGES_AT_ONCE = 20
/** Waits between asking again for a charge whose answer could not be understood. */
const FIRST_RETRY_MS = 5 * SECOND_MS
const LONGEST_RETRY_MS = 30 * MINUTE_MS

const BY_THE_CLOCK = { requestId: null, idempotencyKey: null }

/**
 * Does what is due in an account, in the order of time and customer, until nothing is.
 *
 * @returns how many customers were advanced and charges asked for
 */
export async function runDue(ports: BillingPorts, accountId: string, at: Instant): Promise<number> {
  let done = 0
  let round = -1
  while (round !== 0) {
    // A batch can keep the thread for a tenth of a second: between two, others have their turn.
    if (done > 0) await new Promise((resolve) => setImmediate(resolve))
    round = (await runBatch(ports, accountId, at)) + (await runCharges(ports, accountId, at))
    done += round
  }
  return done
}

/** The next time at which {@link runDue} has something to do; null: not before a command. */
export async function nextDue(ports: BillingPorts, accountId: string): Promise<Instant | null> {
  const [customers, charges] = [await ports.store.nextDue(accountId), await ports.store.nextChargeDue(accountId)]
  if (customers === null || charges === null) return customers ?? charges
  return earliest(customers, charges)
}

async function runBatch(ports: BillingPorts, accountId: string, at: Instant): Promise<number> {
  return ports.transactions.transaction(async (transaction) => {
    const customers = await ports.store.claimDue(transaction, accountId, at, CUSTOMERS_PER_TRANSACTION)
    if (customers.length === 0) return 0
    const account = await ports.store.account(transaction, accountId)
    if (account === null) return 0
    const settings = { ...(await stepSettings(ports, transaction, account, BY_THE_CLOCK)), at }
    const aggregates = new Map(
      (await ports.store.load(transaction, accountId, customers)).map((aggregate) => [aggregate.customer, aggregate]),
    )
    const steps: Step[] = []
    for (const customer of customers) {
      const step = new Step(settings, customer, aggregates.get(customer) ?? null)
      await step.advance()
      steps.push(step)
      requireProgress(step, at)
    }
    await commit(ports, transaction, account, steps)
    return customers.length
  })
}

/** An engine that leaves due what it was asked to do would keep this loop busy forever. */
function requireProgress(step: Step, at: Instant): void {
  const { dueAt } = step
  if (dueAt !== null && dueAt <= at)
    throw new BillhookError(
      'internal_invariant',
      `customer ${step.state.id} is still due at ${dueAt} after advancing to ${at}`,
    )
}

/** Asks the payment service for the charges and refunds that are wanted. */
async function runCharges(ports: BillingPorts, accountId: string, at: Instant): Promise<number> {
  const rows = await ports.store.chargesWanted(accountId, at, CHARGES_AT_ONCE)
  if (rows.length === 0) return 0
  const account = await requireAccount(ports, accountId)
  await Promise.all(rows.map((row) => ask(ports, account, row, at)))
  return rows.length
}

async function ask(ports: BillingPorts, account: Account, row: ChargeRow, at: Instant): Promise<void> {
  try {
    if (row.kind === 'refund') await askRefund(ports, account, row, at)
    else await askCharge(ports, account, row, at)
  } catch (error) {
    // It is not known whether money moved: the same key is asked for again, later and later.
    const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(row.tries, 20))
    ports.log.warn({ account: account.id, charge: row.key, waitMs, error: messageOf(error) }, 'charge not answered')
    const again = { ...row, tries: row.tries + 1, dueAt: addMs(at, waitMs) }
    await ports.transactions.transaction((transaction) => ports.store.putCharges(transaction, [again]))
  }
}

async function askCharge(ports: BillingPorts, account: Account, row: ChargeRow, at: Instant): Promise<void> {
  const state = stateOf(row.customer, await ports.store.peek(null, account.id, row.customer))
  const payment = state.payments[row.payment]
  if (payment === undefined || payment.attempt !== row.attempt) {
    await close(ports, row)
    return
  }
  const intent = {
    paymentId: row.payment,
    attempt: row.attempt,
    amount: payment.amount,
    methodId: payment.method,
    invoiceId: payment.invoice,
  }
  const outcome = await ports.payments.charge(chargeRequest({ account, at }, state, intent, row.tries))
  await tellOutcome(ports, account, row, {
    at,
    command: { kind: 'payment.decided', payment: row.payment, attempt: row.attempt, outcome },
    next: answeredRow(row, outcome, at),
  })
}

async function askRefund(ports: BillingPorts, account: Account, row: ChargeRow, at: Instant): Promise<void> {
  const state = stateOf(row.customer, await ports.store.peek(null, account.id, row.customer))
  const refund = row.refund === null ? undefined : state.refunds[row.refund]
  if (refund === undefined || refund.status !== 'pending') {
    await close(ports, row)
    return
  }
  const intent = { refundId: refund.id, paymentId: refund.payment, amount: refund.amount }
  const outcome = await ports.payments.refund(refundRequest({ account, at }, state, intent))
  await tellOutcome(ports, account, row, {
    at,
    command: { kind: 'refund.decided', refund: refund.id, outcome },
    next: { ...row, state: outcome.outcome === 'later' ? 'later' : 'decided', dueAt: null },
  })
}

interface Answered {
  readonly at: Instant
  readonly command: Parameters<Step['command']>[0]
  readonly next: ChargeRow
}

/** Tells the engine what the payment service said, and closes the row, in one transaction. */
export async function tellOutcome(
  ports: BillingPorts,
  account: Account,
  row: ChargeRow,
  { at, command, next }: Answered,
): Promise<void> {
  await ports.transactions.transaction(async (transaction) => {
    const current = await ports.store.charge(transaction, account.id, row.key)
    if (current === null || current.state === 'decided') return
    const [aggregate] = await ports.store.load(transaction, account.id, [row.customer])
    const settings = { ...(await stepSettings(ports, transaction, account, BY_THE_CLOCK)), at }
    const step = new Step(settings, row.customer, aggregate ?? null)
    const done = await step.command(command)
    if (!done.ok) ports.log.warn({ account: account.id, charge: row.key, reason: done.message }, 'late payment outcome')
    await ports.store.putCharges(transaction, [next])
    if (done.ok) await commit(ports, transaction, account, [step])
  })
}

async function close(ports: BillingPorts, row: ChargeRow): Promise<void> {
  await ports.transactions.transaction((transaction) =>
    ports.store.putCharges(transaction, [{ ...row, state: 'decided', dueAt: null }]),
  )
}
