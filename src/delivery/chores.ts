import { messageOf } from '../model/error.ts'
import { addMs } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Notice } from '../ports/delivery_chores.ts'
import type { EndpointHealthKeeper } from './health.ts'
import { NOTICE_RETRY_MS, NOTICE_TRIES_MAX, REPLAY_STEP, STORAGE_CHORE_MS } from './limits.ts'
import type { DeliveryOptions } from './limits.ts'
import { timeOf } from './ports.ts'
import type { DeliveryPorts } from './ports.ts'

const HEALTH_MAX = 100
const NOTICES_MAX = 20

/** What a node does beside delivering: failing endpoints, mails, replays, partitions and retention. */
export class Chores {
  readonly #ports: DeliveryPorts
  readonly #options: DeliveryOptions
  readonly #health: EndpointHealthKeeper
  readonly #onReplayed: () => void
  #storageAt: Instant | null = null

  constructor(
    ports: DeliveryPorts,
    options: DeliveryOptions,
    health: EndpointHealthKeeper,
    /** Deliveries became due. */
    onReplayed: () => void,
  ) {
    this.#ports = ports
    this.#options = options
    this.#health = health
    this.#onReplayed = onReplayed
  }

  /** One round; true if there is more to do at once. */
  async run(): Promise<boolean> {
    const now = this.#ports.clock.now()
    for (const due of await this.#ports.endpoints.healthDue(now, HEALTH_MAX)) await this.#health.check(due, now, 'real')
    await this.mail(now)
    const more = await this.replay(null)
    await this.#storage(now)
    return more
  }

  /** Makes the next step of a running replay; true if one runs on. */
  async replay(account: string | null): Promise<boolean> {
    const { chores, clock } = this.#ports
    const replay = await chores.stepReplay({
      account,
      limit: REPLAY_STEP,
      now: async (id) => {
        const found = await this.#ports.account(id, null)
        return found === null ? clock.now() : timeOf(found, clock.now())
      },
    })
    if (replay === null) return false
    this.#onReplayed()
    return true
  }

  /** Sends the mails that are due. */
  async mail(now: Instant): Promise<void> {
    const notices = await this.#ports.chores.claimNotices(now, addMs(now, NOTICE_RETRY_MS), NOTICES_MAX)
    for (const notice of notices) await this.#send(notice, now)
  }

  async #send(notice: Notice, now: Instant): Promise<void> {
    const { key, to, subject, text } = notice
    try {
      await this.#ports.mailer.send({ to, subject, text, html: null, key, headers: {} })
      await this.#ports.chores.dropNotice(key)
    } catch (error) {
      const last = notice.tries + 1 >= NOTICE_TRIES_MAX
      this.#ports.logger.warn({ key, error: messageOf(error), last }, 'a mail could not be sent')
      if (last) await this.#ports.chores.dropNotice(key)
      else await this.#ports.chores.delayNotice(key, addMs(now, NOTICE_RETRY_MS))
    }
  }

  async #storage(now: Instant): Promise<void> {
    if (this.#storageAt !== null && now - this.#storageAt < STORAGE_CHORE_MS) return
    this.#storageAt = now
    await this.#ports.chores.prepareStorage(now)
    const dropped = await this.#ports.chores.dropBefore(addMs(now, -this.#options.retentionMs))
    if (dropped.length > 0) this.#ports.logger.info({ dropped }, 'old events dropped')
  }
}
