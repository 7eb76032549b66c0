import type { Random } from '../ports/random.ts'
import type { HttpClient, HttpOutcome, HttpRequest } from '../ports/http.ts'

/** What the network between the two ends does to deliveries. */
export interface NetworkFaults {
  /** Holds deliveries back and hands them over in random order when {@link FaultyNetwork.flush} is called. */
  readonly shuffle: boolean
  /** Hands each delivery over twice, and all of them once more at a flush. */
  readonly duplicate: boolean
  /** Loses the first attempt at each delivery. */
  readonly dropFirst: boolean
  /** Sends a copy with one changed byte ahead of each delivery. */
  readonly tamper: boolean
  /** How long the receiver's answer takes, in milliseconds: longer than the sender waits, and it tries again. */
  readonly slowMs: number
}

/** A network that delivers everything once, in order. */
export const NO_FAULTS: NetworkFaults = {
  shuffle: false,
  duplicate: false,
  dropFirst: false,
  tamper: false,
  slowMs: 0,
}

/** A forged copy that reached the receiver, and what it answered. */
export interface Forgery {
  readonly status: number
  /** True if what the receiver knows was another after it. */
  readonly changed: boolean
}

/** No story has more deliveries than this in one step. */
const MAX_HELD = 100_000

/** Forges a copy of a request: changed bytes, or other signatures. Null: this request cannot be forged in this way. */
export type Forge = (request: HttpRequest) => HttpRequest | null

/**
 * A network in one process: requests go to the receiver as a function. It can lose, repeat, reorder, change and delay
 * them, from a seed, so that a run can be repeated.
 */
export class FaultyNetwork implements HttpClient {
  readonly #receiver: (request: HttpRequest) => Promise<HttpOutcome>
  readonly #faults: NetworkFaults
  readonly #random: Random
  readonly #forges: readonly Forge[]
  readonly #knowledge: () => Promise<string>
  readonly #healthy: () => boolean
  /** Deliveries that have been tried before, by their body: only the first attempt is lost. */
  readonly #tried = new Set<string>()
  /** Deliveries whose first attempt was lost and that did not arrive since. */
  readonly #lost = new Set<string>()
  #held: HttpRequest[] = []
  readonly #forgeries: Forgery[] = []

  constructor(
    receiver: (request: HttpRequest) => Promise<HttpOutcome>,
    settings: {
      readonly faults: NetworkFaults
      readonly random: Random
      readonly forges: readonly Forge[]
      /** Whether the receiver's server answers at all: what it refuses is not held back, but refused. */
      readonly healthy: () => boolean
      /** What the receiver knows, as a text that is another when that is. */
      readonly knowledge: () => Promise<string>
    },
  ) {
    this.#receiver = receiver
    this.#knowledge = settings.knowledge
    this.#healthy = settings.healthy
    this.#faults = settings.faults
    this.#random = settings.random
    this.#forges = settings.forges
  }

  /** Every forged copy so far. */
  get forgeries(): readonly Forgery[] {
    return this.#forgeries
  }

  /** How many lost deliveries have not arrived yet. */
  get outstanding(): number {
    return this.#lost.size
  }

  async send(request: HttpRequest): Promise<HttpOutcome> {
    await this.#forge(request)
    const key = `${request.url}\n${Buffer.from(request.body ?? new Uint8Array()).toString('base64')}`
    const first = !this.#tried.has(key)
    this.#tried.add(key)
    if (this.#faults.dropFirst && first) {
      this.#lost.add(key)
      return lost()
    }
    this.#lost.delete(key)
    if (this.#faults.shuffle && this.#healthy()) return this.#hold(request)
    const outcome = await this.#receiver(request)
    if (this.#faults.duplicate) {
      await this.#receiver(request)
      this.#hold(request)
    }
    if (this.#faults.slowMs > request.timeoutMs && first) {
      this.#lost.add(key)
      return tooSlow(request.timeoutMs)
    }
    return outcome
  }

  /** Hands over what is held back, in random order. */
  async flush(): Promise<void> {
    const held = this.#held
    this.#held = []
    for (let i = held.length - 1; i > 0; i -= 1) {
      const j = Math.floor(this.#random.fraction() * (i + 1))
      const [a, b] = [held[i], held[j]]
      if (a !== undefined && b !== undefined) [held[i], held[j]] = [b, a]
    }
    for (const request of held) await this.#receiver(request)
  }

  #hold(request: HttpRequest): HttpOutcome {
    if (this.#held.length < MAX_HELD) this.#held.push(request)
    return taken()
  }

  async #forge(request: HttpRequest): Promise<void> {
    for (const forge of this.#forges) {
      const forged = forge(request)
      if (forged === null) continue
      const before = await this.#knowledge()
      const outcome = await this.#receiver(forged)
      const changed = (await this.#knowledge()) !== before
      this.#forgeries.push({ status: outcome.ok ? outcome.status : 0, changed })
    }
  }
}

/** Flips one bit of one byte of the body, chosen at random. */
export function tampering(random: Random): Forge {
  return (request) => {
    const body = request.body
    if (body === null || body.length === 0) return null
    const changed = body.slice()
    const at = Math.floor(random.fraction() * changed.length)
    changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(random.fraction() * 8))
    return { ...request, body: changed }
  }
}

const TIMING = { connectMs: 0, firstByteMs: 0, totalMs: 0 } as const

function taken(): HttpOutcome {
  return { ok: true, status: 200, headers: {}, body: new Uint8Array(), truncated: false, timing: TIMING }
}

function lost(): HttpOutcome {
  return { ok: false, reason: 'reset', detail: 'the delivery was lost on the way', timing: TIMING }
}

function tooSlow(timeoutMs: number): HttpOutcome {
  return {
    ok: false,
    reason: 'timeout',
    detail: `no answer within ${timeoutMs} ms`,
    timing: { ...TIMING, totalMs: timeoutMs },
  }
}
