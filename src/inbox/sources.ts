import { DIALECT_IDS } from '../dialects/dialect.ts'
import type { Dialect, Notification, OpeningKeys, PublicKeyLookup, Secret } from '../dialects/dialect.ts'
import { BillhookError, messageOf } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import { addMs, SECOND_MS } from '../model/instant.ts'
import { isObject } from '../model/json.ts'
import type { Json, JsonObject } from '../model/json.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { SecretBox } from '../ports/secret_box.ts'
import type { LockedSecret, SourceStore, StoredSource } from '../ports/source_store.ts'

/** Choices of one source. */
export interface SourceSettings {
  /** How far a signed timestamp may lie from the clock; null: the dialect's default. */
  readonly toleranceMs: number | null
  /** Where the provider publishes its keys; only for dialects whose body is a token. */
  readonly jwksUrl: string | null
  /** How long reactions wait for the rest of a burst. */
  readonly settleMs: number
  /** Whether ids of the app's own world that the provider's data carries link users to customers. */
  readonly autoLink: boolean
}

const DEFAULT_SETTINGS: SourceSettings = {
  toleranceMs: null,
  jwksUrl: null,
  settleMs: 2 * SECOND_MS,
  autoLink: true,
}

/** What opens the API of a source's provider, to look objects up there. */
export interface ApiAccess {
  readonly key: string
  /** Another address than the provider's own; null: that. */
  readonly url: string | null
}

/** A source, ready to open deliveries. */
export interface LiveSource {
  readonly account: string
  readonly name: string
  readonly dialect: Dialect
  readonly keys: OpeningKeys
  readonly settings: SourceSettings
  /** Null: nothing is looked up at the provider. */
  readonly api: ApiAccess | null
  readonly createdAt: Instant
  /** Without the secrets themselves. */
  readonly secrets: readonly Omit<LockedSecret, 'locked'>[]
}

/** What a new source is made of. */
export interface NewSource {
  readonly account: string
  readonly name: string
  readonly dialect: string
  readonly secrets: readonly string[]
  readonly settings?: Partial<SourceSettings>
  readonly api?: ApiAccess | null
}

/** What {@link SourceBook} works with. */
export interface SourceBookPorts {
  readonly store: SourceStore
  readonly clock: Clock
  readonly random: Random
  readonly secretBox: SecretBox
  /** @returns null if there is no such dialect */
  readonly dialect: (id: string) => Dialect | null
  /** Looks keys up in the set at this URL. */
  readonly publicKeys: (jwksUrl: string) => PublicKeyLookup
}

/** A change of a source by another process is seen after this time at the latest. */
const CACHE_MS = 2 * SECOND_MS
/** Most names kept, the unknown among them: somebody may try many. */
const MAX_CACHED = 1_000

interface Cached {
  readonly source: LiveSource | null
  readonly until: Instant
}

/** The sources: made, changed, and kept at hand for the ingest. */
export class SourceBook {
  readonly #ports: SourceBookPorts
  readonly #cache = new Map<string, Cached>()

  constructor(ports: SourceBookPorts) {
    this.#ports = ports
  }

  /** The source of this name, at most {@link CACHE_MS} old; null if there is none. */
  async find(account: string, name: string): Promise<LiveSource | null> {
    const key = `${account}\n${name}`
    const now = this.#ports.clock.now()
    const cached = this.#cache.get(key)
    if (cached !== undefined && now < cached.until) return cached.source
    const stored = isSourceName(name) ? await this.#ports.store.source(account, name) : null
    const source = stored === null ? null : this.#live(stored)
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear()
    this.#cache.set(key, { source, until: addMs(now, CACHE_MS) })
    return source
  }

  /** @throws BillhookError `unknown_source` */
  async require(account: string, name: string): Promise<LiveSource> {
    const source = await this.find(account, name)
    if (source === null)
      throw new BillhookError('unknown_source', `no source is called ${JSON.stringify(name)}; create it first`)
    return source
  }

