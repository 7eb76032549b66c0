import { expect, it } from 'vitest'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { stripeAcacia } from '../../src/dialects/stripe/index.ts'
import { describeOnBackends } from '../support/backends.ts'
import {
  ACCOUNT,
  created,
  createWorld,
  DAY,
  event,
  factsOf,
  invoice,
  ledgerText,
  SOURCE,
  START,
  updated,
} from './world.ts'
import type { World } from './world.ts'

const ask = { source: SOURCE, customer: 'cus_1' }

/** A dialect whose decoder, while `broken`, takes every failed payment for none. */
function correctable(): { readonly dialect: Dialect; readonly mend: () => void } {
  let broken = true
  const dialect: Dialect = {
    ...stripeAcacia,
    decode(notification) {
      const decoded = stripeAcacia.decode(notification)
      if (!broken) return decoded
      const observations = decoded.observations.map((each) =>
        each.kind === 'snapshot' && each.object === 'subscription' && each.value.status === 'past_due'
          ? { ...each, value: { ...each.value, status: 'active' as const } }
          : each,
      )
      return { ...decoded, observations }
    },
  }
  return { dialect, mend: () => (broken = false) }
}

async function story(world: World): Promise<void> {
  await world.clock.moveBy(40 * DAY)
  await world.send(created())
  await world.send(event('invoice.paid', invoice(), { at: START + 1000 }))
  await world.send(updated({ status: 'past_due' }, { status: 'active' }, START + 31 * DAY))
  await world.inbox.settle()
}

describeOnBackends('A re-fold', (open) => {
  it('finds no difference where nothing was corrected, and changes nothing when it is adopted', async () => {
    const world = await createWorld(await open())
    await story(world)
    const before = await ledgerText(world)
    const report = await world.inbox.refold.shadow(ACCOUNT, SOURCE)
    expect(report).toMatchObject({
      deliveries: 3,
      unreadable: [],
      counts: { added: 0, retracted: 0, changed: 0, access: 0 },
    })
    await world.inbox.refold.adopt(ACCOUNT, SOURCE)
    await world.inbox.settle()
    expect(await ledgerText(world)).toBe(before)
    expect(await world.database.all(`SELECT source FROM fact WHERE source <> 'main'`)).toEqual([])
  })

  it('shows what a correction would change while the old stays in force, and changes it when it is adopted', async () => {
    const { dialect, mend } = correctable()
    const world = await createWorld(await open(), { ports: { dialect: () => dialect } })
    const changes: string[] = []
    world.inbox.handlers.on('access_changed', ({ fact }) => void changes.push(fact.detail.to.level))
    await world.inbox.policies.write(ACCOUNT, { default: { levels: { past_due: 'limited' } } })
    await story(world)
    expect(await factsOf(world)).not.toContain('subscription_past_due')
    mend()
    const report = await world.inbox.refold.shadow(ACCOUNT, SOURCE)
    expect(report.counts.added).toBeGreaterThan(0)
    expect(report.facts.map(({ kind, change }) => `${change} ${kind}`)).toContain('added subscription_past_due')
    expect(report.access.map(({ customer }) => customer)).toEqual(['cus_1'])
    expect(await factsOf(world)).not.toContain('subscription_past_due')
    await world.send(event('invoice.paid', invoice({ id: 'in_late', customer: 'cus_1' }), { at: START + 2000 }))
    await world.inbox.settle()
    await world.inbox.refold.adopt(ACCOUNT, SOURCE)
    await world.inbox.settle()
    expect(await factsOf(world)).toContain('subscription_past_due')
    expect((await world.inbox.access.read(ACCOUNT, ask)).level).toBe('limited')
    expect(changes.at(-1)).toBe('limited')
    const invoices = await world.inbox.store.ledger.objects({ account: ACCOUNT, kind: 'invoice', limit: 10 })
    expect(invoices.map(({ id, source }) => `${source} ${id}`)).toEqual(['main in_1', 'main in_late'])
  })

  it('goes on folding afterwards, and is refused without a shadow', async () => {
    const world = await createWorld(await open())
    await story(world)
    await expect(world.inbox.refold.adopt(ACCOUNT, SOURCE)).rejects.toMatchObject({ code: 'conflict' })
    await world.inbox.refold.shadow(ACCOUNT, SOURCE)
    await world.inbox.refold.adopt(ACCOUNT, SOURCE)
    await world.send(updated({ status: 'active' }, { status: 'past_due' }, START + 32 * DAY))
    await world.inbox.settle()
    expect(await factsOf(world)).toContain('subscription_activated')
    await world.inbox.refold.shadow(ACCOUNT, SOURCE)
    await world.inbox.refold.discard(ACCOUNT, SOURCE)
    expect(await world.database.all(`SELECT source FROM observation WHERE source <> 'main'`)).toEqual([])
  })
})
