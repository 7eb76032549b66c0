import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { describeOnBackends } from '../support/backends.ts'
import { billed, START, wanted } from '../support/billed.ts'
import type { Billed } from '../support/billed.ts'
import { openSink } from '../support/sink.ts'

const subscribe = ({ post }: Billed, more: object = {}) =>
  post('/subscriptions', { customer: 'ada', id: 'sub', items: [{ price: 'pro_monthly' }], ...more })

describeOnBackends('Billing over HTTP', (_open, backend) => {
  it('bills a year on a test clock, and says before each step what comes next', async () => {
    await using bench = await billed({ place: backend.place() })
    const { post, get } = bench
    const made = await subscribe(bench)
    expect([made.status, made.body]).toMatchObject([
      201,
      { kind: 'subscription', id: 'sub', customer: 'ada', object: { status: 'active', items: [{ price: 'monthly' }] } },
    ])
    expect(made.body.events.map(({ type }: { type: string }) => type)).toEqual(
      (await bench.events()).slice(-made.body.events.length),
    )
    const clock = await get('/clock')
    expect(clock.body).toMatchObject({ id: 'clock_acme', now: START, status: 'ready', target: null })

    // Given what the clock foresees, when it is advanced, then exactly that is told.
    const before = (await get('/facts?limit=200')).body.data.length
    const foreseen = clock.body.next.what.filter(({ kind }: { kind: string }) => kind === 'fact')
    expect(foreseen.length).toBeGreaterThan(0)
    const moved = await post('/clock/advance', { next: true })
    expect([moved.status, moved.body.now]).toEqual([200, clock.body.next.at])
    const told = (await get('/facts?limit=200')).body.data.slice(before)
    expect(told.slice(0, foreseen.length).map(({ kind }: { kind: string }) => kind)).toEqual(
      foreseen.map(({ name }: { name: string }) => name),
    )

    const year = await post('/clock/advance', { to: '2027-01-01T00:00:00Z' })
    expect([year.status, year.body]).toMatchObject([200, { now: '2027-01-01T00:00:00.000Z', status: 'ready' }])
    const invoices = await get('/invoices?customer=ada&limit=200')
    expect(invoices.body.data.every(({ status }: { status: string }) => status === 'paid')).toBe(true)
    expect(invoices.body.data).toHaveLength(13)
  })

  it('answers a repeated key with the same answer, does the work once, and refuses the key for anything else', async () => {
    await using bench = await billed({ place: backend.place() })
    const body = { customer: 'ada', items: [{ price: 'monthly' }] }
    const first = await bench.post('/subscriptions', body, { 'idempotency-key': 'k1' })
    const again = await bench.post('/subscriptions', body, { 'idempotency-key': 'k1' })
    expect([again.status, again.body, again.headers.get('idempotent-replayed')]).toEqual([201, first.body, 'true'])
    const other = await bench.post('/subscriptions', { ...body, metadata: { a: 'b' } }, { 'idempotency-key': 'k1' })
    expect([other.status, other.body.error.code]).toEqual([409, 'idempotency_conflict'])
    // A process that died between the work and the answer: the work's own transaction knows the key.
    await bench.served.app.answers.dropAnswer('main', 'k1')
    const late = await bench.post('/subscriptions', body, { 'idempotency-key': 'k1' })
    expect([late.body.id, late.body.events]).toEqual([first.body.id, first.body.events])
    expect((await bench.get('/subscriptions')).body.data).toHaveLength(1)
    const refused = await bench.post('/subscriptions/nobody/cancel', {}, { 'idempotency-key': 'k2' })
    expect([refused.status, (await bench.post('/subscriptions/nobody/cancel', {}, { 'idempotency-key': 'k2' })).body]) //
      .toEqual([404, refused.body])
  })

  it('leaves state, log and events as they were when a command is impossible', async () => {
    await using bench = await billed({ place: backend.place() })
    const { post, get, remove } = bench
    await wanted(subscribe(bench))
    await wanted(post('/subscriptions/sub/cancel'))
    await wanted(
      post('/invoices', {
        id: 'void',
        customer: 'ada',
        lines: [{ amount: { minor: '500', currency: 'EUR' }, description: 'Setup' }],
      }),
    )
    await wanted(post('/invoices/void/finalize'))
    await wanted(post('/invoices/void/void'))
    await wanted(subscribe(bench, { id: 'live' }))
    const photograph = async () =>
      JSON.stringify([
        await bench.events(),
        (await get('/facts?limit=200')).body,
        (await get('/subscriptions')).body,
        (await get('/invoices')).body,
        (await get('/customers')).body,
        (await get('/clock')).body,
      ])
    const before = await photograph()
    const dollars = { amount: { minor: '500', currency: 'USD' }, description: 'Dollars' }
    const impossible: readonly (readonly [string, unknown, number, string])[] = [
      ['/subscriptions/sub/cancel', {}, 409, 'invalid_transition'],
      ['/subscriptions/live/resume', {}, 409, 'invalid_transition'],
      ['/invoices/void/pay', {}, 409, 'invalid_transition'],
      ['/clock/advance', { to: '2025-12-31T00:00:00Z' }, 409, 'clock_backwards'],
      ['/invoices', { customer: 'ada', currency: 'EUR', lines: [dollars] }, 409, 'currency_mismatch'],
      ['/subscriptions', { customer: 'ada', items: [{ price: 'nothing' }] }, 404, 'not_found'],
      ['/subscriptions', { customer: 'nobody', items: [{ price: 'monthly' }] }, 404, 'not_found'],
      ['/subscriptions/nothing/pause', {}, 404, 'not_found'],
      ['/refunds', { payment: 'nothing' }, 404, 'not_found'],
      ['/customers', { id: 'ada' }, 409, 'conflict'],
      ['/products', { id: 'pro', name: 'Again' }, 409, 'conflict'],
    ]
    for (const [path, body, status, code] of impossible) {
      const answer = await post(path, body)
      expect([path, answer.status, answer.body.error?.code]).toEqual([path, status, code])
    }
    expect([(await remove('/invoices/void')).status, (await remove('/payment_methods/none')).status]).toEqual([
      409, 404,
    ])
    expect(await photograph()).toBe(before)
  })

  it('shows an object in any dialect exactly as the webhook carries it', async () => {
    await using bench = await billed({ place: backend.place(), dialect: 'stripe@2025-02-24.acacia' })
    const customer = (await bench.get('/objects/customer/ada')).body
    await wanted(subscribe(bench))
    const sent = async (type: string) => {
      const [event] = (await bench.get(`/events?type=${type}`)).body.data
      return (await bench.get(`/events/${event.id}`)).body.body.data.object
    }
    const [invoice] = (await bench.get('/invoices')).body.data
    const shown = (kind: string, id: string, dialect = '') =>
      bench.get(`/objects/${kind}/${id}${dialect === '' ? '' : `?dialect=${dialect}`}`)
    expect((await shown('invoice', invoice.id)).body).toEqual(await sent('invoice.paid'))
    expect(customer).toEqual(await sent('customer.updated'))
    expect((await shown('product', 'pro')).body).toEqual(await sent('product.created'))
    expect((await shown('price', 'monthly')).body).toEqual(await sent('price.created'))
    expect((await shown('clock', 'clock_acme')).body).toMatchObject({ object: 'test_helpers.test_clock' })

    const endive = await shown('subscription', 'sub', 'stripe@2025-08-27.basil')
    expect(endive.body).not.toHaveProperty('current_period_start')
    expect((await shown('subscription', 'sub')).body).toHaveProperty('current_period_start')
    expect((await shown('subscription', 'sub', 'airwallex@2025-06-16')).body).toMatchObject({ status: 'ACTIVE' })
    expect((await shown('subscription', 'sub', 'razorpay')).body).toMatchObject({ entity: 'subscription' })
    const wrong = await shown('subscription', 'sub', 'nobody')
    expect([wrong.status, wrong.body.error.code]).toEqual([400, 'unknown_dialect'])
    expect((await shown('subscription', 'nothing')).status).toBe(404)
    expect((await shown('planet', 'x')).body.error.details.field).toBe('kind')
    expect((await shown('meter', 'x', 'kinde')).status).toBe(404)
  })
})

