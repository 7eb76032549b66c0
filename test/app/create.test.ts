import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/app/config.ts'
import { createApp } from '../../src/app/create.ts'
import type { App } from '../../src/app/create.ts'
import { KEEP_ANSWERS_MS } from '../../src/app/housekeeping.ts'
import { within } from '../../src/app/shutdown.ts'
import { addMs } from '../../src/model/instant.ts'
import { NO_LOG } from '../../src/runtime/logger.ts'
import { createManualClock } from '../../src/runtime/manual_clock.ts'
import { openMailbox } from '../support/mailbox.ts'
import { sample, SAMPLE_TIME, SECRET, serve } from '../support/served.ts'

const closing: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'billhook-app-'))
  closing.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function app(env: Record<string, string>, clock = createManualClock(SAMPLE_TIME)): Promise<App> {
  const config = parseConfig({ BILLHOOK_SENDING: 'false', BILLHOOK_DATA_FOLDER: folder(), ...env })
  const made = await createApp(config, { clock, log: NO_LOG })
  closing.push(() => made.close())
  return made
}

describe('A process', () => {
  it('takes its policy from a file, and writes a version only where it differs', async () => {
    const dataFolder = folder()
    const policyFile = join(dataFolder, 'policy.json')
    const env = { BILLHOOK_DATA_FOLDER: dataFolder, BILLHOOK_POLICY_FILE: policyFile }
    const versions = async (): Promise<number> => {
      const made = await app(env)
      const { version } = await made.inbox.policies.newest('main')
      await made.close()
      return version
    }
    writeFileSync(policyFile, '{"default": {"leeway": "P2D", "grace": "P3D"}}')
    expect(await versions()).toBe(1)
    writeFileSync(policyFile, '{"default": {"grace": "P3D", "leeway": "P2D"}}')
    expect(await versions()).toBe(1)
    writeFileSync(policyFile, '{"default": {"grace": "P4D"}}')
    expect(await versions()).toBe(2)
    writeFileSync(policyFile, '{"default": {"grace": "soon"}}')
    await expect(app(env)).rejects.toMatchObject({ code: 'invalid_request' })
    writeFileSync(policyFile, '[]')
    await expect(app(env)).rejects.toMatchObject({ code: 'config_invalid' })
    // What failed to start has let go of the store.
    writeFileSync(policyFile, '{}')
    expect(await versions()).toBe(3)
  })

  it('refuses at its start a store whose secrets were encrypted with another key', async () => {
    const env = { BILLHOOK_DATA_FOLDER: folder(), BILLHOOK_SECRET_KEY: Buffer.alloc(32, 1).toString('hex') }
    const one = await app(env)
    await one.inbox.sources.create({ account: 'main', name: 'main', dialect: 'razorpay', secrets: [SECRET] })
    await one.close()
    const other = { ...env, BILLHOOK_SECRET_KEY: Buffer.alloc(32, 2).toString('hex') }
    await expect(app(other)).rejects.toMatchObject({ code: 'secret_key_missing' })
  })

  it('sends requests to private addresses only if its configuration allows it', async () => {
    for (const allowed of [true, false]) {
      const { core } = await app({ BILLHOOK_ALLOW_PRIVATE_ADDRESSES: String(allowed) })
      for (const url of ['http://127.0.0.1:3000/hook', 'http://192.168.1.4/hook', 'http://app:3000/hook'])
        expect(core.guard.url(url).ok, url).toBe(allowed)
    }
  })

  it('says that it is ready until it is closed, and can be closed twice', async () => {
    const made = await app({})
    await made.ready()
    await Promise.all([made.close(), made.close()])
    await expect(made.ready()).rejects.toMatchObject({ code: 'shutting_down' })
  })

  it('is not ready for a while after a delivery could not be stored, unless one was stored since', async () => {
    const clock = createManualClock(SAMPLE_TIME)
    const made = await app({}, clock)
    await made.inbox.sources.create({ account: 'main', name: 'main', dialect: 'razorpay', secrets: [SECRET] })
    const body = Buffer.from('{"event":"subscription.charged"}')
    const signature = createHmac('sha256', SECRET).update(body).digest('hex')
    const headers = { 'x-razorpay-signature': signature }
    const deliver = () => made.inbox.ingest.receive({ account: 'main', source: 'main', headers, body })
    const { received } = made.inbox.store
    const add = received.add.bind(received)
    received.add = () => Promise.reject(new Error('database or disk is full'))
    expect((await deliver()).status).toBe(503)
    await expect(made.ready()).rejects.toMatchObject({ code: 'store_unavailable' })
    await clock.moveBy(10_000)
    await made.ready()
    expect((await deliver()).status).toBe(503)
    received.add = add
    expect((await deliver()).status).toBe(200)
    await made.ready()
  })

  it('mails the operator when a reaction is given up', async () => {
    await using mailbox = await openMailbox()
    const { arrived } = mailbox
    await using served = await serve({
      begin: false,
      env: {
        BILLHOOK_SMTP_URL: mailbox.url,
        BILLHOOK_MAIL_FROM: 'billhook@example.com',
        BILLHOOK_OPERATOR_EMAIL: 'ops@example.com',
      },
    })
    served.app.inbox.handlers.on('payment_succeeded', () => {
      throw new Error('the CRM is down')
    })
    await served.api('POST', '/v1/sources', { name: 'main', dialect: 'razorpay', secrets: [SECRET] })
    await served.deliver('main', sample('subscription.charged'))
    for (let i = 0; i < 12 && arrived.length === 0; i += 1) {
      await served.app.inbox.settle()
      await served.clock.moveBy(2 * 86_400_000)
    }
    expect(arrived).toHaveLength(1)
    expect(arrived[0]).toMatch(/^To: ops@example\.com/im)
    expect(arrived[0]).toContain('the CRM is down')
  })

  it('forgets answers to idempotency keys in time', async () => {
    await using served = await serve({ begin: false })
    const { app: running, clock } = served
    const answer = { account: 'main', key: 'k', fingerprint: 'f', status: 200, answer: '{}', at: clock.now() }
    await running.answers.takeAnswer(answer)
    await clock.moveTo(addMs(clock.now(), KEEP_ANSWERS_MS + 1))
    await running.start()
    await expect.poll(async () => running.answers.takeAnswer(answer)).toBeNull()
  })
})

it('Waiting for work has an end', async () => {
  expect(await within(5, new Promise(() => undefined))).toBe(false)
  expect(await within(60_000, Promise.resolve())).toBe(true)
  await expect(within(60_000, Promise.reject(new Error('no')))).rejects.toThrow('no')
})
