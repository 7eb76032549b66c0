import type { Command } from '../model/commands.ts'
import { BillhookError } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import { addMs } from '../model/instant.ts'
import { advance, decide, due } from '../lifecycle/decide.ts'
import type {
  Catalog,
  ChargeIntent,
  Context,
  CustomerState,
  Decision,
  RefundIntent,
  Refused,
  Subject,
  Telling,
} from '../lifecycle/state.ts'
import type { BillingProfile } from '../model/profile.ts'
import type { Account, Aggregate, AggregateChange, ChargeRow, GateRow, LoggedFact } from '../ports/billing_store.ts'
import type { Publication } from '../ports/outbox.ts'
import type { ChargeOutcome, ChargeRequest, Payments, RefundRequest } from '../ports/payments.ts'
import { changeOf, stateOf } from './aggregate.ts'
import { createMinter } from './mint.ts'
import type { Minter } from './mint.ts'

/** No step leads to more charges than this: a loop between engine and payment service is a defect. */
const MAX_CHARGES_PER_STEP = 100
/** When to ask for a charge again whose answer will come "later", if the service did not say when and does not call back. */
const LATER_WITHOUT_TIME_MS = 24 * 60 * 60 * 1000

/** What all steps of one transaction share. */
export interface StepSettings {
  readonly account: Account
  readonly profile: BillingProfile
  readonly catalog: Catalog
  readonly at: Instant
  readonly gatekeepers: boolean
  readonly request: Context['request']
  readonly payments: Payments
}

/**
 * One step of the engine on one customer: a command or the passing of time, and all charges that follow from it where the
 * payment service answers at once. Collects what is to be written.
 */
export class Step {
  readonly #settings: StepSettings
  readonly #before: CustomerState
  readonly #version: number
  readonly #minter: Minter
  #state: CustomerState
  #charges: ChargeIntent[] = []
  #refunds: RefundIntent[] = []
  #asked = 0
  readonly #rows: ChargeRow[] = []
  readonly #publications: Publication[] = []

  constructor(settings: StepSettings, customer: string, aggregate: Aggregate | null) {
    this.#settings = settings
    this.#before = stateOf(customer, aggregate)
    this.#state = this.#before
    this.#version = aggregate?.version ?? 0
    this.#minter = createMinter(settings.account.seed, customer, aggregate?.minted ?? 0)
  }

  get state(): CustomerState {
    return this.#state
  }

  /** Puts back an entity that had left the state, because a command is about it. */
  restore(state: CustomerState): void {
    this.#state = state
  }

  /** Runs a command. If it is refused, nothing has changed. */
  async command(command: Command): Promise<Refused | { readonly ok: true; readonly subject: Subject | null }> {
    const decision = decide(command, this.#state, this.#context())
    if (!decision.ok) return decision
    this.#absorb(decision)
    await this.#settle()
    return { ok: true, subject: decision.subject }
  }

  /** Does what is due. */
  async advance(): Promise<void> {
    this.#absorb(advance(this.#state, this.#context()))
    await this.#settle()
  }

  /** What is to be written for this customer. */
  change(): AggregateChange {
    return changeOf({
      account: this.#settings.account.id,
      before: this.#before,
      after: this.#state,
      minted: this.#minter.count,
      version: this.#version,
      dueAt: this.dueAt,
    })
  }

  /** When the engine must look at this customer again; null: not by itself. */
  get dueAt(): Instant | null {
    const { profile, catalog } = this.#settings
    return due(this.#state, { profile, catalog })
  }

  get publications(): readonly Publication[] {
    return this.#publications
  }

  get facts(): readonly LoggedFact[] {
    const account = this.#settings.account.id
    return this.#publications.map(({ fact, at, told }) => ({ account, id: fact, at, told }))
  }

  /** Invoices that now wait at the payment gate, with the fact that must be acknowledged. */
  get gates(): readonly GateRow[] {
    return this.#publications.flatMap(({ fact, told, view }) => {
      const invoice = told.kind === 'invoice_drafted' ? view.after.invoice : null
      if (invoice === null || invoice.gate.state !== 'waiting') return []
      return [{ account: this.#settings.account.id, fact, invoice: invoice.id }]
    })
  }

  /** Charges and refunds that the payment service must be asked for after the commit, or later. */
  get charges(): readonly ChargeRow[] {
    return this.#rows
  }

  #context(): Context {
    const { account, profile, catalog, at, gatekeepers, request } = this.#settings
    return {
      at,
      account: account.id,
      livemode: account.livemode,
      profile,
      catalog,
      mint: (kind) => this.#minter.mint(kind),
      request,
      gatekeepers,
    }
  }

  #absorb(decision: Extract<Decision, { ok: true }>): void {
    this.#state = decision.state
    this.tell(decision.tellings)
    this.#charges.push(...decision.charges)
    this.#refunds.push(...decision.refunds)
  }

  /** Adds tellings to what is to be published, in their order. */
  tell(tellings: readonly Telling[]): void {
    for (const { told, view } of tellings)
      this.#publications.push({ fact: this.#minter.mint('fact'), told, view, at: this.#settings.at })
  }

