import { dialectOf } from '../dialects/registry.ts'
import { open } from '../dialects/dialect.ts'
import type { DialectId, Notification } from '../dialects/dialect.ts'
import type { Instant } from '../model/instant.ts'
import type { Observation, Problem } from '../model/observations.ts'
import type { Refusal } from '../model/verdict.ts'
import { keySetFromFile } from '../runtime/jwks.ts'
import type { Headers } from '../wire/headers.ts'

/** A captured request, and what to judge it with. */
export interface Captured {
  readonly dialect: DialectId
  readonly secrets: readonly string[]
  /** A file with the provider's key set, for dialects whose body is a token. */
  readonly keySetFile: string | null
  /** Null: no rule of age. */
  readonly at: Instant | null
  /** Null: the dialect's default. Milliseconds. */
  readonly toleranceMs: number | null
  readonly headers: Headers
  readonly body: Uint8Array
}

/** Whether a request opens, why not, and what it says. */
export interface Judgement {
  readonly ok: boolean
  /** Null if it opens; else one of docs/verdicts.md. */
  readonly reason: Refusal | null
  /** The refusal in words, with the value that caused it. */
  readonly detail: string | null
  readonly notification: Notification | null
  readonly observations: readonly Observation[]
  readonly unknown: boolean
  readonly problems: readonly Problem[]
}

/**
 * Judges a captured request as the inbox would, without storing anything.
 *
 * @throws BillhookError `config_invalid` if the key set cannot be read
 */
export async function judge(captured: Captured): Promise<Judgement> {
  const dialect = dialectOf(captured.dialect)
  const opened = await open(
    dialect,
    { headers: captured.headers, body: captured.body },
    {
      secrets: captured.secrets.map((text) => ({ text, from: null, until: null })),
      publicKey: captured.keySetFile === null ? null : keySetFromFile(captured.keySetFile),
    },
    { at: captured.at, toleranceMs: captured.toleranceMs },
  )
  if (!opened.ok) {
    const { reason, detail } = opened
    return { ok: false, reason, detail, notification: null, observations: [], unknown: false, problems: [] }
  }
  const { notification } = opened
  return { ok: true, reason: null, detail: null, notification, ...dialect.decode(notification) }
}
