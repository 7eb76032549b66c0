import { formatInstantShort, parseInstant } from '../model/instant.ts'
import type { AccessAnswer } from '../model/access.ts'
import type { Instant } from '../model/instant.ts'
import type { JsonObject } from '../model/json.ts'
import { messageOf } from '../model/error.ts'
import { wordsOf } from '../dialects/registry.ts'
import { effectsOf } from './actions.ts'
import type { ActionContext } from './effects.ts'
import { compareEmissions, forbidden, holds } from './emissions.ts'
import type { Emission, Line } from './emissions.ts'
import { buildGiven } from './given.ts'
import { mismatches } from './match.ts'
import type { Mismatch } from './match.ts'
import type { ExpectedAccess, ExpectedDelivery, Scenario, Step } from './scenario.ts'
import { bringUpAt } from './world.ts'
import type { World, WorldDelivery } from './world.ts'
import type { BillingProfile } from '../model/profile.ts'

/** What one step of a story came to. */
export interface StepReport {
  readonly at: Instant
  readonly events: readonly Line[]
  readonly state: readonly Mismatch[]
  readonly access: readonly Mismatch[]
  readonly deliveries: readonly Mismatch[]
  /** What went wrong before anything could be compared. */
  readonly error: string | null
  /** What was emitted, for the reader. */
  readonly emitted: readonly string[]
}

/** What playing a story came to. */
export interface StoryReport {
  readonly story: string
  readonly title: string
  readonly mode: string
  readonly ok: boolean
  /** Assertions that were checked. */
  readonly asserted: number
  readonly steps: readonly StepReport[]
  /** Faults of the whole story, for example a forged delivery that was taken. */
  readonly faults: readonly string[]
  readonly open: readonly string[]
  /** What the story says that means nothing here: no assertion is among it. */
  readonly notes: readonly string[]
}

/** What is asserted in a mode of the runner. */
export interface Assertions {
  readonly mode: string
  /** False where a fault may delay what is emitted. */
  readonly emissions: boolean
  /** False where a fault adds attempts of its own. */
  readonly deliveries: boolean
  /** Sees what each step emitted. */
  readonly observe?: (at: Instant, emitted: readonly Emission[]) => void
}

/**
 * Plays a story in a world and compares what happened with what it expects.
 *
 * @throws BillhookError `scenario_invalid` for an object or action that cannot be read
 */
export async function playStory(
  story: Scenario,
  world: World,
  profile: BillingProfile,
  assertions: Assertions,
): Promise<StoryReport> {
  const words = wordsOf(world.dialect)
  const { boundary, dunning } = profile
  const attempts = dunning.retriesMs.length + 1
  const given = buildGiven(story, { start: story.clock.start, madeAt: bringUpAt(story), words, boundary, attempts })
  await world.begin(given)
  const player = new Player(story, world, assertions)
  const steps: StepReport[] = []
  for (const step of story.steps) {
    const report = await player.play(step)
    steps.push(report)
    if (report.error !== null) break
  }
  await player.checkDeliveries(steps)
  const faults = player.faults()
  const ok = faults.length === 0 && steps.length === story.steps.length && steps.every(stepHolds)
  return {
    story: story.id,
    title: story.title,
    mode: assertions.mode,
    ok,
    asserted: player.asserted,
    steps,
    faults,
    open: story.open,
    notes: [...given.notes, ...player.notes],
  }
}

/** True if every asserted line of a step held. */
export function stepHolds(step: StepReport): boolean {
  return (
    step.error === null &&
    step.events.every(holds) &&
    step.state.length === 0 &&
    step.access.length === 0 &&
    step.deliveries.length === 0
  )
}

class Player {
  asserted = 0
  readonly notes: string[] = []
  readonly #story: Scenario
  readonly #world: World
  readonly #assertions: Assertions
  /** Every type that the story names somewhere. */
  readonly #named: ReadonlySet<string>
  #lastAccess: AccessAnswer | null = null

  constructor(story: Scenario, world: World, assertions: Assertions) {
    this.#story = story
    this.#world = world
    this.#assertions = assertions
    const types = story.steps.flatMap(({ events, never }) => [
      ...(events ?? []).map(({ type }) => type),
      ...never.map(({ type }) => type),
    ])
    this.#named = new Set([...types, ...story.never.map(({ type }) => type)])
  }

