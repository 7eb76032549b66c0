import { createBilling } from '../../billing/create_billing.ts'
import type { Billing } from '../../billing/create_billing.ts'
import type { BillingPorts } from '../../billing/ports.ts'
import { readObject } from '../../billing/read_object.ts'
import type { ObjectInView } from '../../billing/read_object.ts'
import { createDelivery } from '../../delivery/create_delivery.ts'
import type { Delivery } from '../../delivery/create_delivery.ts'
import { typeMatcher } from '../../delivery/event_types.ts'
import type { Settlement } from '../../delivery/ports.ts'
import type { Dialect } from '../../dialects/dialect.ts'
import { profileFor } from '../../dialects/registry.ts'
import type { EntityValues } from '../../model/entities.ts'
import { BillhookError, messageOf } from '../../model/error.ts'
import { addMs, DAY_MS, earliest, formatInstantShort, SECOND_MS } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { AddressGuard } from '../../ports/address_guard.ts'
import type { Account } from '../../ports/billing_store.ts'
import type { Clock } from '../../ports/clock.ts'
import type { EndpointStore } from '../../ports/endpoint_store.ts'
import type { DeliveryAccount } from '../../ports/delivery_accounts.ts'
import type { HttpClient } from '../../ports/http.ts'
import type { Log } from '../../ports/log.ts'
import type { Mailer } from '../../ports/mail.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { Payments } from '../../ports/payments.ts'
import type { Random } from '../../ports/random.ts'
import type { SecretBox } from '../../ports/secret_box.ts'
import { NO_TRACING } from '../../ports/tracing.ts'
import type { Tracing } from '../../ports/tracing.ts'
import type { Transaction } from '../../ports/transaction.ts'
import { createBillingStore } from '../../storage/billing_store.ts'
import type { Database } from '../../storage/database.ts'
import { createDeliveryChores } from '../../storage/delivery_chores.ts'
import { createEndpointStore } from '../../storage/delivery_endpoints.ts'
import { createDeliveryLog } from '../../storage/delivery_log.ts'
import { createDeliveryNodes } from '../../storage/delivery_nodes.ts'
import { createDeliveryQueue } from '../../storage/delivery_queue.ts'
import { profileOfAccount } from './account_profile.ts'

/** What the sending end stands on. */
export interface SendingPorts {
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  readonly secretBox: SecretBox
  readonly guard: AddressGuard
  readonly http: HttpClient
  readonly dialect: (id: string) => Dialect | null
  readonly mailer: Mailer
  readonly payments: Payments
  readonly tracing?: Tracing
  /** How long events and their deliveries are kept; null: forever. Milliseconds. Left out: the engine's default. */
  readonly retentionMs?: number | null
}

/** The sending end: the billing system and the delivery of what it tells. */
export interface Sending {
  readonly billing: Billing
  readonly delivery: Delivery
  /** An entity with the view that dialects render it in. @throws BillhookError `not_found` */
  read(account: string, kind: keyof EntityValues, id: string): Promise<ObjectInView>
  /** When something is due next on an account's clock: billing, a charge, a delivery. Null: nothing by itself. */
  nextDue(account: string): Promise<Instant | null>
  /** Does all that is due in an account at its clock's time, acknowledgements and what they cause included. */
  settle(account: string): Promise<void>
  /**
   * Advances an account's test clock, step by step over everything that is due on the way, and comes back when all of it
   * has settled.
   *
   * @param to null: to the next thing that is due
   * @throws BillhookError `clock_backwards`, `invalid_request`, `not_found`
   */
  advance(account: string, to: Instant | null): Promise<Account>
  /** Begins to work on the real clock. */
  start(): Promise<void>
  stop(graceMs?: number): Promise<void>
}

/** How often the real clock's accounts are looked at. */
const POLL_MS = SECOND_MS
/** Gates whose deliveries were decided while this process was down are found after this many looks. */
const GATES_EVERY = 30
const GATES_AT_ONCE = 500
/** Rounds of one settling: more means that billing and delivery set each other off forever. */
const MAX_ROUNDS = 10_000

/** Nothing that is kept now is older. */
const FOR_EVER_MS = 365_250 * DAY_MS

/** Wires the sending end. */
export function createSending(ports: SendingPorts): Sending {
  return new SendingEnd(ports)
}

class SendingEnd implements Sending {
  readonly billing: Billing
  readonly delivery: Delivery
  readonly #ports: SendingPorts
  readonly #billingPorts: BillingPorts
  readonly #endpoints: EndpointStore
  #stopping: AbortController | null = null
  #loop: Promise<void> = Promise.resolve()

  constructor(ports: SendingPorts) {
    const { database } = ports
    this.#ports = ports
    const store = createBillingStore(database)
    this.#endpoints = createEndpointStore(database)
    this.delivery = createDelivery(
      {
        ...ports,
        transactions: database,
        endpoints: this.#endpoints,
        queue: createDeliveryQueue(database),
        nodes: createDeliveryNodes(database),
        chores: createDeliveryChores(database),
        log: createDeliveryLog(database),
        logger: ports.log,
        tracing: ports.tracing ?? NO_TRACING,
        account: async (id, transaction) => {
          const account = await store.account(transaction, id)
          return account === null ? null : deliveryAccount(account)
        },
      },
      {
        onSettled: (settlements) => this.#settled(settlements),
        ...(ports.retentionMs === undefined ? {} : { options: { retentionMs: ports.retentionMs ?? FOR_EVER_MS } }),
      },
    )
    this.#billingPorts = {
      ...ports,
      store,
      transactions: database,
      outbox: this.delivery.outbox,
      profileOf: (account) => profileOfAccount(account, profileFor(account.dialect)),
      gatekeepers: (transaction, account) => this.#hasGatekeepers(transaction, account),
    }
    this.billing = createBilling(this.#billingPorts)
  }