  /** Asks for charges and refunds now if that moves no real money; else leaves rows that say they are wanted. */
  async #settle(): Promise<void> {
    const { payments, at } = this.#settings
    while (this.#charges.length > 0 || this.#refunds.length > 0) {
      this.#asked += 1
      if (this.#asked > MAX_CHARGES_PER_STEP)
        throw new BillhookError('internal_invariant', `customer ${this.#state.id}: one step led to too many charges`)
      const [charges, refunds] = [this.#charges, this.#refunds]
      this.#charges = []
      this.#refunds = []
      for (const intent of charges) {
        if (payments.local) await this.#chargeNow(intent)
        else this.#rows.push(this.#rowOf(intent, at))
      }
      for (const intent of refunds) {
        if (payments.local) await this.#refundNow(intent)
        else this.#rows.push(this.#refundRow(intent, at))
      }
    }
  }

  async #chargeNow(intent: ChargeIntent): Promise<void> {
    const outcome = await this.#settings.payments.charge(chargeRequest(this.#settings, this.#state, intent, 0))
    const row = this.#rowOf(intent, this.#settings.at)
    if (outcome.outcome === 'later') this.#rows.push(answeredRow(row, outcome, this.#settings.at))
    this.#tellOutcome({ kind: 'payment.decided', payment: intent.paymentId, attempt: intent.attempt, outcome })
  }

  async #refundNow(intent: RefundIntent): Promise<void> {
    const outcome = await this.#settings.payments.refund(refundRequest(this.#settings, this.#state, intent))
    this.#tellOutcome({ kind: 'refund.decided', refund: intent.refundId, outcome })
  }

  #tellOutcome(command: Command): void {
    const decision = decide(command, this.#state, this.#context())
    if (!decision.ok) throw new BillhookError('internal_invariant', `${command.kind}: ${decision.message}`)
    this.#absorb(decision)
  }

  #rowOf(intent: ChargeIntent, dueAt: Instant): ChargeRow {
    return {
      account: this.#settings.account.id,
      key: chargeKey(intent.paymentId, intent.attempt),
      kind: 'charge',
      customer: this.#state.id,
      payment: intent.paymentId,
      refund: null,
      attempt: intent.attempt,
      state: 'wanted',
      dueAt,
      tries: 0,
    }
  }

  #refundRow(intent: RefundIntent, dueAt: Instant): ChargeRow {
    return {
      account: this.#settings.account.id,
      key: intent.refundId,
      kind: 'refund',
      customer: this.#state.id,
      payment: intent.paymentId,
      refund: intent.refundId,
      attempt: 0,
      state: 'wanted',
      dueAt,
      tries: 0,
    }
  }
}

/** The key of an attempt: the same for every time that it is asked for. */
function chargeKey(payment: string, attempt: number): string {
  return `${payment}:${attempt}`
}

/** The row of a charge that is on its way: asked for again when its answer is expected. */
function laterRow(row: ChargeRow, outcome: ChargeOutcome & { readonly outcome: 'later' }, at: Instant): ChargeRow {
  return {
    ...row,
    state: 'wanted',
    tries: row.tries + 1,
    dueAt: outcome.expectedAt ?? addMs(at, LATER_WITHOUT_TIME_MS),
  }
}

/** The row of a charge after an answer. Where the customer has to act, what they did is told later: nobody asks for it. */
export function answeredRow(row: ChargeRow, outcome: ChargeOutcome, at: Instant): ChargeRow {
  if (outcome.outcome === 'later') return laterRow(row, outcome, at)
  return { ...row, state: outcome.outcome === 'action_required' ? 'later' : 'decided', dueAt: null }
}

/** @throws BillhookError `internal_invariant` if the state does not hold the payment or its customer */
export function chargeRequest(
  { account, at }: Pick<StepSettings, 'account' | 'at'>,
  state: CustomerState,
  intent: ChargeIntent,
  asked: number,
): ChargeRequest {
  const payment = state.payments[intent.paymentId]
  if (payment === undefined || state.customer === null)
    throw new BillhookError('internal_invariant', `payment ${intent.paymentId} of ${state.id} is not in the state`)
  return {
    account: account.id,
    idempotencyKey: chargeKey(intent.paymentId, intent.attempt),
    payment,
    attempt: intent.attempt,
    amount: intent.amount,
    customer: state.customer,
    method: intent.methodId === null ? null : (state.paymentMethods[intent.methodId] ?? null),
    invoice: intent.invoiceId === null ? null : (state.invoices[intent.invoiceId] ?? null),
    asked,
    at,
  }
}

/** @throws BillhookError `internal_invariant` if the state does not hold the payment */
export function refundRequest(
  { account, at }: Pick<StepSettings, 'account' | 'at'>,
  state: CustomerState,
  intent: RefundIntent,
): RefundRequest {
  const payment = state.payments[intent.paymentId]
  if (payment === undefined)
    throw new BillhookError('internal_invariant', `payment ${intent.paymentId} of ${state.id} is not in the state`)
  return { account: account.id, idempotencyKey: intent.refundId, payment, amount: intent.amount, at }
}
