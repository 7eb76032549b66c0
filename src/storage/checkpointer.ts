import { Worker } from 'node:worker_threads'

/** A pass begins so long after there is enough to copy, in milliseconds. */
const PAUSE_MS = 1_000

/** Enough to copy: a pass costs two syncs, however little it copies. */
const COMMITS_MIN = 20

/** Frames of a log that is worth beginning anew: 64 MiB. */
const FRAMES_MAX = 16_000

/** What a pass of the other thread found and did. */
interface Pass {
  /** Frames that the log holds. */
  readonly frames: number
}

/**
 * Copies the write-ahead log into the database file in a thread of its own. SQLite does that in the commit that makes the
 * log long, which then takes a tenth of a second, and everything else in this thread with it.
 *
 * A pass runs beside the writer, so at its end there may be more to copy, and a log that is never copied to its end grows
 * for ever. Once it is long, a short second pass is made while the writer waits, and the next commit begins the log anew.
 *
 * Modes: idle, waiting (something was committed), copying, off (closed, or the thread failed: SQLite then does it itself).
 */
export class Checkpointer {
  readonly #file: string
  readonly #pauseMs: number
  readonly #alone: (work: () => Promise<unknown>) => Promise<unknown>
  #worker: Worker | null = null
  #timer: NodeJS.Timeout | null = null
  #copying: Promise<void> | null = null
  #answer: ((pass: Pass | null) => void) | null = null
  #commits = 0
  #off = false

  /**
   * @param file the database file
   * @param alone runs work while no transaction does
   * @param pauseMs how long it waits for more to come after enough was committed
   */
  constructor(file: string, alone: (work: () => Promise<unknown>) => Promise<unknown>, pauseMs = PAUSE_MS) {
    this.#file = file
    this.#alone = alone
    this.#pauseMs = pauseMs
  }

  /** Something was committed. */
  committed(): void {
    this.#commits += 1
    if (this.#off || this.#commits < COMMITS_MIN || this.#timer !== null || this.#copying !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#commits = 0
      this.#copying = this.#copy().finally(() => (this.#copying = null))
    }, this.#pauseMs)
    this.#timer.unref()
  }

  /** Waits for the pass that runs, and lets the file go. No transaction may be waited for meanwhile. */
  async close(): Promise<void> {
    this.#off = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#copying
    const worker = this.#worker
    this.#worker = null
    if (worker === null) return
    const gone = new Promise((resolve) => worker.once('exit', resolve))
    worker.ref()
    worker.postMessage('close')
    await gone
  }

  async #copy(): Promise<void> {
    const pass = await this.#pass()
    if (pass === null || pass.frames < FRAMES_MAX || this.#off) return
    await this.#alone(() => this.#pass())
  }

  /** Null if the thread is no more. */
  #pass(): Promise<Pass | null> {
    if (this.#off) return Promise.resolve(null)
    this.#worker ??= this.#start()
    const worker = this.#worker
    return new Promise((resolve) => {
      this.#answer = resolve
      // The process must not end in the middle of a pass that the writer waits for.
      worker.ref()
      worker.postMessage('pass')
    })
  }

  #start(): Worker {
    // Beside this file, with its ending: `.ts` in the sources, `.js` in the package.
    const code = new URL(`./checkpoint_worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
    const worker = new Worker(code, { workerData: this.#file })
    worker.on('message', (message: unknown) => this.#answered(isPass(message) ? message : null))
    worker.on('error', () => this.#failed())
    worker.on('exit', () => this.#failed())
    return worker
  }

  #answered(pass: Pass | null): void {
    this.#worker?.unref()
    const answer = this.#answer
    this.#answer = null
    answer?.(pass)
  }

  #failed(): void {
    this.#off = true
    this.#worker = null
    this.#answered(null)
  }
}

function isPass(message: unknown): message is Pass {
  return typeof message === 'object' && message !== null && 'frames' in message && typeof message.frames === 'number'
}
