import type { CatalogCommand, Command, PaymentOutcome } from '../../src/model/commands.ts'
import type { Customer, Invoice, Payment, SandboxBehavior, Subscription } from '../../src/model/entities.ts'
import { addMs, DAY_MS, formatInstantShort, instant, parseInstant } from '../../src/model/instant.ts'
import type { Instant } from '../../src/model/instant.ts'
import { money } from '../../src/model/money.ts'
import type { BillingProfile } from '../../src/model/profile.ts'
import { decideCatalog } from '../../src/lifecycle/catalog.ts'
import { advance, decide, due } from '../../src/lifecycle/decide.ts'
import { EMPTY_CATALOG, emptyState } from '../../src/lifecycle/state.ts'
import type { Catalog, Context, CustomerState, Decision, Telling } from '../../src/lifecycle/state.ts'

export function at(text: string): Instant {
  const value = parseInstant(text)
  if (value === null) throw new Error(`${text} is no instant`)
  return value
}

/** A shell round the engine for tests: one customer, a sandbox that answers at once, a clock that is moved by hand. */
export class Bench {
  readonly profile: BillingProfile
  now: Instant
  catalog: Catalog = EMPTY_CATALOG
  state: CustomerState
  readonly tellings: Telling[] = []
  /** Everything told, since the last {@link heard}. */
  readonly fresh: Telling[] = []
  gatekeepers = false
  /** True: charges are left undecided. */
  holdCharges = false
  refundsFail = false
  #minted = 0
  readonly #later: { at: Instant; payment: string; attempt: number; outcome: PaymentOutcome }[] = []

  constructor(profile: BillingProfile, start: string, customer = 'cus_1') {
    this.profile = profile
    this.now = at(start)
    this.state = emptyState(customer)
  }

  context(): Context {
    return {
      at: this.now,
      account: 'acct_1',
      livemode: false,
      profile: this.profile,
      catalog: this.catalog,
      mint: (kind) => `${kind}_${(this.#minted += 1)}`,
      request: null,
      gatekeepers: this.gatekeepers,
    }
  }

  sell(command: CatalogCommand): void {
    const decision = decideCatalog(command, this.catalog, this.context())
    if (!decision.ok) throw new Error(decision.message)
    this.catalog = decision.catalog
  }

  /** A monthly price per unit unless said otherwise. */
  price(
    id: string,
    minor: number,
    currency = 'EUR',
    extra: Partial<Extract<CatalogCommand, { kind: 'price.create' }>> = {},
  ): void {
    if (this.catalog.products[`prod_${id}`] === undefined)
      this.sell({ kind: 'product.create', id: `prod_${id}`, name: id, description: null, features: [] })
    this.sell({
      kind: 'price.create',
      id,
      product: `prod_${id}`,
      code: null,
      name: id,
      group: 'plans',
      currency,
      interval: { unit: 'month', count: 1 },
      scheme: 'per_unit',
      unitAmount: money(minor, currency),
      tiers: [],
      usage: 'licensed',
      meter: null,
      billed: null,
      ...extra,
    })
  }

  customer(behavior: SandboxBehavior | null = 'pays'): void {
    this.ok({
      kind: 'customer.create',
      fields: { name: 'C', email: 'c@example.com' },
      method: behavior === null ? null : method('pm_1', behavior),
    })
  }

  /** Applies a command and what it causes; the answer of the engine. */
  tell(command: Command): Decision {
    const decision = decide(command, this.state, this.context())
    if (decision.ok) this.#take(decision)
    return decision
  }

  /** Applies a command that must be possible. */
  ok(command: Command): Decision & { ok: true } {
    const decision = this.tell(command)
    if (!decision.ok) throw new Error(`${command.kind}: ${decision.code}: ${decision.message}`)
    return decision
  }

  /** Moves the clock, doing everything that is due on the way. */
  advance(to: string | Instant): void {
    const target = typeof to === 'string' ? at(to) : to
    for (let guard = 0; guard < 3000; guard += 1) {
      const next = this.next()
      if (next === null || next > target) break
      if (next > this.now) this.now = next
      const index = this.#later.findIndex((answer) => answer.at <= this.now)
      if (index >= 0) {
        const [answer] = this.#later.splice(index, 1)
        // What has left the state meanwhile was decided: the answer comes too late.
        if (answer !== undefined) this.tell({ kind: 'payment.decided', ...answer })
        continue
      }
      this.#take(advance(this.state, this.context()))
    }
    const stuck = this.next()
    if (stuck !== null && stuck <= target) throw new Error(`the clock stands still at ${formatInstantShort(this.now)}`)
    this.now = target
  }

