/** What a command talks to: replaced in tests. */
export interface CliIo {
  /** Standard output: what was asked for. */
  out(text: string): void
  /** Standard error: everything else. */
  err(text: string): void
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal
}

/** How a command ended. */
export const EXIT = {
  ok: 0,
  /** Something of ours or of the machine's failed. */
  failed: 1,
  /** Wrong use: an unknown option, a file that is not there. */
  usage: 2,
  /** The thing that was asked about is refused. */
  refused: 3,
} as const

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Wrong use of a command: told in one line, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A member of an answer as a person reads it. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null)
}

/** What the API answered instead of doing it. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** How a refusal of the API ends a command: what the caller did wrong, or what failed at the other end. */
export function exitOf(refusal: ApiRefusal): typeof EXIT.usage | typeof EXIT.failed {
  return /^(store_|internal_|shutting_|5\d\d)/.test(refusal.code) ? EXIT.failed : EXIT.usage
}
