import type { Dialect } from '../../src/dialects/dialect.ts'
import { DIALECTS } from '../../src/dialects/registry.ts'

const known = new Map<string, Dialect>(DIALECTS.map((dialect) => [dialect.id, dialect]))

/** How the delivery engine looks dialects up. */
export function findDialect(id: string): Dialect | null {
  return known.get(id) ?? null
}
