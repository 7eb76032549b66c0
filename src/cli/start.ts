import type { Command } from 'commander'
import { parseConfig, printConfig, unknownSettings } from '../app/config.ts'
import type { Config } from '../app/config.ts'
import { createApp } from '../app/create.ts'
import { aborted } from '../app/shutdown.ts'
import { startServer } from '../server/server.ts'
import { forgetUrl, noteUrl } from './api_client.ts'
import type { CliIo } from './io.ts'

/** `billhook start`: serves until it is asked to end. Prints its URL on standard output. */
export function addStart(program: Command, io: CliIo): void {
  program
    .command('start')
    .description('serve: take deliveries in, answer who may use what')
    .option('--port <number>', 'instead of BILLHOOK_PORT; 0 takes any free one')
    .option('--data-folder <path>', 'instead of BILLHOOK_DATA_FOLDER')
    .option('--no-demo', 'do not show the work of an empty store')
    .action(async (options: StartOptions) => {
      await serve(configOf(options, io), io)
    })
  program
    .command('config')
    .description('print every setting and its value; secrets are not shown')
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
  for (const name of unknownSettings(io.env)) io.err(`billhook: there is no setting ${name}; see billhook config\n`)
}

async function serve(config: Config, io: CliIo): Promise<void> {
  const app = await createApp(config)
  try {
    const server = await startServer(app)
    try {
      await app.start()
      noteUrl(config, server.url)
      io.out(`${server.url}\n`)
      if (app.newKeyFile !== null) io.err(`billhook: the first API key is in ${app.newKeyFile}\n`)
      await aborted(io.signal)
    } finally {
      forgetUrl(config)
      await server.close(config.shutdownTimeoutMs)
    }
  } finally {
    await app.close()
  }
}
