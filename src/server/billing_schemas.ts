/** Schemas of what the routes of the sending end take. Names have underscores; see `billing_names.ts`. */
import { z } from 'zod'
import { parseCurrency } from '../model/currency.ts'
import { messageOf } from '../model/error.ts'
import { money } from '../model/money.ts'
import type { Money } from '../model/money.ts'

/** Ids that callers name. No store holds control characters (spelled out: not every reader of the document knows classes of them). */
export const idText = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[ -~\u00a0-\uffff]+$/, 'must have no control characters')
/** An id that may be left to Billhook. */
export const idOrMinted = z
  .string()
  .regex(/^[A-Za-z0-9_.:@-]{1,100}$/, 'must have 1 to 100 letters, digits or _ . : @ -')
  .nullable()
  .default(null)
  .describe('Your own id; left out or null: one is generated.')

/** A name for people. */
export const nameText = z.string().min(1).max(500)
/** A name for people, or null. */
export const nameOrNull = nameText.nullable().default(null)

/** An ISO 4217 code in either case. */
export const currencyIn = z
  .string()
  .max(10)
  .transform((text, context): string => {
    const code = parseCurrency(text)
    if (code !== null) return code
    context.addIssue({ code: 'custom', message: 'must be an ISO 4217 currency code such as EUR' })
    return z.NEVER
  })

/** An amount: whole minor units, as text or as a whole number. */
export const moneyIn = z
  .strictObject({
    minor: z.union([z.string().regex(/^-?\d{1,16}$/, 'must be a whole number of minor units'), z.int()]),
    currency: currencyIn,
  })
  .transform(({ minor, currency }, context): Money => {
    try {
      return money(BigInt(minor), currency)
    } catch (error) {
      context.addIssue({ code: 'custom', path: ['minor'], message: messageOf(error) })
      return z.NEVER
    }
  })

/** Texts of the caller's own. */
export const metadataIn = z
  .record(z.string().min(1).max(100), z.string().max(2000))
  .refine((metadata) => Object.keys(metadata).length <= 100, 'must have at most 100 entries')

/** A billing interval. */
export const intervalIn = z.strictObject({
  unit: z.enum(['day', 'week', 'month', 'year']),
  count: z.int().min(1).max(1000).default(1),
})

/** A price (id or code) and how many of it. */
const itemIn = z.strictObject({ price: idText, quantity: z.number().min(0).default(1) })
/** The items of a subscription. */
export const itemsIn = z.array(itemIn).min(1).max(100)

const behavior = z.enum([
  'pays',
  'declines',
  'insufficient_funds',
  'expired',
  'needs_action',
  'processing_then_pays',
  'processing_then_fails',
])

/** How the sandbox treats a payment method. */
export const behaviorIn = behavior.describe('What the sandbox does when this method is charged.')
/** What the sandbox does, attempt by attempt. */
export const scriptIn = z
  .array(behavior)
  .max(100)
  .describe('What the sandbox does at the first, second, … attempt of each payment.')

/** A new payment method. */
export const paymentMethodIn = z.strictObject({
  id: idOrMinted,
  type: z.enum(['card', 'bank_debit', 'wallet']).default('card'),
  brand: nameOrNull,
  last4: z
    .string()
    .regex(/^\d{4}$/, 'must be four digits')
    .nullable()
    .default(null),
  exp_month: z.int().min(1).max(12).nullable().default(null),
  exp_year: z.int().min(2000).max(2200).nullable().default(null),
  behavior: behaviorIn.default('pays'),
  script: scriptIn.default([]),
})

/** A method that the customer has, or one to be attached. One object, so that a refusal names the member inside. */
export const methodIn = z
  .strictObject({ id: idText.optional(), attach: paymentMethodIn.optional() })
  .describe('`{"id": …}` of a method that the customer has, or `{"attach": {…}}`.')
  .transform(({ id, attach }, context) => {
    if (id !== undefined && attach === undefined) return { id }
    if (attach !== undefined && id === undefined) return { attach }
    context.addIssue({ code: 'custom', message: 'needs either id or attach' })
    return z.NEVER
  })

/** Who did something. */
export const actorIn = z.enum(['customer', 'admin', 'system', 'unknown'])

const customerMembers = {
  type: z.enum(['user', 'organization']),
  name: nameText.nullable(),
  email: z.string().max(320).nullable(),
  phone: z.string().max(50).nullable(),
  user: idText.nullable().describe('Your own id of this user or organization.'),
  metadata: metadataIn,
}

/** Fields of a customer that may be set. */
export const customerIn = z.strictObject(customerMembers).partial()
/** A new customer. */
export const customerCreateIn = z.strictObject({
  id: idOrMinted,
  ...customerIn.shape,
  payment_method: paymentMethodIn.nullable().default(null),
})

const failure = z.strictObject({
  code: z.string().max(100).nullable().default(null),
  message: z.string().max(1000).nullable().default(null),
  retryable: z.enum(['yes', 'no', 'unknown']).default('unknown'),
})

/** What a payment service, or the customer, made of a charge. */
export const outcomeIn = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('succeeded'), reference: z.string().max(255).nullable().default(null) }),
  z.strictObject({
    outcome: z.literal('failed'),
    failure: failure.default({ code: null, message: null, retryable: 'unknown' }),
  }),
])

/** The account that a request is about. */
export const accountIn = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must have 1 to 64 letters, digits, dots, dashes or underscores')
/** Path of an account. */
export const inAccount = z.strictObject({ account: accountIn })
/** Path of an object of an account. */
export const inAccountWithId = z.strictObject({ account: accountIn, id: idText })
