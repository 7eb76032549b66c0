import { createHash } from 'node:crypto'
import { decideCatalog } from '../lifecycle/catalog.ts'
import { withEntity } from '../lifecycle/state.ts'
import type { Catalog, Context, CustomerState, Refused, StateEntity, Subject } from '../lifecycle/state.ts'
import type { CatalogCommand, Command } from '../model/commands.ts'
import type { EntityKind } from '../model/entities.ts'
import { BillhookError } from '../model/error.ts'
import { canonicalJson, isObject } from '../model/json.ts'
import type { Account } from '../ports/billing_store.ts'
import { CATALOG } from '../ports/billing_store.ts'
import type { PublishedEvent } from '../ports/outbox.ts'
import type { Transaction } from '../ports/transaction.ts'
import { nowOf } from './accounts.ts'
import { addressOf } from './address.ts'
import type { Address } from './address.ts'
import { catalogChanges, catalogOf, holds, isOfState } from './aggregate.ts'
import { createMinter } from './mint.ts'
import type { BillingPorts } from './ports.ts'
import { Step } from './step.ts'
import type { StepSettings } from './step.ts'

/** Who asks, and how often. */
export interface ExecuteOptions {
  /** The customer that the command concerns, where it names no entity of theirs; null: a new one. */
  readonly customer: string | null
  /** The same key with the same command gives the same answer and acts once. */
  readonly idempotencyKey: string | null
  /** Names the API call in the events it causes; null: no call. */
  readonly requestId: string | null
}

/** What a command did. */
export interface Executed {
  /** The entity that it made or was about. */
  readonly subject: Subject | null
  readonly customer: string
  readonly events: readonly PublishedEvent[]
  /** True if the answer is that of an earlier call with the same key. */
  readonly repeated: boolean
}

/**
 * Runs a command on a customer's aggregate: load, decide, and commit state, facts and deliveries in one transaction.
 *
 * @throws BillhookError the refusal's code (`invalid_transition`, `not_found`, …) with nothing changed;
 *   `idempotency_conflict`; `not_found` for an unknown account or entity
 */
export async function execute(
  ports: BillingPorts,
  accountId: string,
  command: Command,
  options: ExecuteOptions,
): Promise<Executed> {
  return ports.transactions.transaction(async (transaction) => {
    const account = await ports.store.account(transaction, accountId)
    if (account === null) throw new BillhookError('not_found', `no account has the id ${JSON.stringify(accountId)}`)
    return answerOnce(ports, transaction, { account, options, command }, async () => {
      const settings = await stepSettings(ports, transaction, account, options)
      const address = addressOf(command)
      const customer = await customerOf(ports, transaction, account, { command, options, address })
      const [aggregate] = await ports.store.load(transaction, account.id, [customer])
      const step = new Step(settings, customer, aggregate ?? null)
      step.restore(await restored(ports, account.id, step.state, address))
      const done = await step.command(command)
      if (!done.ok) throw refusal(done)
      return { subject: done.subject, customer, events: await commit(ports, transaction, account, [step]) }
    })
  })
}

/** Runs a command on the account's catalogue, in the same way. */
export async function executeCatalog(
  ports: BillingPorts,
  accountId: string,
  command: CatalogCommand,
  options: Omit<ExecuteOptions, 'customer'>,
): Promise<Executed> {
  return ports.transactions.transaction(async (transaction) => {
    const account = await ports.store.account(transaction, accountId, true)
    if (account === null) throw new BillhookError('not_found', `no account has the id ${JSON.stringify(accountId)}`)
    return answerOnce(ports, transaction, { account, options, command }, async () => {
      const [aggregate] = await ports.store.load(transaction, account.id, [CATALOG])
      const catalog = catalogOf(aggregate ?? null)
      const minter = createMinter(account.seed, CATALOG, aggregate?.minted ?? 0)
      const at = nowOf(ports, account)
      const decision = decideCatalog(command, catalog, {
        at,
        account: account.id,
        livemode: account.livemode,
        profile: ports.profileOf(account),
        mint: (kind: EntityKind) => minter.mint(kind),
        request: requestOf(options),
      })
      if (!decision.ok) throw refusal(decision)
      const publications = decision.tellings.map(({ told, view }) => ({ fact: minter.mint('fact'), told, view, at }))
      await ports.store.save(transaction, [
        {
          account: account.id,
          customer: CATALOG,
          entities: catalogChanges(catalog, decision.catalog),
          removed: [],
          minted: minter.count,
          version: aggregate?.version ?? 0,
          dueAt: null,
        },
      ])
      await ports.store.log(
        transaction,
        publications.map(({ fact, told }) => ({ account: account.id, id: fact, at, told })),
      )
      const events = await ports.outbox.publish(transaction, account.id, publications)
      return { subject: decision.subject, customer: CATALOG, events }
    })
  })
}

