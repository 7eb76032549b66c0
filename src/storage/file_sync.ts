import { BillhookError, messageOf } from '../model/error.ts'

/** An open file that can be synced. */
export interface SyncableFile {
  datasync(): Promise<void>
  close(): Promise<void>
}

/**
 * Waits until what was written to a file is on the disk, off this thread. Callers that ask while a sync runs share the
 * next one: what they wrote may have come too late for the one that runs.
 */
export class FileSync {
  readonly #open: () => Promise<SyncableFile>
  #file: Promise<SyncableFile> | null = null
  #running: Promise<void> | null = null
  #next: Promise<void> | null = null
  #failure: BillhookError | null = null

  /** @param file opens it; it is there by the first {@link sync}, and stays the same file until {@link close} */
  constructor(file: () => Promise<SyncableFile>) {
    this.#open = file
  }

  /**
   * Resolves when everything that was written before the call is on the disk.
   *
   * @throws BillhookError `store_unavailable` if the disk fails, now or earlier: the system may have dropped what it could
   *   not write, so that a later success would prove nothing
   */
  async sync(): Promise<void> {
    if (this.#running === null) {
      this.#running = this.#sync().finally(() => (this.#running = null))
      return this.#running
    }
    this.#next ??= this.#running
      .catch(() => null)
      .then(() => {
        this.#next = null
        return this.sync()
      })
    return this.#next
  }

  /** Waits for the sync that runs. */
  async close(): Promise<void> {
    await (this.#next ?? this.#running)?.catch(() => null)
    const file = await this.#file?.catch(() => null)
    await file?.close()
  }

  async #sync(): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    this.#file ??= this.#open()
    const file = await this.#file
    try {
      await file.datasync()
    } catch (error) {
      const message = `the store's log could not be synced to the disk (${messageOf(error)}); start again when the disk is well`
      this.#failure = new BillhookError('store_unavailable', message, { cause: error })
      throw this.#failure
    }
  }
}
