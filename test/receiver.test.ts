import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createReceiver } from '../src/receiver.ts'
import { NO_LOG } from '../src/runtime/logger.ts'
import { describeOnBackends } from './support/backends.ts'
import { holdReceiver, signed } from './support/receivers.ts'
import { sample, SAMPLE_TIME, SECRET } from './support/served.ts'
import { createManualClock } from '../src/runtime/manual_clock.ts'

const CHARGED = sample('subscription.charged')
const CUSTOMER = 'cust_C0WlbKhp3aLA7W'
const post = (body: Buffer | string, headers = signed(body)): Request =>
  new Request('https://app.example/webhooks', { method: 'POST', headers, body: new Uint8Array(Buffer.from(body)) })

describe('The receiver', () => {
  it('takes a web-standard request, calls the handler once, and answers who may use what', async () => {
    await using held = await holdReceiver()
    const { receiver } = held
    const told: string[] = []
    receiver.on('payment_succeeded', ({ fact, after }) => void told.push(`${fact.subject} ${after?.allowed}`))
    const handler = receiver.handler('main')
    for (let i = 0; i < 3; i += 1) {
      const response = await handler(post(CHARGED))
      expect([response.status, await response.json()]).toMatchObject([200, { received: true }])
    }
    await receiver.settle()
    expect(told).toEqual(['pay_DEXFWroJ6LikKT true'])
    await receiver.link({ user: 'u1', source: 'main', customer: CUSTOMER })
    expect(await receiver.access('u1')).toMatchObject({ allowed: true, plan: 'plan_BvrFKjSxauOH7N', sure: true })
    expect(await receiver.access({ source: 'main', customer: CUSTOMER })).toMatchObject({ allowed: true })
    await receiver.unlink({ user: 'u1', source: 'main', customer: CUSTOMER })
    expect(await receiver.access('u1')).toMatchObject({ allowed: false })
    const hold = await receiver.hold({ user: 'u1', kind: 'grant', reason: 'a friend' })
    expect(await receiver.access('u1')).toMatchObject({ allowed: true })
    expect(await receiver.removeHold(hold.id)).toBe(true)
    expect(await receiver.usage('u1')).toEqual([])
  })

  it('refuses what does not open, in the same words as the server', async () => {
    await using held = await holdReceiver({ maxBodyBytes: 2000 })
    const handler = held.receiver.handler('main')
    const refusedWith = async (request: Request): Promise<unknown[]> => {
      const response = await handler(request)
      const { error } = (await response.json()) as { error: { code: string; details: { reason?: string } } }
      return [response.status, error.code, error.details.reason]
    }
    expect(await refusedWith(post('{}', signed('{}', 'wrong')))).toEqual([
      400,
      'delivery_refused',
      'signature_mismatch',
    ])
    expect(await refusedWith(post('{}', {}))).toEqual([400, 'delivery_refused', 'header_missing'])
    expect(await refusedWith(post(Buffer.alloc(5000)))).toEqual([413, 'payload_too_large', 'body_too_large'])
    const read = post(CHARGED)
    await read.text()
    expect(await refusedWith(read)).toEqual([400, 'delivery_refused', 'body_not_raw'])
    const get = await handler(new Request('https://app.example/webhooks'))
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
    const unknown = await held.receiver.handler('none')(post(CHARGED))
    expect(unknown.status).toBe(404)
  })

  it('takes what a framework hands over: bytes, text, lists of headers; and no parsed object', async () => {
    await using held = await holdReceiver()
    const { receiver } = held
    const status = async (body: unknown, headers: Record<string, string | string[] | undefined> = signed(CHARGED)) =>
      (await receiver.receive({ source: 'main', headers, body })).status
    expect(await status(CHARGED)).toBe(200)
    expect(await status(CHARGED.toString())).toBe(200)
    expect(await status(new Uint8Array(CHARGED).buffer)).toBe(200)
    expect(await status(JSON.parse(CHARGED.toString()))).toBe(400)
    expect(await status(undefined)).toBe(400)
    const { 'x-razorpay-signature': signature = '' } = signed(CHARGED)
    expect(await status(CHARGED, { 'X-Razorpay-Signature': [signature], accept: undefined })).toBe(200)
    expect(await status(CHARGED, { 'x-razorpay-signature': [signature, signature] })).toBe(400)
  })

  it('serves Node’s http', async () => {
    await using held = await holdReceiver({ maxBodyBytes: 2000 })
    const handle = held.receiver.nodeHandler('main')
    const server = createServer((request, response) => void handle(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    try {
      const small = sample('subscription.cancelled')
      expect(small.length).toBeLessThan(2000)
      const send = async (init: RequestInit): Promise<number> => (await fetch(url, init)).status
      expect(await send({ method: 'POST', headers: signed(small), body: small.toString() })).toBe(200)
      expect(await send({ method: 'POST', headers: signed(small, 'x'), body: small.toString() })).toBe(400)
      expect(await send({ method: 'POST', headers: signed(''), body: 'x'.repeat(100_000) })).toBe(413)
      expect(await send({ method: 'GET' })).toBe(405)
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('reads the bytes itself where a parser in front passed the delivery by and left an empty body', async () => {
    await using held = await holdReceiver()
    const handle = held.receiver.nodeHandler('main')
    const server = createServer((request, response) => {
      void handle(Object.assign(request, { body: {} }), response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      const answer = await fetch(url, { method: 'POST', headers: signed(CHARGED), body: CHARGED.toString() })
      expect(answer.status).toBe(200)
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('retries a handler that failed, and tells the error handler', async () => {
    await using held = await holdReceiver()
    const { receiver, clock } = held
    const seen: string[] = []
    receiver
      .on('payment_succeeded', ({ attempt, replay }) => {
        seen.push(`${attempt}${replay ? ' again' : ''}`)
        if (attempt === 1 && !replay) throw new Error('no network')
      })
      .onError((error, { fact }, { dead }) => void seen.push(`${fact.kind} ${String(error)} ${dead}`))
    await receiver.handler('main')(post(CHARGED))
    await receiver.settle()
    await clock.moveBy(60_000)
    await receiver.settle()
    expect(seen).toEqual(['1', 'payment_succeeded Error: no network false', '2'])
    expect(await receiver.replay({ kind: 'payment_succeeded' })).toBe(1)
    await receiver.settle()
    expect(seen.slice(3)).toEqual(['1 again'])
  })

  it('takes the sources as they are written: other secrets, other settings', async () => {
    await using held = await holdReceiver()
    await held.receiver.close()
    const open = (secrets: string[]) =>
      createReceiver({
        store: { dataFolder: held.dataFolder },
        sources: { main: { dialect: 'razorpay', secrets, settle: 'PT0S' } },
        clock: createManualClock(SAMPLE_TIME),
        log: NO_LOG,
      })
    const both = await open([SECRET, 'the new one'])
    expect((await both.handler('main')(post(CHARGED))).status).toBe(200)
    expect((await both.handler('main')(post(CHARGED, signed(CHARGED, 'the new one')))).status).toBe(200)
    await both.close()
    const one = await open(['the new one'])
    expect((await one.handler('main')(post(CHARGED))).status).toBe(400)
    expect((await one.handler('main')(post(CHARGED, signed(CHARGED, 'the new one')))).status).toBe(200)
    // What was received before is still known.
    await one.settle()
    expect(await one.access({ source: 'main', customer: CUSTOMER })).toMatchObject({ allowed: true })
    await one.close()
    expect((await one.receive({ source: 'main', headers: {}, body: '' })).status).toBe(503)
    await expect(one.access('user_42')).rejects.toMatchObject({ code: 'shutting_down' })
    await expect(one.link({ user: 'u', source: 'main', customer: 'c' })).rejects.toMatchObject({
      code: 'shutting_down',
    })
  })

  it('says what is wrong with what it is made of', async () => {
    await expect(holdReceiver({ sources: { main: { dialect: 'paypal' } } })).rejects.toMatchObject({
      code: 'unknown_dialect',
    })
    await expect(holdReceiver({ sources: { main: { dialect: 'razorpay', tolerance: 'soon' } } })).rejects.toThrow(
      /sources\.main\.tolerance/,
    )
    // @ts-expect-error a variable of the environment that is not set
    const unset: string = undefined
    await expect(holdReceiver({ sources: { main: { dialect: 'razorpay', secrets: [unset] } } })).rejects.toThrow(
      /secrets: the secret is missing or blank/,
    )
    await expect(holdReceiver({ sources: { main: { dialect: 'kinde', jwksUrl: 'nowhere' } } })).rejects.toThrow(
      /sources\.main\.jwksUrl: "nowhere" is not an https URL/,
    )
    await expect(holdReceiver({ policy: { plans: 1 } })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(holdReceiver({ store: { databaseUrl: 'postgres://x' } })).rejects.toThrow(/secretKey is needed/)
    await expect(holdReceiver({ secretKey: 'short' })).rejects.toThrow(/secretKey is not a key/)
    await using held = await holdReceiver()
    await expect(holdReceiver({ store: { dataFolder: held.dataFolder } })).rejects.toMatchObject({
      code: 'store_locked',
    })
  })
})

describeOnBackends('The receiver', (_open, backend) => {
  it('follows its policy on either store', async () => {
    const place = backend.place()
    const store =
      place.backend === 'embedded'
        ? { dataFolder: place.dataFolder }
        : { databaseUrl: place.databaseUrl, schema: place.schema }
    await using receiver = await createReceiver({
      store,
      secretKey: Buffer.alloc(32, 1).toString('hex'),
      sources: { main: { dialect: 'razorpay', secrets: [SECRET] } },
      policy: { plans: { plan_BvrFKjSxauOH7N: { features: ['export'] } } },
      clock: createManualClock(SAMPLE_TIME),
      log: NO_LOG,
    })
    await receiver.handler('main')(post(CHARGED))
    await receiver.settle()
    const subject = { source: 'main', customer: CUSTOMER }
    expect(await receiver.access(subject, { feature: 'export' })).toMatchObject({ allowed: true, features: ['export'] })
    expect(await receiver.access(subject, { feature: 'teams' })).toMatchObject({ allowed: false })
  })
})
