import { readFileSync, statSync } from 'node:fs'
import type { Command } from 'commander'
import type { Judgement } from '../app/judge.ts'
import { judge } from '../app/judge.ts'
import { present } from '../app/present/present.ts'
import { resolveDialect } from '../dialects/registry.ts'
import { DIALECT_IDS } from '../dialects/dialect.ts'
import { messageOf } from '../model/error.ts'
import { formatInstant, parseInstant, SECOND_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import { EXIT, UsageError } from './io.ts'
import type { CliIo, ExitCode } from './io.ts'

/** Larger captured requests are a mistake: no provider sends a hundredth of it. */
const MAX_FILE_BYTES = 64 * 1024 * 1024

interface OpenOptions {
  readonly dialect: string
  readonly secret: readonly string[]
  readonly jwks?: string
  readonly at?: string
  readonly tolerance?: string
  readonly headers: string
}

/**
 * `billhook open`: judges a captured request. Prints one JSON object.
 * Exit code 0 if it opens, 3 if it is refused, 2 on wrong use.
 */
export function addOpen(program: Command, io: CliIo, end: (code: ExitCode) => void): void {
  program
    .command('open')
    .description(
      'judge a captured request: whether it opens, why not, and what it says (exit code 0: it opens, 3: it is refused)',
    )
    .argument('<body>', 'file that holds the exact bytes of the body')
    .requiredOption('--dialect <id>', `one of ${DIALECT_IDS.join(', ')}, or another version of one of them`)
    .requiredOption('--headers <file>', 'JSON file that maps header names to a string or a list of strings')
    .option('--secret <text>', 'a secret to verify with; may be repeated', collect, [])
    .option('--jwks <file>', 'the key set to verify tokens with')
    .option('--at <instant>', 'the receiver’s clock, ISO 8601 (default: the age of the request is not checked)')
    .option('--tolerance <seconds>', 'how far the signed time may differ from the clock (default: the dialect’s own)')
    .action(async (bodyFile: string, options: OpenOptions) => {
      const judgement = await judge({
        dialect: resolveDialect(options.dialect).id,
        secrets: options.secret,
        keySetFile: options.jwks ?? null,
        at: options.at === undefined ? null : instantAt(options.at),
        toleranceMs: options.tolerance === undefined ? null : secondsAt(options.tolerance),
        headers: headersAt(options.headers),
        body: new Uint8Array(readAt(bodyFile, 'the body file')),
      })
      io.out(`${print(judgement)}\n`)
      if (judgement.detail !== null) io.err(`billhook: ${judgement.reason}: ${judgement.detail}\n`)
      end(judgement.ok ? EXIT.ok : EXIT.refused)
    })
}

/** The printed object has exactly the documented members; the detail goes to standard error. */
function print({ ok, reason, notification, observations, unknown, problems }: Judgement): string {
  const shown =
    notification === null
      ? null
      : { ...notification, createdAt: notification.createdAt === null ? null : formatInstant(notification.createdAt) }
  return JSON.stringify({ ok, reason, notification: shown, observations: present(observations), unknown, problems })
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

function instantAt(text: string): Instant {
  const at = parseInstant(text)
  if (at === null) throw new UsageError(`--at: ${text} is not a point in time; write for example 2026-01-31T00:00:00Z`)
  return at
}

/** A day-long tolerance is 86400; a number above this is milliseconds by mistake. */
const MAX_TOLERANCE_SECONDS = 10 * 365 * 86_400

function secondsAt(text: string): number {
  const seconds = /^\d+(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
  if (!(seconds <= MAX_TOLERANCE_SECONDS))
    throw new UsageError(`--tolerance: ${text} is not a number of seconds from 0 to ${MAX_TOLERANCE_SECONDS}`)
  return Math.round(seconds * SECOND_MS)
}

function headersAt(path: string): Readonly<Record<string, string | readonly string[]>> {
  let value: unknown
  try {
    value = JSON.parse(readAt(path, 'the headers file').toString('utf8'))
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${path}: not JSON: ${messageOf(error)}`)
  }
  if (!isObject(value)) throw new UsageError(`${path}: must be one JSON object, header name to text or list of texts`)
  // What captured the request may write a header that was not there as null.
  const given = Object.entries(value).filter(([, header]) => header !== null)
  return Object.fromEntries(given.map(([name, header]) => [name, headerAt(path, name, header)]))
}

function headerAt(path: string, name: string, header: unknown): string | readonly string[] {
  if (typeof header === 'string') return header
  if (isTexts(header)) return header
  throw new UsageError(`${path}: ${JSON.stringify(name)} must be a text or a list of texts`)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function readAt(path: string, what: string): Buffer {
  try {
    const { size } = statSync(path)
    if (size > MAX_FILE_BYTES) throw new UsageError(`${what} ${path} has ${size} bytes; at most ${MAX_FILE_BYTES}`)
    return readFileSync(path)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${what} cannot be read: ${messageOf(error)}`)
  }
}
