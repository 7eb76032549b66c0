/** One item that waits to be durable. */
interface Waiting<T> {
  readonly item: T
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/** How items are written together. */
export interface GroupCommitOptions<T> {
  /** Writes all of them or none; they are durable when it resolves. */
  readonly write: (items: readonly T[]) => Promise<void>
  /** Most items of one write. */
  readonly maxItems: number
  /** Most writes at a time. On PostgreSQL a second one hides the round trip of the first. */
  readonly maxWrites: number
  /** Most items that may wait. More are refused, so that memory stays bounded while the store is slow. */
  readonly maxWaiting: number
}

/**
 * Lets concurrent requests share a flush to disk.
 *
 * Idle: an item is written at the end of this turn of the event loop, together with whatever else arrived in the turn.
 * Writing: items gather; when a write ends, the next one takes up to `maxItems` of them, oldest first. A write that
 * fails fails each of its items, and no others.
 */
export class GroupCommit<T> {
  readonly #options: GroupCommitOptions<T>
  #waiting: Waiting<T>[] = []
  #writes = 0
  #scheduled = false

  constructor(options: GroupCommitOptions<T>) {
    this.#options = options
  }

  /** Whether items wait or are being written. False by the time the promises of the last write resolve. */
  get isBusy(): boolean {
    return this.#waiting.length > 0 || this.#writes > 0
  }

  /** @returns null if too many wait already; else a promise that resolves when the item is durable */
  add(item: T): Promise<void> | null {
    if (this.#waiting.length >= this.#options.maxWaiting) return null
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled || this.#writes >= this.#options.maxWrites) return
    this.#scheduled = true
    // After all sockets that can be read in this turn: their requests join.
    setImmediate(() => {
      this.#scheduled = false
      void this.#write()
    })
  }

  async #write(): Promise<void> {
    const batch = this.#waiting.splice(0, this.#options.maxItems)
    if (batch.length === 0) return
    this.#writes += 1
    if (this.#waiting.length > 0) this.#schedule()
    try {
      await this.#options.write(batch.map(({ item }) => item))
      for (const { resolve } of batch) resolve()
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      this.#writes -= 1
      if (this.#waiting.length > 0) this.#schedule()
    }
  }
}
