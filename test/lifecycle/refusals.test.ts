import { describe, expect, it } from 'vitest'
import { RAZORPAY_PROFILE } from '../../src/dialects/razorpay/profile.ts'
import { STRIPE_PROFILE } from '../../src/dialects/stripe/profile.ts'
import type { CatalogCommand, Command } from '../../src/model/commands.ts'
import { money } from '../../src/model/money.ts'
import { decideCatalog } from '../../src/lifecycle/catalog.ts'
import { at, Bench, method } from './support.ts'

/** A shop with an active, a canceled and a paused subscription, a void and a paid invoice. */
function shop(): Bench {
  const bench = new Bench(STRIPE_PROFILE, '2026-01-10T00:00:00Z')
  bench.sell({ kind: 'meter.create', id: 'mtr_1', code: 'calls', name: 'Calls', aggregation: 'sum' })
  bench.price('basic', 5000)
  bench.price('dollars', 5000, 'USD')
  bench.price('yearly', 5000, 'EUR', { interval: { unit: 'year', count: 1 } })
  bench.price('once', 900, 'EUR', { interval: null })
  bench.price('gone', 900)
  bench.sell({ kind: 'price.update', id: 'gone', active: false })
  bench.customer()
  for (const id of ['active', 'canceled', 'paused'])
    bench.ok({ kind: 'subscription.create', id, items: [{ price: 'basic', quantity: 1 }] })
  bench.ok({ kind: 'subscription.cancel', id: 'canceled', when: 'now', by: 'customer', reason: null })
  bench.ok({ kind: 'subscription.pause', id: 'paused', by: 'admin' })
  for (const id of ['in_void', 'in_draft']) {
    bench.ok({
      kind: 'invoice.create',
      id,
      currency: 'EUR',
      lines: [{ amount: money(100, 'EUR'), description: 'x', price: null, quantity: 1 }],
      pendingItems: 'exclude',
      autoAdvance: false,
      collection: 'automatic',
      daysUntilDue: null,
    })
  }
  bench.ok({ kind: 'invoice.finalize', id: 'in_void' })
  bench.ok({ kind: 'invoice.void', id: 'in_void' })
  return bench
}

const CREATE = { kind: 'subscription.create', id: null, items: [{ price: 'basic', quantity: 1 }] } as const
const UPDATE = { kind: 'subscription.update', id: 'active' } as const
const USAGE = { kind: 'usage.report', subscription: 'active', meter: 'calls', quantity: '1', mode: 'delta' } as const

