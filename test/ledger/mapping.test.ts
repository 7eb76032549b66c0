/** Every event of the seed documents, from its true bytes through its dialect into the facts that it must become. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { DialectId, Notification } from '../../src/dialects/dialect.ts'
import { dialectOf } from '../../src/dialects/registry.ts'
import type { FactKind } from '../../src/model/facts.ts'
import { instantFromSeconds, parseInstant } from '../../src/model/instant.ts'
import type { JsonObject } from '../../src/model/json.ts'
import type { Observation } from '../../src/model/observations.ts'
import { fold } from '../../src/ledger/fold.ts'
import { shuffles } from './build.ts'

type Body = Record<string, unknown>

function read(path: string): Body {
  return JSON.parse(readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8')) as Body
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

let told = 0

function observe(dialect: DialectId, body: Body): readonly Observation[] {
  told += 1
  const notification: Notification = {
    id: textOf(body['id'] ?? body['event_id']) || `evt_${told}`,
    type: textOf(body['type'] ?? body['name'] ?? body['event']),
    createdAt:
      instantFromSeconds(body['created'] ?? body['created_at']) ??
      parseInstant(body['created_at'] ?? body['timestamp']),
    account: null,
    body: body as JsonObject,
  }
  const { observations, problems } = dialectOf(dialect).decode(notification)
  expect(problems).toEqual([])
  return observations
}

function factsOf(observations: readonly Observation[]): readonly string[] {
  const texts = new Set(
    shuffles(observations, 6).map((order) => JSON.stringify(fold(order).facts.map((fact) => fact.kind))),
  )
  expect(texts.size).toBe(1)
  return fold(observations).facts.map((fact) => fact.kind)
}

interface Row {
  readonly file: string
  /** Told before it: another file, or the same body with another status. */
  readonly after?: readonly (readonly [file: string, change: (body: Body) => void])[]
  readonly facts: readonly FactKind[]
}

function check(dialect: DialectId, folder: string, rows: readonly Row[]): void {
  it.each(rows.map((row) => [row.file, row] as const))('%s', (_, row) => {
    const before = (row.after ?? []).flatMap(([file, change]) => {
      const body = read(`${folder}/${file}`)
      change(body)
      return observe(dialect, body)
    })
    const known = new Set(fold(before).facts.map((fact) => fact.key))
    const all = [...before, ...observe(dialect, read(`${folder}/${row.file}`))]
    const added = fold(all).facts.filter((fact) => !known.has(fact.key))
    factsOf(all)
    expect(added.map((fact) => fact.kind)).toEqual(expect.arrayContaining([...row.facts]))
  })
}

/** The body as it would have been a day earlier with another status. */
function earlier(change: (object: Body) => void, path: readonly string[]) {
  return (body: Body): void => {
    const object = path.reduce<Body>((at, key) => at[key] as Body, body)
    if (typeof body['created_at'] === 'number') body['created_at'] -= 86_400
    else if (typeof body['created_at'] === 'string') body['created_at'] = '2020-01-01T00:00:00+0000'
    if (typeof object['updated_at'] === 'string') object['updated_at'] = '2020-01-01T00:00:00+0000'
    change(object)
  }
}

