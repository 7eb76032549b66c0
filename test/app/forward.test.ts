import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/app/config.ts'
import { createApp, MAIN_ACCOUNT } from '../../src/app/create.ts'
import type { App } from '../../src/app/create.ts'
import { NO_LOG } from '../../src/runtime/logger.ts'
import { createManualClock } from '../../src/runtime/manual_clock.ts'
import { eventually } from '../support/delivery.ts'
import { sample, SAMPLE_TIME, SECRET } from '../support/served.ts'
import { openSink } from '../support/sink.ts'

const closing: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function started(env: Record<string, string>): Promise<App> {
  const folder = mkdtempSync(join(tmpdir(), 'billhook-forward-'))
  closing.push(() => rmSync(folder, { recursive: true, force: true }))
  const config = parseConfig({
    BILLHOOK_DATA_FOLDER: folder,
    BILLHOOK_ALLOW_PRIVATE_ADDRESSES: 'true',
    BILLHOOK_SETTLE: 'PT0S',
    ...env,
  })
  const made = await createApp(config, { clock: createManualClock(SAMPLE_TIME), log: NO_LOG })
  closing.push(() => made.close())
  await made.start()
  return made
}

async function addSource({ inbox }: App, account: string): Promise<void> {
  const settings = { settleMs: 0 }
  await inbox.sources.create({ account, name: 'main', dialect: 'razorpay', secrets: [SECRET], settings })
}

async function deliver({ inbox }: App, body: Buffer, account = MAIN_ACCOUNT): Promise<number> {
  const headers = {
    'content-type': 'application/json',
    'x-razorpay-signature': createHmac('sha256', SECRET).update(body).digest('hex'),
  }
  return (await inbox.ingest.receive({ account, source: 'main', headers, body })).status
}

const BODY = sample('subscription.charged')

describe('What was received', () => {
  it('goes on to the endpoints, byte by byte, signed again, each event once', async () => {
    await using sink = await openSink()
    const made = await started({ BILLHOOK_FORWARD_DELIVERIES: 'true' })
    await addSource(made, MAIN_ACCOUNT)
    const wanted = { url: sink.url, dialect: 'standard', eventTypes: ['*'] }
    const created = await made.sending?.delivery.endpoints.create(MAIN_ACCOUNT, wanted)
    expect([await deliver(made, BODY), await deliver(made, BODY)]).toEqual([200, 200])
    await eventually(() => sink.arrivals.length > 0, 'the delivery is forwarded')
    const [arrival] = sink.arrivals
    expect(arrival?.body.equals(BODY)).toBe(true)
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = arrival?.headers ?? {}
    const signed = new Webhook(created?.secret ?? '').sign(String(id), new Date(Number(at) * 1000), BODY.toString())
    expect(signature).toBe(signed)
    await made.inbox.settle()
    const events = await made.sending?.delivery.inspection.deliveries(MAIN_ACCOUNT, {})
    expect(events?.items).toHaveLength(1)
  })

  it('goes on as facts, if that is asked for', async () => {
    await using sink = await openSink()
    const made = await started({ BILLHOOK_FORWARD_FACTS: 'true' })
    await addSource(made, MAIN_ACCOUNT)
    const wanted = { url: sink.url, dialect: 'standard', eventTypes: ['invoice.paid', 'subscription.*'] }
    await made.sending?.delivery.endpoints.create(MAIN_ACCOUNT, wanted)
    expect(await deliver(made, BODY)).toBe(200)
    const types = (): readonly string[] =>
      sink.arrivals.map(({ body }) => (JSON.parse(body.toString()) as { type: string }).type)
    await eventually(() => types().includes('subscription.activated'), 'the fact is forwarded')
  })

  it('is folded all the same for an account that has nobody to send to', async () => {
    const made = await started({ BILLHOOK_FORWARD_DELIVERIES: 'true' })
    await addSource(made, 'receives_only')
    expect(await deliver(made, BODY, 'receives_only')).toBe(200)
    await eventually(async () => (await made.inbox.store.received.backlog()) === 0, 'the delivery is folded')
    const facts = await made.inbox.store.ledger.facts({ account: 'receives_only', limit: 10 })
    expect(facts.map(({ kind }) => kind)).toContain('subscription_activated')
  })
})
