import { compareText } from '../model/compare.ts'
import type { DerivedFact } from '../model/facts.ts'
import { formatInstantShort } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'

/** Facts by their natural key: the same fact told by several observations is one. */
export class FactSet {
  readonly #facts = new Map<string, DerivedFact>()

  /**
   * Adds a fact. Of two with one key the earlier one's words count; the evidence of both is kept, and one sure telling
   * makes it sure.
   */
  add(fact: DerivedFact): void {
    const known = this.#facts.get(fact.key)
    if (known === undefined) {
      this.#facts.set(fact.key, { ...fact, evidence: [...new Set(fact.evidence)].sort() })
      return
    }
    const evidence = [...new Set([...known.evidence, ...fact.evidence])].sort()
    const earlier = fact.at < known.at ? fact : known
    this.#facts.set(fact.key, { ...earlier, evidence, sure: known.sure || fact.sure })
  }

  get(key: string): DerivedFact | null {
    return this.#facts.get(key) ?? null
  }

  /** The first fact of a kind that rests on one of these events. */
  byEvidence(kind: DerivedFact['kind'], events: readonly string[]): DerivedFact | null {
    for (const fact of this.#facts.values()) {
      if (fact.kind === kind && fact.evidence.some((event) => events.includes(event))) return fact
    }
    return null
  }

  /** Sorted by time, then key. */
  all(): readonly DerivedFact[] {
    return [...this.#facts.values()].sort((a, b) => a.at - b.at || compareText(a.key, b.key))
  }
}

/** `subject|kind` or `subject|kind|what tells repetitions apart`; instants in ISO 8601. */
export function factKey(subject: string, kind: DerivedFact['kind'], ...parts: readonly (string | Instant)[]): string {
  const texts = parts.map((part) => (typeof part === 'string' ? part : formatInstantShort(part)))
  return [subject, kind, ...texts].join('|')
}
