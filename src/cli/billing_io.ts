/** What the commands of the sending end share: the account, the form of answers. */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { messageOf } from '../model/error.ts'
import { isObject } from '../model/json.ts'
import type { Json, JsonObject } from '../model/json.ts'
import { shown, UsageError } from './io.ts'
import type { CliIo } from './io.ts'

/** Options that every command of the sending end takes. */
export interface SendingOptions {
  readonly account: string
  readonly json?: boolean
}

/** Adds `--account` and `--json`. */
export function withAccount(command: Command): Command {
  return command
    .option('--account <id>', 'the account to use', 'main')
    .option('--json', 'print the whole answer as JSON')
}

/** The path of an account, or of what lies under it. */
export function accountPath(account: string, ...rest: readonly string[]): string {
  return ['/v1/accounts', ...[account, ...rest].map(encodeURIComponent)].join('/')
}

/** A query's text with its question mark; members that are undefined are left out. */
export function queryText(members: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(members)) if (value !== undefined) query.set(name, value)
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

/** Without the members that are undefined. */
export function bodyOf(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  )
}

/** A JSON object that was given as an argument, or as `@file`. @throws UsageError */
export function jsonArgument(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text)
    if (isObject(value)) return value
  } catch (error) {
    throw new UsageError(`the data cannot be read: ${messageOf(error)}`)
  }
  throw new UsageError('the data must be one JSON object')
}

/** Prints one answer: as JSON, or its members line by line, without those that are null. */
export function printOne(io: CliIo, answer: JsonObject, json: boolean | undefined): void {
  if (json === true) {
    io.out(`${JSON.stringify(answer)}\n`)
    return
  }
  for (const [name, value] of Object.entries(answer)) if (value !== null) io.out(`${name}\t${shown(value)}\n`)
}

/** Prints a list: as JSON, or these members of each item, with tabs between. */
export function printList(io: CliIo, answer: JsonObject, members: readonly string[], json: boolean | undefined): void {
  if (json === true) {
    io.out(`${JSON.stringify(answer)}\n`)
    return
  }
  const { data, next } = answer
  for (const item of Array.isArray(data) ? data.filter(isObject) : [])
    io.out(`${members.map((name) => (item[name] === null ? '-' : shown(item[name]))).join('\t')}\n`)
  if (typeof next === 'string') io.err(`there is more: --cursor ${next}\n`)
}
