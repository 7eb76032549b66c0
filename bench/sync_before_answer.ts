/**
 * Proves that a delivery is synced to the disk before it is answered, which no killed process can show: the real server on
 * the embedded store runs under strace, is sent deliveries one by one, and for each of them the system calls must come in
 * this order: the request is read, the write-ahead log is written, a sync of it has ended, `200` is written. Then the same
 * with syncs turned off: now the check must fail. Exits 0 only if the first holds and the second fails.
 *
 *     node bench/sync_before_answer.ts [deliveries]      Linux; needs strace (Debian, Ubuntu: apt-get install strace)
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { makeDeliveries, post } from './ingest_load.ts'

const DELIVERIES = Number(process.argv[2] ?? 50)
const CALLS = 'read,recvfrom,write,writev,sendto,sendmsg,pwrite64,pwritev,fsync,fdatasync'
const START_MS = 60_000

interface Order {
  /** Requests that were answered with 200. */
  readonly answered: number
  /** Those of them before whose answer the log was written and its sync had ended. */
  readonly synced: number
}

function path(file: string): string {
  return fileURLToPath(new URL(`./${file}`, import.meta.url))
}

/** Sends deliveries to a server under strace, and reads what it did. */
async function trace(nodeOptions: readonly string[]): Promise<Order> {
  const folder = mkdtempSync(join(tmpdir(), 'billhook-sync-'))
  const log = join(folder, 'trace')
  const settings = JSON.stringify({ BILLHOOK_DATA_FOLDER: join(folder, 'data') })
  const node = [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    ...nodeOptions,
    path('ingest_server.ts'),
    settings,
  ]
  const child = spawn('strace', ['-f', '-y', '-s', '64', '-e', `trace=${CALLS}`, '-o', log, ...node], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  try {
    const url = await new Promise<string>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('the server under strace does not start')), START_MS)
      child.once('message', (message: { readonly url: string }) => {
        clearTimeout(late)
        resolve(message.url)
      })
      child.once('exit', (code) => reject(new Error(`strace ended with ${code}: may this user trace processes?`)))
    })
    const pool = new Pool(url, { connections: 1, pipelining: 1 })
    for (const delivery of makeDeliveries(DELIVERIES)) await post(pool, delivery)
    await pool.close()
    child.send('stop')
    await gone
    return judge(readFileSync(log, 'utf8'))
  } finally {
    // Ends the server too: it lives as long as its parent's channel.
    if (child.connected) child.disconnect()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Reads a trace: how many answers there are, and before how many of them the order was kept. */
function judge(text: string): Order {
  const begun = new Map<string, string>()
  let state: 'idle' | 'read' | 'written' | 'synced' = 'idle'
  let answered = 0
  let synced = 0
  for (const line of text.split('\n')) {
    const call = whole(line, begun)
    if (call === null) continue
    if (/^(read|recvfrom)\(.*"POST \/in\//.test(call)) state = 'read'
    else if (state === 'read' && /^pwrite(64|v)\(\d+<[^>]*billhook\.db-wal>/.test(call)) state = 'written'
    else if (state === 'written' && /^(fsync|fdatasync)\(\d+<[^>]*billhook\.db(-wal)?>.* = 0$/.test(call))
      state = 'synced'
    else if (state !== 'idle' && /^(write|writev|sendto|sendmsg)\(.*"HTTP\/1\.1 200 /.test(call)) {
      answered += 1
      if (state === 'synced') synced += 1
      state = 'idle'
    }
  }
  return { answered, synced }
}

/**
 * A system call that has ended, at the place in the order where it ended; null while it runs. A call that another thread's
 * call interrupts in the trace comes in two parts. An answer counts from where it begins.
 */
function whole(line: string, begun: Map<string, string>): string | null {
  const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
  const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest)?.[1]
  if (unfinished !== undefined) {
    begun.set(thread, unfinished)
    return /^(write|send)/.test(unfinished) ? unfinished : null
  }
  const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest)
  if (resumed === null) return rest
  const head = begun.get(thread) ?? ''
  begun.delete(thread)
  return /^(write|send)/.test(head) ? null : head + (resumed[2] ?? '')
}

if (spawnSync('strace', ['-V'], { stdio: 'ignore' }).status !== 0) {
  console.error(
    'strace is missing. Install it (Debian, Ubuntu: apt-get install strace; Fedora: dnf install strace; Linux only) and try again.',
  )
  process.exit(2)
}
const on = await trace([])
const off = await trace(['--import', path('sync_off.ts')])
const isHeld = on.answered === DELIVERIES && on.synced === DELIVERIES
const isNoticed = off.answered === DELIVERIES && off.synced === 0
console.log(
  `as it is:         ${on.answered} answers of ${DELIVERIES}, ${on.synced} after a sync: ${isHeld ? 'holds' : 'FAILS'}`,
)
console.log(
  `syncs turned off: ${off.answered} answers of ${DELIVERIES}, ${off.synced} after a sync: ${isNoticed ? 'the check fails, as it must' : 'the check DOES NOT NOTICE'}`,
)
process.exit(isHeld && isNoticed ? 0 : 1)
