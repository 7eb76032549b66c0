import { createHash } from 'node:crypto'
import type { AccountSettings, Billing } from '../../billing/create_billing.ts'
import type { NewAccount } from '../../billing/accounts.ts'
import type { Executed } from '../../billing/execute.ts'
import type { Delivery } from '../../delivery/create_delivery.ts'
import { STANDARD } from '../../delivery/operator_events.ts'
import type { CatalogueEntry, DialectId } from '../../dialects/dialect.ts'
import { requireSwitches, resolveDialect } from '../../dialects/registry.ts'
import type { CatalogCommand, Command } from '../../model/commands.ts'
import type { EntityValues } from '../../model/entities.ts'
import { BillhookError } from '../../model/error.ts'
import { latest } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Account, StoredEntity } from '../../ports/billing_store.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Endpoint } from '../../ports/endpoint_store.ts'
import type { PublishedEvent } from '../../ports/outbox.ts'
import type { ApiKeys, Caller } from '../api_keys.ts'
import { sampleEvents } from './event_samples.ts'
import type { Samples } from './event_samples.ts'
import { forecast } from './forecast.ts'
import type { Forecast } from './forecast.ts'
import { createPaymentCallback } from './payment_callback.ts'
import type { PaymentCallback } from './payment_callback.ts'
import { retrieve } from './retrieve.ts'
import type { Retrieved } from './retrieve.ts'
import type { Sending } from './create_sending.ts'

/** What the service stands on. */
export interface SendingServicePorts {
  readonly sending: Sending
  readonly clock: Clock
  readonly keys: ApiKeys
  /** The account whose keys may look after all accounts. */
  readonly operatorAccount: string
  /** What the payment service signs its callbacks with; null: there is none. */
  readonly paymentSecret: string | null
}

/** A call of the API that runs a command. */
export interface Call {
  readonly account: string
  readonly idempotencyKey: string | null
  /** What was asked for, byte by byte: the id of the call follows from it. */
  readonly bytes: Uint8Array
}

/** What a command led to. */
export interface Answered {
  readonly executed: Executed
  /** The entity after the command; null if it is no more. */
  readonly entity: StoredEntity | null
}

/** The sending end as its API uses it. */
export interface SendingService {
  readonly billing: Billing
  readonly delivery: Delivery
  readonly keys: ApiKeys
  readonly operatorAccount: string
  readonly callback: PaymentCallback
  /** @throws BillhookError `forbidden` if the caller’s key is not one of this account, nor of the operator’s */
  requireAccount(caller: Pick<Caller, 'account'>, account: string): void
  /** `dialect` may name a provider with any of its API versions; so may a change's. */
  createAccount(wanted: NewAccount): Promise<Account>
  changeAccount(account: string, change: AccountSettings): Promise<Account>
  command(call: Call, command: Command, customer: string | null): Promise<Answered>
  catalogCommand(call: Call, command: CatalogCommand): Promise<Answered>
  /** See {@link forecast}. */
  forecast(account: Account): Promise<Forecast | null>
  /**
   * Advances a test clock; `next`: to the next thing that is due.
   *
   * @throws BillhookError `clock_backwards`, `invalid_request` on the real clock, `not_found`
   */
  advance(account: string, to: Instant | 'next'): Promise<Account>
  /** The event types of a dialect (null: the account's own), and samples of those that the engine brings about. */
  eventTypes(
    account: string,
    dialect: string | null,
  ): Promise<{ readonly types: readonly CatalogueEntry[]; readonly samples: ReadonlyMap<string, JsonObject> }>
  /**
   * Sends an endpoint a sample of a type, in its dialect; `type` null: one that it asks for.
   *
   * @throws BillhookError `not_found` if there is no such endpoint, or no sample of the type
   */
  sendTest(account: string, endpoint: string, type: string | null): Promise<PublishedEvent>
  /** The public keys that an account's tokens are verified with. @throws BillhookError `not_found` */
  keySet(account: string): Promise<{ readonly keys: readonly unknown[] }>
  /** @returns the id of the new key */
  rotateSigningKey(account: string): Promise<string>
  /** See {@link retrieve}. */
  retrieve(
    account: string,
    named: { readonly kind: keyof EntityValues; readonly id: string },
    dialect: string | null,
  ): Promise<Retrieved>
}

