import type { Command } from 'commander'
import { isObject } from '../model/json.ts'
import type { JsonObject } from '../model/json.ts'
import { withApi } from './api_client.ts'
import { accountPath } from './billing_io.ts'
import { shown, UsageError } from './io.ts'
import type { CliIo } from './io.ts'

interface AdvanceOptions {
  readonly to?: string
  readonly next?: boolean
  readonly json?: boolean
}

/** `billhook clocks`: what time it is in an account, what happens next, and moving on. */
export function addClocks(program: Command, io: CliIo): void {
  const clocks = program.command('clocks').description('show and advance test clocks')
  const print = (clock: JsonObject, json: boolean | undefined): void => {
    io.out(json === true ? `${JSON.stringify(clock)}\n` : tell(clock))
  }
  clocks
    .command('show')
    .description('show the time in an account, and what happens next')
    .argument('<account>')
    .option('--json', 'print the whole answer as JSON')
    .action(async (account: string, { json }: { readonly json?: boolean }) => {
      print(await withApi(io, (call) => call('GET', accountPath(account, 'clock'))), json)
    })
  clocks
    .command('advance')
    .description('advance a test clock; returns once everything that follows has settled')
    .argument('<account>')
    .option('--to <instant>', 'the new time, ISO 8601, not before the current one')
    .option('--next', 'advance to the next thing that is due')
    .option('--json', 'print the whole answer as JSON')
    .action(async (account: string, { to, next, json }: AdvanceOptions) => {
      if ((to === undefined) === (next !== true)) throw new UsageError('advance needs either --to or --next')
      const body: JsonObject = to === undefined ? { next: true } : { to }
      print(await withApi(io, (call) => call('POST', accountPath(account, 'clock', 'advance'), body)), json)
    })
}

function tell({ now, status, next }: JsonObject): string {
  const lines = [`${shown(now)}\t${shown(status)}`]
  if (isObject(next)) {
    lines.push(`next at ${shown(next['at'])}:`)
    for (const thing of Array.isArray(next['what']) ? next['what'].filter(isObject) : []) {
      const about = [thing['customer'], thing['subject'], thing['endpoint']].filter((text) => typeof text === 'string')
      lines.push(`  ${shown(thing['kind'])}\t${shown(thing['name'])}\t${about.join(' ')}`)
    }
    if (next['more'] === true) lines.push('  …')
  } else {
    lines.push('nothing is planned')
  }
  return `${lines.join('\n')}\n`
}
