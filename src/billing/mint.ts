import { hash } from 'node:crypto'
import { ENTITY_PREFIXES } from '../model/entities.ts'
import type { EntityKind } from '../model/entities.ts'

const DIGITS = 24
/** 36 to the power of 24, and some more: enough of a hash for 24 digits of base 36. */
const HEX_DIGITS = 32
/** Digits that all facts of one aggregate begin with: an index of facts keeps together what is told together. */
const SHARED_DIGITS = 8

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
  const shared = digitsOf(`${seed}\n${customer}`).slice(0, SHARED_DIGITS)
  return {
    mint(kind) {
      minted += 1
      const digits = digitsOf(`${seed}\n${customer}\n${minted}`)
      return `${ENTITY_PREFIXES[kind]}_${kind === 'fact' ? `${shared}${digits.slice(SHARED_DIGITS)}` : digits}`
    },
    get count() {
      return minted
    },
  }
}

function digitsOf(text: string): string {
  const number = BigInt(`0x${hash('sha256', text, 'hex').slice(0, HEX_DIGITS)}`)
  return number.toString(36).padStart(DIGITS, '0').slice(-DIGITS)
}
