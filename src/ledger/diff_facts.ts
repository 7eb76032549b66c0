import type { DerivedFact } from '../model/facts.ts'
import { canonicalJson } from '../model/json.ts'

/** What a late arrival, or another reducer, makes of facts already told. Each list is sorted. */
export interface FactDiff {
  readonly added: readonly DerivedFact[]
  /** Told before, and disproved. */
  readonly retracted: readonly DerivedFact[]
  /** The same fact in other words, or with other evidence. */
  readonly changed: readonly { readonly before: DerivedFact; readonly after: DerivedFact }[]
}

/** Compares two sets of facts by their natural keys. */
export function diffFacts(before: readonly DerivedFact[], after: readonly DerivedFact[]): FactDiff {
  const old = new Map(before.map((fact) => [fact.key, fact]))
  const now = new Set(after.map((fact) => fact.key))
  return {
    added: after.filter((fact) => !old.has(fact.key)),
    retracted: before.filter((fact) => !now.has(fact.key)),
    changed: after.flatMap((fact) => {
      const known = old.get(fact.key)
      return known === undefined || isSame(known, fact) ? [] : [{ before: known, after: fact }]
    }),
  }
}

function isSame(a: DerivedFact, b: DerivedFact): boolean {
  return a === b || canonicalJson(a) === canonicalJson(b)
}
