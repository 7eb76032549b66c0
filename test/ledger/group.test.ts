import { describe, expect, it } from 'vitest'
import { fold } from '../../src/ledger/fold.ts'
import { groupsOf, nodeKey, referencesOf } from '../../src/ledger/group.ts'
import { eur, happening, invoice, payment, plan, shuffles, snapshot, subscription } from './build.ts'

const names = (observation: Parameters<typeof referencesOf>[0]) => referencesOf(observation).map(nodeKey)

describe('groups', () => {
  it('are made by every id that an observation names', () => {
    expect(names(subscription('2026-01-01', { latestInvoice: 'in_1' }))).toEqual([
      'subscription:sub_1',
      'customer:cus_1',
      'invoice:in_1',
    ])
    expect(names(payment('2026-01-01', { alias: 'pi_1', invoice: { id: 'in_1' } }))).toEqual([
      'payment:pay_1',
      'payment:pi_1',
      'customer:cus_1',
      'invoice:in_1',
    ])
    expect(names(payment('2026-01-01', { invoice: 'none', customer: null }))).toEqual(['payment:pay_1'])
    const link = snapshot(
      'payment_link',
      '2026-01-01',
      { payment: 'pi_1', invoice: 'in_1', status: 'paid' },
      { id: 'l1' },
    )
    expect(names(link)).toEqual(['key:link:l1', 'payment:pi_1', 'invoice:in_1'])
    const refund = { what: 'payment_refunded', invoice: null, payment: 'ch_1', refund: 're_1', amount: eur(1) } as const
    expect(names(happening('2026-01-01', refund, { customer: null, subscription: null }))).toEqual(['payment:ch_1'])
    const bare = happening(
      '2026-01-01',
      { what: 'changed', plan: plan('p') },
      { customer: null, subscription: null, key: 'k' },
    )
    expect(names(bare)).toEqual(['key:k'])
  })

  it('merge when a link comes late, whatever the order', () => {
    const invoiceAlone = invoice('2026-01-01', { status: 'paid', customer: null, subscription: null })
    const customerOnly = subscription('2026-01-01', { status: 'active' })
    const late = snapshot('checkout', '2026-01-02', { customer: 'cus_1', invoice: 'in_1' }, { id: 'c1' })
    const other = subscription('2026-01-01', { status: 'active', customer: 'cus_2' }, { id: 'sub_2' })
    expect(groupsOf([invoiceAlone, customerOnly])).toHaveLength(2)
    for (const order of shuffles([invoiceAlone, customerOnly, late, other], 6)) {
      expect(
        groupsOf(order)
          .map((group) => group.length)
          .sort((a, b) => a - b),
      ).toEqual([1, 3])
    }
  })

  it('fold to the same facts apart as all together', () => {
    const story = ['a', 'b', 'c'].flatMap((id) => [
      subscription('2026-01-01', { status: 'active', customer: `cus_${id}` }, { id: `sub_${id}`, verb: 'created' }),
      invoice('2026-01-01', { status: 'paid', customer: `cus_${id}`, subscription: `sub_${id}` }, { id: `in_${id}` }),
    ])
    const apart = groupsOf(story).flatMap((group) => fold(group).facts.map((fact) => fact.key))
    expect(apart.sort()).toEqual(
      fold(story)
        .facts.map((fact) => fact.key)
        .sort(),
    )
  })
})
