/** Starts the servers of the ingest benchmarks as child processes and asks them how they are. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { SECRETS } from './ingest_load.ts'

export interface Usage {
  /** CPU time of the process so far, microseconds. */
  readonly cpuUs: number
  /** Bytes. */
  readonly rss: number
  readonly heapUsed: number
}

/** A server in a process of its own. */
export interface Served extends AsyncDisposable {
  readonly url: string
  /** For its API; empty where it has none. */
  readonly key: string
  readonly process: ChildProcess
  usage(): Promise<Usage>
  /** Deliveries that are not folded yet. */
  backlog(): Promise<number>
  /** @returns seconds until everything is folded */
  drained(): Promise<number>
  /** Without a word; resolves when the process is gone. */
  kill(): Promise<void>
}

/** Longer than this no start and no answer takes. */
const PATIENCE_MS = 60_000
/** Longer than this no backlog of a benchmark takes. */
const DRAIN_MS = 600_000

export function startBare(): Promise<Served> {
  return start('ingest_bare.ts', [JSON.stringify(SECRETS)])
}

/** @param settings environment of the server: its data folder, its database */
export function startBillhook(settings: Readonly<Record<string, string>>): Promise<Served> {
  return start('ingest_server.ts', [JSON.stringify(settings)])
}

async function start(module: string, args: readonly string[]): Promise<Served> {
  const profile = process.env['BENCH_PROFILE']
  const child = fork(new URL(`./${module}`, import.meta.url), args, {
    execArgv: [
      '--disable-warning=ExperimentalWarning',
      ...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]),
    ],
  })
  const { url, key } = await next<{ readonly url: string; readonly key: string }>(child, module)
  const ask = <T>(question: string): Promise<T> => {
    const answered = next<T>(child, module)
    child.send(question)
    return answered
  }
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const backlog = async (): Promise<number> => (await ask<{ readonly backlog: number }>('backlog')).backlog
  return {
    url,
    key,
    process: child,
    backlog,
    async usage() {
      const { userCPUTime, systemCPUTime, rss, heapUsed } = await ask<NodeJS.ResourceUsage & NodeJS.MemoryUsage>(
        'usage',
      )
      return { cpuUs: userCPUTime + systemCPUTime, rss, heapUsed }
    },
    async drained() {
      const begun = performance.now()
      while ((await backlog()) > 0) {
        if (performance.now() - begun > DRAIN_MS) throw new Error('folding does not come to an end')
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      return (performance.now() - begun) / 1000
    },
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.send('stop', () => undefined)
      await gone
    },
  }
}

function next<T>(child: ChildProcess, module: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => end(new Error(`${module} does not answer`)), PATIENCE_MS)
    const heard = (message: unknown): void => end(null, message)
    const left = (): void => end(new Error(`${module} has ended`))
    const end = (error: Error | null, message?: unknown): void => {
      clearTimeout(late)
      child.off('message', heard)
      child.off('exit', left)
      if (error === null) resolve(message as T)
      else reject(error)
    }
    child.once('message', heard)
    child.once('exit', left)
  })
}
