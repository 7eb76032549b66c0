import type { Sending } from '../app/sending/create_sending.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Inbox } from '../inbox/create_inbox.ts'
import type { StateEntity } from '../lifecycle/state.ts'
import type { AccessAnswer } from '../model/access.ts'
import type { EntityValues } from '../model/entities.ts'
import { BillhookError } from '../model/error.ts'
import { latest } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { JsonObject } from '../model/json.ts'
import { bringUp, givenPayments } from './bring_up.ts'
import type { Emission } from './emissions.ts'
import type { Effect } from './effects.ts'
import type { FaultyNetwork, NetworkFaults } from './faults.ts'
import type { Given } from './given.ts'
import type { OtherServers } from './other_endpoints.ts'
import type { Receiver } from './receiver.ts'
import type { Scenario } from './scenario.ts'
import type { StorySettings } from './settings.ts'
import { StoryEndpoints } from './story_endpoints.ts'
import { bringUpAt, STORY_ACCOUNT } from './world.ts'
import type { FaultCount, SettableClock, World, WorldDelivery } from './world.ts'

/** What a world is put together from. */
export interface WorldParts {
  readonly sending: Sending
  readonly inbox: Inbox
  readonly receiver: Receiver
  /** The servers behind the account's other endpoints. */
  readonly others: OtherServers
  readonly network: FaultyNetwork
  readonly dialect: Dialect
  readonly clock: SettableClock
  readonly faults: NetworkFaults
  close(): Promise<void>
}

/** What the story brings. */
export interface Opening {
  readonly story: Scenario
  readonly told: StorySettings
  /** Null for dialects that sign with a key pair. */
  readonly secret: string | null
  readonly url: string
}

/** The app's user that all customers of a story belong to. */
const USER = 'story-user'
const SOURCE = 'story'
const PAGE = 200
/** Rounds of lost deliveries being sent again within one step. */
const MAX_REDELIVERIES = 2_000

/** Kinds of a provider's objects by the names that stories give them. */
const KINDS: Readonly<Record<string, keyof EntityValues>> = {
  subscription: 'subscription',
  agreement: 'subscription',
  invoice: 'invoice',
  payment: 'payment',
  payment_intent: 'payment',
  charge: 'payment',
  billing_transaction: 'payment',
  customer: 'customer',
  billing_customer: 'customer',
  checkout: 'checkout',
  billing_checkout: 'checkout',
  refund: 'refund',
}

/** Both ends on one clock, in one process, over one store. */
export class StoryWorld implements World {
  readonly #parts: WorldParts
  readonly #endpoints: StoryEndpoints
  /** Id of the last event that was handed to the runner. */
  #cursor: string | null = null
  #unhanded: Emission[] = []
  #linked = new Set<string>()
  #opening: Opening | null = null
  /** Ids by kind in the order in which they were first seen. */
  readonly #seen = new Map<string, string[]>()

  constructor(parts: WorldParts) {
    this.#parts = parts
    this.#endpoints = new StoryEndpoints(parts.sending.delivery, parts.receiver, parts.others)
  }

  get dialect(): Dialect {
    return this.#parts.dialect
  }

  get faults(): FaultCount {
    const forgeries = this.#parts.network.forgeries
    return {
      forged: forgeries.length,
      forgedTaken: forgeries.filter(({ status }) => status >= 200 && status < 300).length,
      forgedChanged: forgeries.filter(({ changed }) => changed).length,
    }
  }

  /** Makes account, endpoint and source. */
  async open(opening: Opening): Promise<void> {
    const { story, told, secret, url } = opening
    const { sending, inbox, dialect, receiver } = this.#parts
    this.#opening = opening
    await sending.billing.createAccount({
      id: STORY_ACCOUNT,
      name: story.title,
      dialect: dialect.id,
      clock: { name: story.id, now: bringUpAt(story) },
      seed: story.id,
      profile: told.profile,
      switches: told.switches,
    })
    const eventTypes = told.hasGatekeeper ? ['*'] : this.#typesButCreation()
    await this.#endpoints.create({ url, dialect: dialect.id, eventTypes, secret }, told)
    const secrets = secret === null ? [] : [secret]
    for (const one of secrets) receiver.knows(one)
    await inbox.sources.create({
      account: STORY_ACCOUNT,
      name: SOURCE,
      dialect: dialect.id,
      secrets,
      settings: {
        settleMs: 0,
        autoLink: false,
        ...(secret === null ? { jwksUrl: 'https://sender.example/jwks' } : {}),
      },
    })
  }

