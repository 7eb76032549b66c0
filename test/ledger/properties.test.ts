import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, readModel, writeModel } from '../../src/model/json.ts'
import { addMs, DAY_MS } from '../../src/model/instant.ts'
import type { Observation } from '../../src/model/observations.ts'
import { DEFAULT_POLICY } from '../../src/model/policy.ts'
import { accessOf } from '../../src/ledger/access.ts'
import { diffFacts } from '../../src/ledger/diff_facts.ts'
import { asOf, fold } from '../../src/ledger/fold.ts'
import { isRegister, join, joinMany, joinRegisters, valueOf } from '../../src/ledger/register.ts'
import type { Registers } from '../../src/ledger/register.ts'
import type { Folded } from '../../src/ledger/state.ts'
import { historyOf, randomOf, RETRY_WINDOW_MS, shuffled } from './histories.ts'
import type { History } from './histories.ts'

const RUNS = { numRuns: Number(process.env['BILLHOOK_RUNS'] ?? 300) }
const seeds = fc.integer({ min: 0, max: 0x7fffffff })

function text(folded: Folded): string {
  return canonicalJson({ ...folded, registers: registersText(folded.registers) })
}

function registersText(registers: Registers): string {
  return canonicalJson(Object.fromEntries(registers))
}

function answerOf(folded: Folded, at: History['truths'][number]['at']) {
  return accessOf({
    links: [{ source: 'main', customer: null, state: folded.state, traits: { retryWindowMs: RETRY_WINDOW_MS } }],
    holds: [],
    policy: DEFAULT_POLICY,
    at,
    feature: null,
  })
}

function disturbed(observations: readonly Observation[], seed: number): readonly Observation[] {
  const random = randomOf(seed)
  const doubled = observations.flatMap((observation) =>
    random() < 0.2 ? [observation, structuredClone(observation)] : [observation],
  )
  return shuffled(doubled, random)
}

describe('the ledger under any delivery', () => {
  it('gives the same registers, facts and state in any order and with any repetition', () => {
    fc.assert(
      fc.property(seeds, seeds, (seed, order) => {
        const { observations } = historyOf(seed)
        expect(text(fold(disturbed(observations, order)))).toBe(text(fold(observations)))
      }),
      RUNS,
    )
  })

  it('joins commutatively, associatively and idempotently', () => {
    fc.assert(
      fc.property(seeds, seeds, (seed, order) => {
        const { observations } = historyOf(seed)
        const random = randomOf(order)
        const parts: Observation[][] = [[], [], []]
        for (const observation of observations) parts[Math.floor(random() * 3)]?.push(observation)
        const [a, b, c] = parts.map((part) => joinMany(new Map(), part))
        if (a === undefined || b === undefined || c === undefined) throw new Error('three parts')
        const whole = registersText(joinMany(new Map(), observations))
        expect(registersText(fold(observations).registers)).toBe(whole)
        expect(registersText(merge(merge(a, b), c))).toBe(whole)
        expect(registersText(merge(a, merge(c, b)))).toBe(whole)
        expect(registersText(merge(merge(a, a), merge(merge(b, c), a)))).toBe(whole)
        expect(registersText(joinMany(joinMany(new Map(), observations), observations))).toBe(whole)
      }),
      RUNS,
    )
  })

  it('keeps registers through JSON', () => {
    fc.assert(
      fc.property(seeds, seeds, (seed, order) => {
        const { observations } = historyOf(seed)
        let stored: Registers = new Map()
        for (const observation of disturbed(observations, order)) {
          if (observation.kind === 'happening') continue
          const key = `${observation.object}:${observation.id}`
          const read = readModel(writeModel(stored.get(key) ?? null))
          stored = new Map(stored).set(key, join(isRegister(read) ? read : null, observation))
        }
        expect(registersText(stored)).toBe(registersText(joinMany(new Map(), observations)))
      }),
      { numRuns: Math.min(100, RUNS.numRuns) },
    )
  })

  it('never leaves a final state', () => {
    fc.assert(
      fc.property(seeds, seeds, (seed, order) => {
        const { observations } = historyOf(seed)
        let ended: string | null = null
        let registers: Registers = new Map()
        for (const observation of disturbed(observations, order)) {
          registers = joinMany(registers, [observation])
          const register = registers.get('subscription:sub_1')
          const value = register === undefined ? null : valueOf(register).value
          const status = value !== null && 'status' in value ? value.status : null
          if (ended !== null) expect(status).toBe(ended)
          if (status === 'canceled') ended = status
        }
      }),
      RUNS,
    )
  })

  it('matches what is true at every instant, whenever it is sure', () => {
    const seen = { sure: 0, unsure: 0 }
    fc.assert(
      fc.property(seeds, seeds, (seed, order) => {
        const history = historyOf(seed)
        const random = randomOf(order)
        const truth = history.truths[Math.floor(random() * history.truths.length)]
        if (truth === undefined) return
        const last = history.truths.findLast((each) => each.at === truth.at)
        const next = history.truths.find((each) => each.at > truth.at)?.at ?? addMs(truth.at, 60 * DAY_MS)
        const folded = fold(disturbed(asOf(history.observations, truth.at), order))
        for (const at of [truth.at, addMs(truth.at, Math.floor(random() * (next - truth.at)))]) {
          const answer = answerOf(folded, at)
          if (answer.sure) {
            seen.sure += 1
            expect({ status: answer.subscriptions[0]?.status, allowed: answer.allowed }).toEqual({
              status: last?.status,
              allowed: last?.allowed(at),
            })
          } else seen.unsure += 1
        }
      }),
      RUNS,
    )
    // Most answers must be sure, or the property says little.
    expect(seen.sure).toBeGreaterThan(seen.unsure * 4)
  })

  it('gives no access without a reason, and each reason is a fact that has happened', () => {
    let allowed = 0
    fc.assert(
      fc.property(seeds, (seed) => {
        const history = historyOf(seed)
        for (const { at } of history.truths) {
          const folded = fold(asOf(history.observations, at))
          const happened = new Set(
            folded.facts.filter((fact) => fact.at <= at).map(({ kind, key }) => `${kind} ${key}`),
          )
          const answer = answerOf(folded, at)
          if (!answer.allowed) continue
          allowed += 1
          expect(answer.why).not.toEqual([])
          for (const { fact, key } of answer.why) expect([...happened]).toContain(`${fact} ${key}`)
        }
      }),
      RUNS,
    )
    expect(allowed).toBeGreaterThan(RUNS.numRuns)
  })

  it('makes good what was lost once it comes, and says what changed', () => {
    fc.assert(
      fc.property(seeds, seeds, (seed, order) => {
        const { observations } = historyOf(seed)
        const random = randomOf(order)
        const early = observations.filter(() => random() < 0.7)
        const before = fold(early)
        const after = fold([...early, ...observations])
        expect(text(after)).toBe(text(fold(observations)))
        const { added, retracted, changed } = diffFacts(before.facts, after.facts)
        const gone = new Set(retracted.map((fact) => fact.key))
        const replaced = new Map(changed.map((change) => [change.after.key, change.after]))
        const patched = [
          ...before.facts.filter((fact) => !gone.has(fact.key)).map((fact) => replaced.get(fact.key) ?? fact),
          ...added,
        ].sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1))
        expect(canonicalJson(patched)).toBe(canonicalJson(after.facts))
      }),
      RUNS,
    )
  })
})

function merge(a: Registers, b: Registers): Registers {
  const merged = new Map(a)
  for (const [key, register] of b) {
    const known = merged.get(key)
    merged.set(key, known === undefined ? register : joinRegisters(known, register))
  }
  return merged
}
