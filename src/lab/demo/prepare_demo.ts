/**
 * Real deliveries to show one's work with: the billing engine runs the lives of four customers, one at each provider, on
 * a clock of its own, and what the providers would have sent is kept and sealed for the present.
 */
import { createPublicKey } from 'node:crypto'
import { createSending } from '../../app/sending/create_sending.ts'
import type { Sending } from '../../app/sending/create_sending.ts'
import type { Dialect, Notification, Sealed, SealingKeys } from '../../dialects/dialect.ts'
import { dialectOf, DIALECTS, profileFor } from '../../dialects/registry.ts'
import type { Command } from '../../model/commands.ts'
import { addMs, DAY_MS, HOUR_MS } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import { money } from '../../model/money.ts'
import type { Observation } from '../../model/observations.ts'
import type { HttpClient, HttpRequest } from '../../ports/http.ts'
import { newSigningKey } from '../../runtime/jwks.ts'
import { NO_LOG } from '../../runtime/logger.ts'
import { createMetrics } from '../../runtime/metrics.ts'
import { createSandboxPayments } from '../../runtime/payments_sandbox.ts'
import { createSecretBox } from '../../runtime/secret_box.ts'
import { createSystemRandom } from '../../runtime/system_random.ts'
import { openDatabase } from '../../storage/open_store.ts'

/** One provider's part: how its deliveries are opened, and what it sends. */
export interface DemoSource {
  /** Name of the source. */
  readonly name: string
  readonly dialect: Dialect
  readonly secrets: readonly string[]
  /** The key set of a provider that signs tokens; else null. */
  readonly keySet: unknown
  /** The app's own id of the user, and the provider's of the customer. */
  readonly user: string
  readonly customer: string
  /** What happened to the customer, in words. */
  readonly life: string
  readonly notifications: readonly Notification[]
  /** The request as the provider would send it at `at`. */
  seal(notification: Notification, at: Instant): Sealed
}

interface Life {
  readonly user: string
  readonly words: string
  /** How long before now it begins. */
  readonly beganMs: number
  readonly live: (world: DemoWorld) => Promise<void>
}

/**
 * The lives, by what a provider's profile makes possible: agreements of a provider that signs tokens, an authorization
 * before the first charge, or a card on file. None is longer ago than that provider's own guard against replays allows.
 */
const LIVES: {
  readonly agreements: Life
  readonly authorized: Life
  readonly cards: readonly Life[]
} = {
  agreements: {
    user: 'carla',
    words: 'signed up on Basic yesterday and changed to Pro ten hours later',
    beganMs: 20 * HOUR_MS,
    live: async (world) => {
      await world.run({ kind: 'agreement.create', id: null, plan: 'basic' })
      await world.wait(10 * HOUR_MS)
      await world.run({ kind: 'agreement.create', id: null, plan: 'pro' })
    },
  },
  authorized: {
    user: 'bela',
    words: 'authorised a weekly plan eight days ago, was charged twice, and canceled for the end of the week',
    beganMs: 8 * DAY_MS,
    live: async (world) => {
      const id = await world.run({ kind: 'subscription.create', id: null, items: [{ price: 'weekly', quantity: 1 }] })
      await world.run({ kind: 'subscription.authorize', id, outcome: null, method: null })
      await world.wait(7 * DAY_MS + 2 * HOUR_MS)
      await world.run({ kind: 'subscription.cancel', id, when: 'period_end', by: 'customer', reason: null })
    },
  },
  cards: [
    {
      user: 'anna',
      words: 'pays monthly; the card was declined at the last renewal, and the provider tries again',
      beganMs: 32 * DAY_MS,
      live: async (world) => {
        await world.run({ kind: 'subscription.create', id: null, items: [{ price: 'pro', quantity: 1 }] })
        await world.wait(DAY_MS)
        await world.run({ kind: 'payment_method.script', id: null, behavior: 'insufficient_funds' })
      },
    },
    {
      user: 'dora',
      words: 'tried for three days, paid once, and canceled at once',
      beganMs: 6 * DAY_MS,
      live: async (world) => {
        const id = await world.run({
          kind: 'subscription.create',
          id: null,
          items: [{ price: 'pro', quantity: 1 }],
          trialDays: 3,
        })
        await world.wait(5 * DAY_MS)
        await world.run({ kind: 'subscription.cancel', id, when: 'now', by: 'customer', reason: null })
      },
    },
  ],
}

