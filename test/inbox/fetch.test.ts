import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { resolveDialect } from '../../src/dialects/registry.ts'
import type { JsonObject } from '../../src/model/json.ts'
import { UndiciHttpClient } from '../../src/runtime/http_client.ts'
import { Guard, GUARD_DEFAULTS } from '../../src/runtime/ssrf.ts'
import { describeOnBackends } from '../support/backends.ts'
import {
  ACCOUNT,
  created,
  createWorld,
  DAY,
  event,
  factsOf,
  invoice,
  SOURCE,
  START,
  subscription,
  updated,
} from './world.ts'
import type { World } from './world.ts'

const ask = { source: SOURCE, customer: 'cus_1' }
const KEY = 'rk_test_of_the_fetcher'
const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

interface Provider {
  readonly url: string
  readonly asked: { readonly path: string; readonly headers: IncomingHttpHeaders }[]
  /** What is answered, by path; others are not found. */
  readonly objects: Map<string, JsonObject | string>
  status: number
}

/** A provider's API over real HTTP, whose clock stands at `at`. */
async function provider(at: number): Promise<Provider> {
  const found: Provider = { url: '', asked: [], objects: new Map(), status: 200 }
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    found.asked.push({ path, headers: request.headers })
    const object = found.objects.get(path)
    response.sendDate = false
    response.writeHead(object === undefined ? 404 : found.status, {
      'content-type': 'application/json',
      date: new Date(at).toUTCString(),
    })
    response.end(typeof object === 'string' ? object : JSON.stringify(object ?? { error: { type: 'not_found' } }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  return Object.assign(found, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

/** A world whose source may ask the provider. */
async function worldWith(database: Parameters<typeof createWorld>[0], url: string): Promise<World> {
  const http = new UndiciHttpClient(new Guard({ ...GUARD_DEFAULTS, allowLoopback: true, allowHttp: true }))
  closing.push(() => http[Symbol.asyncDispose]())
  const world = await createWorld(database, { ports: { http, dialect: resolveDialect } })
  await world.inbox.sources.update(ACCOUNT, SOURCE, { api: { key: KEY, url } })
  return world
}

describeOnBackends('Looking objects up at the provider', (open) => {
  it('finds the renewal that was not delivered, with its invoice', async () => {
    const api = await provider(START + 33 * DAY)
    const world = await worldWith(await open(), api.url)
    await world.send(created())
    await world.send(event('invoice.paid', invoice(), { at: START + 1000 }))
    await world.inbox.settle()
    expect(api.asked).toEqual([])
    const from = START + 31 * DAY
    api.objects.set('/v1/subscriptions/sub_1', subscription({ from, more: { latest_invoice: 'in_2' } }))
    api.objects.set('/v1/invoices/in_2', invoice({ id: 'in_2', from }))
    await world.clock.moveBy(33 * DAY)
    await world.inbox.settle()
    expect(api.asked.map(({ path }) => path)).toEqual(['/v1/subscriptions/sub_1', '/v1/invoices/in_2'])
    expect(api.asked[0]?.headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      'stripe-version': '2025-02-24.acacia',
    })
    expect(await factsOf(world)).toContain('subscription_renewed')
    const paidThrough = from + 31 * DAY
    expect(await world.inbox.access.read(ACCOUNT, ask)).toMatchObject({ allowed: true, sure: true, paidThrough })
  })

  it('asks once where what came allows two readings, a minute later', async () => {
    const api = await provider(START + DAY)
    const world = await worldWith(await open(), api.url)
    api.objects.set('/v1/subscriptions/sub_1', subscription({ more: { latest_invoice: 'in_1' } }))
    api.objects.set('/v1/invoices/in_1', invoice())
    // Given: the first thing heard of it is in the middle of its life, and no payment was seen
    await world.send(updated({}, { default_payment_method: 'pm_0' }, START + 3_600_000))
    await world.inbox.settle()
    expect(await world.inbox.access.read(ACCOUNT, ask)).toMatchObject({ allowed: true, sure: false })
    expect(api.asked).toEqual([])
    await world.clock.moveBy(61_000)
    await world.inbox.settle()
    expect(api.asked.map(({ path }) => path)).toEqual(['/v1/subscriptions/sub_1', '/v1/invoices/in_1'])
    expect(await world.inbox.access.read(ACCOUNT, ask)).toMatchObject({ allowed: true, sure: true })
    await world.clock.moveBy(2 * DAY)
    await world.inbox.settle()
    expect(api.asked).toHaveLength(2)
  })

  it('says what is wrong with the key, and never shows it', async () => {
    const api = await provider(START + DAY)
    const world = await worldWith(await open(), api.url)
    api.status = 401
    api.objects.set('/v1/subscriptions/sub_1', { error: { message: `Invalid API key: ${KEY}` } })
    await world.send(updated({}, { default_payment_method: 'pm_0' }, START + 3_600_000))
    await world.inbox.settle()
    await world.clock.moveBy(61_000)
    await world.inbox.settle()
    const line = world.lines.find(({ message }) => message.includes('could not be fetched'))
    expect(JSON.stringify(line)).toContain('answered 401: give the source a secret or restricted API key')
    expect(JSON.stringify(world.lines)).not.toContain(KEY)
    expect(await world.inbox.access.read(ACCOUNT, ask)).toMatchObject({ allowed: true, sure: false })
  })

  it.each([
    ['not JSON', '<html>busy</html>', 'cannot be read'],
    ['another object', { id: 'in_1', object: 'invoice', status: 'paid' }, 'is no subscription'],
    ['nothing', undefined, 'answered 404: it has no such object'],
  ])('changes nothing when the answer is %s', async (_name, answer, words) => {
    const api = await provider(START + DAY)
    const world = await worldWith(await open(), api.url)
    if (answer !== undefined) api.objects.set('/v1/subscriptions/sub_1', answer)
    await world.send(updated({}, { default_payment_method: 'pm_0' }, START + 3_600_000))
    await world.inbox.settle()
    const before = await factsOf(world)
    await world.clock.moveBy(61_000)
    await world.inbox.settle()
    expect(JSON.stringify(world.lines)).toContain(words)
    expect(await factsOf(world)).toEqual(before)
  })

  it('keeps the key encrypted, and takes none for a provider that wants a login', async () => {
    const database = await open()
    const world = await worldWith(database, 'https://api.example.com')
    expect(JSON.stringify(await database.all('SELECT settings FROM source'))).not.toContain(KEY)
    expect((await world.inbox.sources.find(ACCOUNT, SOURCE))?.api).toEqual({ key: KEY, url: 'https://api.example.com' })
    await world.inbox.sources.update(ACCOUNT, SOURCE, { settings: { settleMs: 5 } })
    expect((await world.inbox.sources.find(ACCOUNT, SOURCE))?.api?.key).toBe(KEY)
    const change = { dialect: 'airwallex@2025-06-16', api: { key: KEY, url: null } }
    await expect(world.inbox.sources.update(ACCOUNT, SOURCE, change)).rejects.toMatchObject({ code: 'invalid_request' })
    await world.inbox.sources.update(ACCOUNT, SOURCE, { api: null })
    expect((await world.inbox.sources.find(ACCOUNT, SOURCE))?.api).toBeNull()
  })
})
