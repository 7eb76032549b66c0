import type { Command } from 'commander'
import { describeAccess } from '../app/present/describe_access.ts'
import { withApi } from './api_client.ts'
import { EXIT } from './io.ts'
import type { CliIo, ExitCode } from './io.ts'

interface AccessOptions {
  readonly at?: string
  readonly feature?: string
  readonly source?: string
  readonly json?: boolean
}

/** `billhook access`: who may use what, and why. Exit code 0 if allowed, 3 if not. */
export function addAccess(program: Command, io: CliIo, end: (code: ExitCode) => void): void {
  program
    .command('access')
    .description('show what a user may use, and why (exit code 0: allowed, 3: not allowed)')
    .argument('<user>', 'your app’s id of the user; with --source, the provider’s id of the customer')
    .option('--source <name>', 'ask about a customer of this source')
    .option('--at <instant>', 'the instant to answer for, ISO 8601 (default: now)')
    .option('--feature <name>', 'ask whether this feature may be used')
    .option('--json', 'print the whole answer as JSON')
    .action(async (user: string, options: AccessOptions) => {
      const query = new URLSearchParams()
      if (options.at !== undefined) query.set('at', options.at)
      if (options.feature !== undefined) query.set('feature', options.feature)
      const asked = { user, source: options.source ?? null }
      const answer = await withApi(io, (call) => call('GET', pathOf(asked, query)))
      io.out(options.json === true ? `${JSON.stringify(answer)}\n` : `${describeAccess(user, answer).join('\n')}\n`)
      end(answer['allowed'] === true ? EXIT.ok : EXIT.refused)
    })
}

function pathOf({ user, source }: { readonly user: string; readonly source: string | null }, query: URLSearchParams) {
  if (source === null) return `/v1/access/${encodeURIComponent(user)}?${query.toString()}`
  query.set('source', source)
  query.set('customer', user)
  return `/v1/access?${query.toString()}`
}
