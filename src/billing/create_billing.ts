import type { CatalogCommand, Command, PaymentOutcome } from '../model/commands.ts'
import { BillhookError, isBillhookError, messageOf } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import type { Account, BillingStore } from '../ports/billing_store.ts'
import type { PublishedEvent } from '../ports/outbox.ts'
import { createAccount, requireProfile, nowOf, requireAccount } from './accounts.ts'
import type { NewAccount } from './accounts.ts'
import { execute, executeCatalog } from './execute.ts'
import type { Executed, ExecuteOptions } from './execute.ts'
import { foresee } from './foresee.ts'
import type { Foreseen } from './foresee.ts'
import { importEntities } from './import_entities.ts'
import type { ImportedEntities } from './import_entities.ts'
import type { BillingPorts } from './ports.ts'
import { nextDue, runDue, tellOutcome } from './run_due.ts'
import { answeredRow } from './step.ts'
import { beginAdvance, endAdvance, moveClock } from './test_clock.ts'

/** What of an account may be changed. */
export type AccountSettings = Partial<Pick<Account, 'name' | 'profile' | 'switches' | 'ownerEmail' | 'dialect'>>

/** The billing system: commands in, facts out, on each account's own clock. */
export interface Billing {
  readonly store: BillingStore
  /** @throws BillhookError `invalid_request`, `unknown_dialect`, `conflict` */
  createAccount(wanted: NewAccount): Promise<Account>
  /** @throws BillhookError `not_found` */
  account(id: string): Promise<Account>
  /** @throws BillhookError `not_found`, `invalid_request` if the profile cannot be used */
  updateAccount(id: string, settings: AccountSettings): Promise<Account>
  /** The time on an account's clock. */
  now(account: Account): Instant
  /** See {@link execute}. */
  execute(account: string, command: Command, options: ExecuteOptions): Promise<Executed>
  /** See {@link executeCatalog}. */
  executeCatalog(account: string, command: CatalogCommand, options: Omit<ExecuteOptions, 'customer'>): Promise<Executed>
  /** When an account must be looked at next. */
  nextDue(account: string): Promise<Instant | null>
  /** See {@link foresee}. */
  foresee(account: string, at: Instant, limit: number): Promise<readonly Foreseen[]>
  /** Does what is due in an account at `at`. */
  runDue(account: string, at: Instant): Promise<number>
  /** Does what is due in all accounts on the real clock. One account's failure does not hold up the others. */
  runReal(): Promise<number>
  /** Test clocks: see `test_clock.ts`. */
  beginAdvance(account: string, target: Instant): Promise<Account>
  moveClock(account: string, now: Instant): Promise<Account>
  endAdvance(account: string): Promise<Account>
  /**
   * Tells the payment gate that the deliveries of a fact are decided: all acknowledged, or the last one given up. A fact
   * that no invoice waits for changes nothing.
   *
   * @returns whether an invoice waited for it
   */
  openGate(account: string, fact: string, how: 'acknowledged' | 'given_up'): Promise<boolean>
  /**
   * The payment service's late answer to a charge. Told twice, or for a charge that is decided, it changes nothing.
   *
   * @throws BillhookError `not_found` if no such charge was asked for
   */
  settleCharge(account: string, key: string, outcome: PaymentOutcome): Promise<void>
  /** See {@link importEntities}. */
  importEntities(account: string, imported: ImportedEntities): Promise<readonly PublishedEvent[]>
}

/** Makes the billing system out of its ports. */
export function createBilling(ports: BillingPorts): Billing {
  return {
    store: ports.store,
    createAccount: (wanted) => createAccount(ports, wanted),
    account: (id) => requireAccount(ports, id),
    updateAccount: (id, settings) => updateAccount(ports, id, settings),
    now: (account) => nowOf(ports, account),
    execute: (account, command, options) => execute(ports, account, command, options),
    executeCatalog: (account, command, options) => executeCatalog(ports, account, command, options),
    nextDue: (account) => nextDue(ports, account),
    foresee: (account, at, limit) => foresee(ports, account, at, limit),
    runDue: (account, at) => runDue(ports, account, at),
    runReal: () => runReal(ports),
    beginAdvance: (account, target) => beginAdvance(ports, account, target),
    moveClock: (account, now) => moveClock(ports, account, now),
    endAdvance: (account) => endAdvance(ports, account),
    openGate: (account, fact, how) => openGate(ports, account, fact, how),
    settleCharge: (account, key, outcome) => settleCharge(ports, account, key, outcome),
    importEntities: (account, imported) => importEntities(ports, account, imported),
  }
}

async function updateAccount(ports: BillingPorts, id: string, settings: AccountSettings): Promise<Account> {
  return ports.transactions.transaction(async (transaction) => {
    const account = await ports.store.account(transaction, id, true)
    if (account === null) throw new BillhookError('not_found', `no account has the id ${JSON.stringify(id)}`)
    const changed: Account = { ...account, ...settings }
    requireProfile(ports, changed)
    await ports.store.updateAccount(transaction, changed)
    return changed
  })
}

async function runReal(ports: BillingPorts): Promise<number> {
  const now = ports.clock.now()
  const wanted = (await ports.store.chargesWanted(null, now, 1000)).map((row) => row.account)
  const accounts = new Set([...(await ports.store.accountsDue(now)), ...wanted])
  let done = 0
  for (const id of accounts) {
    const account = await ports.store.account(null, id)
    if (account === null || account.clock !== null) continue
    try {
      done += await runDue(ports, id, now)
    } catch (error) {
      ports.log.error({ account: id, error: messageOf(error) }, 'billing stopped for this account')
    }
  }
  return done
}

async function openGate(
  ports: BillingPorts,
  account: string,
  fact: string,
  how: 'acknowledged' | 'given_up',
): Promise<boolean> {
  const invoice = await ports.store.gateOf(account, fact)
  if (invoice === null) return false
  const kind = how === 'acknowledged' ? 'gate.acknowledged' : 'gate.given_up'
  try {
    await execute(ports, account, { kind, invoice }, { customer: null, idempotencyKey: null, requestId: null })
  } catch (error) {
    // The invoice was paid, voided or deleted meanwhile: there is no gate left to open.
    if (!isBillhookError(error) || (error.code !== 'invalid_transition' && error.code !== 'not_found')) throw error
  }
  await ports.transactions.transaction((transaction) => ports.store.closeGate(transaction, account, fact))
  return true
}

async function settleCharge(
  ports: BillingPorts,
  accountId: string,
  key: string,
  outcome: PaymentOutcome,
): Promise<void> {
  const account = await requireAccount(ports, accountId)
  const row = await ports.transactions.transaction((transaction) => ports.store.charge(transaction, accountId, key))
  if (row === null || row.kind !== 'charge')
    throw new BillhookError('not_found', `no charge with the key ${JSON.stringify(key)} was asked for`)
  const at = nowOf(ports, account)
  await tellOutcome(ports, account, row, {
    at,
    command: { kind: 'payment.decided', payment: row.payment, attempt: row.attempt, outcome },
    next: answeredRow(row, outcome, at),
  })
}
