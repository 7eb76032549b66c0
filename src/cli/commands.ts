import type { Command } from 'commander'
import { addAccess } from './access.ts'
import { addAccounts } from './accounts.ts'
import { addBilling } from './billing.ts'
import { addClocks } from './clocks.ts'
import { addEndpoints } from './endpoints.ts'
import { addEvents, addPublish } from './events.ts'
import { addKeys, addReplay } from './manage.ts'
import { addRun } from './run.ts'
import { addStart } from './start.ts'
import type { CliIo, ExitCode } from './io.ts'

/** Adds every command but `open`. */
export function addCommands(program: Command, io: CliIo, end: (code: ExitCode) => void): void {
  addStart(program, io)
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
}
