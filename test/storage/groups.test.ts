import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createIdSource } from '../../src/inbox/receipt_ids.ts'
import { instant } from '../../src/model/instant.ts'
import { createSystemRandom } from '../../src/runtime/system_random.ts'
import { createInboxStore } from '../../src/storage/inbox_store.ts'
import { describeOnBackends } from '../support/backends.ts'

const OF = { account: 'a', source: 's' }

describeOnBackends('Groups', (open, backend) => {
  it('are the connected components of what was linked, whatever came first', async () => {
    const database = await open()
    const store = createInboxStore(database)
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 3 }), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.integer({ min: 1, max: 3 }),
        async (links, batch) => {
          const of = { account: 'a', source: `s${(run += 1)}` }
          let id = 0
          const lists = links.map((link) => link.map((each) => `customer:${each}`))
          for (let from = 0; from < lists.length; from += batch) {
            await store.transaction(async (transaction) => {
              const part = lists.slice(from, from + batch)
              const groups = await store.ledger.unite(
                transaction,
                of,
                part,
                () => `g${String((id += 1)).padStart(4, '0')}`,
              )
              expect(groups.length).toBe(part.length)
              const nothing = { observations: [], objects: [], facts: [], access: [] }
              const unique = [...new Map(groups.map((group) => [group.id, group])).values()]
              await store.ledger.saveLedger(transaction, of, { ...nothing, groups: unique })
            })
          }
          const all = [...new Set(lists.flat())]
          const found = await store.ledger.groupsOf(null, of, all)
          expect(found.length).toBe(all.length)
          const groupOf = new Map(found.map((each) => [each.reference, each.id]))
          for (const a of all)
            for (const b of all) {
              expect(groupOf.get(a) === groupOf.get(b)).toBe(connected(lists, a, b))
            }
          const ids = await store.ledger.groupIds(of, '', 100)
          expect(new Set(groupOf.values()).size).toBe(ids.length)
        },
      ),
      { numRuns: 20 },
    )
  })

  it('stay whole when several processes unite them at the same time', async () => {
    if (backend.backend === 'embedded') return
    const place = backend.place()
    const stores = (await Promise.all([open(place), open(place), open(place)])).map(createInboxStore)
    const newId = createIdSource(createSystemRandom())
    const work = Array.from({ length: 60 }, (_, index) => [
      `customer:${index % 20}`,
      `customer:${(index * 7 + 1) % 20}`,
      `invoice:${index}`,
    ])
    await Promise.all(
      work.map(async (linked, index) => {
        const store = stores[index % 3] ?? createInboxStore(await open(place))
        await store.transaction(async (transaction) => {
          const [group] = await store.ledger.unite(transaction, OF, [linked], () => newId(instant(1_790_000_000_000)))
          if (group === undefined) throw new Error('no group')
          await store.ledger.saveLedger(transaction, OF, {
            observations: [{ delivery: `d${index}`, place: 0, group: group.id, data: '{}' }],
            objects: [],
            facts: [],
            access: [],
            groups: [{ ...group, version: group.version + 1, state: 'x' }],
          })
        })
      }),
    )
    const [store] = stores
    const all = [...new Set(work.flat())]
    const found = (await store?.ledger.groupsOf(null, OF, all)) ?? []
    expect(found.length).toBe(all.length)
    const groupOf = new Map(found.map((each) => [each.reference, each.id]))
    for (const linked of work) expect(new Set(linked.map((each) => groupOf.get(each))).size).toBe(1)
    const ids = (await store?.ledger.groupIds(OF, '', 100)) ?? []
    expect(new Set(groupOf.values())).toEqual(new Set(ids))
    const observations = (await store?.ledger.observationsOf(null, OF, ids)) ?? []
    expect(observations.length).toBe(60)
  })
})

function connected(lists: readonly (readonly string[])[], a: string, b: string): boolean {
  const seen = new Set([a])
  for (let size = -1; size !== seen.size;) {
    size = seen.size
    for (const list of lists) if (list.some((each) => seen.has(each))) for (const each of list) seen.add(each)
  }
  return seen.has(b)
}