describe('The commands of billing', () => {
  it('name the field that is wrong, and refuse fields that they do not know', async () => {
    await using bench = await billed()
    const { post } = bench
    const wrong: readonly (readonly [string, unknown, string])[] = [
      ['/customers', { nam: 'Ada' }, 'nam'],
      ['/customers', { payment_method: { behavior: 'explodes' } }, 'payment_method.behavior'],
      ['/prices', { product: 'pro', currency: 'EURO', unit_amount: null }, 'currency'],
      [
        '/prices',
        { product: 'pro', currency: 'EUR', unit_amount: { minor: '1.5', currency: 'EUR' } },
        'unit_amount.minor',
      ],
      [
        '/prices',
        { product: 'pro', currency: 'EUR', unit_amount: { minor: '9999999999999999', currency: 'EUR' } },
        'unit_amount.minor',
      ],
      ['/prices', { product: 'pro', currency: 'EUR', interval: { unit: 'fortnight' } }, 'interval.unit'],
      ['/subscriptions', { customer: 'ada', items: [] }, 'items'],
      ['/subscriptions', { customer: 'ada', items: [{ price: 'monthly', quantity: -1 }] }, 'items[0].quantity'],
      [
        '/subscriptions',
        { customer: 'ada', items: [{ price: 'monthly' }], trial_end: '2026-02-30T00:00:00Z' },
        'trial_end',
      ],
      ['/subscriptions', { customer: 'ada', items: [{ price: 'monthly' }], trialDays: 3 }, 'trialDays'],
      ['/usage', { subscription: 'sub', meter: 'm', quantity: 'many' }, 'quantity'],
      ['/clock/advance', { to: 'tomorrow' }, 'to'],
      ['/customers/ada/default_payment_method', { method: { attach: { last4: 'x' } } }, 'method.attach.last4'],
      ['/customers/ada/default_payment_method', { method: {} }, 'method'],
    ]
    for (const [path, body, field] of wrong) {
      const { status, body: answer } = await post(path, body)
      expect([path, status, answer.error.code, answer.error.details.field]).toEqual([
        path,
        400,
        'invalid_request',
        field,
      ])
    }
    const engine: readonly (readonly [string, object, string])[] = [
      [
        '/subscriptions',
        { customer: 'ada', items: [{ price: 'monthly' }], trial_end: '2020-01-01T00:00:00Z' },
        'trial_end',
      ],
      [
        '/subscriptions',
        { customer: 'ada', items: [{ price: 'monthly' }], start_at: '2020-01-01T00:00:00Z' },
        'start_at',
      ],
      ['/checkouts', { mode: 'subscription', items: [{ price: 'monthly' }], customer: 'nobody' }, 'customer'],
    ]
    for (const [path, body, field] of engine) {
      const { error } = (await post(path, body)).body
      expect([error.details.field, error.message]).toEqual([field, expect.stringContaining(`${field}: `)])
    }
    const query = await bench.get('/invoices?limit=0')
    expect([query.status, query.body.error.details.field]).toEqual([400, 'limit'])
    const versioned = await bench.served.api('POST', '/v1/accounts', { name: 'X', dialect: 'stripe@2025-08-27.basil' })
    expect([versioned.status, versioned.body.dialect]).toEqual([201, 'stripe@2026-10-28.endive'])
    const older = { dialect: 'stripe@2023-10-16' }
    expect((await bench.served.api('PATCH', `/v1/accounts/${versioned.body.id}`, older)).body.dialect).toBe(
      'stripe@2025-02-24.acacia',
    )
    const account = await bench.served.api('POST', '/v1/accounts', { name: 'X', dialect: 'nobody' })
    expect([account.status, account.body.error.code]).toEqual([400, 'unknown_dialect'])
    for (const switches of [{ related_event: 'on' }, { related_events: 'maybe' }]) {
      const refused = await bench.served.api('PATCH', '/v1/accounts/acme', { switches })
      expect([refused.status, refused.body.error.details.field]).toEqual([400, `switches.${Object.keys(switches)[0]}`])
    }
    const off = await bench.served.api('PATCH', '/v1/accounts/acme', { switches: { related_events: 'off' } })
    expect(off.status).toBe(200)
    const zone = await bench.served.api('PATCH', '/v1/accounts/acme', { profile: { boundary_zone: 'Mars/Olympus' } })
    expect([zone.status, zone.body.error.message]).toMatchObject([400, expect.stringContaining('boundary_zone')])
    const profile = await bench.served.api('PATCH', '/v1/accounts/acme', { profile: { gravity: 'off' } })
    expect([profile.status, profile.body.error.message]).toMatchObject([400, expect.stringContaining('gravity')])
  })

  it('carry a subscription through its life: trial, change, pause, failure, recovery, cancellation', async () => {
    await using bench = await billed({ dialect: 'stripe@2026-10-28.endive' })
    const { post, patch, get } = bench
    const status = async () => (await get('/subscriptions/sub')).body.status
    await wanted(subscribe(bench, { trial_days: 14, metadata: { seats: '3' } }))
    expect(await status()).toBe('trialing')
    await wanted(post('/clock/advance', { to: '2026-01-20T00:00:00Z' }))
    expect(await status()).toBe('active')
    await wanted(
      post('/prices', {
        id: 'big',
        product: 'pro',
        currency: 'EUR',
        interval: { unit: 'month' },
        unit_amount: { minor: '5000', currency: 'EUR' },
      }),
    )
    const changed = await wanted(
      patch('/subscriptions/sub', { items: [{ price: 'big', quantity: 2 }], proration: 'always_invoice' }),
    )
    expect(changed.body.object.items).toMatchObject([{ price: 'big', quantity: 2 }])
    await wanted(patch('/subscriptions/sub', { pause_collection: { invoices: 'keep_as_draft' } }))
    expect((await get('/subscriptions/sub')).body.pause).toMatchObject({
      scope: 'collection',
      invoices: 'keep_as_draft',
    })
    await wanted(patch('/subscriptions/sub', { pause_collection: null }))
    await wanted(post('/customers/ada/sandbox', { behavior: 'declines' }))
    await wanted(post('/clock/advance', { to: '2026-02-16T00:00:00Z' }))
    expect(await status()).toBe('past_due')
    await wanted(post('/subscriptions/sub/change_payment_method', { method: { attach: { id: 'pm2' } } }))
    await wanted(post('/subscriptions/sub/retry', {}))
    expect(await status()).toBe('active')
    await wanted(patch('/subscriptions/sub', { cancel_at_period_end: true }))
    expect((await get('/subscriptions/sub')).body.cancel).toMatchObject({ at_period_end: true })
    await wanted(post('/clock/advance', { to: '2026-04-01T00:00:00Z' }))
    expect(await status()).toBe('canceled')
  })

  it('bill once: invoices with lines, amounts put aside, refunds, checkouts, usage', async () => {
    await using bench = await billed({ dialect: 'stripe@2026-10-28.endive' })
    const { post, get, remove } = bench
    const eur = (minor: number) => ({ minor, currency: 'EUR' })
    await wanted(post('/invoice_items', { id: 'gone', customer: 'ada', amount: eur(100), description: 'Gone' }))
    expect((await remove('/invoice_items/gone')).body).toMatchObject({ kind: 'invoice_item', object: null })
    await wanted(post('/invoices', { id: 'one', customer: 'ada', lines: [{ amount: eur(700), description: 'Setup' }] }))
    await wanted(post('/invoices/one/lines', { amount: eur(300), description: 'Travel' }))
    const paid = await wanted(post('/invoices/one/pay'))
    expect(paid.body.object).toMatchObject({ status: 'paid', total: { minor: '1000', currency: 'EUR' } })
    const refund = await wanted(
      post('/refunds', { payment: paid.body.object.payment, amount: eur(400), reason: 'kind' }),
    )
    expect([refund.status, refund.body.object]).toMatchObject([201, { status: 'succeeded', amount: { minor: '400' } }])
    expect((await get('/invoices/one')).body.refunded).toEqual({ minor: '400', currency: 'EUR' })
    expect((await get(`/payments/${paid.body.object.payment}`)).body.refunded.minor).toBe('400')

    await wanted(post('/checkouts', { id: 'co', customer: 'ada', items: [{ price: 'monthly' }], currency: 'EUR' }))
    const done = await wanted(post('/checkouts/co/complete', { outcome: { outcome: 'succeeded' } }))
    expect(done.body.object).toMatchObject({ status: 'completed', subscription: expect.any(String) })
    await wanted(post('/checkouts', { id: 'ex', customer: 'ada', items: [{ price: 'monthly' }], currency: 'EUR' }))
    expect((await wanted(post('/checkouts/ex/expire'))).body.object.status).toBe('expired')

    await wanted(post('/meters', { id: 'm', code: 'calls', name: 'Calls' }))
    await wanted(
      post('/prices', {
        id: 'metered',
        product: 'pro',
        currency: 'EUR',
        interval: { unit: 'month' },
        unit_amount: eur(2),
        usage: 'metered',
        meter: 'm',
        billed: 'arrears',
      }),
    )
    await wanted(subscribe(bench, { items: [{ price: 'metered' }] }))
    await wanted(post('/usage', { subscription: 'sub', meter: 'calls', quantity: '40' }))
    await wanted(post('/usage', { subscription: 'sub', meter: 'calls', quantity: '2' }))
    expect((await get('/usage?customer=ada')).body.data).toMatchObject([{ meter: 'm', quantity: '42', mode: 'delta' }])
    const unmetered = await post('/usage', {
      subscription: done.body.object.subscription,
      meter: 'calls',
      quantity: '1',
    })
    expect([unmetered.status, unmetered.body.error.code]).toEqual([409, 'usage_on_unmetered'])
    await wanted(post('/agreements', { id: 'agreed', customer: 'ada', plan: 'pro_monthly' }))
    await wanted(post('/agreements/agreed/cancel'))
    const gone = await wanted(remove('/customers/ada'))
    expect(gone.body.object.deleted_at).toBe(START)
  })

  it('decide a payment that waits for the customer once, whoever tells it again', async () => {
    await using bench = await billed({ dialect: 'stripe@2026-10-28.endive' })
    const { post, get } = bench
    await wanted(post('/customers/ada/sandbox', { behavior: 'needs_action' }))
    expect((await wanted(subscribe(bench))).body.object.status).toBe('incomplete')
    const [payment] = (await get('/payments?customer=ada')).body.data
    expect(payment).toMatchObject({ status: 'requires_action', attempt: 1 })
    const paid = { attempt: 1, result: { outcome: 'succeeded' } }
    const decided = await wanted(post(`/payments/${payment.id}/decide`, paid))
    expect(decided.body).toMatchObject({ kind: 'payment', id: payment.id, object: { status: 'succeeded' } })
    expect((await get('/subscriptions/sub')).body.status).toBe('active')
    const again = await wanted(post(`/payments/${payment.id}/decide`, { attempt: 1, result: { outcome: 'failed' } }))
    expect(again.body).toMatchObject({ object: { status: 'succeeded' }, events: [] })
  })

  it('advance one clock one after another, however many ask at once', async () => {
    await using sink = await openSink()
    await using bench = await billed({ begin: false })
    await wanted(bench.post('/endpoints', { url: sink.url, dialect: 'standard' }))
    await wanted(subscribe(bench))
    const asked = Array.from({ length: 4 }, () => bench.post('/clock/advance', { to: '2026-03-02T00:00:00Z' }))
    for (const { status } of await Promise.all(asked)) expect(status).toBe(200)
    const ids = sink.arrivals.map(({ headers }) => headers['webhook-id'])
    expect([ids.length > 10, new Set(ids).size]).toEqual([true, ids.length])
  })

  it('page through lists without missing or repeating anything, and refuse foreign cursors', async () => {
    await using bench = await billed()
    for (let i = 0; i < 7; i += 1) await wanted(bench.post('/customers', { id: `c${i}` }))
    for (const path of ['/customers?', '/facts?', '/events?order=oldest&']) {
      const all = (await bench.get(`${path}limit=200`)).body.data
      const seen: unknown[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = await wanted(
          bench.get(`${path}limit=3${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`),
        )
        expect(page.body.data.length).toBeLessThanOrEqual(3)
        seen.push(...page.body.data)
        cursor = page.body.next
      }
      expect(seen).toEqual(all)
      const foreign = await bench.get(`${path}cursor=nonsense`)
      expect([path, foreign.status, foreign.body.error.code]).toEqual([path, 400, 'invalid_cursor'])
    }
  })
})

