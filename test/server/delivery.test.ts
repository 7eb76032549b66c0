import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { describeOnBackends } from '../support/backends.ts'
import { billed, START, wanted } from '../support/billed.ts'
import type { Billed } from '../support/billed.ts'
import { openSink } from '../support/sink.ts'
import type { Sink } from '../support/sink.ts'

const endpoint = async ({ post }: Billed, sink: Sink, more: object = {}) =>
  (await wanted(post('/endpoints', { url: sink.url, dialect: 'standard', ...more }))).body

const settle = ({ post }: Billed) => wanted(post('/clock/advance', { to: START }))

const types = (sink: Sink): string[] => sink.arrivals.map(({ body }) => JSON.parse(body.toString()).type)

describeOnBackends('Delivery over HTTP', (_open, backend) => {
  it('registers an endpoint, shows its secret once, and delivers what it asks for, signed with it', async () => {
    await using sink = await openSink()
    await using bench = await billed({ place: backend.place() })
    const { id, secret, ...rest } = await endpoint(bench, sink, {
      event_types: ['customer.*'],
      headers: { 'x-own': 'quiet' },
    })
    expect(rest).toMatchObject({
      state: 'enabled',
      has_headers: true,
      dialect: 'standard',
      secrets: [{ from: START, until: null }],
    })
    const read = await bench.get(`/endpoints/${id}`)
    expect(JSON.stringify(read.body)).not.toMatch(/quiet|whsec_/)
    expect((await bench.get('/endpoints')).body).toEqual({ data: [read.body], next: null })

    await wanted(bench.patch('/customers/ada', { name: 'Ada King' }))
    await wanted(bench.post('/products', { name: 'Unasked' }))
    const clock = await bench.get('/clock')
    expect(clock.body.next).toMatchObject({
      at: START,
      what: [{ kind: 'delivery', name: 'customer.updated', endpoint: id }],
    })
    await settle(bench)
    expect(types(sink)).toEqual(['customer.updated'])
    const [arrival] = sink.arrivals
    expect(arrival!.headers['x-own']).toBe('quiet')
    const { body, headers } = arrival!
    const signed = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
    // The library looks at the machine’s clock; the test clock stands elsewhere.
    expect(() => new Webhook(secret).verify(body, signed)).toThrow(/timestamp too old/)

    const [event] = (await bench.get('/events?type=customer.updated&customer=ada')).body.data
    const detail = (await bench.get(`/events/${event.id}`)).body
    expect(detail).toMatchObject({
      type: 'customer.updated',
      customer: 'ada',
      body: { data: { object: { name: 'Ada King' } } },
      deliveries: [
        {
          endpoint: id,
          state: 'delivered',
          made: 1,
          acknowledged_at: START,
          attempts: [{ status: 200, problem: null }],
        },
      ],
    })
    expect(detail.deliveries[0].attempts[0].request['x-own']).not.toBe('quiet')
    expect((await bench.get(`/events/${event.id}/deliveries/${id}`)).body).toEqual(detail.deliveries[0])
    const why = await bench.get(`/events/${event.id}/why`)
    expect(why.body.data).toMatchObject([{ endpoint: id, code: 'delivered' }])
    const [unasked] = (await bench.get('/events?type=product.created&order=newest')).body.data
    expect((await bench.get(`/events/${unasked.id}/why?endpoint=${id}`)).body.data).toMatchObject([
      { code: 'type_not_asked_for' },
    ])
    expect((await bench.get(`/events/${unasked.id}/why?endpoint=none`)).body.data).toMatchObject([
      { code: 'unknown_endpoint' },
    ])
  })

  it('publishes events once per key, one or many, all or none', async () => {
    await using sink = await openSink()
    await using bench = await billed({ place: backend.place() })
    await endpoint(bench, sink, { event_types: ['order.*'] })
    const event = { type: 'order.paid', data: { order: 1 }, key: 'o1', customer: 'ada', subject: 'order1' }
    const first = await wanted(bench.post('/events', event))
    expect([first.status, first.body]).toMatchObject([201, { type: 'order.paid', deliveries: 1 }])
    expect((await wanted(bench.post('/events', event))).body).toEqual(first.body)
    const other = await bench.post('/events', { ...event, data: { order: 2 } })
    expect([other.status, other.body.error.code]).toEqual([409, 'idempotency_conflict'])
    const keyed = await wanted(bench.post('/events', { type: 'order.sent', data: {} }, { 'idempotency-key': 'h1' }))
    expect(
      (await wanted(bench.post('/events', { type: 'order.sent', data: {} }, { 'idempotency-key': 'h1' }))).body,
    ).toEqual(keyed.body)
    const events = [event, { type: 'order.lost', data: { order: 3 } }, { type: 'unasked', data: {} }]
    const batch = await wanted(bench.post('/events/batch', { events }))
    expect(batch.body.events).toMatchObject([first.body, { deliveries: 1 }, { deliveries: 0 }])
    const before = await bench.events()
    const broken = await bench.post('/events/batch', {
      events: [
        { type: 'order.odd', data: {} },
        { ...event, data: {} },
      ],
    })
    expect([broken.status, broken.body.error.code]).toEqual([409, 'idempotency_conflict'])
    const wrong = await bench.post('/events/batch', {
      events: [
        { type: 'order.odd', data: {} },
        { type: 'a b', data: {} },
      ],
    })
    expect([wrong.status, wrong.body.error.details.field]).toEqual([400, 'events[1].type'])
    expect((await bench.post('/events', { type: 'a', data: {}, dialect: 'nobody' })).body.error.code).toBe(
      'unknown_dialect',
    )
    expect(await bench.events()).toEqual(before)
    await settle(bench)
    expect(types(sink).sort()).toEqual(['order.lost', 'order.paid', 'order.sent'])
    const found = await bench.get('/events?subject=order1')
    expect(found.body.data).toMatchObject([{ id: first.body.event, customer: 'ada' }])
  })

  it('replays what was missed: one, by filter, and says how far it has come', async () => {
    await using sink = await openSink()
    await using bench = await billed({ place: backend.place(), begin: false })
    const { id } = await endpoint(bench, sink, { event_types: ['order.*'] })
    await wanted(bench.post(`/endpoints/${id}/disable`))
    for (let i = 0; i < 3; i += 1) await wanted(bench.post('/events', { type: 'order.paid', data: { i } }))
    await settle(bench)
    expect(sink.arrivals).toHaveLength(0)
    const skipped = await bench.get(`/deliveries?endpoint=${id}&state=skipped&order=oldest`)
    expect(skipped.body.data).toHaveLength(3)
    expect((await bench.get(`/endpoints/${id}`)).body).toMatchObject({ state: 'disabled', disabled_reason: 'manual' })
    await wanted(bench.post(`/endpoints/${id}/enable`))

    const { event } = skipped.body.data[1]
    const one = await wanted(bench.post(`/events/${event}/deliveries/${id}/replay`))
    expect([one.status, one.body]).toMatchObject([201, { state: 'running', filter: { event, endpoint: id } }])
    await settle(bench)
    expect(sink.arrivals.map(({ body }) => JSON.parse(body.toString()).data)).toEqual([{ i: 1 }])
    const all = await wanted(bench.post('/replays', { endpoint: id, from: START }))
    await settle(bench)
    expect((await bench.get(`/replays/${all.body.id}`)).body).toMatchObject({ state: 'done', replayed: 2 })
    expect(sink.arrivals).toHaveLength(3)

    const stopped = await wanted(bench.post('/replays', { endpoint: id, states: ['delivered'] }))
    expect((await wanted(bench.post(`/replays/${stopped.body.id}/cancel`))).body.state).toBe('canceled')
    expect((await bench.post(`/replays/${stopped.body.id}/cancel`)).body.error.code).toBe('invalid_transition')
    expect((await bench.get('/replays')).body.data).toHaveLength(3)
    expect((await bench.post('/replays', {})).body.error.code).toBe('invalid_request')
    expect((await bench.post('/replays', { event: 'nothing', states: [] })).body.error.details.field).toBe('states')
  })
})

