/** The command line's entry: wires the process to {@link runCli}. */
import { enableCompileCache } from 'node:module'
import { EXIT } from './io.ts'

enableCompileCache()
// After the cache is on, so that everything else is compiled through it.
const { runCli } = await import('./program.ts')

const controller = new AbortController()
let asked = 0
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    asked += 1
    controller.abort()
    // Whoever asks twice means it.
    if (asked > 1) process.exit(EXIT.failed)
  })
}

process.exitCode = await runCli(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  env: process.env,
  signal: controller.signal,
})
