import type { Command } from '../model/commands.ts'
import { BillhookError } from '../model/error.ts'
import type { JsonObject } from '../model/json.ts'
import { command, customerOf, endpointOf, otherMethod, outcomesOf, readAcknowledgement } from './effects.ts'
import type { ActionContext, ActionReader, Effect } from './effects.ts'
import { invoiceActions } from './invoice_actions.ts'
import { itemActions } from './item_actions.ts'
import { StoryFields } from './read_fields.ts'
import type { Action } from './scenario.ts'
import { subscriptionActions } from './subscription_actions.ts'

/** Other names of an action that say one of its fields: what they add to it. */
const SAID: Readonly<Record<string, JsonObject>> = {
  'charge.fail': { outcome: 'failure' },
  'charge.fails': { outcome: 'failure' },
  'payment.fails': { outcome: 'failure' },
  'charge.succeeds': { outcome: 'success' },
  'payment.succeeds': { outcome: 'success' },
  'subscription.cancel_at_period_end': { cancel_at_period_end: true },
  'subscription.cancel_at_cycle_end': { cancel_at_cycle_end: true },
  'subscription.pause_collection': { pause_collection: { behavior: 'void' } },
  'subscription.resume_collection': { pause_collection: null },
  'subscription.end_trial': { trial_end: 'now' },
  // What is reported by these names adds up, unless the report says otherwise.
  'meter_event.create': { mode: 'delta' },
  'usage_record.create': { mode: 'delta' },
  'usage.add': { mode: 'delta' },
}

const OTHER_ACTIONS: Readonly<Record<string, ActionReader>> = {
  'customer.create': (fields) =>
    command(
      {
        kind: 'customer.create',
        fields: {
          name: fields.text('name'),
          email: fields.text('email'),
          user: fields.text('user', 'user_id'),
          metadata: fields.metadata(),
        },
        method: null,
      },
      fields.text('id'),
    ),
  'customer.update': (fields, context) =>
    command(
      {
        kind: 'customer.update',
        fields: {
          ...(fields.has('name') ? { name: fields.text('name') } : {}),
          ...(fields.has('email') ? { email: fields.text('email') } : {}),
          ...(fields.has('metadata') ? { metadata: fields.metadata() } : {}),
        },
      },
      customerOf(fields, context, 'id'),
    ),
  'customer.delete': (fields, context) => command({ kind: 'customer.delete' }, customerOf(fields, context, 'id')),
  'customer.set_default_payment_method': (fields, context) =>
    command(
      {
        kind: 'customer.set_default_payment_method',
        method: otherMethod(fields.text('payment_method', 'payment_source', 'card', 'id') ?? 'pm_new', context),
      },
      customerOf(fields, context),
    ),
  'payment_method.attach': (fields, context) => {
    const choice = otherMethod(fields.text('id', 'payment_method') ?? 'pm_attached', context)
    if (!('attach' in choice)) return []
    const made: Command = {
      kind: 'payment_method.attach',
      method: choice.attach,
      makeDefault: fields.boolean('default', 'make_default') ?? false,
    }
    return command(made, customerOf(fields, context))
  },
  'payment_method.detach': (fields, context) =>
    command(
      { kind: 'payment_method.detach', id: fields.text('id', 'payment_method') ?? context.method ?? '' },
      customerOf(fields, context),
    ),
  'charge.outcome': (fields, context) =>
    command({ kind: 'payment_method.script', id: null, ...outcomesOf(fields) }, customerOf(fields, context)),
  'endpoint.recovers': (fields) => [{ kind: 'endpoint', status: 200, until: null, endpoint: endpointOf(fields) }],
  'endpoint.fails': (fields) => [
    {
      kind: 'endpoint',
      status: fields.integer('status') ?? 500,
      until: fields.instant('until', 'fail_until'),
      endpoint: endpointOf(fields),
    },
  ],
  'endpoint.set': (fields) => [readAcknowledgement(fields)],
  'endpoint.disable': (fields) => [{ kind: 'endpoint_state', state: 'disabled', endpoint: endpointOf(fields) }],
  'endpoint.enable': (fields) => [{ kind: 'endpoint_state', state: 'enabled', endpoint: endpointOf(fields) }],
  'delivery.retry_succeeds': (fields) => [
    { kind: 'endpoint', status: 200, until: null, endpoint: endpointOf(fields) },
    { kind: 'retry_delivery', type: fields.text('event', 'type'), endpoint: endpointOf(fields) },
  ],
  'webhook.rotate_secret': (fields) => [{ kind: 'rotate_secret', secret: fields.requiredText('secret') }],
}

