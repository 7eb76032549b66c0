/** The table of commands about customers, subscriptions and agreements. */
import { z } from 'zod'
import {
  actorIn,
  behaviorIn,
  customerCreateIn,
  customerIn,
  idOrMinted,
  idText,
  itemsIn,
  metadataIn,
  methodIn,
  moneyIn,
  outcomeIn,
  paymentMethodIn,
  scriptIn,
} from '../billing_schemas.ts'
import { commandRoute } from './billing_command_route.ts'
import type { CommandRoute } from './billing_command_route.ts'
import { noBody, nothing } from '../route.ts'
import { instantText } from '../schemas.ts'

const CUSTOMERS = 'Customers'
const SUBSCRIPTIONS = 'Subscriptions'
const reason = z.string().max(500).nullable().default(null)
const method = methodIn.nullable().default(null)

/** Customers and their payment methods. */
export const customerCommands: readonly CommandRoute[] = [
  commandRoute({
    method: 'POST',
    path: '/customers',
    id: 'createCustomer',
    summary: 'Create a customer',
    tag: CUSTOMERS,
    body: customerCreateIn,
    shows: 'customer',
    command: ({ id, paymentMethod, ...fields }) => ({
      command: { kind: 'customer.create', fields, method: paymentMethod },
      customer: id,
    }),
  }),
  commandRoute({
    method: 'PATCH',
    path: '/customers/:id',
    id: 'updateCustomer',
    summary: 'Change fields of a customer',
    tag: CUSTOMERS,
    body: customerIn,
    shows: 'customer',
    command: (fields, id) => ({ command: { kind: 'customer.update', fields }, customer: id }),
  }),
  commandRoute({
    method: 'DELETE',
    path: '/customers/:id',
    id: 'deleteCustomer',
    summary: 'Delete a customer, which ends their subscriptions',
    tag: CUSTOMERS,
    body: noBody,
    shows: 'customer',
    command: (_body, id) => ({ command: { kind: 'customer.delete' }, customer: id }),
  }),
  commandRoute({
    method: 'POST',
    path: '/customers/:id/default_payment_method',
    id: 'setDefaultPaymentMethod',
    summary: 'Set the payment method that is charged by default',
    tag: CUSTOMERS,
    body: z.strictObject({ method: methodIn }),
    shows: 'customer',
    command: (body, id) => ({
      command: { kind: 'customer.set_default_payment_method', method: body.method },
      customer: id,
    }),
  }),
  commandRoute({
    method: 'POST',
    path: '/customers/:id/payment_methods',
    id: 'attachPaymentMethod',
    summary: 'Attach a payment method',
    tag: CUSTOMERS,
    body: z.strictObject({ ...paymentMethodIn.shape, make_default: z.boolean().default(false) }),
    shows: 'payment_method',
    command: ({ makeDefault, ...attached }, id) => ({
      command: { kind: 'payment_method.attach', method: attached, makeDefault },
      customer: id,
    }),
  }),
  commandRoute({
    method: 'POST',
    path: '/customers/:id/sandbox',
    id: 'scriptPaymentMethod',
    summary: 'Set how the sandbox treats a payment method from now on; this publishes no event',
    tag: CUSTOMERS,
    body: z.strictObject({
      payment_method: idText.nullable().default(null).describe('Null: the default one.'),
      behavior: behaviorIn.optional(),
      script: scriptIn.optional(),
    }),
    shows: 'payment_method',
    command: ({ paymentMethod, ...script }, id) => ({
      command: { kind: 'payment_method.script', id: paymentMethod, ...script },
      customer: id,
    }),
  }),
  commandRoute({
    method: 'DELETE',
    path: '/payment_methods/:id',
    id: 'detachPaymentMethod',
    summary: 'Detach a payment method from its customer',
    tag: CUSTOMERS,
    body: noBody,
    shows: 'payment_method',
    command: (_body, id) => ({ command: { kind: 'payment_method.detach', id } }),
  }),
]

