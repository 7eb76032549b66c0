import type { Command } from 'commander'
import { withApi } from './api_client.ts'
import { accountPath, bodyOf, jsonArgument, printList, printOne, queryText, withAccount } from './billing_io.ts'
import type { SendingOptions } from './billing_io.ts'
import { UsageError } from './io.ts'
import type { CliIo } from './io.ts'

interface ListOptions extends SendingOptions {
  readonly type?: string
  readonly customer?: string
  readonly endpoint?: string
  readonly state?: string
  readonly from?: string
  readonly until?: string
  readonly limit?: string
  readonly cursor?: string
}

interface PublishOptions extends SendingOptions {
  readonly key?: string
  readonly customer?: string
  readonly subject?: string
  readonly endpoint?: string
  readonly dialect?: string
}

/** `billhook events`: what was published and what became of it. */
export function addEvents(program: Command, io: CliIo): void {
  const events = program.command('events').description('show what was published, and what became of it')
  addList(events, io)
  withAccount(events.command('show'))
    .description('show an event, with its deliveries and attempts')
    .argument('<id>', 'our id, or the one that receivers see')
    .action(async (id: string, { account, json }: SendingOptions) => {
      printOne(io, await withApi(io, (call) => call('GET', accountPath(account, 'events', id))), json)
    })
  withAccount(events.command('why'))
    .description('say why an event did, or did not, reach its endpoints')
    .argument('<id>')
    .option('--endpoint <id>', 'only this endpoint')
    .action(async (id: string, { account, endpoint, json }: ListOptions) => {
      const path = accountPath(account, 'events', id, 'why') + queryText({ endpoint })
      printList(io, await withApi(io, (call) => call('GET', path)), ['endpoint', 'code', 'words'], json)
    })
  withAccount(events.command('replay'))
    .description('send again: one delivery or, with --since, all that an endpoint missed')
    .argument('[id]', 'the event')
    .requiredOption('--endpoint <id>', 'the endpoint')
    .option('--since <instant>', 'all events since then that did not arrive, ISO 8601')
    .action(async (id: string | undefined, options: SendingOptions & { endpoint: string; since?: string }) => {
      const { account, endpoint, since, json } = options
      if ((id === undefined) === (since === undefined))
        throw new UsageError('replay needs either an event or --since, not both')
      const answer = await withApi(io, (call) =>
        id === undefined
          ? call('POST', accountPath(account, 'replays'), bodyOf({ endpoint, from: since }))
          : call('POST', accountPath(account, 'events', id, 'deliveries', endpoint, 'replay'), {}),
      )
      printOne(io, answer, json)
    })
}

function addList(events: Command, io: CliIo): void {
  withAccount(events.command('list'))
    .description('search events, newest first; with --endpoint or --state, deliveries')
    .option('--type <type>', 'an exact type, or prefix.*')
    .option('--customer <id>')
    .option('--endpoint <id>')
    .option('--state <state>', 'pending, delivered, exhausted, skipped or held')
    .option('--from <instant>', 'inclusive, ISO 8601')
    .option('--until <instant>', 'exclusive, ISO 8601')
    .option('--limit <n>', 'how many per page')
    .option('--cursor <text>', 'show the page after this cursor')
    .action(async (options: ListOptions) => {
      const { account, json, ...query } = options
      const deliveries = query.endpoint !== undefined || query.state !== undefined
      const path = accountPath(account, deliveries ? 'deliveries' : 'events') + queryText({ ...query })
      const members = deliveries
        ? ['event', 'endpoint', 'type', 'state', 'made', 'last_status', 'customer']
        : ['id', 'type', 'created_at', 'customer', 'subject']
      printList(io, await withApi(io, (call) => call('GET', path)), members, json)
    })
}

/** `billhook publish`: publishes an event. */
export function addPublish(program: Command, io: CliIo): void {
  withAccount(program.command('publish'))
    .description('publish an event; it is durable when the command ends')
    .argument('<type>', 'for example order.paid')
    .argument('[data]', 'its data: JSON, or @file', '{}')
    .option('--key <key>', 'the same key again publishes nothing')
    .option('--customer <id>')
    .option('--subject <id>', 'what it is about; ordered endpoints keep the order of one subject')
    .option('--endpoint <id>', 'send it to this endpoint only')
    .option('--dialect <id>', 'the event’s dialect; data is then the whole body')
    .action(async (type: string, data: string, options: PublishOptions) => {
      const { account, json, ...rest } = options
      const body = { type, data: jsonArgument(data), ...bodyOf({ ...rest }) }
      printOne(io, await withApi(io, (call) => call('POST', accountPath(account, 'events'), body)), json)
    })
}