  async begin(given: Given): Promise<void> {
    const { sending } = this.#parts
    const payments = givenPayments(given)
    const at = bringUpAt(this.#story())
    const of = (customer: string): readonly StateEntity[] => [
      ...given.customers.filter(({ id }) => id === customer).map((value) => entity('customer', value)),
      ...given.paymentMethods
        .filter((one) => one.customer === customer)
        .map((value) => entity('payment_method', value)),
      ...given.subscriptions.filter((one) => one.customer === customer).map((value) => entity('subscription', value)),
      ...given.invoices
        .filter((one) => one.customer === customer)
        .map((value) => ({ ...value, payment: payments.find(({ invoice }) => invoice === value.id)?.id ?? null }))
        .map((value) => entity('invoice', value)),
      ...payments.filter((one) => one.customer === customer).map((value) => entity('payment', value)),
    ]
    this.#seen.set(
      'customer',
      given.customers.map(({ id }) => id),
    )
    this.#seen.set(
      'subscription',
      given.subscriptions.map(({ id }) => id),
    )
    this.#seen.set(
      'invoice',
      given.invoices.map(({ id }) => id),
    )
    await sending.billing.importEntities(STORY_ACCOUNT, {
      catalog: [
        ...given.products.map((value) => ({ kind: 'product', id: value.id, live: true, value }) as const),
        ...given.meters.map((value) => ({ kind: 'meter', id: value.id, live: true, value }) as const),
        ...given.prices.map((value) => ({ kind: 'price', id: value.id, live: true, value }) as const),
      ],
      customers: Object.fromEntries(given.customers.map(({ id }) => [id, of(id)])),
      tellings: bringUp(given, payments, {
        account: STORY_ACCOUNT,
        at,
        switches: this.#opening?.told.switches ?? {},
      }),
    })
    const { receiver } = this.#parts
    const acknowledgement = this.#opening?.told.acknowledgement
    // The receiver knows what was before the story, whatever the story then makes of its server.
    receiver.answersWith({ status: 200, until: null })
    this.#parts.clock.set(at)
    await this.#deliver(at)
    if (acknowledgement !== undefined) receiver.answersWith(acknowledgement)
    this.#parts.others.begin()
    await this.emissions()
  }

  async advanceBefore(at: Instant): Promise<void> {
    const { sending } = this.#parts
    await sending.billing.beginAdvance(STORY_ACCOUNT, at)
    for (
      let next = await sending.nextDue(STORY_ACCOUNT);
      next !== null && next < at;
      next = await sending.nextDue(STORY_ACCOUNT)
    ) {
      await this.#moveTo(next)
      await this.#settleAt(next)
    }
    await this.#moveTo(at)
  }

  async perform(effect: Effect): Promise<void> {
    const { sending, receiver, inbox } = this.#parts
    const { billing, delivery } = sending
    const request = { idempotencyKey: null, requestId: 'req_story' }
    switch (effect.kind) {
      case 'command':
        await billing.execute(STORY_ACCOUNT, effect.command, { ...request, customer: effect.customer })
        return
      case 'catalog':
        await billing.executeCatalog(STORY_ACCOUNT, effect.command, request)
        return
      case 'endpoint':
      case 'endpoint_state':
      case 'retry_delivery':
        await this.#endpoints.perform(effect)
        return
      case 'rotate_secret':
        await delivery.endpoints.rotateSecret(STORY_ACCOUNT, this.#endpoints.own, effect.secret)
        receiver.knows(effect.secret)
        await inbox.sources.addSecret(STORY_ACCOUNT, SOURCE, effect.secret, null)
    }
  }

  async settle(): Promise<void> {
    await this.#settleAt(this.#parts.clock.now())
  }

  async emissions(): Promise<readonly Emission[]> {
    await this.#collect()
    const handed = this.#unhanded
    this.#unhanded = []
    return handed
  }

  deliveries(type: string): Promise<readonly WorldDelivery[]> {
    return Promise.resolve(this.#parts.receiver.deliveries(type))
  }

  async access(customer: string | null): Promise<AccessAnswer> {
    const { inbox, receiver, clock } = this.#parts
    for (const id of receiver.customers) {
      if (this.#linked.has(id)) continue
      this.#linked.add(id)
      await inbox.access.link(STORY_ACCOUNT, USER, SOURCE, id)
    }
    const subject = customer === null ? { user: USER } : { source: SOURCE, customer }
    return inbox.access.read(STORY_ACCOUNT, subject, { at: clock.now() })
  }

  async retrieve(kind: string, id: string | null): Promise<JsonObject | null> {
    const entityKind = kindOf(kind)
    const found = id ?? (await this.#newest(entityKind))
    if (found === null) return null
    const { stored, view } = await this.#parts.sending.read(STORY_ACCOUNT, entityKind, found)
    return this.dialect.render(stored.kind, stored.value, view)
  }

  async newest(kind: string, count: number): Promise<readonly string[]> {
    return (await this.ids(kindOf(kind))).slice(-count)
  }

  async ids(kind: keyof EntityValues): Promise<readonly string[]> {
    const seen = this.#seen.get(kind) ?? []
    const fresh = (await this.#entities(kind)).filter(({ id }) => !seen.includes(id))
    const all = [...seen, ...fresh.map(({ id }) => id)]
    this.#seen.set(kind, all)
    return all
  }

  async prices() {
    const page = await this.#entities('price')
    return page.flatMap((one) => (one.kind === 'price' ? [one.value] : []))
  }

  async items() {
    const page = await this.#entities('subscription')
    return new Map(page.flatMap((one) => (one.kind === 'subscription' ? [[one.id, one.value.items] as const] : [])))
  }

  async methods() {
    const methods = await this.#entities('payment_method')
    const customers = await this.#entities('customer')
    const [first] = customers.flatMap((one) => (one.kind === 'customer' ? [one.value.defaultPaymentMethod] : []))
    return { all: methods.map(({ id }) => id), charged: first ?? null }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.close()
  }

  /** In the order of making. */
  async #entities(kind: keyof EntityValues) {
    const { store } = this.#parts.sending.billing
    const page = await store.entities({ account: STORY_ACCOUNT, kind, customer: null, after: null, limit: PAGE })
    return [...page.entities].sort((a, b) => createdAt(a) - createdAt(b))
  }

  async #newest(kind: keyof EntityValues): Promise<string | null> {
    return (await this.ids(kind)).at(-1) ?? null
  }

  async #moveTo(at: Instant): Promise<void> {
    await this.#parts.sending.billing.moveClock(STORY_ACCOUNT, at)
    this.#parts.clock.set(at)
  }

  /** Does all that is due at `at`, and lets what was lost on the network arrive. */
  async #settleAt(at: Instant): Promise<void> {
    const { sending, clock } = this.#parts
    clock.set(at)
    await sending.settle(STORY_ACCOUNT)
    await this.#deliver(at)
    clock.set(at)
    await this.#collect()
  }

  async #deliver(at: Instant): Promise<void> {
    const { sending, inbox, network, receiver, clock, faults } = this.#parts
    await sending.delivery.testClock.runDue(STORY_ACCOUNT, at)
    // Time passes on the network alone: what was lost is sent again, and the billing clock waits for it.
    if (faults.dropFirst || faults.slowMs > 0) {
      for (let round = 0; network.outstanding > 0 && receiver.healthy && round < MAX_REDELIVERIES; round += 1) {
        const due = await sending.delivery.testClock.nextDue(STORY_ACCOUNT)
        if (due === null) break
        clock.set(latest(at, due))
        await sending.delivery.testClock.runDue(STORY_ACCOUNT, due)
        clock.set(at)
        await sending.settle(STORY_ACCOUNT)
      }
    }
    await network.flush()
    await inbox.settle()
  }

  async #collect(): Promise<void> {
    const { sending, dialect } = this.#parts
    const search = { dialect: dialect.id, order: 'oldest' } as const
    for (let more = true; more;) {
      const page = await sending.delivery.inspection.events(STORY_ACCOUNT, search, {
        cursor: this.#cursor,
        limit: PAGE,
      })
      for (const event of page.items) {
        const body: unknown = JSON.parse(event.body)
        if (isObject(body)) this.#unhanded.push({ type: event.type, body })
      }
      this.#cursor = page.items.at(-1)?.id ?? this.#cursor
      more = page.items.length === PAGE
    }
  }

  #typesButCreation(): readonly string[] {
    return this.dialect.catalogue.filter(({ carries }) => !carries.includes('invoice_drafted')).map(({ type }) => type)
  }

  #story(): Scenario {
    if (this.#opening === null) throw new BillhookError('internal_invariant', 'the world was not opened')
    return this.#opening.story
  }
}

/** What a story's name for a kind of object stands for; lists have the plural. @throws BillhookError `scenario_invalid` */
function kindOf(name: string): keyof EntityValues {
  const kind = KINDS[name] ?? KINDS[name.replace(/s$/, '')]
  if (kind !== undefined) return kind
  throw new BillhookError(
    'scenario_invalid',
    `state: ${JSON.stringify(name)} is not a kind of object; known are ${Object.keys(KINDS).join(', ')}`,
  )
}

function createdAt(stored: { readonly value: { readonly createdAt?: Instant } | object }): number {
  return 'createdAt' in stored.value && typeof stored.value.createdAt === 'number' ? stored.value.createdAt : 0
}

function entity<K extends StateEntity['kind']>(
  kind: K,
  value: Extract<StateEntity, { kind: K }>['value'] & { readonly id: string },
): StateEntity {
  const made = { kind, id: value.id, value }
  if (!isStateEntity(made)) throw new BillhookError('internal_invariant', `${kind} is not kept in a state`)
  return made
}

function isStateEntity(made: { readonly kind: string; readonly id: string }): made is StateEntity {
  return made.id !== ''
}
