import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { parseConfig, printConfig, unknownSettings } from '../app/config.ts'
import type { Config } from '../app/config.ts'
import { createApp, MAIN_ACCOUNT } from '../app/create.ts'
import type { App } from '../app/create.ts'
import { createQuietLog } from '../app/quiet_log.ts'
import { aborted } from '../app/shutdown.ts'
import type { PublicKeyLookup } from '../dialects/dialect.ts'
import { messageOf } from '../model/error.ts'
import { createLocalApi, startServer } from '../server/server.ts'
import { ask, forgetUrl, noteUrl } from './api_client.ts'
import type { CliIo } from './io.ts'

/** `billhook start`: serves until it is asked to end. Prints its URL on standard output. */
export function addStart(program: Command, io: CliIo): void {
  program
    .command('start')
    .description('start the server')
    .option('--port <number>', 'overrides BILLHOOK_PORT; 0 takes any free port')
    .option('--data-folder <path>', 'overrides BILLHOOK_DATA_FOLDER')
    .option('--no-demo', 'do not play the demonstration if the store is empty')
    .action(async (options: StartOptions) => {
      await serve(configOf(options, io), io)
    })
  program
    .command('config')
    .description('print every setting with its value, without secrets')
    .action(() => {
      io.out(printConfig(io.env))
      parseConfig(io.env)
      warnOfTypos(io)
    })
}

interface StartOptions {
  readonly port?: string
  readonly dataFolder?: string
  readonly demo: boolean
}

function configOf(options: StartOptions, io: CliIo): Config {
  warnOfTypos(io)
  return parseConfig({
    ...io.env,
    ...(options.port === undefined ? {} : { BILLHOOK_PORT: options.port }),
    ...(options.dataFolder === undefined ? {} : { BILLHOOK_DATA_FOLDER: options.dataFolder }),
    ...(options.demo ? {} : { BILLHOOK_DEMO: 'false' }),
  })
}

function warnOfTypos(io: CliIo): void {
  for (const name of unknownSettings(io.env)) io.err(`billhook: unknown setting ${name}; see billhook config\n`)
}

async function serve(config: Config, io: CliIo): Promise<void> {
  const keySets = new Map<string, PublicKeyLookup>()
  const { log, quietly } = createQuietLog(config.logLevel)
  const app = await createApp(config, { log, publicKeys: (url) => keySets.get(url) ?? null })
  try {
    const server = await startServer(app)
    try {
      await app.start()
      noteUrl(config, server.url)
      io.out(`${server.url}\n`)
      if (app.newKeyFile !== null) io.err(`billhook: the first API key is in ${app.newKeyFile}\n`)
      if (config.demo && (await isEmpty(app))) await quietly(() => playDemonstration(app, server.url, { io, keySets }))
      await aborted(io.signal)
    } finally {
      forgetUrl(config)
      await server.close(config.shutdownTimeoutMs)
    }
  } finally {
    await app.close()
  }
}

async function isEmpty({ inbox }: App): Promise<boolean> {
  if ((await inbox.sources.list(MAIN_ACCOUNT)).length > 0) return false
  return (await inbox.store.received.listReceived({ account: MAIN_ACCOUNT, limit: 1 })).length === 0
}

/** A demonstration that fails is no reason not to serve. */
async function playDemonstration(
  app: App,
  url: string,
  { io, keySets }: { readonly io: CliIo; readonly keySets: Map<string, PublicKeyLookup> },
): Promise<void> {
  const { config, core } = app
  const local = createLocalApi(app)
  try {
    // Loaded only now: most starts have nothing to demonstrate.
    const [{ prepareDemo }, { playDemo }] = await Promise.all([
      import('../lab/demo/prepare_demo.ts'),
      import('../lab/demo/play_demo.ts'),
    ])
    const sources = await prepareDemo(core.clock.now(), tmpdir())
    await playDemo(sources, {
      url,
      api: (method, path, body) => ask(local, { method, path, body }),
      print: (line) => io.out(`${line}\n`),
      now: () => core.clock.now(),
      publish: (jwksUrl, keys) => keySets.set(jwksUrl, keys),
      keyCommand: `cat ${join(config.dataFolder, 'api_key')}`,
    })
  } catch (error) {
    io.err(`billhook: the demonstration failed: ${messageOf(error)}\n`)
  }
}
