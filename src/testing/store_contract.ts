/**
 * What every store of the receiving end must do, as plain checks that any test runner can run against any backend: each
 * throws an `AssertionError` that names what was broken.
 */
import assert from 'node:assert/strict'
import { addMs, instant } from '../model/instant.ts'
import type { InboxStore } from '../ports/inbox_store.ts'
import type { FactRow, LedgerChange } from '../ports/ledger_store.ts'
import type { ReactionRow } from '../ports/reaction_store.ts'
import type { ReceivedWithRaw } from '../ports/received_store.ts'
import type { StoredSource } from '../ports/source_store.ts'

/** One promise of the store. */
export interface StorePromise {
  /** The sentence that must be true. */
  readonly name: string
  /** @param store empty, and nobody else's */
  check(store: InboxStore): Promise<void>
}

const AT = instant(1_790_000_000_000)
const OF = { account: 'acme', source: 'main' } as const
const SOURCE: StoredSource = {
  account: OF.account,
  name: OF.source,
  dialect: 'standard',
  secrets: [{ id: 's1', locked: 'box', from: null, until: addMs(AT, 5) }],
  settings: { settleMs: 1 },
  createdAt: AT,
}

function delivery(id: string, more: Partial<ReceivedWithRaw> = {}): ReceivedWithRaw {
  return {
    ...OF,
    id,
    receivedAt: AT,
    size: 3,
    sha256: 'aa',
    verdict: 'ok',
    detail: null,
    dedupe: `event ${id}`,
    eventId: `event ${id}`,
    eventType: 'x.y',
    sentAt: null,
    state: 'received',
    reason: null,
    foldedAt: null,
    reactedAt: null,
    deadAt: null,
    headers: { one: 'a', many: ['b', 'c'] },
    body: new Uint8Array([0, 255, 10]),
    ...more,
  }
}

function reaction(id: string, subject: string, more: Partial<ReactionRow> = {}): ReactionRow {
  return {
    ...OF,
    id,
    subject,
    factKey: `fact ${id}`,
    kind: 'invoice_paid',
    data: '{}',
    delivery: 'd1',
    state: 'waiting',
    dueAt: AT,
    attempts: 0,
    done: [],
    error: null,
    createdAt: AT,
    finishedAt: null,
    ...more,
  }
}

const NOTHING: LedgerChange = { observations: [], objects: [], facts: [], access: [], groups: [] }

function ids(rows: readonly { readonly id: string }[]): readonly string[] {
  return rows.map(({ id }) => id)
}

