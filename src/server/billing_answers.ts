/** Schemas of what the routes of the sending end answer. */
import { z } from 'zod'

const when = z.iso.datetime()
const whenOrNull = when.nullable()
const text = z.string()
const textOrNull = z.string().nullable()
const count = z.number()
const countOrNull = z.number().nullable()
const metadata = z.record(z.string(), z.string())

const moneyOut = z.strictObject({ minor: text.describe('Whole minor units.'), currency: text })
const moneyOrNull = moneyOut.nullable()
const period = z.strictObject({ from: when, until: when })
const interval = z.strictObject({ unit: z.enum(['day', 'week', 'month', 'year']), count })
const actor = z.enum(['customer', 'admin', 'system', 'unknown'])
const collection = z.enum(['automatic', 'manual'])
const named = { id: text, metadata, created_at: when, updated_at: when }

const customer = z.strictObject({
  ...named,
  type: z.enum(['user', 'organization']),
  name: textOrNull,
  email: textOrNull,
  phone: textOrNull,
  user: textOrNull,
  currency: textOrNull,
  default_payment_method: textOrNull,
  invoice_count: count,
  deleted_at: whenOrNull,
})

const product = z.strictObject({
  ...named,
  name: text,
  description: textOrNull,
  active: z.boolean(),
  features: z.array(text),
})

const price = z.strictObject({
  ...named,
  product: text,
  code: textOrNull,
  name: textOrNull,
  group: textOrNull,
  currency: text,
  interval: interval.nullable(),
  scheme: z.enum(['flat', 'per_unit', 'graduated', 'volume']),
  unit_amount: moneyOrNull,
  tiers: z.array(z.strictObject({ up_to: countOrNull, unit_amount: moneyOut, flat_amount: moneyOrNull })),
  usage: z.enum(['licensed', 'metered']),
  meter: textOrNull,
  billed: z.enum(['advance', 'arrears']),
  active: z.boolean(),
})

const meter = z.strictObject({
  id: text,
  code: text,
  name: text,
  aggregation: z.enum(['sum', 'last', 'max', 'count']),
  active: z.boolean(),
  created_at: when,
  updated_at: when,
})

const paymentMethod = z.strictObject({
  id: text,
  customer: text,
  type: z.enum(['card', 'bank_debit', 'wallet']),
  brand: textOrNull,
  last4: textOrNull,
  exp_month: countOrNull,
  exp_year: countOrNull,
  behavior: text,
  script: z.array(text),
  created_at: when,
  detached_at: whenOrNull,
})

const item = z.strictObject({ id: text, price: text, quantity: count, created_at: when })

const subscription = z.strictObject({
  ...named,
  customer: text,
  status: text.describe('One of the twelve statuses of docs/lifecycle.md.'),
  items: z.array(item),
  currency: text,
  collection,
  days_until_due: countOrNull,
  default_payment_method: textOrNull,
  start_at: when,
  started_at: whenOrNull,
  anchor: when,
  interval: interval.nullable(),
  cycle: countOrNull,
  period: period.nullable(),
  trial: period.nullable(),
  trial_end_behavior: z.enum(['invoice', 'cancel', 'pause']),
  cycles: z.strictObject({ total: countOrNull, invoiced: count, paid: count }),
  authorization: z.strictObject({ upfront: moneyOrNull, expires_at: whenOrNull, authorized_at: whenOrNull }).nullable(),
  cancel: z
    .strictObject({ requested_at: when, at: when, at_period_end: z.boolean(), by: actor, reason: textOrNull })
    .nullable(),
  ended_at: whenOrNull,
  pause: z
    .strictObject({
      scope: z.enum(['service', 'collection']),
      invoices: z.enum(['keep_as_draft', 'mark_uncollectible', 'void']),
      from: when,
      resumes_at: whenOrNull,
      by: actor,
    })
    .nullable(),
  scheduled_change: z
    .strictObject({ at: when, items: z.array(z.strictObject({ price: text, quantity: count })) })
    .nullable(),
  pending_change: z.strictObject({ items: z.array(item), invoice: text, expires_at: when }).nullish(),
  resumption: z.strictObject({ invoice: text, anchor: when, expires_at: whenOrNull }).nullish(),
  announced: z.strictObject({ trial_end: whenOrNull, renewal: whenOrNull }).optional(),
  latest_invoice: textOrNull,
  failed_attempts: count,
  next_charge_at: whenOrNull,
  replaces: textOrNull,
  checkout: textOrNull,
})

const line = z.strictObject({
  id: text,
  kind: z.enum(['subscription', 'proration', 'usage', 'one_off', 'upfront', 'authorization']),
  description: text,
  amount: moneyOut,
  price: textOrNull,
  quantity: count,
  period,
  subscription_item: textOrNull,
  invoice_item: textOrNull,
})

