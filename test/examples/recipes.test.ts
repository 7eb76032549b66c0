/** Each recipe with deliveries as the providers seal them. */
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { accessExpiry } from '../../examples/recipes/access_expiry.ts'
import { accounting } from '../../examples/recipes/accounting.ts'
import { overdue, OVERDUE_POLICY } from '../../examples/recipes/overdue.ts'
import { paymentFailedMail } from '../../examples/recipes/payment_failed_mail.ts'
import { planMails } from '../../examples/recipes/plan_mails.ts'
import { provisioning } from '../../examples/recipes/provisioning.ts'
import { receipt } from '../../examples/recipes/receipt.ts'
import { trialEndReminder } from '../../examples/recipes/trial_end_reminder.ts'
import { USAGE_POLICY, usageNotice, usageStatistics } from '../../examples/recipes/usage_notice.ts'
import type { Sealed } from '../../src/dialects/dialect.ts'
import { dialectOf } from '../../src/dialects/registry.ts'
import { instant, parseInstant } from '../../src/model/instant.ts'
import type { Instant } from '../../src/model/instant.ts'
import type { JsonObject } from '../../src/model/json.ts'
import type { Mail } from '../../src/ports/mail.ts'
import type { CustomerMails, ReceiverOptions } from '../../src/receiver.ts'
import { createManualClock } from '../../src/runtime/manual_clock.ts'
import type { ManualClock } from '../../src/runtime/manual_clock.ts'
import { holdReceiver } from '../support/receivers.ts'
import type { Held } from '../support/receivers.ts'

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url))
const read = (path: string): JsonObject => JSON.parse(readFileSync(fixtures + path, 'utf8')) as JsonObject
const SECRET = 'whsec_for_the_recipes'
const CARDS = 'cus_TnO9eBSDQTM727'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Desk extends Held {
  readonly clock: ManualClock
  readonly mails: CustomerMails
  readonly sent: Mail[]
  /** Kind and subject of each mail. */
  outbox(): readonly string[]
  /** Delivers an event of the source `cards` (or `tokens`) when it was made, and lets everything come of it. */
  deliver(...events: readonly JsonObject[]): Promise<void>
}

/** A receiver with two sources, a user linked to a customer of each, and an outbox of mails. */
async function service(begin: string, options: Partial<ReceiverOptions> = {}): Promise<Desk> {
  const keys = read('../../vectors/kinde.json')
  const server = createServer((_request, response) => response.end(JSON.stringify(keys['jwks'])))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  const clock = createManualClock(parseInstant(begin)!)
  const held = await holdReceiver({
    sources: {
      cards: { dialect: 'stripe@2025-02-24.acacia', secrets: [SECRET] },
      tokens: { dialect: 'kinde', jwksUrl },
    },
    clock,
    ...options,
  })
  closing.push(async () => held[Symbol.asyncDispose]())
  const { receiver } = held
  await receiver.link({ user: 'anna', source: 'cards', customer: CARDS })
  await receiver.link({ user: 'anna', source: 'tokens', customer: 'customer_019fd71f98c09b96b5bb666f8441f2d7' })
  const sent: Mail[] = []
  const mails = receiver.mails({
    mailer: { send: async (mail) => void sent.push(mail) },
    recipient: async (user) => (user === 'anna' ? { email: 'anna@example.com', name: 'Anna', locale: 'en' } : null),
    values: { product: 'Atelier', link: 'https://atelier.example' },
  })
  const sealing = { keyId: '', privateKeyPem: keys['private_key_pkcs8_pem_TEST_ONLY'] as string }
  const [jwk] = (keys['jwks'] as unknown as { keys: { kid: string }[] }).keys
  return {
    ...held,
    clock,
    mails,
    sent,
    outbox: () => sent.map(({ subject, key }) => `${key.split('.')[0]}: ${subject}`),
    async deliver(...events) {
      for (const event of events) {
        const isToken = 'event_id' in event
        const at = madeAt(event)
        if (at > clock.now()) await clock.moveTo(at)
        const notification = { id: null, type: event['type'] as string, createdAt: at, account: null, body: event }
        const sealed: Sealed = isToken
          ? dialectOf('kinde').seal(notification, { secrets: [], signingKey: { ...sealing, keyId: jwk!.kid } }, at)
          : dialectOf('stripe@2025-02-24.acacia').seal(
              notification,
              { secrets: [SECRET], signingKey: null },
              clock.now(),
            )
        const answer = await receiver.receive({ source: isToken ? 'tokens' : 'cards', ...sealed })
        expect([event['type'], answer.body]).toMatchObject([event['type'], { received: true }])
        await receiver.settle()
      }
    },
  }
}

function madeAt(event: JsonObject): Instant {
  const { created, event_timestamp: text } = event
  return typeof created === 'number' ? instant(created * 1000) : parseInstant(text)!
}

const card = (name: string): JsonObject => read(`stripe/wire/classic/${name}.body`)
const token = (name: string, change: (body: JsonObject) => JsonObject = (body) => body): JsonObject =>
  change(read(`kinde/events/${name}.json`))
