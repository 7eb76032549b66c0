import { BillhookError } from '../model/error.ts'
import { NO_FAULTS } from './faults.ts'
import type { NetworkFaults } from './faults.ts'

/** One way of playing a story. */
export interface Mode {
  readonly name: string
  readonly faults: NetworkFaults
  /** Sends a copy that is signed with a wrong secret before each delivery. */
  readonly wrongSecret: boolean
  /** Seed of everything random: a run with the same seed is the same run. */
  readonly seed: string
}

/** The faults that a run was asked for; left out: none. */
export interface ModeRequest {
  /** How many random orders of delivery. */
  readonly shuffle?: number | undefined
  readonly duplicate?: boolean | undefined
  readonly dropThenRetry?: boolean | undefined
  readonly tamper?: boolean | undefined
  readonly wrongSecret?: boolean | undefined
  /** How long the receiver takes to answer. Milliseconds. */
  readonly slowMs?: number | undefined
  readonly seed: string
}

/** More permutations of one story say no more. */
const MAX_SHUFFLES = 10_000

/** Without any fault. */
export function plainMode(seed: string): Mode {
  return modeOf(seed, 'run', NO_FAULTS)
}

/**
 * The modes to play each story in: one per fault asked for, one per permutation; without any, the plain run.
 *
 * @throws BillhookError `invalid_request` for a number of permutations that is out of range
 */
export function modesOf(request: ModeRequest): readonly Mode[] {
  const { shuffle = 0, slowMs = 0, seed } = request
  if (!Number.isInteger(shuffle) || shuffle < 0 || shuffle > MAX_SHUFFLES)
    throw new BillhookError('invalid_request', `--shuffle: ${shuffle} is not a whole number from 0 to ${MAX_SHUFFLES}`)
  const modes = Array.from({ length: shuffle }, (_, n) => modeOf(seed, `shuffle ${n + 1}`, { shuffle: true }))
  if (request.duplicate === true) modes.push(modeOf(seed, 'duplicate', { duplicate: true }))
  if (request.dropThenRetry === true) modes.push(modeOf(seed, 'drop-then-retry', { dropFirst: true }))
  if (request.tamper === true) modes.push(modeOf(seed, 'tamper', { tamper: true }))
  if (request.wrongSecret === true) modes.push({ ...modeOf(seed, 'wrong-secret', NO_FAULTS), wrongSecret: true })
  if (slowMs > 0) modes.push(modeOf(seed, `slow ${slowMs / 1000}s`, { slowMs }))
  return modes.length > 0 ? modes : [plainMode(seed)]
}

function modeOf(seed: string, name: string, faults: Partial<NetworkFaults>): Mode {
  return { name, faults: { ...NO_FAULTS, ...faults }, wrongSecret: false, seed: `${seed}/${name}` }
}
