import { describe, expect, it } from 'vitest'
import { createSeededRandom, createSystemRandom } from '../../src/runtime/system_random.ts'

describe('Randomness', () => {
  it('from the system differs each time and stays in its bounds', () => {
    const random = createSystemRandom()
    expect(random.bytes(16)).toHaveLength(16)
    expect(random.bytes(16)).not.toEqual(random.bytes(16))
    for (let i = 0; i < 100; i += 1) {
      const fraction = random.fraction()
      expect(fraction).toBeGreaterThanOrEqual(0)
      expect(fraction).toBeLessThan(1)
    }
  })

  it('from a seed repeats byte by byte, and another seed gives other bytes', () => {
    const take = (seed: string): unknown[] => {
      const random = createSeededRandom(seed)
      return [random.bytes(5), random.fraction(), random.bytes(70), random.fraction()]
    }
    expect(take('a')).toEqual(take('a'))
    expect(take('a')).not.toEqual(take('b'))
  })

  it('from a seed gives each byte once: two pieces are not the beginning of the stream twice', () => {
    const one = createSeededRandom('a')
    const whole = createSeededRandom('a').bytes(64)
    expect([...one.bytes(40), ...one.bytes(24)]).toEqual([...whole])
  })
})
