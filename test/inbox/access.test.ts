import { expect, it } from 'vitest'
import { instant } from '../../src/model/instant.ts'
import { describeOnBackends } from '../support/backends.ts'
import {
  ACCOUNT,
  created,
  createWorld,
  DAY,
  deleted,
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

async function paid(world: World): Promise<void> {
  await world.send(created())
  await world.send(event('invoice.paid', invoice(), { at: START + 1000 }))
  await world.inbox.settle()
}

describeOnBackends('Access', (open) => {
  it('is denied, with a reason, to whom nothing is known of', async () => {
    const world = await createWorld(await open())
    const answer = await world.inbox.access.read(ACCOUNT, { user: 'nobody' })
    expect(answer).toMatchObject({ allowed: false, level: 'none' })
    expect(answer.why.length).toBeGreaterThan(0)
  })

  it('unites all customers that a user is linked to', async () => {
    const world = await createWorld(await open())
    await paid(world)
    await world.send(
      event('customer.subscription.created', subscription({ id: 'sub_9', customer: 'cus_9', status: 'incomplete' })),
    )
    await world.inbox.settle()
    expect(await world.inbox.access.link(ACCOUNT, 'ada', SOURCE, 'cus_9')).toBe(true)
    expect((await world.inbox.access.read(ACCOUNT, { user: 'ada' })).allowed).toBe(false)
    expect(await world.inbox.access.link(ACCOUNT, 'ada', SOURCE, 'cus_1')).toBe(true)
    expect(await world.inbox.access.link(ACCOUNT, 'ada', SOURCE, 'cus_1')).toBe(false)
    expect((await world.inbox.access.read(ACCOUNT, { user: 'ada' })).allowed).toBe(true)
    expect(await world.inbox.access.unlink(ACCOUNT, 'ada', SOURCE, 'cus_1')).toBe(true)
    expect((await world.inbox.access.read(ACCOUNT, { user: 'ada' })).allowed).toBe(false)
    await expect(world.inbox.access.link(ACCOUNT, 'ada', 'nowhere', 'cus_1')).rejects.toMatchObject({
      code: 'unknown_source',
    })
  })

  it('is blocked and granted by the app’s own holds, until they end or are removed', async () => {
    const world = await createWorld(await open())
    await paid(world)
    await world.inbox.access.link(ACCOUNT, 'ada', SOURCE, 'cus_1')
    const block = await world.inbox.access.hold({ account: ACCOUNT, user: 'ada', kind: 'block', reason: 'fraud' })
    const blocked = await world.inbox.access.read(ACCOUNT, { user: 'ada' })
    expect(blocked.allowed).toBe(false)
    expect(blocked.why[0]?.words).toContain('fraud')
    await world.clock.moveBy(1000)
    expect(await world.inbox.access.removeHold(ACCOUNT, block.id)).toBe(true)
    expect(await world.inbox.access.removeHold(ACCOUNT, block.id)).toBe(false)
    expect((await world.inbox.access.read(ACCOUNT, { user: 'ada' })).allowed).toBe(true)
    const until = instant(START + DAY)
    await world.inbox.access.hold({ account: ACCOUNT, user: 'eve', kind: 'grant', reason: 'press', until })
    expect(await world.inbox.access.read(ACCOUNT, { user: 'eve' })).toMatchObject({ allowed: true, until })
    await world.clock.moveTo(until)
    expect((await world.inbox.access.read(ACCOUNT, { user: 'eve' })).allowed).toBe(false)
  })

  it('ends by time alone, which is told once as a change of access', async () => {
    const world = await createWorld(await open())
    const changes: string[] = []
    world.inbox.handlers.on(
      'access_changed',
      ({ fact }) => void changes.push(`${fact.detail.from.allowed} to ${fact.detail.to.allowed}`),
    )
    await paid(world)
    const { until } = await world.inbox.access.read(ACCOUNT, ask)
    expect(until).toBe(START + 32 * DAY)
    await world.clock.moveTo(instant(START + 32 * DAY - 1))
    await world.inbox.settle()
    expect(changes).toEqual(['false to true'])
    await world.clock.moveBy(1)
    expect((await world.inbox.access.read(ACCOUNT, ask)).allowed).toBe(false)
    await world.inbox.settle()
    await world.inbox.settle()
    expect(changes).toEqual(['false to true', 'true to false'])
  })

  it('is answered for the past from what had happened by then', async () => {
    const world = await createWorld(await open())
    await paid(world)
    await world.clock.moveBy(20 * DAY)
    await world.send(deleted({}, START + 10 * DAY))
    await world.inbox.settle()
    const at = async (days: number): Promise<boolean> =>
      (await world.inbox.access.read(ACCOUNT, ask, { at: instant(START + days * DAY) })).allowed
    expect([await at(-1), await at(5), await at(15)]).toEqual([false, true, false])
    expect((await world.inbox.access.read(ACCOUNT, ask)).allowed).toBe(false)
  })

  it('follows the policy: features, levels and leeway; a new version is told to whom it changes', async () => {
    const world = await createWorld(await open())
    const changes: (readonly string[])[] = []
    world.inbox.handlers.on('access_changed', ({ fact }) => void changes.push(fact.detail.to.features))
    await paid(world)
    expect((await world.inbox.access.read(ACCOUNT, ask, { feature: 'export' })).allowed).toBe(false)
    const version = await world.inbox.policies.write(ACCOUNT, {
      plans: { price_pro: { features: ['export'] } },
      default: { leeway: 'P5D' },
    })
    expect(version.version).toBe(1)
    const answer = await world.inbox.access.read(ACCOUNT, ask, { feature: 'export' })
    expect(answer).toMatchObject({ allowed: true, features: ['export'], until: START + 36 * DAY })
    await world.inbox.settle()
    expect(changes).toEqual([[], ['export']])
    await expect(world.inbox.policies.write(ACCOUNT, { nonsense: 1 })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    expect((await world.inbox.policies.versions(ACCOUNT)).map((each) => each.version)).toEqual([1])
  })

  it('keeps accounts apart', async () => {
    const world = await createWorld(await open())
    await paid(world)
    await expect(world.inbox.access.read('another', ask)).rejects.toMatchObject({ code: 'unknown_source' })
    expect(await world.inbox.store.ledger.facts({ account: 'another', limit: 10 })).toEqual([])
    expect(await world.inbox.sources.find('another', SOURCE)).toBeNull()
  })
})

describeOnBackends('The watchdog', (open) => {
  it('marks a subject of which something expected did not come, and clears it when it comes', async () => {
    const world = await createWorld(await open())
    await paid(world)
    await world.clock.moveBy(31 * DAY)
    await world.inbox.settle()
    expect(world.lines.filter(({ message }) => message.includes('did not come'))).toEqual([])
    await world.clock.moveBy(2 * DAY)
    await world.inbox.settle()
    expect(world.lines.filter(({ message }) => message.includes('did not come')).length).toBe(1)
    const stale = await world.inbox.access.read(ACCOUNT, ask)
    expect(stale.sure).toBe(false)
    expect(stale.why.at(-1)?.words).toContain('renewal of sub_1 was expected')
    await world.inbox.settle()
    expect(world.counts.get('billhook_inbox_stale_total')).toBe(1)
    const next = { from: START + 31 * DAY }
    await world.send(updated(next, { current_period_start: START / 1000 }, START + 31 * DAY))
    await world.send(event('invoice.paid', invoice({ id: 'in_2', ...next }), { at: START + 31 * DAY }))
    await world.inbox.settle()
    expect(await world.inbox.access.read(ACCOUNT, ask)).toMatchObject({ allowed: true, sure: true })
  })

  it('fetches where somebody can, joins what is found, and alerts nobody', async () => {
    const asked: string[] = []
    const world = await createWorld(await open(), {
      ports: {
        fetcher: async ({ object, id, dialect }) => {
          asked.push(`${object} ${id}`)
          const from = START + 31 * DAY
          const notification = (type: string, about: Parameters<typeof event>[1]) => ({
            id: null,
            type,
            createdAt: instant(START + 33 * DAY),
            account: null,
            body: event(type, about, { at: START + 33 * DAY }),
          })
          return [
            ...dialect.decode(notification('customer.subscription.updated', subscription({ from }))).observations,
            ...dialect.decode(notification('invoice.paid', invoice({ id: 'in_2', from }))).observations,
          ]
        },
      },
    })
    await paid(world)
    await world.clock.moveBy(33 * DAY)
    await world.inbox.settle()
    expect(asked).toEqual(['subscription sub_1'])
    expect(await world.inbox.access.read(ACCOUNT, ask)).toMatchObject({ allowed: true, sure: true })
    expect(await factsOf(world)).toContain('subscription_renewed')
    expect(world.lines.filter(({ message }) => message.includes('did not come'))).toEqual([])
  })

  it('marks the subject when fetching fails', async () => {
    const world = await createWorld(await open(), {
      ports: { fetcher: () => Promise.reject(new Error('provider down')) },
    })
    await paid(world)
    await world.clock.moveBy(33 * DAY)
    await world.inbox.settle()
    expect(world.lines.some(({ message }) => message.includes('could not be fetched'))).toBe(true)
    expect((await world.inbox.access.read(ACCOUNT, ask)).sure).toBe(false)
  })
})
