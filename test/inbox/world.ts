/** An inbox on a store of its own, with a clock that stands still, one source, and events as its provider seals them. */
import { createHash } from 'node:crypto'
import type { Dialect, Sealed } from '../../src/dialects/dialect.ts'
import { stripeAcacia } from '../../src/dialects/stripe/index.ts'
import { createInbox } from '../../src/inbox/create_inbox.ts'
import type { Inbox, InboxOptions, InboxPorts } from '../../src/inbox/create_inbox.ts'
import type { IngestAnswer } from '../../src/inbox/ingest.ts'
import { instant } from '../../src/model/instant.ts'
import type { Instant } from '../../src/model/instant.ts'
import type { Json, JsonObject } from '../../src/model/json.ts'
import type { LogFields } from '../../src/ports/log.ts'
import { createManualClock } from '../../src/runtime/manual_clock.ts'
import type { ManualClock } from '../../src/runtime/manual_clock.ts'
import { createSecretBox } from '../../src/runtime/secret_box.ts'
import { createSystemRandom } from '../../src/runtime/system_random.ts'
import type { Database } from '../../src/storage/database.ts'
import { createInboxStore } from '../../src/storage/inbox_store.ts'

export const ACCOUNT = 'default'
export const SOURCE = 'main'
export const SECRET = 'whsec_for_the_tests_of_the_inbox'
export const START = Date.parse('2026-03-01T00:00:00Z')
export const DAY = 24 * 60 * 60 * 1000

export interface World {
  readonly inbox: Inbox
  readonly clock: ManualClock
  readonly database: Database
  /** Lines of the log: level, message, fields. */
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields }[]
  readonly counts: Map<string, number>
  send(event: JsonObject): Promise<IngestAnswer>
  sendSealed(sealed: Sealed): Promise<IngestAnswer>
}

export interface WorldOptions {
  readonly inbox?: InboxOptions
  readonly ports?: Partial<InboxPorts>
  /** Opens an inbox on a store in which the source is already. */
  readonly again?: boolean
  readonly settleMs?: number
}

export async function createWorld(database: Database, options: WorldOptions = {}): Promise<World> {
  const clock = createManualClock(instant(START))
  const lines: World['lines'] = []
  const counts: World['counts'] = new Map()
  const write =
    (level: string) =>
    (fields: LogFields, message: string): void =>
      void lines.push({ level, message, fields })
  const inbox = createInbox(
    {
      store: createInboxStore(database),
      clock,
      random: createSystemRandom(),
      log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
      metrics: {
        count: (name, _labels, by = 1) => void counts.set(name, (counts.get(name) ?? 0) + by),
        gauge: () => undefined,
        observe: () => undefined,
      },
      secretBox: createSecretBox(new Uint8Array(32).fill(7)),
      dialect: (id): Dialect | null => (id === stripeAcacia.id ? stripeAcacia : null),
      publicKeys: () => async () => ({ ok: false, reason: 'keys_unavailable' }),
      ...options.ports,
    },
    options.inbox,
  )
  if (options.again !== true) {
    await inbox.sources.create({
      account: ACCOUNT,
      name: SOURCE,
      dialect: stripeAcacia.id,
      secrets: [SECRET],
      settings: { settleMs: options.settleMs ?? 2_000 },
    })
  }
  const sendSealed = (sealed: Sealed): Promise<IngestAnswer> =>
    inbox.ingest.receive({ account: ACCOUNT, source: SOURCE, ...sealed })
  return {
    inbox,
    clock,
    database,
    lines,
    counts,
    sendSealed,
    send: (event) => sendSealed(seal(event, clock.now())),
  }
}

/** The request that the provider would send at `at`. */
export function seal(event: JsonObject, at: Instant, secret = SECRET): Sealed {
  const { type } = event
  const notification = {
    id: null,
    type: typeof type === 'string' ? type : '',
    createdAt: null,
    account: null,
    body: event,
  }
  return stripeAcacia.seal(notification, { secrets: [secret], signingKey: null }, at)
}

function seconds(at: number): number {
  return Math.floor(at / 1000)
}

export interface SubscriptionOptions {
  readonly id?: string
  readonly customer?: string
  readonly status?: string
  /** Milliseconds. */
  readonly from?: number
  readonly until?: number
  readonly plan?: string
  readonly more?: JsonObject
}