describe('Accounts', () => {
  it('are listed page by page', async () => {
    await using bench = await billed()
    const { served } = bench
    for (let n = 0; n < 5; n += 1)
      await wanted(served.api('POST', '/v1/accounts', { id: `page_${n}`, name: 'X', dialect: 'kinde' }))
    const all = (await served.api('GET', '/v1/accounts?limit=200')).body
    expect(all.next).toBeNull()
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const path: string = `/v1/accounts?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`
      const { body } = await served.api('GET', path)
      seen.push(...body.data.map(({ id }: { id: string }) => id))
      cursor = body.next
    }
    expect(seen).toEqual(all.data.map(({ id }: { id: string }) => id))
    expect(seen.length).toBeGreaterThan(5)
    const foreign = await served.api('GET', `/v1/accounts?cursor=${Buffer.from('"nobody"').toString('base64url')}`)
    expect([foreign.status, foreign.body.error.code]).toEqual([400, 'invalid_cursor'])
  })

  it('are looked after by their own keys and the operator’s, and by nobody else', async () => {
    await using bench = await billed()
    const { served } = bench
    const other = await wanted(served.api('POST', '/v1/accounts', { name: 'Other', dialect: 'kinde' }))
    expect(other.body).toMatchObject({ id: expect.stringMatching(/^acct_/), clock: null, livemode: false })
    expect(other.body).not.toHaveProperty('seed')
    const { body } = await wanted(bench.post('/keys', { name: 'acme', scope: 'write' }))
    const own = { authorization: `Bearer ${body.key}` }
    const as = (method: string, path: string, sent?: unknown) => served.api(method, path, sent, own)
    expect((await as('GET', '/v1/accounts/acme')).status).toBe(200)
    expect((await as('GET', '/v1/accounts')).body.data.map(({ id }: { id: string }) => id)).toEqual(['acme'])
    expect((await as('GET', `/v1/accounts/${other.body.id}/invoices`)).body.error.code).toBe('forbidden')
    expect((await as('POST', '/v1/accounts/main/customers', {})).body.error.code).toBe('forbidden')
    expect((await as('POST', '/v1/accounts', { name: 'X', dialect: 'kinde' })).status).toBe(403)
    const read = await wanted(bench.post('/keys', { name: 'reader', scope: 'read' }))
    const reader = { authorization: `Bearer ${read.body.key}` }
    expect((await served.api('POST', '/v1/accounts/acme/customers', {}, reader)).body.error.code).toBe('forbidden')
    expect((await served.api('GET', '/v1/accounts/acme/clock', undefined, { authorization: '' })).status).toBe(401)
    expect((await served.api('GET', '/v1/accounts/nobody/invoices')).status).toBe(404)
    const real = await served.api('POST', `/v1/accounts/${other.body.id}/clock/advance`, { next: true })
    expect([real.status, real.body.error.code]).toEqual([400, 'invalid_request'])
    expect((await served.api('GET', `/v1/accounts/${other.body.id}/clock`)).body).toMatchObject({
      status: 'real',
      next: null,
    })
    expect((await served.api('POST', '/v1/accounts', { id: 'acme', name: 'X', dialect: 'kinde' })).status).toBe(409)
    const renamed = await wanted(
      served.api('PATCH', '/v1/accounts/acme', { name: 'Acme Ltd', owner_email: 'a@b.example' }),
    )
    expect(renamed.body).toMatchObject({ name: 'Acme Ltd', owner_email: 'a@b.example' })
  })

  it('give the same bytes for the same seed and calls', async () => {
    const run = async () => {
      await using bench = await billed({ dialect: 'stripe@2025-02-24.acacia' })
      await wanted(bench.post('/subscriptions', { customer: 'ada', items: [{ price: 'monthly' }] }))
      await wanted(bench.post('/clock/advance', { to: '2026-04-01T00:00:00Z' }))
      const events = (await bench.get('/events?order=oldest&limit=200')).body.data
      return await Promise.all(
        events.map(async ({ id }: { id: string }) => (await bench.get(`/events/${id}`)).body.body),
      )
    }
    expect(await run()).toEqual(await run())
  })
})

