import type { Dialect } from '../dialects/dialect.ts'
import type { WorldDelivery } from './world.ts'
import type { Observation } from '../model/observations.ts'
import type { Inbox } from '../inbox/create_inbox.ts'
import type { Instant } from '../model/instant.ts'
import type { Clock } from '../ports/clock.ts'
import type { HttpOutcome, HttpRequest } from '../ports/http.ts'

/** How the receiver's server answers: with this status until an instant, and as the inbox says after it. */
export interface Acknowledgement {
  readonly status: number
  readonly until: Instant | null
}

interface Attempt {
  readonly at: Instant
  readonly status: number | null
  readonly signedWith: string | null
  readonly headers: Readonly<Record<string, string>>
}

const TIMING = { connectMs: 0, firstByteMs: 0, totalMs: 0 } as const

/** The receiving server of a story: the real inbox behind an answer that the story may spoil. */
export class Receiver {
  readonly #parts: {
    readonly inbox: Inbox
    readonly dialect: Dialect
    readonly account: string
    readonly clock: Clock
  }
  #acknowledgement: Acknowledgement
  readonly #attempts = new Map<
    string,
    { readonly type: string; readonly createdAt: Instant; readonly list: Attempt[] }
  >()
  readonly #customers = new Set<string>()
  readonly #secrets: string[] = []

  constructor(parts: {
    readonly inbox: Inbox
    readonly dialect: Dialect
    readonly account: string
    readonly acknowledgement: Acknowledgement
    readonly clock: Clock
  }) {
    this.#parts = parts
    this.#acknowledgement = parts.acknowledgement
  }

  /** Secrets by which attempts are told apart. */
  knows(secret: string): void {
    this.#secrets.push(secret)
  }

  answersWith(acknowledgement: Acknowledgement): void {
    this.#acknowledgement = acknowledgement
  }

  /** True if the server answers as the inbox says. */
  get healthy(): boolean {
    const { status, until } = this.#acknowledgement
    return status === 200 || (until !== null && this.#parts.clock.now() >= until)
  }

  /** The provider's ids of all customers that deliveries have named. */
  get customers(): ReadonlySet<string> {
    return this.#customers
  }

  /** Deliveries of a type in the order of their first arrival. */
  deliveries(type: string): readonly WorldDelivery[] {
    return [...this.#attempts.values()]
      .filter((one) => one.type === type)
      .map(({ list, createdAt }) => ({ type, createdAt, attempts: list }))
  }

  async take(request: HttpRequest): Promise<HttpOutcome> {
    const status = this.healthy ? await this.#receive(request) : this.#acknowledgement.status
    await this.#note(request, status)
    return { ok: true, status, headers: {}, body: new Uint8Array(), truncated: false, timing: TIMING }
  }

  async #receive({ headers, body }: HttpRequest): Promise<number> {
    const { inbox, account } = this.#parts
    const answer = await inbox.ingest.receive({ account, source: 'story', headers, body: body ?? new Uint8Array() })
    return answer.status
  }

  async #note({ headers, body }: HttpRequest, status: number): Promise<void> {
    const { dialect, clock } = this.#parts
    const sealed = { headers, body: body ?? new Uint8Array() }
    const read = dialect.read(sealed, { at: null, toleranceMs: null })
    if (!read.ok) return
    const { notification, dedupe } = read
    if (status === 200) this.#noteCustomers(dialect.decode(notification).observations)
    const signedWith = await this.#signedWith(sealed)
    const known = this.#attempts.get(dedupe) ?? {
      type: notification.type,
      createdAt: notification.createdAt ?? clock.now(),
      list: [],
    }
    this.#attempts.set(dedupe, known)
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
    known.list.push({ at: clock.now(), status, signedWith, headers: lower })
  }

  async #signedWith(sealed: { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array }) {
    for (const text of this.#secrets) {
      const keys = { secrets: [{ text, from: null, until: null }], publicKey: null }
      const verified = await this.#parts.dialect.verify(sealed, keys, { at: null, toleranceMs: null })
      if (verified.ok) return text
    }
    return null
  }

  #noteCustomers(observations: readonly Observation[]): void {
    for (const observation of observations) {
      const customer = customerOf(observation)
      if (customer !== null) this.#customers.add(customer)
    }
  }
}

/** The customer that an observation is about. */
function customerOf(observation: Observation): string | null {
  if (observation.kind === 'happening') return observation.customer
  if (observation.object === 'customer') return observation.id
  const value: object = observation.kind === 'snapshot' ? observation.value : observation.fields
  return 'customer' in value && typeof value.customer === 'string' ? value.customer : null
}
