import { CATALOGUE as CLASSIC } from '../v2025_04_25/catalogue.ts'
import { CATALOGUE as CURRENT } from '../v2025_06_16/catalogue.ts'

/** The types of both generations: either may arrive at an endpoint of the other. */
export const KNOWN_TYPES: ReadonlySet<string> = new Set([...CLASSIC, ...CURRENT].map((entry) => entry.type))
