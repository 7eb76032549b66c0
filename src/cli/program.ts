import { Command, CommanderError } from 'commander'
import { isBillhookError, messageOf } from '../model/error.ts'
import { EXIT, UsageError } from './io.ts'
import type { CliIo, ExitCode } from './io.ts'
import { addAccess } from './access.ts'
import { addAccounts } from './accounts.ts'
import { ApiRefusal, exitOf } from './api_client.ts'
import { addBilling } from './billing.ts'
import { addClocks } from './clocks.ts'
import { addEndpoints } from './endpoints.ts'
import { addEvents, addPublish } from './events.ts'
import { addKeys, addReplay } from './manage.ts'
import { addOpen } from './open.ts'
import { addRun } from './run.ts'
import { addStart } from './start.ts'

/** Runs one command line (without the program's own name) and says how it ended. */
export async function runCli(args: readonly string[], io: CliIo): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok
  const end = (ended: ExitCode): void => {
    code = ended
  }
  const program = new Command('billhook')
    .description('Subscription-billing webhooks, both ends.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .showHelpAfterError('(billhook <command> --help shows what it takes)')
  addStart(program, io)
  addOpen(program, io, end)
  addRun(program, io, end)
  addAccess(program, io, end)
  addReplay(program, io)
  addKeys(program, io)
  addAccounts(program, io)
  addBilling(program, io)
  addClocks(program, io)
  addEndpoints(program, io)
  addEvents(program, io)
  addPublish(program, io)
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