describe('Endpoints', () => {
  it('are paused, changed, rotated with overlap, tested and removed', async () => {
    await using sink = await openSink()
    await using bench = await billed()
    const { id, secret } = await endpoint(bench, sink, {
      id: 'mine',
      event_types: ['order.*'],
      secret: `whsec_${'A'.repeat(43)}=`,
    })
    expect([id, secret]).toEqual(['mine', `whsec_${'A'.repeat(43)}=`])
    expect((await bench.post('/endpoints', { id: 'mine', url: sink.url, dialect: 'kinde' })).body.error.code).toBe(
      'conflict',
    )
    await wanted(bench.post(`/endpoints/${id}/pause`))
    await wanted(bench.post('/events', { type: 'order.paid', data: {} }))
    await settle(bench)
    expect((await bench.get('/deliveries?state=held')).body.data).toHaveLength(1)
    await wanted(bench.post(`/endpoints/${id}/enable`))
    await settle(bench)
    expect(sink.arrivals).toHaveLength(1)

    const rotated = await wanted(bench.post(`/endpoints/${id}/rotate_secret`))
    expect(rotated.body.secret).toMatch(/^whsec_/)
    expect(rotated.body.secrets).toMatchObject([{ until: null }, { until: expect.any(String) }])
    await wanted(bench.post('/events', { type: 'order.paid', data: {} }))
    await settle(bench)
    expect(String(sink.arrivals[1]!.headers['webhook-signature']).split(' ')).toHaveLength(2)

    const changed = await wanted(
      bench.patch(`/endpoints/${id}`, {
        description: 'Orders',
        ordered: true,
        retry: { offsets_ms: [1000, 5000], give_up_after_ms: 10_000, timeout_ms: 1000 },
        payload_filter: [{ path: 'data.country', equals: ['DE'] }],
      }),
    )
    expect(changed.body).toMatchObject({
      description: 'Orders',
      ordered: true,
      retry: { offsets_ms: [1000, 5000], acknowledged: '2xx' },
    })
    await wanted(bench.post('/events', { type: 'order.paid', data: { country: 'FR' } }))
    await wanted(bench.post('/events', { type: 'order.paid', data: { country: 'DE' } }))
    await settle(bench)
    expect(sink.arrivals).toHaveLength(3)

    const test = await wanted(bench.post(`/endpoints/${id}/test`))
    expect([test.status, test.body]).toMatchObject([201, { type: 'endpoint.test', deliveries: 1 }])
    await wanted(bench.post(`/endpoints/${id}/test`, { type: 'invoice.paid' }))
    await settle(bench)
    expect(types(sink).slice(-2)).toEqual(['endpoint.test', 'invoice.paid'])
    expect((await bench.post(`/endpoints/${id}/test`, { type: 'nothing' })).status).toBe(404)

    expect((await bench.remove(`/endpoints/${id}`)).status).toBe(204)
    expect((await bench.get(`/endpoints/${id}`)).status).toBe(404)
  })

  it('are refused with the field or the reason: addresses, headers, policies, dialects', async () => {
    await using bench = await billed({ env: { BILLHOOK_ALLOW_PRIVATE_ADDRESSES: 'false' } })
    const base = { url: 'https://example.com/hook', dialect: 'standard' }
    const refused: readonly (readonly [object, string, string | undefined])[] = [
      [{ ...base, url: 'http://127.0.0.1/hook' }, 'endpoint_refused', 'url'],
      [{ ...base, url: 'https://169.254.169.254/' }, 'endpoint_refused', 'url'],
      [{ ...base, url: 'https://user:pass@example.com/' }, 'endpoint_refused', 'url'],
      [{ ...base, url: 'nowhere' }, 'invalid_request', 'url'],
      [{ ...base, event_types: [] }, 'invalid_request', 'event_types'],
      [{ ...base, timeout_ms: 0 }, 'invalid_request', 'timeout_ms'],
      [{ ...base, retry: { offsets_ms: [1] } }, 'invalid_request', 'retry.give_up_after_ms'],
      [{ ...base, eventTypes: ['*'] }, 'invalid_request', 'eventTypes'],
      [{ ...base, dialect: 'nobody' }, 'unknown_dialect', 'dialect'],
    ]
    for (const [body, code, field] of refused) {
      const answer = await bench.post('/endpoints', body)
      expect([body, answer.status, answer.body.error.code, answer.body.error.details.field]).toEqual([
        body,
        400,
        code,
        field,
      ])
    }
    const host = await bench.post('/endpoints', { ...base, headers: { Host: 'x' } })
    expect([host.status, host.body.error.message]).toMatchObject([400, expect.stringContaining('Host')])
    expect((await bench.get('/endpoints')).body.data).toEqual([])
  })

  it('show a secret to whoever repeats the request with its key, and keep it nowhere in the clear', async () => {
    await using sink = await openSink()
    await using bench = await billed()
    const body = { url: sink.url, dialect: 'standard' }
    const first = await wanted(bench.post('/endpoints', body, { 'idempotency-key': 'once' }))
    expect((await wanted(bench.post('/endpoints', body, { 'idempotency-key': 'once' }))).body).toEqual(first.body)
    expect((await bench.get('/endpoints')).body.data).toHaveLength(1)
    const rows = await bench.served.app.core.database.all('SELECT answer FROM api_answer', [])
    expect([rows.length > 0, JSON.stringify(rows).includes(first.body.secret)]).toEqual([true, false])
  })

  it('prove that they are the owner’s where the account asks for it', async () => {
    await using sink = await openSink(500)
    await using bench = await billed()
    await wanted(bench.served.api('PATCH', '/v1/accounts/acme', { switches: { verify_endpoints: 'on' } }))
    const { id, state } = await endpoint(bench, sink)
    expect(state).toBe('pending_verification')
    expect((await bench.post(`/endpoints/${id}/enable`)).body.error.code).toBe('invalid_transition')
    expect((await wanted(bench.post(`/endpoints/${id}/verify`))).body).toMatchObject({
      ok: false,
      detail: expect.stringContaining('500'),
    })
    sink.answer = (arrival, response) => response.writeHead(200).end(JSON.parse(arrival.body.toString()).data.challenge)
    expect((await wanted(bench.post(`/endpoints/${id}/verify`))).body).toEqual({ ok: true, detail: null })
    expect((await bench.get(`/endpoints/${id}`)).body.state).toBe('enabled')
  })
})

