import type { Notification } from '../dialects/dialect.ts'

/** Bytes of bodies; what was read of them takes several times as much memory. */
const MAX_BYTES = 4 * 1024 * 1024

/**
 * What deliveries say that were opened here and are not folded yet, so that the fold need not read and parse them again.
 * Only a short cut: what is not found is read from the store. Bounded; the oldest go first.
 */
export class OpenedDeliveries {
  readonly #byId = new Map<string, { readonly notification: Notification; readonly bytes: number }>()
  #bytes = 0

  /** @param bytes size of the body */
  add(id: string, notification: Notification, bytes: number): void {
    this.#byId.set(id, { notification, bytes })
    this.#bytes += bytes
    for (const oldest of this.#byId.keys()) {
      if (this.#bytes <= MAX_BYTES) return
      this.forget(oldest)
    }
  }

  find(id: string): Notification | null {
    return this.#byId.get(id)?.notification ?? null
  }

  forget(id: string): void {
    this.#bytes -= this.#byId.get(id)?.bytes ?? 0
    this.#byId.delete(id)
  }
}
