import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { describeOnBackends } from '../support/backends.ts'
import { event, eventually, makeRig, newKey, realAccount } from '../support/delivery.ts'
import { openSink } from '../support/sink.ts'

const STANDARD = { dialect: 'standard', eventTypes: ['*'] } as const

/** A policy that comes to its end at once, so that no test waits. */
export const QUICK = {
  id: 'quick',
  offsetsMs: [1, 2],
  giveUpAfterMs: 60_000,
  jitter: 0,
  acknowledged: '2xx',
  timeoutMs: 2_000,
  honorsRetryAfter: false,
  goneDisables: true,
  disableAfterMs: null,
  warnAfterMs: null,
  freshSignature: true,
  source: 'this test',
} as const

describeOnBackends('delivering', (open, backend) => {
  const alone = backend.backend === 'embedded'

  test('a published event reaches every endpoint that asked for it, signed as the official SDK verifies it', async () => {
    await using sink = await openSink()
    await using rig = makeRig(await open())
    const { delivery } = rig
    await delivery.start(alone)
    const all = await delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    await delivery.endpoints.create('acme', { ...STANDARD, url: `${sink.url}/orders`, eventTypes: ['order.*'] })
    await delivery.endpoints.create('acme', { ...STANDARD, url: `${sink.url}/users`, eventTypes: ['user.created'] })
    const [published] = await delivery.publish('acme', [event('order.paid', { amount: 5 })])
    expect(published).toMatchObject({ type: 'order.paid', deliveries: 2 })
    await sink.received(2)
    await eventually(() => rig.settled.length === 2, 'both settled')
    expect(sink.arrivals.map(({ path }) => path).sort()).toEqual(['/hook', '/hook/orders'])
    const arrival = sink.arrivals.find(({ path }) => path === '/hook')
    const body = new Webhook(all.secret ?? '').verify(
      arrival?.body.toString() ?? '',
      arrival?.headers as Record<string, string>,
    )
    expect(body).toMatchObject({ type: 'order.paid', data: { amount: 5 } })
    expect(arrival?.headers['webhook-id']).toBe(published?.event)
    expect(rig.settled[0]).toMatchObject({ account: 'acme', event: published?.event, outcome: 'delivered' })
  })

  test('many concurrent calls share statements, and every event arrives exactly once', async () => {
    await using sink = await openSink()
    await using rig = makeRig(await open())
    await rig.delivery.start(alone)
    await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url, inFlightMax: 64 })
    const published = await Promise.all(
      Array.from({ length: 600 }, (_, i) => rig.delivery.publish('acme', [event('n', { i }), event('m', { i })])),
    )
    await sink.received(1_200)
    await eventually(() => rig.settled.length === 1_200, 'all settled')
    const ids = published.flat().map((one) => one.event)
    expect(new Set(ids).size).toBe(1_200)
    expect(sink.arrivals.map(({ headers }) => String(headers['webhook-id'])).sort()).toEqual([...ids].sort())
    const { items } = await rig.delivery.inspection.deliveries('acme', { state: 'delivered' }, { limit: 200 })
    expect(items).toHaveLength(200)
    expect(items[0]).toMatchObject({ made: 1, lease: null, dueAt: null, lastStatus: 200 })
  })

  test('the same key again gives the same answer and sends nothing, also within one batch', async () => {
    await using sink = await openSink()
    await using rig = makeRig(await open())
    await rig.delivery.start(alone)
    await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    const key = newKey()
    const paid = event('order.paid', { n: 1 }, { key })
    const [first, second] = await Promise.all([
      rig.delivery.publish('acme', [paid]),
      rig.delivery.publish('acme', [paid, paid]),
    ])
    expect(second).toEqual([first[0], first[0]])
    expect(await rig.delivery.publish('acme', [paid])).toEqual(first)
    await expect(rig.delivery.publish('acme', [event('order.paid', { n: 2 }, { key })])).rejects.toMatchObject({
      code: 'idempotency_conflict',
    })
    await eventually(() => rig.settled.length === 1, 'settled')
    expect(sink.arrivals).toHaveLength(1)
  })

  test('one call that cannot be stored does not take others with it', async () => {
    await using rig = makeRig(await open())
    const key = newKey()
    await rig.delivery.publish('acme', [event('a', {}, { key })])
    const outcomes = await Promise.allSettled([
      rig.delivery.publish('acme', [event('b')]),
      rig.delivery.publish('acme', [event('a', { other: 1 }, { key })]),
      rig.delivery.publish('acme', [event('c')]),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((await rig.delivery.inspection.events('acme')).items).toHaveLength(3)
  })

  test('a failing endpoint is tried again with a fresh signature over the same id and body, then given up', async () => {
    await using sink = await openSink(503)
    await using rig = makeRig(await open())
    await rig.delivery.start(alone)
    const { endpoint } = await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url, retry: QUICK })
    const [published] = await rig.delivery.publish('acme', [event('order.paid')])
    await eventually(() => rig.settled.length > 0, 'given up')
    expect(rig.settled[0]).toMatchObject({ outcome: 'exhausted', event: published?.event })
    expect(sink.arrivals.filter(({ headers }) => headers['webhook-id'] === published?.event)).toHaveLength(3)
    expect(new Set(sink.arrivals.map(({ body }) => body.toString())).size).toBe(1)
    const detail = await rig.delivery.inspection.delivery({
      account: 'acme',
      event: published?.event ?? '',
      endpoint: endpoint.id,
    })
    expect(detail.attempts).toHaveLength(3)
    expect(detail.attempts[0]).toMatchObject({ status: 503, problem: 'status', url: sink.url })
    expect(detail.attempts[0]?.request['webhook-id']).toBe(published?.event)
    expect(detail.attempts[0]?.totalMs).toBeGreaterThan(0)
    const why = await rig.delivery.inspection.why('acme', published?.event ?? '', endpoint.id)
    expect(why).toMatchObject({ code: 'exhausted', words: expect.stringContaining('503') })
    const { items } = await rig.delivery.inspection.events('acme', { type: 'message.exhausted' })
    expect(items).toHaveLength(1)
    expect(items[0]?.body).toContain(published?.event)
  })

  test('answers that only some policies take, redirects and silence are failures with their reasons', async () => {
    await using sink = await openSink((arrival, response) => {
      if (arrival.path.endsWith('/created')) response.writeHead(201).end()
      else if (arrival.path.endsWith('/moved')) response.writeHead(302, { location: 'https://example.com/' }).end()
    })
    await using rig = makeRig(await open())
    await rig.delivery.start(alone)
    const retry = { ...QUICK, offsetsMs: [], acknowledged: [200] }
    for (const name of ['created', 'moved', 'silent'])
      await rig.delivery.endpoints.create(
        'acme',
        {
          ...STANDARD,
          eventTypes: ['a'],
          url: `${sink.url}/${name}`,
          retry,
          timeoutMs: name === 'silent' ? 100 : 5_000,
        },
        name,
      )
    const [published] = await rig.delivery.publish('acme', [event('a')])
    await eventually(() => rig.settled.length === 3, 'given up')
    const attempt = async (endpoint: string) =>
      (await rig.delivery.inspection.delivery({ account: 'acme', event: published?.event ?? '', endpoint })).attempts[0]
    expect(await attempt('created')).toMatchObject({ status: 201, problem: 'status' })
    expect(await attempt('moved')).toMatchObject({ status: 302, detail: expect.stringContaining('redirects') })
    expect(await attempt('silent')).toMatchObject({ status: null, problem: 'timeout' })
  })

  test('410 disables the endpoint, its owner is mailed, and what it misses is kept as skipped', async () => {
    await using sink = await openSink(410)
    await using rig = makeRig(await open())
    await rig.delivery.start(alone)
    const { endpoint } = await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url, retry: QUICK })
    await rig.delivery.publish('acme', [event('a')])
    await eventually(() => rig.mails.length === 1, 'the mail')
    expect(rig.mails[0]).toMatchObject({ to: 'owner@example.com', subject: expect.stringContaining('disabled') })
    expect(await rig.delivery.endpoints.one('acme', endpoint.id)).toMatchObject({
      state: 'disabled',
      disabledReason: 'gone',
    })
    const [missed] = await rig.delivery.publish('acme', [event('b')])
    const detail = await rig.delivery.inspection.delivery({
      account: 'acme',
      event: missed?.event ?? '',
      endpoint: endpoint.id,
    })
    expect(detail.state).toBe('skipped')
    sink.answer = 200
    await rig.delivery.endpoints.enable('acme', endpoint.id)
    const replay = await rig.delivery.replays.create('acme', { endpoint: endpoint.id, states: ['skipped'] })
    await eventually(async () => (await rig.delivery.replays.get('acme', replay.id)).state === 'done', 'the replay')
    await eventually(() => sink.arrivals.some(({ headers }) => headers['webhook-id'] === missed?.event), 'the arrival')
    expect((await rig.delivery.replays.get('acme', replay.id)).replayed).toBe(1)
  })

  test('a paused endpoint gets what it missed when it is enabled again', async () => {
    await using sink = await openSink()
    await using rig = makeRig(await open())
    await rig.delivery.start(alone)
    const { endpoint } = await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    await rig.delivery.endpoints.pause('acme', endpoint.id)
    const [held] = await rig.delivery.publish('acme', [event('a')])
    expect(await rig.delivery.inspection.why('acme', held?.event ?? '', endpoint.id)).toMatchObject({ code: 'held' })
    expect(sink.arrivals).toHaveLength(0)
    await rig.delivery.endpoints.enable('acme', endpoint.id)
    await sink.received(1)
    await eventually(() => rig.settled.length === 1, 'settled')
  })

  test('events of one subject arrive one after another in their order, those of others flow', async () => {
    const underWay = new Map<string, number>()
    const order: string[] = []
    let tooMany = 0
    await using sink = await openSink((arrival, response) => {
      const { data } = JSON.parse(arrival.body.toString()) as { data: { subject: string; n: number } }
      const now = (underWay.get(data.subject) ?? 0) + 1
      if (now > 1) tooMany += 1
      underWay.set(data.subject, now)
      setTimeout(() => {
        underWay.set(data.subject, now - 1)
        // The first try of each event fails: the next one of the subject must wait for the retry.
        const failed = !order.includes(`${data.subject}${data.n} failed`)
        order.push(`${data.subject}${data.n}${failed ? ' failed' : ''}`)
        response.writeHead(failed && data.n === 1 ? 500 : 200).end()
        if (failed && data.n !== 1) order[order.length - 1] = `${data.subject}${data.n}`
      }, 2)
    })
    await using rig = makeRig(await open())
    await rig.delivery.start(alone)
    await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url, ordered: true, retry: QUICK })
    const events = ['a', 'b', 'c'].flatMap((subject) =>
      [1, 2, 3, 4].map((n) => event('change', { subject, n }, { subject })),
    )
    for (const one of events) await rig.delivery.publish('acme', [one])
    await eventually(() => rig.settled.length === 12, 'all settled')
    expect(tooMany).toBe(0)
    for (const subject of ['a', 'b', 'c'])
      expect(order.filter((text) => text.startsWith(subject)).map((text) => text.slice(1))).toEqual([
        '1 failed',
        '1',
        '2',
        '3',
        '4',
      ])
  })

  test('a dead endpoint does not slow the others', async () => {
    await using dead = await openSink(() => undefined)
    await using sink = await openSink()
    await using rig = makeRig(await open(), { options: { concurrency: 32 } })
    await rig.delivery.start(alone)
    await rig.delivery.endpoints.create('acme', { ...STANDARD, url: dead.url, inFlightMax: 8 })
    await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    await rig.delivery.publish(
      'acme',
      Array.from({ length: 100 }, (_, i) => event('a', { i })),
    )
    await sink.received(100)
    expect(dead.arrivals.length).toBeLessThanOrEqual(8)
  })

  test('many dead endpoints take neither all the memory nor all the requests from a healthy one', async () => {
    await using dead = await openSink(() => undefined)
    await using sink = await openSink()
    await using rig = makeRig(await open(), { options: { concurrency: 64, memoryMax: 400 } })
    await rig.delivery.start(alone)
    const slow = { ...QUICK, timeoutMs: 150, offsetsMs: [60_000], giveUpAfterMs: 120_000 }
    for (let i = 0; i < 20; i += 1)
      await rig.delivery.endpoints.create('acme', { ...STANDARD, eventTypes: ['dead'], url: dead.url, retry: slow })
    await rig.delivery.endpoints.create('acme', { ...STANDARD, eventTypes: ['alive'], url: sink.url })
    await rig.delivery.publish(
      'acme',
      Array.from({ length: 100 }, (_, i) => event('dead', { i })),
    )
    await eventually(() => dead.arrivals.length >= 40, 'the dead ones are at work')
    await rig.delivery.publish(
      'acme',
      Array.from({ length: 50 }, (_, i) => event('alive', { i })),
    )
    await sink.received(50)
    // They were 2000 deliveries ahead of it; first come, first served would have made most of them by now.
    expect(dead.arrivals.length).toBeLessThan(1_000)
  })

  test('custom headers go out and are hidden in what is kept; nothing secret is logged', async () => {
    await using sink = await openSink((_arrival, response) =>
      response.writeHead(200, { 'set-cookie': 'session=abc' }).end('ok '.repeat(1_000)),
    )
    await using rig = makeRig(await open())
    await rig.delivery.start(alone)
    const headers = { Authorization: 'Bearer top-secret', 'X-Tenant': 't1' }
    const { endpoint, secret } = await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url, headers })
    const [published] = await rig.delivery.publish('acme', [event('a')])
    await eventually(() => rig.settled.length === 1, 'settled')
    expect(sink.arrivals[0]?.headers).toMatchObject({ authorization: 'Bearer top-secret', 'x-tenant': 't1' })
    const key = { account: 'acme', event: published?.event ?? '', endpoint: endpoint.id }
    const [attempt] = (await rig.delivery.inspection.delivery(key)).attempts
    expect(attempt?.request).toMatchObject({ authorization: '(hidden)', 'x-tenant': '(hidden)' })
    expect(attempt?.response['set-cookie']).toBe('(hidden)')
    expect(attempt?.body?.length).toBe(1_024)
    expect(attempt?.truncated).toBe(true)
    const kept = JSON.stringify([endpoint, await rig.delivery.inspection.delivery(key), rig.logged])
    expect(kept).not.toContain('top-secret')
    expect(kept).not.toContain(secret)
  })

  test('the secret rotates with an overlap: deliveries are signed with both', async () => {
    await using sink = await openSink()
    await using rig = makeRig(await open())
    await rig.delivery.start(alone)
    const { endpoint, secret: old } = await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    const { secret: fresh } = await rig.delivery.endpoints.rotateSecret('acme', endpoint.id)
    expect(fresh).not.toBe(old)
    await rig.delivery.publish('acme', [event('a')])
    const [arrival] = await sink.received(1)
    for (const secret of [old, fresh])
      expect(() =>
        new Webhook(secret ?? '').verify(arrival?.body.toString() ?? '', arrival?.headers as Record<string, string>),
      ).not.toThrow()
  })

  test('an account that asks for proof enables an endpoint only after it has answered the challenge', async () => {
    await using sink = await openSink((arrival, response) => {
      const { data } = JSON.parse(arrival.body.toString()) as { data: { challenge?: string } }
      response.writeHead(200).end(data.challenge === undefined ? 'ok' : JSON.stringify({ challenge: data.challenge }))
    })
    await using deaf = await openSink()
    await using rig = makeRig(await open(), { accounts: [realAccount({ verifiesOwnership: true })] })
    await rig.delivery.start(alone)
    const good = await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    const bad = await rig.delivery.endpoints.create('acme', { ...STANDARD, url: deaf.url })
    expect(good.endpoint.state).toBe('pending_verification')
    expect(await rig.delivery.publish('acme', [event('a')])).toMatchObject([{ deliveries: 0 }])
    expect(await rig.delivery.endpoints.verify('acme', good.endpoint.id)).toEqual({ ok: true, detail: null })
    expect(await rig.delivery.endpoints.verify('acme', bad.endpoint.id)).toMatchObject({ ok: false })
    expect(await rig.delivery.publish('acme', [event('b')])).toMatchObject([{ deliveries: 1 }])
    await eventually(() => rig.settled.length === 1, 'settled')
    await expect(rig.delivery.endpoints.enable('acme', bad.endpoint.id)).rejects.toMatchObject({
      code: 'invalid_transition',
    })
    const moved = await rig.delivery.endpoints.update('acme', good.endpoint.id, { url: `${sink.url}/other` })
    expect(moved.state).toBe('pending_verification')
  })

  test('endpoints are refused for their URL, dialect or settings', async () => {
    await using rig = makeRig(await open())
    const create = (change: object) =>
      rig.delivery.endpoints.create('acme', { ...STANDARD, url: 'https://127.0.0.1/', ...change })
    await expect(create({ url: 'https://10.0.0.1/' })).rejects.toMatchObject({ code: 'endpoint_refused' })
    await expect(create({ url: 'https://user:pw@127.0.0.1/' })).rejects.toMatchObject({ code: 'endpoint_refused' })
    await expect(create({ dialect: 'nobody' })).rejects.toMatchObject({ code: 'unknown_dialect' })
    await expect(create({ eventTypes: [] })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(create({ headers: { 'webhook-id': 'x' } })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(create({ inFlightMax: 0 })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(rig.delivery.publish('nobody', [event('a')])).rejects.toMatchObject({ code: 'not_found' })
    await expect(rig.delivery.publish('acme', [event('a\u0000b')])).rejects.toMatchObject({ code: 'invalid_request' })
    const huge = event('a', { text: 'x'.repeat(300_000) })
    await expect(rig.delivery.publish('acme', [huge])).rejects.toMatchObject({ code: 'payload_too_large' })
  })

  test('lists are searched and paged, and every absence is explained', async () => {
    await using sink = await openSink()
    await using rig = makeRig(await open())
    await rig.delivery.start(alone)
    const make = (id: string, change: object = {}) =>
      rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url, ...change }, id)
    await make('all')
    await make('orders', { eventTypes: ['order.*'] })
    await make('euros', { payloadFilter: [{ path: 'data.currency', equals: ['eur'] }] })
    await make('classic', { dialect: 'razorpay' })
    const published = await rig.delivery.publish('acme', [
      event('user.created', {}, { customer: 'c1' }),
      event('order.paid', { currency: 'usd' }, { customer: 'c1' }),
      event('order.paid', { currency: 'eur' }, { customer: 'c2' }),
    ])
    await eventually(() => rig.settled.length === 6, 'settled')
    await make('late')
    const { inspection } = rig.delivery
    const why = async (n: number, endpoint: string) =>
      (await inspection.why('acme', published[n]?.event ?? '', endpoint)).code
    expect(await why(0, 'all')).toBe('delivered')
    expect(await why(0, 'orders')).toBe('type_not_asked_for')
    expect(await why(1, 'euros')).toBe('filtered_out')
    expect(await why(2, 'euros')).toBe('delivered')
    expect(await why(0, 'classic')).toBe('other_dialect')
    expect(await why(0, 'late')).toBe('registered_later')
    expect(await why(0, 'nobody')).toBe('unknown_endpoint')
    expect((await inspection.events('acme', { customer: 'c1' })).items).toHaveLength(2)
    expect((await inspection.events('acme', { type: 'order.*' })).items).toHaveLength(2)
    expect((await inspection.deliveries('acme', { endpoint: 'orders' })).items).toHaveLength(2)
    expect((await inspection.deliveries('acme', { customer: 'c2', state: 'delivered' })).items).toHaveLength(3)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof inspection.deliveries>> = await inspection.deliveries(
        'acme',
        {},
        { cursor, limit: 4 },
      )
      seen.push(...page.items.map((one) => `${one.event}.${one.endpoint}`))
      cursor = page.next
    } while (cursor !== null)
    expect(seen).toHaveLength(6)
    expect(seen).toEqual([...seen].sort().reverse())
    await expect(inspection.deliveries('acme', {}, { cursor: 'junk' })).rejects.toMatchObject({
      code: 'invalid_cursor',
    })
  })

  test('received deliveries are forwarded with their exact bytes, signed anew, once', async () => {
    await using sink = await openSink()
    await using rig = makeRig(await open())
    await rig.delivery.start(alone)
    const { secret } = await rig.delivery.endpoints.create('acme', { ...STANDARD, url: sink.url })
    const bytes = new TextEncoder().encode('{ "odd" : 1.0,\n"layout":true}')
    const received = { source: 's1', dedupe: 'd1', type: 'order.paid', bytes, contentType: 'application/json' }
    await rig.delivery.forwarder.forwardDeliveries(null, 'acme', [received])
    await rig.delivery.forwarder.forwardDeliveries(null, 'acme', [received])
    await eventually(() => rig.settled.length === 1, 'settled')
    const [arrival] = sink.arrivals
    expect(new Uint8Array(arrival?.body ?? [])).toEqual(bytes)
    expect(() =>
      new Webhook(secret ?? '').verify(arrival?.body.toString() ?? '', arrival?.headers as Record<string, string>),
    ).not.toThrow()
    expect(sink.arrivals).toHaveLength(1)
  })
})