describe('Event types and keys', () => {
  it('have a catalogue per dialect, with labels and samples as they would be sent', async () => {
    await using bench = await billed()
    for (const dialect of [
      'stripe@2025-02-24.acacia',
      'razorpay',
      'kinde',
      'airwallex@2025-04-25',
      'airwallex@2025-06-16',
    ]) {
      const { data } = (await wanted(bench.get(`/event_types?dialect=${dialect}`))).body
      const without = data.filter(({ seed, sample }: { seed: boolean; sample: unknown }) => seed && sample === null)
      expect([dialect, without]).toEqual([dialect, []])
    }
    const own = (await wanted(bench.get('/event_types'))).body.data
    expect(own.map(({ type }: { type: string }) => type)).toContain('endpoint.failing')
    const razorpay = (await bench.get('/event_types?dialect=razorpay')).body.data
    const charged = razorpay.find(({ type }: { type: string }) => type === 'subscription.charged')
    expect(charged.sample).toMatchObject({ event: 'subscription.charged', contains: ['subscription', 'payment'] })
    expect((await bench.get('/event_types?dialect=nobody')).status).toBe(400)
  })

  it('are published for everybody under both well-known names, and stay for the overlap after a rotation', async () => {
    await using bench = await billed({ dialect: 'kinde' })
    const { served } = bench
    const keys = async (path: string) => {
      const answer = await served.api('GET', path, undefined, { authorization: '' })
      expect([path, answer.status]).toEqual([path, 200])
      return answer.body.keys.map(({ kid }: { kid: string }) => kid)
    }
    const first = await keys('/accounts/acme/.well-known/jwks.json')
    expect(first).toHaveLength(1)
    expect(await keys('/accounts/acme/.well-known/jwks')).toEqual(first)
    const main = await keys('/.well-known/jwks.json')
    expect(await keys('/.well-known/jwks')).toEqual(main)
    expect(main).not.toEqual(first)
    const rotated = await wanted(bench.post('/signing_keys/rotate'))
    expect(await keys('/accounts/acme/.well-known/jwks.json')).toEqual([rotated.body.key_id, ...first])
    expect(JSON.stringify(rotated.body)).not.toContain('PRIVATE')
    expect((await served.api('GET', '/accounts/nobody/.well-known/jwks.json')).status).toBe(404)
  })
})

