import { BillhookError } from '../model/error.ts'
import type { Replay, ReplayFilter } from '../ports/delivery_chores.ts'
import type { DeliveryKey, DeliveryState } from '../ports/delivery_store.ts'
import { BASE62, deriveId } from '../wire/ids.ts'
import { timeOf } from './ports.ts'
import type { DeliveryPorts } from './ports.ts'

/** What a replay takes unless it is told otherwise: what did not arrive. */
const MISSED: readonly DeliveryState[] = ['exhausted', 'skipped']

const ANY: readonly DeliveryState[] = ['delivered', 'exhausted', 'skipped', 'held', 'pending']

const LIST_MAX = 100

/** Sends deliveries again: one, many by a filter, or all since an instant, as jobs in the store that any node goes on with. */
export class Replays {
  readonly #ports: DeliveryPorts
  readonly #wake: () => void

  constructor(ports: DeliveryPorts, wake: () => void) {
    this.#ports = ports
    this.#wake = wake
  }

  /**
   * Begins a replay. Its deliveries start their retry schedule again; ids and bodies stay the same.
   *
   * @throws BillhookError `not_found`, `invalid_request` if it would replay everything that ever was
   */
  async create(account: string, filter: Partial<ReplayFilter>): Promise<Replay> {
    const found = await this.#ports.account(account, null)
    if (found === null) throw new BillhookError('not_found', `there is no account ${account}`)
    if (filter.endpoint === undefined && filter.event === undefined && filter.from === undefined)
      throw new BillhookError('invalid_request', 'a replay needs an endpoint, an event or a start: give one of them')
    if (filter.states?.length === 0)
      throw new BillhookError('invalid_request', 'states is empty: leave it out for what did not arrive')
    const replay: Replay = {
      account,
      id: `rp_${deriveId(Buffer.from(this.#ports.random.bytes(32)).toString('hex'), BASE62, 24)}`,
      filter: {
        endpoint: filter.endpoint ?? null,
        event: filter.event ?? null,
        states: filter.states ?? MISSED,
        type: filter.type ?? null,
        customer: filter.customer ?? null,
        from: filter.from ?? null,
        until: filter.until ?? null,
      },
      state: 'running',
      replayed: 0,
      createdAt: timeOf(found, this.#ports.clock.now()),
      endedAt: null,
      cursor: null,
    }
    await this.#ports.chores.insertReplay(replay)
    this.#wake()
    return replay
  }

  /** Sends one delivery again, whatever became of it. */
  async one(key: DeliveryKey): Promise<Replay> {
    if ((await this.#ports.log.delivery(key)) === null)
      throw new BillhookError('not_found', `the event ${key.event} has no delivery to ${key.endpoint}`)
    return this.create(key.account, { event: key.event, endpoint: key.endpoint, states: ANY })
  }

  async get(account: string, id: string): Promise<Replay> {
    const replay = await this.#ports.chores.replay(account, id)
    if (replay === null) throw new BillhookError('not_found', `there is no replay ${id}`)
    return replay
  }

  list(account: string): Promise<readonly Replay[]> {
    return this.#ports.chores.replays(account, LIST_MAX)
  }

  /** Stops a replay; what it has made due already is delivered. @throws BillhookError `invalid_transition` if it has ended */
  async cancel(account: string, id: string): Promise<Replay> {
    const replay = await this.get(account, id)
    if (!(await this.#ports.chores.cancelReplay(account, id, this.#ports.clock.now())))
      throw new BillhookError('invalid_transition', `the replay ${id} is ${replay.state}: it cannot be canceled`)
    return this.get(account, id)
  }
}