  next(): Instant | null {
    const own = due(this.state, this.context())
    const answers = this.#later.map((answer) => answer.at)
    const all = [...answers, ...(own === null ? [] : [own])]
    return all.length === 0 ? null : instant(Math.min(...all))
  }

  #take(decision: Decision & { ok: true }): void {
    this.state = decision.state
    this.tellings.push(...decision.tellings)
    this.fresh.push(...decision.tellings)
    for (const refund of decision.refunds) {
      const outcome = this.refundsFail
        ? ({ outcome: 'failed', message: 'x' } as const)
        : ({ outcome: 'succeeded' } as const)
      this.ok({ kind: 'refund.decided', refund: refund.refundId, outcome })
    }
    if (this.holdCharges) return
    for (const charge of decision.charges) {
      const behavior = this.#behavior(charge.methodId, charge.attempt)
      const command = { kind: 'payment.decided' as const, payment: charge.paymentId, attempt: charge.attempt }
      if (behavior === 'processing_then_pays' || behavior === 'processing_then_fails') {
        const later = addMs(this.now, 3 * DAY_MS)
        this.ok({ ...command, outcome: { outcome: 'later', reference: null, expectedAt: later } })
        const outcome = outcomeOf(behavior === 'processing_then_pays' ? 'pays' : 'declines')
        this.#later.push({ at: later, payment: charge.paymentId, attempt: charge.attempt, outcome })
        continue
      }
      this.ok({ ...command, outcome: outcomeOf(behavior) })
    }
  }

  #behavior(methodId: string | null, attempt: number): SandboxBehavior {
    const method = methodId === null ? undefined : this.state.paymentMethods[methodId]
    if (method === undefined) return 'declines'
    return method.script[attempt - 1] ?? method.behavior
  }

  script(behavior: SandboxBehavior): void {
    this.ok({ kind: 'payment_method.script', id: null, behavior })
  }

  /** What has been told since the last call, by kind. */
  heard(): string[] {
    const kinds = this.fresh.map(({ told }) => told.kind)
    this.fresh.length = 0
    return kinds
  }

  /** The latest telling of a kind. */
  last(kind: string): Telling {
    const found = this.tellings.findLast(({ told }) => told.kind === kind)
    if (found === undefined) throw new Error(`${kind} was never told`)
    return found
  }

  subscription(id?: string): Subscription {
    const all = Object.values(this.state.subscriptions)
    const found = id === undefined ? all.at(-1) : this.state.subscriptions[id]
    if (found === undefined) throw new Error(`no subscription ${id}`)
    return found
  }

  invoice(id?: string): Invoice {
    const found = id === undefined ? Object.values(this.state.invoices).at(-1) : this.state.invoices[id]
    if (found === undefined) throw new Error(`no invoice ${id}`)
    return found
  }

  payment(): Payment {
    const found = Object.values(this.state.payments).at(-1)
    if (found === undefined) throw new Error('no payment')
    return found
  }

  person(): Customer {
    if (this.state.customer === null) throw new Error('no customer')
    return this.state.customer
  }
}

export function method(id: string, behavior: SandboxBehavior = 'pays') {
  return {
    id,
    type: 'card' as const,
    brand: 'visa',
    last4: '4242',
    expMonth: 12,
    expYear: 2034,
    behavior,
    script: [],
  }
}

function outcomeOf(behavior: SandboxBehavior): PaymentOutcome {
  if (behavior === 'pays') return { outcome: 'succeeded', reference: null }
  if (behavior === 'needs_action') return { outcome: 'action_required', reference: null }
  return { outcome: 'failed', failure: { code: behavior, message: null, retryable: 'yes' } }
}

export function until(subscription: Subscription): string | null {
  return subscription.period === null ? null : formatInstantShort(subscription.period.until)
}