export function subscription(options: SubscriptionOptions = {}): JsonObject {
  const { id = 'sub_1', customer = 'cus_1', status = 'active', from = START, plan = 'price_pro' } = options
  const { until = from + 31 * DAY, more = {} } = options
  const price: JsonObject = {
    id: plan,
    object: 'price',
    active: true,
    currency: 'usd',
    product: `prod_${plan}`,
    unit_amount: 2000,
    recurring: { interval: 'month', interval_count: 1, usage_type: 'licensed' },
    type: 'recurring',
  }
  return {
    id,
    object: 'subscription',
    customer,
    status,
    created: seconds(START),
    start_date: seconds(START),
    billing_cycle_anchor: seconds(START),
    current_period_start: seconds(from),
    current_period_end: seconds(until),
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    ended_at: null,
    collection_method: 'charge_automatically',
    default_payment_method: 'pm_1',
    items: { object: 'list', data: [{ id: `si_${id}`, object: 'subscription_item', price, plan: null, quantity: 1 }] },
    latest_invoice: null,
    metadata: {},
    pause_collection: null,
    trial_start: null,
    trial_end: null,
    ...more,
  }
}

export interface EventOptions {
  readonly id?: string
  /** Milliseconds. */
  readonly at?: number
  readonly previous?: JsonObject
}

/** An event; its id follows from what it says, unless one is given. */
export function event(type: string, object: JsonObject, options: EventOptions = {}): JsonObject {
  const { at = START, previous } = options
  const data: JsonObject = previous === undefined ? { object } : { object, previous_attributes: previous }
  const text: Json = { type, data, at }
  const id = options.id ?? `evt_${createHash('sha256').update(JSON.stringify(text)).digest('hex').slice(0, 24)}`
  return {
    id,
    object: 'event',
    api_version: '2025-02-24.acacia',
    created: seconds(at),
    data,
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  }
}

export function created(options: SubscriptionOptions = {}, at = START): JsonObject {
  return event('customer.subscription.created', subscription(options), { at })
}

export function updated(options: SubscriptionOptions, previous: JsonObject, at: number): JsonObject {
  return event('customer.subscription.updated', subscription(options), { at, previous })
}

export function deleted(options: SubscriptionOptions, at: number): JsonObject {
  const more: JsonObject = { canceled_at: seconds(at), ended_at: seconds(at) }
  return event('customer.subscription.deleted', subscription({ ...options, status: 'canceled', more }), { at })
}

export interface InvoiceOptions {
  readonly id?: string
  readonly subscription?: string
  readonly customer?: string
  readonly status?: string
  readonly from?: number
  readonly until?: number
  readonly more?: JsonObject
}

export function invoice(options: InvoiceOptions = {}): JsonObject {
  const { id = 'in_1', subscription: about = 'sub_1', customer = 'cus_1', status = 'paid', from = START } = options
  const { until = from + 31 * DAY, more = {} } = options
  const paid = status === 'paid'
  return {
    id,
    object: 'invoice',
    customer,
    subscription: about,
    status,
    number: `N-${id}`,
    billing_reason: 'subscription_cycle',
    currency: 'usd',
    total: 2000,
    amount_due: 2000,
    amount_paid: paid ? 2000 : 0,
    amount_remaining: paid ? 0 : 2000,
    attempt_count: 1,
    attempted: true,
    paid,
    paid_out_of_band: false,
    collection_method: 'charge_automatically',
    created: seconds(from),
    due_date: null,
    next_payment_attempt: null,
    period_start: seconds(from),
    period_end: seconds(from),
    status_transitions: { finalized_at: seconds(from), paid_at: paid ? seconds(from) : null, voided_at: null },
    lines: {
      object: 'list',
      data: [
        {
          id: `il_${id}`,
          object: 'line_item',
          type: 'subscription',
          amount: 2000,
          currency: 'usd',
          proration: false,
          subscription: about,
          period: { start: seconds(from), end: seconds(until) },
        },
      ],
    },
    metadata: {},
    ...more,
  }
}

/** The facts of a customer, oldest first: kind and whether it was taken back. */
export async function factsOf(world: World, customer = 'cus_1'): Promise<readonly string[]> {
  const rows = await world.inbox.store.ledger.facts({ account: ACCOUNT, customer, limit: 500 })
  return rows.map((row) => `${row.kind}${row.retractedAt === null ? '' : ' (retracted)'}`).reverse()
}

/** Everything that the ledger knows, as text: what two stores are compared by. */
export async function ledgerText(world: World): Promise<string> {
  const { database } = world
  const objects = await database.all('SELECT source, kind, id, data FROM object ORDER BY source, kind, id')
  const facts = await database.all(
    `SELECT source, fact_key, at, data FROM fact WHERE retracted_at IS NULL AND kind <> 'access_changed' ORDER BY source, fact_key`,
  )
  return [...objects, ...facts].map((row) => JSON.stringify(Object.values(row))).join('\n')
}
