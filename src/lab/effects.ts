import type { ProviderWords } from '../dialects/dialect.ts'
import type { CatalogCommand, Command, MethodChoice, PaymentMethodInput, PaymentOutcome } from '../model/commands.ts'
import type { Currency } from '../model/currency.ts'
import type { SandboxBehavior } from '../model/entities.ts'
import type { Instant } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import { behaviorOf, behaviorOfOutcome } from './behavior.ts'
import type { StoryFields } from './read_fields.ts'

/** What an action of a story makes the runner do. */
export type Effect =
  | { readonly kind: 'command'; readonly customer: string | null; readonly command: Command }
  | { readonly kind: 'catalog'; readonly command: CatalogCommand }
  /** How the receiving endpoint answers from now on. */
  | {
      readonly kind: 'endpoint'
      readonly status: number
      readonly until: Instant | null
      /** The name of another endpoint than the receiver's own. */
      readonly endpoint: string | null
    }
  | { readonly kind: 'endpoint_state'; readonly state: 'enabled' | 'disabled'; readonly endpoint: string | null }
  /** A waiting delivery of this type is tried at once. */
  | { readonly kind: 'retry_delivery'; readonly type: string | null; readonly endpoint: string | null }
  | { readonly kind: 'rotate_secret'; readonly secret: string }

/** An item of a subscription as it is when an action is taken. */
export interface HeldItem {
  readonly id: string
  readonly price: string
  readonly quantity: number
}

/** What an action may refer to without naming it. */
export interface ActionContext {
  readonly words: ProviderWords
  readonly currency: Currency
  /** The story's customer, or null if there is none yet. */
  readonly customer: string | null
  /** The payment methods that exist. */
  readonly methods: readonly string[]
  /** The one of them that the story's customer is charged on. */
  readonly method: string | null
  /** The newest entity of a kind, or the one at a place in the order of making. */
  latest(kind: 'subscription' | 'invoice' | 'payment' | 'checkout', index?: number): string | null
  /** The id or code of a price that the account has; null: it must be made first. */
  price(idOrCode: string): string | null
  /** The only price, or the first. */
  readonly anyPrice: string | null
  /** The items of a subscription. */
  held(subscription: string): readonly HeldItem[]
  /** The subscription that has an item; null if none has. */
  holderOf(item: string): string | null
}

/** Reads the fields of an action into what it does. */
export type ActionReader = (fields: StoryFields, context: ActionContext) => readonly Effect[]

/** Shorthand for one command on the story's customer. */
export function command(made: Command, customer: string | null = null): readonly Effect[] {
  return [{ kind: 'command', customer, command: made }]
}

/** The customer that an action names, or the story's. */
export function customerOf(fields: StoryFields, context: ActionContext, ...more: readonly string[]): string | null {
  return fields.text('customer', 'customer_id', 'billing_customer_id', 'customer_code', ...more) ?? context.customer
}

/** The entity that an action names: by id, as `latest`, or not at all. @throws BillhookError `scenario_invalid` */
export function named(
  fields: StoryFields,
  context: ActionContext,
  kind: 'subscription' | 'invoice' | 'payment' | 'checkout',
  ...keys: readonly string[]
): string {
  const id = fields.text(...keys, `${kind}_id`)
  const found = id === null || id === 'latest' ? context.latest(kind, fields.integer('index') ?? undefined) : id
  if (found === null) throw fields.fault(keys[0] ?? 'id', `a ${kind} (there is none yet)`)
  return found
}

/** A payment method by its name: one that exists, or one that is created by being named and behaves as its name says. */
export function methodOf(id: string, context: ActionContext): MethodChoice {
  return context.methods.includes(id) ? { id } : attached(id)
}

/** Another card than the one that is charged now, also if the story calls both by one name. */
export function otherMethod(id: string, context: ActionContext): MethodChoice {
  if (id !== context.method) return methodOf(id, context)
  let count = 2
  while (context.methods.includes(`${id}_${count}`)) count += 1
  return attached(`${id}_${count}`)
}

function attached(id: string): { readonly attach: PaymentMethodInput } {
  return {
    attach: {
      id,
      type: 'card',
      brand: 'visa',
      last4: '4242',
      expMonth: 12,
      expYear: 2034,
      behavior: behaviorOf(id),
      script: [],
    },
  }
}

/** The outcome that an action names; null: the payment method decides. */
export function outcomeOf(fields: StoryFields): PaymentOutcome | null {
  const word = fields.text('outcome', 'result')
  if (word === null) return null
  const behavior = outcomeBehavior(fields, word)
  if (behavior === 'pays') return { outcome: 'succeeded', reference: null }
  if (behavior === 'processing_then_pays') return { outcome: 'later', reference: null, expectedAt: null }
  if (behavior === 'needs_action') return { outcome: 'action_required', reference: null }
  const code = behavior === 'declines' ? 'card_declined' : behavior === 'expired' ? 'expired_card' : behavior
  const retryable = behavior === 'expired' ? 'no' : 'yes'
  return { outcome: 'failed', failure: { code, message: `The payment was refused (${word}).`, retryable } }
}

/** How the sandbox is to treat the next charges: `outcome` for all, or `outcomes` one by one. */
export function outcomesOf(fields: StoryFields): { behavior?: SandboxBehavior; script?: readonly SandboxBehavior[] } {
  const list = fields.get('outcomes')
  if (Array.isArray(list)) {
    const script = list.map((word) => outcomeBehavior(fields, typeof word === 'string' ? word : ''))
    return { script, behavior: script.at(-1) ?? 'pays' }
  }
  const word = fields.text('outcome', 'result', 'code', 'reason') ?? 'failure'
  return { behavior: outcomeBehavior(fields, word), script: [] }
}

function outcomeBehavior(fields: StoryFields, word: string): SandboxBehavior {
  const found = behaviorOfOutcome(word)
  if (found === null)
    throw fields.fault('outcome', 'success, failure, insufficient_funds, expired, requires_action or processing')
  return found
}

/** Statuses by the words that stories have for them. */
const ANSWERS: Readonly<Record<string, number>> = {
  immediate: 200,
  ok: 200,
  success: 200,
  always: 200,
  none: 200,
  never: 500,
  fail: 500,
  fails: 500,
  down: 500,
  error: 500,
  timeout: 504,
}

/** `ack: immediate`, `ack: { status, fail_until }`, or the same without `ack` round it. */
export function readAcknowledgement(fields: StoryFields): Effect & { readonly kind: 'endpoint' } {
  const ack = fields.get('ack')
  const endpoint = endpointOf(fields)
  if (ack !== null && !isObject(ack)) {
    const word = typeof ack === 'boolean' ? (ack ? 'ok' : 'fail') : ack
    const status = typeof word === 'number' ? word : ANSWERS[typeof word === 'string' ? word : '']
    if (status === undefined) throw fields.fault('ack', `a status, ${Object.keys(ANSWERS).join(', ')}`)
    return { kind: 'endpoint', status, until: null, endpoint }
  }
  const inner = isObject(ack) ? (fields.object('ack') ?? fields) : fields
  const until = inner.instant('fail_until', 'until', 'recovers_at')
  return { kind: 'endpoint', status: inner.integer('status') ?? (until === null ? 200 : 500), until, endpoint }
}

/** The other endpoint that an action is about; null: the receiver's own. */
export function endpointOf(fields: StoryFields): string | null {
  return fields.text('endpoint', 'name', 'id')
}