const CASES: readonly (readonly [string, Command, string, string | null])[] = [
  ['a subscription of an unknown plan', { ...CREATE, items: [{ price: 'none', quantity: 1 }] }, 'not_found', 'items'],
  [
    'a plan that is not sold any more',
    { ...CREATE, items: [{ price: 'gone', quantity: 1 }] },
    'invalid_transition',
    'items',
  ],
  [
    'a subscription of a one-off price',
    { ...CREATE, items: [{ price: 'once', quantity: 1 }] },
    'invalid_request',
    'items',
  ],
  ['a subscription without items', { ...CREATE, items: [] }, 'invalid_request', 'items'],
  ['half a unit', { ...CREATE, items: [{ price: 'basic', quantity: 0.5 }] }, 'invalid_request', 'quantity'],
  ['fewer than no units', { ...CREATE, items: [{ price: 'basic', quantity: -1 }] }, 'invalid_request', 'quantity'],
  ['a second currency', { ...CREATE, items: [{ price: 'dollars', quantity: 1 }] }, 'currency_mismatch', 'items'],
  [
    'two currencies in one subscription',
    { ...CREATE, items: ['basic', 'dollars'].map((price) => ({ price, quantity: 1 })) },
    'currency_mismatch',
    'items',
  ],
  [
    'two intervals in one subscription',
    { ...CREATE, items: ['basic', 'yearly'].map((price) => ({ price, quantity: 1 })) },
    'invalid_request',
    'items',
  ],
  ['the same price twice', { ...CREATE, items: [CREATE.items[0], CREATE.items[0]] }, 'invalid_request', 'items'],
  ['an id that is taken', { ...CREATE, id: 'active' }, 'conflict', 'id'],
  ['a start in the past', { ...CREATE, startAt: at('2026-01-01T00:00:00Z') }, 'invalid_request', 'startAt'],
  [
    'a trial that ends before it begins',
    { ...CREATE, trialEnd: at('2026-01-01T00:00:00Z') },
    'invalid_request',
    'trialEnd',
  ],
  [
    'a trial of so many days that ends at a time',
    { ...CREATE, trialDays: 3, trialEnd: at('2027-01-01T00:00:00Z') },
    'invalid_request',
    'trialEnd',
  ],
  ['no cycles', { ...CREATE, totalCycles: 0 }, 'invalid_request', 'totalCycles'],
  ['an unknown payment method', { ...CREATE, defaultPaymentMethod: 'pm_9' }, 'not_found', 'defaultPaymentMethod'],
  ['a change of what has ended', { ...UPDATE, id: 'canceled', quantity: 2 }, 'invalid_transition', 'id'],
  ['a change of what is unknown', { ...UPDATE, id: 'none', quantity: 2 }, 'not_found', 'id'],
  ['an end before now', { ...UPDATE, cancelAt: at('2026-01-01T00:00:00Z') }, 'invalid_request', 'cancelAt'],
  ['the end of a trial that there is not', { ...UPDATE, trialEnd: 'now' }, 'invalid_transition', 'trialEnd'],
  [
    'a change into another currency',
    { ...UPDATE, items: [{ price: 'dollars', quantity: 1 }] },
    'currency_mismatch',
    'items',
  ],
  [
    'canceling what is canceled',
    { kind: 'subscription.cancel', id: 'canceled', when: 'now', by: 'customer', reason: null },
    'invalid_transition',
    'id',
  ],
  ['pausing what is paused', { kind: 'subscription.pause', id: 'paused', by: 'admin' }, 'invalid_transition', 'id'],
  [
    'resuming what is not paused',
    { kind: 'subscription.resume', id: 'active', by: 'admin', anchor: 'now' },
    'invalid_transition',
    'id',
  ],
  [
    'authorising what waits for nothing',
    { kind: 'subscription.authorize', id: 'active', outcome: null, method: null },
    'invalid_transition',
    null,
  ],
  ['retrying what is paid', { kind: 'subscription.retry', id: 'active', method: null }, 'invalid_transition', 'id'],
  [
    'dropping a change that there is not',
    { kind: 'subscription.cancel_scheduled_change', id: 'active' },
    'invalid_transition',
    'id',
  ],
  ['paying a void invoice', { kind: 'invoice.pay', id: 'in_void', method: null }, 'invalid_transition', 'id'],
  ['finalizing it', { kind: 'invoice.finalize', id: 'in_void' }, 'invalid_transition', 'id'],
  ['voiding a draft', { kind: 'invoice.void', id: 'in_draft' }, 'invalid_transition', 'id'],
  ['giving a draft up', { kind: 'invoice.mark_uncollectible', id: 'in_draft' }, 'invalid_transition', 'id'],
  ['an unknown invoice', { kind: 'invoice.pay', id: 'none', method: null }, 'not_found', 'id'],
  [
    'an amount put aside in another currency',
    { kind: 'invoice_item.create', id: null, amount: money(1, 'USD'), description: 'x', subscription: null },
    'currency_mismatch',
    'amount',
  ],
  ['deleting what is unknown', { kind: 'invoice_item.delete', id: 'none' }, 'not_found', 'id'],
  ['usage on an unmetered price', USAGE, 'usage_on_unmetered', 'subscription'],
  ['usage of what has ended', { ...USAGE, subscription: 'canceled' }, 'invalid_transition', 'subscription'],
  [
    'a refund of an unknown payment',
    { kind: 'refund.create', id: null, payment: 'none', amount: null, reason: null },
    'not_found',
    'payment',
  ],
  ['an unknown checkout', { kind: 'checkout.cancel', id: 'none' }, 'not_found', 'id'],
  ['a second customer of the same id', { kind: 'customer.create', fields: {}, method: null }, 'conflict', 'id'],
  [
    'a method that is attached already',
    { kind: 'payment_method.attach', method: method('pm_1'), makeDefault: false },
    'conflict',
    'method',
  ],
  ['detaching what is unknown', { kind: 'payment_method.detach', id: 'none' }, 'not_found', 'method'],
]