/** Every schema that an operation names, however deep; references stand for the one of errors. */
function schemasIn(value: unknown): z.core.JSONSchema.JSONSchema[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]: [string, unknown]) =>
    name === 'schema'
      ? '$ref' in (member as object)
        ? []
        : [member as z.core.JSONSchema.JSONSchema]
      : schemasIn(member),
  )
}

describe('The OpenAPI document', () => {
  it('has every route of the sending end, and each of its schemas is one', async () => {
    await using bench = await billed()
    const { body: document } = await bench.served.api('GET', '/openapi.json')
    const operations = Object.entries(
      document.paths as Record<string, Record<string, Record<string, unknown>>>,
    ).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })))
    const sending = operations.filter(({ path }) => path.startsWith('/v1/accounts') || path.includes('.well-known'))
    expect(sending.length).toBeGreaterThan(90)
    for (const { path, method, operation } of sending) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const parameters = operation['parameters'] as { name: string; in: string; schema: object }[]
      expect([path, parameters.filter((one) => one.in === 'path').map(({ name }) => name)]).toEqual([path, named])
      const text = JSON.stringify(operation)
      expect([method, path, text.includes('"schema":{}')]).toEqual([method, path, false])
      expect(operation['responses']).toBeTruthy()
      if (method === 'post' || method === 'patch') expect(operation).toHaveProperty('requestBody')
    }
    const schemas = sending.flatMap(({ operation }) => schemasIn(operation))
    expect(schemas.length).toBeGreaterThan(sending.length)
    // The reader of schemas looks for shared definitions in the schema itself, the document has them in its components.
    const local = <T>(value: T): T => JSON.parse(JSON.stringify(value).replaceAll('#/components/schemas/', '#/$defs/'))
    const $defs = local(document.components.schemas)
    for (const schema of schemas)
      expect(() => z.fromJSONSchema({ ...local(schema), $defs }).safeParse({})).not.toThrow()
    const create = document.paths['/v1/accounts/{account}/subscriptions'].post
    const schema = create.requestBody.content['application/json'].schema
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false, required: ['items'] })
    expect(create.responses['409'].description).toContain('invalid_transition')
  })
})