describe('The payment service', () => {
  const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const sign = (body: string, at: number, secret = SECRET): Record<string, string> => {
    const mac = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
      .update(`msg.${at}.${body}`)
      .digest('base64')
    return { 'webhook-id': 'msg', 'webhook-timestamp': String(at), 'webhook-signature': `v1,${mac}`, authorization: '' }
  }

  it('may say that the customer has to act, and calls back when they have', async () => {
    await using sink = await openSink((_arrival, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end('{"outcome":"action_required","reference":"r1"}')
    })
    await using bench = await billed({ env: { BILLHOOK_PAYMENTS_URL: sink.url, BILLHOOK_PAYMENTS_SECRET: SECRET } })
    await wanted(subscribe(bench))
    await wanted(bench.post('/clock/advance', { to: START }))
    const [payment] = (await bench.get('/payments')).body.data
    expect(payment.status).toBe('requires_action')
    const { idempotency_key } = JSON.parse(sink.arrivals[0]!.body.toString())
    const now = Date.parse(START) / 1000
    const tell = (outcome: string) => {
      const body = JSON.stringify({ account: 'acme', idempotency_key, outcome, reference: 'r1' })
      return bench.served.api('POST', '/v1/payments/callback', body, sign(body, now))
    }
    expect((await tell('action_required')).status).toBe(200)
    expect((await tell('succeeded')).status).toBe(200)
    expect((await tell('failed')).status).toBe(200)
    expect((await bench.get('/payments')).body.data).toMatchObject([{ status: 'succeeded' }])
    expect((await bench.get('/subscriptions/sub')).body.status).toBe('active')
    expect(sink.arrivals).toHaveLength(1)
  })

  it('is asked once and calls back, signed; told twice it changes nothing, unsigned it is refused', async () => {
    await using sink = await openSink((_arrival, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end('{"outcome":"later","reference":"r1"}')
    })
    await using bench = await billed({ env: { BILLHOOK_PAYMENTS_URL: sink.url, BILLHOOK_PAYMENTS_SECRET: SECRET } })
    await wanted(subscribe(bench))
    await wanted(bench.post('/clock/advance', { to: START }))
    const asked = JSON.parse(sink.arrivals[0]!.body.toString())
    expect(asked).toMatchObject({ type: 'charge', account: 'acme', amount: { minor: '1000', currency: 'EUR' } })
    expect(asked).toMatchObject({
      customer: { id: 'ada', created_at: expect.stringMatching(/^2026-01-01T/) },
      payment_method: { exp_month: null },
      invoice: { amount_due: { minor: '1000', currency: 'EUR' }, created_at: expect.stringMatching(/^2026-01-01T/) },
      payment: { customer: 'ada', attempt: 1 },
    })
    expect(JSON.stringify(asked)).not.toMatch(/"[a-z]+[A-Z]/)
    const { idempotency_key } = asked
    const now = Date.parse(START) / 1000
    const tell = (what: object, headers?: (body: string) => Record<string, string>) => {
      const body = JSON.stringify({ account: 'acme', idempotency_key, ...what })
      return bench.served.api('POST', '/v1/payments/callback', body, (headers ?? ((text) => sign(text, now)))(body))
    }
    const paid = { outcome: 'succeeded', reference: 'r1' }
    const forged = await tell(paid, (body) => sign(body, now, `whsec_${Buffer.alloc(32, 8).toString('base64')}`))
    expect([forged.status, forged.body.error.code]).toEqual([401, 'unauthorized'])
    expect((await tell(paid, (body) => sign(`${body} `, now))).status).toBe(401)
    expect((await tell(paid, (body) => sign(body, now - 3600))).status).toBe(401)
    expect((await tell({ outcome: 'perhaps' })).body.error.details.field).toBe('outcome')
    expect((await tell({ ...paid, idempotency_key: 'nothing' })).status).toBe(404)
    expect((await bench.get('/invoices')).body.data[0].status).toBe('open')

    expect((await tell(paid)).body).toEqual({ received: true })
    expect((await bench.get('/invoices')).body.data[0].status).toBe('paid')
    const events = await bench.events()
    expect((await tell(paid)).status).toBe(200)
    expect((await tell({ outcome: 'failed', failure: { code: 'late' } })).status).toBe(200)
    expect(await bench.events()).toEqual(events)
    expect(sink.arrivals).toHaveLength(1)
  })
})