/** What the steps of a transaction share. */
export async function stepSettings(
  ports: BillingPorts,
  transaction: Transaction,
  account: Account,
  options: Pick<ExecuteOptions, 'requestId' | 'idempotencyKey'>,
): Promise<StepSettings> {
  return {
    account,
    profile: ports.profileOf(account),
    catalog: await readCatalog(ports, transaction, account.id),
    at: nowOf(ports, account),
    gatekeepers: await ports.gatekeepers(transaction, account.id),
    request: requestOf(options),
    payments: ports.payments,
  }
}

/** The catalogue as of this transaction. */
export async function readCatalog(ports: BillingPorts, transaction: Transaction, account: string): Promise<Catalog> {
  return catalogOf(await ports.store.peek(transaction, account, CATALOG))
}

/** Writes what steps have changed and told: state, log, charges, deliveries. */
export async function commit(
  ports: BillingPorts,
  transaction: Transaction,
  account: Account,
  steps: readonly Step[],
): Promise<readonly PublishedEvent[]> {
  await ports.store.save(
    transaction,
    steps.map((step) => step.change()),
  )
  await ports.store.log(
    transaction,
    steps.flatMap((step) => step.facts),
  )
  await ports.store.putCharges(
    transaction,
    steps.flatMap((step) => step.charges),
  )
  await ports.store.putGates(
    transaction,
    steps.flatMap((step) => step.gates),
  )
  return ports.outbox.publish(
    transaction,
    account.id,
    steps.flatMap((step) => step.publications),
  )
}

/** A refusal of the engine as the error that it is answered with. */
function refusal({ code, message, field }: Refused): BillhookError {
  return new BillhookError(code, field === null ? message : `${field}: ${message}`, {
    details: field === null ? {} : { field },
  })
}

function requestOf({
  requestId,
  idempotencyKey,
}: Pick<ExecuteOptions, 'requestId' | 'idempotencyKey'>): Context['request'] {
  return requestId === null ? null : { id: requestId, idempotencyKey }
}

interface Asked {
  readonly account: Account
  readonly options: Pick<ExecuteOptions, 'idempotencyKey'> & { readonly customer?: string | null }
  readonly command: Command | CatalogCommand
}

/** Gives the stored answer if this key was used before, else acts and stores the answer in the same transaction. */
async function answerOnce(
  ports: BillingPorts,
  transaction: Transaction,
  { account, options, command }: Asked,
  act: () => Promise<Omit<Executed, 'repeated'>>,
): Promise<Executed> {
  const key = options.idempotencyKey
  if (key === null) return { ...(await act()), repeated: false }
  const asked = canonicalJson({ command, customer: options.customer ?? null })
  const fingerprint = createHash('sha256').update(asked).digest('hex')
  const known = await ports.store.answer(transaction, account.id, key)
  if (known !== null) {
    if (known.fingerprint !== fingerprint)
      throw new BillhookError(
        'idempotency_conflict',
        `the idempotency key ${JSON.stringify(key)} was already used for a different request; use a new key`,
      )
    const answer: unknown = JSON.parse(known.answer)
    if (!isAnswer(answer)) throw new BillhookError('internal_invariant', `the stored answer of ${key} cannot be read`)
    return { ...answer, repeated: true }
  }
  const answer = await act()
  const stored = { fingerprint, answer: JSON.stringify(answer), at: nowOf(ports, account) }
  await ports.store.putAnswer(transaction, account.id, key, stored)
  return { ...answer, repeated: false }
}

