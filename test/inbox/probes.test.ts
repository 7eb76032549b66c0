/** The probe table that other receivers were measured with: the same deliveries, the answer that is wanted. */
import { expect, it } from 'vitest'
import type { JsonObject } from '../../src/model/json.ts'
import { describeOnBackends } from '../support/backends.ts'
import {
  ACCOUNT,
  created,
  createWorld,
  DAY,
  deleted,
  event,
  seal,
  SOURCE,
  START,
  subscription,
  updated,
} from './world.ts'
import type { World } from './world.ts'

async function statusOf(world: World, id = 'sub_1'): Promise<string | undefined> {
  const customer = id.replace('sub', 'cus')
  const answer = await world.inbox.access.read(ACCOUNT, { source: SOURCE, customer })
  return answer.subscriptions.find((each) => each.subscription === id)?.status
}

async function tell(world: World, events: readonly JsonObject[]): Promise<void> {
  for (const each of events) {
    await world.send(each)
    await world.inbox.settle()
  }
}

/** Every order of a list. */
function ordersOf<T>(list: readonly T[]): readonly (readonly T[])[] {
  if (list.length < 2) return [list]
  return list.flatMap((first, index) => ordersOf(list.toSpliced(index, 1)).map((rest) => [first, ...rest]))
}

function pick<T>(list: readonly T[], order: readonly number[]): readonly T[] {
  return order.flatMap((index) => list[index] ?? [])
}

describeOnBackends('A receiver', (open) => {
  it('ends active after created(incomplete) and updated(active) of the same second, in either order', async () => {
    const world = await createWorld(await open())
    for (const [index, order] of ordersOf([0, 1]).entries()) {
      const about = { id: `sub_${index}`, customer: `cus_${index}` }
      const told = [
        created({ ...about, status: 'incomplete' }),
        updated({ ...about, status: 'active' }, { status: 'incomplete' }, START),
      ]
      await tell(world, pick(told, order))
      expect(await statusOf(world, about.id)).toBe('active')
    }
  })

  it('ends canceled after updated(past_due) and deleted of the same second, in either order', async () => {
    const world = await createWorld(await open())
    await world.clock.moveBy(2 * DAY)
    const at = START + DAY
    for (const [index, order] of ordersOf([0, 1, 2]).entries()) {
      const about = { id: `sub_${index}`, customer: `cus_${index}` }
      const told = [
        created(about),
        updated({ ...about, status: 'past_due' }, { status: 'active' }, at),
        deleted(about, at),
      ]
      await tell(world, pick(told, order))
      expect(await statusOf(world, about.id)).toBe('canceled')
    }
  })

  it('does not let an older event overwrite a newer one', async () => {
    const world = await createWorld(await open())
    await world.clock.moveBy(2 * DAY)
    await tell(world, [
      updated({ status: 'past_due' }, { status: 'active' }, START + DAY),
      updated({ status: 'active' }, { status: 'incomplete' }, START + 1000),
      created({ status: 'incomplete' }),
    ])
    expect(await statusOf(world)).toBe('past_due')
  })

  it('gives no access back when an older updated(active) comes after deleted', async () => {
    const world = await createWorld(await open())
    await world.clock.moveBy(2 * DAY)
    await tell(world, [
      created(),
      deleted({}, START + DAY),
      updated({ status: 'active' }, { status: 'past_due' }, START + 1000),
    ])
    expect((await world.inbox.access.read(ACCOUNT, { source: SOURCE, customer: 'cus_1' })).allowed).toBe(false)
  })

  it('keeps an item that a late older event does not know yet', async () => {
    const world = await createWorld(await open())
    const item = (id: string): JsonObject => ({
      id,
      object: 'subscription_item',
      quantity: 1,
      plan: null,
      price: {
        id: `price_${id}`,
        object: 'price',
        currency: 'usd',
        product: `prod_${id}`,
        unit_amount: 100,
        type: 'recurring',
      },
    })
    const two = { items: { object: 'list', data: [item('si_1'), item('si_2')] } }
    const one = { items: { object: 'list', data: [item('si_1')] } }
    await tell(world, [
      updated({ more: two }, one, START + 1000),
      event('customer.subscription.created', subscription({ more: one }), { at: START }),
    ])
    const [known] = await world.inbox.store.ledger.objects({ account: ACCOUNT, kind: 'subscription', limit: 5 })
    expect(known?.data).toContain('si_2')
  })

  it('takes invoice.upcoming, which has no id, and unknown types', async () => {
    const world = await createWorld(await open())
    const upcoming = {
      object: 'invoice',
      customer: 'cus_1',
      subscription: 'sub_1',
      amount_due: 2000,
      currency: 'usd',
      lines: { object: 'list', data: [] },
    }
    expect((await world.send(event('invoice.upcoming', upcoming))).status).toBe(200)
    expect((await world.send(event('some.new.type', { id: 'x', object: 'x' }))).status).toBe(200)
    await world.inbox.settle()
    expect(await world.inbox.store.received.listReceived({ account: ACCOUNT, state: 'dead', limit: 5 })).toEqual([])
  })

  it('tells a callback once when the same event comes twice', async () => {
    const world = await createWorld(await open())
    let calls = 0
    world.inbox.handlers.on('subscription_created', () => void (calls += 1))
    await tell(world, [created(), created(), created()])
    expect(calls).toBe(1)
  })

  it('loses nothing and blocks nobody when a callback throws', async () => {
    const world = await createWorld(await open(), { inbox: { react: { jitter: 0, backOffMs: [1_000] } } })
    let calls = 0
    world.inbox.handlers.on('subscription_created', () => {
      calls += 1
      if (calls === 1) throw new Error('database of the app is down')
    })
    expect((await world.send(created())).status).toBe(200)
    await world.inbox.settle()
    await world.clock.moveBy(1_000)
    await world.inbox.settle()
    expect(calls).toBe(2)
  })

  it('refuses what was tampered with and what is an hour old, and takes two signatures', async () => {
    const world = await createWorld(await open())
    const now = world.clock.now()
    const good = seal(created(), now)
    const signature = String(good.headers['stripe-signature'] ?? good.headers['Stripe-Signature'])
    const [stamp = '', own = ''] = signature.split(',')
    const headers = { 'stripe-signature': `${stamp},v1=${'0'.repeat(64)},${own}` }
    expect(
      (await world.sendSealed({ headers: good.headers, body: Buffer.concat([good.body, Buffer.from(' ')]) })).status,
    ).toBe(400)
    expect((await world.sendSealed({ headers, body: good.body })).status).toBe(200)
    await world.clock.moveBy(3_600_000)
    expect(await world.sendSealed(good)).toMatchObject({ status: 400, error: { reason: 'timestamp_too_old' } })
  })
})
