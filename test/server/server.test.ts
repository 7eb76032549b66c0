import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/app/create.ts'
import { describeOnBackends } from '../support/backends.ts'
import { startPostgres } from '../support/postgres_server.ts'
import { sample, SECRET, serve } from '../support/served.ts'

const CHARGED = sample('subscription.charged')
const CUSTOMER = 'cust_C0WlbKhp3aLA7W'
const source = { name: 'main', dialect: 'razorpay', secrets: [SECRET] }

describeOnBackends('The server', (_open, backend) => {
  it('takes a delivery in, folds it behind the answer, and says who may use what and why', async () => {
    await using served = await serve({ place: backend.place() })
    const { api, deliver } = served
    const created = await api('POST', '/v1/sources', source)
    expect([created.status, created.body]).toMatchObject([
      201,
      { name: 'main', dialect: 'razorpay', url: `${served.server.url}/in/main`, settings: { settle: 'PT2S' } },
    ])
    expect(JSON.stringify(created.body)).not.toContain(SECRET)

    const taken = await deliver('main', CHARGED)
    expect([taken.status, taken.body]).toMatchObject([200, { received: true }])
    const again = await deliver('main', CHARGED)
    expect(again.status).toBe(200)
    const refused = await deliver('main', Buffer.concat([CHARGED, Buffer.from(' ')]), 'wrong')
    expect([refused.status, refused.body]).toMatchObject([
      400,
      { error: { code: 'delivery_refused', details: { reason: 'signature_mismatch' } } },
    ])
    await served.settle()

    await api('POST', '/v1/links', { user: 'u1', source: 'main', customer: CUSTOMER })
    const access = await api('GET', '/v1/access/u1')
    expect([access.status, access.body]).toMatchObject([
      200,
      { allowed: true, level: 'full', plan: 'plan_BvrFKjSxauOH7N', paidThrough: '2019-11-04T18:30:00.000Z' },
    ])
    expect(access.body.why.length).toBeGreaterThan(0)
    const later = await api('GET', '/v1/access/u1?at=2020-01-01T00:00:00Z')
    expect(later.body).toMatchObject({ allowed: false })
    expect((await api('GET', `/v1/access?source=main&customer=${CUSTOMER}`)).body.allowed).toBe(true)
    expect((await api('GET', '/v1/access/nobody')).body.allowed).toBe(false)

    const list = await api('GET', '/v1/deliveries')
    expect(list.body.data.map(({ state, verdict }: Record<string, string>) => [state, verdict])).toEqual([
      ['refused', 'signature_mismatch'],
      ['reacted', 'ok'],
      ['reacted', 'ok'],
    ])
    const one = await api('GET', `/v1/deliveries/${taken.body.delivery}`)
    expect(one.body).toMatchObject({
      delivery: { verdict: 'ok', eventType: 'subscription.charged' },
      notification: { type: 'subscription.charged', body: { event: 'subscription.charged' } },
    })
    expect(one.body.observations.length).toBeGreaterThan(0)
    const raw = await api('GET', `/v1/deliveries/${taken.body.delivery}/raw`)
    expect(raw.body).toBe(CHARGED.toString())
    const headers = await api('GET', `/v1/deliveries/${taken.body.delivery}/headers`)
    expect(headers.body.headers).toMatchObject({ 'content-type': 'application/json' })

    const objects = await api('GET', '/v1/objects/subscription')
    expect(objects.body.data).toMatchObject([{ source: 'main', id: 'sub_DEX6xcJ1HSW4CR', value: { status: 'active' } }])
    const object = await api('GET', '/v1/objects/subscription/main/sub_DEX6xcJ1HSW4CR')
    expect(object.body).toEqual(objects.body.data[0])
    const facts = await api('GET', '/v1/facts?source=main')
    const kinds = facts.body.data.map(({ kind }: { kind: string }) => kind)
    expect(kinds).toContain('payment_succeeded')
    const [first] = facts.body.data
    expect((await api('GET', `/v1/facts/main/${encodeURIComponent(first.key)}`)).body).toEqual(first)
  })

  it('pages through lists without leaving out or repeating', async () => {
    await using served = await serve({ place: backend.place() })
    await served.api('POST', '/v1/sources', source)
    const names = [
      'subscription.activated',
      'subscription.charged',
      'subscription.pending',
      'subscription.halted',
      'refund.created',
    ]
    for (const name of names) await served.deliver('main', sample(name))
    await served.settle()
    for (const path of ['/v1/deliveries', '/v1/facts', '/v1/objects/payment']) {
      const all = await served.api('GET', path)
      expect(all.body.next).toBeNull()
      const paged: unknown[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const page: { body: { data: unknown[]; next: string | null } } = await served.api(
          'GET',
          `${path}?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
        )
        expect(page.body.data.length).toBeLessThanOrEqual(2)
        paged.push(...page.body.data)
        cursor = page.body.next
      }
      expect(paged).toEqual(all.body.data)
      expect((await served.api('GET', `${path}?cursor=nonsense`)).body.error.code).toBe('invalid_cursor')
    }
  })

  it('opens with the old and the new secret while they overlap, and not with the old one afterwards', async () => {
    await using served = await serve({ place: backend.place() })
    await served.api('POST', '/v1/sources', source)
    const added = await served.api('POST', '/v1/sources/main/secrets', { secret: 'the-new-one', overlap: 'P1D' })
    expect(added.status).toBe(201)
    expect(added.body.secrets).toHaveLength(2)
    expect((await served.deliver('main', CHARGED, SECRET)).status).toBe(200)
    expect((await served.deliver('main', CHARGED, 'the-new-one')).status).toBe(200)
    await served.clock.moveBy(86_400_000)
    expect((await served.deliver('main', CHARGED, SECRET)).status).toBe(400)
    expect((await served.deliver('main', CHARGED, 'the-new-one')).status).toBe(200)
    const gone = await served.api('DELETE', `/v1/sources/main/secrets/${added.body.secrets[0].id}`)
    expect(gone.status).toBe(200)
    const none = await served.deliver('main', CHARGED, 'the-new-one')
    expect([none.status, none.body.error.details.reason]).toEqual([503, 'secret_missing'])
  })

  it('does a request once for its idempotency key', async () => {
    await using served = await serve({ place: backend.place() })
    const key = { 'idempotency-key': 'k1' }
    const [one, two] = await Promise.all([
      served.api('POST', '/v1/sources', source, key),
      served.api('POST', '/v1/sources', source, key),
    ])
    // The second waits for nobody: it is answered as the first, or told that the first is at it.
    expect([one.status, two.status].sort((a, b) => a - b)).toSatisfy(
      (statuses: number[]) => statuses[0] === 201 && [201, 409].includes(statuses[1] ?? 0),
    )
    const third = await served.api('POST', '/v1/sources', source, key)
    expect([third.status, third.headers.get('idempotent-replayed')]).toEqual([201, 'true'])
    const other = await served.api('POST', '/v1/sources', { ...source, name: 'other' }, key)
    expect(other.body.error.code).toBe('idempotency_conflict')
    const refused = { 'idempotency-key': 'k2' }
    expect((await served.api('POST', '/v1/sources', source, refused)).body.error.code).toBe('conflict')
    const same = await served.api('POST', '/v1/sources', source, refused)
    expect([same.body.error.code, same.headers.get('idempotent-replayed')]).toEqual(['conflict', 'true'])
    expect((await served.api('GET', '/v1/sources')).body.data).toHaveLength(1)
    const secret = await served.api('POST', '/v1/keys', { name: 'x' }, { 'idempotency-key': 'k3' })
    expect(secret.status).toBe(400)
  })

  it('keeps what the app itself says: holds, policy, mail', async () => {
    await using served = await serve({ place: backend.place() })
    const { api } = served
    const hold = await api('POST', '/v1/holds', { user: 'u1', kind: 'grant', reason: 'a friend' })
    expect(hold.status).toBe(201)
    expect((await api('GET', '/v1/access/u1')).body).toMatchObject({
      allowed: true,
      why: expect.arrayContaining([
        expect.objectContaining({ fact: 'hold', words: expect.stringContaining('a friend') }),
      ]),
    })
    expect((await api('GET', '/v1/holds?user=u1')).body.data).toHaveLength(1)
    expect((await api('DELETE', `/v1/holds/${hold.body.id}`)).status).toBe(204)
    expect((await api('DELETE', `/v1/holds/${hold.body.id}`)).status).toBe(404)
    expect((await api('GET', '/v1/access/u1')).body.allowed).toBe(false)

    expect((await api('GET', '/v1/policy')).body).toEqual({ version: 0, policy: {}, createdAt: null })
    const policy = { default: { leeway: 'P2D' }, plans: { pro: { features: ['export'] } } }
    expect((await api('PUT', '/v1/policy', policy)).body).toMatchObject({ version: 1, policy })
    const wrong = await api('PUT', '/v1/policy', { default: { leeway: 'soon' } })
    expect(wrong.body.error).toMatchObject({ code: 'invalid_request', details: { field: 'default.leeway' } })
    expect((await api('GET', '/v1/policy/versions')).body.data).toHaveLength(1)

    expect((await api('PUT', '/v1/users/u1/mail/receipt', { wanted: false })).body.optedOut).toEqual(['receipt'])
    expect((await api('PUT', '/v1/users/u1/mail/spam', { wanted: false })).status).toBe(400)
    expect((await api('GET', '/v1/usage/u1')).body).toEqual({ data: [], next: null })
  })

  it('folds a source again: in a shadow first, then in earnest', async () => {
    await using served = await serve({ place: backend.place() })
    const { api } = served
    await api('POST', '/v1/sources', source)
    await served.deliver('main', CHARGED)
    await served.settle()
    const facts = await api('GET', '/v1/facts')
    const shadow = await api('POST', '/v1/sources/main/refold', {})
    expect([shadow.status, shadow.body]).toMatchObject([
      200,
      { deliveries: 1, unreadable: [], counts: { added: 0, retracted: 0, changed: 0, access: 0 } },
    ])
    expect((await api('POST', '/v1/sources/main/refold/adopt', {})).status).toBe(202)
    await served.settle()
    expect((await api('GET', '/v1/facts')).body.data.map(({ key }: { key: string }) => key)).toEqual(
      facts.body.data.map(({ key }: { key: string }) => key),
    )
    expect((await api('DELETE', '/v1/sources/main/refold')).status).toBe(204)
    expect((await api('POST', '/v1/sources/none/refold', {})).body.error.code).toBe('unknown_source')
  })

  it('tells facts again, and a dead reaction once more', async () => {
    await using served = await serve({ place: backend.place(), begin: false })
    const { api, app } = served
    const told: string[] = []
    let fails = true
    app.inbox.handlers.on('payment_succeeded', ({ replay, key }) => {
      if (fails) throw new Error('the CRM is down')
      told.push(`${replay ? 'again ' : ''}${key}`)
    })
    await api('POST', '/v1/sources', source)
    await served.deliver('main', CHARGED)
    for (let i = 0; i < 12; i += 1) {
      await served.settle()
      await served.clock.moveBy(2 * 86_400_000)
    }
    const dead = await api('GET', '/v1/reactions?state=dead')
    expect(dead.body.data).toMatchObject([
      { kind: 'payment_succeeded', error: expect.stringContaining('the CRM is down') },
    ])
    fails = false
    expect((await api('POST', `/v1/reactions/${dead.body.data[0].id}/retry`, {})).status).toBe(202)
    await served.settle()
    expect(told).toHaveLength(1)
    expect((await api('POST', `/v1/reactions/${dead.body.data[0].id}/retry`, {})).body.error.code).toBe('conflict')
    const replay = await api('POST', '/v1/replay', { kind: 'payment_succeeded' })
    expect([replay.status, replay.body]).toEqual([202, { facts: 1 }])
    await served.settle()
    expect(told).toEqual([told[0], `again ${told[0]}`])
    expect((await api('POST', '/v1/replay', { key: 'x' })).body.error.details.field).toBe('source')
  })
})

describe('The API', () => {
  it('needs a key, whose scope it respects, and forgets a revoked one', async () => {
    await using served = await serve()
    const { api } = served
    for (const authorization of ['', 'Bearer', 'Bearer x', `Basic ${served.key}`])
      expect([authorization, (await api('GET', '/v1/sources', undefined, { authorization })).status]).toEqual([
        authorization,
        401,
      ])
    const made = await api('POST', '/v1/keys', { name: 'reader', scope: 'read' })
    const reader = { authorization: `Bearer ${made.body.text}` }
    expect((await api('GET', '/v1/sources', undefined, reader)).status).toBe(200)
    const forbidden = await api('POST', '/v1/sources', source, reader)
    expect([forbidden.status, forbidden.body.error.code]).toEqual([403, 'forbidden'])
    expect((await api('GET', '/v1/keys')).body.data.map(({ name }: { name: string }) => name)).toContain('reader')
    expect((await api('DELETE', `/v1/keys/${made.body.key.id}`)).status).toBe(204)
    expect((await api('GET', '/v1/sources', undefined, reader)).status).toBe(401)
  })

  it('keeps accounts apart', async () => {
    await using served = await serve()
    await served.api('POST', '/v1/sources', source)
    const { text } = await served.app.keys.create({ account: 'other', name: 'x', scope: 'admin' })
    const other = { authorization: `Bearer ${text}` }
    expect((await served.api('GET', '/v1/sources', undefined, other)).body.data).toEqual([])
    expect((await served.api('GET', '/v1/sources/main', undefined, other)).status).toBe(404)
    expect((await served.deliver('other/main', CHARGED)).status).toBe(404)
    await served.api('POST', '/v1/sources', source, other)
    expect((await served.deliver('other/main', CHARGED)).status).toBe(200)
  })

  it.each([
    ['POST', '/v1/sources', { name: 'a' }, 'dialect'],
    ['POST', '/v1/sources', { ...source, secrets: 'x' }, 'secrets'],
    ['POST', '/v1/sources', { ...source, secrets: ['a', ''] }, 'secrets[1]'],
    ['POST', '/v1/sources', { ...source, extra: 1 }, 'extra'],
    ['POST', '/v1/sources', { ...source, settings: { settle: 'soon' } }, 'settings.settle'],
    ['POST', '/v1/sources', { ...source, settings: { jwksUrl: 'file:///etc/passwd' } }, 'settings.jwksUrl'],
    ['POST', '/v1/sources', { ...source, name: 'No Name' }, 'name'],
    ['POST', '/v1/holds', { user: 'u', kind: 'maybe', reason: 'x' }, 'kind'],
    ['POST', '/v1/holds', { user: 'u', kind: 'block', reason: 'x', until: '2001-01-01T00:00:00Z' }, 'until'],
    ['GET', '/v1/access/u1?at=yesterday', undefined, 'at'],
    ['GET', '/v1/access?source=main', undefined, 'customer'],
    ['GET', '/v1/deliveries?limit=0', undefined, 'limit'],
    ['GET', '/v1/deliveries?limit=1000', undefined, 'limit'],
    ['GET', '/v1/deliveries?state=lost', undefined, 'state'],
    ['GET', '/v1/deliveries?colour=red', undefined, 'colour'],
    ['GET', '/v1/deliveries?limit=1&limit=2', undefined, 'limit'],
    ['GET', '/v1/facts?kind=nonsense', undefined, 'kind'],
    ['GET', '/v1/objects/planet', undefined, 'kind'],
  ])('%s %s names the wrong field', async (method, path, body, field) => {
    await using served = await serve()
    const answer = await served.api(method, path, body)
    expect([answer.status, answer.body.error.code, answer.body.error.details.field]).toEqual([
      400,
      'invalid_request',
      field,
    ])
  })

  it('answers bad requests clearly and stays up', async () => {
    await using served = await serve({ env: { BILLHOOK_MAX_BODY_BYTES: '2000' } })
    const { api } = served
    const code = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
      const { status, body: answer } = await api(method, path, body, headers)
      return [status, answer.error.code]
    }
    expect(await code('GET', '/nothing')).toEqual([404, 'not_found'])
    expect(await code('GET', '/v1/sources/none')).toEqual([404, 'unknown_source'])
    expect(await code('GET', '/v1/deliveries/none')).toEqual([404, 'not_found'])
    const wrongMethod = await api('DELETE', '/v1/sources')
    expect([wrongMethod.status, wrongMethod.headers.get('allow')]).toEqual([405, 'GET, POST'])
    expect(await code('POST', '/v1/sources', '{"a":')).toEqual([400, 'invalid_json'])
    expect(await code('POST', '/v1/sources', '[]')).toEqual([400, 'invalid_json'])
    expect(await code('POST', '/v1/sources', '['.repeat(200) + ']'.repeat(200))).toEqual([400, 'invalid_json'])
    expect(await code('POST', '/v1/sources', '{}', { 'content-type': 'text/plain' })).toEqual([
      415,
      'unsupported_media_type',
    ])
    expect(await code('POST', '/v1/sources', { name: 'x'.repeat(3000) })).toEqual([413, 'payload_too_large'])
    const cut = await api('POST', '/v1/sources', { name: 'x'.repeat(3000) })
    expect(cut.headers.get('connection')).toBe('close')
    expect(await code('GET', '/v1/access?source=none&customer=cus_1')).toEqual([404, 'unknown_source'])
    expect(await code('POST', '/v1/sources', '{"__proto__": {"name": "x"}}')).toEqual([400, 'invalid_request'])
    expect(await code('POST', '/v1/sources', { name: 'a', dialect: 'paypal' })).toEqual([400, 'unknown_dialect'])
    expect((await served.deliver('none', CHARGED)).body.error.code).toBe('unknown_source')
    await api('POST', '/v1/sources', source)
    const large = await served.deliver('main', 'x'.repeat(5000))
    expect([large.status, large.body.error.code]).toEqual([413, 'payload_too_large'])
    expect((await api('GET', '/v1/deliveries')).body.data).toMatchObject([
      { state: 'refused', verdict: 'body_too_large' },
    ])
    expect((await api('GET', '/health')).body.status).toBe('ok')
  })

  it('refuses a secret that could open nothing, when it is given and not at the first delivery', async () => {
    await using served = await serve()
    const create = async (dialect: string, secret: string) => {
      const { status, body } = await served.api('POST', '/v1/sources', { name: 'a', dialect, secrets: [secret] })
      return [status, body.error?.details.field, body.error?.message]
    }
    expect(await create('stripe@2026-10-28.endive', '  ')).toEqual([
      400,
      'secrets',
      'secrets: the secret is missing or blank',
    ])
    expect(await create('standard', 'whsec_RBS_GKogxv5PAdFUPABg94kjjLGRW50I')).toMatchObject([
      400,
      'secrets',
      expect.stringContaining('standard'),
    ])
    expect(await create('kinde', 's3cret')).toMatchObject([400, 'secrets', expect.stringContaining('jwksUrl')])
    expect(await create('airwallex@2025-06-16', 'whsec_RBS_GKogxv5PAdFUPABg94kjjLGRW50I')).toMatchObject([
      201,
      undefined,
      undefined,
    ])
    const added = await served.api('POST', '/v1/sources/a/secrets', { secret: ' ' })
    expect([added.status, added.body.error.details.field]).toEqual([400, 'secret'])
  })

  it('judges every kind of bad delivery clearly, records it, and stays up', async () => {
    await using served = await serve()
    await served.api('POST', '/v1/sources', source)
    const event = (extra: string): string => `{"entity":"event","event":"subscription.charged"${extra}}`
    const bodies: readonly [string | Buffer, number, string][] = [
      ['', 400, 'body_empty'],
      ['{"event":', 400, 'body_not_json'],
      ['[1,2]', 400, 'body_not_object'],
      ['null', 400, 'body_not_object'],
      [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, 'body_not_utf8'],
      [`{"a":${'['.repeat(500)}${']'.repeat(500)}}`, 400, 'body_too_deep'],
      [`\ufeff${event('')}`, 200, 'ok'],
      [event(',"__proto__":{"polluted":true},"constructor":1'), 200, 'ok'],
      [event(',"payload":{"subscription":{"entity":"not an object"}}'), 200, 'ok'],
      [event(',"payload":{"subscription":{"entity":{"id":"sub_1","status":7,"current_end":1e308}}}'), 200, 'ok'],
      [event(`,"created_at":${'9'.repeat(400)}`), 200, 'ok'],
      ['{"event":"subscription.charged","event":"subscription.paused"}', 200, 'ok'],
      ['{"entity":"event","event":"something.new"}', 200, 'ok'],
      ['{}', 200, 'ok'],
    ]
    for (const [body, status, verdict] of bodies) {
      const answer = await served.deliver('main', body)
      expect([body.toString().slice(0, 60), answer.status]).toEqual([body.toString().slice(0, 60), status])
      if (verdict !== 'ok') expect(answer.body.error.details.reason).toBe(verdict)
      const found = await served.api(
        'GET',
        `/v1/deliveries/${answer.body.delivery ?? answer.body.error.details.delivery}`,
      )
      expect(found.body.delivery.verdict).toBe(verdict)
    }
    await served.settle()
    const dead = await served.api('GET', '/v1/deliveries?state=dead')
    expect(dead.body.data).toEqual([])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect((await served.deliver('main', CHARGED)).status).toBe(200)
  })

  it('asks for another attempt while the database is down', async () => {
    const postgres = await startPostgres()
    try {
      const place = { backend: 'postgres', databaseUrl: postgres.url, schema: 'down' } as const
      await using served = await serve({ place, begin: false })
      await served.api('POST', '/v1/sources', source)
      expect((await served.deliver('main', CHARGED)).status).toBe(200)
      await postgres.stop()
      const answer = await served.deliver('main', CHARGED)
      expect([answer.status, answer.body.error.code]).toEqual([503, 'store_unavailable'])
      expect((await fetch(`${served.server.url}/ready`)).status).toBe(503)
      expect((await fetch(`${served.server.url}/health`)).status).toBe(200)
      expect((await served.api('GET', '/v1/sources')).status).toBe(503)
    } finally {
      await postgres.stop()
    }
  })

  it('says that it lives, that it is ready, and how it is', async () => {
    await using served = await serve()
    const open = async (path: string) => fetch(served.server.url + path)
    expect(await (await open('/health')).json()).toEqual({ status: 'ok', version: '0.1.0' })
    expect((await open('/ready')).status).toBe(200)
    await served.api('POST', '/v1/sources', source)
    await served.deliver('main', CHARGED)
    const metrics = await (await open('/metrics')).text()
    expect(metrics).toMatch(/^billhook_inbox_received_total\{source="main",verdict="ok"\} 1$/m)
    expect(metrics).toMatch(/^billhook_ingest_seconds_count 1$/m)
    expect(metrics).toContain('billhook_inbox_backlog')
  })

  it('describes itself: every route, every schema, and nothing that is not served', async () => {
    await using served = await serve()
    const { body: document } = await served.api('GET', '/openapi.json')
    expect(document.openapi).toBe('3.1.0')
    const operations = Object.entries(
      document.paths as Record<string, Record<string, { operationId: string; responses: object }>>,
    ).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
    )
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    for (const { path, method } of operations) {
      const answer = await fetch(served.server.url + path.replaceAll(/\{\w+\}/g, 'x'), { method: method.toUpperCase() })
      expect([path, method, answer.status === 404 && (await answer.text()).includes('nothing is at')]).toEqual([
        path,
        method,
        false,
      ])
    }
    expect(document.paths['/v1/sources'].post.requestBody.content['application/json'].schema).toMatchObject({
      type: 'object',
      required: ['name', 'dialect'],
      additionalProperties: false,
    })
    expect(Object.keys(document.paths['/v1/sources'].post.responses)).toEqual(
      expect.arrayContaining(['201', '400', '401', '403', '409', '413', '415']),
    )
    expect(document.paths['/v1/holds'].post.responses['409'].description).toContain('idempotency_conflict')
    // Every reference is found from the root of the document.
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path ?? '')
    expect(refs.length).toBeGreaterThan(0)
    for (const ref of new Set(refs)) {
      const found = ref.split('/').reduce((part, name) => part?.[name], document)
      expect([ref, found]).toEqual([ref, expect.anything()])
    }
    expect(JSON.stringify(document)).not.toContain('$defs')
  })

  it('begins with a key in a file that only its owner can read', async () => {
    await using served = await serve()
    const file = join(served.app.config.dataFolder, 'api_key')
    expect(served.app.newKeyFile).toBe(file)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const authorization = `Bearer ${readFileSync(file, 'utf8').trim()}`
    expect((await served.api('GET', '/v1/keys', undefined, { authorization })).status).toBe(200)
    expect(existsSync(join(served.app.config.dataFolder, 'secret.key'))).toBe(true)
  })

  it('does not start with another key than its secrets were encrypted with', async () => {
    const place = { backend: 'embedded', dataFolder: mkdtempSync(join(tmpdir(), 'billhook-key-')) } as const
    const first = await serve({ place })
    await first.api('POST', '/v1/sources', source)
    await first[Symbol.asyncDispose]()
    const other = { BILLHOOK_SECRET_KEY: Buffer.alloc(32, 7).toString('hex') }
    await expect(serve({ place, env: other })).rejects.toMatchObject({ code: 'secret_key_missing' })
    await (await serve({ place }))[Symbol.asyncDispose]()
  })

  it('lets only one process have a data folder, and says so', async () => {
    await using served = await serve()
    await expect(createApp(served.app.config)).rejects.toMatchObject({ code: 'store_locked' })
  })
})