const collection = z.enum(['automatic', 'manual'])
const days = z.int().min(0).max(3650)
const cycles = z.int().min(1).max(10_000).nullable().describe('Null: until it is canceled.')

const subscriptionCreateIn = z.strictObject({
  customer: idText
    .nullable()
    .default(null)
    .describe('Null: a new customer, if the billing profile starts with a hosted page.'),
  id: idOrMinted,
  items: itemsIn,
  trial_days: z.int().min(1).max(3650).nullable().optional(),
  trial_end: instantText.nullable().optional(),
  trial_end_behavior: z.enum(['invoice', 'cancel', 'pause']).optional(),
  start_at: instantText.nullable().optional().describe('When service is to start; null: now.'),
  anchor: instantText.nullable().optional().describe('Where the billing cycles are anchored, if not at the start.'),
  total_cycles: cycles.optional(),
  upfront: moneyIn.nullable().optional().describe('Charged with the authorization, in addition to the plan.'),
  expires_at: instantText.nullable().optional().describe('Until when the customer may authorize.'),
  collection: collection.optional(),
  days_until_due: days.nullable().optional(),
  default_payment_method: idText.nullable().optional(),
  payment_behavior: z.enum(['charge', 'default_incomplete']).optional(),
  checkout: idText.nullable().optional(),
  metadata: metadataIn.optional(),
})

const subscriptionUpdateIn = z.strictObject({
  items: itemsIn.optional().describe('The complete new list.'),
  quantity: z.number().min(0).optional(),
  metadata: metadataIn.optional(),
  cancel_at_period_end: z.boolean().optional(),
  cancel_at: instantText.nullable().optional().describe('Null takes a scheduled cancellation back.'),
  cancel_reason: z.string().max(500).nullable().optional(),
  by: actorIn.optional(),
  pause_collection: z
    .strictObject({
      invoices: z.enum(['keep_as_draft', 'mark_uncollectible', 'void']).default('void'),
      resumes_at: instantText.nullable().default(null),
    })
    .nullable()
    .optional()
    .describe('Null resumes.'),
  default_payment_method: idText.nullable().optional(),
  collection: collection.optional(),
  days_until_due: days.nullable().optional(),
  trial_end: z
    .union([z.literal('now'), instantText])
    .optional()
    .describe('`now` ends a trial at once.'),
  total_cycles: cycles.optional(),
  proration: z.enum(['create_prorations', 'always_invoice', 'none']).optional(),
  when: z.enum(['now', 'cycle_end']).optional(),
  if_unpaid: z.enum(['apply', 'pending']).optional(),
  reset_anchor: z.boolean().optional(),
})

