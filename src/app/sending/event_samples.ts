import { createMinter } from '../../billing/mint.ts'
import { Step } from '../../billing/step.ts'
import type { StepSettings } from '../../billing/step.ts'
import type { Dialect, Notification } from '../../dialects/dialect.ts'
import { profileFor } from '../../dialects/registry.ts'
import { decideCatalog } from '../../lifecycle/catalog.ts'
import { EMPTY_CATALOG, entitiesOf } from '../../lifecycle/state.ts'
import type { Catalog } from '../../lifecycle/state.ts'
import { addMs, DAY_MS } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { Account, Aggregate } from '../../ports/billing_store.ts'
import type { Publication } from '../../ports/outbox.ts'
import { createSandboxPayments } from '../../runtime/payments_sandbox.ts'
import { SAMPLE_BEGIN, SAMPLE_CATALOG, SAMPLE_LIVES } from './sample_lives.ts'
import type { Scene } from './sample_lives.ts'

/** By type: a notification as it would be sent. */
export type Samples = ReadonlyMap<string, Notification>

/** Things of one life that fall due between two of its commands: more is a defect. */
const MAX_DUE = 500

/**
 * A sample of every event type of a dialect that the engine can bring about: a few short lives of customers are lived
 * through on copies that nobody keeps, billed by the dialect's own profile.
 */
export async function sampleEvents(dialect: Dialect): Promise<Samples> {
  const samples = new Map<string, Notification>()
  const { catalog, publications } = makeCatalog(dialect)
  const told: Publication[] = [...publications]
  for (const [i, life] of SAMPLE_LIVES.entries()) {
    const customer = `sample_customer_${i + 1}`
    told.push(...(await new Life(dialect, catalog, customer).live(life)))
  }
  for (const { told: fact, view, fact: id, at } of told)
    for (const notification of dialect.encode(fact, view, { fact: id, at }))
      if (!samples.has(notification.type)) samples.set(notification.type, notification)
  return samples
}

function accountOf(dialect: Dialect): Account {
  return {
    id: 'sample',
    name: 'Sample',
    dialect: dialect.id,
    livemode: false,
    clock: { id: 'clock_sample', name: null, now: SAMPLE_BEGIN, target: null },
    seed: 'samples',
    profile: {},
    switches: {},
    ownerEmail: null,
    createdAt: SAMPLE_BEGIN,
  }
}

function makeCatalog(dialect: Dialect): { readonly catalog: Catalog; readonly publications: readonly Publication[] } {
  const { id, livemode, seed } = accountOf(dialect)
  const minter = createMinter(seed, '', 0)
  let catalog = EMPTY_CATALOG
  const publications: Publication[] = []
  for (const command of SAMPLE_CATALOG) {
    const decision = decideCatalog(command, catalog, {
      at: SAMPLE_BEGIN,
      account: id,
      livemode,
      profile: profileFor(dialect.id),
      mint: (kind) => minter.mint(kind),
      request: null,
    })
    if (!decision.ok) continue
    catalog = decision.catalog
    for (const { told, view } of decision.tellings)
      publications.push({ fact: minter.mint('fact'), told, view, at: SAMPLE_BEGIN })
  }
  return { catalog, publications }
}

/** One customer's life: the engine's own steps, with nothing stored. */
class Life {
  readonly #settings: Omit<StepSettings, 'at'>
  readonly #customer: string
  readonly #told: Publication[] = []
  #aggregate: Aggregate | null = null
  #dueAt: Instant | null = null
  #now: Instant = SAMPLE_BEGIN

  constructor(dialect: Dialect, catalog: Catalog, customer: string) {
    const profile = profileFor(dialect.id)
    const payments = createSandboxPayments()
    this.#settings = { account: accountOf(dialect), profile, catalog, gatekeepers: false, request: null, payments }
    this.#customer = customer
  }

  async live(scenes: readonly Scene[]): Promise<readonly Publication[]> {
    for (const scene of scenes) {
      if (typeof scene !== 'function' && 'days' in scene) await this.#pass(addMs(this.#now, scene.days * DAY_MS))
      else await this.#act(scene)
    }
    return this.#told
  }

  async #act(scene: Exclude<Scene, { readonly days: number }>): Promise<void> {
    const step = this.#step()
    const command = typeof scene === 'function' ? scene(step.state) : scene
    // What this profile does not know is left out of the life.
    if (command === null || !(await step.command(command)).ok) return
    this.#keep(step)
  }

  async #pass(until: Instant): Promise<void> {
    for (let i = 0; i < MAX_DUE && this.#dueAt !== null && this.#dueAt <= until; i += 1) {
      if (this.#dueAt > this.#now) this.#now = this.#dueAt
      const step = this.#step()
      await step.advance()
      this.#keep(step)
    }
    this.#now = until
  }

  #step(): Step {
    return new Step({ ...this.#settings, at: this.#now }, this.#customer, this.#aggregate)
  }

  #keep(step: Step): void {
    const { minted, dueAt } = step.change()
    this.#told.push(...step.publications)
    this.#dueAt = dueAt
    this.#aggregate = {
      account: this.#settings.account.id,
      customer: this.#customer,
      entities: entitiesOf(step.state).map((entity) => ({ ...entity, live: true })),
      minted,
      version: (this.#aggregate?.version ?? 0) + 1,
    }
  }
}
