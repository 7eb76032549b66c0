import { createHash, randomBytes, randomInt } from 'node:crypto'
import type { Random } from '../ports/random.ts'

/** The largest range that `randomInt` takes. */
const STEPS = 2 ** 47

/** Randomness that nobody can foretell. */
export function createSystemRandom(): Random {
  return {
    bytes: (count) => new Uint8Array(randomBytes(count)),
    fraction: () => randomInt(STEPS) / STEPS,
  }
}

/**
 * Randomness that the seed decides: the same seed gives the same bytes in the same order. For tests and stories; never
 * for secrets.
 */
export function createSeededRandom(seed: string): Random {
  let counter = 0
  let pool = new Uint8Array()
  const bytes = (count: number): Uint8Array => {
    while (pool.length < count) {
      const block = createHash('sha256').update(`${seed}:${counter}`).digest()
      counter += 1
      pool = new Uint8Array(Buffer.concat([pool, block]))
    }
    const taken = pool.slice(0, count)
    pool = pool.slice(count)
    return taken
  }
  return {
    bytes,
    fraction: () => Buffer.from(bytes(6)).readUIntBE(0, 6) / 2 ** 48,
  }
}
