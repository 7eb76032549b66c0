import type { Dialect, PublicKeyLookup } from '../dialects/dialect.ts'
import { resolveDialect } from '../dialects/registry.ts'
import { isBillhookError } from '../model/error.ts'
import type { Clock } from '../ports/clock.ts'
import type { HttpClient } from '../ports/http.ts'
import type { Log } from '../ports/log.ts'
import type { Random } from '../ports/random.ts'
import type { SecretBox } from '../ports/secret_box.ts'
import { UndiciHttpClient } from '../runtime/http_client.ts'
import { createKeySet } from '../runtime/jwks.ts'
import { createMetrics } from '../runtime/metrics.ts'
import type { PrometheusMetrics } from '../runtime/metrics.ts'
import { createSecretBox } from '../runtime/secret_box.ts'
import { createSystemClock } from '../runtime/system_clock.ts'
import { createSystemRandom } from '../runtime/system_random.ts'
import { Guard, GUARD_DEFAULTS, GUARD_DEVELOPMENT } from '../runtime/ssrf.ts'
import type { Database } from '../storage/database.ts'
import { openDatabase } from '../storage/open_store.ts'
import type { StoreLocation } from '../storage/open_store.ts'

/** What both ends are opened with. */
export interface CoreOptions {
  readonly location: StoreLocation
  /** 32 bytes. */
  readonly secretKey: Uint8Array
  readonly log: Log
  readonly clock?: Clock
  readonly random?: Random
  /** True: requests may also go to this machine and to private networks, and over plain http. */
  readonly allowPrivate: boolean
  /** Key sets that are known without asking: null for all others. */
  readonly publicKeys?: (jwksUrl: string) => PublicKeyLookup | null
}

/** What both ends stand on: the store, the clock, randomness, the log, the network. */
export interface Core extends AsyncDisposable {
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: PrometheusMetrics
  readonly secretBox: SecretBox
  readonly guard: Guard
  readonly http: HttpClient
  /** @returns null if there is no such dialect */
  readonly dialect: (id: string) => Dialect | null
  /** The key set at a URL; the same for everybody who asks, so that it is fetched once. */
  readonly publicKeys: (jwksUrl: string) => PublicKeyLookup
}

/**
 * Opens the store and what stands beside it.
 *
 * @throws BillhookError `store_locked`, `store_unavailable`, `store_newer`, `config_invalid`
 */
export async function openCore(options: CoreOptions): Promise<Core> {
  const { log } = options
  const secretBox = createSecretBox(options.secretKey)
  const clock = options.clock ?? createSystemClock()
  const guard = new Guard(options.allowPrivate ? GUARD_DEVELOPMENT : GUARD_DEFAULTS)
  const database = await openDatabase(options.location)
  const http = new UndiciHttpClient(guard)
  // Key sets age on the machine's clock: on a test clock that stands still they never would.
  const realClock = createSystemClock()
  const keySets = new Map<string, PublicKeyLookup>()
  return {
    database,
    clock,
    random: options.random ?? createSystemRandom(),
    log,
    metrics: createMetrics(),
    secretBox,
    guard,
    http,
    dialect: findDialect,
    publicKeys: (url) => {
      const own = options.publicKeys?.(url) ?? null
      if (own !== null) return own
      const known =
        keySets.get(url) ?? createKeySet({ url, send: (request) => http.send(request), now: () => realClock.now() })
      keySets.set(url, known)
      return known
    },
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]()
      await database.close()
    },
  }
}

/** The dialect that a text names, or null. */
function findDialect(id: string): Dialect | null {
  try {
    return resolveDialect(id)
  } catch (error) {
    if (isBillhookError(error) && error.code === 'unknown_dialect') return null
    throw error
  }
}
