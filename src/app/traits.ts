import { profileFor } from '../dialects/registry.ts'
import type { SourceTraits } from '../ledger/standing.ts'
import { retryWindowOf } from './sending/account_profile.ts'

/** What access should know of a dialect's provider: the grace that its own retries suggest. */
export function traitsOf(dialect: string): SourceTraits {
  return { retryWindowMs: retryWindowOf(profileFor(dialect)) }
}
