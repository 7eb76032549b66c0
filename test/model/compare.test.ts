import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareText } from '../../src/model/compare.ts'

it('orders texts as sort does without a comparison, by code units and not by language', () => {
  expect(['ä', 'z', 'a', 'B', '10', '9', ''].sort(compareText)).toEqual(['', '10', '9', 'B', 'a', 'z', 'ä'])
  fc.assert(
    fc.property(fc.array(fc.string()), (texts) => {
      expect([...texts].sort(compareText)).toEqual([...texts].sort())
    }),
  )
})

it('says of equal texts that neither is first', () => {
  expect(compareText('a', 'a')).toBe(0)
})
