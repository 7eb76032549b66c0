import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DIALECTS, profileFor } from '../../src/dialects/registry.ts'
import { DEFAULT_POLICY } from '../../src/model/policy.ts'
import { accessOf } from '../../src/ledger/access.ts'
import { fold } from '../../src/ledger/fold.ts'
import { randomOf, RETRY_WINDOW_MS, shuffled } from './histories.ts'
import { act, Loop } from './loopback.ts'

/** Acts in one story. */
const ACTS = 25

describe('the engine, a provider’s words, and the ledger', () => {
  it.each(DIALECTS.map((dialect) => [dialect.id, dialect] as const))(
    '%s: whatever is sure is what the engine knows, after every act, in any order',
    (_, dialect) => {
      const seen = { sure: 0, all: 0 }
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 0x7fffffff }), (seed) => {
          const loop = new Loop(dialect, profileFor(dialect.id), '2026-01-05T10:00:00Z')
          const [random, order] = [randomOf(seed), randomOf(seed + 1)]
          const log: string[] = []
          for (let turn = 0; turn < ACTS; turn += 1) {
            log.push(act(loop, random))
            const { state } = fold(shuffled(loop.observations, order))
            const traits = { retryWindowMs: RETRY_WINDOW_MS }
            const { now: at } = loop.bench
            const links = [{ source: 'main', customer: null, state, traits }]
            const answer = accessOf({ links, holds: [], policy: DEFAULT_POLICY, at, feature: null })
            seen.all += 1
            if (!answer.sure) continue
            seen.sure += 1
            const why = answer.why.map((reason) => reason.words)
            expect({ allowed: answer.allowed, why, log }).toEqual({ allowed: loop.entitled(at), why, log })
          }
          expect(loop.problems).toEqual([])
        }),
        { numRuns: Number(process.env['BILLHOOK_LOOPS'] ?? 8) },
      )
      expect(seen.sure).toBeGreaterThan(seen.all * 0.6)
    },
  )
})
