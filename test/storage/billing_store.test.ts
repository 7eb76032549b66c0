import { expect, it } from 'vitest'
import type { Meter } from '../../src/model/entities.ts'
import { instant } from '../../src/model/instant.ts'
import type { Account, AggregateChange } from '../../src/ports/billing_store.ts'
import { CATALOG } from '../../src/ports/billing_store.ts'
import { createBillingStore } from '../../src/storage/billing_store.ts'
import { describeOnBackends } from '../support/backends.ts'

const AT = instant(Date.UTC(2026, 0, 1))

const ACCOUNT: Account = {
  id: 'acct_1',
  name: 'One',
  dialect: 'standard',
  livemode: false,
  clock: null,
  seed: 'seed',
  profile: {},
  switches: {},
  ownerEmail: null,
  createdAt: AT,
}

const meter = (id: string, createdAt = AT): Meter => ({
  id,
  code: id,
  name: id,
  aggregation: 'sum',
  active: true,
  createdAt,
  updatedAt: createdAt,
})

const change = (customer: string, over: Partial<AggregateChange> = {}): AggregateChange => ({
  account: 'acct_1',
  customer,
  entities: [],
  removed: [],
  minted: 0,
  version: 0,
  dueAt: null,
  ...over,
})

describeOnBackends('the billing store', (open) => {
  it('keeps an account as it was given and refuses a second one of the same id', async () => {
    const database = await open()
    const store = createBillingStore(database)
    expect(await database.transaction((tx) => store.createAccount(tx, ACCOUNT))).toBe(true)
    expect(await database.transaction((tx) => store.createAccount(tx, { ...ACCOUNT, name: 'Two' }))).toBe(false)
    expect(await store.account(null, 'acct_1')).toEqual(ACCOUNT)
  })

  it('loads the live entities of an aggregate and keeps the others for reading', async () => {
    const database = await open()
    const store = createBillingStore(database)
    const [live, settled] = [meter('m_live'), meter('m_settled')]
    await database.transaction((tx) =>
      store.save(tx, [
        change(CATALOG, {
          entities: [
            { kind: 'meter', id: live.id, live: true, value: live },
            { kind: 'meter', id: settled.id, live: false, value: settled },
          ],
          minted: 2,
        }),
      ]),
    )
    const [aggregate] = await database.transaction((tx) => store.load(tx, 'acct_1', [CATALOG, 'nobody']))
    expect(aggregate?.entities.map(({ id }) => id)).toEqual(['m_live'])
    expect(aggregate).toMatchObject({ minted: 2, version: 1 })
    expect((await store.entity('acct_1', 'meter', 'm_settled'))?.value).toEqual(settled)
  })

  it('refuses to save over a change that it has not seen, and leaves everything as it was', async () => {
    const database = await open()
    const store = createBillingStore(database)
    await database.transaction((tx) => store.save(tx, [change('cus_1', { minted: 1 })]))
    const stale = database.transaction((tx) => store.save(tx, [change('cus_2'), change('cus_1', { minted: 9 })]))
    await expect(stale).rejects.toMatchObject({ code: 'conflict' })
    const loaded = await database.transaction((tx) => store.load(tx, 'acct_1', ['cus_1', 'cus_2']))
    expect(loaded.map(({ customer, minted }) => [customer, minted])).toEqual([['cus_1', 1]])
  })

  it('claims what is due in the order of time, then id', async () => {
    const database = await open()
    const store = createBillingStore(database)
    await database.transaction((tx) => store.createAccount(tx, ACCOUNT))
    await database.transaction((tx) =>
      store.save(tx, [
        change('cus_b', { dueAt: AT }),
        change('cus_a', { dueAt: AT }),
        change('cus_c', { dueAt: instant(AT - 1) }),
        change('cus_late', { dueAt: instant(AT + 1) }),
        change('cus_never'),
      ]),
    )
    expect(await store.nextDue('acct_1')).toBe(AT - 1)
    expect(await database.transaction((tx) => store.claimDue(tx, 'acct_1', AT, 10))).toEqual([
      'cus_c',
      'cus_a',
      'cus_b',
    ])
    expect(await store.accountsDue(AT)).toEqual(['acct_1'])
    expect(await store.accountsDue(instant(AT - 2))).toEqual([])
  })

  it('pages through entities, newest first, each once', async () => {
    const database = await open()
    const store = createBillingStore(database)
    const meters = Array.from({ length: 7 }, (_, n) => meter(`m_${n}`, instant(AT + Math.floor(n / 2))))
    await database.transaction((tx) =>
      store.save(tx, [
        change(CATALOG, { entities: meters.map((value) => ({ kind: 'meter', id: value.id, live: true, value })) }),
      ]),
    )
    const seen: string[] = []
    let after: string | null = null
    do {
      const page = await store.entities({ account: 'acct_1', kind: 'meter', customer: null, after, limit: 3 })
      seen.push(...page.entities.map(({ id }) => id))
      after = page.next
    } while (after !== null)
    expect(seen).toEqual(['m_6', 'm_5', 'm_4', 'm_3', 'm_2', 'm_1', 'm_0'])
  })

  it('asks for a charge until it is decided', async () => {
    const database = await open()
    const store = createBillingStore(database)
    const row = {
      account: 'acct_1',
      key: 'pay_1:1',
      kind: 'charge',
      customer: 'cus_1',
      payment: 'pay_1',
      refund: null,
      attempt: 1,
      state: 'wanted',
      dueAt: AT,
      tries: 0,
    } as const
    await database.transaction((tx) => store.putCharges(tx, [row]))
    expect(await store.chargesWanted(null, AT, 10)).toEqual([row])
    expect(await store.nextChargeDue('acct_1')).toBe(AT)
    await database.transaction((tx) => store.putCharges(tx, [{ ...row, state: 'decided', dueAt: null }]))
    expect(await store.chargesWanted(null, AT, 10)).toEqual([])
  })
})