/**
 * Lets four customers live up to `now`, and keeps the notifications that their providers would have sent.
 *
 * @param temporaryFolder where the engine's own store is created for the time being
 */
export async function prepareDemo(now: Instant, temporaryFolder: string): Promise<readonly DemoSource[]> {
  const families = [...new Map(DIALECTS.map((dialect) => [dialect.family, dialect])).values()]
  const cards = [...LIVES.cards]
  const sources: DemoSource[] = []
  for (const dialect of families) {
    const life = lifeFor(dialect, cards)
    if (life !== undefined) sources.push(await live(dialect, life, { now, temporaryFolder }))
  }
  return sources
}

/** The life that a provider's profile makes possible; undefined for our own dialect, and once all are given out. */
function lifeFor(dialect: Dialect, cards: Life[]): Life | undefined {
  const { id, family, rotation } = dialect
  if (rotation.kind === 'key_set') return LIVES.agreements
  if (profileFor(id).start.firstPayment === 'authorize') return LIVES.authorized
  const isOurs = id === family && rotation.kind === 'sign_with_all'
  return isOurs ? undefined : cards.shift()
}

async function live(
  dialect: Dialect,
  life: Life,
  { now, temporaryFolder }: { readonly now: Instant; readonly temporaryFolder: string },
): Promise<DemoSource> {
  const random = createSystemRandom()
  const database = await openDatabase({ dataFolder: null, temporaryFolder })
  try {
    const wire = new Wire()
    const begin = addMs(now, -life.beganMs)
    const sending = createSending({
      database,
      clock: { now: () => now, until: () => Promise.resolve() },
      random,
      log: NO_LOG,
      metrics: createMetrics(),
      secretBox: createSecretBox(random.bytes(32)),
      guard: { check: () => Promise.resolve({ ok: true }) },
      http: wire,
      dialect: dialectOf,
      mailer: { send: () => Promise.resolve() },
      payments: createSandboxPayments(),
    })
    const world = await DemoWorld.create(sending, dialect, begin)
    await life.live(world)
    await world.until(now)
    const notifications = wire.taken.flatMap((request) => readBack(dialect, request))
    const sealing = await sealingOf(dialect, random.bytes(32))
    return {
      name: `demo-${dialect.family}`,
      dialect,
      secrets: sealing.keys.secrets,
      keySet: sealing.keySet,
      user: life.user,
      customer: customerIn(dialect, notifications),
      life: life.words,
      notifications,
      seal: (notification, at) => dialect.seal(notification, sealing.keys, at),
    }
  } finally {
    await database.close()
  }
}

function readBack(dialect: Dialect, { headers, body }: HttpRequest): readonly Notification[] {
  const read = body === null ? null : dialect.read({ headers, body }, { at: null, toleranceMs: null })
  return read?.ok === true ? [read.notification] : []
}

/** The customer as the provider names it. */
function customerIn(dialect: Dialect, notifications: readonly Notification[]): string {
  for (const notification of notifications) {
    for (const observation of dialect.decode(notification).observations) {
      const customer = customerOf(observation)
      if (customer !== null) return customer
    }
  }
  return ''
}

function customerOf(observation: Observation): string | null {
  if (observation.kind === 'happening') return observation.customer
  if (observation.object !== 'subscription') return null
  return (observation.kind === 'snapshot' ? observation.value : observation.fields).customer ?? null
}