/** Subscriptions. */
export const subscriptionCommands: readonly CommandRoute[] = [
  commandRoute({
    method: 'POST',
    path: '/subscriptions',
    id: 'createSubscription',
    summary: 'Create a subscription',
    tag: SUBSCRIPTIONS,
    body: subscriptionCreateIn,
    shows: 'subscription',
    command: ({ customer, ...rest }) => ({ command: { kind: 'subscription.create', ...rest }, customer }),
  }),
  commandRoute({
    method: 'PATCH',
    path: '/subscriptions/:id',
    id: 'updateSubscription',
    summary: 'Change plan, quantity, terms, or a scheduled cancellation',
    tag: SUBSCRIPTIONS,
    body: subscriptionUpdateIn,
    shows: 'subscription',
    command: (rest, id) => ({ command: { kind: 'subscription.update', id, ...rest } }),
  }),
  commandRoute({
    method: 'POST',
    path: '/subscriptions/:id/cancel',
    id: 'cancelSubscription',
    summary: 'Cancel now or at the end of the period',
    tag: SUBSCRIPTIONS,
    body: z.strictObject({
      when: z.enum(['now', 'period_end']).default('now'),
      by: actorIn.default('admin'),
      reason,
      prorate: z.boolean().optional(),
      invoice_now: z.boolean().optional(),
    }),
    shows: 'subscription',
    command: (rest, id) => ({ command: { kind: 'subscription.cancel', id, ...rest } }),
  }),
  commandRoute({
    method: 'POST',
    path: '/subscriptions/:id/pause',
    id: 'pauseSubscription',
    summary: 'Pause the service (to pause collection only, update the subscription)',
    tag: SUBSCRIPTIONS,
    body: z.strictObject({ by: actorIn.default('admin'), resumes_at: instantText.nullable().optional() }),
    shows: 'subscription',
    command: (rest, id) => ({ command: { kind: 'subscription.pause', id, ...rest } }),
  }),
  commandRoute({
    method: 'POST',
    path: '/subscriptions/:id/resume',
    id: 'resumeSubscription',
    summary: 'End a pause of the service',
    tag: SUBSCRIPTIONS,
    body: z.strictObject({ by: actorIn.default('admin'), anchor: z.enum(['now', 'unchanged']).default('now') }),
    shows: 'subscription',
    command: (rest, id) => ({ command: { kind: 'subscription.resume', id, ...rest } }),
  }),
  commandRoute({
    method: 'POST',
    path: '/subscriptions/:id/authorize',
    id: 'authorizeSubscription',
    summary: 'Report that the customer completed, or failed, the hosted authorization',
    tag: SUBSCRIPTIONS,
    body: z.strictObject({
      outcome: outcomeIn.nullable().default(null).describe('Null: the payment service decides.'),
      method,
      customer: customerIn.optional(),
    }),
    shows: 'subscription',
    command: (rest, id) => ({ command: { kind: 'subscription.authorize', id, ...rest } }),
  }),
  commandRoute({
    method: 'POST',
    path: '/subscriptions/:id/retry',
    id: 'retrySubscription',
    summary: 'Charge the open invoice again, by hand',
    tag: SUBSCRIPTIONS,
    body: z.strictObject({ method }),
    shows: 'subscription',
    command: (body, id) => ({ command: { kind: 'subscription.retry', id, method: body.method } }),
  }),
  commandRoute({
    method: 'POST',
    path: '/subscriptions/:id/change_payment_method',
    id: 'changePaymentMethod',
    summary: 'Change the payment method; the profile decides whether an open invoice is charged to it',
    tag: SUBSCRIPTIONS,
    body: z.strictObject({ method: methodIn }),
    shows: 'subscription',
    command: (body, id) => ({ command: { kind: 'subscription.change_payment_method', id, method: body.method } }),
  }),
  commandRoute({
    method: 'POST',
    path: '/subscriptions/:id/cancel_scheduled_change',
    id: 'cancelScheduledChange',
    summary: 'Drop a change that is scheduled for the end of the cycle',
    tag: SUBSCRIPTIONS,
    body: nothing,
    shows: 'subscription',
    command: (_body, id) => ({ command: { kind: 'subscription.cancel_scheduled_change', id } }),
  }),
  commandRoute({
    method: 'POST',
    path: '/agreements',
    id: 'createAgreement',
    summary: 'Create an agreement on a plan; it replaces an older agreement of the same plan group',
    tag: SUBSCRIPTIONS,
    body: z.strictObject({
      customer: idText.nullable().default(null).describe('Null: a new customer.'),
      id: idOrMinted,
      plan: idText.describe('Code or id of the price.'),
      invoice_now: z.boolean().optional(),
      prorate: z.boolean().optional(),
      metadata: metadataIn.optional(),
      customer_fields: customerIn.optional().describe('For a customer that this agreement creates.'),
    }),
    shows: 'subscription',
    command: ({ customer, customerFields, ...rest }) => ({
      command: {
        kind: 'agreement.create',
        ...rest,
        ...(customerFields === undefined ? {} : { customer: customerFields }),
      },
      customer,
    }),
  }),
  commandRoute({
    method: 'POST',
    path: '/agreements/:id/cancel',
    id: 'cancelAgreement',
    summary: 'Cancel an agreement',
    tag: SUBSCRIPTIONS,
    body: z.strictObject({ by: actorIn.default('admin'), reason }),
    shows: 'subscription',
    command: (rest, id) => ({ command: { kind: 'agreement.cancel', id, ...rest } }),
  }),
]
