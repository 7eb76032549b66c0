import { expect, it } from 'vitest'
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
  ledgerText,
  seal,
  SOURCE,
  START,
  subscription,
  updated,
} from './world.ts'

const ask = { source: SOURCE, customer: 'cus_1' }

describeOnBackends('Processing', (open) => {
  it('turns deliveries into facts and an access answer', async () => {
    const world = await createWorld(await open())
    await world.send(created())
    await world.send(event('invoice.paid', invoice(), { at: START + 1000 }))
    await world.inbox.settle()
    expect(await factsOf(world)).toContain('subscription_created')
    expect(await factsOf(world)).toContain('invoice_paid')
    const answer = await world.inbox.access.read(ACCOUNT, ask)
    expect(answer).toMatchObject({ allowed: true, plan: 'price_pro', sure: true, paidThrough: START + 31 * DAY })
  })

  it('folds an event once, however often it comes', async () => {
    const world = await createWorld(await open())
    const sealed = seal(created(), world.clock.now())
    await Promise.all(Array.from({ length: 20 }, () => world.sendSealed(sealed)))
    await world.inbox.settle()
    await world.sendSealed(sealed)
    await world.inbox.settle()
    expect((await factsOf(world)).filter((kind) => kind === 'subscription_created').length).toBe(1)
    const stored = await world.inbox.store.received.listReceived({ account: ACCOUNT, limit: 100 })
    expect(stored.length).toBe(21)
    expect(stored.filter(({ reason }) => reason?.startsWith('a repetition of') === true).length).toBe(20)
    expect((await world.database.first('SELECT COUNT(*) AS n FROM received_event'))?.['n']).toBe(1)
  })

  it('keeps both and alarms when an event comes again with other bytes, and folds the first', async () => {
    const world = await createWorld(await open())
    await world.send(event('customer.subscription.created', subscription({ status: 'active' }), { id: 'evt_same' }))
    await world.inbox.settle()
    await world.send(event('customer.subscription.created', subscription({ status: 'canceled' }), { id: 'evt_same' }))
    await world.inbox.settle()
    expect((await world.inbox.access.read(ACCOUNT, ask)).allowed).toBe(true)
    expect(world.counts.get('billhook_inbox_altered_events_total')).toBe(1)
    expect(world.lines.some(({ level, message }) => level === 'error' && message.includes('other bytes'))).toBe(true)
  })

  it('reaches the same registers and facts in any order', async () => {
    const story = [
      created({ status: 'incomplete' }),
      updated({ status: 'active' }, { status: 'incomplete' }, START),
      event('invoice.paid', invoice(), { at: START }),
      updated({ status: 'past_due' }, { status: 'active' }, START + 31 * DAY),
      updated({ status: 'active' }, { status: 'past_due' }, START + 32 * DAY),
      deleted({}, START + 40 * DAY),
    ]
    const texts: string[] = []
    for (const order of [story, [...story].reverse(), [3, 0, 5, 1, 4, 2].map((index) => story[index] ?? {})]) {
      const world = await createWorld(await open())
      await world.clock.moveBy(41 * DAY)
      for (const told of order) {
        await world.send(told)
        await world.inbox.settle()
      }
      texts.push(await ledgerText(world))
      expect((await world.inbox.access.read(ACCOUNT, ask)).allowed).toBe(false)
    }
    expect(texts[1]).toBe(texts[0])
    expect(texts[2]).toBe(texts[0])
  })

  it('does not lose, mix up or take back anything when fifty subjects are told six versions each at once', async () => {
    const world = await createWorld(await open())
    const told = Array.from({ length: 50 }, (_, index) => {
      const about = { id: `sub_${index}`, customer: `cus_${index}` }
      return [
        created({ ...about, status: 'incomplete' }),
        updated({ ...about, status: 'active' }, { status: 'incomplete' }, START),
        ...[1, 2, 3, 4].map((month) =>
          updated(
            { ...about, from: START + month * 30 * DAY },
            { current_period_start: START / 1000 + (month - 1) * 30 * 86_400 },
            START + month * 30 * DAY,
          ),
        ),
      ]
    })
    const shuffled = told
      .flat()
      .sort((a, b) => ((JSON.stringify(a).length * 7919) % 101) - ((JSON.stringify(b).length * 7919) % 101))
    const folding = [0, 1].map(async () => {
      for (let turn = 0; turn < 40; turn += 1) {
        await world.inbox.processor.foldBatch()
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    expect((await Promise.all(shuffled.map((each) => world.send(each)))).every(({ status }) => status === 200)).toBe(
      true,
    )
    await Promise.all(folding)
    await world.inbox.settle()
    for (let index = 0; index < 50; index += 1) {
      const customer = `cus_${index}`
      expect((await world.inbox.access.read(ACCOUNT, { source: SOURCE, customer })).allowed).toBe(true)
      expect((await factsOf(world, customer)).filter((kind) => kind === 'subscription_created').length).toBe(1)
    }
    const objects = await world.inbox.store.ledger.objects({ account: ACCOUNT, kind: 'subscription', limit: 100 })
    expect(objects.length).toBe(50)
    expect(objects.every(({ data }) => data.includes('si_sub_'))).toBe(true)
  })

  it('unites subjects when a late delivery links them', async () => {
    const world = await createWorld(await open())
    await world.send(event('invoice.paid', invoice({ subscription: 'sub_1' }), { at: START }))
    await world.send(created({ id: 'sub_2' }))
    await world.send(created({ id: 'sub_3', customer: 'cus_3' }))
    await world.inbox.settle()
    const before = await world.inbox.store.ledger.groupIds({ account: ACCOUNT, source: SOURCE }, '', 10)
    expect(before.length).toBe(2)
    await world.send(
      event('invoice.paid', invoice({ id: 'in_9', subscription: 'sub_3', customer: 'cus_1' }), { at: START + 1 }),
    )
    await world.inbox.settle()
    expect((await world.inbox.store.ledger.groupIds({ account: ACCOUNT, source: SOURCE }, '', 10)).length).toBe(1)
    expect((await world.database.all('SELECT DISTINCT subject_group FROM observation')).length).toBe(1)
  })

  it('goes on after a restart with what was stored and not folded', async () => {
    const database = await open()
    const first = await createWorld(database)
    await first.send(created())
    expect(await factsOf(first)).toEqual([])
    const second = await createWorld(database, { again: true })
    expect(await second.inbox.processor.drain()).toBe(1)
    expect(await factsOf(second)).toContain('subscription_created')
  })

  it('leaves nothing of a fold that fails on the way, and does it whole the next time', async () => {
    const world = await createWorld(await open())
    await world.send(created())
    const { ledger } = world.inbox.store
    const save = ledger.saveLedger.bind(ledger)
    ledger.saveLedger = async (...args) => {
      await save(...args)
      throw Object.assign(new Error('gone'), { name: 'BillhookError', code: 'store_unavailable', status: 503 })
    }
    await expect(world.inbox.processor.foldBatch()).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await factsOf(world)).toEqual([])
    expect(await world.database.all('SELECT dedupe FROM received_event')).toEqual([])
    ledger.saveLedger = save
    await world.inbox.settle()
    expect(await factsOf(world)).toContain('subscription_created')
  })

  it('sets aside a delivery that cannot be folded, and folds the others', async () => {
    const world = await createWorld(await open())
    await world.send(created({ id: 'sub_1', customer: 'cus_1' }))
    await world.send(created({ id: 'sub_bad', customer: 'cus_bad' }))
    await world.send(created({ id: 'sub_3', customer: 'cus_3' }))
    const { ledger } = world.inbox.store
    const save = ledger.saveLedger.bind(ledger)
    ledger.saveLedger = async (transaction, of, change) => {
      if (change.objects.some(({ id }) => id === 'sub_bad')) throw new Error('a defect')
      return save(transaction, of, change)
    }
    await world.inbox.settle()
    expect(await factsOf(world, 'cus_1')).toContain('subscription_created')
    expect(await factsOf(world, 'cus_3')).toContain('subscription_created')
    const [dead] = await world.inbox.store.received.listReceived({ account: ACCOUNT, state: 'dead', limit: 10 })
    expect(dead?.reason).toContain('a defect')
    ledger.saveLedger = save
    expect(await world.inbox.replay.delivery(ACCOUNT, dead?.id ?? '')).toMatchObject({ refolded: true })
    await world.inbox.settle()
    expect(await factsOf(world, 'cus_bad')).toContain('subscription_created')
  })

  it('links the users that the provider’s data names', async () => {
    const world = await createWorld(await open())
    await world.send(created())
    await world.send(
      event('checkout.session.completed', {
        id: 'cs_1',
        object: 'checkout.session',
        client_reference_id: 'user-7',
        customer: 'cus_1',
        subscription: 'sub_1',
        mode: 'subscription',
        status: 'complete',
        payment_status: 'paid',
        created: START / 1000,
        metadata: {},
      }),
    )
    await world.inbox.settle()
    expect((await world.inbox.access.links(ACCOUNT, 'user-7')).map(({ customer }) => customer)).toEqual(['cus_1'])
    expect((await world.inbox.access.read(ACCOUNT, { user: 'user-7' })).allowed).toBe(true)
  })
})
