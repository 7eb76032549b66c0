import { describe, expect, it } from 'vitest'
import type { Notification } from '../../src/dialects/dialect.ts'
import { OpenedDeliveries } from '../../src/inbox/opened.ts'

const MEBIBYTE = 1024 * 1024

function notification(id: string): Notification {
  return { id, type: 'invoice.paid', createdAt: null, account: null, body: {} }
}

describe('Opened deliveries', () => {
  it('are found until they are forgotten', () => {
    const opened = new OpenedDeliveries()
    opened.add('d1', notification('evt_1'), 100)
    expect(opened.find('d1')?.id).toBe('evt_1')
    opened.forget('d1')
    opened.forget('d1')
    expect(opened.find('d1')).toBeNull()
  })

  it('take a bounded amount of memory: the oldest go first', () => {
    const opened = new OpenedDeliveries()
    for (let n = 0; n < 40; n += 1) opened.add(`d${n}`, notification(`evt_${n}`), MEBIBYTE)
    const kept = Array.from({ length: 40 }, (_, n) => n).filter((n) => opened.find(`d${n}`) !== null)
    expect(kept).toEqual(Array.from({ length: 4 }, (_, n) => n + 36))
    // Then: room that was given back is used again.
    for (const n of kept) opened.forget(`d${n}`)
    for (let n = 0; n < 4; n += 1) opened.add(`e${n}`, notification(`evt_${n}`), MEBIBYTE)
    expect(opened.find('e0')).not.toBeNull()
  })
})