async function sealingOf(
  dialect: Dialect,
  random: Uint8Array,
): Promise<{ readonly keys: SealingKeys; readonly keySet: unknown }> {
  const secret = dialect.newSecret(random)
  if (secret !== null) return { keys: { secrets: [secret], signingKey: null }, keySet: null }
  const signingKey = await newSigningKey()
  const jwk = createPublicKey(signingKey.privateKeyPem).export({ format: 'jwk' })
  return {
    keys: { secrets: [], signingKey },
    keySet: { keys: [{ ...jwk, kid: signingKey.keyId, use: 'sig', alg: 'RS256' }] },
  }
}

/** The network of the engine: it keeps what is sent, and acknowledges it. */
class Wire implements HttpClient {
  readonly taken: HttpRequest[] = []

  send(request: HttpRequest): ReturnType<HttpClient['send']> {
    this.taken.push(request)
    const timing = { connectMs: 0, firstByteMs: 0, totalMs: 0 }
    return Promise.resolve({ ok: true, status: 200, headers: {}, body: new Uint8Array(), truncated: false, timing })
  }
}

const ACCOUNT = 'demo'

/** The account of one provider on a test clock, with one customer. */
class DemoWorld {
  readonly #sending: Sending
  #customer = ''

  private constructor(sending: Sending) {
    this.#sending = sending
  }

  static async create(sending: Sending, dialect: Dialect, begin: Instant): Promise<DemoWorld> {
    await sending.billing.createAccount({
      id: ACCOUNT,
      name: 'Demo',
      dialect: dialect.id,
      clock: { name: null, now: begin },
    })
    await sending.delivery.endpoints.create(ACCOUNT, {
      url: 'https://receiver.example/in/demo',
      dialect: dialect.id,
      // What says nothing about billing would only fill the screen.
      eventTypes: dialect.catalogue.filter(({ carries }) => carries.length > 0).map(({ type }) => type),
    })
    const world = new DemoWorld(sending)
    await world.#fill()
    return world
  }

  /** @returns the id of what the command was about */
  async run(command: Command): Promise<string> {
    const options = { customer: this.#customer === '' ? null : this.#customer, idempotencyKey: null, requestId: null }
    const { subject, customer } = await this.#sending.billing.execute(ACCOUNT, command, options)
    this.#customer = customer
    await this.#sending.settle(ACCOUNT)
    return subject?.id ?? ''
  }

  async wait(ms: number): Promise<void> {
    await this.until(addMs(this.#sending.billing.now(await this.#sending.billing.account(ACCOUNT)), ms))
  }

  async until(at: Instant): Promise<void> {
    await this.#sending.advance(ACCOUNT, at)
  }

  async #fill(): Promise<void> {
    const { billing } = this.#sending
    const options = { idempotencyKey: null, requestId: null }
    const product = { kind: 'product.create', id: null, name: 'Atelier', description: null, features: [] } as const
    const { subject } = await billing.executeCatalog(ACCOUNT, product, options)
    const plans = [
      { code: 'basic', name: 'Basic', unit: 'month', minor: 900n },
      { code: 'pro', name: 'Pro', unit: 'month', minor: 2900n },
      { code: 'weekly', name: 'Weekly', unit: 'week', minor: 49_900n },
    ] as const
    for (const { code, name, unit, minor } of plans) {
      const price = {
        kind: 'price.create',
        id: null,
        product: subject?.id ?? '',
        code,
        name,
        group: 'plans',
        currency: unit === 'week' ? 'INR' : 'EUR',
        interval: { unit, count: 1 },
        scheme: 'per_unit',
        unitAmount: money(minor, unit === 'week' ? 'INR' : 'EUR'),
        tiers: [],
        usage: 'licensed',
        meter: null,
        billed: null,
      } as const
      await billing.executeCatalog(ACCOUNT, price, options)
    }
    await this.run({
      kind: 'customer.create',
      fields: { name: 'A customer', email: 'customer@example.com' },
      method: CARD,
    })
  }
}

const CARD = {
  id: null,
  type: 'card',
  brand: 'visa',
  last4: '4242',
  expMonth: 12,
  expYear: 2034,
  behavior: 'pays',
  script: [],
} as const