const FIRST_PAYMENT = [
  'customer.subscription.created',
  'customer.subscription.updated.activated',
  'invoice.paid.first',
].map(card)

describe('The recipes', () => {
  it('are all listed, and all here', () => {
    const folder = fileURLToPath(new URL('../../examples/recipes/', import.meta.url))
    const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && file !== 'who.ts')
    const list = readFileSync(`${folder}README.md`, 'utf8')
    const own = readFileSync(fileURLToPath(import.meta.url), 'utf8')
    expect(files.filter((file) => !list.includes(`(${file})`) || !own.includes(`/${file}`))).toEqual([])
  })

  it('provision with a welcome, and deprovision when access ends, also by time alone', async () => {
    const all = await service('2026-01-15T09:00:00Z')
    const done: string[] = []
    provisioning(all.receiver, all.mails, {
      provision: async (user, plan) => void done.push(`provision ${user} ${plan}`),
      deprovision: async (user) => void done.push(`deprovision ${user}`),
      setCrmStatus: async (user, status) => void done.push(`crm ${user} ${status}`),
    })
    await all.deliver(...FIRST_PAYMENT)
    expect(done).toEqual([expect.stringMatching(/^provision anna price_/), 'crm anna active'])
    expect(all.outbox()).toEqual(['welcome: Welcome to Atelier'])
    // Nothing is heard again: what was paid runs out, and the grace with it.
    await all.clock.moveBy(60 * 86_400_000)
    await all.receiver.settle()
    expect(done.slice(-2)).toEqual(['deprovision anna', 'crm anna cancelled'])
    expect(all.outbox().slice(1)).toEqual(['access_ended: Your access to Atelier has ended'])
  })

  it('mail about plans: one assigned, one changed', async () => {
    const all = await service('2026-01-15T09:00:00Z')
    const done: string[] = []
    planMails(all.receiver, all.mails, {
      setPlan: async (user, plan) => void done.push(`${user} ${plan}`),
      tellTeam: async (text) => void done.push(text),
    })
    await all.deliver(...FIRST_PAYMENT, card('customer.subscription.updated.plan_change'))
    expect(done).toHaveLength(2)
    expect(done[1]).toMatch(/^anna: price_\w+ → price_\w+ \((upgrade|downgrade|unknown)\)$/)
    await all.deliver(token('customer.plan_assigned'))
    expect(done[2]).toBe('anna pro')
    expect(all.outbox()).toEqual([
      'plan_changed: Your plan is now pro_monthly',
      'plan_activated: Your plan Pro is active',
    ])
  })

  it('remind of a trial’s end, and ask for a payment method where there is none', async () => {
    const charged = await service('2026-01-15T09:00:00Z')
    trialEndReminder(charged.receiver, charged.mails, async () => false)
    await charged.deliver(card('customer.subscription.created.trialing'), card('customer.subscription.trial_will_end'))
    expect(charged.outbox()).toEqual(['trial_ending: Your trial ends on January 29, 2026'])

    const without = await service('2026-01-15T09:00:00Z')
    const asked: string[] = []
    trialEndReminder(without.receiver, without.mails, async (source, customer) => {
      asked.push(`${source} ${customer}`)
      return false
    })
    const ending = card('customer.subscription.trial_will_end') as { data: { object: JsonObject } } & JsonObject
    const object = { ...ending.data.object, default_payment_method: null }
    await without.deliver(card('customer.subscription.created.trialing'), { ...ending, data: { object } })
    expect(without.outbox()).toEqual([
      'trial_ending_no_payment_method: Your trial ends on January 29, 2026: add a payment method',
    ])
    expect(asked).toEqual([`cards ${CARDS}`])
  })

  it('tell a temporary decline from a dead card', async () => {
    const all = await service('2026-01-15T09:00:00Z')
    paymentFailedMail(all.receiver, all.mails)
    const failed = card('charge.failed') as { id: string; data: { object: JsonObject } } & JsonObject
    await all.deliver(card('customer.subscription.created'), failed)
    expect(all.outbox()).toEqual(['payment_failed: Your payment did not go through'])
    expect(all.sent[0]!.text).toContain('Amount: $20.00')
    expect(all.sent[0]!.text).toContain('Reason: Your card has insufficient funds.')

    const dead = await service('2026-01-15T09:00:00Z')
    paymentFailedMail(dead.receiver, dead.mails)
    const object: JsonObject = {
      ...failed.data.object,
      failure_code: 'expired_card',
      failure_message: 'Your card has expired.',
      outcome: { type: 'issuer_declined', reason: 'expired_card', network_status: 'declined_by_network' },
    }
    await dead.deliver(card('customer.subscription.created'), { ...failed, data: { object } })
    expect(dead.outbox()).toEqual(['payment_failed_card: Please update your payment method'])
  })

  it('send a receipt for a payment, once, and not to who opted out', async () => {
    const all = await service('2026-01-15T09:00:00Z')
    receipt(all.receiver, all.mails)
    await all.deliver(...FIRST_PAYMENT, ...FIRST_PAYMENT)
    expect(all.outbox()).toEqual(['receipt: Receipt for $20.00'])
    await all.mails.choose('anna', 'receipt', false)
    await all.deliver(card('invoice.paid'))
    expect(all.outbox()).toHaveLength(1)
    expect(await all.receiver.replay({ kind: 'invoice_paid' })).toBe(2)
    await all.receiver.settle()
    expect(all.outbox()).toHaveLength(1)
  })

  it('remind of what is overdue, restrict until it is paid, and tell accounts receivable', async () => {
    const all = await service('2026-09-01T00:00:00Z', { policy: OVERDUE_POLICY })
    const told: string[] = []
    overdue(all.receiver, all.mails, async (text) => void told.push(text))
    const begun = token('customer.agreement_created', (body) => ({
      ...body,
      event_timestamp: '2026-09-06T12:00:00.000Z',
      timestamp: '2026-09-06T12:00:00.000Z',
      data: {
        ...(body['data'] as JsonObject),
        agreement_id: 'agreement_01a01e660e8071f42b98e75d3c61ad00',
        plan: { code: 'team', name: 'Team' },
      },
    }))
    await all.deliver(begun)
    expect(await all.receiver.access('anna')).toMatchObject({ allowed: true, level: 'full' })
    await all.deliver(token('customer.invoice_overdue'))
    expect(all.outbox()).toEqual(['overdue: An invoice is overdue'])
    expect(told).toHaveLength(1)
    expect(await all.receiver.access('anna')).toMatchObject({ allowed: true, level: 'limited' })
    const paid = token('customer.payment_succeeded', (body) => ({
      ...body,
      event_id: 'event_paid',
      event_timestamp: '2026-09-28T09:00:00.000Z',
      timestamp: '2026-09-28T09:00:00.000Z',
      data: begun['data'] as JsonObject,
    }))
    await all.deliver(paid)
    expect(await all.receiver.access('anna')).toMatchObject({ allowed: true, level: 'full' })
  })

  it('give notice near the limit once for each threshold, and the numbers to show', async () => {
    const all = await service('2026-08-06T12:00:00Z', { policy: USAGE_POLICY })
    usageNotice(all.receiver, all.mails)
    const used = (quantity: number, minute: string): JsonObject =>
      token('customer.meter_usage_updated', (body) => ({
        ...body,
        event_id: `event_${quantity}`,
        event_timestamp: `2026-08-10T08:${minute}:00.000Z`,
        timestamp: `2026-08-10T08:${minute}:00.000Z`,
        data: { ...(body['data'] as JsonObject), quantity },
      }))
    await all.deliver(
      token('customer.agreement_created'),
      used(50, '01'),
      used(85, '02'),
      used(90, '03'),
      used(125, '04'),
    )
    expect(all.outbox()).toEqual(['usage: You have used 80 % of api_calls', 'usage: You have used 100 % of api_calls'])
    expect(await usageStatistics(all.receiver, 'anna')).toEqual([
      { meter: 'api_calls', quantity: '125', included: '100', percent: 125, overage: '25', cost: '50 EUR' },
    ])
  })

  it('book each payment, refund and bad debt once, also when the first call fails', async () => {
    const all = await service('2026-01-15T09:00:00Z')
    const books = new Map<string, string>()
    let down = true
    accounting(all.receiver, async (key, { type, amount, reverses }) => {
      if (down) throw new Error('the accounting system does not answer')
      books.set(key, `${reverses ? 'reverse ' : ''}${type} ${amount}`)
    })
    await all.deliver(...FIRST_PAYMENT)
    expect(books.size).toBe(0)
    down = false
    await all.clock.moveBy(60_000)
    await all.receiver.settle()
    expect([...books.values()]).toEqual(['payment 2000 USD'])
    await all.deliver(card('invoice.marked_uncollectible'))
    await all.receiver.replay({ kind: 'invoice_paid' })
    await all.receiver.settle()
    expect([...books.values()].sort()).toEqual([expect.stringMatching(/^bad_debt /), 'payment 2000 USD'])
  })

  it('keep “access until” in the app’s own table, in the receiver’s transaction', async () => {
    const all = await service('2026-01-15T09:00:00Z')
    accessExpiry(all.receiver)
    await all.deliver(...FIRST_PAYMENT)
    const { until } = await all.receiver.access('anna')
    const rows = async (): Promise<unknown[]> => {
      const found: unknown[] = []
      all.receiver.on('invoice_paid', (reaction) =>
        reaction.transaction(async ({ native }) => {
          const database = native as { prepare(sql: string): { all(): object[] } }
          found.push(
            ...database
              .prepare('SELECT app_user, access_until FROM app_access')
              .all()
              .map((row) => ({ ...row })),
          )
        }),
      )
      await all.receiver.replay({ kind: 'invoice_paid' })
      await all.receiver.settle()
      return found
    }
    expect(until).not.toBeNull()
    expect(await rows()).toEqual([{ app_user: 'anna', access_until: until }])
  })
})