const ACTIONS: Readonly<Record<string, ActionReader>> = {
  ...OTHER_ACTIONS,
  ...subscriptionActions,
  ...itemActions,
  ...invoiceActions,
}

/** Other names that stories may use for the same action. */
const ALIASES: Readonly<Record<string, string>> = {
  'payment_intent.authenticate': 'payment.confirm',
  'payment.complete_action': 'payment.confirm',
  'invoice.complete_action': 'payment.confirm',
  'customer.authenticate': 'payment.confirm',
  'sca.complete': 'payment.confirm',
  'payment.decided': 'payment.confirm',
  'subscription.cancel_at_period_end': 'subscription.update',
  'subscription.cancel_at_cycle_end': 'subscription.cancel',
  'subscription.pause_collection': 'subscription.update',
  'subscription.resume_collection': 'subscription.update',
  'subscription.end_trial': 'subscription.update',
  'charge.fail': 'charge.outcome',
  'charge.succeeds': 'charge.outcome',
  'payment.fails': 'charge.outcome',
  'payment.succeeds': 'charge.outcome',
  'charges.outcome': 'charge.outcome',
  'payment_method.outcome': 'charge.outcome',
  'card.outcome': 'charge.outcome',
  'endpoint.answer': 'endpoint.set',
  'endpoint.respond': 'endpoint.set',
  'endpoint.restore': 'endpoint.recovers',
  'endpoint.fail': 'endpoint.fails',
  'endpoint.breaks': 'endpoint.fails',
  'delivery.retry': 'delivery.retry_succeeds',
  'customer.update_payment_method': 'customer.set_default_payment_method',
  'customer.update_card': 'customer.set_default_payment_method',
  'customer.set_payment_method': 'customer.set_default_payment_method',
  'customer.set_payment_source': 'customer.set_default_payment_method',
  'payment_source.update': 'customer.set_default_payment_method',
  'billing_customer.set_default_payment_method': 'customer.set_default_payment_method',
  'customer.remove_payment_method': 'payment_method.detach',
  'customer.detach_payment_method': 'payment_method.detach',
  'customer.attach_payment_method': 'payment_method.attach',
  'payment_source.create': 'payment_method.attach',
  'billing_customer.create': 'customer.create',
  'billing_customer.update': 'customer.update',
  'subscription.update_card': 'subscription.change_payment_method',
  'subscription.update_payment_method': 'subscription.change_payment_method',
  'card.update': 'subscription.change_payment_method',
  'payment_method.change': 'subscription.change_payment_method',
  'payment_method.update': 'subscription.change_payment_method',
  'subscription.cancel_now': 'subscription.cancel',
  'subscription.cancel_immediately': 'subscription.cancel',
  'subscription.change_plan': 'subscription.update',
  'subscription.upgrade': 'subscription.update',
  'subscription.downgrade': 'subscription.update',
  'subscription.modify': 'subscription.update',
  'subscription.update_quantity': 'subscription.update',
  'subscription.change_quantity': 'subscription.update',
  'subscription.change': 'subscription.update',
  'subscription.charge_now': 'subscription.retry',
  'retry.charge': 'subscription.retry',
  'customer.retry_payment': 'subscription.retry',
  'customer.retry_charge': 'subscription.retry',
  'agreement.update': 'agreement.create',
  'agreement.change_plan': 'agreement.create',
  'agreement.upgrade': 'agreement.create',
  'agreement.downgrade': 'agreement.create',
  'customer.change_plan': 'agreement.create',
  'customer.sign_up': 'agreement.create',
  'agreement.delete': 'agreement.cancel',
  'invoice.void_invoice': 'invoice.void',
  'invoice.send_invoice': 'invoice.send',
  'invoice.uncollectible': 'invoice.mark_uncollectible',
  'billing_transaction.refund': 'refund.create',
  'payment_intent.refund': 'refund.create',
  'checkout.authorize': 'checkout.authenticate',
  'subscription.authorise': 'checkout.authenticate',
  'auth.complete': 'checkout.authenticate',
  'billing_checkout.expire': 'checkout.expire',
  'checkout.expires': 'checkout.expire',
  'checkout_session.create': 'checkout.create',
  'checkout_session.complete': 'checkout.complete',
  'checkout_session.expire': 'checkout.expire',
  'meter.update': 'usage.report',
  'usage.add': 'usage.report',
  'usage_record.create': 'usage.report',
  'meter.report_usage': 'usage.report',
  'charge.fails': 'charge.outcome',
  'payment.outcome': 'charge.outcome',
  'endpoint.ack': 'endpoint.set',
  'endpoint.down': 'endpoint.fails',
  'endpoint.up': 'endpoint.recovers',
  'endpoint.recover': 'endpoint.recovers',
  'secret.rotate': 'webhook.rotate_secret',
  'endpoint.rotate_secret': 'webhook.rotate_secret',
  'customer.change_card': 'customer.set_default_payment_method',
  'subscription.authenticate': 'checkout.authenticate',
  'subscription.authorize': 'checkout.authenticate',
  'subscription.change_card': 'subscription.change_payment_method',
  'card.change': 'subscription.change_payment_method',
  'customer.change_payment_method': 'subscription.change_payment_method',
  'subscription.delete': 'subscription.cancel',
  'subscription.retry_charge': 'subscription.retry',
  'charge.retry': 'subscription.retry',
  'payment.retry': 'subscription.retry',
  'subscription.charge': 'subscription.retry',
  'invoice.charge': 'invoice.pay',
  'invoice.retry': 'invoice.pay',
  'invoice.pay_manually': 'invoice.pay',
  'invoice.mark_paid': 'invoice.mark_as_paid',
  'invoice.pay_out_of_band': 'invoice.mark_as_paid',
  'invoice.overdue': 'invoice.mark_overdue',
  'invoice.finalize_invoice': 'invoice.finalize',
  'invoice_item.create': 'invoiceitem.create',
  'charge.refund': 'refund.create',
  'payment.refund': 'refund.create',
  'invoice.refund': 'refund.create',
  'billing_checkout.create': 'checkout.create',
  'billing_checkout.complete': 'checkout.complete',
  'billing_checkout.cancel': 'checkout.cancel',
  'checkout.session.create': 'checkout.create',
  'checkout.session.complete': 'checkout.complete',
  'checkout.session.expire': 'checkout.expire',
  'checkout.pay': 'checkout.complete',
  'payment_intent.confirm': 'payment.confirm',
  'payment.authenticate': 'payment.confirm',
  'invoice.confirm_payment': 'payment.confirm',
  'invoice.authenticate': 'payment.confirm',
  'meter.record': 'usage.report',
  'meter.usage': 'usage.report',
  'meter_usage.record': 'usage.report',
  'meter_usage.create': 'usage.report',
  'meter_event.create': 'usage.report',
  'usage.record': 'usage.report',
  'meter.report': 'usage.report',
  'agreement.change': 'agreement.create',
  'plan.change': 'agreement.create',
}