/** The promises, in the order of the parts of the store. */
export const STORE_PROMISES: readonly StorePromise[] = [
  {
    name: 'a source is kept as it was given, once under its name',
    async check({ sources }) {
      assert.equal(await sources.createSource(SOURCE), true)
      assert.equal(await sources.createSource({ ...SOURCE, dialect: 'other' }), false)
      assert.deepEqual(await sources.source(OF.account, OF.source), SOURCE)
      assert.equal(await sources.source('another', OF.source), null)
      assert.equal(await sources.updateSource({ ...SOURCE, settings: {} }), true)
      assert.deepEqual((await sources.sources(OF.account))[0]?.settings, {})
      assert.equal(await sources.deleteSource(OF.account, OF.source), true)
      assert.equal(await sources.updateSource(SOURCE), false)
    },
  },
  {
    name: 'deliveries come back with their exact bytes and headers, and are listed newest first',
    async check({ received }) {
      const all = [delivery('01'), delivery('02', { source: 'other' }), delivery('03', { eventId: 'nul\0inside' })]
      await received.add(all)
      const raw = await received.raw(OF.account, '01')
      assert.deepEqual(raw, { headers: { one: 'a', many: ['b', 'c'] }, body: new Uint8Array([0, 255, 10]) })
      assert.deepEqual(ids(await received.listReceived({ account: OF.account, limit: 2 })), ['03', '02'])
      const page = { account: OF.account, limit: 2, after: '02' }
      assert.deepEqual(ids(await received.listReceived(page)), ['01'])
      assert.deepEqual(ids(await received.listReceived({ ...page, after: undefined, eventId: 'event 02' })), ['02'])
      assert.equal(await received.received('another', '01'), null)
    },
  },
  {
    name: 'of deliveries added together all are kept or none',
    async check({ received }) {
      await received.add([delivery('01')])
      await assert.rejects(received.add([delivery('02'), delivery('01')]))
      assert.deepEqual(ids(await received.listReceived({ account: OF.account, limit: 9 })), ['01'])
    },
  },
  {
    name: 'an event belongs to the delivery that claimed it first',
    async check(store) {
      const event = { ...OF, dedupe: 'e', delivery: 'first', sha256: 'aa' }
      const claim = async (own: string) =>
        store.transaction((transaction) => store.received.claimEvents(transaction, [{ ...event, delivery: own }], AT))
      assert.equal((await claim('first'))[0]?.delivery, 'first')
      assert.equal((await claim('second'))[0]?.delivery, 'first')
      await assert.rejects(
        store.transaction(async (transaction) => {
          await store.received.claimEvents(transaction, [{ ...event, dedupe: 'f' }], AT)
          throw new Error('rolled back')
        }),
      )
      const other = { ...event, dedupe: 'f', delivery: 'third' }
      const [owner] = await store.transaction((transaction) => store.received.claimEvents(transaction, [other], AT))
      assert.equal(owner?.delivery, 'third')
    },
  },
  {
    name: 'what waits to be folded is claimed oldest first, until it is folded',
    async check(store) {
      await store.received.add([
        delivery('02'),
        delivery('01'),
        delivery('03', { state: 'refused', verdict: 'body_empty' }),
      ])
      const claimed = await store.transaction(async (transaction) => {
        const rows = await store.received.claimReceived(transaction, 9)
        const raws = await store.received.raws(transaction, rows)
        assert.deepEqual([...raws.keys()].sort(), ['01', '02'])
        assert.deepEqual(raws.get('01')?.body, new Uint8Array([0, 255, 10]))
        const change = { account: OF.account, state: 'reacted', reason: 'because', at: AT } as const
        await store.received.change(transaction, [{ ...change, id: '01' }])
        return ids(rows)
      })
      assert.deepEqual(claimed, ['01', '02'])
      assert.equal(await store.received.backlog(), 1)
      const done = await store.received.received(OF.account, '01')
      assert.deepEqual([done?.state, done?.reason, done?.foldedAt, done?.reactedAt], ['reacted', 'because', AT, AT])
    },
  },
  {
    name: 'facts are listed newest first, by customer too, and one key is one fact',
    async check(store) {
      await store.sources.createSource(SOURCE)
      const groups = await store.transaction((transaction) =>
        store.ledger.unite(transaction, OF, [['customer:c1', 'subscription:s1']], () => 'g1'),
      )
      const fact = (key: string, at: number): FactRow => ({
        key,
        group: 'g1',
        kind: 'invoice_paid',
        at: addMs(AT, at),
        customer: 'c1',
        subscription: 's1',
        data: '{}',
        delivery: 'd1',
        toldAt: AT,
        retractedAt: null,
      })
      const save = async (facts: readonly FactRow[]) =>
        store.transaction((transaction) => store.ledger.saveLedger(transaction, OF, { ...NOTHING, groups, facts }))
      await save([fact('a', 1), fact('b', 2)])
      await save([{ ...fact('a', 1), data: '{"x":1}', retractedAt: AT }])
      const keys = async (query: object) =>
        (await store.ledger.facts({ account: OF.account, limit: 9, ...query })).map(({ key }) => key)
      assert.deepEqual(await keys({}), ['b', 'a'])
      assert.deepEqual(await keys({ customer: 'c1', retracted: false }), ['b'])
      assert.deepEqual(await keys({ customer: 'c2' }), [])
      assert.equal((await store.ledger.fact(OF, 'a'))?.data, '{"x":1}')
    },
  },
  {
    name: 'reactions of one subject are leased one after another, those of others beside them, each by one process',
    async check(store) {
      await store.transaction((transaction) =>
        store.reactions.addReactions(transaction, [
          reaction('1', 'x'),
          reaction('2', 'x'),
          reaction('3', 'y'),
          reaction('4', 'z', { dueAt: addMs(AT, 1) }),
        ]),
      )
      const lease = async (name: string, at = AT) =>
        store.reactions.leaseReactions({ at, until: addMs(at, 100), lease: name, limit: 9, settling: false })
      const first = await lease('a')
      assert.deepEqual(ids(first), ['1', '3'])
      assert.deepEqual(ids(await lease('b')), [])
      const [one] = first
      assert.ok(one)
      const end = { state: 'done', dueAt: AT, error: null, finishedAt: AT } as const
      const finish = async () =>
        store.transaction((transaction) => store.reactions.finishReaction(transaction, one, end))
      assert.equal(await finish(), true)
      assert.equal(await finish(), false)
      assert.deepEqual(ids(await lease('c')), ['2'])
      assert.deepEqual(ids(await lease('d', addMs(AT, 200))).toSorted(), ['2', '3', '4'])
    },
  },
  {
    name: 'links, holds and policies are kept for their account alone',
    async check({ access }) {
      const link = {
        account: OF.account,
        user: 'u',
        source: 'main',
        customer: 'c',
        origin: 'app',
        createdAt: AT,
      } as const
      assert.equal(await access.addLinks(null, [link]), 1)
      assert.equal(await access.addLinks(null, [link]), 0)
      assert.deepEqual(await access.linksOfUser(OF.account, 'u'), [link])
      assert.deepEqual(await access.linksOfCustomer(OF.account, 'main', 'c'), [link])
      assert.deepEqual(await access.linksOfUser('another', 'u'), [])
      await access.addHold({ account: OF.account, id: 'h', user: 'u', data: '{}', removedAt: null })
      assert.equal(await access.removeHold('another', 'h', AT), false)
      assert.equal(await access.removeHold(OF.account, 'h', AT), true)
      assert.equal((await access.holds(OF.account, 'u'))[0]?.removedAt, AT)
      const policy = { account: OF.account, version: 1, data: '{}', createdAt: AT }
      assert.equal(await access.addPolicy(policy), true)
      assert.equal(await access.addPolicy(policy), false)
      assert.deepEqual(await access.policy(OF.account), policy)
    },
  },
]
