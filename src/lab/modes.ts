import { BillhookError } from '../model/error.ts'
import { NO_FAULTS } from './faults.ts'
import type { NetworkFaults } from './faults.ts'

/** One way of playing a story. */
export interface Mode {
  readonly name: string
  readonly faults: NetworkFaults
  /** Sends a copy that is sealed with a wrong secret ahead of each delivery. */
  readonly wrongSecret: boolean
  /** What randomness follows from: a run with the same seed is the same run. */
  readonly seed: string
}

/** The modes that a run was asked for. */
export interface ModeRequest {
  readonly shuffle: number
  readonly duplicate: boolean
  readonly dropThenRetry: boolean
  readonly tamper: boolean
  readonly wrongSecret: boolean
  readonly slowMs: number
  readonly seed: string
}

/** More permutations of one story say no more. */
const MAX_SHUFFLES = 10_000

/**
 * The modes to play each story in: one per fault asked for, one per permutation; without any, the plain run.
 *
 * @throws BillhookError `invalid_request` for a number of permutations that is out of range
 */
export function modesOf(request: ModeRequest): readonly Mode[] {
  const { shuffle, seed } = request
  if (!Number.isInteger(shuffle) || shuffle < 0 || shuffle > MAX_SHUFFLES)
    throw new BillhookError('invalid_request', `--shuffle: ${shuffle} is not a whole number from 0 to ${MAX_SHUFFLES}`)
  const mode = (name: string, faults: Partial<NetworkFaults>, wrongSecret = false): Mode => ({
    name,
    faults: { ...NO_FAULTS, ...faults },
    wrongSecret,
    seed: `${seed}/${name}`,
  })
  const modes = [
    ...Array.from({ length: shuffle }, (_, n) => mode(`shuffle ${n + 1}`, { shuffle: true })),
    ...(request.duplicate ? [mode('duplicate', { duplicate: true })] : []),
    ...(request.dropThenRetry ? [mode('drop-then-retry', { dropFirst: true })] : []),
    ...(request.tamper ? [mode('tamper', { tamper: true })] : []),
    ...(request.wrongSecret ? [mode('wrong-secret', {}, true)] : []),
    ...(request.slowMs > 0 ? [mode(`slow ${request.slowMs / 1000}s`, { slowMs: request.slowMs })] : []),
  ]
  return modes.length > 0 ? modes : [mode('run', {})]
}
