import { BillhookError } from '../model/error.ts'
import type { Outbox, PublishedEvent } from '../ports/outbox.ts'
import type { Transaction } from '../ports/transaction.ts'
import { ActiveEndpoints } from './active_endpoints.ts'
import { acknowledgementOf } from './acknowledgement.ts'
import type { Acknowledgement } from './acknowledgement.ts'
import { Chores } from './chores.ts'
import { Endpoints } from './endpoints.ts'
import { DeliveryEngine } from './engine.ts'
import { eventIds } from './event_id.ts'
import { Forwarder } from './forward.ts'
import { EndpointHealthKeeper } from './health.ts'
import { Inspection } from './inspection.ts'
import { DELIVERY_DEFAULTS } from './limits.ts'
import type { DeliveryOptions } from './limits.ts'
import { OperatorEvents } from './operator_events.ts'
import { DeliveryOutbox } from './outbox.ts'
import type { DeliveryPorts, OnSettled } from './ports.ts'
import { Publisher } from './publisher.ts'
import type { NewEvent } from './publisher.ts'
import { Replays } from './replays.ts'
import { ResultWriter } from './results.ts'
import { SigningKeys } from './signing_keys.ts'
import { TestClockRunner } from './test_clock.ts'
import { DeliveryWorker } from './worker.ts'

/** The delivery engine, as the rest of the product uses it. */
export interface Delivery {
  readonly endpoints: Endpoints
  readonly outbox: Outbox
  readonly replays: Replays
  readonly inspection: Inspection
  readonly forwarder: Forwarder
  readonly signingKeys: SigningKeys
  /** Accounts on test clocks. */
  readonly testClock: TestClockRunner
  /** Publishes events of any type: durable when it resolves, then delivered from memory. */
  publish(account: string, events: readonly NewEvent[]): Promise<readonly PublishedEvent[]>
  /** The same in a transaction of the caller. */
  publishIn(transaction: Transaction, account: string, events: readonly NewEvent[]): Promise<readonly PublishedEvent[]>
  /** Sends a sample to one endpoint; its type is `endpoint.test` unless the event says otherwise. */
  sendTest(account: string, endpoint: string, event?: NewEvent['content']): Promise<PublishedEvent>
  /** How far the telling of a fact has come. */
  acknowledgement(account: string, fact: string, transaction?: Transaction | null): Promise<Acknowledgement>
  /** @param alone true on the embedded backend: no other process can be at the store */
  start(alone: boolean): Promise<void>
  stop(graceMs?: number): Promise<void>
  /** Something may be due that this process did not see: look now. */
  wake(): void
}

/** Looks soon after something was stored in a transaction whose end is not seen, and again a little later. */
const LOOK_AFTER_MS = [3, 25, 100, 400] as const

/** How long requests may run on when the node stops. */
const GRACE_MS = 10_000

/** Puts the engine together. Nothing runs before `start`; publishing and test clocks work without it. */
export function createDelivery(
  ports: DeliveryPorts,
  settings: { readonly options?: Partial<DeliveryOptions>; readonly onSettled?: OnSettled } = {},
): Delivery {
  const options: DeliveryOptions = { ...DELIVERY_DEFAULTS, ...settings.options }
  const nextId = eventIds(ports.random)
  const active = new ActiveEndpoints(ports)
  const keys = new SigningKeys(ports)
  const operator = new OperatorEvents(ports, active, nextId)
  const health = new EndpointHealthKeeper(ports, active, operator)
  const writer = new ResultWriter(ports, operator, health, settings.onSettled ?? (async () => undefined))
  const context = { ports, keys, options }
  const wake = (): void => engine.wake()
  const worker = new DeliveryWorker(ports, options, { active, context, writer, onSettledOrdered: wake })
  const chores = new Chores(ports, options, health, wake)
  const engine = new DeliveryEngine(ports, options, { active, worker, chores, keys })
  const publisher = new Publisher(ports, options, {
    active,
    nextId,
    lease: (endpoint) => worker.leaseFor(endpoint),
    vacate: (deliveries) => worker.vacate(deliveries),
    abandon: (deliveries) => worker.abandon(deliveries),
    committed: (leased, stored) => {
      worker.accept(leased)
      if (stored.some(({ orderKey }) => orderKey !== null)) wake()
    },
  })
  const lookSoon = (): void => {
    for (const ms of LOOK_AFTER_MS) setTimeout(wake, ms).unref()
  }
  const publish = (account: string, events: readonly NewEvent[]) => publisher.publish(account, events)
  return {
    endpoints: new Endpoints(ports, active, keys, wake),
    outbox: new DeliveryOutbox(ports, active, nextId, lookSoon),
    replays: new Replays(ports, wake),
    inspection: new Inspection(ports),
    forwarder: new Forwarder(publisher, ports),
    signingKeys: keys,
    testClock: new TestClockRunner(ports, { active, context, writer, health, chores }),
    publish,
    async publishIn(transaction, account, events) {
      const published = await publisher.publishIn(transaction, account, events)
      lookSoon()
      return published
    },
    sendTest: (account, endpoint, content) => sendTest(publish, account, endpoint, content ?? testContent(endpoint)),
    acknowledgement: (account, fact, transaction = null) => acknowledgementOf(ports, transaction, account, fact),
    start: (alone) => engine.start(alone),
    stop: (graceMs = GRACE_MS) => engine.stop(graceMs),
    wake,
  }
}

async function sendTest(
  publish: Delivery['publish'],
  account: string,
  endpoint: string,
  content: NewEvent['content'],
): Promise<PublishedEvent> {
  const [published] = await publish(account, [{ content, key: null, subject: null, customer: null, endpoint }])
  if (published === undefined || published.deliveries === 0)
    throw new BillhookError('not_found', `there is no endpoint ${endpoint} to send a test event to`)
  return published
}

function testContent(endpoint: string): NewEvent['content'] {
  const data = { endpoint, note: 'This is a test event. Nothing happened.' }
  return { kind: 'standard', type: 'endpoint.test', data }
}
