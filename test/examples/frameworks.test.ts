/** Each framework with its real body parser in front: the right way opens, the trap is refused with its reason. */
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { serve } from '@hono/node-server'
import { createExpressApp } from '../../examples/express/app.ts'
import { createFastifyApp } from '../../examples/fastify/app.ts'
import { createHonoApp } from '../../examples/hono/app.ts'
import { createRoute } from '../../examples/next/route.ts'
import type { Receiver } from '../../src/receiver.ts'
import { holdReceiver, signed } from '../support/receivers.ts'
import { sample } from '../support/served.ts'

const CHARGED = sample('subscription.charged')
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function listen(server: Server): Promise<string> {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const FRAMEWORKS: Readonly<Record<string, (receiver: Receiver) => Promise<string>>> = {
  Express: async (receiver) => listen(createServer(createExpressApp(receiver))),
  Fastify: async (receiver) => {
    const app = createFastifyApp(receiver)
    closing.push(() => app.close())
    return app.listen({ port: 0, host: '127.0.0.1' })
  },
  Hono: async (receiver) => {
    const server = serve({ fetch: createHonoApp(receiver).fetch, port: 0, hostname: '127.0.0.1' })
    await new Promise<void>((resolve) => server.once('listening', () => resolve()))
    return listen(server as Server)
  },
}

async function start(name: string): Promise<string> {
  const held = await holdReceiver()
  closing.push(async () => held[Symbol.asyncDispose]())
  await held.receiver.link({ user: 'u1', source: 'main', customer: 'cust_C0WlbKhp3aLA7W' })
  const url = await FRAMEWORKS[name]!(held.receiver)
  const taken = await fetch(`${url}/webhooks/billing`, {
    method: 'POST',
    headers: signed(CHARGED),
    body: CHARGED.toString(),
  })
  expect([taken.status, await taken.json()]).toMatchObject([200, { received: true }])
  await held.receiver.settle()
  return url
}

describe.each(Object.keys(FRAMEWORKS))('%s', (name) => {
  it('takes deliveries in and guards its routes by the answer', async () => {
    const url = await start(name)
    expect(await (await fetch(`${url}/export/u1`)).json()).toEqual({ rows: [] })
    const denied = await fetch(`${url}/export/u2`)
    expect([denied.status, await denied.json()]).toEqual([402, { why: ['no subscription is known'] }])
    const forged = await fetch(`${url}/webhooks/billing`, {
      method: 'POST',
      headers: signed('x'),
      body: CHARGED.toString(),
    })
    expect(forged.status).toBe(400)
  })

  it('refuses a body that was parsed before, and says so', async () => {
    const url = await start(name)
    const late = await fetch(`${url}/webhooks/too-late`, {
      method: 'POST',
      headers: signed(CHARGED),
      body: CHARGED.toString(),
    })
    expect([late.status, await late.json()]).toMatchObject([400, { error: { details: { reason: 'body_not_raw' } } }])
  })
})

it('Express also takes a body that its own raw parser has kept', async () => {
  const url = await start('Express')
  const taken = await fetch(`${url}/webhooks/raw`, {
    method: 'POST',
    headers: signed(CHARGED),
    body: CHARGED.toString(),
  })
  expect(taken.status).toBe(200)
})

it('A Next.js route handler takes deliveries in', async () => {
  await using held = await holdReceiver()
  const { POST } = createRoute(held.receiver)
  const url = 'https://app.example/api/webhooks/billing'
  const request = (): Request =>
    new Request(url, { method: 'POST', headers: signed(CHARGED), body: CHARGED.toString() })
  expect((await POST(request())).status).toBe(200)
  const late = request()
  await late.json()
  expect(await (await POST(late)).json()).toMatchObject({ error: { details: { reason: 'body_not_raw' } } })
})
