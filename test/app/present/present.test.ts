import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { INSTANT_MEMBERS, isInstantName, present } from '../../../src/app/present/present.ts'

const root = new URL('../../../src/', import.meta.url)
const members = ['model', 'ports'].flatMap((room) =>
  readdirSync(new URL(`${room}/`, root))
    .map((file) => readFileSync(new URL(`${room}/${file}`, root), 'utf8'))
    .flatMap((text) => [...text.matchAll(/\breadonly (\w+)\??: (\w+)/g)])
    .map(([, name = '', type = '']) => ({ name, type })),
)
const isTime = (type: string): boolean => type === 'Instant' || type === 'Stamp'

it('Every member of the model that holds an instant is known as one, and no number is taken for one', () => {
  expect(members.length).toBeGreaterThan(200)
  const times = new Set(members.filter(({ type }) => isTime(type)).map(({ name }) => name))
  expect([...times].filter((name) => !isInstantName(name))).toEqual([])
  expect([...INSTANT_MEMBERS].filter((name) => !times.has(name))).toEqual([])
  expect(members.filter(({ name, type }) => type === 'number' && name !== 'cycle' && isInstantName(name))).toEqual([])
})

it('A value of the model is shown with instants as text and amounts as decimal text', () => {
  expect(
    present({
      at: 0,
      period: { from: 1_790_000_000_000, until: null },
      amount: { minor: 12_345_678_901_234_567_890n, currency: 'EUR' },
      quantity: 3,
      cycle: 3,
      list: [1, 'x', true, null],
      absent: undefined,
    }),
  ).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    period: { from: '2026-09-21T14:13:20.000Z', until: null },
    amount: { minor: '12345678901234567890', currency: 'EUR' },
    quantity: 3,
    cycle: 3,
    list: [1, 'x', true, null],
  })
  expect(present({ cycle: 1_790_000_000_000 })).toEqual({ cycle: '2026-09-21T14:13:20.000Z' })
})
