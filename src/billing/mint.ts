import { createHash } from 'node:crypto'
import { ENTITY_PREFIXES } from '../model/entities.ts'
import type { EntityKind } from '../model/entities.ts'

const DIGITS = 24
/** 36 to the power of 24, and some more: enough bits of a hash for 24 digits of base 36. */
const HASH_BYTES = 16

/** Mints the ids of one aggregate, one after the other. */
export interface Minter {
  mint(kind: EntityKind): string
  /** How many ids have been minted so far, in this run and before. */
  readonly count: number
}

/**
 * A minter that goes on from `count`. Ids follow from the account's seed, the aggregate and the running number alone: the
 * same commands give the same ids, and nobody who lacks the seed can guess one.
 */
export function createMinter(seed: string, customer: string, count: number): Minter {
  let minted = count
  return {
    mint(kind) {
      minted += 1
      return `${ENTITY_PREFIXES[kind]}_${digitsOf(`${seed}\n${customer}\n${minted}`)}`
    },
    get count() {
      return minted
    },
  }
}

function digitsOf(text: string): string {
  const hash = createHash('sha256').update(text).digest()
  const number = hash.subarray(0, HASH_BYTES).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  return number.toString(36).padStart(DIGITS, '0').slice(-DIGITS)
}