  async play(step: Step): Promise<StepReport> {
    try {
      return await this.#play(step)
    } catch (error) {
      const emitted = (await this.#world.emissions()).map(({ type }) => type)
      return { at: step.at, events: [], state: [], access: [], deliveries: [], error: messageOf(error), emitted }
    }
  }

  faults(): readonly string[] {
    const { forged, forgedTaken, forgedChanged } = this.#world.faults
    const faults: string[] = []
    if (forgedTaken > 0) faults.push(`${forgedTaken} of ${forged} forged deliveries were taken`)
    if (forgedChanged > 0)
      faults.push(`${forgedChanged} of ${forged} forged deliveries changed what the receiver knows`)
    this.asserted += forged
    return faults
  }

  async #play(step: Step): Promise<StepReport> {
    const world = this.#world
    await world.advanceBefore(step.at)
    for (const action of step.when) {
      for (const effect of effectsOf(action, await this.#context(), this.notes)) await world.perform(effect)
    }
    await world.settle()
    const emitted = await world.emissions()
    this.#assertions.observe?.(step.at, emitted)
    return {
      at: step.at,
      events: this.#events(step, emitted),
      state: await this.#state(step),
      access: step.access === undefined ? [] : await this.#access(step.access),
      deliveries: [],
      error: null,
      emitted: emitted.map(({ type }) => type),
    }
  }

  async #context(): Promise<ActionContext> {
    const world = this.#world
    const kinds = ['subscription', 'invoice', 'payment', 'checkout'] as const
    const newest = new Map<string, readonly string[]>()
    for (const kind of kinds) newest.set(kind, await world.ids(kind))
    const prices = await world.prices()
    const customers = await world.ids('customer')
    const methods = await world.methods()
    const items = await world.items()
    return {
      words: wordsOf(world.dialect),
      currency: prices[0]?.currency ?? 'USD',
      customer: customers[0] ?? null,
      methods: methods.all,
      method: methods.charged,
      latest: (kind, index) => {
        const ids = newest.get(kind) ?? []
        return (index === undefined ? ids.at(-1) : ids[index]) ?? null
      },
      price: (name) => prices.find(({ id, code }) => id === name || code === name)?.id ?? null,
      anyPrice: prices[0]?.id ?? null,
      held: (subscription) => items.get(subscription) ?? [],
      holderOf: (item) => [...items].find(([, held]) => held.some(({ id }) => id === item))?.[0] ?? null,
    }
  }

  #events(step: Step, emitted: readonly Emission[]): readonly Line[] {
    if (!this.#assertions.emissions) return []
    const never = [...step.never, ...this.#story.never]
    this.asserted += (step.events?.length ?? 0) + never.length
    const compared = step.events === undefined ? [] : compareEmissions(step.events, emitted, this.#named)
    return [...compared, ...forbidden(never, emitted)]
  }

  async #state(step: Step): Promise<readonly Mismatch[]> {
    if (step.state === undefined || !this.#assertions.emissions) return []
    const found: Mismatch[] = []
    for (const [kind, one] of Object.entries(step.state)) {
      if (!isList(one)) found.push(...(await this.#object(kind, one)))
      else {
        const ids = await this.#world.newest(kind, one.length)
        for (const [index, each] of one.entries())
          found.push(...(await this.#object(kind, { id: ids[index] ?? '', ...each })))
      }
    }
    return found
  }

  async #object(kind: string, { id, ...expected }: JsonObject): Promise<readonly Mismatch[]> {
    this.asserted += Object.keys(expected).length
    const object = id === '' ? null : await this.#world.retrieve(kind, typeof id === 'string' ? id : null)
    if (object === null) {
      const found = `nothing: there is none, or ${this.#world.dialect.id} has no such object`
      return [{ path: kind, expected: JSON.stringify(expected), found }]
    }
    return mismatches(expected, { data: object }).map((fault) => ({ ...fault, path: `${kind}.${fault.path}` }))
  }

  async #access(expected: ExpectedAccess): Promise<readonly Mismatch[]> {
    const answer = await this.#world.access(expected.customer ?? null)
    const before = this.#lastAccess
    this.#lastAccess = answer
    const found: Mismatch[] = []
    const differs = (path: string, wanted: unknown, got: unknown): void => {
      this.asserted += 1
      if (wanted !== got) found.push({ path: `access.${path}`, expected: show(wanted), found: show(got) })
    }
    if (expected.granted !== undefined) differs('granted', expected.granted, answer.allowed)
    if (expected.until !== undefined) differs('until', time(expected.until), time(answer.paidThrough))
    if (expected.plan !== undefined) differs('plan', expected.plan, answer.plan)
    if (expected.level !== undefined) differs('level', expected.level, answer.level)
    if (expected.sure !== undefined) differs('sure', expected.sure, answer.sure)
    for (const feature of expected.features ?? [])
      differs(`features ${feature}`, true, answer.features.includes(feature))
    if (expected.unchanged === true) {
      differs('granted (unchanged)', before?.allowed ?? false, answer.allowed)
      differs('until (unchanged)', time(before?.paidThrough ?? null), time(answer.paidThrough))
    }
    if (found.length > 0) found.push({ path: 'access.why', expected: expected.why ?? '', found: reasons(answer) })
    return found
  }

  /** Deliveries are compared when the story is over: their last attempt may lie in a later step. */
  async checkDeliveries(steps: StepReport[]): Promise<void> {
    for (const [index, step] of this.#story.steps.entries()) {
      const report = steps[index]
      if (report !== undefined) steps[index] = { ...report, deliveries: await this.#deliveries(step) }
    }
  }

  async #deliveries(step: Step): Promise<readonly Mismatch[]> {
    if (step.deliveries === undefined || !this.#assertions.deliveries) return []
    const found: Mismatch[] = []
    for (const [name, expected] of Object.entries(step.deliveries)) {
      const [type = '', number] = name.split('#')
      // Those of the story: what was told before it began is not counted.
      const all = (await this.#world.deliveries(type)).filter((one) => one.createdAt >= this.#story.clock.start)
      const upToHere = all.filter((one) => one.createdAt <= step.at)
      const delivery = number === undefined ? upToHere.at(-1) : all[Number(number) - 1]
      if (delivery === undefined) found.push({ path: name, expected: 'a delivery', found: 'nothing' })
      else found.push(...this.#delivery(name, expected, delivery))
    }
    return found
  }

  #delivery(name: string, expected: ExpectedDelivery, delivery: WorldDelivery): readonly Mismatch[] {
    const found: Mismatch[] = []
    const differs = (path: string, wanted: unknown, got: unknown): void => {
      this.asserted += 1
      if (show(wanted) !== show(got)) found.push({ path: `${name}.${path}`, expected: show(wanted), found: show(got) })
    }
    const { attempts } = delivery
    if (expected.results !== undefined) {
      const statuses = attempts.map(({ status }) => status)
      differs('results', expected.results, statuses.slice(0, expected.results.length))
    }
    if (expected.attempts_at !== undefined) {
      const wanted = expected.attempts_at
      const times = attempts.slice(0, wanted.length).map(({ at }, index) => timeLike(wanted[index] ?? '', at))
      differs('attempts_at', wanted, times)
    }
    if (expected.retried !== undefined) differs('retried', expected.retried, attempts.length > 1)
    if (expected.signed_with !== undefined) differs('signed_with', expected.signed_with, attempts.at(-1)?.signedWith)
    const header = expected.same_header?.toLowerCase()
    if (header !== undefined) {
      const values = new Set(attempts.map(({ headers }) => headers[header] ?? 'no such header'))
      differs(`same_header ${header}`, 1, values.size)
    }
    return found
  }
}

/** A time as a story writes it: `05:00`, `05:00:10`, or whole. */
function timeLike(written: string, at: Instant): string {
  if (parseInstant(written) === at) return written
  const whole = formatInstantShort(at)
  if (/^\d\d:\d\d$/.test(written)) return whole.slice(11, 16)
  return /^\d\d:\d\d:\d\d$/.test(written) ? whole.slice(11, 19) : whole
}

function isList(value: JsonObject | readonly JsonObject[]): value is readonly JsonObject[] {
  return Array.isArray(value)
}

function time(at: Instant | null): string {
  return at === null ? 'none' : formatInstantShort(at)
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null)
}

function reasons(answer: AccessAnswer): string {
  const lines = answer.subscriptions.map(
    ({ subscription, status, allowed, paidThrough }) =>
      `${subscription ?? 'no subscription'} ${status}, ${allowed ? 'allowed' : 'not allowed'}, paid through ${time(paidThrough)}`,
  )
  return [...lines, ...answer.why.map(({ words }) => words)].join('; ')
}