describe('the counting provider', () => {
  const entity = ['payload', 'subscription', 'entity']
  const status = (word: string, more: Body = {}) =>
    earlier((object) => Object.assign(object, { status: word }, more), entity)
  check('razorpay', 'razorpay/events', [
    { file: 'subscription.authenticated.json', facts: ['subscription_authorized'] },
    { file: 'subscription.activated.json', facts: ['subscription_activated', 'payment_succeeded'] },
    {
      file: 'subscription.activated.json',
      after: [['subscription.activated.json', status('pending')]],
      facts: ['subscription_activated'],
    },
    { file: 'subscription.charged.json', facts: ['payment_succeeded', 'invoice_paid'] },
    { file: 'subscription.completed.json', facts: ['subscription_completed', 'payment_succeeded'] },
    {
      file: 'subscription.updated.json',
      after: [['subscription.updated.json', status('active', { quantity: 7 })]],
      facts: ['subscription_changed'],
    },
    { file: 'subscription.pending.json', facts: ['subscription_past_due', 'payment_failed', 'invoice_payment_failed'] },
    { file: 'subscription.halted.json', facts: ['subscription_unpaid'] },
    { file: 'subscription.paused.json', facts: ['subscription_paused'] },
    {
      file: 'subscription.resumed.json',
      after: [['subscription.resumed.json', status('paused')]],
      facts: ['subscription_resumed'],
    },
    { file: 'subscription.cancelled.json', facts: ['subscription_canceled'] },
  ])
})

