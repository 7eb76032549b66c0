/**
 * A real server of the ingest benchmarks, in a process of its own: what `billhook start` runs, with two sources. It tells
 * its parent its URL, and what it is asked for.
 *
 *     node bench/ingest_server.ts <settings as JSON>
 */
import { parseConfig } from '../src/app/config.ts'
import { createApp, MAIN_ACCOUNT } from '../src/app/create.ts'
import { startServer } from '../src/server/server.ts'
import { SOURCES } from './ingest_load.ts'

const settings = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>
const app = await createApp(
  parseConfig({ BILLHOOK_PORT: '0', BILLHOOK_DEMO: 'false', BILLHOOK_LOG_LEVEL: 'error', ...settings }),
)
const { sources } = app.inbox
const known = new Set((await sources.list(MAIN_ACCOUNT)).map(({ name }) => name))
for (const { name, dialect, secret } of SOURCES) {
  if (!known.has(name)) await sources.create({ account: MAIN_ACCOUNT, name, dialect, secrets: [secret] })
}
const { text: key } = await app.keys.create({ account: MAIN_ACCOUNT, name: 'bench', scope: 'read' })
const server = await startServer(app)
await app.start()

process.on('message', (message) => {
  void answer(String(message))
})
process.on('disconnect', () => process.exit(0))
process.send?.({ url: server.url, key })

async function answer(question: string): Promise<void> {
  if (question === 'usage') process.send?.({ ...process.resourceUsage(), ...process.memoryUsage() })
  if (question === 'backlog') process.send?.({ backlog: await app.inbox.store.received.backlog() })
  if (question === 'stop') {
    await server.close(1_000)
    await app.close()
    process.exit(0)
  }
}
