import { Command, CommanderError } from 'commander'
import { VERSION } from '../app/version.ts'
import { isBillhookError, messageOf } from '../model/error.ts'
import { ApiRefusal, EXIT, exitOf, UsageError } from './io.ts'
import type { CliIo, ExitCode } from './io.ts'
import { addOpen } from './open.ts'

/** Runs one command line (without the program's own name) and says how it ended. */
export async function runCli(args: readonly string[], io: CliIo): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok
  const end = (ended: ExitCode): void => {
    code = ended
  }
  const program = new Command('billhook')
    .description('Subscription-billing webhooks, both ends.')
    .version(VERSION, '--version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .showHelpAfterError('(see billhook <command> --help)')
  addOpen(program, io, end)
  // Other programs call `open` once for each request that they judge: it does without the rest.
  if (args[0] !== 'open') {
    const { addCommands } = await import('./commands.ts')
    addCommands(program, io, end)
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return explain(error, io)
  }
}

function explain(error: unknown, io: CliIo): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof UsageError) {
    io.err(`billhook: ${error.message}\n`)
    return EXIT.usage
  }
  if (error instanceof ApiRefusal) {
    io.err(`billhook: ${error.code}: ${error.message}\n`)
    return exitOf(error)
  }
  if (isBillhookError(error)) {
    io.err(`billhook: ${error.code}: ${error.message}\n`)
    return error.code === 'config_invalid' || error.status < 500 ? EXIT.usage : EXIT.failed
  }
  io.err(`billhook: ${messageOf(error)}\n`)
  return EXIT.failed
}