  async list(account: string): Promise<readonly LiveSource[]> {
    return (await this.#ports.store.sources(account)).map((stored) => this.#live(stored))
  }

  /** @throws BillhookError `invalid_request` (the name, a secret), `unknown_dialect`, `conflict` (the name is taken) */
  async create(wanted: NewSource): Promise<LiveSource> {
    const { account, name, dialect, secrets } = wanted
    if (!isSourceName(name))
      throw new BillhookError(
        'invalid_request',
        `${JSON.stringify(name)} cannot be the name of a source: use up to 64 of a-z, 0-9, - and _`,
        { details: { field: 'name' } },
      )
    const settings = { ...DEFAULT_SETTINGS, ...wanted.settings }
    const createdAt = this.#ports.clock.now()
    for (const text of secrets) await requireUsable(this.#dialect(dialect), text, 'secrets', createdAt)
    const stored: StoredSource = {
      account,
      name,
      dialect: this.#dialect(dialect).id,
      secrets: secrets.map((text) => this.#lock({ text, from: null, until: null })),
      settings: { ...writeSettings(settings), api: this.#lockApi(this.#dialect(dialect), wanted.api ?? null) },
      createdAt,
    }
    if (!(await this.#ports.store.createSource(stored)))
      throw new BillhookError(
        'conflict',
        `a source called ${name} exists already; choose another name or change that one`,
      )
    return this.#remember(stored)
  }

  /**
   * Changes dialect, settings or the access to the API; what is not given stays.
   *
   * @throws BillhookError `unknown_source`, `unknown_dialect`, `invalid_request` if objects of the dialect cannot be
   *   looked up with a key
   */
  async update(
    account: string,
    name: string,
    change: {
      readonly dialect?: string
      readonly settings?: Partial<SourceSettings>
      readonly api?: ApiAccess | null
    },
  ): Promise<LiveSource> {
    const stored = await this.#stored(account, name)
    const settings = { ...readSettings(stored.settings), ...change.settings }
    const dialect = this.#dialect(change.dialect ?? stored.dialect)
    const { api = null } = stored.settings
    return this.#save({
      ...stored,
      dialect: dialect.id,
      settings: {
        ...writeSettings(settings),
        api: change.api === undefined ? api : this.#lockApi(dialect, change.api),
      },
    })
  }

  /**
   * Adds a secret. The secrets before it stay valid for `overlapMs` more, so that deliveries that are on their way,
   * and retries of older ones, still open.
   *
   * @throws BillhookError `unknown_source`, `invalid_request` if the dialect cannot open with this secret
   */
  async addSecret(account: string, name: string, text: string, overlapMs: number | null): Promise<LiveSource> {
    const stored = await this.#stored(account, name)
    const now = this.#ports.clock.now()
    await requireUsable(this.#dialect(stored.dialect), text, 'secret', now)
    const end = overlapMs === null ? null : addMs(now, overlapMs)
    const older = stored.secrets
      .filter((secret) => secret.until === null || secret.until > now)
      .map((secret) => ({ ...secret, until: sooner(secret.until, end) }))
    return this.#save({ ...stored, secrets: [this.#lock({ text, from: null, until: null }), ...older] })
  }

  /** Takes a secret away at once. @throws BillhookError `unknown_source`, `not_found` */
  async removeSecret(account: string, name: string, id: string): Promise<LiveSource> {
    const stored = await this.#stored(account, name)
    const secrets = stored.secrets.filter((secret) => secret.id !== id)
    if (secrets.length === stored.secrets.length)
      throw new BillhookError('not_found', `the source ${name} has no secret ${id}`)
    return this.#save({ ...stored, secrets })
  }

  /** What it delivered stays. @throws BillhookError `unknown_source` */
  async remove(account: string, name: string): Promise<void> {
    await this.#stored(account, name)
    await this.#ports.store.deleteSource(account, name)
    this.#cache.delete(`${account}\n${name}`)
  }

  async #stored(account: string, name: string): Promise<StoredSource> {
    const stored = await this.#ports.store.source(account, name)
    if (stored === null)
      throw new BillhookError('unknown_source', `no source is called ${JSON.stringify(name)}; create it first`)
    return stored
  }

  async #save(stored: StoredSource): Promise<LiveSource> {
    if (!(await this.#ports.store.updateSource(stored)))
      throw new BillhookError('unknown_source', `the source ${stored.name} was removed meanwhile`)
    return this.#remember(stored)
  }

  #remember(stored: StoredSource): LiveSource {
    const source = this.#live(stored)
    const until = addMs(this.#ports.clock.now(), CACHE_MS)
    this.#cache.set(`${stored.account}\n${stored.name}`, { source, until })
    return source
  }

  #dialect(id: string): Dialect {
    const dialect = this.#ports.dialect(id)
    if (dialect !== null) return dialect
    const ids = DIALECT_IDS.join(', ')
    const message = `no dialect has the id ${JSON.stringify(id)}; use one of ${ids}, or another version of one of these`
    throw new BillhookError('unknown_dialect', message)
  }

  #lock(secret: Secret): LockedSecret {
    const id = Buffer.from(this.#ports.random.bytes(6)).toString('hex')
    return { id, locked: this.#ports.secretBox.lock(secret.text), from: secret.from, until: secret.until }
  }

  #lockApi(dialect: Dialect, api: ApiAccess | null): JsonObject | null {
    if (api === null) return null
    if (dialect.retrieval === null)
      throw new BillhookError('invalid_request', `api: objects of ${dialect.id} cannot be looked up with a key`, {
        details: { field: 'api' },
      })
    // An environment variable that is not set comes as undefined, whatever its type says.
    if (typeof api.key !== 'string' || api.key.trim() === '')
      throw new BillhookError('invalid_request', `api.key: it is missing or blank; give ${dialect.retrieval.keyForm}`, {
        details: { field: 'api.key' },
      })
    return { locked: this.#ports.secretBox.lock(api.key), url: api.url }
  }

  #unlockApi(stored: Json | undefined): ApiAccess | null {
    if (stored === undefined || !isObject(stored)) return null
    const { locked, url } = stored
    if (typeof locked !== 'string') return null
    return { key: this.#ports.secretBox.unlock(locked), url: typeof url === 'string' ? url : null }
  }

  #live(stored: StoredSource): LiveSource {
    const settings = readSettings(stored.settings)
    const { secretBox, publicKeys } = this.#ports
    return {
      account: stored.account,
      name: stored.name,
      dialect: this.#dialect(stored.dialect),
      keys: {
        secrets: stored.secrets.map(({ locked, from, until }) => ({ text: secretBox.unlock(locked), from, until })),
        publicKey: settings.jwksUrl === null ? null : publicKeys(settings.jwksUrl),
      },
      settings,
      api: this.#unlockApi(stored.settings['api']),
      createdAt: stored.createdAt,
      secrets: stored.secrets.map(({ id, from, until }) => ({ id, from, until })),
    }
  }
}

const PROBE: Notification = { id: 'probe', type: 'probe', createdAt: null, account: null, body: {} }

/**
 * A secret must open what it seals itself. One that is blank or of another scheme would otherwise be found out only when
 * the provider's first delivery is refused.
 */
async function requireUsable(dialect: Dialect, text: unknown, field: string, at: Instant): Promise<void> {
  const refuse = (why: string): BillhookError =>
    new BillhookError('invalid_request', `${field}: ${why}`, { details: { field } })
  // An environment variable that is not set comes as undefined, whatever its type says.
  if (typeof text !== 'string' || text.trim() === '') throw refuse('the secret is missing or blank')
  if (dialect.newSecret(new Uint8Array(32)) === null)
    throw refuse(`deliveries of ${dialect.id} are signed with key pairs, not secrets: set jwksUrl instead`)
  const keys: OpeningKeys = { secrets: [{ text, from: null, until: null }], publicKey: null }
  try {
    const sealed = dialect.seal(PROBE, { secrets: [text], signingKey: null }, at)
    const verified = await dialect.verify(sealed, keys, { at: null, toleranceMs: null })
    if (verified.ok) return
  } catch (error) {
    throw refuse(`this is no secret of ${dialect.id}: ${messageOf(error)}`)
  }
  throw refuse(`this is no secret of ${dialect.id}`)
}

function sooner(a: Instant | null, b: Instant | null): Instant | null {
  if (a === null || b === null) return a ?? b
  return a < b ? a : b
}

function isSourceName(name: string): boolean {
  return /^[a-z0-9][a-z0-9_-]{0,63}$/.test(name)
}

function writeSettings(settings: SourceSettings): JsonObject {
  return { ...settings }
}

function readSettings(json: JsonObject): SourceSettings {
  const { toleranceMs, jwksUrl, settleMs, autoLink } = json
  return {
    toleranceMs: typeof toleranceMs === 'number' ? toleranceMs : DEFAULT_SETTINGS.toleranceMs,
    jwksUrl: typeof jwksUrl === 'string' ? jwksUrl : DEFAULT_SETTINGS.jwksUrl,
    settleMs: typeof settleMs === 'number' ? settleMs : DEFAULT_SETTINGS.settleMs,
    autoLink: typeof autoLink === 'boolean' ? autoLink : DEFAULT_SETTINGS.autoLink,
  }
}
