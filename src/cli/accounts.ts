import type { Command } from 'commander'
import { withApi } from './api_client.ts'
import { accountPath, bodyOf, printList, printOne, queryText } from './billing_io.ts'
import type { CliIo } from './io.ts'

interface CreateOptions {
  readonly dialect: string
  readonly id?: string
  readonly clock?: string
  readonly live?: boolean
  readonly seed?: string
  readonly ownerEmail?: string
  readonly json?: boolean
}

interface Plain {
  readonly json?: boolean
}

interface ListOptions extends Plain {
  readonly limit?: string
  readonly cursor?: string
}

/** `billhook accounts`: the accounts of the billing system. */
export function addAccounts(program: Command, io: CliIo): void {
  const accounts = program
    .command('accounts')
    .description('manage accounts: sellers with their own catalogue and clock')
  accounts
    .command('list')
    .description('list accounts')
    .option('--limit <n>', 'how many per page')
    .option('--cursor <text>', 'show the page after this cursor')
    .option('--json', 'print the whole answer as JSON')
    .action(async ({ json, ...query }: ListOptions) => {
      const answer = await withApi(io, (call) => call('GET', `/v1/accounts${queryText({ ...query })}`))
      printList(io, answer, ['id', 'dialect', 'name', 'created_at'], json)
    })
  accounts
    .command('show')
    .description('show an account')
    .argument('<id>')
    .option('--json', 'print the whole answer as JSON')
    .action(async (id: string, { json }: Plain) => {
      printOne(io, await withApi(io, (call) => call('GET', accountPath(id))), json)
    })
  accounts
    .command('create')
    .description('create an account')
    .argument('<name>')
    .requiredOption('--dialect <id>', 'the dialect of its billing rules and of its event log')
    .option('--id <id>', 'its id (default: generated)')
    .option('--clock <instant>', 'give it a test clock that starts at this instant, ISO 8601')
    .option('--live', 'create it in live mode')
    .option('--seed <text>', 'the same seed and the same commands give the same bytes')
    .option('--owner-email <address>', 'who is mailed when an endpoint fails')
    .option('--json', 'print the whole answer as JSON')
    .action(async (name: string, options: CreateOptions) => {
      const { dialect, id, clock, live, seed, ownerEmail, json } = options
      const body = bodyOf({
        name,
        dialect,
        id,
        seed,
        livemode: live,
        owner_email: ownerEmail,
        clock: clock === undefined ? undefined : { now: clock },
      })
      printOne(io, await withApi(io, (call) => call('POST', '/v1/accounts', body)), json)
    })
  accounts
    .command('update')
    .description('change an account')
    .argument('<id>')
    .option('--name <name>')
    .option('--owner-email <address>', 'who is mailed when an endpoint fails')
    .option('--json', 'print the whole answer as JSON')
    .action(async (id: string, options: Plain & { readonly name?: string; readonly ownerEmail?: string }) => {
      const body = bodyOf({ name: options.name, owner_email: options.ownerEmail })
      printOne(io, await withApi(io, (call) => call('PATCH', accountPath(id), body)), options.json)
    })
}