/**
 * What an action makes the runner do.
 *
 * @param notes takes the fields of the action that mean nothing here
 * @throws BillhookError `scenario_invalid` for an action that is not known, or a field that is wrong
 */
export function effectsOf(action: Action, context: ActionContext, notes: string[] = []): readonly Effect[] {
  const op = ALIASES[action.op] ?? action.op
  // A card that is changed for a subscription is changed there, whoever changes it.
  const forSubscription = op === 'customer.set_default_payment_method' && 'subscription' in action.with
  const reader = ACTIONS[forSubscription ? 'subscription.change_payment_method' : op]
  if (reader === undefined)
    throw new BillhookError(
      'scenario_invalid',
      `op ${JSON.stringify(action.op)} is not known; the known ones are ${Object.keys(ACTIONS).sort().join(', ')}`,
    )
  const fields = new StoryFields(withSaid(action), `op ${action.op}`)
  const effects = reader(fields, context)
  notes.push(...fields.unread())
  return effects.map((effect) =>
    effect.kind === 'command' && effect.customer === null ? { ...effect, customer: context.customer } : effect,
  )
}

function withSaid({ op, with: fields }: Action): JsonObject {
  if (op !== 'subscription.pause_collection' || 'pause_collection' in fields) return { ...SAID[op], ...fields }
  const { behavior, resumes_at: resumesAt, ...rest } = fields
  return { ...rest, pause_collection: { behavior: behavior ?? 'void', resumes_at: resumesAt ?? null } }
}

/** All actions, for the documentation. */
export function actionNames(): readonly string[] {
  return Object.keys(ACTIONS).sort()
}

/** Other names of actions, with the action that each stands for, for the documentation. */
export function actionAliases(): Readonly<Record<string, string>> {
  return ALIASES
}
