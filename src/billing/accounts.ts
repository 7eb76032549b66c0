import { BillhookError } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import { isTimeZone } from '../model/calendar.ts'
import type { JsonObject } from '../model/json.ts'
import type { Account } from '../ports/billing_store.ts'
import type { BillingPorts } from './ports.ts'

/** What an account is made with. */
export interface NewAccount {
  /** Null: one is made up. */
  readonly id: string | null
  readonly name: string
  /** Id of the dialect whose profile it is billed by and whose events its log shows. */
  readonly dialect: string
  readonly livemode?: boolean
  /** Where a test clock starts; null or absent: the real clock. */
  readonly clock?: { readonly name: string | null; readonly now: Instant } | null
  /** What ids follow from; absent: random. */
  readonly seed?: string
  readonly profile?: JsonObject
  readonly switches?: Readonly<Record<string, string>>
  readonly ownerEmail?: string | null
}

const ID = /^[A-Za-z0-9_.-]{1,64}$/

/**
 * Makes an account.
 *
 * @throws BillhookError `invalid_request` (id, settings), `unknown_dialect`, `conflict` if the id is taken
 */
export async function createAccount(ports: BillingPorts, wanted: NewAccount): Promise<Account> {
  const id = wanted.id ?? `acct_${hex(ports, 8)}`
  if (!ID.test(id))
    throw new BillhookError(
      'invalid_request',
      `id: ${JSON.stringify(id)} is not 1 to 64 letters, digits, dots, dashes or underscores`,
    )
  if (wanted.clock !== undefined && wanted.clock !== null && wanted.livemode === true)
    throw new BillhookError('invalid_request', 'clock: an account in live mode runs on the real clock')
  const clock = wanted.clock ?? null
  const account: Account = {
    id,
    name: wanted.name,
    dialect: wanted.dialect,
    livemode: wanted.livemode ?? false,
    clock: clock === null ? null : { id: `clock_${id}`, name: clock.name, now: clock.now, target: null },
    seed: wanted.seed ?? hex(ports, 16),
    profile: wanted.profile ?? {},
    switches: wanted.switches ?? {},
    ownerEmail: wanted.ownerEmail ?? null,
    createdAt: clock?.now ?? ports.clock.now(),
  }
  requireProfile(ports, account)
  const made = await ports.transactions.transaction((transaction) => ports.store.createAccount(transaction, account))
  if (!made) throw new BillhookError('conflict', `an account with the id ${id} exists already`)
  return account
}

/** @throws BillhookError `not_found` */
export async function requireAccount(ports: BillingPorts, id: string): Promise<Account> {
  const account = await ports.store.account(null, id)
  if (account === null) throw new BillhookError('not_found', `no account has the id ${JSON.stringify(id)}`)
  return account
}

/** The time on an account's clock. */
export function nowOf(ports: BillingPorts, account: Account): Instant {
  return account.clock === null ? ports.clock.now() : account.clock.now
}

function hex(ports: BillingPorts, bytes: number): string {
  return Buffer.from(ports.random.bytes(bytes)).toString('hex')
}

/** Refuses an account that cannot be billed as its settings say. @throws BillhookError `invalid_request`, `unknown_dialect` */
export function requireProfile(ports: Pick<BillingPorts, 'profileOf'>, account: Account): void {
  const { boundary } = ports.profileOf(account)
  if (!isTimeZone(boundary.zone))
    throw new BillhookError('invalid_request', `profile.boundary_zone: ${boundary.zone} is not a time zone`)
}