function isAnswer(value: unknown): value is Omit<Executed, 'repeated'> {
  return isObject(value) && 'subject' in value && Array.isArray(value['events'])
}

interface Addressed {
  readonly command: Command
  readonly options: Pick<ExecuteOptions, 'customer' | 'idempotencyKey'>
  readonly address: Address | null
}

/** The customer whose aggregate a command concerns. */
async function customerOf(
  ports: BillingPorts,
  transaction: Transaction,
  account: Account,
  { command, options, address }: Addressed,
): Promise<string> {
  if (address !== null) {
    const owner = await ports.store.ownerOf(transaction, account.id, address.kind, address.id)
    if (owner !== null) return owner
    throw new BillhookError('not_found', `no ${address.kind} in this account has the id ${JSON.stringify(address.id)}`)
  }
  if (options.customer !== null) {
    const known = await ports.store.versionOf(transaction, account.id, options.customer)
    if (known > 0 || canComeFirst(command)) return options.customer
    throw new BillhookError('not_found', `no customer in this account has the id ${JSON.stringify(options.customer)}`)
  }
  if (!canComeFirst(command))
    throw new BillhookError('invalid_request', `customer: ${command.kind} needs the id of a customer`)
  return mintCustomer(ports, transaction, account)
}

/** Commands that a customer can begin with. */
function canComeFirst({ kind }: Command): boolean {
  return (
    kind === 'customer.create' ||
    kind === 'checkout.create' ||
    kind === 'agreement.create' ||
    kind === 'subscription.create'
  )
}

/**
 * A new customer's id. On a test clock it follows from how many there are, so that a story repeats byte by byte; on the
 * real clock it is random, so that customers can be made side by side.
 */
async function mintCustomer(ports: BillingPorts, transaction: Transaction, account: Account): Promise<string> {
  if (account.clock === null) {
    const random = Buffer.from(ports.random.bytes(16)).toString('hex')
    return createMinter(account.seed, random, 0).mint('customer')
  }
  const [catalog] = await ports.store.load(transaction, account.id, [CATALOG])
  const minter = createMinter(account.seed, CATALOG, catalog?.minted ?? 0)
  const id = minter.mint('customer')
  await ports.store.save(transaction, [
    {
      account: account.id,
      customer: CATALOG,
      entities: [],
      removed: [],
      minted: minter.count,
      version: catalog?.version ?? 0,
      dueAt: null,
    },
  ])
  return id
}

/** The state with the entity that a command is about, and what that one rests on, if they had left it. */
async function restored(
  ports: BillingPorts,
  account: string,
  state: CustomerState,
  address: Address | null,
): Promise<CustomerState> {
  if (address === null || holds(state, address.kind, address.id)) return state
  const stored = await ports.store.entity(account, address.kind, address.id)
  if (stored === null || !isOfState(stored)) return state
  const next = withEntity(state, stored)
  const [reference] = referencesOf(stored).filter(({ kind, id }) => !holds(next, kind, id))
  return restored(ports, account, next, reference ?? null)
}

function referencesOf(entity: StateEntity): readonly Address[] {
  if (entity.kind === 'payment') return addresses('invoice', entity.value.invoice)
  if (entity.kind === 'refund') return addresses('payment', entity.value.payment)
  if (entity.kind === 'invoice')
    return [...addresses('payment', entity.value.payment), ...addresses('subscription', entity.value.subscription)]
  return []
}

function addresses(kind: Address['kind'], id: string | null): readonly Address[] {
  return id === null ? [] : [{ kind, id }]
}
