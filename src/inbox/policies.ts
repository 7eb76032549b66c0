import { addMs, SECOND_MS } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { JsonObject } from '../model/json.ts'
import { DEFAULT_POLICY, parsePolicy } from '../model/policy.ts'
import type { Policy } from '../model/policy.ts'
import { BillhookError } from '../model/error.ts'
import type { AccessStore } from '../ports/access_store.ts'
import type { Clock } from '../ports/clock.ts'
import type { LedgerStore } from '../ports/ledger_store.ts'

/** One version of an account's policy, as it was written. */
export interface PolicyVersion {
  /** 0: none was written, the defaults hold. */
  readonly version: number
  readonly json: JsonObject
  readonly createdAt: Instant | null
}

/** A change by another process is seen after this time at the latest. */
const CACHE_MS = 2 * SECOND_MS

/** What the versions of the policy are kept with. */
export interface PolicyPorts {
  readonly access: AccessStore
  readonly ledger: LedgerStore
  readonly clock: Clock
}

/** The policies of the accounts: versions that are only added to, the newest counts. */
export class PolicyBook {
  readonly #ports: PolicyPorts
  readonly #cache = new Map<string, { readonly policy: Policy; readonly until: Instant }>()

  constructor(ports: PolicyPorts) {
    this.#ports = ports
  }

  /** What counts now. */
  async current(account: string): Promise<Policy> {
    const now = this.#ports.clock.now()
    const cached = this.#cache.get(account)
    if (cached !== undefined && now < cached.until) return cached.policy
    const { version, json } = await this.newest(account)
    const policy = version === 0 ? DEFAULT_POLICY : parsePolicy(json)
    this.#cache.set(account, { policy, until: addMs(now, CACHE_MS) })
    return policy
  }

  /** The newest version, as it was written. */
  async newest(account: string): Promise<PolicyVersion> {
    const row = await this.#ports.access.policy(account)
    if (row === null) return { version: 0, json: {}, createdAt: null }
    return { version: row.version, json: readJson(row.data), createdAt: row.createdAt }
  }

  async versions(account: string): Promise<readonly PolicyVersion[]> {
    const rows = await this.#ports.access.policies(account)
    return rows.map((row) => ({ version: row.version, json: readJson(row.data), createdAt: row.createdAt }))
  }

  /**
   * Writes a new version. Every customer's answer is looked at again soon, so that changes are told.
   *
   * @throws BillhookError `invalid_request` if it cannot be read, `conflict` if another version was written in the meantime
   */
  async write(account: string, json: JsonObject): Promise<PolicyVersion> {
    const policy = parsePolicy(json)
    const now = this.#ports.clock.now()
    const { version } = await this.newest(account)
    const row = { account, version: version + 1, data: JSON.stringify(json), createdAt: now }
    if (!(await this.#ports.access.addPolicy(row)))
      throw new BillhookError(
        'conflict',
        `version ${row.version} of the policy was written in the meantime; read it, then decide whether to retry`,
      )
    this.#cache.set(account, { policy, until: addMs(now, CACHE_MS) })
    await this.#ports.ledger.turnAccess(account, now)
    return { version: row.version, json, createdAt: now }
  }
}

function readJson(text: string): JsonObject {
  const json: unknown = JSON.parse(text)
  if (!isObject(json)) throw new BillhookError('internal_invariant', 'the store holds a policy that is not an object')
  return json
}
