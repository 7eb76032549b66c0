import type { Instant } from '../model/instant.ts'
import type { JsonObject } from '../model/json.ts'

/** A secret of a source as it is kept: locked by the secret box. */
export interface LockedSecret {
  readonly id: string
  readonly locked: string
  /** From when it opens deliveries; null: always. */
  readonly from: Instant | null
  /** Until when it opens deliveries; null: forever. */
  readonly until: Instant | null
}

/** One webhook URL of ours that one account of a provider delivers to. */
export interface StoredSource {
  readonly account: string
  /** Small letters, digits, `-` and `_`: part of the URL. */
  readonly name: string
  readonly dialect: string
  readonly secrets: readonly LockedSecret[]
  readonly settings: JsonObject
  readonly createdAt: Instant
}

/** Persistence of sources. */
export interface SourceStore {
  /** @returns false if the name is taken */
  createSource(source: StoredSource): Promise<boolean>
  /** @returns false if there is no such source */
  updateSource(source: StoredSource): Promise<boolean>
  source(account: string, name: string): Promise<StoredSource | null>
  sources(account: string): Promise<readonly StoredSource[]>
  /** What it delivered stays. */
  deleteSource(account: string, name: string): Promise<boolean>
}