describe('the counting provider, charging twice', () => {
  it('renews with the second charge', () => {
    const first = read('razorpay/events/subscription.charged.json')
    const text = JSON.stringify(first)
      .replaceAll(/"(pay|inv|order)_/g, '"$1_2')
      .replace('"paid_count":1', '"paid_count":2')
    const second = JSON.parse(text) as Body
    second['created_at'] = Number(first['created_at']) + 30 * 86_400
    const { entity } = (second['payload'] as { subscription: { entity: Body } }).subscription
    entity['current_start'] = entity['current_end']
    entity['current_end'] = Number(entity['current_end']) + 30 * 86_400
    const facts = factsOf([...observe('razorpay', first), ...observe('razorpay', second)])
    expect(facts.filter((kind) => kind === 'subscription_renewed')).toHaveLength(1)
    expect(facts.filter((kind) => kind === 'invoice_paid')).toHaveLength(2)
    expect(facts.filter((kind) => kind === 'payment_succeeded')).toHaveLength(2)
  })
})

describe('the provider of agreements', () => {
  check('kinde', 'kinde/events', [
    { file: 'customer.agreement_created.json', facts: ['subscription_created', 'subscription_activated'] },
    { file: 'customer.agreement_cancelled.json', facts: ['subscription_canceled'] },
    {
      file: 'customer.invoice_overdue.json',
      after: [['customer.agreement_created.json', () => undefined]],
      facts: ['invoice_overdue', 'subscription_past_due'],
    },
    { file: 'customer.meter_usage_updated.json', facts: ['usage_updated'] },
    {
      file: 'customer.payment_failed.json',
      after: [['customer.agreement_created.json', () => undefined]],
      facts: ['payment_failed', 'invoice_payment_failed', 'subscription_past_due'],
    },
    { file: 'customer.payment_succeeded.json', facts: ['payment_succeeded', 'invoice_paid'] },
    { file: 'customer.plan_assigned.json', facts: ['plan_assigned'] },
    { file: 'customer.plan_changed.json', facts: ['subscription_changed'] },
  ])
})

describe('the provider of two generations, the newer', () => {
  const before = (object: Body) => earlier((data) => Object.assign(data, object), ['data'])
  check('airwallex@2025-06-16', 'airwallex/2025-06-16/events', [
    { file: 'subscription.created.json', facts: ['subscription_created'] },
    { file: 'subscription.in_trial.json', facts: ['subscription_trial_started'] },
    { file: 'subscription.active.json', facts: [] },
    {
      file: 'subscription.active.json',
      after: [['subscription.active.json', before({ status: 'IN_TRIAL' })]],
      facts: ['subscription_activated', 'subscription_trial_ended'],
    },
    {
      file: 'subscription.active.json',
      after: [['subscription.active.json', before({ status: 'UNPAID' })]],
      facts: ['subscription_activated'],
    },
    { file: 'subscription.unpaid.json', facts: ['subscription_past_due'] },
    {
      file: 'subscription.modified.json',
      after: [
        ['subscription.modified.json', before({ cancel_at_period_end: false, collection_method: 'OUT_OF_BAND' })],
      ],
      facts: ['subscription_changed'],
    },
    { file: 'subscription.cancelled.json', facts: ['subscription_canceled'] },
    { file: 'invoice.created.json', facts: ['invoice_drafted'] },
    { file: 'invoice.finalized.json', facts: ['invoice_finalized'] },
    { file: 'invoice.voided.json', facts: ['invoice_voided'] },
    { file: 'invoice.payment.paid.json', facts: ['invoice_paid'] },
    { file: 'billing_transaction.created.json', facts: ['payment_initiated'] },
    { file: 'billing_transaction.succeeded.json', facts: ['payment_succeeded'] },
    { file: 'billing_transaction.cancelled.json', facts: ['payment_canceled'] },
    { file: 'billing_checkout.created.json', facts: ['checkout_opened'] },
    { file: 'billing_checkout.cancelled.json', facts: ['checkout_canceled'] },
    { file: 'billing_checkout.completed.json', facts: ['checkout_completed'] },
  ])
})

describe('the provider of two generations, the older', () => {
  const before = (object: Body) => earlier((data) => Object.assign(data, object), ['data', 'object'])
  check('airwallex@2025-04-25', 'airwallex/2025-04-25/events', [
    { file: 'subscription.created.json', facts: ['subscription_created'] },
    {
      file: 'subscription.updated.json',
      after: [['subscription.updated.json', before({ status: 'IN_TRIAL' })]],
      facts: ['subscription_trial_ended'],
    },
    { file: 'subscription.cancelled.json', facts: ['subscription_canceled'] },
    { file: 'invoice.sent.json', facts: ['invoice_finalized'] },
    { file: 'invoice.paid.json', facts: ['invoice_paid'] },
    { file: 'invoice.payment_failed.json', facts: ['invoice_uncollectible'] },
    {
      file: 'invoice.payment_attempt_failed.json',
      facts: ['invoice_payment_failed', 'payment_failed', 'subscription_past_due'],
    },
  ])
})

describe('the provider that tells previous values', () => {
  for (const [dialect, folder] of [
    ['stripe@2025-02-24.acacia', 'stripe/wire/classic'],
    ['stripe@2026-10-28.endive', 'stripe/wire/modern'],
  ] as const) {
    describe(folder, () => {
      check(dialect, folder, [
        { file: 'invoice.upcoming.body', facts: ['subscription_renewal_upcoming'] },
        { file: 'invoice.created.body', facts: ['invoice_drafted'] },
        {
          file: 'invoice.payment_succeeded.body',
          facts: ['invoice_paid', 'payment_succeeded', 'subscription_renewed'],
        },
        { file: 'customer.subscription.trial_will_end.body', facts: ['subscription_trial_ending'] },
        { file: 'customer.subscription.updated.past_due.body', facts: ['subscription_past_due'] },
        { file: 'customer.subscription.updated.unpaid.body', facts: ['subscription_unpaid'] },
        { file: 'customer.subscription.deleted.body', facts: ['subscription_canceled'] },
        { file: 'customer.subscription.updated.recovered.body', facts: ['subscription_activated'] },
        {
          file: 'customer.subscription.updated.trial_ended.body',
          facts: ['subscription_trial_ended', 'subscription_activated'],
        },
        { file: 'customer.subscription.updated.cancel_at_period_end.body', facts: ['subscription_cancel_scheduled'] },
        { file: 'customer.subscription.updated.pause_collection.body', facts: ['subscription_paused'] },
        { file: 'customer.subscription.updated.plan_change.body', facts: ['subscription_changed'] },
        { file: 'customer.subscription.updated.incomplete_expired.body', facts: ['subscription_expired'] },
        { file: 'invoice.payment_failed.body', facts: ['invoice_payment_failed', 'payment_failed'] },
        { file: 'invoice.marked_uncollectible.body', facts: ['invoice_uncollectible'] },
        { file: 'invoice.voided.body', facts: ['invoice_voided'] },
      ])
    })
  }
})
