import type { FactKind } from '../../../model/facts.ts'
import type { CatalogueEntry } from '../../dialect.ts'

/** One event of the seed's tables. */
export interface SeedRow {
  readonly type: string
  readonly label: string
  readonly carries: readonly FactKind[]
  readonly meaning: string
}

/** An event of the seed's tables as a catalogue entry. */
export function seedEntry(row: SeedRow): CatalogueEntry {
  return { ...row, seed: true, source: 'seed 001' }
}
