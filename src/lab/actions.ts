import type { Command } from '../model/commands.ts'
import { BillhookError } from '../model/error.ts'
import { command, customerOf, otherMethod, outcomesOf, readAcknowledgement } from './effects.ts'
import type { ActionContext, ActionReader, Effect } from './effects.ts'
import { invoiceActions } from './invoice_actions.ts'
import { StoryFields } from './read_fields.ts'
import type { Action } from './scenario.ts'
import { subscriptionActions } from './subscription_actions.ts'

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
      customerOf(fields, context),
    ),
  'customer.delete': (fields, context) => command({ kind: 'customer.delete' }, customerOf(fields, context)),
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
  'endpoint.recovers': () => [{ kind: 'endpoint', status: 200, until: null }],
  'endpoint.fails': (fields) => [{ kind: 'endpoint', status: fields.integer('status') ?? 500, until: null }],
  'endpoint.set': (fields) => [readAcknowledgement(fields)],
  'endpoint.disable': () => [{ kind: 'endpoint_state', state: 'disabled' }],
  'endpoint.enable': () => [{ kind: 'endpoint_state', state: 'enabled' }],
  'delivery.retry_succeeds': (fields) => [
    { kind: 'endpoint', status: 200, until: null },
    { kind: 'retry_delivery', type: fields.text('event', 'type') },
  ],
  'webhook.rotate_secret': (fields) => [{ kind: 'rotate_secret', secret: fields.requiredText('secret') }],
}

const ACTIONS: Readonly<Record<string, ActionReader>> = { ...OTHER_ACTIONS, ...subscriptionActions, ...invoiceActions }

/** Other names that stories may use for the same action. */
const ALIASES: Readonly<Record<string, string>> = {
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
 * @throws BillhookError `scenario_invalid` for an action that is not known, or a field that is wrong
 */
export function effectsOf(action: Action, context: ActionContext): readonly Effect[] {
  const reader = ACTIONS[ALIASES[action.op] ?? action.op]
  if (reader === undefined)
    throw new BillhookError(
      'scenario_invalid',
      `op ${JSON.stringify(action.op)} is not known; known are ${Object.keys(ACTIONS).sort().join(', ')}`,
    )
  const fields = new StoryFields(action.with, `op ${action.op}`)
  return reader(fields, context).map((effect) =>
    effect.kind === 'command' && effect.customer === null ? { ...effect, customer: context.customer } : effect,
  )
}

/** All actions, for the documentation. */
export function actionNames(): readonly string[] {
  return Object.keys(ACTIONS).sort()
}
