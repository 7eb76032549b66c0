import type { ProviderWords } from '../dialects/dialect.ts'
import type { BoundaryRule } from '../model/calendar.ts'
import type { Instant } from '../model/instant.ts'

/** How a story's objects are read. */
export interface GivenSettings {
  /** When the story begins. */
  readonly start: Instant
  /** When its objects were made: a moment before. */
  readonly madeAt: Instant
  readonly words: ProviderWords
  readonly boundary: BoundaryRule
  /** How often a payment is tried before the retries have ended. */
  readonly attempts: number
}
