import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { actionAliases, actionNames, effectsOf } from '../../src/lab/actions.ts'
import type { ActionContext } from '../../src/lab/effects.ts'
import { wordsOf, DIALECTS } from '../../src/dialects/registry.ts'
import type { JsonObject } from '../../src/model/json.ts'

const [dialect] = DIALECTS
if (dialect === undefined) throw new Error('there is no dialect')

const context: ActionContext = {
  words: wordsOf(dialect),
  currency: 'EUR',
  customer: 'cus_1',
  methods: ['pm_1', 'pm_2'],
  method: 'pm_1',
  latest: (kind, index) => `${kind}_${index ?? 'latest'}`,
  price: (name) => name,
  anyPrice: 'price_1',
  held: () => [
    { id: 'si_1', price: 'p1', quantity: 2 },
    { id: 'si_2', price: 'p2', quantity: 1 },
  ],
  holderOf: (item) => (item === 'si_1' || item === 'si_2' ? 'sub_1' : null),
}
const effect = (op: string, fields: JsonObject = {}) => effectsOf({ op, with: fields }, context)[0]
const commandOf = (op: string, fields: JsonObject = {}) => {
  const made = effect(op, fields)
  return made?.kind === 'command' ? made.command : null
}

describe('the actions of stories', () => {
  it('are all listed in the description of the format, and so are their other names', () => {
    const text = readFileSync(new URL('../../scenarios/FORMAT.md', import.meta.url), 'utf8')
    const missing = [...actionNames(), ...Object.keys(actionAliases())].filter((name) => !text.includes(`\`${name}\``))
    expect(missing).toEqual([])
  })

  it('have other names that stand for one of them', () => {
    const known = new Set(actionNames())
    expect(Object.entries(actionAliases()).filter(([, name]) => !known.has(name))).toEqual([])
  })

  it.each([
    ['subscription.cancel_now', {}, { kind: 'subscription.cancel', id: 'subscription_latest', when: 'now' }],
    ['subscription.cancel', { cancel_at_cycle_end: true }, { kind: 'subscription.cancel', when: 'period_end' }],
    ['subscription.cancel_at_cycle_end', {}, { kind: 'subscription.cancel', when: 'period_end' }],
    [
      'subscription.cancel_at_period_end',
      { id: 's' },
      { kind: 'subscription.update', id: 's', cancelAtPeriodEnd: true },
    ],
    [
      'subscription.pause_collection',
      { behavior: 'keep_as_draft' },
      { pauseCollection: { invoices: 'keep_as_draft' } },
    ],
    ['subscription.resume_collection', {}, { pauseCollection: null }],
    ['subscription.end_trial', {}, { trialEnd: 'now' }],
    [
      'subscription.create',
      { items: [{ price: { id: 'p3', unit_amount: 5 }, quantity: 2 }] },
      { items: [{ price: 'p3', quantity: 2 }] },
    ],
    [
      'subscription.update',
      { items: [{ id: 'si_1', quantity: 5 }, { id: 'si_2', deleted: true }, { price: 'p3' }] },
      {
        items: [
          { price: 'p1', quantity: 5 },
          { price: 'p3', quantity: 1 },
        ],
      },
    ],
    [
      'subscription_item.create',
      { subscription: 'sub_1', price: 'p3' },
      { id: 'sub_1', items: [{ price: 'p1' }, { price: 'p2' }, { price: 'p3', quantity: 1 }] },
    ],
    [
      'subscription_item.update',
      { id: 'si_2', price: 'p9', proration_behavior: 'none' },
      { id: 'sub_1', items: [{ price: 'p1' }, { price: 'p9', quantity: 1 }], proration: 'none' },
    ],
    ['subscription_item.delete', { id: 'si_1' }, { id: 'sub_1', items: [{ price: 'p2', quantity: 1 }] }],
    ['subscription.upgrade', { price: 'p2' }, { items: [{ price: 'p2', quantity: 1 }] }],
    ['subscription.change_quantity', { quantity: 3 }, { quantity: 3 }],
    ['charge.fails', {}, { kind: 'payment_method.script', behavior: 'declines' }],
    ['charge.succeeds', {}, { kind: 'payment_method.script', behavior: 'pays' }],
    ['charge.outcome', { outcomes: ['failure', 'success'] }, { script: ['declines', 'pays'], behavior: 'pays' }],
    ['invoice.pay', { paid_out_of_band: true }, { kind: 'invoice.pay_out_of_band', id: 'invoice_latest' }],
    ['invoice.pay', { index: 0 }, { kind: 'invoice.pay', id: 'invoice_0', method: null }],
    ['customer.update_card', { card: 'pm_2' }, { kind: 'customer.set_default_payment_method', method: { id: 'pm_2' } }],
    [
      'customer.set_default_payment_method',
      { payment_method: 'pm_1' },
      { method: { attach: { id: 'pm_1_2', behavior: 'pays' } } },
    ],
    ['card.change', { outcome: 'failure' }, { method: { attach: { id: 'pm_new_failure', behavior: 'declines' } } }],
    ['payment.confirm', { outcome: 'processing' }, { kind: 'payment.decided', outcome: { outcome: 'later' } }],
    ['agreement.change_plan', { plan_code: 'pro' }, { kind: 'agreement.create', plan: 'pro' }],
    ['meter.record', { meter: 'calls', value: 3 }, { kind: 'usage.report', quantity: '3', mode: 'total' }],
    ['meter_event.create', { event_name: 'calls', value: 3, customer: 'cus_1' }, { quantity: '3', mode: 'delta' }],
    ['usage_record.create', { meter: 'calls', quantity: 3, action: 'set' }, { quantity: '3', mode: 'total' }],
    ['subscription.cancel', { cancel_at_cycle_end: 1 }, { when: 'period_end' }],
    ['subscription.cancel', { cancel_at_cycle_end: 0 }, { when: 'now' }],
    ['subscription.update', { price: 'p2', at_period_end: true }, { when: 'cycle_end' }],
    [
      'subscription.update',
      { price: 'p2', billing_action: 'IMMEDIATE_CHARGE_AND_RESET_CYCLE' },
      { proration: 'always_invoice', resetAnchor: true },
    ],
    ['subscription.update', { price: 'p2', proration_behavior: 'NONE' }, { proration: 'none' }],
    ['subscription.cancel', { proration_behavior: 'PRORATED' }, { prorate: true }],
    ['subscription.update', { price: 'p2', schedule_change_at: 'cycle_end' }, { when: 'cycle_end' }],
    ['subscription.update', { pause_collection: '' }, { pauseCollection: null }],
    [
      'subscription.create',
      { plan_id: 'p', addons: [{ item: { amount: 300 }, quantity: 2 }, { item: { amount: 5 } }] },
      { upfront: { minor: 605n, currency: 'EUR' } },
    ],
  ] as const)('%s %j', (op, fields, expected) => {
    expect(commandOf(op, fields)).toMatchObject(expected)
  })

  it.each([
    ['charge.outcome', { outcome: 'maybe' }, /outcome: expected success, failure/],
    ['subscription.pause', { pause_at: 'cycle_end' }, /pause_at: expected now/],
    ['subscription.cancel', { by: 'nobody' }, /by: expected customer, /],
    ['endpoint.set', { ack: [500, 200] }, /ack: expected a status, immediate/],
    ['endpoint.set', { ack: 'perhaps' }, /ack: expected a status, immediate/],
    ['subscription.update', { proration_behavior: 'sometimes' }, /proration_behavior: expected create_prorations/],
    ['subscription.update', { items: [{ id: 'si_9' }] }, /items\.0\.id: expected one of the items si_1, si_2/],
    ['subscription_item.delete', { id: 'si_9' }, /id: expected an item of a subscription/],
    ['subscription.update', { when: 'some day' }, /when: expected now or cycle_end/],
    ['subscription.cancel', { cancel_at_cycle_end: 'yes' }, /cancel_at_cycle_end: expected true or false, found "yes"/],
    ['checkout.create', { mode: 'GIFT' }, /mode: expected payment, subscription or setup/],
    ['usage.report', { meter: 'calls' }, /quantity: expected a number/],
    ['clock.break', {}, /op "clock\.break" is not known/],
  ] as const)('%s %j is refused: a word that means nothing must not pass for another', (op, fields, words) => {
    expect(() => effect(op, fields)).toThrow(words)
  })

  it.each([
    [true, 200],
    [false, 500],
    ['down', 500],
    [503, 503],
  ])('read ack: %j as %i', (ack, status) => {
    expect(effect('endpoint.set', { ack })).toEqual({ kind: 'endpoint', status, until: null, endpoint: null })
  })

  it('tell which fields mean nothing', () => {
    const notes: string[] = []
    effectsOf({ op: 'invoice.void', with: { id: 'in_1', colour: 'red', note: 'for people' } }, context, notes)
    expect(notes).toEqual(['op invoice.void.colour'])
    notes.length = 0
    effectsOf({ op: 'subscription.pause_collection', with: { behavior: 'void' } }, context, notes)
    effectsOf({ op: 'endpoint.set', with: { ack: { status: 500, after: 'PT1H' } } }, context, notes)
    expect(notes).toEqual(['op endpoint.set.ack.after'])
  })
})