describeOnBackends('Every route of the sending end', (_open, backend) => {
  it('stays up and says what is wrong, whatever it is sent', async () => {
    await using bench = await billed({ place: backend.place(), begin: false })
    const { body: document } = await bench.served.api('GET', '/openapi.json')
    const hostile = ['a%00', '%00', '__proto__', '..%2f..', '%F0%9F%92%A9', 'x'.repeat(300), "'%3B--", '%E0%A4%A']
    const bodies = [
      '{}',
      '[]',
      'null',
      '{"__proto__":{"a":1},"id":"\\u0000"}',
      '{"customer":"\\u0000","items":[{"price":"\\u0000"}]}',
    ]
    const failures: unknown[] = []
    for (const [path, methods] of Object.entries(document.paths as Record<string, object>)) {
      if (!path.startsWith('/v1/accounts/{account}') && !path.includes('.well-known')) continue
      for (const method of Object.keys(methods)) {
        for (const [i, id] of hostile.entries()) {
          const place = path.replace('{account}', i === 0 ? id : 'acme').replaceAll(/\{\w+\}/g, id)
          const body = method === 'get' || method === 'delete' ? undefined : bodies[i % bodies.length]
          const query = method === 'get' ? `?customer=${id}&type=${id}&cursor=${id}` : ''
          const answer = await bench.served.api(method.toUpperCase(), place + query, body)
          if (answer.status >= 500) failures.push([method, place, body, answer.body])
        }
      }
    }
    expect(failures).toEqual([])
    expect((await bench.get('')).status).toBe(200)
  })
})