/** Puts the service together. */
export function createSendingService(ports: SendingServicePorts): SendingService {
  const { sending, operatorAccount, keys, clock, paymentSecret } = ports
  const { billing, delivery } = sending
  const samplesOf = rememberedSamples()
  const inTurn = turns()
  return {
    billing,
    delivery,
    keys,
    operatorAccount,
    callback: createPaymentCallback(billing, clock, paymentSecret),
    requireAccount: (caller, account) => {
      if (caller.account === account || caller.account === operatorAccount) return
      throw new BillhookError('forbidden', `this key belongs to the account ${caller.account}, not to ${account}`)
    },
    createAccount: async (wanted) => {
      requireSwitches(wanted.switches ?? {})
      return billing.createAccount({ ...wanted, dialect: resolveDialect(wanted.dialect).id })
    },
    changeAccount: async (account, { dialect, ...change }) => {
      requireSwitches(change.switches ?? {})
      const resolved = dialect === undefined ? {} : { dialect: resolveDialect(dialect).id }
      return billing.updateAccount(account, { ...change, ...resolved })
    },
    command: async (call, command, customer) => {
      const options = { ...(await optionsOf(billing, call)), customer }
      return answered(billing, call.account, await billing.execute(call.account, command, options))
    },
    catalogCommand: async (call, command) => {
      const options = await optionsOf(billing, call)
      return answered(billing, call.account, await billing.executeCatalog(call.account, command, options))
    },
    forecast: (account) => forecast(sending, account),
    advance: (account, to) => inTurn(account, () => advance(ports, account, to)),
    eventTypes: async (account, dialect) => {
      const { id } = resolveDialect(dialect ?? (await billing.account(account)).dialect)
      const samples = await samplesOf(id)
      const bodies = [...samples].map(([type, { body }]) => [type, body] as const)
      return { types: delivery.endpoints.catalogue(id), samples: new Map(bodies) }
    },
    sendTest: async (account, endpoint, type) => {
      const content = await testContent(await delivery.endpoints.one(account, endpoint), type, samplesOf)
      return content === null ? delivery.sendTest(account, endpoint) : delivery.sendTest(account, endpoint, content)
    },
    keySet: async (account) => delivery.signingKeys.keySet(account, billing.now(await billing.account(account))),
    rotateSigningKey: async (account) =>
      delivery.signingKeys.rotate(account, billing.now(await billing.account(account))),
    retrieve: (account, named, dialect) => retrieve(sending, account, named, dialect),
  }
}

type SamplesOf = (dialect: DialectId) => Promise<Samples>

/** Samples of a dialect never change: they are made once, at most one set per dialect. */
function rememberedSamples(): SamplesOf {
  const known = new Map<DialectId, Promise<Samples>>()
  return (id) => {
    const samples = known.get(id) ?? sampleEvents(resolveDialect(id))
    known.set(id, samples)
    return samples
  }
}

/** Null: the engine's own test event. */
async function testContent(
  { id, dialect, eventTypes }: Pick<Endpoint, 'id' | 'dialect' | 'eventTypes'>,
  type: string | null,
  samplesOf: SamplesOf,
): Promise<Parameters<Sending['delivery']['sendTest']>[2] | null> {
  const resolved = resolveDialect(dialect)
  if (type === null && resolved.family === STANDARD) return null
  const samples = await samplesOf(resolved.id)
  const wanted = type ?? [...samples.keys()].find((name) => eventTypes.includes(name)) ?? samples.keys().next().value
  const notification = samples.get(wanted ?? '')
  if (notification === undefined)
    throw new BillhookError('not_found', `there is no sample of ${JSON.stringify(wanted)} in ${dialect} for ${id}`)
  return { kind: 'notification', dialect: resolved.id, notification }
}

/**
 * Runs the work of one account in turn: two requests that advance the same clock at once would both make its deliveries.
 * An account is forgotten when its last work has ended.
 */
function turns(): <T>(account: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return async (account, work) => {
    const before = last.get(account) ?? Promise.resolve()
    const mine = before.then(work, work)
    last.set(account, mine)
    try {
      return await mine
    } finally {
      if (last.get(account) === mine) last.delete(account)
    }
  }
}

async function advance({ sending }: SendingServicePorts, id: string, to: Instant | 'next'): Promise<Account> {
  const { clock } = await sending.billing.account(id)
  if (clock === null)
    throw new BillhookError('invalid_request', `account ${id} runs on the real clock: it cannot be advanced`)
  if (to !== 'next') return sending.advance(id, to)
  const next = await sending.nextDue(id)
  // What has been due for a while happens at the clock's own time.
  return next === null ? sending.billing.account(id) : sending.advance(id, latest(next, clock.now))
}

/**
 * The id of the call follows from the account's seed, its clock and what was asked: on a test clock the same calls give
 * the same bytes.
 */
async function optionsOf(
  billing: Billing,
  { account: id, idempotencyKey, bytes }: Call,
): Promise<{ readonly idempotencyKey: string | null; readonly requestId: string }> {
  const account = await billing.account(id)
  const hash = createHash('sha256')
    .update(JSON.stringify([account.seed, billing.now(account), idempotencyKey]))
    .update(bytes)
    .digest()
  const digits = BigInt(`0x${hash.subarray(0, 12).toString('hex')}`).toString(36)
  return { idempotencyKey, requestId: `req_${digits.padStart(14, '0').slice(-14)}` }
}

async function answered(billing: Billing, account: string, executed: Executed): Promise<Answered> {
  const { subject } = executed
  if (subject === null || subject.kind === 'clock') return { executed, entity: null }
  return { executed, entity: await billing.store.entity(account, subject.kind, subject.id) }
}
