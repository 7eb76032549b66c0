/**
 * The providers' wire formats by themselves, without store or server: verify, read and decode what a provider sent, encode
 * and seal what it would send. Single dialects are at `billhook/dialects/<provider>`.
 */
export { DIALECT_IDS, open } from './dialect.ts'
export type {
  CatalogueEntry,
  Decoded,
  Dialect,
  DialectId,
  Notification,
  Opened,
  OpeningKeys,
  OpeningTime,
  Origin,
  PublicKeyAnswer,
  PublicKeyLookup,
  Read,
  Sealed,
  SealingKeys,
  Secret,
  SecretRotation,
  Verified,
} from './dialect.ts'
export { DIALECTS, resolveDialect } from './registry.ts'
export { BillhookError, isBillhookError } from '../model/error.ts'
export { formatInstant, instant, parseInstant } from '../model/instant.ts'
export type { Instant } from '../model/instant.ts'
export type { Observation, Problem } from '../model/observations.ts'
export { REFUSALS } from '../model/verdict.ts'
export type { Refusal } from '../model/verdict.ts'