const invoice = z.strictObject({
  ...named,
  customer: text,
  subscription: textOrNull,
  number: textOrNull,
  status: z.enum(['draft', 'open', 'paid', 'void', 'uncollectible']),
  reason: text,
  collection,
  auto_advance: z.boolean(),
  currency: text,
  lines: z.array(line),
  total: moneyOut,
  amount_due: moneyOut,
  amount_paid: moneyOut,
  refunded: moneyOut,
  period,
  default_payment_method: textOrNull,
  attempts: count,
  next_attempt_at: whenOrNull,
  first_failed_at: whenOrNull.optional(),
  due_announced_at: whenOrNull.optional(),
  finalizes_at: whenOrNull,
  gate: z.strictObject({
    state: z.enum(['open', 'waiting']),
    delivered_at: whenOrNull,
    latest_at: whenOrNull,
  }),
  payment: textOrNull,
  paid_out_of_band: z.boolean(),
  finalized_at: whenOrNull,
  billed_to: z.strictObject({ name: textOrNull, email: textOrNull, phone: textOrNull }).nullish(),
  sent_at: whenOrNull,
  due_at: whenOrNull,
  overdue_at: whenOrNull,
  paid_at: whenOrNull,
  voided_at: whenOrNull,
  uncollectible_at: whenOrNull,
})

const invoiceItem = z.strictObject({
  id: text,
  customer: text,
  subscription: textOrNull,
  invoice: textOrNull,
  amount: moneyOut,
  description: text,
  proration: z.boolean(),
  price: textOrNull,
  subscription_item: textOrNull,
  quantity: count,
  period,
  metadata,
  created_at: when,
})

const payment = z.strictObject({
  id: text,
  customer: text,
  invoice: textOrNull,
  subscription: textOrNull,
  amount: moneyOut,
  status: z.enum(['initiated', 'requires_action', 'processing', 'succeeded', 'failed', 'canceled']),
  method: textOrNull,
  attempt: count,
  failure: z
    .strictObject({ code: textOrNull, message: textOrNull, retryable: z.enum(['yes', 'no', 'unknown']) })
    .nullable(),
  by_hand: z.boolean().optional(),
  refunded: moneyOut,
  created_at: when,
  updated_at: when,
  decided_at: whenOrNull,
})

const refund = z.strictObject({
  id: text,
  payment: text,
  invoice: textOrNull,
  customer: text,
  amount: moneyOut,
  status: z.enum(['pending', 'succeeded', 'failed']),
  reason: textOrNull,
  created_at: when,
})

const checkout = z.strictObject({
  ...named,
  mode: z.enum(['payment', 'subscription', 'setup']),
  status: z.enum(['open', 'completed', 'canceled', 'expired']),
  customer: textOrNull,
  items: z.array(z.strictObject({ price: text, quantity: count })),
  trial_days: countOrNull,
  reference: textOrNull,
  success_url: textOrNull,
  subscription: textOrNull,
  invoice: textOrNull,
  currency: text,
  total: moneyOut,
  expires_at: when,
  completed_at: whenOrNull,
  canceled_at: whenOrNull,
})

const usage = z.strictObject({
  subscription: text,
  meter: text,
  period,
  quantity: text.describe('Decimal.'),
  reported: text,
  mode: z.enum(['total', 'delta']),
  updated_at: when,
})

/** What the API shows of each kind of entity. */
export const ENTITY_ANSWERS = {
  customer,
  product,
  price,
  meter,
  payment_method: paymentMethod,
  subscription,
  invoice,
  invoice_item: invoiceItem,
  payment,
  refund,
  checkout,
  usage,
} as const

/** An event that was stored, and how many endpoints it goes to. */
export const publishedEvent = z.strictObject({ event: text, type: text, deliveries: count })

/** What every command is answered with. */
export function commandAnswer(kind: keyof typeof ENTITY_ANSWERS): z.ZodType {
  return z.strictObject({
    kind: text.describe('Of `object`.'),
    id: text,
    customer: textOrNull.describe('The customer that was affected; null for the catalogue.'),
    object: ENTITY_ANSWERS[kind].nullable().describe('As it is after the command; null if it was deleted.'),
    events: z.array(publishedEvent).describe('In the account’s own dialect, in order.'),
  })
}

/** The clock of an account. */
export const clockOut = z.strictObject({
  id: textOrNull.describe('Null: the account runs on the real clock.'),
  name: textOrNull,
  now: when,
  status: z.enum(['real', 'ready', 'advancing']),
  target: whenOrNull.describe('Where it is being advanced to.'),
  next: z
    .strictObject({
      at: when,
      what: z.array(
        z.strictObject({
          kind: z.enum(['fact', 'charge', 'delivery']),
          name: text.describe('Kind of the fact; `charge`, `refund`; type of the event.'),
          customer: textOrNull,
          subscription: textOrNull,
          subject: textOrNull.describe('Id of what it is about; for a delivery, the event.'),
          endpoint: textOrNull,
          amount: moneyOrNull,
        }),
      ),
      more: z.boolean().describe('True if more will happen than is listed.'),
    })
    .nullable()
    .describe('What happens next if nobody intervenes; null: nothing.'),
})

/** An account. */
export const accountOut = z.strictObject({
  id: text,
  name: text,
  dialect: text,
  livemode: z.boolean(),
  clock: z.strictObject({ id: text, name: textOrNull, now: when, target: whenOrNull }).nullable(),
  profile: z.record(z.string(), z.unknown()),
  switches: z.record(z.string(), z.string()),
  owner_email: textOrNull,
  created_at: when,
})

/** One entry of the log of facts and records. */
export const toldOut = z.strictObject({
  seq: count,
  id: text,
  kind: text,
  at: when,
  customer: textOrNull,
  subscription: textOrNull,
  subject: text,
  detail: z.record(z.string(), z.unknown()).nullable().describe('Null for records; see docs/facts.md.'),
})