describe('a command that is not possible', () => {
  const bench = shop()

  it.each(CASES)('is refused and changes nothing: %s', (_name, command, code, field) => {
    const [before, told] = [bench.state, bench.tellings.length]
    expect(bench.tell(command)).toMatchObject({ ok: false, code, field })
    expect(bench.state).toBe(before)
    expect(bench.tellings).toHaveLength(told)
  })

  it('is refused for a customer who is deleted, whose subscriptions have ended', () => {
    const gone = shop()
    gone.heard()
    gone.ok({ kind: 'customer.delete' })
    expect(gone.heard()).toEqual(['subscription_canceled', 'subscription_canceled', 'customer_deleted'])
    expect(gone.tell(CREATE)).toMatchObject({ ok: false, code: 'invalid_transition', field: 'customer' })
    expect(gone.next()).toBeNull()
  })

  it('is refused where nobody is: only an authorisation or a checkout makes a customer', () => {
    const nobody = new Bench(STRIPE_PROFILE, '2026-01-10T00:00:00Z')
    nobody.price('basic', 5000)
    expect(nobody.tell(CREATE)).toMatchObject({ ok: false, code: 'not_found', field: 'customer' })
    const offered = new Bench(RAZORPAY_PROFILE, '2026-01-10T00:00:00Z')
    offered.price('basic', 5000)
    expect(offered.tell(CREATE)).toMatchObject({ ok: true })
  })

  it('is refused if a refund is larger than what is left', () => {
    const paid = shop()
    const payment = Object.keys(paid.state.payments)[0] ?? ''
    const refund = { kind: 'refund.create', id: null, payment, reason: null } as const
    paid.ok({ ...refund, amount: money(3000, 'EUR') })
    expect(paid.tell({ ...refund, amount: money(2001, 'EUR') })).toMatchObject({ ok: false, code: 'invalid_money' })
    paid.ok({ ...refund, amount: null })
    expect(paid.last('payment_refunded').told).toMatchObject({ detail: { full: true, total: { minor: 5000n } } })
    expect(paid.tell({ ...refund, amount: null })).toMatchObject({ ok: false, code: 'invalid_money', field: 'amount' })
    expect(paid.tell({ ...refund, amount: money(1, 'USD') })).toMatchObject({ ok: false, code: 'currency_mismatch' })
  })
})

const PRICE = {
  kind: 'price.create',
  id: 'p_1',
  product: 'prod_basic',
  code: null,
  name: null,
  group: null,
  currency: 'EUR',
  interval: { unit: 'month', count: 1 },
  scheme: 'per_unit',
  unitAmount: money(1, 'EUR'),
  tiers: [],
  usage: 'licensed',
  meter: null,
  billed: null,
} as const satisfies CatalogCommand

const TIER = { upTo: null, unitAmount: money(1, 'EUR'), flatAmount: null }
const TIERED = { ...PRICE, scheme: 'volume', unitAmount: null } as const

const CATALOG_CASES: readonly (readonly [string, CatalogCommand, string, string | null])[] = [
  ['a price of an unknown product', { ...PRICE, product: 'none' }, 'not_found', 'product'],
  ['a price without an amount', { ...PRICE, unitAmount: null }, 'invalid_request', 'unitAmount'],
  ['an amount in another currency', { ...PRICE, unitAmount: money(1, 'USD') }, 'currency_mismatch', 'unitAmount'],
  ['a price below nothing', { ...PRICE, unitAmount: money(-1, 'EUR') }, 'invalid_money', 'unitAmount'],
  ['a currency that does not exist', { ...PRICE, currency: 'EUX' }, 'invalid_currency', null],
  ['half an interval', { ...PRICE, interval: { unit: 'month', count: 0.5 } }, 'invalid_request', 'interval'],
  ['no tiers', TIERED, 'invalid_request', 'tiers'],
  ['tiers without an open end', { ...TIERED, tiers: [{ ...TIER, upTo: 5 }] }, 'invalid_request', 'tiers'],
  [
    'tiers that go back',
    { ...TIERED, tiers: [{ ...TIER, upTo: 5 }, { ...TIER, upTo: 5 }, TIER] },
    'invalid_request',
    'tiers',
  ],
  ['a metered price without a meter', { ...PRICE, usage: 'metered' }, 'not_found', 'meter'],
  ['an id that is taken', { ...PRICE, id: 'basic' }, 'conflict', 'id'],
  ['an update of an unknown price', { kind: 'price.update', id: 'none' }, 'not_found', 'id'],
  ['an update of an unknown product', { kind: 'product.update', id: 'none' }, 'not_found', 'id'],
  [
    'a second meter of the same code',
    { kind: 'meter.create', id: null, code: 'calls', name: 'x', aggregation: 'sum' },
    'conflict',
    'code',
  ],
]

describe('the catalogue', () => {
  const bench = shop()

  it.each(CATALOG_CASES)('refuses %s', (_name, command, code, field) => {
    expect(decideCatalog(command, bench.catalog, bench.context())).toMatchObject({ ok: false, code, field })
  })

  it('tells what was made and changed, with what was there before', () => {
    const made = decideCatalog(PRICE, bench.catalog, bench.context())
    if (!made.ok) throw new Error(made.message)
    const [telling] = made.tellings
    expect(telling?.told).toMatchObject({ kind: 'price_created', subject: 'p_1', customer: null })
    expect(telling?.view.before.price).toBeNull()
    expect(telling?.view).toMatchObject({
      after: { price: { id: 'p_1' } },
      products: { prod_basic: { name: 'basic' } },
    })
    const changed = decideCatalog({ kind: 'price.update', id: 'p_1', active: false }, made.catalog, bench.context())
    if (!changed.ok) throw new Error(changed.message)
    expect(changed.tellings[0]).toMatchObject({
      told: { kind: 'price_updated' },
      view: { before: { price: { active: true } }, after: { price: { active: false } } },
    })
  })
})
