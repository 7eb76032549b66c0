import type { Command } from 'commander'
import { withApi } from './api_client.ts'
import { accountPath, bodyOf, printList, printOne, queryText, withAccount } from './billing_io.ts'
import type { SendingOptions } from './billing_io.ts'
import type { CliIo } from './io.ts'

interface CreateOptions extends SendingOptions {
  readonly dialect: string
  readonly type: readonly string[]
  readonly description?: string
  readonly id?: string
  readonly secret?: string
  readonly ordered?: boolean
}

/** What can be done to an endpoint without saying more. */
const ACTIONS = [
  ['enable', 'enable', 'let events through again'],
  ['disable', 'disable', 'stop deliveries; what comes meanwhile is kept as skipped'],
  ['pause', 'pause', 'hold its deliveries back until it is enabled again'],
  ['verify', 'verify', 'send the signed challenge; an endpoint that answers it is enabled'],
] as const

/** `billhook endpoints`: where events are sent. */
export function addEndpoints(program: Command, io: CliIo): void {
  const endpoints = program.command('endpoints').description('manage endpoints: where events are sent')
  withAccount(endpoints.command('list'))
    .description('list endpoints')
    .action(async ({ account, json }: SendingOptions) => {
      const answer = await withApi(io, (call) => call('GET', accountPath(account, 'endpoints')))
      printList(io, answer, ['id', 'state', 'dialect', 'url', 'event_types'], json)
    })
  withAccount(endpoints.command('show'))
    .description('show an endpoint, with its health')
    .argument('<id>')
    .action(async (id: string, { account, json }: SendingOptions) => {
      printOne(io, await withApi(io, (call) => call('GET', accountPath(account, 'endpoints', id))), json)
    })
  addCreate(endpoints, io)
  for (const [action, path, description] of ACTIONS) {
    withAccount(endpoints.command(action))
      .description(description)
      .argument('<id>')
      .action(async (id: string, { account, json }: SendingOptions) => {
        printOne(io, await withApi(io, (call) => call('POST', accountPath(account, 'endpoints', id, path), {})), json)
      })
  }
  addTest(endpoints, io)
  withAccount(endpoints.command('remove'))
    .description('remove an endpoint')
    .argument('<id>')
    .action(async (id: string, { account }: SendingOptions) => {
      await withApi(io, (call) => call('DELETE', accountPath(account, 'endpoints', id)))
    })
}

function addCreate(endpoints: Command, io: CliIo): void {
  withAccount(endpoints.command('create'))
    .description('register an endpoint; its secret is shown only now')
    .argument('<url>')
    .requiredOption('--dialect <id>', 'in which dialect and API version it is told')
    .option('--type <type>', 'an event type, prefix.* or *; may be repeated', collect, [])
    .option('--description <text>')
    .option('--id <id>', 'its id (default: generated)')
    .option('--secret <text>', 'its secret (default: generated)')
    .option('--ordered', 'deliver events of one subject one after another')
    .action(async (url: string, options: CreateOptions) => {
      const { account, dialect, type, description, id, secret, ordered, json } = options
      const types = type.length === 0 ? ['*'] : type
      const body = bodyOf({ url, dialect, event_types: types, description, id, secret, ordered })
      printOne(io, await withApi(io, (call) => call('POST', accountPath(account, 'endpoints'), body)), json)
    })
  withAccount(endpoints.command('rotate-secret'))
    .description('create a new secret, shown only now; the previous one stays in use as the dialect’s rule says')
    .argument('<id>')
    .option('--secret <text>', 'the new secret (default: generated)')
    .action(async (id: string, { account, secret, json }: SendingOptions & { readonly secret?: string }) => {
      const path = accountPath(account, 'endpoints', id, 'rotate_secret')
      printOne(io, await withApi(io, (call) => call('POST', path, bodyOf({ secret }))), json)
    })
}

function addTest(endpoints: Command, io: CliIo): void {
  withAccount(endpoints.command('test'))
    .description('send a test event: a sample of the type, in the endpoint’s dialect')
    .argument('<id>')
    .option('--type <type>', 'the event type (default: one of the endpoint’s own)')
    .action(async (id: string, { account, type, json }: SendingOptions & { readonly type?: string }) => {
      const path = accountPath(account, 'endpoints', id, 'test')
      printOne(io, await withApi(io, (call) => call('POST', path, bodyOf({ type }))), json)
    })
  withAccount(endpoints.command('types'))
    .description('list the event types that an endpoint can ask for')
    .option('--dialect <id>', 'of this dialect (default: the account’s own)')
    .action(async ({ account, dialect, json }: SendingOptions & { readonly dialect?: string }) => {
      const path = accountPath(account, 'event_types') + queryText({ dialect })
      printList(io, await withApi(io, (call) => call('GET', path)), ['type', 'meaning'], json)
    })
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
