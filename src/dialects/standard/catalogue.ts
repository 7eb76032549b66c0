import { FACT_KINDS, RECORD_KINDS } from '../../model/facts.ts'
import type { CatalogueEntry } from '../dialect.ts'
import { ALL_KINDS, isFactKind, typeOf } from './types.ts'

/** One event type for each of our facts and records. */
export const CATALOGUE: readonly CatalogueEntry[] = ALL_KINDS.map((kind) => {
  const isFact = isFactKind(kind)
  return {
    type: typeOf(kind),
    label: null,
    seed: false,
    carries: isFact ? [kind] : [],
    meaning: isFact ? FACT_KINDS[kind].meaning : RECORD_KINDS[kind].meaning,
    source: 'docs/facts.md',
  }
})
