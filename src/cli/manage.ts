import type { Command } from 'commander'
import { isObject } from '../model/json.ts'
import { withApi } from './api_client.ts'
import { shown, UsageError } from './io.ts'
import type { CliIo } from './io.ts'

interface ReplayOptions {
  readonly source?: string
  readonly customer?: string
  readonly kind?: string
  readonly key?: string
}

/** `billhook replay`: tells what was told before to the reactions again. */
export function addReplay(program: Command, io: CliIo): void {
  program
    .command('replay')
    .description('fold a dead delivery again, or call the handlers again for facts')
    .argument('[delivery]', 'id of a delivery; without it, the options select facts')
    .option('--source <name>', 'facts of this source')
    .option('--customer <id>', 'facts about this customer of the provider')
    .option('--kind <kind>', 'facts of this kind')
    .option('--key <key>', 'one fact; needs --source')
    .action(async (delivery: string | undefined, options: ReplayOptions) => {
      const filter = { ...options }
      if (delivery !== undefined && Object.keys(filter).length > 0)
        throw new UsageError('replay takes a delivery or options, not both')
      if (delivery === undefined && Object.keys(filter).length === 0)
        throw new UsageError('replay needs a delivery, or at least one option that selects facts')
      const answer = await withApi(io, (call) =>
        delivery === undefined
          ? call('POST', '/v1/replay', filter)
          : call('POST', `/v1/deliveries/${encodeURIComponent(delivery)}/replay`, {}),
      )
      io.out(`${JSON.stringify(answer)}\n`)
    })
}

/** `billhook keys`: API keys. */
export function addKeys(program: Command, io: CliIo): void {
  const keys = program.command('keys').description('manage API keys')
  keys
    .command('create')
    .description('create an API key and print its text, which is shown only now')
    .argument('<name>')
    .option('--scope <scope>', 'read, write or admin', 'read')
    .action(async (name: string, options: { readonly scope: string }) => {
      const { text } = await withApi(io, (call) => call('POST', '/v1/keys', { name, scope: options.scope }))
      io.out(`${shown(text)}\n`)
    })
  keys
    .command('list')
    .description('list API keys')
    .action(async () => {
      const { data } = await withApi(io, (call) => call('GET', '/v1/keys'))
      for (const key of Array.isArray(data) ? data.filter(isObject) : []) {
        const { id, scope, name, revokedAt } = key
        io.out(`${shown(id)}\t${shown(scope)}\t${shown(name)}${revokedAt === null ? '' : '\trevoked'}\n`)
      }
    })
  keys
    .command('revoke')
    .description('revoke an API key')
    .argument('<id>')
    .action(async (id: string) => {
      await withApi(io, (call) => call('DELETE', `/v1/keys/${encodeURIComponent(id)}`))
    })
}
