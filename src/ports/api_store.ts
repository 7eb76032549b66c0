import type { Instant } from '../model/instant.ts'

/** What an API key may do: look, change, or manage keys and secrets. Each includes the ones before it. */
export const SCOPES = ['read', 'write', 'admin'] as const

/** One of {@link SCOPES}; each includes those before it. */
export type Scope = (typeof SCOPES)[number]

/** An API key as it is kept: its text is not. */
export interface ApiKey {
  readonly account: string
  readonly id: string
  readonly name: string
  /** SHA-256 of the text, hexadecimal. The text has 32 random bytes, so a slow hash would add nothing. */
  readonly hash: string
  readonly scope: Scope
  readonly createdAt: Instant
  readonly revokedAt: Instant | null
}

/** A request under an idempotency key. `status` 0: it is being worked on. */
export interface ApiAnswer {
  readonly account: string
  readonly key: string
  /** Hash of the request. */
  readonly fingerprint: string
  readonly status: number
  /** The body, JSON text. */
  readonly answer: string
  readonly at: Instant
}

/** Persistence of the REST API's own concerns. */
export interface ApiStore {
  /** @returns false if the id is taken */
  addKey(key: ApiKey): Promise<boolean>
  keyByHash(hash: string): Promise<ApiKey | null>
  /** Of all accounts if `account` is null; oldest first. */
  keys(account: string | null): Promise<readonly ApiKey[]>
  /** @returns false if there is no such key, or it was revoked before */
  revokeKey(account: string, id: string, at: Instant): Promise<boolean>
  /** Takes an idempotency key. @returns null if it was free, else what it was taken for */
  takeAnswer(answer: ApiAnswer): Promise<ApiAnswer | null>
  finishAnswer(answer: ApiAnswer): Promise<void>
  /** Frees a key whose request came to nothing. */
  dropAnswer(account: string, key: string): Promise<void>
  /** Removes answers from before `before`. @returns how many */
  pruneAnswers(before: Instant): Promise<number>
}
