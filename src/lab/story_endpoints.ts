import type { Sending } from '../app/sending/create_sending.ts'
import { BillhookError } from '../model/error.ts'
import type { Effect } from './effects.ts'
import type { OtherServers } from './other_endpoints.ts'
import type { Receiver } from './receiver.ts'
import type { StorySettings } from './settings.ts'
import { STORY_ACCOUNT } from './world.ts'

/** Effects on endpoints and their servers. */
type EndpointEffect = Extract<Effect, { readonly kind: 'endpoint' | 'endpoint_state' | 'retry_delivery' }>

/** How the receiver's own endpoint is registered. */
export interface OwnEndpoint {
  readonly url: string
  readonly dialect: string
  readonly eventTypes: readonly string[]
  /** Null for dialects that sign with a key pair. */
  readonly secret: string | null
}

/** The account's endpoints, by the names that the story has for them, and the servers behind them. */
export class StoryEndpoints {
  readonly #delivery: Sending['delivery']
  readonly #receiver: Receiver
  readonly #servers: OtherServers
  #own = ''
  #ownName: string | null = null
  readonly #others = new Map<string, string>()

  constructor(delivery: Sending['delivery'], receiver: Receiver, servers: OtherServers) {
    this.#delivery = delivery
    this.#receiver = receiver
    this.#servers = servers
  }

  /** The receiver's own endpoint. */
  get own(): string {
    return this.#own
  }

  async create({ url, dialect, eventTypes, secret }: OwnEndpoint, told: StorySettings): Promise<void> {
    const { endpoints } = this.#delivery
    const retry = told.retry === null ? {} : { retry: told.retry }
    const signed = secret === null ? {} : { secret }
    const own = await endpoints.create(STORY_ACCOUNT, { url, dialect, eventTypes, ...signed, ...retry })
    this.#own = own.endpoint.id
    this.#ownName = told.ownEndpoint
    for (const { acknowledgement: _answer, name, ...other } of told.others) {
      const { endpoint } = await endpoints.create(STORY_ACCOUNT, { ...other, dialect, ...retry })
      this.#others.set(name, endpoint.id)
    }
  }

  async perform(effect: EndpointEffect): Promise<void> {
    const id = this.#idOf(effect.endpoint)
    switch (effect.kind) {
      case 'endpoint': {
        const { status, until, endpoint } = effect
        if (id === this.#own) this.#receiver.answersWith({ status, until })
        else this.#servers.answersWith(endpoint ?? '', { status, until })
        return
      }
      case 'endpoint_state':
        if (effect.state === 'enabled') await this.#delivery.endpoints.enable(STORY_ACCOUNT, id)
        else await this.#delivery.endpoints.disable(STORY_ACCOUNT, id)
        return
      case 'retry_delivery': {
        const type = effect.type === null ? {} : { type: effect.type }
        await this.#delivery.replays.create(STORY_ACCOUNT, { endpoint: id, states: ['pending'], ...type })
      }
    }
  }

  /** Where a story knows one endpoint only, any name is that one's. */
  #idOf(name: string | null): string {
    if (name === null || name === this.#ownName || this.#others.size === 0) return this.#own
    const id = this.#others.get(name)
    if (id !== undefined) return id
    const known = [...(this.#ownName === null ? [] : [this.#ownName]), ...this.#others.keys()]
    throw new BillhookError(
      'scenario_invalid',
      `endpoint ${JSON.stringify(name)} is not known; the known ones are ${known.join(', ')}`,
    )
  }
}