  read(account: string, kind: keyof EntityValues, id: string): Promise<ObjectInView> {
    return readObject(this.#billingPorts, account, kind, id)
  }

  async nextDue(account: string): Promise<Instant | null> {
    const billing = await this.billing.nextDue(account)
    const delivery = await this.delivery.testClock.nextDue(account)
    return billing === null || delivery === null ? (billing ?? delivery) : earliest(billing, delivery)
  }

  async settle(accountId: string): Promise<void> {
    const account = await this.billing.account(accountId)
    if (account.clock === null) {
      await this.billing.runDue(accountId, this.billing.now(account))
      return
    }
    const at = account.clock.now
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const billed = await this.billing.runDue(accountId, at)
      const delivered = await this.delivery.testClock.runDue(accountId, at)
      const opened = await this.#openGates(accountId)
      if (billed + delivered.attempts + opened === 0) return
    }
    throw new BillhookError(
      'internal_invariant',
      `account ${accountId} does not settle at ${formatInstantShort(at)}: billing and delivery set each other off`,
    )
  }

  async advance(accountId: string, to: Instant | null): Promise<Account> {
    const target = to ?? (await this.nextDue(accountId))
    if (target === null) return this.billing.account(accountId)
    await this.billing.beginAdvance(accountId, target)
    await this.settle(accountId)
    for (
      let next = await this.nextDue(accountId);
      next !== null && next <= target;
      next = await this.nextDue(accountId)
    ) {
      await this.billing.moveClock(accountId, next)
      await this.settle(accountId)
    }
    await this.billing.moveClock(accountId, target)
    await this.settle(accountId)
    return this.billing.endAdvance(accountId)
  }

  async start(): Promise<void> {
    if (this.#stopping !== null) return
    const stopping = new AbortController()
    this.#stopping = stopping
    await this.delivery.start(this.#ports.database.backend === 'embedded')
    this.#loop = this.#run(stopping.signal)
  }

  async stop(graceMs?: number): Promise<void> {
    this.#stopping?.abort()
    this.#stopping = null
    await this.#loop
    await this.delivery.stop(graceMs)
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    for (let look = 0; !signal.aborted; look += 1) {
      try {
        if (look === 0) await this.#resumeAdvances()
        await this.billing.runReal()
        if (look % GATES_EVERY === 0) await this.#openGates(null)
      } catch (error) {
        log.error({ error: messageOf(error) }, 'billing could not work; it is tried again')
      }
      await clock.until(addMs(clock.now(), POLL_MS), signal)
    }
  }

  /** Test clocks that were on their way when a process died go on. */
  async #resumeAdvances(): Promise<void> {
    for (const { id, clock } of await this.billing.store.accounts())
      if (clock !== null && clock.target !== null) await this.advance(id, clock.target)
  }

  /** Deliveries were decided: an invoice may wait for them. Must not throw; what is missed is found by the next look. */
  async #settled(settlements: readonly Settlement[]): Promise<void> {
    const facts = new Map(
      settlements.flatMap(({ account, fact }) => (fact === null ? [] : [[`${account}\n${fact}`, { account, fact }]])),
    )
    for (const { account, fact } of facts.values()) {
      try {
        if ((await this.billing.store.gateOf(account, fact)) !== null) await this.#openGate(account, fact)
      } catch (error) {
        this.#ports.log.error({ account, fact, error: messageOf(error) }, 'a payment gate could not be opened yet')
      }
    }
  }

  async #openGates(account: string | null): Promise<number> {
    let opened = 0
    for (const gate of await this.billing.store.gates(account, GATES_AT_ONCE))
      if (await this.#openGate(gate.account, gate.fact)) opened += 1
    return opened
  }

  async #openGate(account: string, fact: string): Promise<boolean> {
    const { pending, exhausted } = await this.delivery.acknowledgement(account, fact)
    if (pending > 0) return false
    return this.billing.openGate(account, fact, exhausted > 0 ? 'given_up' : 'acknowledged')
  }

  /** True if an enabled endpoint asks for the event by which its dialect tells that an invoice was created. */
  async #hasGatekeepers(transaction: Transaction, account: string): Promise<boolean> {
    const endpoints = await this.#endpoints.all(transaction, account)
    return endpoints.some(({ state, dialect, eventTypes }) => {
      if (state !== 'enabled' && state !== 'paused') return false
      const type = this.#creationType(dialect)
      return type !== null && typeMatcher(eventTypes)(type)
    })
  }

  #creationType(dialect: string): string | null {
    const catalogue = this.#ports.dialect(dialect)?.catalogue ?? []
    return catalogue.find(({ carries }) => carries.includes('invoice_drafted'))?.type ?? null
  }
}

function deliveryAccount(account: Account): DeliveryAccount {
  return {
    id: account.id,
    dialect: account.dialect,
    livemode: account.livemode,
    clock: account.clock === null ? { kind: 'real' } : { kind: 'test', now: account.clock.now },
    ownerMail: account.ownerEmail,
    verifiesOwnership: account.switches['verify_endpoints'] === 'on',
  }
}
